//! What `autocut bench` prints.

use std::fmt::Write as _;

use crate::base::{Bytes, Diagnostic};
use crate::exec::bench::Witness;
use crate::exec::bench::results::{Bench, Change, Measured};
use crate::report::terminal;

/// Says on standard error what is measured now.
pub struct Attendant {
    pub colour: bool,
}

impl Witness for Attendant {
    fn begins(&self, place: usize, count: usize, setting: &str) {
        terminal::note(&format!("{place} of {count}: {setting}"));
    }

    fn warns(&self, warning: &Diagnostic) {
        terminal::tell(std::slice::from_ref(warning), self.colour);
    }
}

/// One JSON object, on one line: what `--baseline` reads.
pub fn json(bench: &Bench) -> String {
    // Plain data in memory has no way to fail to serialise.
    format!("{}\n", serde_json::to_string(bench).unwrap_or_default())
}

const HEAD: [&str; 13] = [
    "", "encoder", "preset", "quality", "frames/s", "x real", "size", "Mbit/s", "SSIM", "PSNR", "memory", "CPU s",
    "disk",
];

/// The columns, from the left, whose entries begin below each other.
const WORDS: usize = 3;

/// For people.
pub fn text(bench: &Bench) -> String {
    let stretch = &bench.footage;
    let mut text = format!(
        "{:.3} s of {} from {:.3} s on, {} frames of {} at {}/s; one process, {} processors\n\n",
        stretch.seconds,
        stretch.file,
        stretch.from_ns as f64 / 1e9,
        stretch.frames,
        stretch.size,
        stretch.rate,
        bench.processors
    );
    let rows = bench.settings.iter().map(row);
    table(&mut text, &[HEAD.map(str::to_owned).to_vec()].into_iter().chain(rows).collect::<Vec<_>>());
    text.push_str("\n> what the project has now   * nothing measured is at least as quick, small and like at once\n");
    text.push_str("SSIM and PSNR of all planes; disk: bytes read and written\n");
    match bench.settings.iter().filter(|one| one.disturbed).count() {
        0 => {}
        count => {
            let all = bench.settings.len();
            let _ =
                writeln!(text, "{count} of {all} waited for a disk or for other programs: their speeds are too low");
        }
    }
    for failed in &bench.failed {
        let _ = writeln!(text, "not measured: {}: {}", failed.setting, failed.why);
    }
    if let Some(compared) = &bench.compared {
        changes(&mut text, &bench.settings, compared);
    }
    let take = &bench.advice.take;
    let name = |index: usize| bench.settings.get(index).map(Measured::name).unwrap_or_default();
    let _ = writeln!(text, "\nrecommended: {}\n  {}\n  video: {}", name(take.setting), take.why, take.line);
    if let Some(smaller) = &bench.advice.smaller {
        let name = name(smaller.setting);
        let _ = writeln!(text, "where size matters more: {name}\n  {}\n  video: {}", smaller.why, smaller.line);
    }
    text
}

fn row(one: &Measured) -> Vec<String> {
    let mark = match (one.own, one.front) {
        (true, true) => ">*",
        (true, false) => ">",
        (false, true) => " *",
        (false, false) => "",
    };
    vec![
        mark.to_owned(),
        one.encoder.clone(),
        one.preset.clone(),
        one.quality.to_string(),
        format!("{:.1}", one.frames_per_second),
        format!("{:.2}", one.times_real_time),
        Bytes(one.bytes).to_string(),
        format!("{:.2}", one.mbit_per_second),
        format!("{:.4}", one.ssim),
        one.psnr.map_or("equal".to_owned(), |psnr| format!("{psnr:.2}")),
        Bytes(one.memory_bytes).to_string(),
        format!("{:.2}", one.cpu_seconds),
        format!("{}, {}", Bytes(one.read_bytes), Bytes(one.written_bytes)),
    ]
}

fn changes(text: &mut String, settings: &[Measured], compared: &[Option<Change>]) {
    text.push_str("\nagainst the baseline, as ratios of which less is better (! is worse by more than 5 %)\n\n");
    let head =
        ["", "encoder", "preset", "quality", "time", "size", "1-SSIM", "error", "CPU", "memory", "read", "written"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (one, change) in settings.iter().zip(compared) {
        let mut row = vec![String::new(), one.encoder.clone(), one.preset.clone(), one.quality.to_string()];
        match change {
            None => row.push("new".to_owned()),
            Some(change) => {
                let ratio = |name: &str, ratio: f64| {
                    let mark = if change.worse.iter().any(|worse| worse == name) { "!" } else { "" };
                    format!("{mark}{ratio:.2}")
                };
                row.extend([
                    ratio("time", change.time),
                    ratio("size", change.size),
                    ratio("dissimilarity", change.dissimilarity),
                    ratio("error", change.error),
                    ratio("cpu", change.cpu),
                    ratio("memory", change.memory),
                    ratio("read", change.read),
                    ratio("written", change.written),
                ]);
            }
        }
        rows.push(row);
    }
    table(text, &rows);
    let worse = compared.iter().flatten().filter(|change| !change.worse.is_empty()).count();
    let _ = match worse {
        0 => writeln!(text, "\nnothing got worse"),
        count => writeln!(text, "\nworse in something: {count} of {} settings", settings.len()),
    };
}

/// Columns as wide as their widest entry.
fn table(text: &mut String, rows: &[Vec<String>]) {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let entry = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |entry| entry.chars().count());
    let widths: Vec<usize> =
        (0..count).map(|column| rows.iter().map(|row| entry(row, column)).max().unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (entry, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column < WORDS {
                true => write!(line, "{entry:<width$}  "),
                false => write!(line, "{entry:>width$}  "),
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut text = String::new();
        let row = |entries: [&str; 5]| entries.map(str::to_owned).to_vec();
        table(&mut text, &[row(["", "encoder", "preset", "q", "fps"]), row([">", "a", "b", "18", "1234.5"])]);
        assert_eq!(text, "   encoder  preset   q     fps\n>  a        b       18  1234.5\n");
    }
}
