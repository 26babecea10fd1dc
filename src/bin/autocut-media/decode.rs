//! Pictures of a file by media time.
//!
//! ```text
//! let mut film = Film::open(path, Skip::Nothing)?;
//! let shown = film.frame_at(time)?;     // the latest frame not after `time`
//! shown.frame, shown.time, shown.last
//! ```
//!
//! Ask in rising order and the decoder runs straight through; ask for an
//! earlier time, or for one far ahead behind a key frame, and it seeks. Media
//! time 0 is the first frame that is presented (after edit lists), as
//! `MediaInfo` defines it. Times are exact: they are the file's own
//! timestamps, never counted frames.
//!
//! Interlaced frames are shown as whole pictures ([`deinterlace`]).
//!
//! [`Films`] keeps the last film open, so that the next segment of the same
//! file goes on where the last one ended. Sound is not read through here, but
//! shares [`main_video`], [`first_shown`] and so the same media time.
//!
//! It must not round a time, nor fail on a damaged packet: damage is counted.

use std::mem;
use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, Digest, Timestamp};

use crate::av::{self, Decoder, Error, Frame, Input, Packet, Skip, StreamKind};
use crate::deinterlace;
use crate::planes::{Source, Target};

/// A video stream that is read by time.
pub(crate) struct Film {
    path: PathBuf,
    input: Input,
    decoder: Decoder,
    skip: Skip,
    stream: usize,
    base: (i32, i32),
    /// Ticks of the first frame that is presented.
    origin: i64,
    /// Ticks of the key frames in the container's index, rising.
    keys: Vec<i64>,
    packet: Packet,
    /// The frame that is shown, and the one after it.
    current: Slot,
    next: Slot,
    /// The current frame as a whole picture, where it is interlaced.
    whole: Slot,
    progress: Progress,
    damaged: u64,
}

struct Slot {
    frame: Frame,
    /// `None`: nothing in it.
    time: Option<Timestamp>,
}

/// Where the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// At the start of the file: every frame that comes is whole.
    Start,
    /// After a seek, before the first key frame.
    Sought,
    /// Frames before these ticks may be built from frames that were not read,
    /// so they are dropped (leading pictures of an open GOP).
    From(i64),
    /// All packets are sent.
    Draining(i64),
    /// All frames are out.
    Ended,
}

/// A frame and when it is presented.
pub(crate) struct Shown<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) time: Timestamp,
    /// No frame comes after it.
    pub(crate) last: bool,
}

impl Film {
    pub(crate) fn open(path: &Path, skip: Skip) -> Result<Film, Diagnostic> {
        let failed = |error| av::diagnose(format!("cannot read {}", path.display()), error);
        let (mut input, stream) = open_video(path)?;
        input.keep_only(stream);
        let (base, keys) = {
            let facts = input.stream(stream).ok_or_else(|| failed(Error::StreamNotFound))?;
            let mut keys: Vec<i64> = facts.index().filter(|(_, key)| *key).map(|(ticks, _)| ticks).collect();
            keys.sort_unstable();
            (facts.time_base(), keys)
        };
        let origin = first_shown(&mut input, stream).map_err(failed)?;
        let decoder = Decoder::open(&input, stream, skip).map_err(failed)?;
        let slot = || Frame::new().map(|frame| Slot { frame, time: None });
        let mut film = Film {
            path: path.to_owned(),
            decoder,
            skip,
            stream,
            base,
            origin: origin.unwrap_or(0),
            keys,
            packet: Packet::new().map_err(failed)?,
            current: slot().map_err(failed)?,
            next: slot().map_err(failed)?,
            whole: slot().map_err(failed)?,
            progress: Progress::Start,
            damaged: 0,
            input,
        };
        if origin.is_none() {
            // The packets do not tell, so the first decoded frame does. Its time
            // is relative to an origin of 0 here.
            film.reopen()?;
            film.decode()?;
            film.origin = film.next.time.map_or(0, |time| time.to_ticks(base));
            film.forget(Progress::Start);
        }
        Ok(film)
    }

    /// Media time 0 on the container's clock.
    pub(crate) fn zero(&self) -> Timestamp {
        Timestamp::from_ticks(self.origin, self.base)
    }

    /// Packets and frames that could not be decoded or came out of order.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The latest frame that is presented at or before `time`; the first of the
    /// file where there is none so early, the last where there is none so late.
    ///
    /// Errors: no picture of the file can be decoded.
    pub(crate) fn frame_at(&mut self, time: Timestamp) -> Result<Shown<'_>, Diagnostic> {
        let needs_seek = match self.current.time {
            None => true,
            Some(shown) if time < shown => shown > Timestamp::ZERO,
            Some(shown) => self.worth_seeking(shown, time),
        };
        if needs_seek {
            self.seek(time)?;
        }
        while self.next.time.is_some_and(|next| next <= time || self.current.time.is_none()) {
            mem::swap(&mut self.current, &mut self.next);
            self.decode()?;
        }
        let last = self.next.time.is_none();
        match self.current.time {
            Some(time) => {
                let frame = if self.deinterlace()? { &self.whole.frame } else { &self.current.frame };
                Ok(Shown { frame, time, last })
            }
            None => Err(Diagnostic::input(format!("no picture in {} can be decoded", self.path.display()))),
        }
    }

    /// Makes a whole picture of the current frame; false where it is one.
    fn deinterlace(&mut self) -> Result<bool, Diagnostic> {
        let frame = &self.current.frame;
        let format = frame.pixel_format();
        let (Some(top_first), Some(planes)) = (frame.fields(), format.planes()) else { return Ok(false) };
        if self.whole.time == self.current.time {
            return Ok(true);
        }
        let failed = |error| av::diagnose("cannot deinterlace a frame", error);
        let fits = self.whole.frame.pixel_format() == format && self.whole.frame.size() == frame.size();
        if !fits || !self.whole.frame.is_writable() {
            self.whole.frame = Frame::picture(format, frame.size()).map_err(failed)?;
        }
        self.whole.frame.copy_pixels(frame).map_err(failed)?;
        self.whole.frame.take_colour(frame);
        let is_like = |next: &Frame| next.pixel_format() == format && next.size() == frame.size();
        let next = &self.next.frame;
        let next = if self.next.time.is_some() && is_like(next) { next } else { frame };
        for index in 0..planes {
            let (Some(now), Some(next)) = (frame.plane(index), next.plane(index)) else { continue };
            let Some(into) = self.whole.frame.plane_mut(index) else { continue };
            deinterlace::fill(
                source(now),
                source(next),
                format.bit_depth(),
                top_first,
                Target { data: into.data, stride: into.stride },
            );
        }
        self.whole.time = self.current.time;
        Ok(true)
    }

    /// Whether a key frame lies between what is shown and a time more than a
    /// second ahead, so that decoding all frames between would be for nothing.
    fn worth_seeking(&self, shown: Timestamp, time: Timestamp) -> bool {
        let gap = time - shown;
        if gap <= Timestamp::from_seconds(1) {
            return false;
        }
        if self.keys.is_empty() {
            return gap > Timestamp::from_seconds(5);
        }
        let (here, there) = (self.ticks(shown), self.ticks(time));
        let after = self.keys.partition_point(|key| *key <= there);
        // The index counts decoding time, so a key frame that is near may
        // already be behind.
        let margin = Timestamp::new(1, 2).to_ticks(self.base);
        after > 0 && self.keys[after - 1] > here.saturating_add(margin)
    }

    /// The last tick at or before a media time.
    fn ticks(&self, time: Timestamp) -> i64 {
        let nearest = time.to_ticks(self.base);
        let floor = if Timestamp::from_ticks(nearest, self.base) > time { nearest - 1 } else { nearest };
        floor.saturating_add(self.origin)
    }

    fn time_of(&self, ticks: i64) -> Timestamp {
        Timestamp::from_ticks(ticks.saturating_sub(self.origin), self.base)
    }

    /// Stands so that `next` is a frame at or before `time`: earlier and
    /// earlier key frames are tried, at last the start of the file, since
    /// indexes count decoding time or are only roughly right.
    fn seek(&mut self, time: Timestamp) -> Result<(), Diagnostic> {
        let second = Timestamp::from_seconds(1).to_ticks(self.base).max(1);
        let target = self.ticks(time);
        let mut back = 0;
        while target.saturating_sub(back) > self.origin && back < second.saturating_mul(300) {
            if self.input.seek(self.stream, target.saturating_sub(back)).is_err() {
                break;
            }
            self.forget(Progress::Sought);
            self.decode()?;
            if self.next.time.is_some_and(|found| found <= time) {
                return Ok(());
            }
            back = back.saturating_mul(4).max(second);
        }
        self.rewind()
    }

    /// Stands at the first frame.
    fn rewind(&mut self) -> Result<(), Diagnostic> {
        if self.input.seek(self.stream, self.origin).is_ok() {
            self.forget(Progress::Start);
            self.decode()?;
            if self.next.time == Some(Timestamp::ZERO) {
                return Ok(());
            }
        }
        self.reopen()?;
        self.decode()
    }

    fn forget(&mut self, progress: Progress) {
        self.decoder.flush();
        self.current.time = None;
        self.next.time = None;
        self.whole.time = None;
        self.progress = progress;
    }

    /// For what cannot be seeked.
    fn reopen(&mut self) -> Result<(), Diagnostic> {
        let failed = |error| av::diagnose(format!("cannot read {}", self.path.display()), error);
        self.input = Input::open(&self.path).map_err(failed)?;
        self.input.keep_only(self.stream);
        self.decoder = Decoder::open(&self.input, self.stream, self.skip).map_err(failed)?;
        self.forget(Progress::Start);
        Ok(())
    }

    /// Puts the frame that comes next in order of presentation into `next`;
    /// nothing, at the end.
    fn decode(&mut self) -> Result<(), Diagnostic> {
        let before = self.current.time;
        self.next.time = None;
        while self.progress != Progress::Ended {
            match self.decoder.receive(&mut self.next.frame) {
                Ok(true) => {
                    let whole_from = match self.progress {
                        Progress::From(ticks) | Progress::Draining(ticks) => ticks,
                        Progress::Start | Progress::Sought | Progress::Ended => i64::MIN,
                    };
                    // Without any timestamp a frame follows the one before it.
                    let guess = || before.map_or(self.origin, |time| self.ticks(time).saturating_add(1));
                    let ticks = self.next.frame.time().unwrap_or_else(guess);
                    let time = self.time_of(ticks);
                    if ticks < whole_from {
                        continue;
                    }
                    if before.is_some_and(|before| time <= before) {
                        self.damaged += 1;
                        continue;
                    }
                    self.next.time = Some(time);
                    return Ok(());
                }
                Ok(false) if matches!(self.progress, Progress::Draining(_)) => self.progress = Progress::Ended,
                Ok(false) => self.feed()?,
                Err(_) => {
                    self.damaged += 1;
                    // Whatever the decoder says, each round moves on.
                    match self.progress {
                        Progress::Draining(_) => self.progress = Progress::Ended,
                        _ => self.feed()?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends the next packet, or the end.
    fn feed(&mut self) -> Result<(), Diagnostic> {
        loop {
            match self.input.read(&mut self.packet) {
                Ok(true) => {}
                // A file that was cut off ends where it ends.
                Ok(false) | Err(Error::InvalidData) => {
                    let whole_from = if let Progress::From(ticks) = self.progress { ticks } else { i64::MIN };
                    self.progress = Progress::Draining(whole_from);
                    if self.decoder.send(None).is_err() {
                        self.progress = Progress::Ended;
                    }
                    return Ok(());
                }
                Err(error) => return Err(av::diagnose(format!("cannot read {}", self.path.display()), error)),
            }
            if self.packet.stream() != self.stream {
                continue;
            }
            if self.progress == Progress::Sought {
                if !self.packet.is_key() {
                    continue;
                }
                let ticks = self.packet.pts().or(self.packet.dts()).unwrap_or(i64::MIN);
                self.progress = Progress::From(ticks);
            }
            if self.decoder.send(Some(&self.packet)).is_err() {
                // The decoder is asked for what it has before it gets another:
                // it may be refusing packets until then.
                self.damaged += 1;
            }
            return Ok(());
        }
    }
}

fn source(plane: av::frame::Plane) -> Source {
    Source { data: plane.data, stride: plane.stride, width: plane.width, height: plane.height }
}

/// Films by content: the last one stays open.
#[derive(Default)]
pub(crate) struct Films {
    open: Option<(Digest, Skip, Film)>,
}

impl Films {
    /// The film with this content, which can be read at `path`; opened where
    /// it is not the one that is open.
    pub(crate) fn film(&mut self, content: Digest, path: &Path, skip: Skip) -> Result<&mut Film, Diagnostic> {
        let is_open = matches!(&self.open, Some((digest, how, _)) if *digest == content && *how == skip);
        if !is_open {
            // The old one goes first: two decoders at once would double the memory.
            self.open = None;
        }
        match &mut self.open {
            Some((_, _, film)) => Ok(film),
            slot => Ok(&mut slot.insert((content, skip, Film::open(path, skip)?)).2),
        }
    }

    /// Closes what is open, for instance after an error.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }
}

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
                .hint("take it out of the footage's pattern"))
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
    let mut start = [0u8; 12];
    let is_mp4 = std::fs::File::open(path)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start))
        .is_ok_and(|()| start[4..8] == *b"ftyp");
    match error {
        Error::InvalidData if is_mp4 => Diagnostic::input(format!("{shown} cannot be read as video"))
            .note("it starts like an MP4 file but its index (`moov`) is missing or damaged")
            .hint("the camera probably lost power while recording: try its own repair function on the original card"),
        Error::InvalidData | av::NOT_LISTED => {
            Diagnostic::input(format!("{shown} is not video: no format that autocut reads was found in it"))
                .hint("take it out of the footage's pattern")
        }
        error => av::diagnose(format!("cannot read {shown}"), error),
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
        if seen > REORDER || !input.read(&mut packet)? {
            break;
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
