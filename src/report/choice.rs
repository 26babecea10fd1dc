//! The choice of moments as text: what `autocut explain moments` prints, and
//! the words and manifest lines that the storyboard shares with it.

use std::fmt::Write;

use crate::base::Timestamp;
use crate::model::Moment;
use crate::model::moment::{Candidate, ChoiceReport, NormalisedInput, Verdict};
use crate::model::signal::Signal;

/// A score of 1 in the report's steps.
pub(super) const ONE: f64 = 1_000_000.0;

/// The whole report, in lines that end with a line feed: a summary, the notes,
/// a table of inputs and a table of moments in chronological order, each with
/// its score, the part that each input has in it, and why it is in or not.
pub fn render(report: &ChoiceReport) -> String {
    let mut text = format!("{}\n", summary(report));
    for note in &report.notes {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  note: {note}");
    }
    if !report.inputs.is_empty() {
        let mut rows = vec![["input", "weight", "counts as 0", "counts as 1", "known for"].map(str::to_owned).to_vec()];
        rows.extend(report.inputs.iter().map(|input| {
            let counts = range(input);
            let (low, high) = counts.unwrap_or_else(|| ("-".to_owned(), "-".to_owned()));
            vec![input.name.clone(), weight(input), low, high, known(input)]
        }));
        text.push('\n');
        text.push_str(&table(&rows, 1));
    }
    if !report.candidates.is_empty() {
        let mut head = vec![String::new(), "moment".to_owned(), "length".to_owned(), "score".to_owned()];
        head.extend(report.inputs.iter().map(|input| input.name.clone()));
        head.push("why".to_owned());
        let mut rows = vec![head];
        rows.extend(report.candidates.iter().map(|candidate| {
            let mark = if is_shown(candidate) { "*" } else { " " };
            let score = if has_score(candidate) { share(candidate.score) } else { "-".to_owned() };
            let mut row = vec![mark.to_owned(), candidate.moment.node(), seconds(candidate.moment.length), score];
            row.extend(candidate.parts.iter().map(|part| part.map_or("-".to_owned(), share)));
            row.push(verdict(candidate));
            row
        }));
        text.push('\n');
        text.push_str(&table(&rows, 2));
        text.push_str(
            "\n* is in the film. A part is what an input adds to the score; - means that it has no value there.\n",
        );
    }
    text
}

/// One line: how much was chosen out of how much.
pub(super) fn summary(report: &ChoiceReport) -> String {
    let shown: Vec<&Candidate> = report.candidates.iter().filter(|one| is_shown(one)).collect();
    let pinned = shown.iter().filter(|one| one.verdict == Verdict::Pinned).count();
    let length = shown.iter().fold(Timestamp::ZERO, |sum, one| sum + one.moment.length);
    let moments = match shown.len() {
        1 => "1 moment".to_owned(),
        count => format!("{count} moments"),
    };
    let pins = if pinned > 0 { format!(", {pinned} of them pinned") } else { String::new() };
    format!("{moments}{pins}, {} in all, out of {} stretches that were looked at", seconds(length), report.considered)
}

/// Whether the film shows it.
pub(super) fn is_shown(candidate: &Candidate) -> bool {
    matches!(candidate.verdict, Verdict::Pinned | Verdict::Chosen)
}

/// Whether anything is known of what it is worth.
pub(super) fn has_score(candidate: &Candidate) -> bool {
    candidate.parts.iter().any(Option::is_some)
}

/// Why a moment is in the film or is not.
pub(super) fn verdict(candidate: &Candidate) -> String {
    match &candidate.verdict {
        Verdict::Pinned => "pinned in the manifest".to_owned(),
        Verdict::Chosen if has_score(candidate) => "chosen: part of the best set by score".to_owned(),
        Verdict::Chosen => "chosen: spread evenly over the footage".to_owned(),
        Verdict::TooNear(other) => format!("left out: too near to {other}"),
        Verdict::NoRoom => "left out: the total duration is full".to_owned(),
        Verdict::Banned => "left out: banned in the manifest".to_owned(),
    }
}

/// What to write into `pins: [...]` of the manifest to have this very moment.
/// `length` is that of a moment for which the manifest states none.
pub(super) fn pin_line(moment: &Moment, length: Option<Timestamp>) -> String {
    order_line("Pin(at", moment, length)
}

/// What to write into `bans: [...]` of the manifest never to see any of this
/// moment.
pub(super) fn ban_line(moment: &Moment, length: Option<Timestamp>) -> String {
    order_line("Ban(from", moment, length)
}

/// A position alone is short for a stretch of the usual length.
fn order_line(long: &str, moment: &Moment, length: Option<Timestamp>) -> String {
    let at = quoted(&moment.node());
    if length == Some(moment.length) {
        format!("{at},")
    } else {
        format!("{long}: {at}, length: {}),", quoted(&plain_seconds(moment.length)))
    }
}

/// A string as RON writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.extend(control.escape_unicode()),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `3.5s`, to the millisecond, as the manifest reads it.
fn plain_seconds(time: Timestamp) -> String {
    let millis = time.to_millis();
    let text = format!("{}.{:03}", millis / 1_000, millis.rem_euclid(1_000));
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `3.5 s`, or minutes where there are some.
pub(super) fn seconds(time: Timestamp) -> String {
    let millis = time.to_millis();
    if millis >= 60_000 {
        let tenths = (millis + 50) / 100;
        return format!("{} min {}.{} s", tenths / 600, tenths % 600 / 10, tenths % 10);
    }
    plain_seconds(time).replace('s', " s")
}

/// A share of 1 with two digits.
pub(super) fn share(steps: i64) -> String {
    format!("{:.2}", steps as f64 / ONE)
}

pub(super) fn weight(input: &NormalisedInput) -> String {
    format!("{:.2}", f64::from(input.weight) / 1_000.0)
}

/// The values that count as 0 and as 1, with as many digits as tell them
/// apart; `None` where the input has no range.
pub(super) fn range(input: &NormalisedInput) -> Option<(String, String)> {
    (input.low < input.high).then(|| {
        let number = |steps: i64| {
            let digits = match input.high - input.low {
                1_000_000.. => 0,
                100_000.. => 1,
                1_000.. => 2,
                100.. => 3,
                _ => 4,
            };
            format!("{:.digits$}", steps as f64 / Signal::SCALE)
        };
        (number(input.low), number(input.high))
    })
}

/// For how much of the footage an input has a value.
pub(super) fn known(input: &NormalisedInput) -> String {
    match input.coverage {
        1..10 => "under 1 %".to_owned(),
        coverage => format!("{} %", coverage / 10),
    }
}

/// Rows under each other: the first `left` columns and the last start flush
/// left, numbers end flush right.
fn table(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let is_text = column < left || (left > 1 && column + 1 == columns);
            let cell = if is_text { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
            line.push_str("  ");
            line.push_str(&cell);
        }
        text.push_str(line.get(if left > 1 { 0 } else { 2 }..).unwrap_or_default().trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(start: i64, length: i64) -> Moment {
        let (start, length) = (Timestamp::from_millis(start), Timestamp::from_millis(length));
        Moment { recording: "front/GX010012".to_owned(), start, length, pinned: false }
    }

    fn candidate(start: i64, score: i64, parts: [Option<i64>; 2], verdict: Verdict) -> Candidate {
        Candidate { moment: moment(start, 3_500), score, parts: parts.to_vec(), verdict }
    }

    fn report() -> ChoiceReport {
        let input = |name: &str, weight, low, high, coverage| NormalisedInput {
            name: name.to_owned(),
            weight,
            low,
            high,
            coverage,
        };
        ChoiceReport {
            inputs: vec![input("speed", 700, 12_000, 84_000, 1_000), input("|gradient|", -300, 0, 0, 5)],
            candidates: vec![
                candidate(9_000, 812_345, [Some(700_000), Some(112_345)], Verdict::Chosen),
                candidate(12_000, 5_000, [Some(5_000), None], Verdict::TooNear("front/GX010012@9.0s".to_owned())),
            ],
            considered: 1_204,
            length: Some(Timestamp::from_millis(3_500)),
            notes: vec!["nothing much".to_owned()],
        }
    }

    #[test]
    fn the_whole_report_as_text() {
        assert_eq!(
            render(&report()),
            "\
1 moment, 3.5 s in all, out of 1204 stretches that were looked at
  note: nothing much

input       weight  counts as 0  counts as 1  known for
speed         0.70         1.20         8.40      100 %
|gradient|   -0.30            -            -  under 1 %

     moment                length  score  speed  |gradient|  why
  *  front/GX010012@9.0s    3.5 s   0.81   0.70        0.11  chosen: part of the best set by score
     front/GX010012@12.0s   3.5 s   0.01   0.01           -  left out: too near to front/GX010012@9.0s

* is in the film. A part is what an input adds to the score; - means that it has no value there.
"
        );
    }

    #[test]
    fn lines_for_the_manifest() {
        let length = Some(Timestamp::from_millis(3_500));
        assert_eq!(pin_line(&moment(192_000, 3_500), length), "\"front/GX010012@192.0s\",");
        assert_eq!(pin_line(&moment(192_250, 4_000), length), "Pin(at: \"front/GX010012@192.25s\", length: \"4s\"),");
        assert_eq!(pin_line(&moment(0, 2_002), None), "Pin(at: \"front/GX010012@0.0s\", length: \"2.002s\"),");
        assert_eq!(ban_line(&moment(190_000, 3_500), length), "\"front/GX010012@190.0s\",");
        assert_eq!(
            ban_line(&moment(190_000, 4_500), length),
            "Ban(from: \"front/GX010012@190.0s\", length: \"4.5s\"),"
        );
    }

    #[test]
    fn names_are_quoted_as_ron_reads_them() {
        assert_eq!(quoted("a\"b\\c\nd"), "\"a\\\"b\\\\c\\u{a}d\"");
    }

    #[test]
    fn lengths_for_people() {
        assert_eq!(seconds(Timestamp::from_millis(3_500)), "3.5 s");
        assert_eq!(seconds(Timestamp::from_millis(59_999)), "59.999 s");
        assert_eq!(seconds(Timestamp::from_millis(147_040)), "2 min 27.0 s");
    }

    #[test]
    fn nothing_to_tell_is_one_line() {
        assert_eq!(render(&ChoiceReport::default()).lines().count(), 1);
    }
}
