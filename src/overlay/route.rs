//! The way that was travelled, as a line on a plane: projected, fitted into a
//! box and simplified to what can be seen.

use crate::model::Telemetry;
use crate::overlay::style::Plate;

/// Metres in one degree of latitude, near enough for a picture.
const METRES_PER_DEGREE: f64 = 111_320.0;

/// A place of the route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stop {
    /// On the telemetry's clock, in ns.
    pub(crate) time: i64,
    /// To the east and to the south, in metres or in pixels.
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A local equirectangular projection: true to scale near its middle, north up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projection {
    longitude: f64,
    east: f64,
}

impl Projection {
    /// Around the middle of the log's positions; `None` where it has none.
    pub(crate) fn of(telemetry: &Telemetry) -> Option<Projection> {
        let (latitude, longitude) = (telemetry.channel("latitude")?, telemetry.channel("longitude")?);
        let finite = || latitude.values.iter().copied().filter(|v| v.is_finite());
        let (south, north) = (finite().reduce(f64::min)?, finite().reduce(f64::max)?);
        let longitude = longitude.values.iter().copied().find(|v| v.is_finite())?;
        let east = libm::cos(((south + north) / 2.0).to_radians()) * METRES_PER_DEGREE;
        Some(Projection { longitude, east })
    }

    /// Metres to the east and to the south of the projection's origin. Goes on
    /// over the 180th meridian.
    pub(crate) fn project(&self, latitude: f64, longitude: f64) -> (f64, f64) {
        let turned = longitude - self.longitude;
        let turned = turned - 360.0 * libm::round(turned / 360.0);
        (turned * self.east, -latitude * METRES_PER_DEGREE)
    }
}

/// The stretches of the log between gaps, projected. A position that is not
/// known is a gap as well: nobody knows that the straight line is the way.
pub(crate) fn stretches(telemetry: &Telemetry, projection: &Projection) -> Vec<Vec<Stop>> {
    let (Some(latitude), Some(longitude)) = (telemetry.channel("latitude"), telemetry.channel("longitude")) else {
        return Vec::new();
    };
    let mut breaks = telemetry.breaks.iter().map(|index| *index as usize).peekable();
    let mut stretches = vec![Vec::new()];
    let positions = latitude.values.iter().zip(&longitude.values);
    for (index, (time, (lat, lon))) in telemetry.times.iter().zip(positions).enumerate() {
        while breaks.next_if(|at| *at <= index).is_some() {
            stretches.push(Vec::new());
        }
        if lat.is_finite() && lon.is_finite() {
            let (x, y) = projection.project(*lat, *lon);
            if let Some(stretch) = stretches.last_mut() {
                stretch.push(Stop { time: *time, x, y });
            }
        } else if stretches.last().is_some_and(|stretch| !stretch.is_empty()) {
            stretches.push(Vec::new());
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

/// How many points are simplified at a time: keeps the worst case linear in
/// the length of the log.
const BATCH: usize = 512;

/// Leaves out what is within `tolerance` of the line without it
/// (Ramer-Douglas-Peucker). First and last stop stay.
pub(crate) fn simplify(stops: &[Stop], tolerance: f64) -> Vec<Stop> {
    // Crowds of samples in one place, a rest for example, go first.
    let mut thinned: Vec<Stop> = Vec::new();
    for (index, stop) in stops.iter().enumerate() {
        let apart = |last: &Stop| libm::hypot(stop.x - last.x, stop.y - last.y) >= tolerance;
        if index + 1 == stops.len() || thinned.last().is_none_or(apart) {
            thinned.push(*stop);
        }
    }
    let mut kept: Vec<Stop> = thinned.first().copied().into_iter().collect();
    let mut start = 0;
    while start + 1 < thinned.len() {
        let end = (start + BATCH).min(thinned.len() - 1);
        keep_corners(&thinned[start..=end], tolerance, &mut kept);
        start = end;
    }
    kept
}

/// Adds to `kept` what must stay of `stops`, without the first of them.
fn keep_corners(stops: &[Stop], tolerance: f64, kept: &mut Vec<Stop>) {
    let mut open = vec![(0, stops.len() - 1)];
    while let Some((from, to)) = open.pop() {
        let far = (from + 1..to)
            .map(|index| (index, nearest_on(&stops[from], &stops[to], stops[index].x, stops[index].y).1))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        match far.filter(|(_, distance)| *distance > tolerance) {
            Some((index, _)) => open.extend([(index, to), (from, index)]),
            None => kept.push(stops[to]),
        }
    }
}

/// The place on the line from `a` to `b` that is nearest to (`x`, `y`), as a
/// share of the line, and how far that is.
pub(crate) fn nearest_on(a: &Stop, b: &Stop, x: f64, y: f64) -> (f64, f64) {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let square = dx * dx + dy * dy;
    let share = if square > 0.0 { (((x - a.x) * dx + (y - a.y) * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
    (share, libm::hypot(a.x + dx * share - x, a.y + dy * share - y))
}

/// A rectangle on the plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    /// The plate and `more` pixels around it.
    pub(crate) fn around(plate: &Plate, more: f64) -> Area {
        Area {
            left: plate.left - more,
            top: plate.top - more,
            right: plate.left + plate.width + more,
            bottom: plate.top + plate.height + more,
        }
    }

    /// Whether a line from `a` to `b` may cross it.
    fn touches(&self, a: &Stop, b: &Stop) -> bool {
        let beside = (a.x < self.left && b.x < self.left) || (a.x > self.right && b.x > self.right);
        let beyond = (a.y < self.top && b.y < self.top) || (a.y > self.bottom && b.y > self.bottom);
        !beside && !beyond
    }
}

/// The parts of a line that may be seen in `area`.
pub(crate) fn crop(stops: &[Stop], area: &Area) -> Vec<Vec<Stop>> {
    let mut parts: Vec<Vec<Stop>> = Vec::new();
    let mut open = false;
    for pair in stops.windows(2) {
        let seen = area.touches(&pair[0], &pair[1]);
        match parts.last_mut() {
            Some(part) if seen && open => part.push(pair[1]),
            _ if seen => parts.push(pair.to_vec()),
            _ => {}
        }
        open = seen;
    }
    if let [only] = stops
        && area.touches(only, only)
    {
        parts.push(vec![*only]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(points: &[(f64, f64)]) -> Vec<Stop> {
        points.iter().zip(0..).map(|((x, y), time)| Stop { time, x: *x, y: *y }).collect()
    }

    #[test]
    fn straight_lines_keep_their_ends_and_corners_stay() {
        let line: Vec<_> = (0..2_000).map(|n| (f64::from(n), 0.1 * f64::from(n % 2))).collect();
        // One stop for each batch besides the ends.
        assert!(simplify(&stops(&line), 0.35).len() <= 2 + line.len() / BATCH);
        let corner = [(0.0, 0.0), (5.0, 0.1), (10.0, 0.0), (10.0, 10.0)];
        let kept: Vec<_> = simplify(&stops(&corner), 0.35).iter().map(|s| s.time).collect();
        assert_eq!(kept, [0, 2, 3]);
    }

    #[test]
    fn nothing_is_further_from_the_simplified_line_than_the_tolerance() {
        let spiral: Vec<_> = (0..3_000)
            .map(|n| f64::from(n) / 100.0)
            .map(|t| (t * 9.0 * libm::cos(t), t * 9.0 * libm::sin(t)))
            .collect();
        let all = stops(&spiral);
        let kept = simplify(&all, 0.35);
        assert!(kept.len() < 600, "{}", kept.len());
        for stop in &all {
            let near = kept.windows(2).map(|w| nearest_on(&w[0], &w[1], stop.x, stop.y).1).fold(f64::MAX, f64::min);
            assert!(near <= 0.36, "{near}");
        }
    }

    #[test]
    fn a_rest_is_one_point() {
        let kept = simplify(&stops(&[(3.0, 3.0); 5_000]), 0.35);
        assert_eq!(kept.len(), 2);
        assert_eq!(simplify(&stops(&[(3.0, 3.0)]), 0.35).len(), 1);
        assert!(simplify(&[], 0.35).is_empty());
    }

    #[test]
    fn what_is_out_of_sight_is_cropped() {
        let area = Area { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };
        let line = stops(&[(-9.0, 5.0), (-5.0, 5.0), (5.0, 5.0), (20.0, 5.0), (20.0, 30.0), (5.0, 30.0), (5.0, -30.0)]);
        let parts: Vec<Vec<i64>> =
            crop(&line, &area).iter().map(|part| part.iter().map(|s| s.time).collect()).collect();
        assert_eq!(parts, [vec![1, 2, 3], vec![5, 6]]);
    }

    #[test]
    fn no_line_leads_where_the_position_is_not_known() {
        let channel = |name: &str, values: [f64; 6]| crate::model::Channel {
            name: name.to_owned(),
            unit: crate::base::Unit::Degrees,
            values: values.to_vec(),
        };
        let log = Telemetry {
            times: (0..6).collect(),
            channels: vec![
                channel("latitude", [47.0, 47.1, f64::NAN, f64::NAN, 47.4, 47.5]),
                channel("longitude", [8.0, 8.1, 8.2, f64::NAN, 8.4, 8.5]),
            ],
            ..Telemetry::default()
        };
        let stretches = stretches(&log, &Projection::of(&log).unwrap());
        let times: Vec<Vec<i64>> = stretches.iter().map(|part| part.iter().map(|stop| stop.time).collect()).collect();
        assert_eq!(times, [vec![0, 1], vec![4, 5]]);
    }

    /// One degree of longitude at 60 degrees north is half of one at the
    /// equator.
    #[test]
    fn projection_is_true_to_scale_and_crosses_the_date_line() {
        let projection = Projection { longitude: 179.9, east: METRES_PER_DEGREE * 0.5 };
        let (x, y) = projection.project(60.0, -179.9);
        assert!((x - 0.2 * METRES_PER_DEGREE * 0.5).abs() < 1e-3, "{x}");
        assert_eq!(y, -60.0 * METRES_PER_DEGREE);
    }
}
