//! How fast one climbs: the slope of the altitude over time, by local linear
//! regression with tricube weights (Cleveland, "Robust locally weighted
//! regression", JASA 74, 1979).
//!
//! A barometer steps by 20 cm and a receiver's altitude wanders by metres: over
//! [`HALF`] seconds on both sides a wandering of 1 m at 1 Hz is some 0.1 m/s.

use super::over_time::stretches;
use super::staged::{Margins, Staged, Window};
use crate::base::Unit;
use crate::telemetry::channels::{self, ChannelKind};
use crate::telemetry::clean::Stopped;

/// Half of the window, in seconds.
const HALF: f64 = 6.0;

/// A stretch shorter than this, in seconds, climbs nowhere. What is shorter
/// than [`HALF`] is seen whole, with the margins of a window.
const SHORTEST: f64 = 3.0;

/// Adds the channel `vertical_speed`, where the log has an altitude.
pub(super) fn add_speed(log: &mut Staged<'_>) -> Result<(), Stopped> {
    let Some(kind) = channels::find("vertical_speed").filter(|_| log.unit("altitude").is_some()) else { return Ok(()) };
    let margins = Margins { before: HALF, after: HALF };
    let (column, known) = log.make(&["altitude"], margins, &mut |window| speed(window, kind))?;
    if known {
        log.push(kind.name, Unit::MetresPerSecond, column);
    }
    Ok(())
}

fn speed(window: &Window, kind: &ChannelKind) -> Vec<f64> {
    let (seconds, core) = (&window.seconds, &window.core);
    let mut values = vec![f64::NAN; core.len()];
    let Some(altitude) = window.log.channel("altitude").map(|channel| &channel.values) else { return values };
    for stretch in stretches(altitude, &window.log.breaks) {
        if seconds[stretch.end - 1] - seconds[stretch.start] < SHORTEST {
            continue;
        }
        let (mut low, mut high) = (stretch.start, stretch.start);
        for at in stretch.start.max(core.start)..stretch.end.min(core.end) {
            while seconds[low] < seconds[at] - HALF {
                low += 1;
            }
            while high < stretch.end && seconds[high] <= seconds[at] + HALF {
                high += 1;
            }
            // Where samples are far apart the neighbours still count.
            let from = low.min(at.saturating_sub(1).max(stretch.start));
            let until = high.max((at + 2).min(stretch.end));
            let slope = slope(&seconds[from..until], &altitude[from..until], seconds[at]);
            let (least, most) = kind.possible;
            values[at - core.start] = kind.quantise(slope.clamp(least, most));
        }
    }
    values
}

fn slope(seconds: &[f64], altitude: &[f64], here: f64) -> f64 {
    let far = seconds.iter().map(|t| (t - here).abs()).fold(HALF, f64::max) * 1.001;
    let weight = |t: f64| {
        let u = ((t - here) / far).abs();
        let v = 1.0 - u * u * u;
        v * v * v
    };
    let (mut total, mut t_mean, mut a_mean) = (0.0, 0.0, 0.0);
    for (t, a) in seconds.iter().zip(altitude) {
        let w = weight(*t);
        total += w;
        t_mean += w * (t - here);
        a_mean += w * a;
    }
    let (t_mean, a_mean) = (t_mean / total, a_mean / total);
    let (mut both, mut square) = (0.0, 0.0);
    for (t, a) in seconds.iter().zip(altitude) {
        let (w, x) = (weight(*t), t - here - t_mean);
        both += w * x * (a - a_mean);
        square += w * x * x;
    }
    if square > 0.0 { both / square } else { 0.0 }
}
