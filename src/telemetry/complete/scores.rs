//! Moments in a log that are worth a look: each as a channel that rests at 0.
//!
//! What happens at one time counts for the seconds around it ([`AROUND`]), so
//! that a moment that begins about then has all of it.

use super::maxima;
use super::profile;
use super::staged::{Margins, Staged};
use crate::base::Unit;
use crate::model::scores::Score;
use crate::model::telemetry::MarkKind;
use crate::telemetry::clean::Stopped;

/// Seconds before and after what happens for which it counts.
const AROUND: (f64, f64) = (1.0, 3.0);

/// A HiLight is pressed after what it is about.
const AROUND_EVENT: (f64, f64) = (3.0, 1.0);

/// Adds the channel of a score, where the log has what it looks at.
pub(super) fn add(log: &mut Staged<'_>, name: &str) -> Result<(), Stopped> {
    let of_marks = |log: &Staged<'_>, kind: MarkKind| {
        let marks = log.marks.iter().filter(|mark| mark.kind == kind);
        marks.map(|mark| (log.seconds(mark.time), 1.0)).collect::<Vec<_>>()
    };
    let (unit, found, around) = match Score::parse(name) {
        None => return Ok(()),
        Some(Score::NewMaximum(channel)) => match log.unit(channel) {
            Some(_) => (Unit::None, maxima::find(log, channel)?, AROUND),
            None => return Ok(()),
        },
        Some(Score::Summit | Score::Descent) if log.unit("altitude").is_none() => return Ok(()),
        Some(Score::Summit) => (Unit::Metres, profile::summits(log)?, AROUND),
        Some(Score::Descent) => return profile::add_descents(log, name),
        Some(Score::LapStart) => (Unit::None, of_marks(log, MarkKind::Lap), AROUND),
        Some(Score::Event) => (Unit::None, of_marks(log, MarkKind::Event), AROUND_EVENT),
    };
    let (column, _) = log.make(&[], Margins::default(), &mut |window| around_times(&window.seconds, &found, around))?;
    log.push(name, unit, column);
    Ok(())
}

/// A column that is as high as each of `found` (a time and a height, in the
/// order of time) around it, as high as the highest where several are near,
/// else 0.
fn around_times(seconds: &[f64], found: &[(f64, f64)], (before, after): (f64, f64)) -> Vec<f64> {
    let mut values = vec![0.0; seconds.len()];
    let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else { return values };
    let near = found.partition_point(|(time, _)| time + after < *first);
    let found = &found[near..];
    for (time, height) in found.iter().take_while(|(time, _)| time - before <= *last) {
        let from = seconds.partition_point(|t| *t < time - before);
        let until = seconds.partition_point(|t| *t <= time + after);
        for value in &mut values[from..until] {
            *value = f64::max(*value, *height);
        }
    }
    values
}
