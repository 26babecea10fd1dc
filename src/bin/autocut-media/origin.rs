//! What a camera writes of the recording that a file is of, besides its name,
//! which people change.
//!
//! GoPro's cameras write two identities into `moov/udta`: `GUMI`, 16 bytes, and
//! `MUID`, 32 bytes. Which of them chapters of one recording share differs by
//! model: of HERO7 it is `GUMI`, of HERO11 the first half of `MUID`, which of
//! HERO7 is the camera's own number (`CAME`) and tells nothing (by
//! github.com/jenslar/gpmf-rs, which has seen films of both).

use std::io::{Read, Seek, SeekFrom};

use crate::extract::find;

/// The identities, each with its kind before it.
pub(crate) fn ids(file: &mut (impl Read + Seek)) -> Vec<String> {
    let mut found = Vec::new();
    let mut read = |name: &[u8; 4], length: usize| {
        let end = file.seek(SeekFrom::End(0)).ok()?;
        let moov = find(file, (0, end), b"moov")?;
        let udta = find(file, moov, b"udta")?;
        let (start, end) = find(file, udta, name)?;
        let mut bytes = vec![0; length];
        if end - start < length as u64 {
            return None;
        }
        file.seek(SeekFrom::Start(start)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        bytes.iter().any(|byte| *byte != 0).then_some(bytes)
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (media, recording, camera) = (read(b"GUMI", 16), read(b"MUID", 32), read(b"CAME", 16));
    found.extend(media.map(|bytes| format!("GUMI {}", hex(&bytes))));
    if let Some(bytes) = recording {
        let (half, _) = bytes.split_at(16);
        let is_camera = camera.as_deref() == Some(half) || half.iter().all(|byte| *byte == 0);
        found.push(format!("MUID {}", hex(&bytes)));
        found.extend((!is_camera).then(|| format!("session {}", hex(half))));
    }
    found
}

/// Whether a label is one of a time code.
pub(crate) fn is_timecode(label: &str) -> bool {
    let parts: Vec<&str> = label.split([':', ';', '.']).collect();
    parts.len() == 4
        && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], name, content].concat()
    }

    fn film(items: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let udta: Vec<u8> = items.iter().flat_map(|(name, content)| boxed(name, content)).collect();
        [boxed(b"ftyp", b"mp41"), boxed(b"moov", &boxed(b"udta", &udta))].concat()
    }

    #[test]
    fn the_half_that_is_the_cameras_number_tells_nothing() {
        let muid = [[7; 16], [9; 16]].concat();
        let own = ids(&mut Cursor::new(film(&[(b"CAME", &[7; 16]), (b"MUID", &muid), (b"GUMI", &[1; 16])])));
        let whole = format!("MUID {}{}", "07".repeat(16), "09".repeat(16));
        assert_eq!(own, [format!("GUMI {}", "01".repeat(16)), whole.clone()]);
        let session = ids(&mut Cursor::new(film(&[(b"CAME", &[8; 16]), (b"MUID", &muid), (b"GUMI", &[0; 16])])));
        assert_eq!(session, [whole, format!("session {}", "07".repeat(16))]);
        // Too short, or none.
        assert!(ids(&mut Cursor::new(film(&[(b"GUMI", &[1; 15])]))).is_empty());
        assert!(ids(&mut Cursor::new(b"no film".to_vec())).is_empty());
    }

    #[test]
    fn labels() {
        assert!(is_timecode("11:12:47:22") && is_timecode("01:00:00;00"));
        assert!(!is_timecode("11:12:47") && !is_timecode("a:b:c:d") && !is_timecode("11:12:47:"));
    }
}
