//! The payloads of a camera's telemetry track (GPMF), as the media program takes
//! them out of a file and `telemetry/gpmf` reads them: what a raw dump has lost,
//! the times, is kept beside them.
//!
//! All numbers are little-endian:
//!
//! ```text
//! "autocut gpmf" , version u32
//! tags u32, for each: media time i64 (ns)
//! then payloads up to the end: media time i64 (ns), duration i64 (ns), length u32, bytes
//! ```
//!
//! A raw dump is nothing but payloads one after another (`DEVC` each). What lies
//! between them and is none is passed over and counted: what follows is read
//! from the next `DEVC` that fits in, for a dump that lost a few bytes in its
//! middle has lost a second and not the rest.

use std::io::Write;

const MAGIC: &[u8; 12] = b"autocut gpmf";
const VERSION: u32 = 1;

/// Most tags that are kept: cameras take about a hundred.
pub const MOST_TAGS: usize = 10_000;

/// Most payloads of a file: more than two days at one a second.
const MOST_PAYLOADS: usize = 200_000;

/// What a payload says, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Media time and duration in ns as the container has them; `None` in a
    /// raw dump.
    pub time: Option<(i64, i64)>,
    pub bytes: &'a [u8],
}

/// What a file of payloads holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split<'a> {
    /// What the user marked, in ns of media time.
    pub tags: Vec<i64>,
    pub payloads: Vec<Payload<'a>>,
    /// Bytes of a raw dump that belong to no payload.
    pub foreign: u64,
    /// Whether there are more payloads than are read.
    pub more: bool,
}

/// Writes the head of a file of payloads; `tags` are what its user marked, in
/// ns of media time.
///
/// # Errors
///
/// Those of writing.
pub fn begin(out: &mut impl Write, tags: &[i64]) -> std::io::Result<()> {
    let tags = &tags[..tags.len().min(MOST_TAGS)];
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&(tags.len() as u32).to_le_bytes())?;
    tags.iter().try_for_each(|tag| out.write_all(&tag.to_le_bytes()))
}

/// Writes one payload, which starts at `time` and lasts `duration`, in ns.
///
/// # Errors
///
/// Those of writing, and a payload of 4 GiB or more.
pub fn append(out: &mut impl Write, time: i64, duration: i64, payload: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(std::io::Error::other)?;
    out.write_all(&time.to_le_bytes())?;
    out.write_all(&duration.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(payload)
}

/// Whether a file that starts so has payloads.
pub fn looks(head: &[u8]) -> bool {
    head.starts_with(MAGIC) || (head.starts_with(b"DEVC\0") && head.len() >= 8)
}

/// The tags and payloads of a file, of the media program's or raw; `None` for
/// what is neither. What is cut off at the end is given as far as it is there.
pub fn split(bytes: &[u8]) -> Option<Split<'_>> {
    if bytes.starts_with(b"DEVC") {
        return Some(raw(bytes));
    }
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let count = (u32::from_le_bytes(*count) as usize).min(MOST_TAGS);
    let mut split = Split::default();
    for _ in 0..count {
        let (tag, after) = rest.split_first_chunk()?;
        split.tags.push(i64::from_le_bytes(*tag));
        rest = after;
    }
    while let Some((head, after)) = rest.split_first_chunk::<20>() {
        if split.payloads.len() == MOST_PAYLOADS {
            split.more = true;
            break;
        }
        let (time, head) = head.split_first_chunk()?;
        let (duration, head) = head.split_first_chunk()?;
        let length = u32::from_le_bytes(*head.first_chunk()?) as usize;
        let bytes = after.get(..length).unwrap_or(after);
        split.payloads.push(Payload { time: Some((i64::from_le_bytes(*time), i64::from_le_bytes(*duration))), bytes });
        rest = after.get(length..).unwrap_or_default();
    }
    Some(split)
}

/// Payloads one after another. One has the `DEVC` of each device, so a device
/// that was there starts the next.
fn raw(bytes: &[u8]) -> Split<'_> {
    let mut split = Split::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        if split.payloads.len() == MOST_PAYLOADS {
            split.more = true;
            return split;
        }
        let Some(length) = device(bytes, at) else {
            // Whatever it is, it belongs to no payload: those before it end here.
            if start < at {
                split.payloads.push(Payload { time: None, bytes: &bytes[start..at] });
            }
            seen.clear();
            let next = resume(bytes, at);
            split.foreign += (next - at) as u64;
            (start, at) = (next, next);
            continue;
        };
        // The device's number is the first thing that it says.
        let id = bytes.get(at + 8..at + 20).filter(|id| id.starts_with(b"DVID")).unwrap_or_default();
        if seen.contains(&id) || seen.len() >= 16 {
            split.payloads.push(Payload { time: None, bytes: &bytes[start..at] });
            seen.clear();
            start = at;
        }
        seen.push(id);
        at = at.saturating_add(length).min(bytes.len());
    }
    if start < at {
        split.payloads.push(Payload { time: None, bytes: &bytes[start..at] });
    }
    split
}

/// How many bytes the device at a place takes with its head; `None` where there
/// is none.
fn device(bytes: &[u8], at: usize) -> Option<usize> {
    let head = bytes.get(at..)?.get(..8)?;
    let length = usize::from(head[5]) * usize::from(u16::from_be_bytes([head[6], head[7]]));
    head.starts_with(b"DEVC\0").then_some(8 + length.next_multiple_of(4))
}

/// Where the next device starts behind what is none: one that ends where
/// another starts, or with the bytes, so that letters in the midst of samples
/// are not taken for it.
fn resume(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(next) = bytes.get(at..).and_then(|rest| rest.windows(5).position(|five| five == b"DEVC\0")) {
        at += next;
        let end = device(bytes, at).map(|length| at + length);
        if end.is_some_and(|end| end == bytes.len() || device(bytes, end).is_some()) {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        begin(&mut bytes, &[1, 2]).unwrap();
        append(&mut bytes, -5, 7, b"one").unwrap();
        append(&mut bytes, 2, 7, b"").unwrap();
        let one = Payload { time: Some((-5, 7)), bytes: b"one" };
        let two = Payload { time: Some((2, 7)), bytes: b"" };
        let whole = Split { tags: vec![1, 2], payloads: vec![one, two], ..Split::default() };
        assert_eq!(split(&bytes), Some(whole));
        assert!(looks(&bytes));
        // A lying length ends with the file.
        let at = bytes.len() - 23 - 4 + 3;
        bytes[at..at + 4].fill(0xff);
        let _ = split(&bytes).unwrap();
        for end in 0..bytes.len() {
            let _ = split(&bytes[..end]);
        }
    }

    #[test]
    fn raw_payloads_hold_several_devices() {
        let device = |id: u8| [b"DEVC\0\x01\0\x0cDVIDL\x04\0\x01\0\0\0".as_slice(), &[id]].concat();
        let bytes = [device(1), device(2), device(1), device(2), device(1)].concat();
        let found = split(&bytes).unwrap();
        assert_eq!(found.foreign, 0);
        assert_eq!(found.payloads.iter().map(|payload| payload.bytes.len()).collect::<Vec<_>>(), [40, 40, 20]);
    }

    #[test]
    fn a_dump_with_something_else_in_its_middle_goes_on_behind_it() {
        let device = |id: u8| [b"DEVC\0\x01\0\x0cDVIDL\x04\0\x01\0\0\0".as_slice(), &[id]].concat();
        // Seven bytes that are nothing, and a `DEVC` in the midst of samples.
        let foreign = [b"\xff\xff\xff".as_slice(), b"DEVC\0\x01\xff\xff"].concat();
        let bytes = [device(1), device(2), foreign.clone(), device(1), device(2), device(1)].concat();
        let found = split(&bytes).unwrap();
        let lengths: Vec<usize> = found.payloads.iter().map(|payload| payload.bytes.len()).collect();
        assert_eq!((lengths, found.foreign), (vec![40, 40, 20], foreign.len() as u64));
        // Where nothing follows, all of the rest is foreign.
        let bytes = [device(1), b"and then something else".to_vec()].concat();
        let found = split(&bytes).unwrap();
        assert_eq!((found.payloads.len(), found.foreign), (1, 23));
    }
}
