//! What a CSV file looks like, from its first 64 KiB: encoding, line ends,
//! delimiter, and the first records.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::guard::Guard;
use super::params::Delimiter;
use crate::base::Diagnostic;
use crate::telemetry::import::{self, HEAD};

/// How many lines vote on the delimiter.
const VOTERS: usize = 60;

/// How many records are looked at for the header and for how times are written.
const RECORDS: usize = 300;

/// The start of a file and what it tells.
pub(super) struct Dialect {
    /// The file's first bytes, without a byte order mark.
    pub(super) head: Vec<u8>,
    pub(super) delimiter: u8,
    pub(super) line_end: u8,
    pub(super) records: Vec<ByteRecord>,
}

impl Dialect {
    /// Whether a comma can stand for the decimal point.
    pub(super) fn decimal_comma(&self) -> bool {
        self.delimiter != b','
    }
}

pub(super) fn sniff(input: &mut dyn Read, delimiter: Delimiter) -> Result<Dialect, Diagnostic> {
    let mut head = import::head(input, HEAD)?;
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Err(Diagnostic::input("the file is UTF-16 text").hint("save it as UTF-8"));
    }
    if head.starts_with(&[0xEF, 0xBB, 0xBF]) {
        head.drain(..3);
    }
    if head.trim_ascii().is_empty() {
        return Err(Diagnostic::input("the file is empty").hint("a CSV file needs a header line and rows below it"));
    }
    // Text has no NUL; a logger that lost power may leave a few blocks of them.
    let start = &head[..head.len().min(512)];
    if start.iter().filter(|b| **b == 0).count() > start.len() / 8 {
        return Err(Diagnostic::input("the file is not text")
            .hint("write the path alone, and what the file is is told from its start"));
    }
    let line_end = if head.contains(&b'\n') || !head.contains(&b'\r') { b'\n' } else { b'\r' };
    let delimiter = match delimiter {
        Delimiter::Auto => find_delimiter(&head, line_end),
        Delimiter::Comma => b',',
        Delimiter::Semicolon => b';',
        Delimiter::Tab => b'\t',
    };
    let records = first_records(&head, delimiter, line_end);
    Ok(Dialect { head, delimiter, line_end, records })
}

/// The delimiter of which most lines hold the same number; with as many, tab
/// before `;` before `,`, since decimal commas are as regular as delimiters.
fn find_delimiter(head: &[u8], line_end: u8) -> u8 {
    let lines: Vec<&[u8]> = head
        .split(|b| *b == line_end)
        .filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"))
        .take(VOTERS)
        .collect();
    let mut best = (0, b',');
    for delimiter in [b'\t', b';', b','] {
        let counts: Vec<usize> = lines.iter().map(|line| count_outside_quotes(line, delimiter)).collect();
        let agree = |count: usize| counts.iter().filter(|other| **other == count).count();
        let votes = counts.iter().filter(|count| **count > 0).map(|count| agree(*count)).max().unwrap_or(0);
        if votes > best.0 {
            best = (votes, delimiter);
        }
    }
    best.1
}

fn count_outside_quotes(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let mut count = 0;
    for byte in line {
        quoted ^= *byte == b'"';
        count += usize::from(!quoted && *byte == delimiter);
    }
    count
}

/// A reader of the csv crate with the settings of both passes.
pub(super) fn reader<R: Read>(input: R, delimiter: u8, line_end: u8) -> csv::Reader<Guard<R>> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(64 * 1024)
        .from_reader(Guard::new(input, delimiter, line_end))
}

fn first_records(head: &[u8], delimiter: u8, line_end: u8) -> Vec<ByteRecord> {
    // The last line of a head that was cut off is no whole one.
    let whole = if head.len() < HEAD {
        head
    } else {
        let end = head.iter().rposition(|b| *b == line_end).map_or(head.len(), |at| at + 1);
        &head[..end]
    };
    let mut reader = reader(whole, delimiter, line_end);
    let mut records = Vec::new();
    let mut record = ByteRecord::new();
    while records.len() < RECORDS && matches!(reader.read_byte_record(&mut record), Ok(true)) {
        records.push(record.clone());
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &[u8]) -> Dialect {
        sniff(&mut &text[..], Delimiter::Auto).unwrap()
    }

    #[test]
    fn delimiters_are_found() {
        assert_eq!(dialect(b"lat,lon\n1.5,2.5\n").delimiter, b',');
        assert_eq!(dialect(b"lat;lon;time\n1,5;2,5;3,5\n1,6;2,6;4,5\n").delimiter, b';');
        assert_eq!(dialect(b"lat\tlon\n1,5\t2,5\n").delimiter, b'\t');
        assert_eq!(dialect(b"# a;b;c\n\"a;b\",c\n\"d\",e\n").delimiter, b',');
    }

    #[test]
    fn marks_and_line_ends_are_found() {
        let found = dialect(b"\xEF\xBB\xBFlat,lon\r1,2\r");
        assert_eq!(found.line_end, b'\r');
        assert_eq!(found.records.len(), 2);
        assert_eq!(found.records[0].get(0), Some(&b"lat"[..]));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [&b""[..], b" \n\n", b"\xFF\xFEl\0a\0", b"\0\0\0\x18ftypmp42\0\0\0\0"] {
            assert!(sniff(&mut &bytes[..], Delimiter::Auto).is_err());
        }
    }
}
