//! AAC by FFmpeg's own coder, to a file of packets.

use std::path::Path;

use autocut::base::Diagnostic;

use crate::av::encoder::AudioSettings;
use crate::av::{self, Encoder, Frame, Packet, SampleFormat};
use crate::segment::{Counts, Header, PacketInfo, StreamHeader, Writer};

/// Takes interleaved samples in order and writes packets. Times count samples;
/// what the coder puts before the first sample lies before 0.
pub(super) struct AacWriter {
    encoder: Encoder,
    writer: Writer,
    packet: Packet,
    sample_rate: u32,
    channels: u16,
    /// Less than one frame.
    pending: Vec<f32>,
    /// Samples a channel that were given to the encoder.
    position: i64,
}

impl AacWriter {
    pub(super) fn create(path: &Path, sample_rate: u32, channels: u16, bit_rate: u32) -> Result<Self, Diagnostic> {
        // Stated although it is the default, so that it stays when that changes.
        let options = [("aac_coder".to_owned(), "twoloop".to_owned())];
        let settings = AudioSettings { encoder: "aac", sample_rate, channels, bit_rate, options: &options };
        let encoder = Encoder::audio(&settings)?;
        let frame_size = u32::try_from(encoder.frame_size()).unwrap_or(0);
        if frame_size == 0 {
            return Err(Diagnostic::environment("the AAC encoder here does not work in frames"));
        }
        let header = Header {
            codec: encoder.codec(),
            extradata: encoder.extradata().to_vec(),
            stream: StreamHeader::Audio {
                sample_rate,
                channels,
                frame_size,
                initial_padding: encoder.initial_padding(),
                bit_rate,
            },
        };
        let writer = Writer::create(path, &header)?;
        let packet = Packet::new().map_err(failed)?;
        Ok(AacWriter { encoder, writer, packet, sample_rate, channels, pending: Vec::new(), position: 0 })
    }

    /// Appends interleaved samples.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), Diagnostic> {
        self.pending.extend_from_slice(samples);
        let frame = self.encoder.frame_size() * usize::from(self.channels);
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
        let channels = usize::from(self.channels);
        let count = samples.len() / channels;
        let length = u32::try_from(count).unwrap_or(0);
        let frame = Frame::sound(SampleFormat::F32Planar, self.sample_rate, self.channels, length);
        let mut frame = frame.map_err(failed)?;
        for channel in 0..channels {
            let plane = frame.channel_f32_mut(channel);
            for (to, from) in plane.iter_mut().zip(samples[channel..].iter().step_by(channels)) {
                *to = *from;
            }
        }
        frame.set_time(self.position);
        self.position += count as i64;
        self.encoder.send(Some(&frame)).map_err(failed)?;
        self.take_packets()
    }

    fn take_packets(&mut self) -> Result<(), Diagnostic> {
        while self.encoder.receive(&mut self.packet).map_err(failed)? {
            let duration = u32::try_from(self.packet.duration()).unwrap_or(0);
            let pts =
                self.packet.pts().ok_or_else(|| Diagnostic::bug("the AAC encoder gave a packet without a time"))?;
            self.writer.push(PacketInfo { pts, duration, key: true }, self.packet.data())?;
        }
        Ok(())
    }
}

fn failed(error: av::Error) -> Diagnostic {
    av::diagnose("the AAC encoder failed", error)
}
