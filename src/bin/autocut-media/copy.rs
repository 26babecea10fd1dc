//! The kind `copy`: packets of footage as they are.
//!
//! What can be copied are whole GOPs that begin with an IDR picture, because
//! nothing before such a picture is needed to decode what follows, and nothing
//! that follows the next one to decode what is before. Each of their frames
//! must be one of the output: on its grid of times, none missing, none twice.
//! A run of such GOPs within the stretch is taken: the first, but that a later one
//! may be longer; what lies around it is encoded.
//!
//! Memory: one packet.

use autocut::base::{Diagnostic, Orientation, Timestamp};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{Copied, CopySpec};
use autocut::model::{self, Sampling, VideoFormat};

use crate::av::input::Stream;
use crate::av::{self, Error, Input, Packet};
use crate::invocation::{Progress, input};
use crate::parameter_sets::{IDR, ParameterSets, is_whole, kind, units};
use crate::segment::{Header, Mark, PacketInfo, StreamHeader, Writer};
use crate::streams::{main_video, media_zero};

/// The only codec whose packets are copied so far.
const CODEC: &str = "h264";

/// Cameras' parameter sets take less than a hundred bytes.
const MOST_EXTRADATA: usize = 1 << 16;

/// No picture takes so many bytes.
const MOST_PACKET: usize = 1 << 27;

/// A frame is that of the output's grid which is nearest, if it is off by no
/// more than this part of a frame: containers round times.
const TOLERANCE: i64 = 4;

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
        (suits(&facts, spec), facts.extradata().to_vec())
    };
    let extradata = if copied.is_ok() { extradata } else { Vec::new() };
    let header = Header { codec: spec.codec.clone(), tag: 0, extradata, stream: stream_header };
    let writer = Writer::create(&target, &header)?;
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
            Copying { grid, sets, begin: None, writer, run: None, gop: None, foreign: false, why: None }
                .over(&mut file, stream, progress)?
        }
    };
    let mut warnings = Vec::new();
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
    if codec != spec.codec || codec != CODEC {
        return Err(format!("it is {codec}, and the output {}", spec.codec));
    }
    let pixels = facts.pixel_format();
    if format.sampling != Sampling::Yuv420p8 {
        return Err("the output has other samples than 4:2:0 with 8 bits".to_owned());
    }
    if pixels.chroma_shift() != (1, 1) || pixels.bit_depth() != 8 {
        return Err(format!("its pictures are {}", pixels.name()));
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
    ParameterSets::parse(facts.extradata()).ok_or_else(|| "its container has no parameter sets (avcC)".to_owned())
}

/// Where the output's frames lie on the file's clock.
struct Grid {
    zero: Timestamp,
    base: (i32, i32),
    format: VideoFormat,
    frames: u32,
}

impl Grid {
    /// The frame at these ticks; `None` between two.
    fn frame(&self, ticks: i64) -> Option<i64> {
        let time = Timestamp::from_ticks(ticks, self.base) - self.zero;
        let frame = self.format.rate.nearest_frame(time);
        let off = time - self.format.rate.time_of(frame);
        let off = if off < Timestamp::ZERO { Timestamp::ZERO - off } else { off };
        (off.scaled(TOLERANCE, 1) <= self.format.rate.time_of(1)).then_some(frame)
    }
}

/// A GOP that is being written.
struct Gop {
    /// Its first frame, in the stretch.
    first: i64,
    packets: usize,
    /// Which frames are there, by their places behind the first.
    places: Vec<bool>,
    /// Where the file ends without it.
    before: Mark,
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
    why: Option<String>,
}

/// Whether the run goes on.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    Ended,
}

impl Copying {
    fn over(mut self, file: &mut Input, stream: usize, progress: Progress) -> Result<Copied, Diagnostic> {
        let failed = |error| av::diagnose("cannot copy", error);
        let mut packet = Packet::new().map_err(failed)?;
        loop {
            match file.read(&mut packet) {
                Ok(true) if packet.stream() != stream => {}
                Ok(true) => {
                    if self.take(&packet)? == Goes::Ended {
                        break;
                    }
                    let done = self.run.map_or(0, |(_, count)| u64::try_from(count).unwrap_or(0));
                    progress(done, u64::from(self.grid.frames))?;
                }
                Ok(false) => {
                    self.close_gop()?;
                    break;
                }
                // A file that was cut off ends before its last GOP.
                Err(_) => {
                    self.why = Some("it is damaged".to_owned());
                    break;
                }
            }
        }
        self.finish()
    }

    fn take(&mut self, packet: &Packet) -> Result<Goes, Diagnostic> {
        let data = packet.data();
        self.foreign |= packet.has_new_parameters();
        let begins = packet.is_key() && units(data).any(|unit| kind(unit) == IDR);
        if begins {
            if self.close_gop()? == Goes::Ended {
                return Ok(Goes::Ended);
            }
            let Some(first) = packet.pts().and_then(|ticks| self.grid.frame(ticks)) else {
                return Ok(self.end_if_begun("its frames lie beside those of the output"));
            };
            if first >= i64::from(self.grid.frames) {
                return Ok(Goes::Ended);
            }
            if first < 0 {
                return Ok(Goes::On);
            }
            if self.begin.is_none() {
                self.begin = Some(self.writer.mark()?);
            }
            if let Some((start, count)) = self.run
                && start + count != first
            {
                self.why.get_or_insert_with(|| "frames are missing".to_owned());
                if !self.is_worth_starting_again(first)? {
                    return Ok(Goes::Ended);
                }
            }
            self.gop = Some(Gop { first, packets: 0, places: Vec::new(), before: self.writer.mark()? });
        }
        let Some(gop) = &mut self.gop else { return Ok(Goes::On) };
        let place = packet.pts().and_then(|ticks| self.grid.frame(ticks)).map(|frame| frame - gop.first);
        let problem = match place {
            None => Some("its frames lie beside those of the output"),
            Some(place) if place < 0 => Some("frames before a key frame rest on it"),
            Some(_) if self.foreign => Some("other parameter sets are in use"),
            Some(_) if packet.is_corrupt() || data.len() > MOST_PACKET => Some("it is damaged"),
            Some(place) if place >= i64::from(self.grid.frames) => Some("a GOP is longer than the stretch"),
            Some(place) if gop.places.get(place as usize).is_some_and(|there| *there) => Some("frames are there twice"),
            Some(_) if packet.is_discarded() => Some("an edit list hides frames"),
            Some(_) if !is_whole(data) => Some("it is damaged"),
            Some(_) if !self.sets.cover(data) => Some("it brings other parameter sets along"),
            Some(place) => {
                gop.packets += 1;
                let places = gop.places.len().max(place as usize + 1);
                gop.places.resize(places, false);
                gop.places[place as usize] = true;
                let origin = self.run.map_or(gop.first, |(start, _)| start);
                let pts = gop.first + place - origin;
                self.writer.push(PacketInfo { pts, duration: 1, key: begins }, data)?;
                None
            }
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

    /// Ends the run for that reason; where there is none yet, one may come.
    fn end_if_begun(&mut self, why: &str) -> Goes {
        self.why.get_or_insert_with(|| why.to_owned());
        if self.run.is_some() { Goes::Ended } else { Goes::On }
    }

    /// Takes the GOP that is written into the run, if it is whole and belongs to
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
            self.why.get_or_insert_with(|| "frames are missing".to_owned());
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
            0 => Some(self.why.unwrap_or_else(|| "no GOP lies in it as a whole".to_owned())),
            _ => self.why,
        };
        let bytes = self.writer.bytes();
        self.writer.finish()?;
        // Both are within the stretch.
        Ok(Copied { first: first as u32, count: count as u32, bytes, why })
    }
}
