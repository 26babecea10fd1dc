//! The kind `extract`: a camera's telemetry track as it is, with the times at
//! which its payloads lie in the film, and what its user marked.
//!
//! Nothing is decoded: that is the library's to do, in the other program.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use autocut::base::{Diagnostic, Timestamp};
use autocut::model::payloads;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::ExtractSpec;

use crate::av::{Error, Input, Packet, diagnose};
use crate::invocation::{Progress, input};
use crate::streams::media_zero;

/// Largest track that is taken: some ten hours.
const MOST_BYTES: u64 = 1 << 28;

/// Writes the payloads of the file's track `gpmd` to one file
/// ([`payloads`]).
pub(crate) fn extract(spec: &ExtractSpec, invocation: &Invocation, progress: Progress) -> Result<Produced, Diagnostic> {
    let path = input(invocation, spec.file)?;
    let unreadable = |error| diagnose(format!("cannot read {}", path.display()), error);
    let mut input = Input::open(path).map_err(unreadable)?;
    let zero = media_zero(&mut input, path)?.unwrap_or(Timestamp::ZERO);
    let track = input.streams().find(|stream| stream.codec_tag().as_deref() == Some("gpmd"));
    let (stream, base, total) = track
        .map(|stream| (stream.index, stream.time_base(), stream.frames()))
        .ok_or_else(|| Diagnostic::bug(format!("{} has no track `gpmd`", path.display())))?;
    let out = invocation.scratch.join("payloads.gpmf");
    let unwritable = |error: std::io::Error| {
        Diagnostic::environment(format!("cannot write {}: {error}", out.display())).hint("free disk space")
    };
    let mut file = BufWriter::with_capacity(1 << 17, File::create(&out).map_err(unwritable)?);
    // Tags that cannot be read are none: the film is what counts.
    let tags = File::open(path).ok().and_then(|mut file| tags(&mut file)).unwrap_or_default();
    payloads::begin(&mut file, &tags).map_err(unwritable)?;
    // From the start, where finding media time 0 has read a little.
    input = Input::open(path).map_err(unreadable)?;
    input.keep_only(stream);
    let mut packet = Packet::new().map_err(unreadable)?;
    let (mut bytes, mut done, mut warnings) = (0_u64, 0, Vec::new());
    loop {
        match input.read(&mut packet) {
            Ok(true) if packet.stream() != stream => continue,
            Ok(true) => {}
            Ok(false) => break,
            // What lies behind it may be whole.
            Err(Error::InvalidData) => continue,
            Err(error) => {
                let name = autocut::model::naming::mark(spec.file);
                let told = format!("{name}: its telemetry cannot be read to its end: {error}");
                warnings.push(Diagnostic::warning(told));
                break;
            }
        }
        let Some(ticks) = packet.pts().or_else(|| packet.dts()) else { continue };
        bytes = bytes.saturating_add(packet.data().len() as u64);
        if bytes > MOST_BYTES {
            let name = autocut::model::naming::mark(spec.file);
            let most = MOST_BYTES >> 20;
            let told = format!("{name}: its telemetry is larger than {most} MiB; what comes after is left out");
            warnings.push(Diagnostic::warning(told));
            break;
        }
        let time = Timestamp::from_ticks(ticks, base) - zero;
        let duration = Timestamp::from_ticks(packet.duration().max(0), base);
        payloads::append(&mut file, time.to_nanos(), duration.to_nanos(), packet.data()).map_err(unwritable)?;
        done += 1;
        progress(done, total.max(done))?;
    }
    file.flush().map_err(unwritable)?;
    drop(file);
    Ok(Produced { files: vec![out], warnings, ..Produced::default() })
}

/// Most boxes that are looked at side by side.
const MOST_BOXES: usize = 1_000;

/// What the user marked while recording: `moov/udta/HMMT`, a count and
/// milliseconds, each of four bytes. In ns.
fn tags(file: &mut (impl Read + Seek)) -> Option<Vec<i64>> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let moov = find(file, (0, end), b"moov")?;
    let udta = find(file, moov, b"udta")?;
    let (start, end) = find(file, udta, b"HMMT")?;
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut word = [0; 4];
    file.read_exact(&mut word).ok()?;
    let count = (u32::from_be_bytes(word) as usize).min(payloads::MOST_TAGS);
    let most = usize::try_from(end.saturating_sub(start) / 4).ok()?.saturating_sub(1);
    let mut tags = Vec::new();
    for _ in 0..count.min(most) {
        file.read_exact(&mut word).ok()?;
        match u32::from_be_bytes(word) {
            // Cameras reserve room for more than there are.
            0 | u32::MAX => break,
            millis => tags.push(i64::from(millis) * 1_000_000),
        }
    }
    Some(tags)
}

/// Where the content of the first box of that name lies, among those between
/// two places (ISO/IEC 14496-12, 4.2).
pub(crate) fn find(file: &mut (impl Read + Seek), (start, end): (u64, u64), name: &[u8; 4]) -> Option<(u64, u64)> {
    let mut at = start;
    for _ in 0..MOST_BOXES {
        if at.checked_add(8)? > end {
            return None;
        }
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut head = [0; 8];
        file.read_exact(&mut head).ok()?;
        let (head, kind) = head.split_at(4);
        let (header, size) = match u32::from_be_bytes(head.try_into().ok()?) {
            0 => (8, end - at),
            1 => {
                let mut long = [0; 8];
                file.read_exact(&mut long).ok()?;
                (16, u64::from_be_bytes(long))
            }
            size => (8, u64::from(size)),
        };
        let next = at.checked_add(size)?.min(end);
        if size < header || next <= at {
            return None;
        }
        if kind == name {
            return Some((at + header, next));
        }
        at = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], name, content].concat()
    }

    #[test]
    fn tags_are_found_and_lying_counts_are_not_believed() {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let film = |hmmt: &[u32]| {
            let udta = [boxed(b"FIRM", b"HD7"), boxed(b"HMMT", &words(hmmt))].concat();
            [boxed(b"ftyp", b"mp41"), boxed(b"moov", &boxed(b"udta", &udta)), boxed(b"mdat", b"")].concat()
        };
        let found = |hmmt: &[u32]| tags(&mut Cursor::new(film(hmmt)));
        assert_eq!(found(&[2, 1_500, 60_000]), Some(vec![1_500_000_000, 60_000_000_000]));
        assert_eq!(found(&[u32::MAX, 1_500]), Some(vec![1_500_000_000]));
        assert_eq!(found(&[3, 1_500, 0, 0]), Some(vec![1_500_000_000]));
        assert_eq!(tags(&mut Cursor::new(boxed(b"moov", b""))), None);
        // Sizes that lead nowhere, or out of the file.
        for size in [0, 1, 2, 7, 8, u32::MAX] {
            let mut bytes = film(&[1, 5]);
            bytes[12..16].copy_from_slice(&size.to_be_bytes());
            let _ = tags(&mut Cursor::new(bytes));
        }
    }

    /// `tests/common` has no part in this: the file is GoPro's own, whose box
    /// `HMMT` holds a count of 0 (by `xxd`).
    #[test]
    fn a_film_without_tags_has_none() {
        let folder = std::env::var_os("AUTOCUT_TESTDATA").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"),
            std::path::PathBuf::from,
        );
        let film = folder.join("gopro/hero7.mp4");
        if film.exists() {
            assert_eq!(tags(&mut File::open(&film).unwrap()), Some(Vec::new()));
        }
    }
}
