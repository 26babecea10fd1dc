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
//! A raw dump is nothing but payloads one after another (`DEVC` each).

use std::io::Write;

const MAGIC: &[u8; 12] = b"autocut gpmf";
const VERSION: u32 = 1;

/// Most tags that are kept: cameras take about a hundred.
pub const MOST_TAGS: usize = 10_000;

/// What a payload says, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Media time and duration in ns as the container has them; `None` in a
    /// raw dump.
    pub time: Option<(i64, i64)>,
    pub bytes: &'a [u8],
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
pub fn split(bytes: &[u8]) -> Option<(Vec<i64>, Vec<Payload<'_>>)> {
    if bytes.starts_with(b"DEVC") {
        return Some((Vec::new(), raw(bytes)));
    }
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let count = (u32::from_le_bytes(*count) as usize).min(MOST_TAGS);
    let mut tags = Vec::new();
    for _ in 0..count {
        let (tag, after) = rest.split_first_chunk()?;
        tags.push(i64::from_le_bytes(*tag));
        rest = after;
    }
    let mut payloads = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<20>() {
        let (time, head) = head.split_first_chunk()?;
        let (duration, head) = head.split_first_chunk()?;
        let length = u32::from_le_bytes(*head.first_chunk()?) as usize;
        let bytes = after.get(..length).unwrap_or(after);
        payloads.push(Payload { time: Some((i64::from_le_bytes(*time), i64::from_le_bytes(*duration))), bytes });
        rest = after.get(length..).unwrap_or_default();
    }
    Some((tags, payloads))
}

/// Payloads one after another. One has the `DEVC` of each device, so a device
/// that was there starts the next.
fn raw(bytes: &[u8]) -> Vec<Payload<'_>> {
    let mut payloads = Vec::new();
    let mut seen: Vec<&[u8]> = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(head) = bytes.get(at..at + 8) {
        if !head.starts_with(b"DEVC") {
            break;
        }
        let length = usize::from(head[5]) * usize::from(u16::from_be_bytes([head[6], head[7]]));
        // The device's number is the first thing that it says.
        let device = bytes.get(at + 8..at + 20).filter(|id| id.starts_with(b"DVID")).unwrap_or_default();
        if seen.contains(&device) || seen.len() >= 16 {
            payloads.push(Payload { time: None, bytes: &bytes[start..at] });
            seen.clear();
            start = at;
        }
        seen.push(device);
        at = (at + 8 + length.next_multiple_of(4)).min(bytes.len());
    }
    if start < at {
        payloads.push(Payload { time: None, bytes: &bytes[start..at] });
    }
    payloads
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
        assert_eq!(split(&bytes), Some((vec![1, 2], vec![one, two])));
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
        let (_, payloads) = split(&bytes).unwrap();
        assert_eq!(payloads.iter().map(|payload| payload.bytes.len()).collect::<Vec<_>>(), [40, 40, 20]);
    }
}
