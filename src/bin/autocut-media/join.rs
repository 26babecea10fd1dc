//! The kind `join`: segments and sound to one file.
//!
//! The concat demuxer, and every other way that adds up durations of files,
//! leaves gaps. Here frame `i` of the segment that starts at frame `f` is
//! presented at exactly `(f + i) * tick`.
//!
//! **Decoding times.** Segments are closed: each holds all frames of its span
//! and refers to none outside. So in order of decoding, over the whole file,
//! the `k`-th packet can be decoded at tick `k - delay`, where `delay` is the
//! largest number of places by which any frame of any segment is presented
//! before its place. Such times rise by one tick each and are never after
//! presentation.
//!
//! Memory holds one packet of each stream.

use std::path::Path;
use std::rc::Rc;

use autocut::base::{Diagnostic, FrameRate, Timestamp, UtcTime};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::JoinSpec;
use autocut::model::{Mastering, VideoFormat};

use crate::av::muxer::{NewKind, NewStream};
use crate::av::{self, Muxer, Packet};
use crate::bitstream::{Numbers, ParameterSets, with_lengths};
use crate::invocation::{Progress, input};
use crate::picture::{colour_numbers, pixel_format};
use crate::segment::{Header, PacketInfo, Reader, StreamHeader};

/// Joins to the file `joined` in the scratch folder.
pub(crate) fn join(spec: &JoinSpec, invocation: &Invocation, progress: Progress) -> Result<Produced, Diagnostic> {
    let path = invocation.scratch.join("joined");
    let plan = Plan::new(spec, invocation)?;
    let mut pictures = Pictures::new(&plan, spec.format.rate)?;
    let mut sound = match spec.sound {
        Some(sound) => Some(Sound::open(input(invocation, sound)?, &spec.container)?),
        None => None,
    };
    let failed = |error| av::diagnose(format!("cannot write {}", path.display()), error);
    let mut file = Muxer::create(&path, &spec.container).map_err(failed)?;
    describe(&mut file, spec, &plan, sound.as_ref()).map_err(failed)?;
    while pictures.packet.is_some() || sound.as_ref().is_some_and(|sound| sound.packet.is_some()) {
        let picture_time = pictures.decode_time();
        let sound_first = sound.as_ref().and_then(Sound::decode_time).is_some_and(|sound_time| {
            // Pictures first where both are due.
            picture_time.is_none_or(|picture_time| sound_time < picture_time)
        });
        match &mut sound {
            Some(sound) if sound_first => sound.write(&mut file).map_err(failed).and_then(|()| sound.advance())?,
            _ => {
                pictures.write(&mut file).map_err(failed)?;
                pictures.advance()?;
                progress(pictures.place, plan.frames)?;
            }
        }
    }
    if pictures.place != plan.frames {
        let message = format!("the segments hold {} packets where {} were counted", pictures.place, plan.frames);
        return Err(Diagnostic::bug(message));
    }
    file.finish().map_err(failed)?;
    Ok(Produced { files: vec![path], ..Produced::default() })
}

/// The segments, checked to fit together.
struct Plan<'a> {
    segments: Vec<Segment<'a>>,
    /// Of the whole file.
    header: Header,
    /// Another name for the codec than its usual one.
    tag: Option<u32>,
    frames: u64,
    delay: i64,
}

struct Segment<'a> {
    path: &'a Path,
    /// What its packets need beside those of others; none where all are alike.
    change: Option<Change>,
}

/// How packets of H.264 and HEVC are changed, to stand in one file with others.
#[derive(Clone)]
struct Change {
    /// From start codes, as encoders write them, to lengths, as containers do.
    lengths: bool,
    /// Parameter sets with other numbers.
    numbers: Option<Rc<Numbers>>,
    /// To stand before each key frame.
    sets: Option<Rc<ParameterSets>>,
}

impl Change {
    fn apply(&self, data: &[u8], key: bool) -> Vec<u8> {
        let mut data = if self.lengths { with_lengths(data) } else { data.to_vec() };
        if let Some(numbers) = &self.numbers {
            data = numbers.apply(&data);
        }
        match &self.sets {
            Some(sets) if key => sets.before(&data),
            _ => data,
        }
    }
}

/// Parameter sets, and whether their packets have start codes.
type Kind = (ParameterSets, bool);

/// All sets in one container, and what numbers those of each kind get; `None`
/// where two that differ have one number.
fn side_by_side(kinds: &[Kind]) -> Option<(ParameterSets, Vec<Option<Numbers>>)> {
    let mut all: Option<ParameterSets> = None;
    let mut numbers = vec![None; kinds.len()];
    // What cameras made keeps its numbers, as far as that goes.
    let (encoded, copied): (Vec<_>, Vec<_>) = kinds.iter().enumerate().partition(|(_, (_, is_encoded))| *is_encoded);
    for (place, (own, _)) in copied.into_iter().chain(encoded) {
        all = Some(match all {
            None => own.clone(),
            Some(all) => match all.with(own) {
                Some(all) => all,
                None => {
                    let (changed, new) = own.renumbered(&all)?;
                    numbers[place] = Some(new);
                    all.with(&changed)?
                }
            },
        });
    }
    let all = all.filter(|all| all.to_extradata(false).is_some())?;
    Some((all, numbers))
}

impl<'a> Plan<'a> {
    fn new(spec: &JoinSpec, invocation: &'a Invocation) -> Result<Plan<'a>, Diagnostic> {
        let mut plan: Option<Plan> = None;
        let mut headers: Vec<Vec<u8>> = Vec::new();
        let mut kinds = Vec::with_capacity(spec.segments.len());
        for (index, digest) in spec.segments.iter().enumerate() {
            let path = input(invocation, *digest)?;
            let Reader { header, counts, .. } = Reader::open(path)?;
            if u64::from(counts.packets) != counts.span {
                let message = format!("segment {index} ({}) is not a whole run of frames", digest.short());
                return Err(Diagnostic::bug(message));
            }
            let plan = plan.get_or_insert_with(|| Plan {
                segments: Vec::with_capacity(spec.segments.len()),
                header: header.clone(),
                tag: None,
                frames: 0,
                delay: 0,
            });
            if (&plan.header.codec, plan.header.tag, &plan.header.stream) != (&header.codec, header.tag, &header.stream)
            {
                let (first, this) = (spec.segments[0].short(), digest.short());
                let message =
                    format!("segments 0 ({first}) and {index} ({this}) cannot be joined: their shape differs");
                return Err(Diagnostic::bug(message));
            }
            let kind = headers.iter().position(|known| *known == header.extradata).unwrap_or_else(|| {
                headers.push(header.extradata);
                headers.len() - 1
            });
            kinds.push(kind);
            plan.segments.push(Segment { path, change: None });
            plan.frames += counts.span;
            plan.delay = plan.delay.max(i64::from(counts.reorder));
        }
        let mut plan = plan.ok_or_else(|| Diagnostic::bug("a join without segments"))?;
        if headers.len() > 1 {
            plan.unite(&headers, &kinds)?;
        }
        let VideoFormat { size, rate, colour, sampling } = spec.format;
        if plan.header.stream != (StreamHeader::Video { size, rate, colour, sampling }) {
            return Err(Diagnostic::bug("the segments are of another format than the output"));
        }
        Ok(plan)
    }
}

impl Plan<'_> {
    /// Makes one file of segments with several parameter sets, each segment with
    /// those of its number.
    fn unite(&mut self, headers: &[Vec<u8>], kinds: &[usize]) -> Result<(), Diagnostic> {
        let codec = self.header.codec.as_str();
        let read = |header: &Vec<u8>| match ParameterSets::parse(codec, header) {
            Some(sets) => Some((sets, false)),
            None => ParameterSets::of_encoder(codec, header).map(|sets| (sets, true)),
        };
        let Some(mut sets) = headers.iter().map(read).collect::<Option<Vec<Kind>>>() else {
            return Err(Diagnostic::bug("segments cannot be joined: their parameter sets differ"));
        };
        ParameterSets::let_wait_alike(sets.iter_mut().map(|(sets, _)| sets));
        let united = side_by_side(&sets);
        // Where two of them have one number, each key frame brings its own.
        let clash = united.is_none();
        let (all, numbers) = united.unwrap_or_else(|| (sets[0].0.clone(), vec![None; sets.len()]));
        let extradata = all.to_extradata(clash);
        self.header.extradata = extradata.ok_or_else(|| Diagnostic::bug("there are too many parameter sets"))?;
        self.tag = clash.then(|| all.tag_in_packets());
        let changes: Vec<Change> = sets
            .into_iter()
            .zip(numbers)
            .map(|((sets, lengths), numbers)| Change {
                lengths,
                numbers: numbers.map(Rc::new),
                sets: clash.then(|| Rc::new(sets)),
            })
            .collect();
        for (segment, kind) in self.segments.iter_mut().zip(kinds) {
            segment.change = changes.get(*kind).cloned();
        }
        Ok(())
    }
}

/// Streams, chapters, title; then the header.
fn describe(file: &mut Muxer, spec: &JoinSpec, plan: &Plan, sound: Option<&Sound>) -> Result<(), av::Error> {
    let VideoFormat { size, rate, colour, sampling } = spec.format;
    let int = |n: u32| i32::try_from(n).map_err(|_| av::Error::InvalidData);
    let frame_rate = (int(rate.numerator())?, int(rate.denominator())?);
    let tick = (frame_rate.1, frame_rate.0);
    file.add(&NewStream {
        codec: &plan.header.codec,
        tag: plan.tag.filter(|_| !is_matroska(&spec.container)).unwrap_or_else(|| tag(&plan.header, &spec.container)),
        extradata: &plan.header.extradata,
        time_base: tick,
        kind: NewKind::Video {
            size,
            format: pixel_format(sampling),
            frame_rate,
            colour: colour_numbers(&colour),
            mastering: Mastering::of(&colour),
        },
    })?;
    if let Some(sound) = sound {
        let kind = NewKind::Audio {
            sample_rate: sound.sample_rate,
            channels: sound.channels,
            frame_size: sound.frame_size,
            initial_padding: sound.initial_padding,
            bit_rate: sound.bit_rate,
        };
        let Header { codec, tag, extradata, .. } = &sound.reader.header;
        file.add(&NewStream { codec, tag: *tag, extradata, time_base: (1, int(sound.sample_rate)?), kind })?;
    }
    if let Some(title) = &spec.title {
        file.tag("title", title);
    }
    if let Some(date) = spec.date {
        file.tag("creation_time", &UtcTime(date.saturating_mul(1_000_000)).to_string());
    }
    if let Some(location) = spec.location {
        file.tag("location", &location.to_string());
    }
    let frames = i64::try_from(plan.frames).unwrap_or(i64::MAX);
    let ends = spec.chapters.iter().skip(1).map(|(first, _)| i64::from(*first)).chain([frames]);
    for ((first, title), end) in spec.chapters.iter().zip(ends) {
        file.chapter(tick, i64::from(*first), end.max(i64::from(*first)), title)?;
    }
    if is_matroska(&spec.container) {
        // The index in front, as for MP4; times as they are given.
        return file.begin(&[("cues_to_front", "1"), ("avoid_negative_ts", "disabled")]);
    }
    // Edit lists count in the movie's own time scale: in milliseconds, as is
    // the default, they would cut into the last frame.
    let movie_scale = movie_scale(rate, sound.map(|sound| sound.sample_rate)).to_string();
    let options = [("movflags", "+faststart"), ("movie_timescale", movie_scale.as_str())];
    file.begin(&options)
}

/// MKV and WebM, whose times are milliseconds.
fn is_matroska(container: &str) -> bool {
    matches!(container, "matroska" | "webm")
}

/// The codec's name in the container: HEVC whose parameter sets are in the
/// header alone is `hvc1`, without which Apple's players do not play it.
fn tag(header: &Header, container: &str) -> u32 {
    if header.codec == "hevc" && !is_matroska(container) { u32::from_le_bytes(*b"hvc1") } else { header.tag }
}

/// The lowest time scale on which both frames and samples are whole.
fn movie_scale(rate: FrameRate, sample_rate: Option<u32>) -> u64 {
    let (a, b) = (u64::from(rate.numerator()), u64::from(sample_rate.unwrap_or(1).max(1)));
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    let scale = a / x * b;
    if scale <= 1 << 30 { scale } else { 1_000 }
}

/// The packets of all segments, one after the other.
struct Pictures<'a> {
    waiting: std::slice::Iter<'a, Segment<'a>>,
    reader: Option<Reader>,
    /// Of the packets that are read.
    change: Option<Change>,
    /// Frames in the segments before the one that is read.
    first: i64,
    /// The packet's place in order of decoding over the whole file.
    place: u64,
    delay: i64,
    rate: FrameRate,
    packet: Option<PacketInfo>,
    data: Packet,
}

impl<'a> Pictures<'a> {
    fn new(plan: &'a Plan, rate: FrameRate) -> Result<Pictures<'a>, Diagnostic> {
        let data = Packet::new().map_err(|error| av::diagnose("cannot join", error))?;
        let (waiting, delay) = (plan.segments.iter(), plan.delay);
        let mut pictures =
            Pictures { waiting, reader: None, change: None, first: 0, place: 0, delay, rate, packet: None, data };
        pictures.read()?;
        Ok(pictures)
    }

    fn advance(&mut self) -> Result<(), Diagnostic> {
        self.place += 1;
        self.read()
    }

    fn read(&mut self) -> Result<(), Diagnostic> {
        loop {
            if let Some(reader) = &mut self.reader {
                self.packet = reader.next(&mut self.data)?;
                if let Some(info) = self.packet {
                    if let Some(change) = &self.change {
                        let data = change.apply(self.data.data(), info.key);
                        let filled = self.data.fill(data.len(), |bytes| {
                            bytes.copy_from_slice(&data);
                            Ok(())
                        });
                        filled.map_err(|error: av::Error| av::diagnose("cannot join", error))?;
                    }
                    return Ok(());
                }
                self.first = self.first.saturating_add_unsigned(reader.counts.span);
            }
            let Some(segment) = self.waiting.next() else {
                self.reader = None;
                return Ok(());
            };
            self.reader = Some(Reader::open(segment.path)?);
            self.change.clone_from(&segment.change);
        }
    }

    /// In frames.
    fn decode_tick(&self) -> i64 {
        decode_tick(self.place, self.delay)
    }

    fn decode_time(&self) -> Option<Timestamp> {
        self.packet.map(|_| self.rate.time_of(self.decode_tick()))
    }

    fn write(&mut self, file: &mut Muxer) -> Result<(), av::Error> {
        let Some(info) = self.packet else { return Ok(()) };
        let base = file.time_base(0);
        let ticks = |frame: i64| self.rate.time_of(frame).to_ticks(base);
        let shown = self.first.saturating_add(info.pts);
        self.data.set_times(ticks(shown), ticks(self.decode_tick()), ticks(1));
        self.data.set_key(info.key);
        self.data.set_stream(0);
        file.write(&self.data)
    }
}

/// When the packet in that place is decoded, in frames.
fn decode_tick(place: u64, delay: i64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX).saturating_sub(delay)
}

/// The packets of the mixed sound.
struct Sound {
    reader: Reader,
    packet: Option<PacketInfo>,
    data: Packet,
    sample_rate: u32,
    channels: u16,
    frame_size: u32,
    initial_padding: u32,
    bit_rate: u32,
    /// Whether packets must say how much of them is not heard.
    trims: bool,
}

impl Sound {
    fn open(path: &Path, container: &str) -> Result<Sound, Diagnostic> {
        let reader = Reader::open(path)?;
        let StreamHeader::Audio { sample_rate, channels, frame_size, initial_padding, bit_rate } = reader.header.stream
        else {
            return Err(Diagnostic::bug("the sound of a join is not sound"));
        };
        let data = Packet::new().map_err(|error| av::diagnose("cannot join", error))?;
        let trims = is_matroska(container);
        let mut sound =
            Sound { reader, packet: None, data, sample_rate, channels, frame_size, initial_padding, bit_rate, trims };
        sound.advance()?;
        Ok(sound)
    }

    fn advance(&mut self) -> Result<(), Diagnostic> {
        self.packet = self.reader.next(&mut self.data)?;
        Ok(())
    }

    fn decode_time(&self) -> Option<Timestamp> {
        self.packet.map(|info| Timestamp::new(info.pts, i64::from(self.sample_rate)))
    }

    fn write(&mut self, file: &mut Muxer) -> Result<(), av::Error> {
        let Some(info) = self.packet else { return Ok(()) };
        let base = file.time_base(1);
        let ticks = |sample: i64| Timestamp::new(sample, i64::from(self.sample_rate)).to_ticks(base);
        let time = ticks(info.pts);
        self.data.set_times(time, time, ticks(i64::from(info.duration)));
        // The coder fills its last packet up. In MP4 an edit list ends the
        // track where its samples do.
        let filled = self.frame_size.saturating_sub(info.duration);
        if self.trims && filled > 0 {
            self.data.discard_end(filled)?;
        }
        self.data.set_key(info.key);
        self.data.set_stream(1);
        file.write(&self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Presentation of an open-and-shut GOP with a pyramid of B-frames, in the
    /// order of decoding that x264 gives it.
    const PYRAMID: [i64; 9] = [0, 4, 2, 1, 3, 8, 6, 5, 7];

    #[test]
    fn decoding_is_never_after_presentation_and_always_rises() {
        let late = PYRAMID.iter().enumerate().map(|(place, pts)| place as i64 - pts).max().unwrap();
        assert_eq!(late, 2);
        // The same group twice, as two segments.
        let shown: Vec<i64> = PYRAMID.iter().copied().chain(PYRAMID.iter().map(|pts| pts + 9)).collect();
        let decoded: Vec<i64> = (0..18).map(|place| decode_tick(place, late)).collect();
        assert!(shown.iter().zip(&decoded).all(|(shown, decoded)| decoded <= shown));
        assert!(decoded.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let mut sorted = shown.clone();
        sorted.sort_unstable();
        assert_eq!(decoded, sorted.iter().map(|pts| pts - late).collect::<Vec<_>>());
    }

    #[test]
    fn movie_scale_holds_frames_and_samples() {
        let scale = |num, den, samples| movie_scale(FrameRate::new(num, den).unwrap(), samples);
        assert_eq!(scale(30_000, 1_001, Some(48_000)), 240_000);
        assert_eq!(scale(25, 1, Some(44_100)), 44_100);
        assert_eq!(scale(60, 1, None), 60);
        assert_eq!(scale(999_983, 1_000, Some(999_979)), 1_000);
    }
}
