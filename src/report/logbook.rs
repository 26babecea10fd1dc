//! What `autocut telemetry` says of a file: its channels, what they range over,
//! and how they run.

use std::fmt::Write as _;
use std::io::{BufWriter, ErrorKind, Write as _};

use serde_json::{Value, json};

use crate::base::{Diagnostic, UtcTime};
use crate::exec::logbook::Logbook;
use crate::model::specs::LogFormat;
use crate::model::telemetry::{Channel, LogClock, Telemetry, TelemetrySummary};
use crate::report::doctor;
use crate::telemetry::export::Export;

/// How many columns of a terminal the course of a channel takes.
const WIDE: usize = 48;

/// Eighths of a column, from nearly nothing to all.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// For people.
pub fn text(book: &Logbook) -> String {
    let Logbook { name, log, summary, import, as_in_manifest, .. } = book;
    let mut text = format!("{name}: {}\n", import.format);
    if *as_in_manifest {
        text.push_str("  read as the manifest says, on the log's own clock\n");
    }
    let (first, last) = (log.times.first().copied().unwrap_or(0), log.times.last().copied().unwrap_or(0));
    let seconds = last.saturating_sub(first) as f64 / 1e9;
    let rate = if seconds > 0.0 { log.times.len().saturating_sub(1) as f64 / seconds } else { 0.0 };
    let _ = writeln!(text, "  {} samples over {seconds:.1} s ({rate:.1} a second)", log.times.len());
    match log.clock {
        LogClock::Utc => writeln!(text, "  from {} to {}", UtcTime(first), UtcTime(last)),
        LogClock::Start => writeln!(text, "  times count from the log's own start, which the manifest has to place"),
    }
    .unwrap_or_default();
    let noted = [
        (u64::from(summary.gaps), "gap"),
        (u64::from(summary.laps), "lap"),
        (u64::from(summary.pauses), "pause"),
        (u64::from(summary.events), "other event"),
        (import.bad_rows, "row that could not be read"),
    ];
    let noted: Vec<String> =
        noted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| plural(*count, what)).collect();
    if !noted.is_empty() {
        let _ = writeln!(text, "  {}", noted.join(", "));
    }
    let rows: Vec<[String; 4]> =
        log.channels.iter().map(|channel| row(log, channel, summary_of(book, channel))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (names, ranges) = (width(0), width(1));
    text.push('\n');
    for [name, range, course, more] in &rows {
        let line = format!("  {name:<names$}  {course}  {range:<ranges$}{more}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
    // What is not cleaned says it once.
    let nothing = TelemetrySummary::default();
    doctor::quality(&mut text, if summary == import { &nothing } else { import }, summary);
    for bad in &import.bad_examples {
        let _ = writeln!(text, "  - {}: {}", bad.at, bad.reason);
    }
    let cleaned = summary.notes.iter().filter(|note| !import.notes.contains(note));
    for note in import.notes.iter().chain(cleaned) {
        let _ = writeln!(text, "  - {note}");
    }
    text
}

fn plural(count: u64, what: &str) -> String {
    match (count, what) {
        (1, what) => format!("1 {what}"),
        (count, "row that could not be read") => format!("{count} rows that could not be read"),
        (count, what) => format!("{count} {what}s"),
    }
}

/// Whether a channel was computed.
fn summary_of(book: &Logbook, channel: &Channel) -> bool {
    book.summary.channels.iter().any(|summary| summary.name == channel.name && summary.derived)
}

/// Name, range, course, and what else is to be said.
fn row(log: &Telemetry, channel: &Channel, derived: bool) -> [String; 4] {
    let known = channel.values.iter().copied().filter(|value| !value.is_nan());
    let (low, high) =
        known.clone().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let missing = log.times.len() - known.count();
    let mut more = String::new();
    if derived {
        more.push_str(", computed");
    }
    if missing > 0 {
        let _ = write!(more, ", {missing} unknown");
    }
    let range = match low <= high {
        true => format!("{} to {} {}", figure(low, high - low), figure(high, high - low), channel.unit)
            .trim_end()
            .to_owned(),
        false => "nothing".to_owned(),
    };
    [channel.name.clone(), range, course(log, channel, (low, high)), more]
}

/// A value with as many decimals as tell parts of a range apart.
fn figure(value: f64, range: f64) -> String {
    let decimals = match range {
        range if range >= 1_000.0 => 0,
        range if range >= 10.0 => 1,
        range if range >= 1.0 => 2,
        range if range >= 0.1 => 3,
        range if range > 0.0 => 6,
        _ => 1,
    };
    format!("{value:.decimals$}")
}

/// How a channel runs, in blocks: in each the mean of what is known then, or what
/// was known last where no sample falls into it.
fn course(log: &Telemetry, channel: &Channel, (low, high): (f64, f64)) -> String {
    let first = log.times.first().copied().unwrap_or(0);
    let span = log.times.last().copied().unwrap_or(0).saturating_sub(first).max(1);
    let mut sums = [(0.0, 0_u32); WIDE];
    let (mut breaks, mut last) = (log.breaks.iter().peekable(), None);
    for (sample, (time, value)) in log.times.iter().zip(&channel.values).enumerate() {
        let at = i128::from(time.saturating_sub(first)) * WIDE as i128 / i128::from(span);
        let at = usize::try_from(at).unwrap_or(0).min(WIDE - 1);
        // What was left out, or not known, is a hole.
        if breaks.next_if(|at| **at as usize <= sample).is_some() || !value.is_finite() {
            while breaks.next_if(|at| **at as usize <= sample).is_some() {}
            last = None;
        }
        if !value.is_finite() {
            continue;
        }
        if let Some((from, known)) = last.replace((at, *value)) {
            sums.iter_mut().take(at).skip(from + 1).for_each(|sum| *sum = (known, 1));
        }
        sums[at] = (sums[at].0 + value, sums[at].1 + 1);
    }
    let block = |(sum, count): (f64, u32)| match count {
        0 => ' ',
        count => {
            let share = if high > low { (sum / f64::from(count) - low) / (high - low) } else { 0.0 };
            BLOCKS[((share * BLOCKS.len() as f64) as usize).min(BLOCKS.len() - 1)]
        }
    };
    sums.map(block).iter().collect()
}

/// Prints a row for each sample on standard output: seconds since 1970 where the
/// log counts UTC, else since its own start.
///
/// # Errors
///
/// Those of writing, but for a reader that went away.
pub fn print_csv(book: &Logbook) -> Result<(), Diagnostic> {
    let utc = (book.log.clock == LogClock::Utc).then_some(0);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut export = Export::new(LogFormat::Csv, 0, utc, &[], &book.name);
    match export.write(&book.log, &mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Diagnostic::environment(format!("the table cannot be printed: {error}")).hint("free disk space"))
        }
        _ => Ok(()),
    }
}

/// For programs: what was read, channel by channel.
pub fn json(book: &Logbook) -> String {
    let Logbook { name, log, summary, import, .. } = book;
    let channels: Vec<Value> = log
        .channels
        .iter()
        .map(|channel| {
            let known = channel.values.iter().copied().filter(|value| value.is_finite());
            let count = known.clone().count();
            json!({
                "name": channel.name,
                "unit": channel.unit.symbol(),
                "computed": summary_of(book, channel),
                "known": count,
                "min": known.clone().reduce(f64::min),
                "max": known.reduce(f64::max),
            })
        })
        .collect();
    let report = json!({
        "file": name,
        "format": import.format,
        "clock": match log.clock { LogClock::Utc => "utc", LogClock::Start => "start" },
        "samples": log.times.len(),
        "first_ns": log.times.first(),
        "last_ns": log.times.last(),
        "gaps": summary.gaps,
        "laps": summary.laps,
        "pauses": summary.pauses,
        "events": summary.events,
        "bad_rows": import.bad_rows,
        "notes": import.notes.iter().chain(summary.notes.iter().filter(|note| !import.notes.contains(note))).collect::<Vec<_>>(),
        "channels": channels,
    });
    format!("{report}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;

    #[test]
    fn a_course_has_holes_where_nothing_is_known() {
        let values: Vec<f64> =
            (0..96).map(|at| if (20..40).contains(&at) { f64::NAN } else { f64::from(at) }).collect();
        let channel = Channel { name: "x".to_owned(), unit: Unit::None, values };
        let log = Telemetry { times: (0..96).collect(), ..Telemetry::default() };
        let drawn = course(&log, &channel, (0.0, 95.0));
        assert_eq!(drawn.chars().count(), WIDE);
        assert!(drawn.starts_with('▁') && drawn.ends_with('█'), "{drawn}");
        assert_eq!(drawn.chars().filter(|block| *block == ' ').count(), 10, "{drawn}");
    }

    #[test]
    fn few_samples_make_steps_and_gaps_stay_holes() {
        let channel = Channel { name: "x".to_owned(), unit: Unit::None, values: vec![0.0, 1.0, 0.0, 1.0, 1.0] };
        let times = vec![0, 12, 24, 36, 48];
        let drawn = |breaks: Vec<u32>| {
            let log = Telemetry { times: times.clone(), breaks, ..Telemetry::default() };
            course(&log, &channel, (0.0, 1.0)).replace('▁', "_").replace('█', "#")
        };
        let [low, high] = ["_", "#"].map(|block| block.repeat(12));
        assert_eq!(drawn(Vec::new()), [&*low, &high, &low, &high].concat());
        let hole = format!("#{}", " ".repeat(11));
        assert_eq!(drawn(vec![2]), [&*low, &hole, &low, &high].concat());
    }
}
