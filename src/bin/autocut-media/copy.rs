//! The kind `copy`: packets of footage as they are.
//!
//! What can be copied are whole groups of pictures, because nothing that follows
//! the next one is needed to decode what is before. Each of their frames must be
//! one of the output: on its grid of times, none missing, none twice. A run of
//! such groups within the stretch is taken: the first, but that a later one may be
//! longer; what lies around it is encoded.
//!
//! Of the group in which the stretch ends, the beginning is taken too, as far as
//! its first packets hold its first frames: a picture needs none that is decoded
//! after it. That is all of it where no picture is presented before one that it
//! needs, as most cameras write, and all but a few frames elsewhere.
//!
//! A run begins with a picture that needs none before it. Within a run of HEVC, the
//! pictures that lead the first one of a group, in order of presentation, are
//! copied with the group; those before a run's first picture are left out, and so
//! are part of what is encoded. In H.264, where nothing marks them, a group begins
//! with an IDR picture, which none leads.
//!
//! **Damage** is looked for in what packets look like, not in what they show: a
//! group that has any is encoded instead, which tells of it. Where any was found,
//! and in a file that breaks off, what was copied is decoded once to tell of the
//! rest.
//!
//! Memory: one packet.

use std::path::Path;

use autocut::base::{Diagnostic, Orientation, Timestamp};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{Copied, CopySpec};
use autocut::model::{self, Sampling, VideoFormat, naming};

use crate::av::input::Stream;
use crate::av::{self, Error, Input, Packet, Skip};
use crate::bitstream::{self, Leading, Obstacle, ParameterSets, Start};
use crate::decode::Film;
use crate::invocation::{Progress, input};
use crate::segment::{Header, Mark, PacketInfo, StreamHeader, Writer};
use crate::streams::{main_video, media_zero};

/// Cameras' parameter sets take less than a hundred bytes.
const MOST_EXTRADATA: usize = 1 << 16;

/// No picture takes so many bytes.
const MOST_PACKET: usize = 1 << 27;

/// A frame is that of the output's grid which is nearest, if it is off by no
/// more than this part of a frame: containers round times.
const TOLERANCE: i64 = 4;

/// No codec in use lets more pictures lead the first of their group.
const MOST_LEADING: i64 = 16;

const BESIDE: &str = "its frames lie beside those of the output";
const MISSING: &str = "frames are missing (its rate varies, or the camera dropped some)";

/// Copies to the file `segment` in the scratch folder.
pub(crate) fn copy(spec: &CopySpec, invocation: &Invocation, progress: Progress) -> Result<Produced, Diagnostic> {
    let path = input(invocation, spec.source.file)?;
    let failed = |error| av::diagnose(format!("cannot read {}", path.display()), error);
    let mut file = Input::open(path).map_err(failed)?;
    let zero = media_zero(&mut file, path)?.unwrap_or(Timestamp::ZERO);
    let target = invocation.scratch.join("segment");
    let VideoFormat { size, rate, colour, sampling } = spec.format;
    let stream_header = StreamHeader::Video { size, rate, colour, sampling };
    let stream = main_video(&file).ok_or_else(|| failed(Error::StreamNotFound))?;
    let (copied, extradata) = {
        let facts = file.stream(stream).ok_or_else(|| failed(Error::StreamNotFound))?;
        let sets = suits(&facts, spec);
        let extradata = sets.as_ref().ok().and_then(|sets| sets.to_extradata(false));
        (sets, extradata.unwrap_or_default())
    };
    let header = Header { codec: spec.codec.clone(), tag: 0, extradata, stream: stream_header };
    let writer = Writer::create(&target, &header)?;
    let mut warnings = Vec::new();
    let copied = match copied {
        Err(why) => {
            writer.finish()?;
            Copied { first: 0, count: 0, bytes: 0, why: Some(why) }
        }
        Ok(sets) => {
            file.keep_only(stream);
            let base = file.stream(stream).map_or((1, 1), |facts| facts.time_base());
            let start = (zero + spec.source.start).to_ticks(base);
            // Where the index is wrong or there is none: from where it stands.
            let _ = file.seek(stream, start);
            let grid = Grid { zero: zero + spec.source.start, base, format: spec.format, frames: spec.source.frames };
            let mut copying = Copying::new(grid, sets, writer);
            copying.over(&mut file, stream, progress)?;
            let (is_damaged, broken) = (copying.damaged, copying.broken);
            let copied = copying.finish()?;
            warnings.extend(broken.map(|broken| not_copied(spec, broken)));
            if is_damaged {
                warnings.extend(lost(spec, path, &copied, progress)?);
            }
            copied
        }
    };
    if let (true, Some(why)) = (spec.demanded, &copied.why) {
        let all = spec.source.frames;
        warnings.push(Diagnostic::warning(match copied.count {
            0 => format!("it is encoded, because nothing of it can be copied: {why}"),
            count => format!("{count} of {all} frames are copied and the others encoded: {why}"),
        }));
    }
    Ok(Produced { files: vec![target], value: model::encode(&copied), warnings })
}

/// The parameter sets of a stream whose pictures are what the output holds, or
/// why they are not.
fn suits(facts: &Stream<'_>, spec: &CopySpec) -> Result<ParameterSets, String> {
    let (source, format) = (&spec.source, &spec.format);
    let codec = facts.codec();
    if codec != spec.codec {
        let (own, wanted) = (name(&codec), name(&spec.codec));
        return Err(match bitstream::is_known(&codec) {
            true => format!("it is {own}, and the output {wanted}"),
            false => format!("it is {own}, and only H.264 and HEVC can be copied"),
        });
    }
    let pixels = facts.pixel_format();
    let bits = match format.sampling {
        Sampling::Yuv420p8 => 8,
        Sampling::Yuv420p10 => 10,
        Sampling::Yuv422p10 => return Err("the output is 4:2:2, and only 4:2:0 is copied".to_owned()),
    };
    if pixels.chroma_shift() != (1, 1) {
        return Err(format!("its pictures are {}, and only 4:2:0 is copied", pixels.name()));
    }
    if bits > 8 && codec == "h264" {
        return Err("10 bits are copied in HEVC alone".to_owned());
    }
    if pixels.bit_depth() != bits {
        return Err(format!("it has {} bits a sample, and the output {bits}", pixels.bit_depth()));
    }
    if facts.top_field_first().is_some() {
        return Err("it is interlaced".to_owned());
    }
    if source.picture.display_size() != format.size || source.picture.stored != format.size {
        let (own, wanted) = (source.picture.stored, format.size);
        let turned = if own == wanted { ", turned or in pixels that are not square" } else { "" };
        return Err(format!("it is {own}{turned}, and the output {wanted}"));
    }
    if source.picture.orientation != Orientation::UPRIGHT {
        return Err("its pictures are turned".to_owned());
    }
    if source.picture.colour != format.colour {
        return Err("its colours are written in another way than the output's".to_owned());
    }
    if source.picture.rate != format.rate {
        return Err(format!("it has {} frames a second, and the output {}", source.picture.rate, format.rate));
    }
    if facts.extradata().len() > MOST_EXTRADATA {
        return Err("its parameter sets are longer than any camera's".to_owned());
    }
    let sets = ParameterSets::parse(&codec, facts.extradata());
    sets.ok_or_else(|| format!("its container has no parameter sets ({})", bitstream::box_name(&codec)))
}

/// As people call a codec of FFmpeg's.
fn name(codec: &str) -> &str {
    match codec {
        "h264" => "H.264",
        "hevc" => "HEVC",
        "av1" => "AV1",
        "vp8" => "VP8",
        "vp9" => "VP9",
        "prores" => "ProRes",
        "mjpeg" => "Motion JPEG",
        other => other,
    }
}

/// That so many groups hold packets that cannot be right, and where in the stretch
/// the first of these is. Some decoders make something of them without a word.
fn not_copied(spec: &CopySpec, (groups, first): (u64, Timestamp)) -> Diagnostic {
    let (name, at) = (naming::mark(spec.source.file), spec.source.start + first);
    let groups = match groups {
        1 => "a group of pictures".to_owned(),
        more => format!("{more} groups of pictures"),
    };
    Diagnostic::warning(format!(
        "{name}: {groups} with frames from {at} cannot be right as written; what can be decoded is encoded"
    ))
}

/// What cannot be decoded of what was copied.
fn lost(spec: &CopySpec, path: &Path, copied: &Copied, progress: Progress) -> Result<Vec<Diagnostic>, Diagnostic> {
    let rate = spec.format.rate;
    let time = |frame: u32| spec.source.start + rate.time_of(i64::from(frame));
    let half = rate.time_of(1).scaled(1, 2);
    let mut film = Film::open(path, Skip::Nothing)?;
    for frame in copied.first..copied.first.saturating_add(copied.count) {
        film.frame_at(time(frame) + half)?;
        progress(u64::from(frame), u64::from(spec.source.frames))?;
    }
    let until = time(copied.first.saturating_add(copied.count)) - half;
    let losses = film.losses(time(copied.first) - half, until);
    Ok(losses.told(spec.source.file, "they are copied as they are, and what is shown instead is up to the player"))
}

/// Where the output's frames lie on the file's clock.
struct Grid {
    zero: Timestamp,
    base: (i32, i32),
    format: VideoFormat,
    frames: u32,
}

impl Grid {
    /// From the start of the stretch.
    fn time(&self, ticks: i64) -> Timestamp {
        Timestamp::from_ticks(ticks, self.base) - self.zero
    }

    /// The frame at these ticks; `None` between two.
    fn frame(&self, ticks: i64) -> Option<i64> {
        let time = self.time(ticks);
        let frame = self.format.rate.nearest_frame(time);
        let off = time - self.format.rate.time_of(frame);
        let off = if off < Timestamp::ZERO { Timestamp::ZERO - off } else { off };
        (off.scaled(TOLERANCE, 1) <= self.format.rate.time_of(1)).then_some(frame)
    }
}

/// A group of pictures that is being written.
struct Gop {
    start: Start,
    /// The frame of its first picture in order of decoding, in the stretch.
    anchor: i64,
    /// Its first frame in order of presentation: the same, or where the run before
    /// it ends.
    first: i64,
    packets: usize,
    /// Which frames are there, by their places behind the first.
    places: Vec<bool>,
    /// Where the file ends without it.
    before: Mark,
    /// The most of its first packets that hold as many of its first frames, and
    /// where the file ends behind them.
    whole: (usize, Mark),
}

struct Copying {
    grid: Grid,
    sets: ParameterSets,
    writer: Writer,
    /// First frame and number of frames that are written and whole.
    run: Option<(i64, i64)>,
    gop: Option<Gop>,
    /// Where the file was empty.
    begin: Option<Mark>,
    /// Other parameter sets are in use since a packet brought them, in the
    /// container's way.
    foreign: bool,
    /// Anything was damaged.
    damaged: bool,
    /// How many packets were, and when the first is shown, from the start of the
    /// stretch.
    broken: Option<(u64, Timestamp)>,
    why: Option<String>,
}

/// Whether the run goes on.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    Ended,
}

impl Copying {
    fn new(grid: Grid, sets: ParameterSets, writer: Writer) -> Copying {
        let (run, gop, begin) = (None, None, None);
        Copying { grid, sets, writer, run, gop, begin, foreign: false, damaged: false, broken: None, why: None }
    }

    fn over(&mut self, file: &mut Input, stream: usize, progress: Progress) -> Result<(), Diagnostic> {
        let failed = |error| av::diagnose("cannot copy", error);
        let mut packet = Packet::new().map_err(failed)?;
        loop {
            match file.read(&mut packet) {
                Ok(true) if packet.stream() != stream => {}
                Ok(true) => {
                    if self.take(&packet)? == Goes::Ended {
                        return Ok(());
                    }
                    let done = self.run.map_or(0, |(_, count)| u64::try_from(count).unwrap_or(0));
                    progress(done, u64::from(self.grid.frames))?;
                }
                Ok(false) => {
                    self.close_gop()?;
                    return Ok(());
                }
                // A file that was cut off ends before its last group.
                Err(_) => {
                    self.damaged = true;
                    self.why = Some(Obstacle::Damage.told().to_owned());
                    return Ok(());
                }
            }
        }
    }

    fn take(&mut self, packet: &Packet) -> Result<Goes, Diagnostic> {
        let data = packet.data();
        self.foreign |= packet.has_new_parameters();
        let start = self.sets.start(data).filter(|_| packet.is_key());
        let frame = packet.pts().and_then(|ticks| self.grid.frame(ticks));
        if let Some(start) = start {
            if self.close_gop()? == Goes::Ended {
                return Ok(Goes::Ended);
            }
            let Some(anchor) = frame else { return Ok(self.end_if_begun(BESIDE)) };
            if anchor >= i64::from(self.grid.frames) {
                return Ok(Goes::Ended);
            }
            if anchor < 0 {
                return Ok(Goes::On);
            }
            if self.open_gop(start, anchor)? == Goes::Ended {
                return Ok(Goes::Ended);
            }
        }
        let first_of_run = start.is_some() && self.run.is_none();
        let Some(gop) = &mut self.gop else { return Ok(Goes::On) };
        let leading = self.sets.leading(data);
        // What leads the first picture of a run is encoded.
        let is_before = frame.is_some_and(|frame| frame < gop.anchor);
        if leading.is_some() && self.run.is_none() && is_before {
            return Ok(Goes::On);
        }
        if frame.is_some_and(|frame| frame >= i64::from(self.grid.frames)) && self.ends_with_gop() {
            self.cut_gop()?;
            return Ok(Goes::Ended);
        }
        let Some(gop) = &mut self.gop else { return Ok(Goes::On) };
        let obstacle = match packet.is_corrupt() || data.len() > MOST_PACKET {
            true => Some(Obstacle::Damage),
            false => self.sets.obstacle(data),
        };
        if obstacle == Some(Obstacle::Damage) {
            // The group ends behind the stretch, and is an edge in any case.
            if frame.is_some_and(|frame| frame >= i64::from(self.grid.frames)) {
                self.drop_gop()?;
                return Ok(Goes::On);
            }
            self.damaged = true;
            let at = packet.pts().map_or(Timestamp::ZERO, |ticks| self.grid.time(ticks));
            self.broken.get_or_insert((0, at)).0 += 1;
        }
        let place = frame.map(|frame| frame - gop.first);
        let problem = match place {
            None => Some(BESIDE),
            Some(_) if is_before && leading.is_none() => Some("frames before a key frame rest on it"),
            Some(_) if self.foreign => Some("other parameter sets are in use"),
            Some(_) if obstacle.is_some() => obstacle.map(Obstacle::told),
            Some(_) if leading == Some(Leading::Skipped) && gop.start == Start::Broken => Some(MISSING),
            Some(place) if place >= i64::from(self.grid.frames) => {
                Some("a GOP is longer than the stretch: longer moments have whole ones")
            }
            Some(place) => match usize::try_from(place) {
                Err(_) => Some("frames are there twice"),
                Ok(place) if gop.places.get(place).is_some_and(|there| *there) => Some("frames are there twice"),
                Ok(_) if packet.is_discarded() => Some("an edit list hides frames"),
                Ok(place) => {
                    gop.packets += 1;
                    let places = gop.places.len().max(place + 1);
                    gop.places.resize(places, false);
                    gop.places[place] = true;
                    let origin = self.run.map_or(gop.first, |(start, _)| start);
                    let pts = gop.first + place as i64 - origin;
                    let changed = self.sets.copied(data, first_of_run);
                    let info = PacketInfo { pts, duration: 1, key: start.is_some() };
                    self.writer.push(info, changed.as_deref().unwrap_or(data))?;
                    if gop.places.len() == gop.packets {
                        gop.whole = (gop.packets, self.writer.mark());
                    }
                    None
                }
            },
        };
        match problem {
            None => Ok(Goes::On),
            Some(why) => {
                self.drop_gop()?;
                self.why.get_or_insert_with(|| why.to_owned());
                let over = self.foreign || self.run.is_some_and(|(_, count)| count * 2 > i64::from(self.grid.frames));
                Ok(if over { Goes::Ended } else { Goes::On })
            }
        }
    }

    /// Begins a group whose first picture is that frame of the stretch.
    fn open_gop(&mut self, start: Start, anchor: i64) -> Result<Goes, Diagnostic> {
        if self.begin.is_none() {
            self.begin = Some(self.writer.mark());
        }
        let mut first = anchor;
        if let Some((run, count)) = self.run {
            let gap = anchor - (run + count);
            // Where more are missing than may lead it, all that do are not enough.
            if (0..=MOST_LEADING).contains(&gap) && (gap == 0 || self.sets.has_leading()) {
                first = run + count;
            } else {
                self.why.get_or_insert_with(|| MISSING.to_owned());
                if !self.is_worth_starting_again(anchor)? {
                    return Ok(Goes::Ended);
                }
            }
        }
        let before = self.writer.mark();
        let (places, whole) = (Vec::new(), (0, before));
        self.gop = Some(Gop { start, anchor, first, packets: 0, places, before, whole });
        Ok(Goes::On)
    }

    /// Ends the run for that reason; where there is none yet, one may come.
    fn end_if_begun(&mut self, why: &str) -> Goes {
        self.why.get_or_insert_with(|| why.to_owned());
        if self.run.is_some() { Goes::Ended } else { Goes::On }
    }

    /// Takes the group that is written into the run, if it is whole and belongs to
    /// the stretch as a whole.
    fn close_gop(&mut self) -> Result<Goes, Diagnostic> {
        let Some(gop) = &self.gop else { return Ok(Goes::On) };
        let complete = gop.places.len() == gop.packets;
        let count = i64::try_from(gop.packets).unwrap_or(i64::MAX);
        if complete && gop.first + count <= i64::from(self.grid.frames) {
            let (start, before) = self.run.unwrap_or((gop.first, 0));
            self.run = Some((start, before + count));
            self.gop = None;
            return Ok(Goes::On);
        }
        self.drop_gop()?;
        if !complete {
            self.why.get_or_insert_with(|| MISSING.to_owned());
        }
        Ok(if complete { Goes::Ended } else { Goes::On })
    }

    /// Gives up the run for a longer one, where what is left of the stretch from
    /// `first` on is longer.
    fn is_worth_starting_again(&mut self, first: i64) -> Result<bool, Diagnostic> {
        let (Some((_, count)), Some(begin)) = (self.run, self.begin) else { return Ok(true) };
        let longer = i64::from(self.grid.frames) - first > count;
        if longer {
            self.writer.return_to(begin)?;
            self.run = None;
        }
        Ok(longer)
    }

    /// Whether all frames of the stretch that the group lacks can be those that are
    /// decoded behind the stretch's end: a time that is wrong is no end.
    fn ends_with_gop(&self) -> bool {
        let whole = self.gop.as_ref().map_or(0, |gop| gop.first + gop.whole.0 as i64);
        i64::from(self.grid.frames) - whole <= MOST_LEADING
    }

    /// Takes the beginning of the group into the run, as far as it is whole.
    fn cut_gop(&mut self) -> Result<(), Diagnostic> {
        let Some(gop) = self.gop.take() else { return Ok(()) };
        let (count, end) = gop.whole;
        self.writer.return_to(end)?;
        if count > 0 {
            let (start, before) = self.run.unwrap_or((gop.first, 0));
            self.run = Some((start, before + count as i64));
        }
        Ok(())
    }

    fn drop_gop(&mut self) -> Result<(), Diagnostic> {
        match self.gop.take() {
            Some(gop) => self.writer.return_to(gop.before),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Copied, Diagnostic> {
        self.drop_gop()?;
        let (first, count) = self.run.unwrap_or((0, 0));
        let why = match count {
            0 => Some(self.why.unwrap_or_else(|| "no GOP lies in it as a whole (longer moments have some)".to_owned())),
            _ => self.why,
        };
        let bytes = self.writer.bytes();
        self.writer.finish()?;
        // Both are within the stretch.
        Ok(Copied { first: first as u32, count: count as u32, bytes, why })
    }
}
