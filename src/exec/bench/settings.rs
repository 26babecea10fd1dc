//! The settings that are measured: the project's own first, then each encoder
//! with each preset and quality.

use crate::base::Diagnostic;
use crate::deliver::codecs::{Demand, Preset, Rung, VideoCodec};
use crate::deliver::encoders::{self, RUNGS, Wanted, Which};
use crate::exec::bench::Asked;
use crate::exec::bench::results::Failed;
use crate::exec::bench::subject::{Ground, Subject};
use crate::model::specs::VideoEncoder;
use crate::model::{Sampling, Toolchain, VideoFormat};

/// What is compared where nothing is said.
const CODECS: [VideoCodec; 2] = [VideoCodec::H264, VideoCodec::Hevc];
const PRESETS: [&str; 2] = ["veryfast", "medium"];
const QUALITIES: [u32; 3] = [18, 22, 26];

/// One setting, with all that an encoder is told.
pub(super) struct Setting {
    pub(super) rung: &'static Rung,
    pub(super) preset: Preset,
    /// x264's CRF.
    pub(super) quality: u32,
    pub(super) encoder: VideoEncoder,
    pub(super) format: VideoFormat,
    pub(super) own: bool,
}

impl Setting {
    /// For people.
    pub(super) fn told(&self) -> String {
        told(self.rung.name, &self.preset, self.quality)
    }
}

fn told(encoder: &str, preset: &Preset, quality: u32) -> String {
    format!("{encoder} {} {quality}", preset.name())
}

/// Those that are asked for, and those that cannot be measured here although
/// nobody named them. Of settings that mean the same to their encoder (ProRes
/// has no presets) the first stands for all.
pub(super) fn settings(
    ground: &Ground<'_>,
    subject: &Subject,
    asked: &Asked,
    toolchain: &Toolchain,
    wanted: &Wanted,
) -> Result<(Vec<Setting>, Vec<Failed>), Diagnostic> {
    let (mut settings, mut failed): (Vec<Setting>, Vec<Failed>) = (Vec::new(), Vec::new());
    let mut add = |rung: &'static Rung, preset: &Preset, quality: u32, own: bool| {
        let format = subject.format(ground, rung.codec);
        let demand = Demand { quality: quality * 10, preset: preset.clone(), beside_copies: false };
        let encoder = rung.told(&demand, &format);
        if settings.iter().all(|known| known.encoder != encoder) {
            settings.push(Setting { rung, preset: preset.clone(), quality, encoder, format, own });
        }
    };
    let rung = |codec, wanted: &Wanted| {
        encoders::choose(RUNGS, (codec, ground.video.sampling(codec)), wanted, toolchain, &[], None)
    };
    let (preset, quality) = (&ground.video.preset, ground.video.quality.crf());
    match rung(ground.codec, wanted) {
        Ok(rung) => add(rung, preset, quality, true),
        Err(why) => {
            let setting = format!("{} {} {quality}, as the output has it", ground.codec.name(), preset.name());
            failed.push(Failed { setting, why: why.to_string() });
        }
    }
    let mut rungs = Vec::new();
    for which in &asked.codecs {
        let found = match which {
            Which::Codec(codec) => rung(*codec, wanted)?,
            Which::Encoder(rung) if !rung.deep && ground.video.sampling(rung.codec) != Sampling::Yuv420p8 => {
                let problem = Diagnostic::input(format!("{} makes no pictures of more than 8 bits", rung.name));
                return Err(problem.hint("leave it out, or the output's `depth`"));
            }
            Which::Encoder(named) => rung(named.codec, &Wanted::Only(named.name.to_owned()))?,
        };
        rungs.push(found);
    }
    if asked.codecs.is_empty() {
        for codec in CODECS {
            match rung(codec, wanted) {
                Ok(found) => rungs.push(found),
                Err(why) => failed.push(Failed { setting: codec.name().to_owned(), why: why.to_string() }),
            }
        }
    }
    let usual = || PRESETS.iter().filter_map(|name| Preset::named(name).ok()).collect();
    let presets: Vec<Preset> = if asked.presets.is_empty() { usual() } else { asked.presets.clone() };
    let qualities = if asked.qualities.is_empty() { &QUALITIES[..] } else { &asked.qualities };
    for rung in rungs {
        for preset in &presets {
            qualities.iter().for_each(|quality| add(rung, preset, *quality, false));
        }
    }
    Ok((settings, failed))
}
