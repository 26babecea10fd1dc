//! The mix, encoded, to a file of packets.

use std::path::Path;

use autocut::base::Diagnostic;
use autocut::model::specs::AudioEncoder;

use crate::av::encoder::AudioSettings;
use crate::av::{self, Encoder, Frame, Packet, SampleFormat};
use crate::segment::{Counts, Header, PacketInfo, StreamHeader, Writer};

/// Samples a channel in each packet of an encoder that takes any number.
const FRAME: usize = 1_024;

/// Takes interleaved samples in order and writes packets. Times count samples;
/// what the coder puts before the first sample lies before 0.
pub(super) struct Coder {
    encoder: Encoder,
    samples: SampleFormat,
    frame_size: usize,
    writer: Writer,
    packet: Packet,
    sample_rate: u32,
    channels: u16,
    /// Less than one frame.
    pending: Vec<f32>,
    /// Samples a channel that were given to the encoder.
    position: i64,
}

/// What an encoder takes.
fn samples(encoder: &str) -> SampleFormat {
    match encoder {
        "pcm_s16le" => SampleFormat::I16,
        "pcm_s24le" => SampleFormat::I32,
        "libopus" => SampleFormat::F32,
        _ => SampleFormat::F32Planar,
    }
}

/// An encoder of sound, and what its frames hold.
pub(crate) fn open(
    wanted: &AudioEncoder,
    sample_rate: u32,
    channels: u16,
) -> Result<(Encoder, SampleFormat), Diagnostic> {
    let AudioEncoder { name, options, bit_rate } = wanted;
    let samples = samples(name);
    let settings = AudioSettings { encoder: name, samples, sample_rate, channels, bit_rate: *bit_rate, options };
    Ok((Encoder::audio(&settings)?, samples))
}

impl Coder {
    pub(super) fn create(
        path: &Path,
        sample_rate: u32,
        channels: u16,
        wanted: &AudioEncoder,
    ) -> Result<Self, Diagnostic> {
        let (encoder, samples) = open(wanted, sample_rate, channels)?;
        let fixed = encoder.frame_size();
        let header = Header {
            codec: encoder.codec(),
            tag: encoder.tag(),
            extradata: encoder.extradata().to_vec(),
            stream: StreamHeader::Audio {
                sample_rate,
                channels,
                frame_size: u32::try_from(fixed).unwrap_or(0),
                initial_padding: encoder.initial_padding(),
                bit_rate: wanted.bit_rate,
            },
        };
        let writer = Writer::create(path, &header)?;
        let packet = Packet::new().map_err(failed)?;
        let frame_size = if fixed == 0 { FRAME } else { fixed };
        let (pending, position) = (Vec::new(), 0);
        Ok(Coder { encoder, samples, frame_size, writer, packet, sample_rate, channels, pending, position })
    }

    /// Appends interleaved samples.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), Diagnostic> {
        self.pending.extend_from_slice(samples);
        let frame = self.frame_size * usize::from(self.channels);
        let whole = self.pending.len() / frame * frame;
        let pending = std::mem::take(&mut self.pending);
        for samples in pending[..whole].chunks_exact(frame) {
            self.encode(samples)?;
        }
        self.pending.extend_from_slice(&pending[whole..]);
        Ok(())
    }

    /// Encodes what is left and completes the file.
    pub(super) fn finish(mut self) -> Result<Counts, Diagnostic> {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.encode(&pending)?;
        }
        self.encoder.send(None).map_err(failed)?;
        self.take_packets()?;
        self.writer.finish()
    }

    fn encode(&mut self, samples: &[f32]) -> Result<(), Diagnostic> {
        let count = samples.len() / usize::from(self.channels);
        let length = u32::try_from(count).unwrap_or(0);
        let mut frame = Frame::sound(self.samples, self.sample_rate, self.channels, length).map_err(failed)?;
        frame.fill_sound(samples);
        frame.set_time(self.position);
        self.position += count as i64;
        self.encoder.send(Some(&frame)).map_err(failed)?;
        self.take_packets()
    }

    fn take_packets(&mut self) -> Result<(), Diagnostic> {
        while self.encoder.receive(&mut self.packet).map_err(failed)? {
            let duration = u32::try_from(self.packet.duration()).unwrap_or(0);
            let pts = self
                .packet
                .pts()
                .ok_or_else(|| Diagnostic::bug("the encoder of sound gave a packet without a time"))?;
            self.writer.push(PacketInfo { pts, duration, key: true }, self.packet.data())?;
        }
        Ok(())
    }
}

fn failed(error: av::Error) -> Diagnostic {
    av::diagnose("the encoder of sound failed", error)
}
