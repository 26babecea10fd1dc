//! The file format of encoded segments and of encoded sound: packets with
//! whole-number times, to be put into a container only when an output is
//! joined.
//!
//! ```text
//! magic and version  8 bytes     "ACPKTS" 0 2
//! packets            u32         all numbers little-endian
//! reorder            u32         ticks by which decoding must run ahead
//! span               u64         ticks from the first presented to the end
//! header length      u32
//! header             postcard    [`Header`]
//! then each packet, in order of decoding:
//!   bytes            u32
//!   flags            u8          1: key frame
//!   duration         u32         ticks
//!   pts              i64         ticks
//!   data
//! ```
//!
//! A tick is a frame of video or a sample of sound. Video counts its frames
//! from 0; sound counts samples from 0, so that what the coder puts before the
//! first (its padding) has negative times. Decoding times are not stored: they
//! follow from the order (see `join`).
//!
//! Read and written as a stream: memory holds one packet.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, FrameRate, Size};
use autocut::model::{self, Colour, Sampling};
use serde::{Deserialize, Serialize};

use crate::av::{self, Packet};

/// Raise the last byte whenever the layout or [`Header`] changes.
const MAGIC: [u8; 8] = *b"ACPKTS\0\x02";
const COUNTS_AT: u64 = 8;
/// More than any real header or packet; a lying length must not allocate.
const MAX_HEADER: u32 = 1 << 20;
const MAX_PACKET: u32 = 1 << 28;

/// What a decoder must know beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// FFmpeg's name of the codec, e.g. `h264`, `aac`.
    pub(crate) codec: String,
    /// What the encoder calls the codec in MOV, where a codec has several such
    /// names (ProRes has one for each profile); 0 for none.
    pub(crate) tag: u32,
    pub(crate) extradata: Vec<u8>,
    pub(crate) stream: StreamHeader,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StreamHeader {
    Video { size: Size, rate: FrameRate, colour: Colour, sampling: Sampling },
    Audio { sample_rate: u32, channels: u16, frame_size: u32, initial_padding: u32, bit_rate: u32 },
}

/// What is known of the whole file once it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) packets: u32,
    /// By how many ticks decoding must run ahead of presentation.
    pub(crate) reorder: u32,
    /// Ticks that are presented, from 0 to the end of the last packet.
    pub(crate) span: u64,
}

/// One packet but for its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketInfo {
    pub(crate) pts: i64,
    pub(crate) duration: u32,
    pub(crate) key: bool,
}

pub(crate) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    counts: Counts,
    /// Of the packets' data.
    bytes: u64,
    /// Where the file ends.
    at: u64,
}

/// A place in a file that is being written, to which it can be brought back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    counts: Counts,
    bytes: u64,
    at: u64,
}

impl Writer {
    pub(crate) fn create(path: &Path, header: &Header) -> Result<Writer, Diagnostic> {
        let header = model::encode(header);
        let length = u32::try_from(header.len()).ok().filter(|n| *n <= MAX_HEADER);
        let length = length.ok_or_else(|| Diagnostic::bug("a codec's parameter sets are too long"))?;
        let failed = |e| unwritable(path, e);
        let mut file = BufWriter::with_capacity(1 << 18, File::create(path).map_err(failed)?);
        let start = [&MAGIC[..], &[0; 16], &length.to_le_bytes(), &header].concat();
        file.write_all(&start).map_err(failed)?;
        Ok(Writer { path: path.to_owned(), file, counts: Counts::default(), bytes: 0, at: start.len() as u64 })
    }

    /// Appends a packet; they come in order of decoding.
    pub(crate) fn push(&mut self, info: PacketInfo, data: &[u8]) -> Result<(), Diagnostic> {
        let length = u32::try_from(data.len()).ok().filter(|n| *n <= MAX_PACKET);
        let length = length.ok_or_else(|| Diagnostic::bug("a packet is too long"))?;
        let mut head = [0u8; 17];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4] = info.key.into();
        head[5..9].copy_from_slice(&info.duration.to_le_bytes());
        head[9..].copy_from_slice(&info.pts.to_le_bytes());
        let written = self.file.write_all(&head).and_then(|()| self.file.write_all(data));
        written.map_err(|e| unwritable(&self.path, e))?;
        // A packet is decoded at its place in the order at the latest: one that
        // is presented before its place makes decoding run ahead.
        let place = i64::from(self.counts.packets);
        if info.duration == 1 {
            let early = u32::try_from(place.saturating_sub(info.pts)).unwrap_or(0);
            self.counts.reorder = self.counts.reorder.max(early);
        }
        let end = info.pts.saturating_add(i64::from(info.duration));
        self.counts.span = self.counts.span.max(u64::try_from(end).unwrap_or(0));
        self.counts.packets += 1;
        self.bytes += data.len() as u64;
        self.at += (head.len() + data.len()) as u64;
        Ok(())
    }

    /// Bytes of all packets.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the file ends now.
    pub(crate) fn mark(&self) -> Mark {
        Mark { counts: self.counts, bytes: self.bytes, at: self.at }
    }

    /// Drops what was pushed since.
    pub(crate) fn return_to(&mut self, mark: Mark) -> Result<(), Diagnostic> {
        let cut = self.file.seek(SeekFrom::Start(mark.at)).and_then(|_| self.file.get_ref().set_len(mark.at));
        cut.map_err(|e| unwritable(&self.path, e))?;
        (self.counts, self.bytes, self.at) = (mark.counts, mark.bytes, mark.at);
        Ok(())
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<Counts, Diagnostic> {
        let Counts { packets, reorder, span } = self.counts;
        let counts = [&packets.to_le_bytes()[..], &reorder.to_le_bytes(), &span.to_le_bytes()].concat();
        let place = self.file.seek(SeekFrom::Start(COUNTS_AT));
        let written = place.and_then(|_| self.file.write_all(&counts)).and_then(|()| self.file.flush());
        written.map_err(|e| unwritable(&self.path, e))?;
        Ok(self.counts)
    }
}

pub(crate) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    pub(crate) header: Header,
    pub(crate) counts: Counts,
    /// Packets still to come.
    left: u32,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Reader, Diagnostic> {
        let file = File::open(path).map_err(|e| unreadable(path, &e.to_string()))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let damaged = |e: std::io::Error| unreadable(path, &e.to_string());
        let mut start = [0u8; 28];
        file.read_exact(&mut start).map_err(damaged)?;
        if start[..8] != MAGIC {
            return Err(unreadable(path, "it is no segment of this version"));
        }
        let u32_at = |at: usize| u32::from_le_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]);
        let span = u64::from(u32_at(16)) | u64::from(u32_at(20)) << 32;
        let counts = Counts { packets: u32_at(8), reorder: u32_at(12), span };
        let length = u32_at(24);
        if length > MAX_HEADER {
            return Err(unreadable(path, "its header is too long"));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(damaged)?;
        let header = model::decode(&header).ok_or_else(|| unreadable(path, "its header is damaged"))?;
        Ok(Reader { path: path.to_owned(), file, header, counts, left: counts.packets })
    }

    /// Reads the next packet's data into `packet`; `None` at the end.
    pub(crate) fn next(&mut self, packet: &mut Packet) -> Result<Option<PacketInfo>, Diagnostic> {
        if self.left == 0 {
            // What was never counted is damage too.
            let more = self.file.read(&mut [0u8; 1]).map_err(|e| unreadable(&self.path, &e.to_string()))?;
            return if more == 0 { Ok(None) } else { Err(unreadable(&self.path, "it goes on after its last packet")) };
        }
        let path = &self.path;
        let mut head = [0u8; 17];
        self.file.read_exact(&mut head).map_err(|e| unreadable(path, &e.to_string()))?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        if length > MAX_PACKET || head[4] > 1 {
            return Err(unreadable(path, "a packet's head is damaged"));
        }
        let file = &mut self.file;
        packet
            .fill(length as usize, |data| file.read_exact(data).map_err(Fault::Io))
            .map_err(|fault| unreadable(path, &fault.to_string()))?;
        self.left -= 1;
        let mut pts = [0u8; 8];
        pts.copy_from_slice(&head[9..]);
        Ok(Some(PacketInfo {
            pts: i64::from_le_bytes(pts),
            duration: u32::from_le_bytes([head[5], head[6], head[7], head[8]]),
            key: head[4] == 1,
        }))
    }
}

enum Fault {
    Io(std::io::Error),
    Av(av::Error),
}

impl From<av::Error> for Fault {
    fn from(error: av::Error) -> Self {
        Fault::Av(error)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Io(error) => error.fmt(f),
            Fault::Av(error) => error.fmt(f),
        }
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Diagnostic {
    Diagnostic::environment(format!("cannot write {}: {error}", path.display()))
}

fn unreadable(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::environment(format!("cannot read the segment {}: {why}", path.display()))
        .hint("`autocut verify` finds and removes what is damaged in the store")
}

#[cfg(test)]
mod tests {
    use autocut::model::Matrix;

    use super::*;

    fn header() -> Header {
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        let (size, rate) = (Size::new(64, 48), FrameRate::new(30_000, 1_001).unwrap());
        let stream = StreamHeader::Video { size, rate, colour, sampling: Sampling::default() };
        Header { codec: "h264".to_owned(), tag: 0, extradata: vec![1, 2, 3], stream }
    }

    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("autocut-segment-{}-{name}", std::process::id()))
    }

    /// Five frames in the order of a pyramid of B-frames.
    fn written(name: &str) -> (PathBuf, Counts) {
        let path = file(name);
        let mut writer = Writer::create(&path, &header()).unwrap();
        for (place, pts) in [0, 4, 2, 1, 3].into_iter().enumerate() {
            let info = PacketInfo { pts, duration: 1, key: place == 0 };
            writer.push(info, &vec![place as u8; place * 100]).unwrap();
        }
        (path, writer.finish().unwrap())
    }

    fn read(path: &Path) -> Result<Vec<(PacketInfo, Vec<u8>)>, Diagnostic> {
        let mut reader = Reader::open(path)?;
        let mut packet = Packet::new().unwrap();
        let mut packets = Vec::new();
        while let Some(info) = reader.next(&mut packet)? {
            packets.push((info, packet.data().to_vec()));
        }
        Ok(packets)
    }

    #[test]
    fn what_was_written_is_read() {
        let (path, counts) = written("round-trip");
        assert_eq!(counts, Counts { packets: 5, reorder: 2, span: 5 });
        let reader = Reader::open(&path).unwrap();
        assert_eq!((reader.header, reader.counts), (header(), counts));
        let packets = read(&path).unwrap();
        let times: Vec<_> = packets.iter().map(|(info, data)| (info.pts, info.key, data.len())).collect();
        assert_eq!(times, [(0, true, 0), (4, false, 100), (2, false, 200), (1, false, 300), (3, false, 400)]);
        assert!(packets[4].1.iter().all(|byte| *byte == 4));
        std::fs::remove_file(path).unwrap();
    }

    /// Sound: durations in samples, what comes before the first is not
    /// presented, and nothing is reordered.
    #[test]
    fn sound_spans_what_is_heard() {
        let path = file("sound");
        let mut writer = Writer::create(&path, &header()).unwrap();
        for (pts, duration) in [(-1_024, 1_024), (0, 1_024), (1_024, 452)] {
            writer.push(PacketInfo { pts, duration, key: true }, b"x").unwrap();
        }
        assert_eq!(writer.finish().unwrap(), Counts { packets: 3, reorder: 0, span: 1_476 });
        assert_eq!(read(&path).unwrap()[0].0.pts, -1_024);
        std::fs::remove_file(path).unwrap();
    }

    /// Cut anywhere, added to, or with any one byte of its heads changed to
    /// 255: an error, never a panic and never more packets than were written.
    #[test]
    fn damage_is_an_error() {
        let (path, _) = written("damage");
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&path).is_err(), "cut at {length}");
        }
        std::fs::write(&path, [&whole[..], b"!"].concat()).unwrap();
        assert!(read(&path).is_err());
        for at in 0..whole.len().min(90) {
            let mut damaged = whole.clone();
            damaged[at] = 255;
            std::fs::write(&path, &damaged).unwrap();
            assert!(read(&path).is_ok_and(|packets| packets.len() == 5) || read(&path).is_err());
        }
        std::fs::remove_file(path).unwrap();
    }
}
