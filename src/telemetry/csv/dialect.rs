//! What a CSV file looks like, from its first 64 KiB: encoding, line ends,
//! delimiter, and the first records.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::guard::Guard;
use super::header;
use super::params::{Csv, Delimiter};
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

pub(super) fn sniff(input: &mut dyn Read, params: &Csv) -> Result<Dialect, Diagnostic> {
    let mut head = import::head(input, HEAD)?;
    let is_cut = head.len() >= HEAD;
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
    let stated = take_stated(&mut head, line_end);
    let delimiter = match params.delimiter {
        Delimiter::Auto => stated.unwrap_or_else(|| find_delimiter(&head, line_end)),
        Delimiter::Comma => b',',
        Delimiter::Semicolon => b';',
        Delimiter::Tab => b'\t',
    };
    let mut records = first_records(&head, delimiter, line_end, is_cut);
    if let Some(at) = commented_header(&head, delimiter, line_end, &records, params) {
        head.remove(at);
        records = first_records(&head, delimiter, line_end, is_cut);
    }
    Ok(Dialect { head, delimiter, line_end, records })
}

/// The delimiter that a first line `sep=;` states, as spreadsheets take it. The
/// line becomes a comment.
fn take_stated(head: &mut [u8], line_end: u8) -> Option<u8> {
    let line = head.split(|b| *b == line_end).next()?.trim_ascii();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let line = line.strip_suffix(b"\"").unwrap_or(line);
    let (word, stated) = line.split_at_checked(4)?;
    if !word.eq_ignore_ascii_case(b"sep=") || stated.len() > 1 {
        return None;
    }
    // A tab at the end of the line is trimmed.
    let stated = stated.first().copied().unwrap_or(b'\t');
    head[0] = b'#';
    [b',', b';', b'\t'].contains(&stated).then_some(stated)
}

/// Where the `#` is of a comment that is the header: as many cells as the rows
/// below it have, of which more are known than of any line that is no comment.
/// OpenTracks writes one, and so does NumPy. A line with a header that the
/// parameters name is the header itself.
fn commented_header(head: &[u8], delimiter: u8, line_end: u8, records: &[ByteRecord], params: &Csv) -> Option<usize> {
    if records.iter().take(VOTERS).flatten().any(|cell| header::is_mapped(cell, params)) {
        return None;
    }
    let known = |cells: &mut dyn Iterator<Item = &[u8]>| cells.filter(|cell| header::is_known(cell)).count();
    let best = records.iter().take(VOTERS).map(|row| known(&mut row.iter())).max()?;
    let width = records.first()?.len();
    let mut at = 0;
    for line in head.split(|b| *b == line_end).take(VOTERS) {
        let start = at;
        at += line.len() + 1;
        let Some(cells) = line.strip_prefix(b"#") else { continue };
        let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(cells);
        let Some(Ok(row)) = reader.byte_records().next() else { continue };
        if row.len() == width && width > 1 && known(&mut row.iter()) > best.max(1) {
            return Some(start);
        }
    }
    None
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

fn first_records(head: &[u8], delimiter: u8, line_end: u8, is_cut: bool) -> Vec<ByteRecord> {
    // The last line of a head that was cut off is no whole one.
    let whole = if !is_cut {
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
        sniff(&mut &text[..], &Csv::default()).unwrap()
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
    fn a_first_line_that_states_the_delimiter_is_none_of_the_table() {
        for (text, delimiter) in [
            ("sep=,\nlat,lon\n1,2\n", b','),
            ("\"sep=;\"\r\nlat;lon\r\n1,5;2\r\n", b';'),
            ("SEP=\t\nlat\tlon\n", b'\t'),
        ] {
            let found = dialect(text.as_bytes());
            assert_eq!((found.delimiter, found.records[0].get(0)), (delimiter, Some(&b"lat"[..])), "{text:?}");
        }
        assert_eq!(dialect(b"sepal,lat\n1,2\n").records.len(), 2);
    }

    /// As OpenTracks and NumPy write it, and as TrackAddict does not.
    #[test]
    fn a_comment_may_be_the_header() {
        let found = dialect(b"#time,trackpoint_type,latitude\n1,\"TRACKPOINT\",3\n");
        assert_eq!((found.records.len(), found.records[0].get(0)), (2, Some(&b"time"[..])));
        assert_eq!(dialect(b"# made by x\n# time,lat,lon\n1,2,3\n").records.len(), 2);
        for text in ["# time,lat\n1,2,3\n", "# time,lat,lon\nlat,lon,speed\n1,2,3\n", "# time,a,b\n1,2,3\n"] {
            assert_eq!(dialect(text.as_bytes()).records.len(), text.lines().count() - 1, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [&b""[..], b" \n\n", b"\xFF\xFEl\0a\0", b"\0\0\0\x18ftypmp42\0\0\0\0"] {
            assert!(sniff(&mut &bytes[..], &Csv::default()).is_err());
        }
    }
}
