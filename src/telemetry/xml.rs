//! XML as logs use it, a piece at a time.
//!
//! Reading is quick-xml's, which resolves no entities but XML's own five, so
//! that none can multiply. What is bounded here: how long one piece may be, how
//! deep elements may lie in each other, and how much of a text is kept.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::base::Diagnostic;
use crate::telemetry::import;

/// The longest tag, comment or stretch of text.
const LONGEST: u64 = 1 << 20;

/// How deep elements may lie in each other.
const DEEPEST: usize = 128;

/// How much of an element's text is kept.
const TEXT: usize = 4_096;

/// How much of the name of an element is kept.
const NAME: usize = 200;

/// A piece of a document. Names are without their prefixes.
pub(super) enum Piece {
    Open,
    /// The text is that of the element where it has no elements in it.
    Close(String),
}

/// Why a document ends before its end.
pub(super) enum Trouble {
    /// It cannot be read from the disk.
    Unreadable(Diagnostic),
    /// It is no well-formed XML from this byte on.
    Broken(u64, String),
}

/// A reader that ends where one piece becomes too long.
struct Bounded<R> {
    input: R,
    /// Bytes since the last piece.
    since: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// What the reader says where a piece is too long.
const TOO_LONG: &str = "more than 1 MiB in one piece";

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since > LONGEST {
            return Err(io::Error::other(TOO_LONG));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.since += count as u64;
        self.input.consume(count);
    }
}

/// A document that is read.
pub(super) struct Document<'i> {
    reader: Reader<Bounded<BufReader<&'i mut dyn Read>>>,
    buffer: Vec<u8>,
    /// The elements that are open, the outermost first.
    path: Vec<String>,
    /// The attributes of the element that was opened last.
    attributes: Vec<(String, String)>,
    text: String,
    /// The element that was closed last is still on the path.
    closed: bool,
}

impl<'i> Document<'i> {
    pub(super) fn new(input: &'i mut dyn Read) -> Self {
        let input = BufReader::with_capacity(64 * 1024, input);
        let mut reader = Reader::from_reader(Bounded { input, since: 0 });
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Document {
            reader,
            buffer: Vec::new(),
            path: Vec::new(),
            attributes: Vec::new(),
            text: String::new(),
            closed: false,
        }
    }

    /// The next piece; `None` at the end of a whole document.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Trouble> {
        if std::mem::take(&mut self.closed) {
            self.path.pop();
        }
        loop {
            self.buffer.clear();
            if self.buffer.capacity() > 128 * 1024 {
                self.buffer.shrink_to(64 * 1024);
            }
            self.reader.get_mut().since = 0;
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.trouble(&error)),
            };
            match event {
                Event::Start(start) => {
                    self.text.clear();
                    self.attributes = attributes(&start);
                    let name = local(start.local_name().as_ref());
                    if self.path.len() >= DEEPEST {
                        let at = self.reader.buffer_position();
                        return Err(Trouble::Broken(at, format!("more than {DEEPEST} elements in each other")));
                    }
                    self.path.push(name);
                    return Ok(Some(Piece::Open));
                }
                Event::End(_) => {
                    self.closed = true;
                    return Ok(Some(Piece::Close(std::mem::take(&mut self.text).trim().to_owned())));
                }
                Event::Text(text) => keep(&mut self.text, &String::from_utf8_lossy(&text)),
                Event::CData(text) => keep(&mut self.text, &String::from_utf8_lossy(&text)),
                Event::GeneralRef(entity) => {
                    let character = match &*entity {
                        b"amp" => Some('&'),
                        b"lt" => Some('<'),
                        b"gt" => Some('>'),
                        b"quot" => Some('"'),
                        b"apos" => Some('\''),
                        _ => entity.resolve_char_ref().ok().flatten(),
                    };
                    if let Some(character) = character {
                        keep(&mut self.text, character.encode_utf8(&mut [0; 4]));
                    }
                }
                Event::Eof if self.path.is_empty() => return Ok(None),
                Event::Eof => {
                    let at = self.reader.buffer_position();
                    return Err(Trouble::Broken(at, "the file ends within an element".to_owned()));
                }
                _ => {}
            }
        }
    }

    /// The element that was opened or closed last.
    pub(super) fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The element around that.
    pub(super) fn parent(&self) -> &str {
        self.path.len().checked_sub(2).map_or("", |at| self.path[at].as_str())
    }

    /// Whether an element of this name is open.
    pub(super) fn within(&self, name: &str) -> bool {
        self.path.iter().any(|open| open == name)
    }

    /// An attribute of the element that was opened last.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where the reader is, in bytes.
    pub(super) fn at(&self) -> u64 {
        self.reader.buffer_position()
    }

    fn trouble(&self, error: &quick_xml::Error) -> Trouble {
        match error {
            quick_xml::Error::Io(error) if error.to_string() != TOO_LONG => {
                Trouble::Unreadable(import::unreadable(error))
            }
            error => Trouble::Broken(self.reader.buffer_position(), error.to_string()),
        }
    }
}

fn local(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(NAME)]).into_owned()
}

/// Most attributes of an element that are looked at.
const ATTRIBUTES: usize = 32;

fn attributes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    // Its check for repeated names takes the square of their number.
    let mut attributes = start.attributes();
    let all = attributes.with_checks(false).take(ATTRIBUTES).flatten();
    all.map(|attribute| {
        let value = &attribute.value[..attribute.value.len().min(TEXT)];
        (local(attribute.key.local_name().as_ref()), String::from_utf8_lossy(value).trim().to_owned())
    })
    .collect()
}

/// Adds to a text what there is room for.
fn keep(text: &mut String, more: &str) {
    let room = TEXT.saturating_sub(text.len());
    let end = (0..=more.len().min(room)).rev().find(|at| more.is_char_boundary(*at)).unwrap_or(0);
    text.push_str(&more[..end]);
}

/// A number of the text of an element.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Whether a file that starts so has this element for its root.
pub(super) fn root_is(head: &[u8], root: &str) -> bool {
    // The root stands behind declarations and comments, which may name it.
    let mut input = head;
    let mut document = Document::new(&mut input);
    matches!(document.next(), Ok(Some(Piece::Open))) && document.name().eq_ignore_ascii_case(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements with their texts, and how it ended.
    fn read(text: &str) -> (Vec<String>, Result<(), String>) {
        let mut input = text.as_bytes();
        let mut document = Document::new(&mut input);
        let mut found = Vec::new();
        loop {
            match document.next() {
                Ok(Some(Piece::Open)) => {}
                Ok(Some(Piece::Close(text))) => found.push(format!("{}={text}", document.name())),
                Ok(None) => return (found, Ok(())),
                Err(Trouble::Broken(_, why)) => return (found, Err(why)),
                Err(Trouble::Unreadable(problem)) => panic!("{problem}"),
            }
        }
    }

    #[test]
    fn texts_are_put_together_and_prefixes_taken_away() {
        let (found, ended) = read("<?xml version='1.0'?><a><x:b> 1&amp;<![CDATA[<2>]]>&#65; </x:b><c/></a>");
        assert_eq!((found, ended), (vec!["b=1&<2>A".to_owned(), "c=".to_owned(), "a=".to_owned()], Ok(())));
    }

    #[test]
    fn entities_do_not_multiply() {
        let laughs = "<!DOCTYPE a [<!ENTITY x \"ha\"><!ENTITY y \"&x;&x;&x;&x;\">]><a>&y;&y;</a>";
        assert_eq!(read(laughs).0, ["a="]);
    }

    #[test]
    fn what_has_no_end_ends() {
        assert!(read(&"<a>".repeat(1_000_000)).1.unwrap_err().contains("in each other"));
        assert!(read(&format!("<a><!--{}", "x".repeat(3 << 20))).1.unwrap_err().contains("1 MiB"));
        assert!(read(&format!("<a {}>", "b='1' ".repeat(500_000))).1.is_err());
        assert!(read("<a><b>1</b>").1.unwrap_err().contains("ends within"));
        assert!(read("<a><b>1</a>").1.is_err());
        let (found, _) = read(&format!("<a>{}</a>", "x".repeat(100_000)));
        assert_eq!(found[0].len(), TEXT + 2);
    }

    #[test]
    fn the_root_is_told() {
        assert!(root_is(b"\xef\xbb\xbf<?xml version='1.0'?><!-- <tcx> --><gpx version='1.1'><trk>", "gpx"));
        assert!(!root_is(b"<html><gpx/></html>", "gpx"));
        assert!(!root_is(b"lat,lon\n", "gpx"));
    }
}
