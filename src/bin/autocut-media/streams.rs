//! Which streams of a file are used, where media time 0 is, and what is wrong
//! with a file that cannot be opened.
//!
//! It must not decode, unless nothing else tells where a film starts.

use std::io::Read;
use std::path::Path;

use autocut::base::{Diagnostic, Timestamp};

use crate::av::{self, Error, Input, Packet, Skip, StreamKind};
use crate::decode::Film;

/// Opens a file and finds its video stream; says what is wrong with a file
/// that is not video.
pub(crate) fn open_video(path: &Path) -> Result<(Input, usize), Diagnostic> {
    let input = Input::open(path).map_err(|error| not_footage(path, error))?;
    match main_video(&input) {
        Some(stream) => Ok((input, stream)),
        None => {
            let kinds: Vec<String> = input.streams().map(|stream| stream.codec()).collect();
            let found = if kinds.is_empty() { "no stream at all".to_owned() } else { kinds.join(", ") };
            Err(Diagnostic::input(format!("{} has no video stream", path.display()))
                .note(format!("it holds: {found} ({})", input.container()))
                .hint("take it out of the footage's pattern; `make -k` goes on without it"))
        }
    }
}

/// Why a file cannot be opened, in the terms of who owns it.
fn not_footage(path: &Path, error: Error) -> Diagnostic {
    let shown = path.display();
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
        return Diagnostic::input(format!("{shown} is empty (0 bytes)"))
            .hint("copy it again from the camera, or take it out of the footage's pattern");
    }
    let start = beginning(path);
    let is_mp4 = start.get(4..8) == Some(b"ftyp");
    if let Some(kind) = playlist(&start) {
        return Diagnostic::input(format!("{shown} is not video: it is {kind}, which names other files"))
            .note("autocut reads no file but those that the manifest names")
            .hint("put the files themselves into the footage's pattern, and take this one out");
    }
    match error {
        Error::InvalidData if is_mp4 => Diagnostic::input(format!("{shown} cannot be read as video"))
            .note("it starts like an MP4 file but its index (`moov`) is missing or damaged")
            .hint(
                "copy it again from the card; if it is no better there, the camera lost power while recording: try its own repair function. `make -k` goes on without it",
            ),
        Error::InvalidData | av::NOT_LISTED => {
            Diagnostic::input(format!("{shown} is not video: no format that autocut reads was found in it"))
                .hint("take it out of the footage's pattern; `make -k` goes on without it")
        }
        error => av::diagnose(format!("cannot read {shown}"), error),
    }
}

/// The first bytes of a file, as far as there are any.
fn beginning(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    // What cannot be read is told by whoever tried to open it.
    let _ = std::fs::File::open(path).and_then(|file| file.take(256).read_to_end(&mut start));
    start
}

/// What kind of playlist, script or description of a stream begins like this.
fn playlist(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |with: &[&str]| with.iter().any(|with| text.starts_with(with));
    if begins(&["#extm3u"]) {
        Some("a playlist (M3U)")
    } else if begins(&["ffconcat version"]) {
        Some("a script for joining (ffconcat)")
    } else if begins(&["v=0\n", "v=0\r", "[playlist]", "<asx", "[reference]"]) {
        Some("the description of a stream")
    } else if begins(&["<?xml", "<mpd", "<smil", "<imf"]) {
        Some("a description in XML (DASH, SMIL)")
    } else {
        None
    }
}

/// The video stream to use: the container's default one, else the first;
/// never cover art.
pub(crate) fn main_video(input: &Input) -> Option<usize> {
    let usable = |stream: &av::input::Stream| {
        let (width, height) = stream.size();
        stream.kind() == StreamKind::Video && !stream.is_attached_picture() && width > 0 && height > 0
    };
    let default = input.streams().find(|stream| usable(stream) && stream.is_default());
    default.or_else(|| input.streams().find(usable)).map(|stream| stream.index)
}

/// The sound to use: the container's default one, else the first.
pub(crate) fn main_audio(input: &Input) -> Option<usize> {
    let usable = |stream: &av::input::Stream| {
        stream.kind() == StreamKind::Audio && stream.sample_rate() > 0 && stream.channels() > 0
    };
    let default = input.streams().find(|stream| usable(stream) && stream.is_default());
    default.or_else(|| input.streams().find(usable)).map(|stream| stream.index)
}

/// Media time 0 on the container's clock: when the first picture is presented;
/// `None` for a file without pictures. The input must be at its start and is
/// left a little further on.
pub(crate) fn media_zero(input: &mut Input, path: &Path) -> Result<Option<Timestamp>, Diagnostic> {
    let Some(stream) = main_video(input) else { return Ok(None) };
    let Some(base) = input.stream(stream).map(|facts| facts.time_base()) else { return Ok(None) };
    let first =
        first_shown(input, stream).map_err(|error| av::diagnose(format!("cannot read {}", path.display()), error))?;
    match first {
        Some(ticks) => Ok(Some(Timestamp::from_ticks(ticks, base))),
        None => Film::open(path, Skip::Nothing).map(|film| Some(film.zero())),
    }
}

/// Ticks of the frame that is presented first, from the packets at the start
/// of the file; `None` where packets alone do not tell: without timestamps,
/// or with pictures that lead the first key frame and may not be decodable.
/// The input must be at its start and is left a little further on.
pub(crate) fn first_shown(input: &mut Input, stream: usize) -> Result<Option<i64>, Error> {
    /// No codec in use delays a frame by more than 16.
    const REORDER: usize = 17;
    /// An edit list may skip this many packets at the start.
    const PATIENCE: usize = 5_000;
    let mut packet = Packet::new()?;
    let mut key: Option<(i64, bool)> = None;
    let mut earliest: Option<i64> = None;
    let mut seen = 0;
    for _ in 0..PATIENCE {
        if seen > REORDER {
            break;
        }
        match input.read(&mut packet) {
            Ok(true) => {}
            Ok(false) => break,
            // What lies behind it may be whole.
            Err(Error::InvalidData) => continue,
            Err(error) => return Err(error),
        }
        if packet.stream() != stream || (key.is_none() && !packet.is_key()) {
            continue;
        }
        let Some(pts) = packet.pts() else { return Ok(None) };
        let (first_key, key_hidden) = *key.get_or_insert((pts, packet.is_discarded()));
        if packet.is_discarded() {
            continue;
        }
        if pts < first_key && !key_hidden {
            return Ok(None);
        }
        earliest = Some(earliest.map_or(pts, |earliest| earliest.min(pts)));
        seen += 1;
    }
    Ok(earliest)
}
