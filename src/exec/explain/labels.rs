//! The fields of a key as people call them: whose they are, their names in the
//! manifest, and their values in usual units.

use serde_json::Value;

use crate::exec::explain::basis::Basis;

/// Whether a difference is a reason by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Someone changed just this.
    Root,
    /// It follows from something else that changed: the length of a clip from
    /// the choice of moments, the size of a picture from the file.
    Derived,
}

use Level::{Derived, Root};

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Plain,
    /// The number is in steps of 1 / 10^n.
    Decimal(usize),
    /// In 1 / 100 dB.
    Decibel,
    Milliseconds,
    Samples,
    BitsPerSecond,
    Nanoseconds,
}

use Unit::{BitsPerSecond, Decibel, Decimal, Milliseconds, Nanoseconds, Plain, Samples};

/// Whose field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Of what the action is about.
    Own,
    /// Of the output that the action belongs to.
    Output,
    Music,
}

use Whose::{Music, Output, Own};

/// Kind, path (all below it where it ends in `.`), name (empty: what follows
/// the path), whose, unit, level. The first that fits counts.
const LABELS: &[(&str, &str, &str, Whose, Unit, Level)] = &[
    ("analyse", "spec.analysis_version", "version", Own, Plain, Root),
    ("analyse", "spec.pass.rate", "rate", Own, Plain, Root),
    ("analyse", "spec.pass.width", "width", Own, Plain, Root),
    ("analyse", "spec.pass.", "", Own, Plain, Derived),
    ("detect", "spec.pass.rate", "rate", Own, Plain, Root),
    ("detect", "spec.pass.width", "width", Own, Plain, Root),
    ("detect", "spec.pass.", "", Own, Plain, Derived),
    ("detect", "spec.display", "size", Own, Plain, Derived),
    ("detect", "spec.threshold", "threshold", Own, Decimal(4), Root),
    ("detect", "spec.overlap", "overlap", Own, Decimal(4), Root),
    ("telemetry.import", "spec.format_version", "version of the format", Own, Plain, Root),
    ("telemetry.import", "spec.params.", "", Own, Plain, Root),
    ("telemetry.clean", "spec.gap_ms", "gap", Own, Milliseconds, Root),
    ("telemetry.align", "spec.log.", "the log's ", Own, Nanoseconds, Derived),
    ("telemetry.align", "spec.", "", Own, Plain, Derived),
    ("telemetry.merge", "spec.logs", "logs", Own, Plain, Root),
    ("telemetry.merge", "spec.logs.", "", Own, Nanoseconds, Derived),
    ("telemetry.export", "spec.channels", "channels", Output, Plain, Root),
    ("telemetry.export", "spec.channels.", "", Output, Plain, Root),
    ("telemetry.export", "spec.format", "kind of file", Output, Plain, Root),
    ("telemetry.export", "spec.", "", Output, Nanoseconds, Derived),
    ("telemetry.complete", "spec.steps", "channels", Own, Plain, Root),
    ("telemetry.complete", "spec.steps.", "channel ", Own, Plain, Root),
    ("telemetry.complete", "spec.laps", "laps", Own, Plain, Root),
    ("telemetry.complete", "spec.laps.", "laps ", Own, Plain, Root),
    ("telemetry.complete", "spec.privacy", "privacy", Own, Plain, Root),
    ("telemetry.complete", "spec.privacy.", "privacy ", Own, Plain, Root),
    ("show", "spec.overlay.params.", "", Own, Plain, Root),
    ("show", "spec.overlay.", "", Own, Plain, Root),
    ("show", "spec.rate", "rate", Output, Plain, Root),
    ("show", "spec.frame", "size", Output, Plain, Root),
    ("show", "spec.start", "time on the log's clock", Own, Nanoseconds, Derived),
    ("show", "spec.utc", "time of day", Own, Nanoseconds, Derived),
    ("show", "spec.", "", Own, Plain, Derived),
    ("draw", "spec.overlay.params.", "", Own, Plain, Root),
    ("draw", "spec.overlay.", "", Own, Plain, Root),
    ("draw", "spec.format.frame", "size", Output, Plain, Root),
    ("draw", "spec.format.", "", Output, Plain, Root),
    ("segment", "spec.format.colour.", "colour ", Output, Plain, Root),
    ("segment", "spec.format.", "", Output, Plain, Root),
    ("segment", "spec.encoder.name", "encoder", Output, Plain, Root),
    ("segment", "spec.encoder.threads", "threads of the encoder", Output, Plain, Root),
    ("mix", "spec.samples", "length", Output, Samples, Derived),
    ("mix", "spec.music.gain", "gain", Music, Decibel, Root),
    ("mix", "spec.music.fade_in", "fade_in", Music, Samples, Root),
    ("mix", "spec.music.fade_out", "fade_out", Music, Samples, Root),
    ("mix", "spec.music.", "", Music, Plain, Root),
    ("mix", "spec.music", "", Music, Plain, Root),
    ("mix", "spec.ceiling", "ceiling", Output, Decibel, Root),
    ("mix", "spec.encoder.name", "encoder of the sound", Output, Plain, Root),
    ("mix", "spec.encoder.bit_rate", "bit rate of the sound", Output, BitsPerSecond, Root),
    ("join", "spec.format.colour.", "colour ", Output, Plain, Root),
    ("join", "spec.format.", "", Output, Plain, Root),
    // That of the first moment.
    ("join", "spec.date", "date of the recording", Output, Plain, Derived),
    ("copy", "spec.format.colour.", "colour ", Output, Plain, Root),
    ("copy", "spec.format.", "", Output, Plain, Root),
    ("proxy", "spec.pictures.format.colour.", "colour ", Output, Plain, Root),
    ("proxy", "spec.pictures.format.", "", Output, Plain, Root),
    ("quality", "spec.budget", "bytes for the pictures", Output, Plain, Root),
    ("quality", "spec.", "", Output, Plain, Derived),
    ("still", "spec.picture.", "", Own, Plain, Derived),
];

/// Lists of pairs whose first is the name of the second: kind, path, what
/// stands before the name, whose, unit.
const PAIRS: &[(&str, &str, &str, Whose, Unit)] = &[
    ("choose", "spec.weights", "weights.", Own, Decimal(3)),
    ("segment", "spec.encoder.options", "", Output, Plain),
    ("mix", "spec.encoder.options", "", Output, Plain),
];

/// What an action is, for labels.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub kind: &'a str,
    pub node: &'a str,
    pub basis: &'a Basis,
}

impl Subject<'_> {
    /// What the action is about.
    pub fn own(&self) -> String {
        match self.kind {
            "analyse" => {
                let name = self.basis.field("spec.analysis").and_then(Value::as_str);
                format!("analysis {}", name.unwrap_or("of footage"))
            }
            "detect" => "detection".to_owned(),
            "telemetry.import" | "telemetry.clean" | "telemetry.merge" | "telemetry.complete" => "telemetry".to_owned(),
            "telemetry.align" | "extract" => "footage".to_owned(),
            "choose" => "moments".to_owned(),
            "show" | "draw" => match overlay_of(self.node) {
                Some(name) => format!("overlay {name}"),
                None => "overlay".to_owned(),
            },
            "probe" | "still" => "footage".to_owned(),
            _ => self.output(),
        }
    }

    fn output(&self) -> String {
        format!("output {}", self.node.split('/').next().unwrap_or(self.node))
    }

    fn whose(&self, whose: Whose) -> String {
        match whose {
            Own => self.own(),
            Output => self.output(),
            Music => "music".to_owned(),
        }
    }

    /// What a file is that stands in the field at `path`.
    pub fn role(&self, path: &str) -> &'static str {
        match (self.kind, path) {
            ("telemetry.import", _) => "telemetry",
            ("detect", "spec.model") => "model",
            ("mix", _) => "music",
            _ => "footage",
        }
    }

    /// One value that is different, in words.
    pub fn value(&self, path: &str, before: Option<&Value>, after: Option<&Value>) -> (String, Level) {
        let fits = |(kind, at, ..): &&(&str, &str, &str, Whose, Unit, Level)| {
            *kind == self.kind && (path == *at || (at.ends_with('.') && path.starts_with(at)))
        };
        let found = LABELS.iter().find(fits).copied();
        let (_, at, name, whose, unit, level) = found.unwrap_or((self.kind, "spec.", "", Own, Plain, Root));
        let rest = path.strip_prefix(at).unwrap_or(path);
        let name = if at.ends_with('.') { format!("{name}{rest}") } else { name.to_owned() };
        (changed(&self.whose(whose), &name, before, after, unit), level)
    }

    /// The differences of a list of pairs; `None` where the list is none.
    pub fn pairs(&self, path: &str, before: &[Value], after: &[Value]) -> Option<Vec<String>> {
        let (_, _, prefix, whose, unit) = PAIRS.iter().find(|(kind, at, ..)| *kind == self.kind && *at == path)?;
        let pair = |value: &Value| Some((value.get(0)?.as_str()?.to_owned(), value.get(1)?.clone()));
        let pairs = |list: &[Value]| list.iter().map(pair).collect::<Option<Vec<_>>>();
        let (before, after) = (pairs(before)?, pairs(after)?);
        let find = |list: &[(String, Value)], name: &str| list.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let whose = self.whose(*whose);
        let mut said = Vec::new();
        for (name, value) in &before {
            let now = find(&after, name);
            if now.as_ref() != Some(value) {
                said.push(changed(&whose, &format!("{prefix}{name}"), Some(value), now.as_ref(), *unit));
            }
        }
        for (name, value) in after.iter().filter(|(name, _)| find(&before, name).is_none()) {
            said.push(changed(&whose, &format!("{prefix}{name}"), None, Some(value), *unit));
        }
        if said.is_empty() {
            said.push(format!("{whose}: the order of {}", path.trim_start_matches("spec.")));
        }
        Some(said)
    }
}

fn changed(whose: &str, name: &str, before: Option<&Value>, after: Option<&Value>, unit: Unit) -> String {
    let there = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    let whole = |value: Option<&Value>| value.is_some_and(Value::is_object);
    let name = if name.is_empty() { String::new() } else { format!(" {name}") };
    let whose = if name.is_empty() { whose.to_owned() } else { format!("{whose}:") };
    match (there(before), there(after)) {
        (false, true) if whole(after) => format!("{whose}{name} added"),
        (true, false) if whole(before) => format!("{whose}{name} removed"),
        _ => format!("{whose}{name} {} -> {}", written(before, unit), written(after, unit)),
    }
}

/// A value as people write it.
pub fn written(value: Option<&Value>, unit: Unit) -> String {
    let number = value.and_then(Value::as_i64);
    match (value, unit, number) {
        (None | Some(Value::Null), ..) => "none".to_owned(),
        (_, Decimal(places), Some(n)) => decimal(n, places),
        (_, Decibel, Some(n)) => format!("{} dB", decimal(n, 2)),
        (_, Milliseconds, Some(n)) => format!("{} s", decimal(n, 3)),
        (_, Samples, Some(n)) => format!("{n} samples"),
        (_, BitsPerSecond, Some(n)) => format!("{} kbit/s", decimal(n, 3)),
        (_, Nanoseconds, Some(n)) => format!("{} s", decimal(n, 9)),
        (Some(Value::String(text)), ..) if text.is_empty() => "\"\"".to_owned(),
        (Some(Value::String(text)), ..) => text.clone(),
        (Some(Value::Array(items)), ..) if items.is_empty() => "none".to_owned(),
        (Some(Value::Array(items)), ..) => {
            items.iter().map(|item| written(Some(item), Plain)).collect::<Vec<_>>().join(" ")
        }
        (Some(other), ..) => other.to_string(),
    }
}

/// `value / 10^places` without zeros at its end.
pub fn decimal(value: i64, places: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The overlay that a node draws: `reel/front/GX010012@192.0s/speed/0/draw`.
pub fn overlay_of(node: &str) -> Option<&str> {
    let rest = node.get(clip_of(node)?.len() + 1..)?;
    rest.rsplitn(3, '/').nth(2)
}

/// The clip that a node belongs to, with its output: up to the time in
/// `reel/front/GX010012@192.0s/segment/2`.
pub fn clip_of(node: &str) -> Option<&str> {
    let mut end = 0;
    for part in node.split('/') {
        end += part.len();
        let time = part.rsplit_once('@').and_then(|(_, time)| time.strip_suffix('s'));
        if time.is_some_and(|time| time.contains('.') && time.chars().all(|c| matches!(c, '0'..='9' | '.' | '-'))) {
            return node.get(..end).filter(|clip| clip.len() < node.len());
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(kind: &str, node: &str, path: &str, before: Value, after: Value) -> String {
        let basis = Basis::default();
        Subject { kind, node, basis: &basis }.value(path, Some(&before), Some(&after)).0
    }

    #[test]
    fn fields_are_named_as_in_the_manifest() {
        let draw = "reel/front/GX010012@192.0s/speed/0/draw";
        let path = "spec.overlay.params.accent";
        assert_eq!(said("draw", draw, path, json!("#fff"), json!("#ff0")), "overlay speed: accent #fff -> #ff0");
        let path = "spec.format.frame";
        assert_eq!(
            said("draw", draw, path, json!("640x360"), json!("1280x720")),
            "output reel: size 640x360 -> 1280x720"
        );
        assert_eq!(
            said("telemetry.clean", "ride.csv/clean", "spec.gap_ms", json!(5_000), json!(2_500)),
            "telemetry: gap 5 s -> 2.5 s"
        );
        let mix = "reel/out/reel.mp4/mix";
        assert_eq!(said("mix", mix, "spec.music.gain", json!(-1_200), json!(-950)), "music: gain -12 dB -> -9.5 dB");
        assert_eq!(said("mix", mix, "spec.music", Value::Null, json!({"file": "x"})), "music added");
        assert_eq!(
            said("choose", "moments/choose", "spec.gap", json!("00:05.000"), json!("00:10.000")),
            "moments: gap 00:05.000 -> 00:10.000"
        );
    }

    #[test]
    fn pairs_are_told_by_name() {
        let basis = Basis::default();
        let choose = Subject { kind: "choose", node: "moments/choose", basis: &basis };
        let before = [json!(["motion", 200]), json!(["speed", 400])];
        let after = [json!(["gradient", 50]), json!(["speed", 500])];
        assert_eq!(
            choose.pairs("spec.weights", &before, &after).unwrap(),
            [
                "moments: weights.motion 0.2 -> none",
                "moments: weights.speed 0.4 -> 0.5",
                "moments: weights.gradient none -> 0.05"
            ]
        );
        assert_eq!(choose.pairs("spec.pins", &[], &[]), None);
        let segment = Subject { kind: "segment", node: "reel/front/a@1.0s/segment/0", basis: &basis };
        let options = |crf: &str| [json!(["preset", "fast"]), json!(["crf", crf])];
        let said = segment.pairs("spec.encoder.options", &options("20"), &options("22")).unwrap();
        assert_eq!(said, ["output reel: crf 20 -> 22"]);
    }

    #[test]
    fn nodes_say_their_clip_and_overlay() {
        assert_eq!(clip_of("reel/front/GX010012@192.0s/segment/2"), Some("reel/front/GX010012@192.0s"));
        assert_eq!(clip_of("reel/front/me@home@1.25s/sound"), Some("reel/front/me@home@1.25s"));
        assert_eq!(clip_of("reel/out/reel.mp4"), None);
        assert_eq!(clip_of("moments/choose"), None);
        assert_eq!(overlay_of("reel/front/GX010012@192.0s/speed/0/show"), Some("speed"));
        assert_eq!(overlay_of("reel/front/GX010012@192.0s/a/b/0/draw"), Some("a/b"));
    }
}
