//! What `autocut doctor` prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::base::{Unit, UtcTime};
use crate::exec::diagnosis::{Diagnosis, LogReport, Machine};
use crate::exec::settings::Settings;
use crate::model::confinement::Confinement;
use crate::model::telemetry::{Dropped, LogClock, TelemetrySummary};
use crate::model::toolchain::ToolIdentity;

/// The machine's part.
pub fn machine(machine: &Machine) -> String {
    let mut text = format!("autocut {}\n", machine.version);
    let hardware = &machine.hardware;
    let memory = hardware.memory.map(|memory| format!(", {memory} of memory")).unwrap_or_default();
    let _ = writeln!(text, "{} processors{memory}", hardware.processors);
    let processors = hardware.quota_millis.map(|millis| format!("{} processors", millis as f64 / 1_000.0));
    let limits: Vec<String> =
        processors.into_iter().chain(hardware.memory_limit.map(|limit| format!("{limit} of memory"))).collect();
    if !limits.is_empty() {
        let _ = writeln!(text, "the control group allows {}", limits.join(" and "));
    }
    settings(&mut text, &machine.settings);
    text.push_str("\ntools\n");
    for (tool, identity) in &machine.toolchain.tools {
        let _ = match (&identity.identity, &identity.problem) {
            (Some(id), _) => {
                writeln!(text, "  works    {:<11} {} ({})", format!("{tool:?}"), identity.name, id.short())
            }
            (None, why) => writeln!(
                text,
                "  MISSING  {:<11} {}: {}",
                format!("{tool:?}"),
                identity.name,
                why.as_deref().unwrap_or("it does not work here")
            ),
        };
    }
    tried(&mut text, "hardware encoders", &machine.toolchain.hardware);
    tried(&mut text, "hardware decoders (device, codec and bits)", &machine.toolchain.decoders);
    barriers(&mut text, &machine.confinement);
    text
}

/// What works of the hardware that was tried, and why the rest does not.
fn tried(text: &mut String, title: &str, known: &BTreeMap<String, ToolIdentity>) {
    let _ = writeln!(text, "\n{title}");
    let (works, broken): (Vec<_>, Vec<_>) = known.iter().partition(|(_, known)| known.identity.is_some());
    for (name, _) in &works {
        let _ = writeln!(text, "  works    {name}");
    }
    if works.is_empty() {
        text.push_str("  none works here, which is fine\n");
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, known) in broken {
        reasons.entry(known.problem.as_deref().unwrap_or("it does not work here")).or_default().push(name);
    }
    for (why, names) in reasons {
        let _ = writeln!(text, "  not      {}: {why}", names.join(", "));
    }
}

/// What the processes that read footage cannot do.
fn barriers(text: &mut String, confinement: &Confinement) {
    text.push_str("\nprocesses that read footage\n");
    for barrier in &confinement.barriers {
        let _ = match &barrier.means {
            Ok(means) => writeln!(text, "  works    {:<20} {means}", barrier.what),
            Err(why) => writeln!(text, "  MISSING  {:<20} {why}", barrier.what),
        };
    }
}

/// Every setting, its value and where that comes from.
fn settings(text: &mut String, settings: &Settings) {
    text.push_str("\nsettings\n");
    for (name, value, origin) in settings.list() {
        let _ = writeln!(text, "  {name:<8} {value:<12} ({origin})");
    }
    let _ = match &settings.config {
        Some((path, true)) => writeln!(text, "  config file {}", path.display()),
        Some((path, false)) => writeln!(text, "  config file {}: not there, which is fine", path.display()),
        None => writeln!(text, "  no config file: there is no home folder to look in"),
    };
}

/// The project's part.
pub fn project(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for recording in &diagnosis.recordings {
        let _ = writeln!(text, "\n{}\n  {}", recording.name, recording.clock);
        for file in &recording.files {
            let _ = writeln!(text, "  {}\n    {}", file.name, file.facts);
            for odd in &file.oddities {
                let _ = writeln!(text, "    - {odd}");
            }
            for damage in &file.damage {
                let _ = writeln!(text, "    - DAMAGED: {damage}");
            }
        }
    }
    for report in &diagnosis.logs {
        log(&mut text, report);
    }
    text
}

/// Machine and project as one JSON object in a line.
pub fn json(machine: &Machine, diagnosis: Option<&Diagnosis>) -> String {
    let tools = machine.toolchain.tools.iter().map(|(tool, identity)| {
        json!({"tool": format!("{tool:?}"), "name": identity.name, "works": identity.identity.is_some(), "problem": identity.problem})
    });
    let mut value = json!({
        "autocut": machine.version,
        "processors": machine.hardware.processors,
        "tools": tools.collect::<Vec<_>>(),
    });
    if let Some(diagnosis) = diagnosis {
        let recordings = diagnosis.recordings.iter().map(|recording| {
            let files = recording.files.iter().map(|file| {
                json!({"name": file.name, "facts": file.facts, "oddities": file.oddities, "damage": file.damage})
            });
            json!({"name": recording.name, "clock": recording.clock, "files": files.collect::<Vec<_>>()})
        });
        value["recordings"] = recordings.collect();
        value["logs"] = diagnosis.logs.iter().map(log_value).collect();
    }
    format!("{value}\n")
}

fn log_value(report: &LogReport) -> Value {
    let coverage =
        report.coverage.iter().map(|(recording, percent)| json!({"recording": recording, "percent": percent}));
    json!({
        "name": report.name,
        "cleaned": report.summary,
        "import": report.import,
        "coverage": coverage.collect::<Vec<_>>(),
    })
}

/// How good a log is, in a few lines: by what its import found, and what
/// cleaning did.
pub(super) fn quality(text: &mut String, import: &TelemetrySummary, cleaned: &TelemetrySummary) {
    let found = &cleaned.quality;
    if found.usual > 0 {
        let _ = writeln!(text, "  usually {} from one sample to the next", span(found.usual));
    }
    if let Some(longest) = found.longest.first() {
        let length = |gap: &(i64, i64)| span(gap.1.saturating_sub(gap.0));
        let more: Vec<String> = found.longest[1..].iter().map(length).collect();
        let more = if more.is_empty() { String::new() } else { format!(", then {}", more.join(", ")) };
        let _ = writeln!(
            text,
            "  nothing is known for {} in all; the longest gap {} from {}{more}",
            span(found.unknown),
            length(longest),
            moment(longest.0, cleaned)
        );
    }
    let dropped = import.quality.dropped.iter().chain(&found.dropped);
    let dropped: Vec<String> = dropped.map(|Dropped { what, why, count }| format!("{count} {what} ({why})")).collect();
    if !dropped.is_empty() {
        let _ = writeln!(text, "  left out: {}", dropped.join(", "));
    }
    let noise = found.noise.iter().map(|noise| {
        let unit = if noise.channel == "speed" { "m/s" } else { "m" };
        format!("{} {:.2} {unit}", noise.channel, noise.deviation as f64 / 1e3)
    });
    let noise: Vec<String> = noise.collect();
    if !noise.is_empty() {
        let _ = writeln!(text, "  noise from second to second (standard deviation): {}", noise.join(", "));
    }
    let bridged: Vec<String> = found.bridged.iter().map(|(name, count)| format!("{name} of {count}")).collect();
    if !bridged.is_empty() {
        let _ = writeln!(text, "  filled in from the samples around: {}", bridged.join(", "));
    }
}

/// A length of time in ns, in the unit that suits it.
fn span(nanos: i64) -> String {
    let seconds = nanos as f64 / 1e9;
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 100.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// A time on a log's clock.
fn moment(nanos: i64, log: &TelemetrySummary) -> String {
    match log.clock {
        LogClock::Utc => UtcTime(nanos).to_string(),
        LogClock::Start => span(nanos),
    }
}

fn log(text: &mut String, report: &LogReport) {
    let summary = &report.summary;
    let seconds = summary.last.saturating_sub(summary.first) as f64 / 1e9;
    let format = match report.import.format.as_str() {
        "" => String::new(),
        format => format!(": {format}"),
    };
    let _ = writeln!(text, "\n{}{format}", report.name);
    let rate = if seconds > 0.0 { summary.samples as f64 / seconds } else { 0.0 };
    let _ =
        writeln!(text, "  {} samples over {seconds:.0} s ({rate:.1} a second), {} gaps", summary.samples, summary.gaps);
    let marks = [(summary.laps, "lap"), (summary.pauses, "pause"), (summary.events, "other event")];
    let marks: Vec<String> = marks
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if !marks.is_empty() {
        let _ = writeln!(text, "  {}", marks.join(", "));
    }
    for channel in &summary.channels {
        let [min, max, low, high] = [channel.min, channel.max, channel.low, channel.high].map(|v| v as f64 / 1000.0);
        let derived = if channel.derived { ", computed" } else { "" };
        if channel.count == 0 {
            let _ = writeln!(text, "    {:<14} nothing{derived}", channel.name);
            continue;
        }
        // A tenth of a degree is 11 km.
        let places = if channel.unit == Unit::Degrees && channel.name != "heading" { 3 } else { 1 };
        let _ = writeln!(
            text,
            "    {:<14} {min:.places$} to {max:.places$} {} (mostly {low:.places$} to {high:.places$}){derived}",
            channel.name, channel.unit
        );
    }
    quality(text, &report.import, summary);
    if report.import.bad_rows > 0 {
        let _ = writeln!(text, "  {} rows could not be read", report.import.bad_rows);
        for row in &report.import.bad_examples {
            let _ = writeln!(text, "    {}: {}", row.at, row.reason);
        }
    }
    for note in report.import.notes.iter().chain(&summary.notes) {
        let _ = writeln!(text, "  - {note}");
    }
    for (recording, covered) in &report.coverage {
        let _ = match covered {
            Some(percent) => writeln!(text, "  covers {percent} % of {recording}"),
            None => writeln!(text, "  cannot be matched with {recording}: no clock connects them"),
        };
    }
}
