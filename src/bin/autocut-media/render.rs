//! The kind `segment`: frames out of footage, fitted, overlaid and encoded.
//!
//! **Frame selection.** Frame `n` of a run shows the source at media time
//! `start + n / rate`: the latest source frame whose time is not after that by
//! more than half of the source's nominal frame. The half is there because
//! containers round timestamps (to 1 ms in Matroska, to 1/600 s in some MP4s):
//! a source of the output's own rate must give each frame once, not repeat one
//! and skip the next because a time was rounded up. For a rate that varies it
//! is the nearest frame, give or take.
//!
//! Memory: a few frames, whatever the segment's length; packets go to the file
//! as they come.

use autocut::base::{Diagnostic, Digest, FrameRate, Shortage, Timestamp};
use autocut::model::losses::counted;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{SegmentInfo, SegmentSpec, SourceRun};
use autocut::model::{self, VideoFormat, naming};

use crate::av::encoder::{ColourNumbers, VideoSettings};
use crate::av::{self, Encoder, Frame, Packet, Skip};
use crate::extent;
use crate::feed::Feed;
use crate::films::Films;
use crate::invocation::{Progress, input};
use crate::overlays::{Overlays, Packs};
use crate::picture::{Fitter, colour_numbers, pixel_format};
use crate::segment::{Header, PacketInfo, StreamHeader, Writer};

/// Renders a segment to the file `segment` in the scratch folder.
pub(crate) fn render(
    spec: &SegmentSpec,
    invocation: &Invocation,
    films: &mut Films,
    skip: Skip,
    progress: Progress,
) -> Result<Produced, Diagnostic> {
    let total = spec.frames();
    if total == 0 {
        return Err(Diagnostic::bug("a segment without frames"));
    }
    let packs = Packs::open(&invocation.packs)?;
    let path = invocation.scratch.join("segment");
    let mut output = Output::open(spec, &path)?;
    let mut easel = Easel::new(&spec.format, Overlays::new(&spec.overlays, &packs, &spec.format))?;
    let mut warnings = Vec::new();
    let mut held = 0;
    for run in &spec.sources {
        let path = input(invocation, run.file)?;
        let film = films.film(run.file, path, skip)?;
        easel.turn_page();
        let mut ending = Ending::default();
        let mut first = run.start;
        for n in 0..run.frames {
            let shown = film.frame_at(selection_limit(run, &spec.format, n))?;
            if n == 0 {
                first = shown.time;
            }
            if shown.last && is_past(run, &spec.format, n, shown.time, shown.duration) {
                ending.hold(shown.time);
            }
            let frame = easel.paint(output.next, shown.frame, shown.time, run)?;
            output.encode(frame)?;
            progress(u64::from(output.next), u64::from(total))?;
        }
        held += ending.frames;
        // The picture that is shown first may be an older one.
        let moment = Timestamp::new(1, 1_000_000);
        let from = (selection_limit(run, &spec.format, 0) - run.picture.rate.time_of(1)).min(first - moment);
        let until = selection_limit(run, &spec.format, run.frames.saturating_sub(1));
        let losses = film.losses(from, until);
        warnings.extend(losses.told(run.file, "the picture before is shown instead"));
        warnings.extend(ending.told(run.file, spec.format.rate, film.is_cut_off()));
    }
    let info = output.finish(total, held)?;
    Ok(Produced { files: vec![path], value: model::encode(&info), warnings })
}

/// The latest time that a source frame may have to be shown in frame `n`.
pub(crate) fn selection_limit(run: &SourceRun, format: &VideoFormat, n: u32) -> Timestamp {
    run.start + format.rate.time_of(i64::from(n)) + run.picture.rate.time_of(1).scaled(1, 2)
}

/// Whether frame `n` lies so far behind a source frame that the one after it
/// would be shown, if there were one. Where the rate varies, a frame may be
/// meant to last.
fn is_past(run: &SourceRun, format: &VideoFormat, n: u32, shown: Timestamp, lasts: Timestamp) -> bool {
    selection_limit(run, format, n) >= shown + run.picture.rate.time_of(1).max(lasts)
}

/// Frames behind the last picture of a file.
#[derive(Default)]
struct Ending {
    frames: u32,
    /// When that is presented.
    last: Option<Timestamp>,
}

impl Ending {
    fn hold(&mut self, shown: Timestamp) {
        self.frames += 1;
        self.last = Some(shown);
    }

    fn told(&self, file: Digest, rate: FrameRate, is_cut_off: bool) -> Option<Diagnostic> {
        let last = self.last?;
        // Sound goes on for a little behind the pictures of a file that is whole.
        let worth = is_cut_off || rate.time_of(i64::from(self.frames)) > extent::tolerance();
        let (name, frames) = (naming::mark(file), counted(u64::from(self.frames)));
        let message = format!("{name}: its last picture is at {last}; it is shown for {frames} more");
        worth.then(|| Diagnostic::warning(message))
    }
}

/// Where frames are made up.
pub(crate) struct Easel<'a> {
    fitter: Fitter,
    overlays: Overlays<'a>,
    /// The fitted source frame: painted here, or the decoder's own.
    base: Frame,
    /// Of the base: media time of the source frame, `None` for nothing yet.
    shows: Option<Timestamp>,
    /// The base with sprites over it.
    canvas: Frame,
    /// What is given to the encoder.
    given: Frame,
}

impl<'a> Easel<'a> {
    pub(crate) fn new(format: &VideoFormat, overlays: Overlays<'a>) -> Result<Easel<'a>, Diagnostic> {
        let make = || {
            let fitter = Fitter::new(format.size, format.colour, pixel_format(format.sampling))?;
            // Frames are made when they are first painted on.
            let (base, canvas, given) = (Frame::new()?, Frame::new()?, Frame::new()?);
            Ok(Easel { fitter, overlays, base, shows: None, canvas, given })
        };
        make().map_err(|error| av::diagnose("cannot make frames", error))
    }

    /// The next source frame is of another run.
    pub(crate) fn turn_page(&mut self) {
        self.shows = None;
    }

    /// Frame `index` of the segment, of a source frame of that time.
    pub(crate) fn paint(
        &mut self,
        index: u32,
        source: &Frame,
        time: Timestamp,
        run: &SourceRun,
    ) -> Result<&mut Frame, Diagnostic> {
        let failed = |error| av::diagnose("cannot convert a frame", error);
        self.given.clear();
        if self.shows != Some(time) {
            self.fit(source, run).map_err(failed)?;
            self.shows = Some(time);
        }
        if !self.overlays.covers(index) {
            self.given.show_pixels(&self.base).map_err(failed)?;
            return Ok(&mut self.given);
        }
        if !self.canvas.is_writable() {
            self.canvas = self.fitter.blank().map_err(failed)?;
        }
        self.canvas.copy_pixels(&self.base).map_err(failed)?;
        self.overlays.paint(index, &mut self.canvas)?;
        self.given.show_pixels(&self.canvas).map_err(failed)?;
        Ok(&mut self.given)
    }

    fn fit(&mut self, source: &Frame, run: &SourceRun) -> Result<(), av::Error> {
        if self.fitter.suits(source, &run.picture) {
            return self.base.show_pixels(source);
        }
        // A base that the encoder or the decoder still holds is not painted over.
        if !self.base.is_writable() {
            self.base = self.fitter.blank()?;
        }
        self.fitter.fit(source, &run.picture, run.fit, &mut self.base)
    }
}

/// The encoder and the file that its packets go to.
struct Output {
    feed: Feed,
    encoder: Encoder,
    writer: Writer,
    packet: Packet,
    colour: ColourNumbers,
    extradata: Digest,
    /// Index of the frame that comes next.
    next: u32,
    /// Which frames have come out as packets.
    encoded: Vec<bool>,
    bytes: u64,
}

impl Output {
    fn open(spec: &SegmentSpec, path: &std::path::Path) -> Result<Output, Diagnostic> {
        let VideoFormat { size, rate, colour, sampling } = spec.format;
        let numbers = colour_numbers(&colour);
        let name = &spec.encoder.name;
        let feed = Feed::new(name, size, pixel_format(sampling), &colour).map_err(|error| {
            let problem = av::diagnose(format!("the encoder {name} cannot be fed"), error);
            problem.for_want_of(Shortage::Encoder)
        })?;
        let encoder = Encoder::video(&VideoSettings {
            encoder: name,
            size,
            format: feed.format(),
            surfaces: feed.surfaces(),
            rate,
            colour: numbers,
            options: &spec.encoder.options,
            threads: spec.encoder.threads,
        })?;
        let extradata = encoder.extradata().to_vec();
        let digest = Digest::of(&extradata);
        let stream = StreamHeader::Video { size, rate, colour, sampling };
        let header = Header { codec: encoder.codec(), tag: encoder.tag(), extradata, stream };
        Ok(Output {
            writer: Writer::create(path, &header)?,
            packet: Packet::new().map_err(|error| av::diagnose("cannot encode", error))?,
            feed,
            encoder,
            colour: numbers,
            extradata: digest,
            next: 0,
            encoded: vec![false; spec.frames() as usize],
            bytes: 0,
        })
    }

    fn encode(&mut self, frame: &mut Frame) -> Result<(), Diagnostic> {
        frame.set_time(i64::from(self.next));
        frame.set_key(self.next == 0);
        let ColourNumbers { range, matrix, primaries, transfer } = self.colour;
        frame.set_colour(range, matrix, primaries, transfer);
        let failed = |error| av::diagnose("cannot encode a frame", error);
        let prepared = self.feed.prepare(frame).map_err(failed)?;
        self.encoder.send(Some(prepared.as_ref().unwrap_or(frame))).map_err(failed)?;
        self.next += 1;
        self.collect()
    }

    fn collect(&mut self) -> Result<(), Diagnostic> {
        let failed = |error| av::diagnose("cannot encode", error);
        while self.encoder.receive(&mut self.packet).map_err(failed)? {
            let key = self.packet.is_key();
            if self.bytes == 0 && !key {
                return Err(Diagnostic::bug("the encoder's first packet is not a key frame"));
            }
            let pts = self.packet.pts().unwrap_or(i64::MIN);
            let frame = usize::try_from(pts).ok().and_then(|index| self.encoded.get_mut(index));
            match frame {
                Some(encoded) if !*encoded => *encoded = true,
                _ => return Err(Diagnostic::bug(format!("the encoder gave a packet for frame {pts}"))),
            }
            self.writer.push(PacketInfo { pts, duration: 1, key }, self.packet.data())?;
            self.bytes += self.packet.data().len() as u64;
        }
        Ok(())
    }

    fn finish(mut self, frames: u32, held: u32) -> Result<SegmentInfo, Diagnostic> {
        self.encoder.send(None).map_err(|error| av::diagnose("cannot encode", error))?;
        self.collect()?;
        let missing = self.encoded.iter().filter(|encoded| !**encoded).count();
        if missing > 0 || self.next != frames {
            return Err(Diagnostic::bug(format!("the encoder made no packet for {missing} of {frames} frames")));
        }
        self.writer.finish()?;
        Ok(SegmentInfo { frames, bytes: self.bytes, extradata: self.extradata, held })
    }
}

#[cfg(test)]
mod tests {
    use autocut::base::{Orientation, Size};
    use autocut::model::timeline::SourcePicture;
    use autocut::model::{Colour, Fit, Matrix};

    use super::*;

    fn run(start: Timestamp, rate: (u32, u32)) -> SourceRun {
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        let picture = SourcePicture {
            stored: Size::new(16, 16),
            pixel_aspect: (1, 1),
            orientation: Orientation::UPRIGHT,
            colour,
            rate: FrameRate::new(rate.0, rate.1).unwrap(),
        };
        SourceRun { file: Digest::of(b""), start, frames: 0, picture, fit: Fit::Fit }
    }

    fn format(rate: (u32, u32)) -> VideoFormat {
        let colour = run(Timestamp::ZERO, (1, 1)).picture.colour;
        VideoFormat {
            size: Size::new(16, 16),
            rate: FrameRate::new(rate.0, rate.1).unwrap(),
            colour,
            sampling: Default::default(),
        }
    }

    /// The source frames that are shown, by their index in `times`.
    fn selected(times: &[Timestamp], run: &SourceRun, format: &VideoFormat, frames: u32) -> Vec<usize> {
        let limit = |n| selection_limit(run, format, n);
        (0..frames).map(|n| times.partition_point(|time| *time <= limit(n)).max(1) - 1).collect()
    }

    /// 29.97 in whole milliseconds, as Matroska stores it, from any start.
    #[test]
    fn a_source_of_the_same_rate_gives_every_frame_once() {
        let ntsc = FrameRate::new(30_000, 1_001).unwrap();
        let times: Vec<_> = (0..300).map(|i| Timestamp::from_millis(ntsc.time_of(i).to_millis())).collect();
        for start in [0, 17, 100] {
            let run = run(ntsc.time_of(start), (30_000, 1_001));
            let expected: Vec<usize> = (start as usize..start as usize + 100).collect();
            assert_eq!(selected(&times, &run, &format((30_000, 1_001)), 100), expected);
        }
    }

    #[test]
    fn half_the_rate_shows_each_frame_twice_and_double_every_other() {
        let times: Vec<_> = (0..100).map(|i| Timestamp::new(i, 30)).collect();
        let run = run(Timestamp::ZERO, (30, 1));
        let twice = selected(&times, &run, &format((60, 1)), 8);
        // Half a source frame of tolerance shows the next one at its own half.
        assert_eq!(twice, [0, 1, 1, 2, 2, 3, 3, 4]);
        assert_eq!(selected(&times, &run, &format((15, 1)), 4), [0, 2, 4, 6]);
    }

    #[test]
    fn holding_starts_where_the_next_frame_would_be() {
        let run = run(Timestamp::ZERO, (30, 1));
        let format = format((30, 1));
        let last = Timestamp::new(9, 30);
        let past = |n, lasts| is_past(&run, &format, n, last, lasts);
        assert!(!past(9, Timestamp::ZERO));
        assert!(past(10, Timestamp::ZERO));
        assert!(!past(10, Timestamp::new(2, 30)));
    }
}
