//! FIT, the format of Garmin and of most bicycle computers and watches.
//!
//! Decoding is the `rustyfit` crate's (BSD-3-Clause, kept up with Garmin's
//! profile): it streams, holds one message of bounded size at a time, and looks
//! fields up in a table, where `fitparser` wants the whole file as one slice and
//! compiles its profile as 100,000 lines. What the decoder does not judge is
//! judged here ([`record`]): what a value of less than the profile's size says,
//! and which of two fields for one thing counts.
//!
//! A file that is cut off or damaged is used up to there, one whose header says
//! 0 bytes (its logger lost power) to its end, and one whose checksum is wrong
//! as a whole; each is told.
//!
//! Where the timer was stopped and started again is a pause: nothing is known
//! in it. Two records of one second are both kept, the second a nanosecond
//! later; cleaning leaves it out.

mod record;

use std::cell::Cell;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::rc::Rc;

use rustyfit::profile::mesgdef::{Event as EventFields, FileId, Lap as LapFields};
use rustyfit::profile::typedef::{Event, EventType, GarminProduct, LapTrigger, Manufacturer, MesgNum};
use rustyfit::proto::{Message, Value};
use rustyfit::{Decoder, DecoderError, DecoderEvent, StreamingIterator};

use crate::base::Diagnostic;
use crate::manifest::schema::schema;
use crate::model::telemetry::{LogClock, Mark, MarkKind, Spot};
use crate::telemetry::import::{self, Wrote, parameters};
use crate::telemetry::stamp::{EARLIEST, LATEST, SECOND};
use crate::telemetry::table::{Repeated, Table};
use crate::telemetry::zone::Zone;
use record::Records;

schema! {
    /// A FIT file of a bicycle computer or a watch: every field of its records,
    /// those of Connect IQ apps included, its laps, events and pauses. Its
    /// times are UTC.
    pub struct Fit = "Fit" {
    }
}

/// As it stands in a manifest.
pub(super) const EXAMPLE: &str = r#"Fit(file: "ride.fit", gap: "3s")"#;

/// Raised whenever the same file would give other numbers.
pub(super) const VERSION: u32 = 2;

/// 1989-12-31T00:00:00Z, from which FIT counts, in seconds since 1970.
const EPOCH: i64 = 631_065_600;

/// The decoder counts bytes in 32 bits; longer files are read up to here.
const LONGEST: u64 = 1 << 31;

/// The length of a header that has a checksum.
const HEADER: usize = 14;

const HINT: &str = "export the activity again as FIT, GPX or TCX";

/// Reads a file with parameters as JSON.
pub(super) fn import(input: &mut dyn Read, params: &str, out: &mut dyn Write) -> Wrote {
    let Fit {} = parameters("Fit", params)?;
    plain(input, None, out)
}

/// Whether a file that starts so is a FIT file.
pub(super) fn looks(head: &[u8]) -> bool {
    head.get(8..12) == Some(b".FIT") && matches!(head[0], 12 | 14)
}

/// Reads a file.
pub(super) fn plain(input: &mut dyn Read, _: Option<&Zone>, out: &mut dyn Write) -> Wrote {
    let mut head = import::head(input, HEADER)?;
    if !looks(&head) {
        let what = if head.is_empty() { "the file is empty" } else { "the file is no FIT file: it lacks the header" };
        return Err(Diagnostic::input(what).hint("write the path alone, and what the file is is told from its start"));
    }
    let mut table = Table::new(Repeated::Kept, out);
    let unfinished = head[4..8] == [0; 4];
    if unfinished {
        table.notes.push("the logger did not finish the file: it is read to its end".to_owned());
        head[4..8].fill(0xff);
    }
    if usize::from(head[0]) == HEADER && head.len() == HEADER {
        // 0 is no checksum: a wrong one of the header ends nothing.
        head[12..].fill(0);
    }
    let whole = head.as_slice().chain(input).take(LONGEST);
    let at = Rc::new(Cell::new(0));
    let mut reader = Bytes { input: BufReader::with_capacity(64 * 1024, whole), at: at.clone() };
    let mut log = Log { table, at, records: Records::default(), product: None, stopped: None };
    // What it expands it rounds down, over what the record states itself.
    let mut decoder = Decoder::builder().checksum(!unfinished).expand_components(false).build();
    let mut stream = decoder.stream(&mut reader);
    let problem = loop {
        match stream.next() {
            None => break None,
            Some(Ok(DecoderEvent::MessageDefinition(definition))) => log.records.define(definition),
            Some(Ok(DecoderEvent::Message(message))) => log.message(message)?,
            Some(Ok(_)) => {}
            Some(Err(problem)) => break Some(problem),
        }
    };
    log.ended(problem, unfinished)?;
    let format = log.product.map_or("FIT".to_owned(), |product| format!("FIT of {product}"));
    log.table.finish_or(&format, LogClock::Utc, HINT, false)
}

/// A reader for the decoder that counts what was read.
struct Bytes<R> {
    input: R,
    at: Rc<Cell<u64>>,
}

impl<R: BufRead> embedded_io::ErrorType for Bytes<R> {
    type Error = std::io::Error;
}

impl<R: BufRead> embedded_io::Read for Bytes<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.input.read(out) {
                Ok(count) => {
                    self.at.set(self.at.get() + count as u64);
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The log on its way.
struct Log<'w> {
    table: Table<'w>,
    /// Bytes that were read.
    at: Rc<Cell<u64>>,
    records: Records,
    product: Option<String>,
    /// When the timer was stopped, where it was not started again.
    stopped: Option<i64>,
}

impl Log<'_> {
    fn message(&mut self, message: &Message) -> Result<(), Diagnostic> {
        match message.num {
            MesgNum::RECORD => self.record(message)?,
            MesgNum::LAP => {
                let lap = LapFields::from(message);
                if let Some(time) = nanoseconds(lap.start_time.0) {
                    let known = lap.lap_trigger != LapTrigger::default();
                    let name = if known { lap.lap_trigger.to_string() } else { String::new() };
                    self.table.mark(Mark { time, kind: MarkKind::Lap, name, place: None });
                }
            }
            MesgNum::EVENT => self.event(message),
            MesgNum::FIELD_DESCRIPTION => self.records.describe(message),
            MesgNum::FILE_ID if self.product.is_none() => self.product = product(&FileId::from(message)),
            _ => {}
        }
        Ok(())
    }

    fn record(&mut self, message: &Message) -> Result<(), Diagnostic> {
        // Files from the time before a fix count from when the logger was
        // switched on.
        let Some(time) = timestamp(message).and_then(nanoseconds) else {
            let at = Spot::Byte(self.at.get());
            self.table.bad.add(at, || "a record without a time, or of a logger without a clock".to_owned());
            return Ok(());
        };
        self.records.read(message, &mut self.table);
        self.table.add(time).map(|_| ())
    }

    fn event(&mut self, message: &Message) {
        let event = EventFields::from(message);
        let Some(time) = nanoseconds(event.timestamp.0) else { return };
        match (event.event, event.event_type) {
            (Event::TIMER, EventType::START) => {
                if let Some(stopped) = self.stopped.take().filter(|stopped| *stopped < time) {
                    self.table.mark(Mark { time: stopped, kind: MarkKind::Pause, name: String::new(), place: None });
                    self.table.mark(Mark { time, kind: MarkKind::Resume, name: String::new(), place: None });
                }
            }
            (Event::TIMER, kind) => {
                let stops =
                    [EventType::STOP, EventType::STOP_ALL, EventType::STOP_DISABLE, EventType::STOP_DISABLE_ALL];
                if stops.contains(&kind) {
                    self.stopped.get_or_insert(time);
                }
            }
            (other, EventType::START | EventType::MARKER) => {
                self.table.mark(Mark { time, kind: MarkKind::Event, name: other.to_string(), place: None });
            }
            _ => {}
        }
    }

    /// What is told of how the file ended.
    fn ended(&mut self, problem: Option<DecoderError<std::io::Error>>, unfinished: bool) -> Result<(), Diagnostic> {
        let at = self.at.get();
        match problem {
            None => {}
            Some(DecoderError::Io { err }) => return Err(import::unreadable(&err)),
            Some(DecoderError::UnexpectedEof) if unfinished => {}
            Some(DecoderError::UnexpectedEof) => {
                self.table.notes.push(format!("the file is cut off at byte {at}: what comes before is used"));
            }
            Some(DecoderError::NotFITFile) => {
                self.table.notes.push(format!("what follows before byte {at} is no FIT and is left out"));
            }
            Some(DecoderError::ChecksumMismatch { .. }) => {
                self.table.notes.push(format!("the checksum at byte {at} is wrong: something before it is damaged"));
            }
            Some(DecoderError::MissingMessageDefinition { local_mesg_num }) => {
                self.table.bad.add(Spot::Byte(at), || {
                    format!("a message of the kind {local_mesg_num}, which nothing defines: the rest cannot be read")
                });
            }
        }
        Ok(())
    }
}

/// A time of FIT in ns since 1970; `None` where it is none, or that of a logger
/// that did not know the time.
fn nanoseconds(seconds: u32) -> Option<i64> {
    let time = (i64::from(seconds) + EPOCH) * SECOND;
    (seconds >= 0x1000_0000 && seconds != u32::MAX && (EARLIEST..LATEST).contains(&time)).then_some(time)
}

/// The field `timestamp`, which has one number in every message.
fn timestamp(message: &Message) -> Option<u32> {
    let field = message.fields.iter().find(|field| field.num == 253)?;
    if let Value::Uint32(seconds) = field.value { Some(seconds) } else { None }
}

/// Who made the logger, and what it is called.
fn product(file: &FileId) -> Option<String> {
    if file.manufacturer == Manufacturer::default() {
        return None;
    }
    let maker = file.manufacturer.to_string();
    let name = match file.product_name.trim() {
        "" if file.manufacturer == Manufacturer::GARMIN => GarminProduct(file.product).to_string(),
        name => name.chars().take(40).collect(),
    };
    // Numbers without a name say nothing.
    let named = |name: &str| !name.is_empty() && !name.contains('(');
    match (named(&maker), named(&name)) {
        (true, true) => Some(format!("{maker} {name}")),
        (true, false) => Some(maker),
        (false, true) => Some(name),
        (false, false) => None,
    }
}
