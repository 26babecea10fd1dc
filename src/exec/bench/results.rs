//! What a run of `autocut bench` found, as `--json` prints it and `--baseline`
//! reads it.

use serde::{Deserialize, Serialize};

/// Of the JSON; raised when a field changes its meaning.
pub const FORM: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// [`FORM`].
    pub bench: u32,
    /// The version of autocut.
    pub autocut: String,
    pub processors: usize,
    pub footage: Stretch,
    pub settings: Vec<Measured>,
    pub failed: Vec<Failed>,
    pub advice: Advice,
    /// A change for each of `settings`, where there was a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Vec<Option<Change>>>,
}

/// The piece of footage, and as what it was encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The file's name, without folders.
    pub file: String,
    pub bytes: u64,
    /// Media time of its first frame.
    pub from_ns: i64,
    pub frames: u32,
    pub seconds: f64,
    /// Of the output, e.g. `1920x1080`.
    pub size: String,
    /// Frames per second of the output, e.g. `30000/1001`.
    pub rate: String,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// As a manifest has it.
    pub codec: String,
    /// FFmpeg's name.
    pub encoder: String,
    pub preset: String,
    pub quality: u32,
    /// The setting of the project's first output, or the usual one.
    pub own: bool,
    pub frames_per_second: f64,
    pub times_real_time: f64,
    /// Its process waited for other things than its own work, so the speed is too
    /// low. Of hardware, which works elsewhere, nobody knows.
    pub disturbed: bool,
    /// Of the pictures.
    pub bytes: u64,
    pub mbit_per_second: f64,
    /// Of all planes, each by its samples.
    pub ssim: f64,
    pub ssim_luma: f64,
    /// In dB; nothing where no sample differs.
    pub psnr: Option<f64>,
    pub psnr_luma: Option<f64>,
    /// Of all threads.
    pub cpu_seconds: f64,
    /// The most that the process held.
    pub memory_bytes: u64,
    /// Asked of the system and handed to it, cached or not.
    pub read_bytes: u64,
    pub written_bytes: u64,
    /// No other setting is at least as quick, as small and as like, and better
    /// in one of these.
    pub front: bool,
}

impl Measured {
    /// For people: `libx264 veryfast 20`.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.encoder, self.preset, self.quality)
    }

    /// For a manifest.
    pub fn line(&self) -> String {
        format!("Video(codec: {}, preset: {:?}, quality: {})", self.codec, self.preset, self.quality)
    }

    /// How unlike the footage it is.
    pub fn unlike(&self) -> f64 {
        (1.0 - self.ssim).max(0.0)
    }
}

/// A setting that could not be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    pub setting: String,
    pub why: String,
}

/// What is recommended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    pub take: Recommended,
    /// For those to whom size matters more than time.
    pub smaller: Option<Recommended>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommended {
    /// Its place in the list of settings, from 0.
    pub setting: usize,
    /// What to write in a manifest.
    pub line: String,
    pub why: String,
}

/// A setting against the same one of an earlier run: what it has now divided by
/// what it had, of things of which less is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub time: f64,
    pub size: f64,
    /// 1 - SSIM.
    pub dissimilarity: f64,
    /// The mean squared error, of which PSNR is the logarithm.
    pub error: f64,
    pub cpu: f64,
    pub memory: f64,
    pub read: f64,
    pub written: f64,
    /// Which of these rose by more than 5 %.
    pub worse: Vec<String>,
}
