//! The key frames of a file, each decoded by itself: what a container's index lists
//! is found without reading what lies between.

use std::path::Path;

use autocut::base::{Diagnostic, Timestamp};

use crate::av::{self, Decoder, Error, Frame, Input, Packet, Skip};
use crate::streams::{first_shown, open_video};

/// Key frames of a video stream.
pub(crate) struct KeyFrames {
    input: Input,
    decoder: Decoder,
    stream: usize,
    base: (i32, i32),
    /// Ticks of the first frame that is presented.
    origin: i64,
    /// Ticks by the container's index, rising: times of decoding, as a rule.
    keys: Vec<i64>,
    packet: Packet,
    frame: Frame,
}

impl KeyFrames {
    /// `None` where the container lists none, or does not say when its film starts.
    pub(crate) fn open(path: &Path, skip: Skip) -> Result<Option<KeyFrames>, Diagnostic> {
        let failed = |error| av::diagnose(format!("cannot read {}", path.display()), error);
        let (mut input, stream) = open_video(path)?;
        input.keep_only(stream);
        let (base, mut keys) = {
            let facts = input.stream(stream).ok_or_else(|| failed(Error::StreamNotFound))?;
            (facts.time_base(), facts.index().filter(|entry| entry.key).map(|entry| entry.ticks).collect::<Vec<_>>())
        };
        keys.sort_unstable();
        keys.dedup();
        let origin = first_shown(&mut input, stream).map_err(failed)?;
        let Some(origin) = origin.filter(|_| !keys.is_empty()) else { return Ok(None) };
        let decoder = Decoder::open(&input, stream, skip).map_err(failed)?;
        let (packet, frame) = (Packet::new().map_err(failed)?, Frame::new().map_err(failed)?);
        Ok(Some(KeyFrames { input, decoder, stream, base, origin, keys, packet, frame }))
    }

    /// Those that are needed to know what lies around media times `from` to `until`,
    /// as the index counts: one before, and one after where there is one.
    pub(crate) fn around(&self, from: Timestamp, until: Timestamp) -> Vec<i64> {
        // Frames are decoded before they are shown, so the one before may be listed
        // under a time that is behind it.
        let ticks = |time: Timestamp| time.to_ticks(self.base).saturating_add(self.origin);
        let margin = Timestamp::from_seconds(1).to_ticks(self.base);
        let first = self.keys.partition_point(|key| *key <= ticks(from).saturating_sub(margin)).saturating_sub(1);
        let end = self.keys.partition_point(|key| *key <= ticks(until)).saturating_add(1).min(self.keys.len());
        self.keys.get(first..end).map(<[i64]>::to_vec).unwrap_or_default()
    }

    /// The key frame that the index lists under `ticks`, and its media time; no
    /// picture where it cannot be decoded, `None` where there is no such packet.
    pub(crate) fn picture(&mut self, ticks: i64) -> Option<(Timestamp, Option<&Frame>)> {
        self.input.seek(self.stream, ticks).ok()?;
        loop {
            if !self.input.read(&mut self.packet).ok()? {
                return None;
            }
            if self.packet.stream() == self.stream && self.packet.is_key() {
                break;
            }
        }
        self.decoder.flush();
        // An error means that it is damaged.
        let sent = self.decoder.send(Some(&self.packet)).and_then(|()| self.decoder.send(None));
        let is_decoded = sent.is_ok() && self.decoder.receive(&mut self.frame) == Ok(true) && !self.frame.is_flawed();
        let shown = self.frame.time().filter(|_| is_decoded).or(self.packet.pts()).or(self.packet.dts())?;
        let time = Timestamp::from_ticks(shown.saturating_sub(self.origin), self.base);
        Some((time, is_decoded.then_some(&self.frame)))
    }
}
