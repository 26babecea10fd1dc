//! A reader between a file and the csv crate, so that one damaged line costs
//! one line.
//!
//! The csv crate keeps a record of any length in memory and lets a quote that
//! is never closed swallow the rest of the file; loggers that lose power write
//! both. The guard hands on whole lines only: a line that is too long or whose
//! quote is not closed within a few lines is replaced by an empty one and
//! reported. It also writes CR LF as LF and ends the last line, so that the
//! crate's line numbers are those of the file.

use std::io::{self, ErrorKind, Read};

use crate::model::telemetry::Spot;
use crate::telemetry::bad_rows::BadRows;

/// The longest line: 4,096 columns of 60 characters.
const LONGEST_LINE: usize = 256 * 1024;

/// How many lines a quoted cell may span.
const QUOTED_LINES: usize = 16;

pub(super) struct Guard<R> {
    input: R,
    delimiter: u8,
    /// `\n`, or `\r` in a file that has no other line ends.
    line_end: u8,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are filled; those before `given` were handed
    /// on, those before `ready` are whole lines.
    filled: usize,
    given: usize,
    ready: usize,
    /// Bytes from the start in which no line ends.
    searched: usize,
    ended: bool,
    /// In the middle of a line that is too long.
    skipping: bool,
    /// Lines before `ready`.
    lines: u64,
    pub(super) bad: BadRows,
    /// The file ends without a line end: its last row may be cut short.
    pub(super) unfinished: bool,
}

impl<R: Read> Guard<R> {
    pub(super) fn new(input: R, delimiter: u8, line_end: u8) -> Self {
        Guard {
            input,
            delimiter,
            line_end,
            // One byte more, for the line end that a file may lack.
            buffer: vec![0; LONGEST_LINE + 1],
            filled: 0,
            given: 0,
            ready: 0,
            searched: 0,
            ended: false,
            skipping: false,
            lines: 0,
            bad: BadRows::default(),
            unfinished: false,
        }
    }

    /// Makes the next lines ready.
    fn advance(&mut self) -> io::Result<()> {
        while self.ready == self.given && !(self.ended && self.filled == self.ready) {
            if self.ready > 0 {
                self.buffer.copy_within(self.ready..self.filled, 0);
                self.filled -= self.ready;
                (self.given, self.ready, self.searched) = (0, 0, 0);
            }
            if !self.ended {
                match self.input.read(&mut self.buffer[self.filled..LONGEST_LINE]) {
                    Ok(0) => self.end(),
                    Ok(count) => self.filled += count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                }
            }
            self.split();
        }
        Ok(())
    }

    /// At the end of the file: whatever is left is a line.
    fn end(&mut self) {
        self.ended = true;
        if self.filled > 0 && self.buffer[self.filled - 1] != self.line_end {
            self.buffer[self.filled] = self.line_end;
            self.filled += 1;
            self.unfinished = true;
        }
    }

    /// Finds whole lines in what was read and tidies them.
    fn split(&mut self) {
        let full = self.filled >= LONGEST_LINE;
        let unsearched = &self.buffer[self.searched..self.filled];
        let Some(last) = unsearched.iter().rposition(|b| *b == self.line_end).map(|at| at + self.searched) else {
            self.searched = self.filled;
            if full {
                if !self.skipping {
                    let line = self.lines + 1;
                    self.bad.add(Spot::Line(line), || format!("the line is longer than {} KiB", LONGEST_LINE / 1024));
                }
                self.skipping = true;
                (self.filled, self.searched) = (0, 0);
            }
            return;
        };
        let mut from = 0;
        if self.skipping {
            // The rest of the long line goes too; its line end stays.
            let rest = self.buffer.iter().position(|b| *b == self.line_end).unwrap_or(last);
            self.buffer[..rest].fill(b' ');
            self.skipping = false;
            from = rest;
        }
        let lines = &mut self.buffer[from..=last];
        if self.line_end == b'\n' && lines.contains(&b'\r') {
            for at in 1..lines.len() {
                if lines[at] == b'\n' && lines[at - 1] == b'\r' {
                    lines[at - 1] = b' ';
                }
            }
        }
        self.ready = last + 1;
        if self.buffer[..self.ready].contains(&b'"') {
            self.ready = self.close_quotes();
            // What is not settled has line ends in it.
            self.searched = 0;
        }
        let count = self.buffer[..self.ready].iter().filter(|b| **b == self.line_end).count();
        self.lines += count as u64;
    }

    /// Blanks lines whose quotes are not closed. Returns how far the lines are
    /// settled: a quoted cell at the end may go on in what is not read yet.
    fn close_quotes(&mut self) -> usize {
        let complete = self.ended || self.filled >= LONGEST_LINE;
        let mut start = 0;
        let mut line = self.lines;
        while start < self.ready {
            let mut end = self.line_from(start);
            let mut spanned = 1;
            let mut quoted = self.buffer[start] != b'#' && self.open_after(start..end, false);
            while quoted && end < self.ready && spanned < QUOTED_LINES {
                let next = self.line_from(end);
                quoted = self.open_after(end..next, true);
                end = next;
                spanned += 1;
            }
            if quoted {
                if end == self.ready && spanned < QUOTED_LINES && !complete {
                    return start;
                }
                end = self.line_from(start);
                spanned = 1;
                self.bad.add(Spot::Line(line + 1), || "a quote is not closed".to_owned());
                self.buffer[start..end - 1].fill(b' ');
            }
            start = end;
            line += spanned as u64;
        }
        start
    }

    /// Where the line that starts at `start` ends, its line end included.
    fn line_from(&self, start: usize) -> usize {
        let rest = &self.buffer[start..self.ready];
        rest.iter().position(|b| *b == self.line_end).map_or(self.ready, |at| start + at + 1)
    }

    /// Whether a quoted cell is open at the end of these bytes. A quote opens
    /// one only at its start, as the csv crate sees it.
    fn open_after(&self, range: std::ops::Range<usize>, mut open: bool) -> bool {
        let mut fresh = true;
        for byte in &self.buffer[range] {
            match *byte {
                // Two quotes inside of a quoted cell close and open it again.
                b'"' if open || fresh => {
                    open = !open;
                    fresh = !open;
                }
                other => fresh = !open && other == self.delimiter,
            }
        }
        open
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.advance()?;
        let count = out.len().min(self.ready - self.given);
        out[..count].copy_from_slice(&self.buffer[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::telemetry::BadRow;

    /// A reader that gives a few bytes at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(out.len()).min(3);
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn line(bad: BadRow) -> (u64, String) {
        let Spot::Line(line) = bad.at else { panic!("{bad:?}") };
        (line, bad.reason)
    }

    fn through(text: &str) -> (String, Vec<(u64, String)>) {
        let mut guard = Guard::new(Drip(text.as_bytes()), b',', b'\n');
        let mut out = String::new();
        guard.read_to_string(&mut out).unwrap();
        (out, guard.bad.examples.into_iter().map(line).collect())
    }

    #[test]
    fn whole_lines_go_through() {
        assert_eq!(through("a,b\n1,2\n"), ("a,b\n1,2\n".to_owned(), vec![]));
        assert_eq!(through("a,\"b\nc\",d\n1,2"), ("a,\"b\nc\",d\n1,2\n".to_owned(), vec![]));
        assert_eq!(through("a,\"b\"\"c\"\r\n5\" x,2\r\n").0, "a,\"b\"\"c\" \n5\" x,2 \n");
    }

    #[test]
    fn an_open_quote_costs_its_line() {
        let many = "1,2\n".repeat(40);
        let (out, bad) = through(&format!("a,b\n# 5,\"\n3,\"4\n{many}"));
        assert_eq!(out, format!("a,b\n# 5,\"\n    \n{many}"));
        assert_eq!(bad, [(3, "a quote is not closed".to_owned())]);
        assert_eq!(through("a\n\"b\nc"), ("a\n  \nc\n".to_owned(), vec![(2, "a quote is not closed".to_owned())]));
    }

    #[test]
    fn a_line_that_never_ends_costs_its_line() {
        let (out, bad) = through(&format!("a\n{}\nb\n", "x".repeat(600_000)));
        assert_eq!(out.split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(out.lines().count(), 3);
        assert_eq!(bad, [(2, "the line is longer than 256 KiB".to_owned())]);
    }
}
