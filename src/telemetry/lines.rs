//! Text a line at a time, of which none is longer than it may be.

use std::io::{BufRead, BufReader, ErrorKind, Read};

use crate::base::Diagnostic;
use crate::telemetry::import;

/// The longest line that is kept; the rest of a longer one is passed over.
const LONGEST: usize = 16 * 1024;

pub(super) struct Lines<'i> {
    input: BufReader<&'i mut dyn Read>,
    line: Vec<u8>,
    number: u64,
}

impl<'i> Lines<'i> {
    pub(super) fn new(input: &'i mut dyn Read) -> Self {
        Lines { input: BufReader::with_capacity(64 * 1024, input), line: Vec::new(), number: 0 }
    }

    /// The number of the line that was read last, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end, blanks around it and a byte order mark;
    /// what is no UTF-8 is replaced.
    pub(super) fn next(&mut self) -> Result<Option<String>, Diagnostic> {
        self.line.clear();
        let mut any = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(import::unreadable(&error)),
            };
            if buffer.is_empty() {
                if !any {
                    return Ok(None);
                }
                break;
            }
            any = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let room = LONGEST - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        let text = String::from_utf8_lossy(&self.line);
        Ok(Some(text.trim_start_matches('\u{feff}').trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_bounded() {
        let text = format!("\u{feff}a \r\n\n{}\nb", "x".repeat(100_000));
        let mut input = text.as_bytes();
        let mut lines = Lines::new(&mut input);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((lines.number(), line.len(), line.chars().next()));
        }
        assert_eq!(found, [(1, 1, Some('a')), (2, 0, None), (3, LONGEST, Some('x')), (4, 1, Some('b'))]);
    }
}
