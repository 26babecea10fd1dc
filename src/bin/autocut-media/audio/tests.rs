//! Sound is judged by the ffmpeg program: it makes the files, it decodes what
//! was encoded and it measures true peaks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use autocut::base::{Digest, Timestamp};
use autocut::model::ActionSpec;
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{AudioEncoder, MixClip, MixMusic, MixSpec, SoundRun, SoundSpec};
use tempfile::TempDir;

use super::*;

fn aac() -> AudioEncoder {
    let options = vec![("aac_coder".to_owned(), "twoloop".to_owned())];
    AudioEncoder { name: "aac".to_owned(), options, bit_rate: 192_000 }
}
use crate::av::Packet;
use crate::segment::{Reader, StreamHeader};
use crate::tests::testdata;

const RATE: u32 = 48_000;

/// A folder for one test, and the files in it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Bench {
        crate::av::start();
        Bench(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs ffmpeg in the folder; returns what it said on standard error.
    fn ffmpeg(&self, arguments: &str) -> String {
        let ffmpeg = Command::new("ffmpeg")
            .current_dir(self.0.path())
            .args(["-y", "-hide_banner", "-nostats"])
            .args(arguments.split_whitespace())
            .output();
        let output = ffmpeg.expect("the tests of sound need the program ffmpeg");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// Stereo PCM at 48 kHz: quiet noise, and a click at each of these samples.
    fn clicks(&self, name: &str, samples: usize, clicks: &[usize]) -> Vec<i16> {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 27) as i16 - 16
        };
        let mut pcm: Vec<i16> = (0..samples * 2).map(|_| noise()).collect();
        for click in clicks {
            pcm[click * 2..click * 2 + 2].fill(24_000);
        }
        self.write(name, &pcm);
        pcm
    }

    fn write(&self, name: &str, pcm: &[i16]) {
        std::fs::write(self.path(name), pcm.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    }

    fn read(&self, name: &str) -> Vec<i16> {
        let bytes = std::fs::read(self.path(name)).unwrap();
        bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
    }

    fn invocation(&self, files: &[PathBuf], spec: impl FnOnce(&[Digest]) -> ActionSpec) -> Invocation {
        let digests: Vec<Digest> = files.iter().map(|file| Digest::of(file.as_os_str().as_encoded_bytes())).collect();
        let inputs: BTreeMap<_, _> = digests.iter().copied().zip(files.iter().cloned()).collect();
        Invocation {
            id: 1,
            spec: spec(&digests),
            inputs,
            devices: BTreeMap::new(),
            packs: vec![],
            scratch: self.0.path().to_owned(),
        }
    }

    /// Extracts stereo sound at 48 kHz.
    fn sound(&self, file: PathBuf, start_ms: i64, samples: u64) -> Vec<i16> {
        let invocation = self.invocation(&[file], |digests| {
            let run = SoundRun { file: digests[0], start: Timestamp::from_millis(start_ms), samples };
            ActionSpec::Sound(SoundSpec { runs: vec![run], sample_rate: RATE, channels: 2 })
        });
        let ActionSpec::Sound(spec) = &invocation.spec else { unreachable!() };
        sound(spec, &invocation, &mut |_, _| Ok(())).unwrap();
        let pcm = self.read("sound.pcm");
        assert_eq!(pcm.len() as u64, samples * 2);
        pcm
    }

    /// Mixes `clips` (file, at, samples) and music.
    fn mix(
        &self,
        clips: &[(&str, u64, u64)],
        music: Option<(PathBuf, MixMusic)>,
        samples: u64,
        gain: i32,
    ) -> Invocation {
        let mut files: Vec<PathBuf> = clips.iter().map(|(name, ..)| self.path(name)).collect();
        files.extend(music.iter().map(|(path, _)| path.clone()));
        self.invocation(&files, |digests| {
            let clip = |(&(_, at, samples), sound): (&(&str, u64, u64), &Digest)| MixClip {
                sound: Some(*sound),
                at,
                samples,
                gain,
                fade: 240,
            };
            ActionSpec::Mix(MixSpec {
                sample_rate: RATE,
                channels: 2,
                samples,
                clips: clips.iter().zip(digests).map(clip).collect(),
                music: music.map(|(_, music)| MixMusic { file: digests[clips.len()], ..music }),
                ceiling: -100,
                encoder: aac(),
            })
        })
    }

    /// What goes into the encoder.
    fn mixed(&self, invocation: &Invocation) -> Vec<f32> {
        let ActionSpec::Mix(spec) = &invocation.spec else { unreachable!() };
        let mut all = Vec::new();
        mix::mixed(spec, invocation, |samples| {
            all.extend_from_slice(samples);
            Ok(())
        })
        .unwrap();
        all
    }

    /// What comes out of a decoder: packets with ADTS headers (ISO 14496-3
    /// 1.A.2), decoded by ffmpeg, without the coder's padding.
    fn heard(&self, invocation: &Invocation) -> Vec<i16> {
        let ActionSpec::Mix(spec) = &invocation.spec else { unreachable!() };
        let Produced { files, .. } = mix(spec, invocation, &mut |_, _| Ok(())).unwrap();
        let mut reader = Reader::open(&files[0]).unwrap();
        let StreamHeader::Audio { initial_padding, channels, .. } = reader.header.stream else { unreachable!() };
        assert_eq!((reader.counts.span, channels), (spec.samples, 2));
        let mut packet = Packet::new().unwrap();
        let (mut adts, mut next) = (Vec::new(), -i64::from(initial_padding));
        while let Some(info) = reader.next(&mut packet).unwrap() {
            assert_eq!(info.pts, next, "packets follow one another");
            next += i64::from(info.duration);
            let length = packet.data().len() as u32 + 7;
            let bits = [(12, 0xfff), (4, 1), (2, 1), (4, 3), (1, 0), (3, 2), (4, 0), (13, length), (11, 0x7ff), (2, 0)];
            let header = bits.iter().fold(0u64, |header, (width, value)| header << width | u64::from(*value));
            adts.extend_from_slice(&header.to_be_bytes()[1..]);
            adts.extend_from_slice(packet.data());
        }
        assert_eq!(next as u64, spec.samples, "no sample more or less");
        std::fs::write(self.path("mix.aac"), adts).unwrap();
        self.ffmpeg("-i mix.aac -f s16le -c:a pcm_s16le mix.raw");
        let pcm = self.read("mix.raw");
        let start = initial_padding as usize * 2;
        pcm[start..start + spec.samples as usize * 2].to_vec()
    }

    /// True peak in dB by ffmpeg's ebur128 filter.
    fn true_peak(&self, samples: &[f32]) -> f64 {
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        std::fs::write(self.path("judge.raw"), bytes).unwrap();
        let said = self.ffmpeg("-f f32le -ar 48000 -ac 2 -i judge.raw -af ebur128=peak=true -f null -");
        let summary = said.rsplit("True peak:").next().unwrap();
        summary.split("Peak:").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }
}

/// Positions of clicks: the loudest sample of each stretch above `level`.
fn clicks(pcm: &[i16], level: i16) -> Vec<usize> {
    let left: Vec<i16> = pcm.iter().step_by(2).copied().collect();
    let mut found: Vec<usize> = Vec::new();
    for (i, sample) in left.iter().enumerate().filter(|(_, sample)| sample.unsigned_abs() > level as u16) {
        match found.last_mut() {
            Some(last) if i - *last < 200 => {
                if sample.unsigned_abs() > left[*last].unsigned_abs() {
                    *last = i;
                }
            }
            _ => found.push(i),
        }
    }
    found
}

const RAW: &str = "-f s16le -ar 48000 -ac 2 -i in.raw";
const VIDEO: &str = "-f lavfi -i testsrc=s=64x64:r=30:d=4";

#[test]
fn uncompressed_sound_comes_out_as_it_is() {
    let bench = Bench::new();
    let pcm = bench.clicks("in.raw", 192_000, &[100_000]);
    bench.ffmpeg(&format!("{RAW} {VIDEO} -c:a pcm_s16le -c:v libx264 in.mov"));
    assert!(bench.sound(bench.path("in.mov"), 0, 192_000) == pcm);
    assert!(bench.sound(bench.path("in.mov"), 2_000, 48_000) == pcm[192_000..288_000]);
}

#[test]
fn clicks_are_found_where_they_were_in_every_container() {
    let bench = Bench::new();
    bench.clicks("in.raw", 192_000, &[30_000, 96_240, 150_001]);
    let with_video = format!("{VIDEO} -c:v libx264");
    for (codec, video, file) in [
        ("aac -b:a 256k", &*with_video, "in.mp4"),
        ("flac", &with_video, "in.mkv"),
        ("libopus -b:a 256k", "", "in.opus"),
    ] {
        bench.ffmpeg(&format!("{RAW} {video} -c:a {codec} {file}"));
        let pcm = bench.sound(bench.path(file), 0, 192_000);
        let found = clicks(&pcm, 8_000);
        // Matroska counts whole milliseconds, 48 samples.
        let tolerance = if file == "in.mkv" { 48 } else { 0 };
        let near = found.iter().zip([30_000usize, 96_240, 150_001]).all(|(a, b)| a.abs_diff(b) <= tolerance);
        assert!(found.len() == 3 && near, "{file}: {found:?}");
        let later = bench.sound(bench.path(file), 2_000, 48_000);
        assert_eq!(clicks(&later, 8_000), [found[1] - 96_000], "{file}");
    }
}

/// Without AAC's noise substitution, which a decoder makes up anew each time.
#[test]
fn a_part_is_the_same_as_in_the_whole() {
    let bench = Bench::new();
    bench.clicks("in.raw", 192_000, &[30_000, 96_240, 150_001]);
    bench.ffmpeg(&format!("{RAW} {VIDEO} -c:a aac -aac_pns 0 -b:a 192k -c:v libx264 in.mp4"));
    bench.ffmpeg(&format!("{RAW} -c:a libmp3lame -b:a 192k in.mp3"));
    for file in ["in.mp4", "in.mp3"] {
        let whole = bench.sound(bench.path(file), 0, 192_000);
        assert!(bench.sound(bench.path(file), 1_500, 96_000) == whole[144_000..336_000], "{file}");
    }
}

#[test]
fn sound_that_starts_late_is_silent_before() {
    let bench = Bench::new();
    bench.clicks("in.raw", 96_000, &[10_000]);
    bench.ffmpeg(&format!("-itsoffset 0.5 {RAW} {VIDEO} -map 0:a -map 1:v -c:a aac -c:v libx264 in.mp4"));
    let pcm = bench.sound(bench.path("in.mp4"), 0, 192_000);
    // ffmpeg writes where the sound starts in whole milliseconds.
    let found = clicks(&pcm, 8_000);
    assert!(found.len() == 1 && found[0].abs_diff(34_000) <= 48, "{found:?}");
    // Up to the coder's own blur around the start.
    assert!(pcm[..45_000].iter().all(|sample| *sample == 0));
    assert!(pcm[2 * 122_000..].iter().all(|sample| *sample == 0), "behind the end");
}

#[test]
fn a_hole_is_silent_and_what_follows_is_in_its_place() {
    let bench = Bench::new();
    bench.clicks("in.raw", 192_000, &[30_000, 150_001]);
    // Packets between 1 s and 2 s are dropped, times of the others stay.
    bench.ffmpeg(&format!("{RAW} {VIDEO} -c:a flac -c:v libx264 whole.mkv"));
    bench.ffmpeg("-i whole.mkv -c copy -bsf:a noise=drop='between(pts*tb\\,1\\,2)' in.mkv");
    let pcm = bench.sound(bench.path("in.mkv"), 0, 192_000);
    let found = clicks(&pcm, 8_000);
    assert!(found.len() == 2 && found[0].abs_diff(30_000) <= 48 && found[1].abs_diff(150_001) <= 48, "{found:?}");
    assert!(pcm[2 * 60_000..2 * 90_000].iter().all(|sample| *sample == 0));
}

#[test]
fn one_channel_becomes_two_at_the_same_level() {
    let bench = Bench::new();
    bench.ffmpeg("-f lavfi -i sine=f=440:r=44100:d=2 -af volume=12dB -c:a pcm_s16le in.wav");
    let level = |pcm: &[i16]| pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64;
    bench.ffmpeg("-i in.wav -f s16le -c:a pcm_s16le mono.raw");
    let before = level(&bench.read("mono.raw"));
    let pcm = bench.sound(bench.path("in.wav"), 0, 90_000);
    assert!(pcm.chunks_exact(2).all(|frame| frame[0] == frame[1]));
    let ratio = level(&pcm) / before;
    assert!((0.98..1.02).contains(&ratio), "{ratio}");
}

#[test]
fn surround_becomes_stereo() {
    let bench = Bench::new();
    // Each channel its own tone; the front centre must be in both.
    bench.ffmpeg(
        "-f lavfi -i aevalsrc=0.1*sin(2*PI*300*t)|0|0.3*sin(2*PI*1000*t)|0|0|0:c=5.1:s=48000:d=1 -c:a aac in.m4a",
    );
    let pcm = bench.sound(bench.path("in.m4a"), 0, 48_000);
    let energy = |channel: usize, f: f64| {
        let angle = |i: usize| std::f64::consts::TAU * f * i as f64 / f64::from(RATE);
        let sums = (12_000..36_000).fold((0.0, 0.0), |(c, s), i| {
            let sample = f64::from(pcm[2 * i + channel]);
            (c + sample * angle(i).cos(), s + sample * angle(i).sin())
        });
        (sums.0.powi(2) + sums.1.powi(2)).sqrt() / 12_000.0
    };
    assert!(energy(0, 300.0) > 500.0 && energy(1, 300.0) < 50.0);
    assert!(energy(0, 1_000.0) > 2_000.0 && (energy(0, 1_000.0) / energy(1, 1_000.0) - 1.0).abs() < 0.02);
}

#[test]
fn a_file_without_sound_is_silent() {
    let Some(file) = testdata("video/cuts-no-audio.mp4") else { return };
    assert!(Bench::new().sound(file, 1_000, 48_000).iter().all(|sample| *sample == 0));
}

/// ffmpeg's own decode of a camera's file, which starts with the sound's first
/// sample; ffprobe says that both streams start at 0.
#[test]
fn a_cameras_sound_is_in_its_place() {
    let Some(file) = testdata("gopro/hero7.mp4") else { return };
    let bench = Bench::new();
    let said =
        bench.ffmpeg(&format!("-i {} -map 0:a:0 -ac 2 -ar 48000 -f s16le -c:a pcm_s16le ref.raw", file.display()));
    assert!(said.contains("start: 0.000000"), "{said}");
    let expected = bench.read("ref.raw");
    let (from, count) = (96_000usize, 48_000usize);
    let pcm = bench.sound(file, 2_000, count as u64);
    let difference = |lag: usize| -> u64 {
        let expected = &expected[2 * (from + lag - 20)..][..2 * count];
        pcm.iter().zip(expected).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
    };
    let best = (0..40).min_by_key(|lag| difference(*lag)).unwrap();
    assert_eq!(best, 20);
    assert!(difference(20) <= 2 * count as u64, "one step a sample at most");
}

#[test]
fn clicks_of_the_mix_are_heard_on_their_samples() {
    let bench = Bench::new();
    bench.clicks("a.raw", 48_000, &[20_000]);
    bench.clicks("b.raw", 30_000, &[10_000]);
    let invocation = bench.mix(&[("a.raw", 0, 48_000), ("b.raw", 48_000, 30_000)], None, 78_000, 0);
    let pcm = bench.heard(&invocation);
    assert_eq!(clicks(&pcm, 8_000), [20_000, 58_000]);
    assert_eq!(pcm.len(), 156_000);
}

#[test]
fn the_same_mix_has_the_same_bytes() {
    let bench = Bench::new();
    bench.clicks("a.raw", 48_000, &[20_000]);
    let invocation = bench.mix(&[("a.raw", 0, 48_000)], None, 48_000, 0);
    let ActionSpec::Mix(spec) = &invocation.spec else { unreachable!() };
    let run = || {
        let made = mix(spec, &invocation, &mut |_, _| Ok(())).unwrap();
        Digest::of(&std::fs::read(&made.files[0]).unwrap())
    };
    assert_eq!(run(), run());
}

/// Two clips that are cut where their waves are high: a step of full size
/// without fades.
#[test]
fn a_cut_is_no_step() {
    let bench = Bench::new();
    let wave = |phase: f64| -> Vec<i16> {
        (0..24_000).flat_map(|i| [(16_000.0 * (i as f64 * 0.01 + phase).sin()) as i16; 2]).collect()
    };
    bench.write("a.raw", &wave(1.5));
    bench.write("b.raw", &wave(-1.5));
    let invocation = bench.mix(&[("a.raw", 0, 24_000), ("b.raw", 24_000, 24_000)], None, 48_000, 0);
    let mixed = bench.mixed(&invocation);
    let left: Vec<f32> = mixed.iter().step_by(2).copied().collect();
    let steps = left.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    // The wave's own steepest step is 0.0049, the fade's 0.5 * PI / 2 / 240.
    assert!(steps.fold(0.0, f32::max) < 0.009);
    assert!(left[0].abs() < 0.001 && left[47_999].abs() < 0.001);
}

#[test]
fn the_plan_is_kept_where_clips_leave_holes() {
    let bench = Bench::new();
    bench.clicks("a.raw", 1_000, &[500]);
    let invocation = bench.mix(&[("a.raw", 10_000, 1_000)], None, 20_001, 0);
    let mixed = bench.mixed(&invocation);
    assert_eq!(mixed.len(), 40_002);
    assert!(mixed[..20_000].iter().chain(&mixed[22_000..]).all(|sample| *sample == 0.0));
}

#[test]
fn a_sound_that_is_too_short_is_an_error() {
    let bench = Bench::new();
    bench.clicks("a.raw", 1_000, &[]);
    let invocation = bench.mix(&[("a.raw", 0, 1_001)], None, 2_000, 0);
    let ActionSpec::Mix(spec) = &invocation.spec else { unreachable!() };
    assert!(mix(spec, &invocation, &mut |_, _| Ok(())).is_err());
}

fn bed(gain: i32, repeat: bool) -> MixMusic {
    let file = Digest::of(b"");
    MixMusic { file, start: Timestamp::ZERO, gain, fade_in: 4_800, fade_out: 48_000, repeat }
}

#[test]
fn music_repeats_and_fades() {
    let bench = Bench::new();
    bench.ffmpeg("-f lavfi -i sine=f=1000:r=48000:d=1 -af volume=12dB -c:a pcm_s16le music.wav");
    let level = |repeat| {
        let invocation = bench.mix(&[], Some((bench.path("music.wav"), bed(0, repeat))), 144_000, 0);
        let mixed = bench.mixed(&invocation);
        let peak = |from: usize| mixed[2 * from..2 * from + 960].iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        [0, 24_000, 72_000, 120_000, 143_500].map(peak)
    };
    let [start, middle, second, third, end] = level(true);
    assert!(start < 0.05 && end < 0.01, "{start} {end}");
    assert!(middle > 0.4 && (second - middle).abs() < 0.01 && (third - middle / 2.0).abs() < 0.02, "{third}");
    assert_eq!(level(false)[2..], [0.0; 3]);
}

#[test]
fn the_true_peak_stays_under_the_ceiling() {
    let bench = Bench::new();
    // Noise whose highs lie between samples, far above full scale in the sum.
    let mut state = 7u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16
    };
    let burst: Vec<i16> = (0..192_000).map(|i| if i / 9_600 % 3 == 0 { noise() } else { noise() / 40 }).collect();
    bench.write("burst.raw", &burst);
    let tone: Vec<i16> = (0..96_000)
        .flat_map(|i| [(32_000.0 * ((i as f64 + 0.5) * std::f64::consts::FRAC_PI_2).sin()) as i16; 2])
        .collect();
    bench.write("tone.raw", &tone);
    for (name, gain) in [("burst.raw", 600), ("tone.raw", 600), ("burst.raw", 0)] {
        let peak = bench.true_peak(&bench.mixed(&bench.mix(&[(name, 0, 96_000)], None, 96_000, gain)));
        assert!(peak <= -0.95, "{name} at {gain}: {peak} dBTP");
        assert!(peak >= -2.5, "{name} at {gain}: {peak} dBTP, needlessly quiet");
    }
}

#[test]
fn loud_music_stays_under_the_ceiling() {
    let Some(file) = testdata("music/vibe-ace.ogg") else { return };
    let bench = Bench::new();
    let invocation = bench.mix(&[], Some((file, bed(1_200, false))), 960_000, 0);
    let peak = bench.true_peak(&bench.mixed(&invocation));
    assert!((-1.5..=-0.95).contains(&peak), "{peak} dBTP");
    // Coding to AAC moves peaks; the ceiling leaves room for that.
    let heard: Vec<f32> = bench.heard(&invocation).iter().map(|s| f32::from(*s) / 32_768.0).collect();
    let peak = bench.true_peak(&heard);
    assert!(peak < 0.3, "{peak} dBTP after coding");
}
