//! The log of all results: an appended file of self-describing records, from
//! which the index can be built at any time.
//!
//! One appended file rather than one small file a record, because a write at
//! its end is all that a result costs (a thousand small files cost a thousand
//! times creating, and reading them back as many times opening), and because a
//! copy of it is a consistent copy.
//!
//! A file is a header (magic, version, *generation*) and records, each a mark,
//! the length of the body, the start of its BLAKE3, and the body. Bytes that
//! are not a whole record with a right checksum are skipped up to the next
//! mark. So a write that a crash tore needs no repair, neither at the end nor,
//! after others have appended, in the middle. Of two records about one thing
//! the later one holds. The generation changes when the log is written anew, by
//! which the index notices that its place in the log means nothing any more.
//!
//! Whoever appends, or writes the log anew, has the kernel's lock (`flock`) on
//! it; whoever reads what is new shares that lock, because half of a record
//! that is being appended would be taken for a torn one and passed over.
//!
//! Appending is not synced, but for what is said of outputs: a power cut can
//! take the newest records, which costs their work and nothing else.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::base::{Diagnostic, Digest, UtcTime};
use crate::inputs::{Remembered, cannot};
use crate::model::{self, ActionKey, ActionResult};

/// An action that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    pub key: ActionKey,
    pub result: ActionResult,
    /// The stable name of what it was about.
    pub node: String,
    /// The name of its kind.
    pub kind: String,
    /// When it was done.
    pub at: UtcTime,
    pub elapsed_ms: u64,
    pub cpu_ms: u64,
    /// The labelled fields of its key as JSON, for explanations.
    pub spec: String,
}

/// An output that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// Relative to the project.
    pub name: String,
    /// The action that made it.
    pub key: ActionKey,
    pub written: Remembered,
}

/// A build that ran something, or failed at something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRecord {
    /// Counts the builds of a project, from 1.
    pub number: u64,
    /// The command that it was for, e.g. `make`.
    pub command: String,
    /// The outputs that were asked for; all where none is named.
    pub targets: Vec<String>,
    /// When it began.
    pub at: UtcTime,
    pub elapsed_ms: u64,
    pub outcome: BuildOutcome,
    /// By the name of the kind.
    pub kinds: BTreeMap<String, KindCount>,
    /// Outputs that were written, by name.
    pub written: Vec<String>,
    /// What went wrong, each thing once.
    pub errors: Vec<String>,
    /// The actions that ran or failed, in the order of their ends.
    pub actions: Vec<BuiltAction>,
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildOutcome {
    Done,
    Failed,
    Interrupted,
}

/// What became of the actions of one kind in a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    pub ran: u64,
    /// Known already.
    pub reused: u64,
    pub failed: u64,
    /// How long those that ran took together.
    pub ran_ms: u64,
}

/// An action that a build ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltAction {
    pub key: ActionKey,
    pub node: String,
    pub kind: String,
    pub elapsed_ms: u64,
    /// Why it failed, where it did.
    pub failed: Option<String>,
}

/// One entry of the log. A new kind is added at the end and raises [`VERSION`]:
/// an autocut that does not know it would lose it when it writes the log anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    Action(Box<ActionRecord>),
    Output(OutputRecord),
    /// These results no longer hold.
    Forgotten(Vec<ActionKey>),
    /// This output is no longer autocut's.
    OutputForgotten(String),
    /// These results are in the shared store whose place has this digest, with
    /// their objects: it is no loss when those are not here. Of this and an
    /// action the later holds.
    Shared {
        place: Digest,
        keys: Vec<ActionKey>,
    },
    Build(Box<BuildRecord>),
    /// A folder that was made for outputs, relative to the project.
    Folder(String),
    /// A folder that was removed, or turned out not to be autocut's.
    FolderForgotten(String),
    /// Nothing is known of the project any more but the results of its actions.
    ProjectForgotten,
    /// A record about a project that the store does not lie in, which is named
    /// by its path. All others are about the project that it lies in.
    Of {
        project: String,
        record: Box<Record>,
    },
}

impl Record {
    /// The record as one about `project`; "" is the project that the store lies
    /// in.
    pub(super) fn about(self, project: &str) -> Record {
        match project {
            "" => self,
            project => Record::Of { project: project.to_owned(), record: Box::new(self) },
        }
    }

    /// The project that the record is about, and what it says.
    pub(super) fn parts(&self) -> (&str, &Record) {
        match self {
            Record::Of { project, record } => (project, record),
            record => ("", record),
        }
    }
}

/// Where records are handed to, one by one.
pub(super) type Sink<'a, E> = &'a mut dyn FnMut(&Record) -> Result<(), E>;

const MAGIC: &[u8; 16] = b"autocut records\n";
pub(super) const VERSION: u32 = 1;
const HEADER: usize = 32;
const MARK: &[u8; 4] = b"\xffACR";
/// Mark, length, checksum.
const PREFIX: usize = 4 + 4 + 8;
/// A length past this is damage.
const MAX_BODY: usize = 64 << 20;

/// Up to where in which log something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub generation: u64,
    /// In bytes from the file's start.
    pub end: u64,
}

/// The log, open for appending.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    generation: u64,
}

impl Log {
    /// Opens the log. `None` where there is none, or none whose header can be
    /// read: then it has to be [created](Log::create).
    pub(super) fn open(path: &Path) -> Result<Option<Log>, Diagnostic> {
        Self::open_with(path, OpenOptions::new().read(true).append(true))
    }

    /// [`open`](Self::open) for reading alone.
    pub(super) fn open_to_read(path: &Path) -> Result<Option<Log>, Diagnostic> {
        Self::open_with(path, OpenOptions::new().read(true))
    }

    fn open_with(path: &Path, options: &OpenOptions) -> Result<Option<Log>, Diagnostic> {
        let failed = |error: io::Error| cannot("open", path, &error);
        let mut file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut header = [0; HEADER];
        match file.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        if header[..16] != MAGIC[..] {
            return Ok(None);
        }
        match number(&header[16..20]) {
            version if version == u64::from(VERSION) => {}
            version => {
                let message = format!("{} has format {version}, and this autocut reads {VERSION}", path.display());
                let hint = "use the autocut that made it, or let AUTOCUT_STORE name another folder";
                return Err(Diagnostic::environment(message).hint(hint));
            }
        }
        Ok(Some(Log { path: path.to_owned(), file, generation: number(&header[24..32]) }))
    }

    /// Replaces the log by a new one that holds `records`, and says where that
    /// ends; whoever reads it sees the old one or the new one.
    pub(super) fn create<E: From<Diagnostic>>(
        path: &Path,
        records: &mut dyn FnMut(Sink<'_, E>) -> Result<(), E>,
    ) -> Result<(Log, Position), E> {
        let failed = |error: io::Error| cannot("write", path, &error);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let temporary = super::layout::new_file(folder).map_err(failed)?;
        let mut header = [0; HEADER];
        header[..16].copy_from_slice(MAGIC);
        header[16..20].copy_from_slice(&VERSION.to_le_bytes());
        // Unlike that of any other log in this folder: the time, and for two in
        // one tick the inode.
        let inode = temporary.as_file().metadata().map_err(failed)?.ino();
        let generation = (super::now().0 as u64).rotate_left(20) ^ inode;
        header[24..32].copy_from_slice(&generation.to_le_bytes());
        let mut writer = io::BufWriter::new(temporary.as_file());
        writer.write_all(&header).map_err(failed)?;
        records(&mut |record| Ok(writer.write_all(&frame(record)).map_err(failed)?))?;
        writer.flush().map_err(failed)?;
        drop(writer);
        // This one replaces records that may be all there is of them.
        temporary.as_file().sync_data().map_err(failed)?;
        // Before it has its name: others append to it from then on.
        let end = temporary.as_file().metadata().map_err(failed)?.len();
        temporary.persist(path).map_err(|error| failed(error.error))?;
        let log = Log::open(path)?;
        let log = log.ok_or_else(|| Diagnostic::environment(format!("{} cannot be read back", path.display())))?;
        Ok((log, Position { generation, end }))
    }

    /// Where the log ends now.
    pub(super) fn position(&self) -> Result<Position, Diagnostic> {
        let metadata = self.file.metadata().map_err(|error| cannot("look at", &self.path, &error))?;
        Ok(Position { generation: self.generation, end: metadata.len() })
    }

    /// Where the file ends that is the log now: another process may have
    /// written it anew.
    pub(super) fn current_position(&mut self) -> Result<Position, Diagnostic> {
        self.follow()?;
        self.position()
    }

    /// Turns to the log that another process wrote anew meanwhile, if one did.
    pub(super) fn follow(&mut self) -> Result<bool, Diagnostic> {
        let failed = |error: io::Error| cannot("look at", &self.path, &error);
        let (current, own) = (fs::metadata(&self.path).map_err(failed)?, self.file.metadata().map_err(failed)?);
        if (current.dev(), current.ino()) == (own.dev(), own.ino()) {
            return Ok(false);
        }
        let log = match Log::open(&self.path) {
            // Of a store that is only read.
            Err(problem) => Log::open_to_read(&self.path).map_err(|_| problem)?,
            log => log?,
        };
        *self = log.ok_or_else(|| Diagnostic::environment(format!("{} was damaged meanwhile", self.path.display())))?;
        Ok(true)
    }

    /// Waits until nobody else appends, writes the log anew or reads what is new.
    pub(super) fn lock(&mut self) -> Result<(), Diagnostic> {
        self.lock_by(FlockOperation::LockExclusive)
    }

    /// Waits until nobody appends or writes the log anew. Where the file system
    /// has no locks, nobody appends either.
    pub(super) fn lock_to_read(&mut self) -> Result<(), Diagnostic> {
        match flock(&self.file, FlockOperation::LockShared) {
            Ok(()) => self.lock_by(FlockOperation::LockShared),
            Err(_) => self.follow().map(drop),
        }
    }

    fn lock_by(&mut self, operation: FlockOperation) -> Result<(), Diagnostic> {
        loop {
            flock(&self.file, operation).map_err(|error| cannot("lock", &self.path, &error.into()))?;
            if !self.follow()? {
                return Ok(());
            }
        }
    }

    pub(super) fn unlock(&self) {
        // The lock of a file that has one can be given back.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }

    /// Appends records and says where the log ended before and ends after. Two
    /// processes that append at once take turns.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(Position, Position), Diagnostic> {
        self.lock()?;
        let appended = self.append_locked(records);
        self.unlock();
        appended
    }

    fn append_locked(&mut self, records: &[Record]) -> Result<(Position, Position), Diagnostic> {
        let before = self.position()?;
        let bytes: Vec<u8> = records.iter().flat_map(frame).collect();
        if let Err(error) = self.file.write_all(&bytes) {
            // A full disk: what fitted is no record. If it stays, it is skipped.
            let _ = self.file.set_len(before.end);
            return Err(cannot("append to", &self.path, &error));
        }
        Ok((before, self.position()?))
    }

    /// Has what was appended reach the disk.
    pub(super) fn sync(&self) -> Result<(), Diagnostic> {
        self.file.sync_data().map_err(|error| cannot("write", &self.path, &error))
    }

    /// Hands every readable record from byte `start` on to `each`, oldest
    /// first, and returns where it stopped. `start` is the end of a record, or
    /// 0 for all.
    pub(super) fn read<E: From<Diagnostic>>(
        &mut self,
        start: u64,
        each: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<Position, E> {
        self.read_counting(start, each).map(|(position, _)| position)
    }

    /// [`read`](Self::read), which also says how many bytes on the way were not
    /// a whole record.
    pub(super) fn read_counting<E: From<Diagnostic>>(
        &mut self,
        start: u64,
        each: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<(Position, u64), E> {
        let path = self.path.clone();
        let failed = |error: io::Error| cannot("read", &path, &error);
        let start = start.max(HEADER as u64);
        self.file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut reader = io::BufReader::with_capacity(1 << 20, &self.file);
        let mut pending = Vec::new();
        let mut end_of_file = false;
        let mut read = 0u64;
        let mut damaged = 0;
        while !end_of_file {
            // Whole records out of what is there; the rest waits for more.
            let mut piece = Vec::new();
            let n = reader.by_ref().take(1 << 20).read_to_end(&mut piece).map_err(failed)?;
            read += n as u64;
            end_of_file = n == 0;
            pending.extend_from_slice(&piece);
            let (used, skipped) = parse(&pending, end_of_file, each)?;
            damaged += skipped as u64;
            pending.drain(..used);
        }
        Ok((Position { generation: self.generation, end: start + read }, damaged))
    }
}

/// Hands the records in `bytes` to `each`; returns how many bytes are done
/// with, and how many of those were damaged. The last record may be incomplete
/// unless these are the `last` bytes.
fn parse<E>(bytes: &[u8], last: bool, each: &mut dyn FnMut(Record) -> Result<(), E>) -> Result<(usize, usize), E> {
    let mut at = 0;
    let mut damaged = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.len() < PREFIX && !last {
            return Ok((at, damaged));
        }
        let length = if rest.starts_with(MARK) && rest.len() >= PREFIX {
            Some(number(&rest[4..8]) as usize).filter(|length| *length <= MAX_BODY)
        } else {
            None
        };
        let body = match length {
            Some(length) if rest.len() >= PREFIX + length => Some(&rest[PREFIX..PREFIX + length]),
            Some(_) if !last => return Ok((at, damaged)),
            _ => None,
        };
        match body.filter(|body| rest[8..PREFIX] == checksum(body)) {
            Some(body) => {
                at += PREFIX + body.len();
                if let Some(record) = unpack(body) {
                    each(record)?;
                }
            }
            None => {
                // Damage: on to the next mark, which may begin in these bytes
                // and end in the next.
                let next = rest[1..].windows(MARK.len()).position(|window| window == MARK);
                let skipped = match next {
                    Some(next) => next + 1,
                    None if last => rest.len(),
                    None => (rest.len() - (MARK.len() - 1)).max(1),
                };
                at += skipped;
                damaged += skipped;
            }
        }
    }
    Ok((at, damaged))
}

/// A record as it is written.
fn frame(record: &Record) -> Vec<u8> {
    let body = pack(&model::encode(record));
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(PREFIX + body.len());
    bytes.extend_from_slice(MARK);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&checksum(&body));
    bytes.extend_from_slice(&body);
    bytes
}

fn unpack(body: &[u8]) -> Option<Record> {
    model::decode(&unpacked(body)?)
}

/// Shorter than this, compressing does not pay.
const WORTH_COMPRESSING: usize = 256;

/// Bytes as they are stored: a first byte that says how (0 plain, 1 LZ4), then
/// the bytes.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let (how, body) =
        if bytes.len() < WORTH_COMPRESSING { (0, bytes.to_vec()) } else { (1, lz4_flex::compress_prepend_size(bytes)) };
    let mut packed = Vec::with_capacity(body.len() + 1);
    packed.push(how);
    packed.extend_from_slice(&body);
    packed
}

/// What [`pack`] was given; `None` where the bytes are something else.
pub(super) fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let (how, body) = packed.split_first()?;
    match how {
        0 => Some(body.to_vec()),
        // The size stands in front; a lying one must not allocate.
        1 if body.len() >= 4 && number(&body[..4]) <= MAX_BODY as u64 => lz4_flex::decompress_size_prepended(body).ok(),
        _ => None,
    }
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let mut start = [0; 8];
    start.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    start
}

/// A little-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
