//! Tables that are not of samples, though they look like CSV: told by what they
//! are, before their columns are.

use super::dialect::Dialect;
use crate::base::Diagnostic;
use crate::telemetry::channels::squash;

/// Refuses what is known and cannot be read.
pub(super) fn check(dialect: &Dialect) -> Result<(), Diagnostic> {
    let start = String::from_utf8_lossy(&dialect.head[..dialect.head.len().min(4_096)]);
    let has_line = |wanted: &str| start.lines().any(|line| line.trim().eq_ignore_ascii_case(wanted));
    if has_line("[column names]") || (has_line("[header]") && start.contains("File created on")) {
        return Err(Diagnostic::input("the file is a log of a VBOX (.vbo), which is not read")
            .note("its sections `[header]`, `[column names]` and `[data]` are no table with a header line")
            .hint("export it as CSV or NMEA with VBOX Test Suite or Circuit Tools, and name that file"));
    }
    let first = dialect.records.first().map(|row| row.iter().take(4).map(cell).collect::<Vec<_>>());
    if first.is_some_and(|cells| cells == ["type", "localnumber", "message", "field1"]) {
        return Err(Diagnostic::input(
            "the file is what FitCSVTool writes of a FIT file: messages, and no table of samples",
        )
        .hint("name the .fit file itself: `telemetry: \"ride.fit\"`"));
    }
    Ok(())
}

fn cell(cell: &[u8]) -> String {
    squash(&String::from_utf8_lossy(cell))
}
