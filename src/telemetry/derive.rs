//! Channels that a log lacks, from those that it has. All of them stop at
//! gaps.

use std::ops::Range;

use super::motion::Motion;

/// Half of the window in which a slope is fitted: metres of way, or this many
/// seconds of it where the ride is faster.
const HALF_WINDOW: f64 = 50.0;
const HALF_SECONDS: f64 = 3.0;

/// Samples within this many metres count as one point of the profile, so that
/// a rest, however long, weighs no more than a metre of climbing.
const NODE: f64 = 5.0;

/// A stretch shorter than this, in metres, has no gradient.
const SHORTEST: f64 = 20.0;

/// Steeper than this, in percent, is an error of the altitude.
const STEEPEST: f64 = 60.0;

/// Below this speed, in m/s, the direction of movement is noise.
const HEADING_FROM: f64 = 1.0;

/// Metres since the start: the integral of speed (m/s) over time, which was
/// `sum` at the sample before `from`. Where the speed is unknown nothing is
/// added.
pub(super) fn distance(seconds: &[f64], broken: &[bool], speed: &[f64], from: usize, sum: f64) -> Vec<f64> {
    let mut sum = sum;
    let each = (0..seconds.len()).map(|at| {
        if at > 0 && at >= from && !broken[at] {
            let step = (speed[at - 1] + speed[at]) / 2.0 * (seconds[at] - seconds[at - 1]);
            if step.is_finite() {
                sum += step;
            }
        }
        sum
    });
    each.collect()
}

/// Degrees clockwise from north; at rest that of the movement before, or at
/// the start after. At the sample before `from` it was `last`.
pub(super) fn heading(broken: &[bool], motion: &[Option<Motion>], from: usize, last: f64) -> Vec<f64> {
    let mut headings = vec![f64::NAN; motion.len()];
    let mut last = last;
    for (at, motion) in motion.iter().enumerate().skip(from) {
        if broken[at] {
            last = f64::NAN;
        }
        match motion {
            Some(motion) if motion.speed >= HEADING_FROM => {
                let degrees = libm::atan2(motion.velocity[0], motion.velocity[1]).to_degrees();
                last = degrees.rem_euclid(360.0);
                headings[at] = last;
            }
            Some(_) => headings[at] = last,
            None => last = f64::NAN,
        }
    }
    let mut next = f64::NAN;
    for at in (from..motion.len()).rev() {
        match motion[at] {
            Some(_) if headings[at].is_nan() => headings[at] = next,
            Some(_) => next = headings[at],
            None => next = f64::NAN,
        }
        if broken[at] {
            next = f64::NAN;
        }
    }
    headings
}

/// A point of the profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    distance: f64,
    altitude: f64,
    time: f64,
    count: f64,
}

/// The profile up to a sample: enough of its points for the slopes after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    nodes: Vec<Node>,
    /// Where the last point began.
    from: f64,
}

/// Points that are kept of a profile: some 150 m each way at the speed and rate
/// that need most.
const KEPT_NODES: usize = 128;

/// Percent: the slope of altitude over distance (both metres), by local linear
/// regression with tricube weights (Cleveland, "Robust locally weighted
/// regression", JASA 74, 1979).
///
/// Before `counted` the profile is `before`; what it is at the end of `counted`
/// is given back, too.
pub(super) fn gradient(
    seconds: &[f64],
    broken: &[bool],
    distance: &[f64],
    altitude: &[f64],
    counted: Range<usize>,
    before: Profile,
) -> (Vec<f64>, Profile) {
    let mut gradients = vec![f64::NAN; seconds.len()];
    let mut profile = before;
    let mut kept = Profile::default();
    let mut start = counted.start;
    while start < seconds.len() {
        let end = (start + 1..seconds.len()).find(|at| broken[*at]).unwrap_or(seconds.len());
        if broken[start] {
            profile = Profile::default();
        }
        let at_end = stretch((start..end, counted.end), seconds, distance, altitude, &mut gradients, profile);
        if (start..end).contains(&counted.end) || end == seconds.len() {
            kept = at_end;
        }
        if end >= counted.end {
            break;
        }
        profile = Profile::default();
        start = end;
    }
    (gradients, kept)
}

/// One stretch without a gap, behind what is known of it already. Gives the
/// profile at sample `keep` of it, or at its end.
fn stretch(
    (range, keep): (Range<usize>, usize),
    seconds: &[f64],
    distance: &[f64],
    altitude: &[f64],
    gradients: &mut [f64],
    before: Profile,
) -> Profile {
    let Profile { mut nodes, mut from } = before;
    let mut kept = None;
    for at in range.clone() {
        if at == keep {
            kept = Some(Profile { nodes: nodes[nodes.len().saturating_sub(KEPT_NODES)..].to_vec(), from });
        }
        let (d, a, t) = (distance[at], altitude[at], seconds[at]);
        if !d.is_finite() || !a.is_finite() {
            continue;
        }
        match nodes.last_mut() {
            Some(node) if d < from + NODE => {
                node.count += 1.0;
                node.distance += (d - node.distance) / node.count;
                node.altitude += (a - node.altitude) / node.count;
                node.time += (t - node.time) / node.count;
            }
            _ => {
                from = d;
                nodes.push(Node { distance: d, altitude: a, time: t, count: 1.0 });
            }
        }
    }
    let kept =
        kept.unwrap_or_else(|| Profile { nodes: nodes[nodes.len().saturating_sub(KEPT_NODES)..].to_vec(), from });
    let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else { return kept };
    if last.distance - first.distance < SHORTEST {
        return kept;
    }
    let slopes = slopes(&nodes);
    let mut near = 0;
    for at in range {
        let d = distance[at];
        if !d.is_finite() || !altitude[at].is_finite() {
            continue;
        }
        while near + 2 < nodes.len() && nodes[near + 1].distance <= d {
            near += 1;
        }
        let (a, b) = (&nodes[near], &nodes[near + 1]);
        let share = ((d - a.distance) / (b.distance - a.distance)).clamp(0.0, 1.0);
        let slope = slopes[near] + (slopes[near + 1] - slopes[near]) * share;
        gradients[at] = (slope * 100.0).clamp(-STEEPEST, STEEPEST);
    }
    kept
}

/// The slope at each node. There are at least two of them.
fn slopes(nodes: &[Node]) -> Vec<f64> {
    let (mut low, mut high) = (0, 0);
    let each = (0..nodes.len()).map(|at| {
        let here = nodes[at].distance;
        let (before, after) = (at.saturating_sub(1), (at + 1).min(nodes.len() - 1));
        let time = nodes[after].time - nodes[before].time;
        let speed = if time > 0.0 { (nodes[after].distance - nodes[before].distance) / time } else { 0.0 };
        let half = HALF_WINDOW.max(HALF_SECONDS * speed);
        while nodes[low].distance < here - half {
            low += 1;
        }
        while low > 0 && nodes[low - 1].distance >= here - half {
            low -= 1;
        }
        high = high.max(at);
        while high + 1 < nodes.len() && nodes[high + 1].distance <= here + half {
            high += 1;
        }
        while high > at && nodes[high].distance > here + half {
            high -= 1;
        }
        // Where nodes are far apart the neighbours still count.
        let (low, high) = (low.min(before), high.max(after));
        let reach = half.max(here - nodes[low].distance).max(nodes[high].distance - here) * 1.001;
        fit(&nodes[low..=high], here, reach)
    });
    each.collect()
}

fn fit(nodes: &[Node], here: f64, reach: f64) -> f64 {
    let weight = |node: &Node| {
        let u = ((node.distance - here) / reach).abs();
        let v = 1.0 - u * u * u;
        v * v * v
    };
    let (mut total, mut d, mut a) = (0.0, 0.0, 0.0);
    for node in nodes {
        let w = weight(node);
        total += w;
        d += w * (node.distance - here);
        a += w * node.altitude;
    }
    let (d, a) = (d / total, a / total);
    let (mut both, mut square) = (0.0, 0.0);
    for node in nodes {
        let (w, x) = (weight(node), node.distance - here - d);
        both += w * x * (node.altitude - a);
        square += w * x * x;
    }
    if square > 0.0 { both / square } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 m/s at 1 Hz up a slope of 6 %, with a rest of a minute during which
    /// the altitude wanders by 3 m.
    #[test]
    fn a_rest_does_not_tilt_the_road() {
        let seconds: Vec<f64> = (0..260).map(f64::from).collect();
        let distance: Vec<f64> =
            seconds.iter().map(|t| if *t < 100.0 { 5.0 * t } else { 5.0 * (t - 60.0).max(100.0) }).collect();
        let wander = |t: f64| if (100.0..160.0).contains(&t) { 3.0 * ((t - 100.0) / 20.0).sin() } else { 0.0 };
        let altitude: Vec<f64> = seconds.iter().zip(&distance).map(|(t, d)| 0.06 * d + wander(*t)).collect();
        let gradients = gradient(&seconds, &vec![false; 260], &distance, &altitude, 0..260, Profile::default()).0;
        for (t, gradient) in seconds.iter().zip(&gradients) {
            assert!((gradient - 6.0).abs() < 1.5, "{t} {gradient}");
        }
    }

    #[test]
    fn no_gradient_without_way_and_none_across_a_gap() {
        let seconds: Vec<f64> = (0..100).map(f64::from).collect();
        let mut broken = vec![false; 100];
        broken[50] = true;
        let distance: Vec<f64> = seconds.iter().map(|t| if *t < 50.0 { 10.0 * t } else { 500.0 }).collect();
        let altitude: Vec<f64> = seconds.iter().map(|t| if *t < 50.0 { 0.5 * t } else { 200.0 }).collect();
        let gradients = gradient(&seconds, &broken, &distance, &altitude, 0..100, Profile::default()).0;
        assert!(gradients[..50].iter().all(|g| (g - 5.0).abs() < 1e-6));
        assert!(gradients[50..].iter().all(|g| g.is_nan()));
    }

    #[test]
    fn distance_is_speed_over_time_without_gaps() {
        let broken = [false, false, true, false];
        assert_eq!(distance(&[0.0, 1.0, 50.0, 51.0], &broken, &[2.0, 4.0, 4.0, 4.0], 0, 0.0), [0.0, 3.0, 3.0, 7.0]);
    }
}
