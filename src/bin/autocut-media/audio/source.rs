//! The sound of one file as 16-bit PCM, read forwards from a place on its
//! media time.
//!
//! Samples lie where the file's timestamps put them: where the stream starts
//! late, has a hole or overlaps itself, silence is put in or samples are left
//! out. Resampling works in 16-bit integers, which gives the same samples on
//! every processor.
//!
//! It must not know of clips or fades, nor fail on a damaged packet: what
//! cannot be decoded is silent, and kept account of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, Timestamp};

use crate::av::{self, Decoder, Error, Frame, Input, Packet, Resampler, SampleFormat, Skip};
use crate::streams::{main_audio, media_zero};

/// How far before the wanted place decoding starts, in ms: coders build on the
/// frames before (Opus asks for 80 ms, MP3 has a bit reservoir of some frames),
/// and so does the resampler.
const LEAD_MS: i64 = 300;
/// A timestamp that is off by less, in ms, is a rounded one (Matroska counts
/// whole milliseconds), and not a hole.
const TOLERANCE_MS: i64 = 10;
/// How many packets in a row may be others' or damaged before the rest of the
/// file is given up.
const MOST_STUMBLES: u32 = 1 << 20;
/// Containers whose timestamps are right after a seek. In the others (MP3, raw
/// AAC) they are guessed there, so those are read from the start.
const EXACT: [&str; 3] = ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "wav"];

/// A file's sound, at a fixed rate and number of channels.
pub(crate) struct Source {
    path: PathBuf,
    input: Input,
    decoder: Decoder,
    stream: usize,
    base: (i32, i32),
    /// Media time 0 on the container's clock; `None` until it is known: the
    /// first sample of a file without pictures.
    zero: Option<Timestamp>,
    rate: u32,
    channels: u16,
    packet: Packet,
    frame: Frame,
    converted: Frame,
    stretch: Option<Stretch>,
    drained: bool,
    /// Ticks of packets that are damaged, or of where some are missing.
    damaged: BTreeSet<i64>,
    /// Something may be missing before the next packet, which is due then.
    stumbled: bool,
    due: Option<i64>,
    /// What is ready and not read yet, where it lies on the media time in
    /// samples, and how much of it was read.
    ready: Vec<i16>,
    ready_at: i64,
    /// The sample that is read next.
    position: i64,
}

/// The sound of a file, as far as it has any.
pub(crate) enum Sound {
    None,
    /// There is some, of which nothing can be decoded here.
    Undecodable(Error),
    Source(Box<Source>),
}

/// A run of frames without a hole.
struct Stretch {
    resampler: Resampler,
    start: Timestamp,
    input_rate: u32,
    input_channels: usize,
    /// Samples a channel that went in.
    taken: u64,
    /// Where the next sample that comes out lies.
    out_at: i64,
}

impl Source {
    /// Opens the sound of a file, to be read from media time `start`.
    pub(crate) fn open(path: &Path, start: Timestamp, rate: u32, channels: u16) -> Result<Sound, Diagnostic> {
        let failed = |error| av::diagnose(format!("cannot read {}", path.display()), error);
        let mut input = Input::open(path).map_err(failed)?;
        let Some(stream) = main_audio(&input) else { return Ok(Sound::None) };
        let zero = media_zero(&mut input, path)?;
        let Some(base) = input.stream(stream).map(|facts| facts.time_base()) else { return Ok(Sound::None) };
        let decoder = match Decoder::open(&input, stream, Skip::Nothing) {
            Ok(decoder) => decoder,
            Err(av::NO_MEMORY) => return Err(failed(av::NO_MEMORY)),
            Err(error) => return Ok(Sound::Undecodable(error)),
        };
        let mut source = Source {
            path: path.to_owned(),
            input,
            decoder,
            stream,
            base,
            zero,
            rate,
            channels,
            packet: Packet::new().map_err(failed)?,
            frame: Frame::new().map_err(failed)?,
            converted: Frame::new().map_err(failed)?,
            stretch: None,
            drained: false,
            damaged: BTreeSet::new(),
            stumbled: false,
            due: None,
            ready: Vec::new(),
            ready_at: 0,
            position: start.to_ticks((1, i32::try_from(rate).unwrap_or(i32::MAX))),
        };
        source.go_to(start)?;
        Ok(Sound::Source(Box::new(source)))
    }

    /// Fills `out` with interleaved samples; returns how many samples a channel
    /// there were. Fewer than asked for only at the end of the file.
    pub(crate) fn read(&mut self, out: &mut [i16]) -> Result<usize, Diagnostic> {
        let channels = usize::from(self.channels.max(1));
        let wanted = out.len() / channels;
        let mut done = 0;
        while done < wanted {
            let length = (self.ready.len() / channels) as i64;
            let ahead = self.ready_at.saturating_sub(self.position);
            let part = &mut out[done * channels..wanted * channels];
            let count = if length == 0 || ahead.saturating_add(length) <= 0 {
                if !self.produce()? {
                    break;
                }
                continue;
            } else if ahead > 0 {
                let count = usize::try_from(ahead).unwrap_or(usize::MAX).min(wanted - done);
                part[..count * channels].fill(0);
                count
            } else {
                let from = usize::try_from(-ahead).unwrap_or(0) * channels;
                let count = (self.ready.len() - from).min(part.len());
                part[..count].copy_from_slice(&self.ready[from..from + count]);
                count / channels
            };
            done += count;
            self.position += count as i64;
        }
        Ok(done)
    }

    /// Moves the container to somewhere before `start`, or leaves it at the
    /// start of the file.
    fn go_to(&mut self, start: Timestamp) -> Result<(), Diagnostic> {
        let wanted = start - Timestamp::from_millis(LEAD_MS);
        let (Some(zero), true) = (self.zero, EXACT.contains(&self.input.container().as_str())) else {
            return self.reopen();
        };
        for back in [1, 4, 16, 64] {
            let target = wanted - Timestamp::from_seconds(back - 1);
            if target <= Timestamp::ZERO {
                break;
            }
            if self.input.seek(self.stream, (target + zero).to_ticks(self.base)).is_err() {
                break;
            }
            self.decoder.flush();
            (self.stumbled, self.due) = (false, None);
            if self.next_packet()? && self.packet.pts().is_some_and(|pts| self.time_of(pts, zero) <= wanted) {
                // A damaged packet is a hole like any other.
                self.decoder.send(Some(&self.packet)).ok();
                self.input.keep_only(self.stream);
                return Ok(());
            }
        }
        self.reopen()
    }

    fn reopen(&mut self) -> Result<(), Diagnostic> {
        let failed = |error| av::diagnose(format!("cannot read {}", self.path.display()), error);
        self.input = Input::open(&self.path).map_err(failed)?;
        self.decoder = Decoder::open(&self.input, self.stream, Skip::Nothing).map_err(failed)?;
        self.input.keep_only(self.stream);
        Ok(())
    }

    fn time_of(&self, ticks: i64, zero: Timestamp) -> Timestamp {
        Timestamp::from_ticks(ticks, self.base) - zero
    }

    /// Reads the next packet of the stream; false at the end of the file, also
    /// where that is a damaged one.
    fn next_packet(&mut self) -> Result<bool, Diagnostic> {
        for _ in 0..MOST_STUMBLES {
            let errors = av::log::errors();
            let read = self.input.read(&mut self.packet);
            self.stumbled |= av::log::errors() != errors;
            match read {
                Ok(true) if self.packet.stream() == self.stream => {
                    self.look_for_a_hole();
                    return Ok(true);
                }
                Ok(true) => {}
                Ok(false) => break,
                // What lies behind it may be whole.
                Err(Error::InvalidData) => self.stumbled = true,
                Err(error) => return Err(av::diagnose(format!("cannot read {}", self.path.display()), error)),
            }
        }
        if self.stumbled {
            self.damaged.extend(self.due);
        }
        Ok(false)
    }

    fn look_for_a_hole(&mut self) {
        let at = self.packet.pts().or(self.packet.dts());
        let tolerance = Timestamp::from_millis(TOLERANCE_MS).to_ticks(self.base);
        let hole = self.due.zip(at).filter(|(due, at)| *at > due.saturating_add(tolerance));
        if let (true, Some((due, _))) = (std::mem::take(&mut self.stumbled), hole) {
            self.damaged.insert(due);
        }
        if self.packet.is_corrupt() {
            self.damaged.extend(at);
        }
        self.due = at.map(|at| at.saturating_add(self.packet.duration()));
    }

    /// Does something with the decoder and notes what it says against the packet
    /// that it got last.
    fn decode<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let errors = av::log::errors();
        let done = act(self);
        if done.is_err() || av::log::errors() != errors {
            self.damaged.extend(self.packet.pts().or(self.packet.dts()));
        }
        done
    }

    /// How much between two places on the media time is damaged, in packets, and
    /// where the first of them is.
    pub(super) fn damaged(&self, from: Timestamp, until: Timestamp) -> Option<(u64, Timestamp)> {
        let zero = self.zero.unwrap_or(Timestamp::ZERO);
        let times = self.damaged.iter().map(|ticks| self.time_of(*ticks, zero));
        // A packet that begins a little before reaches in.
        let lead = Timestamp::from_millis(100);
        let mut times = times.filter(|time| *time + lead > from && *time < until);
        let first = times.next()?;
        Some((times.count() as u64 + 1, first.max(Timestamp::ZERO)))
    }

    /// Replaces what is ready by what comes next; false at the end.
    fn produce(&mut self) -> Result<bool, Diagnostic> {
        self.ready.clear();
        loop {
            match self.decode(|this| this.decoder.receive(&mut this.frame)) {
                Ok(true) => {
                    self.convert()?;
                    if !self.ready.is_empty() {
                        return Ok(true);
                    }
                }
                Ok(false) if self.drained => {
                    self.end_stretch()?;
                    return Ok(!self.ready.is_empty());
                }
                Ok(false) if self.next_packet()? => {
                    // A damaged packet: the next frame's time shows the hole.
                    if self.decode(|this| this.decoder.send(Some(&this.packet))) == Err(av::NO_MEMORY) {
                        return Err(self.failed(av::NO_MEMORY));
                    }
                }
                Ok(false) => {
                    self.drained = true;
                    if self.decoder.send(None).is_err() {
                        self.end_stretch()?;
                        return Ok(!self.ready.is_empty());
                    }
                }
                Err(av::NO_MEMORY) => return Err(self.failed(av::NO_MEMORY)),
                // As above.
                Err(_) => {}
            }
        }
    }

    /// Converts the decoded frame; ends the stretch first where the frame does
    /// not continue it.
    fn convert(&mut self) -> Result<(), Diagnostic> {
        self.frame.name_channels();
        let (rate, channels, samples) = (self.frame.sample_rate(), self.frame.channels(), self.frame.samples());
        if rate == 0 || channels == 0 || samples == 0 {
            return Ok(());
        }
        let clock = self.frame.sound_time().map(|ticks| Timestamp::from_ticks(ticks, self.base));
        let zero = *self.zero.get_or_insert(clock.unwrap_or(Timestamp::ZERO));
        let time = clock.map(|clock| clock - zero);
        let tolerance = Timestamp::from_millis(TOLERANCE_MS);
        let expected = self.stretch.as_ref().map(Stretch::end);
        let continues = self.stretch.as_ref().zip(expected).is_some_and(|(stretch, expected)| {
            let off = time.map_or(Timestamp::ZERO, |time| time - expected);
            stretch.input_rate == rate && stretch.input_channels == channels && off < tolerance && -off < tolerance
        });
        if !continues {
            self.end_stretch()?;
            let start = time.or(expected).unwrap_or(Timestamp::ZERO);
            let resampler = Resampler::new(SampleFormat::I16, self.rate, if channels == 1 { 1 } else { self.channels });
            self.stretch = Some(Stretch {
                resampler: resampler.map_err(|error| self.failed(error))?,
                start,
                input_rate: rate,
                input_channels: channels,
                taken: 0,
                out_at: start.to_ticks((1, i32::try_from(self.rate).unwrap_or(i32::MAX))),
            });
        }
        if let Some(stretch) = &mut self.stretch {
            stretch.taken += samples as u64;
        }
        self.resample(true)
    }

    /// Lets out what the resampler still holds.
    fn end_stretch(&mut self) -> Result<(), Diagnostic> {
        if self.stretch.is_some() {
            self.resample(false)?;
        }
        self.stretch = None;
        Ok(())
    }

    /// Runs the resampler on the frame, or on nothing at the end of a stretch,
    /// and puts what comes out behind what is ready.
    fn resample(&mut self, with_frame: bool) -> Result<(), Diagnostic> {
        let Some(stretch) = &mut self.stretch else { return Ok(()) };
        let run = stretch.resampler.run(with_frame.then_some(&self.frame), &mut self.converted);
        run.map_err(|error| av::diagnose(format!("cannot convert the sound of {}", self.path.display()), error))?;
        let channels = usize::from(self.channels.max(1));
        let mono;
        let mut samples = self.converted.interleaved_i16();
        if stretch.input_channels == 1 {
            // One microphone sounds from every side as loud as it was; the
            // resampler would make it 3 dB quieter.
            mono = samples.iter().flat_map(|sample| std::iter::repeat_n(*sample, channels)).collect::<Vec<_>>();
            samples = &mono;
        }
        if samples.is_empty() {
            return Ok(());
        }
        let at = stretch.out_at;
        stretch.out_at += (samples.len() / channels) as i64;
        if self.ready.is_empty() {
            self.ready_at = at;
        }
        // A new stretch: silence up to where it starts, or the part of it that
        // does not overlap. What lies before a long hole is the fraction of a
        // millisecond that the resampler held back: it is given up, so that a
        // false timestamp does not fill the memory with silence.
        let mut end = self.ready_at + (self.ready.len() / channels) as i64;
        if at - end > i64::from(self.rate) {
            self.ready.clear();
            (self.ready_at, end) = (at, at);
        }
        let hole = usize::try_from(at - end).unwrap_or(0);
        let overlap = usize::try_from(end - at).unwrap_or(0).saturating_mul(channels).min(samples.len());
        self.ready.resize(self.ready.len() + hole * channels, 0);
        self.ready.extend_from_slice(&samples[overlap..]);
        Ok(())
    }

    fn failed(&self, error: Error) -> Diagnostic {
        av::diagnose(format!("cannot read {}", self.path.display()), error)
    }
}

impl Stretch {
    /// Where the next frame should start.
    fn end(&self) -> Timestamp {
        let taken = i64::try_from(self.taken).unwrap_or(i64::MAX);
        self.start + Timestamp::new(taken, i64::from(self.input_rate))
    }
}
