//! The kind `copy.sound`: packets of the footage's sound as they are.
//!
//! A packet of AAC holds 1,024 samples and builds on the one before it, so the
//! packets do not begin where the clip does: at least one whole packet more is
//! taken, with negative times, as an encoder has its padding there, and the
//! container says that it is not heard. At the end, the last packet's time ends
//! with the clip.
//!
//! What is not one unbroken row of packets is not copied, nor is one of which a
//! decoder says that something is damaged: it is asked once, and what it makes of
//! the packets is thrown away.
//!
//! Memory: one packet, one frame.

use autocut::base::{Diagnostic, Timestamp};
use autocut::model;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{CopySoundSpec, SoundCopied};

use crate::av::input::Stream;
use crate::av::{self, Decoder, Error, Frame, Input, Packet, Skip};
use crate::invocation::{Progress, input};
use crate::segment::{Header, PacketInfo, StreamHeader, Writer};
use crate::streams::{main_audio, media_zero};

/// Samples in a packet of AAC-LC (ISO/IEC 14496-3).
const FRAME: u32 = 1_024;

/// AAC-LC, as the first five bits of an AudioSpecificConfig have it
/// (ISO/IEC 14496-3, table 1.17).
const LOW_COMPLEXITY: u8 = 2;

/// A timestamp that is off by less, in ms, is a rounded one (Matroska counts
/// whole milliseconds), and not a hole.
const TOLERANCE_MS: i64 = 10;

/// Settings take five bytes, or some more with extensions.
const MOST_EXTRADATA: usize = 64;

/// The most bytes that a packet of AAC can take: 6,144 bits a channel and frame,
/// of at most 48 channels.
const MOST_PACKET: usize = 768 * 48;

/// Copies to the file `sound.packets` in the scratch folder.
pub(crate) fn copy(spec: &CopySoundSpec, invocation: &Invocation, progress: Progress) -> Result<Produced, Diagnostic> {
    let path = input(invocation, spec.file)?;
    let failed = |error| av::diagnose(format!("cannot read {}", path.display()), error);
    let mut file = Input::open(path).map_err(failed)?;
    let zero = media_zero(&mut file, path)?.unwrap_or(Timestamp::ZERO);
    let target = invocation.scratch.join("sound.packets");
    let stream = main_audio(&file).ok_or_else(|| failed(Error::StreamNotFound))?;
    let facts = file.stream(stream).ok_or_else(|| failed(Error::StreamNotFound))?;
    let (base, rate, suits) = (facts.time_base(), facts.sample_rate(), suits(&facts));
    let mut writer = Writer::create(&target, &header(&facts))?;
    let begin = writer.mark();
    let trial = match suits {
        Err(why) => Err(why),
        Ok(()) => Trial::new(&file, stream).map_err(failed)?,
    };
    let why = match trial {
        Err(why) => Some(why),
        Ok(mut trial) => {
            file.keep_only(stream);
            let mut row = Row { start: zero + spec.start, base, rate: i64::from(rate), next: None };
            let lead = Timestamp::new(2 * i64::from(FRAME), row.rate) + Timestamp::from_millis(2 * TOLERANCE_MS);
            // Where the index is wrong or there is none: from where it stands.
            let _ = file.seek(stream, (row.start - lead).to_ticks(base));
            let samples = spec.length.to_ticks((1, i32::try_from(rate).unwrap_or(i32::MAX)));
            row.copy(&mut file, stream, samples, &mut trial, &mut writer, progress)?.err()
        }
    };
    if why.is_some() {
        writer.return_to(begin)?;
    }
    writer.finish()?;
    let warnings = why.iter().map(|why| Diagnostic::warning(format!("its sound is encoded, because {why}"))).collect();
    Ok(Produced { files: vec![target], value: model::encode(&SoundCopied { why }), warnings })
}

/// The settings of the sound, as its packets need them.
fn header(facts: &Stream<'_>) -> Header {
    let stream = StreamHeader::Audio {
        sample_rate: facts.sample_rate(),
        channels: facts.channels(),
        frame_size: FRAME,
        initial_padding: FRAME,
        bit_rate: 0,
    };
    let extradata = facts.extradata();
    let extradata = if extradata.len() > MOST_EXTRADATA { Vec::new() } else { extradata.to_vec() };
    Header { codec: facts.codec(), tag: 0, extradata, stream }
}

/// Why a stream's packets cannot stand in the output.
fn suits(facts: &Stream<'_>) -> Result<(), String> {
    let codec = facts.codec();
    if codec != "aac" {
        return Err(format!("it is {codec}, and only AAC is copied"));
    }
    match facts.extradata() {
        [] => Err("its container has no settings of its coder".to_owned()),
        settings if settings.len() > MOST_EXTRADATA || settings[0] >> 3 != LOW_COMPLEXITY => {
            Err("it is no usual AAC (AAC-LC)".to_owned())
        }
        _ => Ok(()),
    }
}

/// A decoder that is asked whether packets are sound.
struct Trial {
    decoder: Decoder,
    frame: Frame,
}

impl Trial {
    /// Or why there is none.
    fn new(file: &Input, stream: usize) -> Result<Result<Trial, String>, Error> {
        let decoder = match Decoder::open(file, stream, Skip::Nothing) {
            Ok(decoder) => decoder,
            Err(av::NO_MEMORY) => return Err(av::NO_MEMORY),
            Err(error) => return Ok(Err(format!("it cannot be decoded: {error}"))),
        };
        Ok(Ok(Trial { decoder, frame: Frame::new()? }))
    }

    /// Whether the next packet is decoded without a complaint, and (where it must)
    /// to something.
    fn decodes(&mut self, packet: &Packet, must: bool) -> Result<bool, Diagnostic> {
        let errors = av::log::errors();
        let received = self.decoder.send(Some(packet)).and_then(|()| self.decoder.receive(&mut self.frame));
        match received {
            Err(av::NO_MEMORY) => Err(av::diagnose("cannot copy", av::NO_MEMORY)),
            Err(_) => Ok(false),
            Ok(some) => Ok((some || !must) && av::log::errors() == errors),
        }
    }
}

/// Packets, each of which begins where the one before it ends.
struct Row {
    /// Of the clip, on the container's clock.
    start: Timestamp,
    base: (i32, i32),
    /// Samples a second.
    rate: i64,
    /// Where the next packet begins, in samples from the start of the clip.
    next: Option<i64>,
}

impl Row {
    /// Copies the packets of the first `samples` samples of the clip, and of what
    /// they build on; or says why they cannot be copied.
    fn copy(
        &mut self,
        file: &mut Input,
        stream: usize,
        samples: i64,
        trial: &mut Trial,
        writer: &mut Writer,
        progress: Progress,
    ) -> Result<Result<(), String>, Diagnostic> {
        let mut packet = Packet::new().map_err(|error| av::diagnose("cannot copy", error))?;
        let frame = i64::from(FRAME);
        loop {
            match file.read(&mut packet) {
                Ok(true) if packet.stream() != stream => continue,
                Ok(true) => {}
                Ok(false) => return Ok(Err("it ends before the pictures do".to_owned())),
                Err(_) => return Ok(Err("its file is damaged".to_owned())),
            }
            if packet.is_corrupt() || packet.has_new_parameters() || packet.data().len() > MOST_PACKET {
                return Ok(Err("its file is damaged".to_owned()));
            }
            let Some(at) = packet.pts().map(|ticks| self.sample(ticks)) else {
                return Ok(Err("its packets have no times".to_owned()));
            };
            let place = match self.next {
                Some(next) if (at - next).abs() * 1_000 > TOLERANCE_MS * self.rate => {
                    return Ok(Err("there are holes in it".to_owned()));
                }
                Some(next) => next,
                // One whole packet before the first that is heard; at the file's
                // start there may be none.
                None if at + 2 * frame <= 0 => continue,
                None if at > 0 => return Ok(Err("it begins after the pictures do".to_owned())),
                None => at,
            };
            // What is not heard at all a decoder may leave out.
            if !trial.decodes(&packet, place + frame > 0)? {
                return Ok(Err("packets of it are damaged".to_owned()));
            }
            let duration = frame.min(samples - place);
            let duration = u32::try_from(duration).unwrap_or(0);
            writer.push(PacketInfo { pts: place, duration, key: true }, packet.data())?;
            self.next = Some(place + frame);
            progress(place.max(0).unsigned_abs(), samples.unsigned_abs())?;
            if place + frame >= samples {
                return Ok(Ok(()));
            }
        }
    }

    /// Where a time of the container lies, in samples from the start of the clip.
    fn sample(&self, ticks: i64) -> i64 {
        let time = Timestamp::from_ticks(ticks, self.base) - self.start;
        time.to_ticks((1, i32::try_from(self.rate).unwrap_or(i32::MAX)))
    }
}
