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
//! [`Films`](crate::films) keeps the last film open, so that the next segment of the same
//! file goes on where the last one ended. Sound is not read through here, but
//! shares [`streams`](crate::streams) and so the same media time.
//!
//! It must not round a time, nor fail on a damaged packet: what could not be
//! decoded is kept account of ([`damage`](crate::damage)). One exception: where a
//! device decodes, everything that is not as it should be is an error, so that
//! all of it is decoded again in software ([`Film::open_on`]).

use std::mem;
use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, Timestamp};
use autocut::model::decoders::Device;

use crate::av::input::Stream;
use crate::av::{self, Decoder, Error, Frame, Input, Packet, Skip};
use crate::damage::{Damage, Passing};
use crate::deinterlace;
use crate::excerpt::Limits;
use crate::losses::Losses;
use crate::planes::{Source, Target};
use crate::streams::first_shown;
use crate::windowed::Windowed;

/// How often in a row the demuxer may say that something is damaged before the
/// rest of the file is given up: once for each frame that it cannot find.
pub(crate) const MOST_STUMBLES: u32 = 4_096;

/// A video stream that is read by time.
pub(crate) struct Film {
    path: PathBuf,
    input: Windowed,
    decoder: Decoder,
    skip: Skip,
    /// What decodes instead of the processor.
    device: Option<Device>,
    base: (i32, i32),
    /// Ticks of the first frame that is presented.
    origin: i64,
    /// Ticks of the key frames in the container's index, rising.
    keys: Vec<i64>,
    /// How far before what is wanted decoding begins at least.
    lead: Timestamp,
    packet: Packet,
    /// The frame that is shown, and the one after it.
    current: Slot,
    next: Slot,
    /// The current frame as a whole picture, where it is interlaced.
    whole: Slot,
    progress: Progress,
    damage: Damage,
    /// Whether what the decoder says is said of a packet that is to be seen.
    is_counted: bool,
}

struct Slot {
    frame: Frame,
    /// `None`: nothing in it.
    time: Option<Timestamp>,
    /// How long it is shown, as the file says; 0 where it does not.
    duration: Timestamp,
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
    /// How long it is shown, as the file says; 0 where it does not.
    pub(crate) duration: Timestamp,
    /// No frame comes after it.
    pub(crate) last: bool,
}

impl Film {
    pub(crate) fn open(path: &Path, skip: Skip) -> Result<Film, Diagnostic> {
        Film::new(path, skip, None, Limits::default())
    }

    /// The same, of which no more is listed at once.
    #[cfg(test)]
    pub(crate) fn open_within(path: &Path, limits: Limits) -> Result<Film, Diagnostic> {
        Film::new(path, Skip::Nothing, None, limits)
    }

    /// A film that a device decodes. Errors, of this and of whatever is asked of
    /// the film: the device does not decode it, complains, or gives another
    /// number of frames than there are; the file may be at fault too.
    pub(crate) fn open_on(device: Device, path: &Path) -> Result<Film, Diagnostic> {
        Film::new(path, Skip::Nothing, Some(device), Limits::default())
    }

    fn new(path: &Path, skip: Skip, device: Option<Device>, limits: Limits) -> Result<Film, Diagnostic> {
        let failed = |error| av::diagnose(format!("cannot read {}", path.display()), error);
        let mut input = Windowed::open(path, limits)?;
        let stream = input.stream();
        let (base, lead) = {
            let facts = input.input().stream(stream).ok_or_else(|| failed(Error::StreamNotFound))?;
            (facts.time_base(), lead(&facts))
        };
        let keys = input.keys();
        let origin = first_shown(input.input_mut(), stream).map_err(failed)?;
        let decoder = decoder(input.input(), stream, skip, device, failed)?;
        let slot = || Frame::new().map(|frame| Slot { frame, time: None, duration: Timestamp::ZERO });
        let mut film = Film {
            path: path.to_owned(),
            decoder,
            skip,
            device,
            base,
            origin: origin.unwrap_or(0),
            keys,
            lead,
            packet: Packet::new().map_err(failed)?,
            current: slot().map_err(failed)?,
            next: slot().map_err(failed)?,
            whole: slot().map_err(failed)?,
            progress: Progress::Start,
            damage: Damage::default(),
            is_counted: true,
            input,
        };
        if origin.is_none() {
            // The packets do not tell, so the first decoded frame does. Its time
            // is relative to an origin of 0 here.
            film.reopen()?;
            film.decode()?;
            film.origin = film.next.time.map_or(0, |time| time.to_ticks(base));
            film.forget(Progress::Start);
            film.damage = Damage::default();
        }
        Ok(film)
    }

    #[cfg(test)]
    pub(crate) fn is_excerpt(&self) -> bool {
        self.input.is_excerpt()
    }

    /// Holds it to what is demanded of a device, while software decodes.
    #[cfg(test)]
    pub(crate) fn pretend(&mut self, device: Device) {
        self.device = Some(device);
    }

    /// Media time 0 on the container's clock.
    pub(crate) fn zero(&self) -> Timestamp {
        Timestamp::from_ticks(self.origin, self.base)
    }

    /// What could not be decoded of the frames presented after `from` and up to
    /// `until`, as far as was read.
    pub(crate) fn losses(&self, from: Timestamp, until: Timestamp) -> Losses {
        let after = self.ticks(from).saturating_add(1);
        let within = after..self.ticks(until).saturating_add(1).max(after);
        let at = |count: crate::damage::Count| (count.frames, self.time_of(count.first).max(Timestamp::ZERO));
        Losses { lost: self.damage.lost(within.clone()).map(at), damaged: self.damage.damaged(within).map(at) }
    }

    /// Whether the file broke off before its pictures did.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.progress == Progress::Ended && self.damage.is_open()
    }

    /// Whether anything that was read since the film was opened was damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damage.is_any()
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
                Ok(Shown { frame, time, duration: self.current.duration, last })
            }
            None => Err(Diagnostic::input(format!("no picture in {} can be decoded", self.path.display())).hint(
                "copy it again from the card; if it is no better there, take it out of the footage's pattern. `make -k` \
                 goes on without it",
            )),
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
        let lead = self.lead.to_ticks(self.base);
        let mut back = lead;
        while target.saturating_sub(back) > self.origin && back < second.saturating_mul(300) {
            if self.input.seek(target.saturating_sub(back)).is_err() {
                break;
            }
            self.forget(Progress::Sought);
            self.decode()?;
            if self.next.time.is_some_and(|found| found <= time) {
                return Ok(());
            }
            back = back.saturating_mul(4).max(second.saturating_add(lead));
        }
        self.rewind()
    }

    /// Stands at the first frame.
    fn rewind(&mut self) -> Result<(), Diagnostic> {
        if self.input.seek(self.origin).is_ok() {
            let known = self.damage.clone();
            self.forget(Progress::Start);
            self.decode()?;
            if self.next.time == Some(Timestamp::ZERO) {
                return Ok(());
            }
            // It came out somewhere else, where the decoder may well complain.
            self.damage = known;
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
        self.damage.forget();
        self.is_counted = true;
    }

    /// For what cannot be seeked.
    fn reopen(&mut self) -> Result<(), Diagnostic> {
        self.input.reopen().map_err(|error| self.unreadable(error))?;
        let failed = |error| self.unreadable(error);
        self.decoder = decoder(self.input.input(), self.input.stream(), self.skip, self.device, failed)?;
        self.forget(Progress::Start);
        Ok(())
    }

    /// Puts the frame that comes next in order of presentation into `next`;
    /// nothing, at the end.
    fn decode(&mut self) -> Result<(), Diagnostic> {
        let before = self.current.time;
        self.next.time = None;
        while self.progress != Progress::Ended {
            let errors = av::log::errors();
            let received = self.decoder.receive(&mut self.next.frame);
            if self.is_counted && (received.is_err() || av::log::errors() != errors) {
                self.damage.trouble();
                self.object(received.err())?;
            }
            match received {
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
                        self.damage.passed_over(ticks);
                        continue;
                    }
                    if before.is_some_and(|before| time <= before) {
                        self.damage.refused(ticks);
                        continue;
                    }
                    let duration = self.damage.came(ticks, self.next.frame.is_flawed());
                    self.object(None)?;
                    self.next.duration = Timestamp::from_ticks(duration, self.base);
                    self.next.time = Some(time);
                    return Ok(());
                }
                Ok(false) if matches!(self.progress, Progress::Draining(_)) => self.progress = Progress::Ended,
                Ok(false) => self.feed()?,
                Err(av::NO_MEMORY) => return Err(self.unreadable(av::NO_MEMORY)),
                // Whatever the decoder says, each round moves on.
                Err(_) => match self.progress {
                    Progress::Draining(_) => self.progress = Progress::Ended,
                    _ => self.feed()?,
                },
            }
        }
        self.damage.ended();
        self.object(None)
    }

    /// What is said of a device where anything is not as it should be. Of
    /// software nothing: what is wrong is wrong with the file.
    fn object(&self, error: Option<Error>) -> Result<(), Diagnostic> {
        let Some(device) = self.device else { return Ok(()) };
        let missing = self.damage.silent();
        if let Some(error) = error {
            Err(av::diagnose(doubt(device, "fails"), error))
        } else if self.damage.is_any() {
            Err(Diagnostic::environment(doubt(device, "complains of what it decodes")))
        } else if missing > 0 {
            Err(Diagnostic::environment(doubt(device, "gives fewer pictures than there are")))
        } else {
            Ok(())
        }
    }

    /// Sends the next packet, or the end.
    fn feed(&mut self) -> Result<(), Diagnostic> {
        let mut stumbles = 0;
        loop {
            let errors = av::log::errors();
            let read = self.input.read(&mut self.packet);
            if av::log::errors() != errors {
                self.damage.stumbled();
            }
            match read {
                Ok(true) => {}
                // What lies behind it may be whole.
                Err(Error::InvalidData) if stumbles < MOST_STUMBLES => {
                    stumbles += 1;
                    self.damage.stumbled();
                    continue;
                }
                // A file that was cut off ends where it ends.
                Ok(false) | Err(Error::InvalidData) => {
                    let whole_from = if let Progress::From(ticks) = self.progress { ticks } else { i64::MIN };
                    self.progress = Progress::Draining(whole_from);
                    if self.decoder.send(None).is_err() {
                        self.progress = Progress::Ended;
                    }
                    return Ok(());
                }
                Err(error) => return Err(self.unreadable(error)),
            }
            if self.packet.stream() != self.input.stream() {
                continue;
            }
            if self.progress == Progress::Sought {
                if !self.packet.is_key() {
                    continue;
                }
                let ticks = self.packet.pts().or(self.packet.dts()).unwrap_or(i64::MIN);
                self.progress = Progress::From(ticks);
            }
            return self.send();
        }
    }

    /// Sends the packet. What the decoder says against it is noted and no more:
    /// it is asked for what it has before it gets another.
    fn send(&mut self) -> Result<(), Diagnostic> {
        let whole_from = if let Progress::From(ticks) = self.progress { ticks } else { i64::MIN };
        let packet = Passing {
            shown: self.packet.pts(),
            decoded: self.packet.dts(),
            duration: self.packet.duration(),
            key: self.packet.is_key(),
            corrupt: self.packet.is_corrupt(),
        };
        // Leading pictures of an open GOP, after a seek: nobody expects them to be
        // whole, and they are not shown.
        self.is_counted = packet.shown.is_none_or(|shown| shown >= whole_from);
        if self.is_counted {
            self.damage.sent(packet);
        }
        let errors = av::log::errors();
        let sent = self.decoder.send(Some(&self.packet));
        if self.is_counted && (sent.is_err() || av::log::errors() != errors) {
            self.damage.trouble();
            self.object(sent.err())?;
        }
        match sent {
            Err(av::NO_MEMORY) => Err(self.unreadable(av::NO_MEMORY)),
            _ => Ok(()),
        }
    }

    /// How many packets gave no picture although nothing was wrong with them.
    pub(crate) fn silent(&self) -> u64 {
        self.damage.silent()
    }

    fn unreadable(&self, error: Error) -> Diagnostic {
        av::diagnose(format!("cannot read {}", self.path.display()), error)
    }
}

/// A decoder, on a device where one is named.
fn decoder(
    input: &Input,
    stream: usize,
    skip: Skip,
    device: Option<Device>,
    failed: impl Fn(Error) -> Diagnostic,
) -> Result<Decoder, Diagnostic> {
    match device {
        Some(device) => Decoder::open_on(device, input, stream)
            .map_err(|error| av::diagnose(doubt(device, "cannot be opened for decoding"), error)),
        None => Decoder::open(input, stream, skip).map_err(failed),
    }
}

/// What a device did wrong, without a path: whoever hears it asks for no file.
fn doubt(device: Device, what: &str) -> String {
    format!("the device ({}) {what}", device.name())
}

/// Whether a frame of H.264 is two fields the decoder takes from the frame before
/// it where the stream does not tell, as film does that is marked to be shown as
/// fields (soft telecine). Every few frames it tells, so after half a second what
/// is said no longer depends on where decoding began.
fn lead(stream: &Stream) -> Timestamp {
    let takes_over = stream.codec() == "h264" && stream.top_field_first().is_some();
    if takes_over { Timestamp::new(1, 2) } else { Timestamp::ZERO }
}

fn source(plane: av::frame::Plane) -> Source {
    Source { data: plane.data, stride: plane.stride, width: plane.width, height: plane.height }
}
