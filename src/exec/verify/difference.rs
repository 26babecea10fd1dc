//! Where two results of one action first differ: in data the field, by what it
//! is called and what it was and is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::alignment::Alignment;
use crate::model::moment::{ChoiceReport, Chosen};
use crate::model::overlay::{Drawn, Shown};
use crate::model::signal::{DetectedFrame, NamedSignal};
use crate::model::specs::{Compared, Copied, Position, Reached, SegmentInfo, SoundCopied};
use crate::model::telemetry::TelemetrySummary;
use crate::model::{ActionSpec, MediaInfo, decode};
use crate::telemetry::columns;

/// A part of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The value, which is kept in the record.
    Value,
    /// The file in this place of the list.
    Artifact(usize),
}

/// Reads a part of a result as labelled fields; `None` where the bytes are of
/// another type.
pub type Reader = fn(&[u8]) -> Option<Value>;

/// How a part of an action's result is read; `None` for pictures, sound and
/// packets.
pub fn reader(spec: &ActionSpec, part: Part) -> Option<Reader> {
    Some(match (spec, part) {
        (ActionSpec::Probe(_), Part::Value) => read::<MediaInfo>,
        (ActionSpec::Analyse(_) | ActionSpec::Detect(_), Part::Artifact(0)) => read::<Vec<NamedSignal>>,
        (ActionSpec::Detect(_), Part::Artifact(1)) => read::<Vec<DetectedFrame>>,
        (
            ActionSpec::ImportTelemetry(_)
            | ActionSpec::CleanTelemetry(_)
            | ActionSpec::MergeTelemetry(_)
            | ActionSpec::CompleteTelemetry(_),
            Part::Value,
        ) => read::<TelemetrySummary>,
        (
            ActionSpec::ImportTelemetry(_)
            | ActionSpec::CleanTelemetry(_)
            | ActionSpec::MergeTelemetry(_)
            | ActionSpec::CompleteTelemetry(_),
            Part::Artifact(0),
        ) => |bytes| serde_json::to_value(columns::decode(bytes)?).ok(),
        (ActionSpec::Locate(_), Part::Value | Part::Artifact(0)) => read::<Option<Position>>,
        (ActionSpec::Align(_), Part::Value | Part::Artifact(0)) => read::<Alignment>,
        (ActionSpec::Choose(_), Part::Value) => read::<Chosen>,
        (ActionSpec::Choose(_), Part::Artifact(0)) => read::<ChoiceReport>,
        (ActionSpec::Show(_), Part::Artifact(0)) => read::<Shown>,
        (ActionSpec::Draw(_), Part::Value) => read::<Drawn>,
        (ActionSpec::Segment(_), Part::Value) => read::<SegmentInfo>,
        (ActionSpec::Copy(_), Part::Value) => read::<Copied>,
        (ActionSpec::CopySound(_), Part::Value) => read::<SoundCopied>,
        (ActionSpec::Compare(_), Part::Value) => read::<Compared>,
        (ActionSpec::Quality(_), Part::Value) => read::<Reached>,
        _ => return None,
    })
}

fn read<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Value> {
    serde_json::to_value(decode::<T>(bytes)?).ok()
}

/// The first field that differs, in order: its path, and what stands there in
/// one and in the other.
pub fn first(one: &Value, other: &Value) -> Option<(String, String, String)> {
    let mut path = String::new();
    let (a, b) = descend(one, other, &mut path)?;
    let path = path.trim_start_matches('.');
    Some((if path.is_empty() { "all of it".to_owned() } else { path.to_owned() }, a, b))
}

fn descend(one: &Value, other: &Value, path: &mut String) -> Option<(String, String)> {
    if one == other {
        return None;
    }
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let absent = Value::Null;
            names.into_iter().find_map(|name| {
                let at = path.len();
                path.push('.');
                path.push_str(name);
                let found = descend(a.get(name).unwrap_or(&absent), b.get(name).unwrap_or(&absent), path);
                found.or_else(|| {
                    path.truncate(at);
                    None
                })
            })
        }
        (Value::Array(a), Value::Array(b)) => {
            let both = a.iter().zip(b).enumerate().find_map(|(index, (one, other))| {
                let at = path.len();
                path.push_str(&format!("[{index}]"));
                descend(one, other, path).or_else(|| {
                    path.truncate(at);
                    None
                })
            });
            both.or_else(|| Some((counted(a.len()), counted(b.len()))))
        }
        _ => Some((brief(one), brief(other))),
    }
}

fn counted(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") }
}

/// A value on one line, cut where it is long.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::{Digest, Timestamp};
    use crate::model::encode;
    use crate::model::specs::{AnalyseSpec, AnalysisPass, ProbeSpec};

    #[test]
    fn the_first_field_that_differs() {
        let one = json!({"a": 1, "b": [{"x": 1}, {"x": 2}], "c": null});
        assert_eq!(first(&one, &one), None);
        let other = json!({"a": 1, "b": [{"x": 1}, {"x": 3}], "c": 4});
        assert_eq!(first(&one, &other), Some(("b[1].x".into(), "2".into(), "3".into())));
        let longer = json!({"a": 1, "b": [{"x": 1}, {"x": 2}, {"x": 3}], "c": null});
        assert_eq!(first(&one, &longer), Some(("b".into(), "2 entries".into(), "3 entries".into())));
        assert_eq!(first(&json!(1), &json!("1")), Some(("all of it".into(), "1".into(), "\"1\"".into())));
    }

    #[test]
    fn signals_are_read_as_what_they_are() {
        let pass = AnalysisPass {
            orientation: crate::base::Orientation::UPRIGHT,
            from: Timestamp::ZERO,
            until: Timestamp::from_seconds(1),
            rate: crate::base::FrameRate::new(4, 1).unwrap(),
            width: 64,
        };
        let file = Digest::of(b"footage");
        let spec = AnalyseSpec { file, analysis: "motion".into(), analysis_version: 1, pass };
        let signal = |value: f64| {
            let mut signal = crate::model::signal::Signal::default();
            signal.push(0, 0.5);
            signal.push(250_000, value);
            encode(&vec![NamedSignal { name: "motion".into(), signal }])
        };
        let spec = ActionSpec::Analyse(spec);
        let reader_of = |spec: &ActionSpec, part| reader(spec, part).unwrap();
        let read = |value| reader_of(&spec, Part::Artifact(0))(&signal(value)).unwrap();
        let found = first(&read(0.25), &read(0.26));
        assert_eq!(found, Some(("[0].signal.values[1]".into(), "2500".into(), "2600".into())));
        assert!(reader(&spec, Part::Value).is_none());
        assert_eq!(reader_of(&ActionSpec::Probe(ProbeSpec { file }), Part::Value)(b"?"), None);
    }
}
