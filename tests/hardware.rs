//! Hardware encoders and decoders on a machine that has none: a table of what
//! works, as a machine with such hardware would give it, stands in the media
//! program's answer.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use autocut::base::Digest;
use autocut::model::decoders::{Device, STREAMS};
use autocut::model::toolchain::{HARDWARE, ToolIdentity};
use common::media::{self, Changes};
use common::{Footage, Made, Project, ffprobe};

/// Not a test: see `common::media`.
#[test]
fn media_program() {
    media::serve(&Changes {
        toolchain: |change, toolchain| {
            if [DECODES, CRASHES].contains(&change) {
                for name in STREAMS.map(|stream| stream.on(Device::Vaapi)) {
                    let identity = Some(Digest::of(name.as_bytes()));
                    toolchain.decoders.insert(name.clone(), ToolIdentity { name, identity, problem: None });
                }
            }
            let works = change.split('+');
            for name in works.filter(|name| HARDWARE.contains(name)) {
                let identity = Some(Digest::of(name.as_bytes()));
                let known = ToolIdentity { name: name.to_owned(), identity, problem: None };
                toolchain.hardware.insert(name.to_owned(), known);
            }
        },
        before: |change, invocation| {
            if change == CRASHES && !invocation.devices.is_empty() {
                std::process::abort();
            }
        },
        ..Changes::default()
    });
}

/// Tables in which VAAPI decodes everything. In the second, whoever lets it is
/// taken away by a driver that crashes.
const DECODES: &str = "decodes";
const CRASHES: &str = "crashes";

fn project(outputs: &str) -> Project {
    let project = Project::new();
    project.footage("ride.mp4", &Footage { size: "256x256", seconds: 4, ..Footage::default() });
    project.write(
        "autocut.ron",
        format!(
            r#"Project(version: 1, footage: {{ "front": "ride.mp4" }},
                moments: Moments(length: "1s", weights: {{}}, pins: ["front/ride@0.5s", "front/ride@2s"]),
                outputs: {{ {outputs} }})"#
        ),
    );
    project
}

/// What `explain` says encoded a segment of the last plan.
fn encoder(project: &Project, file: &str) -> String {
    let told = project.ok(&["explain", file]);
    let line = told.lines().find_map(|line| line.trim().strip_prefix("encoder ")).unwrap_or_else(|| panic!("{told}"));
    line.split_whitespace().next().unwrap().to_owned()
}

/// What the table promises and the machine does not keep: each output goes down
/// the ladder as a whole, by itself, and is whole in the end.
#[test]
fn a_promise_that_is_not_kept_ends_in_software_for_all_of_an_output() {
    let reels = r#""small": Reel(file: "small.mp4"), "new": Reel(file: "new.mkv", video: Video(codec: Hevc))"#;
    let project = project(reels);
    let program = media::program(&project, "h264_nvenc+h264_vaapi+hevc_qsv");
    let variables = [("AUTOCUT_MEDIA", program.to_str().unwrap())];
    let made = project.make_in(&[], &variables);
    assert_eq!(made.code, 0, "{:?} {}", made.events.last(), made.stderr);
    let told = made.warnings().join("\n");
    for name in ["h264_nvenc", "h264_vaapi", "hevc_qsv"] {
        assert!(told.contains(name), "{name} is not in {told}");
    }
    for (file, codec) in [("small.mp4", "h264"), ("new.mkv", "hevc")] {
        let file = project.path(file);
        assert_eq!(ffprobe(&file, "v:0", "stream=codec_name"), codec);
        assert_eq!(common::frame_hashes(&file).len(), 60);
        assert_eq!(common::decode_warnings(&file), "");
    }
    // As without such a table.
    assert_eq!(project.make().code, 0);
    assert_eq!(encoder(&project, "small.mp4"), "libx264");
    assert_eq!(encoder(&project, "new.mkv"), "libx265");
}

/// Makes a reel and says what was warned of.
fn reel(change: &str, args: &[&str], variables: &[(&str, &str)]) -> (Vec<u8>, Vec<String>, Made) {
    let project = project(r#""reel": Reel(file: "reel.mp4"), "clips": Clips(folder: "clips")"#);
    let program = media::program(&project, change);
    let all: Vec<_> = [("AUTOCUT_MEDIA", program.to_str().unwrap())].iter().chain(variables).copied().collect();
    let made = project.make_in(args, &all);
    assert_eq!(made.code, 0, "{:?} {}", made.events.last(), made.stderr);
    (std::fs::read(project.path("reel.mp4")).unwrap(), made.warnings(), made)
}

fn has_device() -> bool {
    let has = !cfg!(target_os = "linux") || std::path::Path::new("/dev/dri").exists();
    if has {
        eprintln!("skipped: there may be a device that decodes here");
    }
    has
}

/// A device that decodes nothing, whatever its table says, costs a warning and no
/// byte; one whose driver takes the process with it costs another try.
#[test]
fn a_decoder_that_keeps_no_promise_ends_in_software_with_the_same_bytes() {
    if has_device() {
        return;
    }
    let (expected, warnings, _) = reel("nothing", &[], &[]);
    assert_eq!(warnings, Vec::<String>::new());
    let (found, warnings, made) = reel(DECODES, &["-j1"], &[("AUTOCUT_DECODE", "vaapi")]);
    assert!(found == expected, "other bytes");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("vaapi decodes nothing more in this build, software does"), "{warnings:?}");
    assert!(warnings[0].contains("cannot be opened"), "{warnings:?}");
    assert!(made.states("segment", "retried").is_empty());

    let (found, warnings, made) = reel(CRASHES, &["-j1", "--decode", "vaapi"], &[]);
    assert!(found == expected, "other bytes");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("vaapi decodes nothing more in this build"), "{warnings:?}");
    assert_eq!(made.states("segment", "retried").len(), 1);
}

/// No device is asked where it does not pay, where nobody wants it, and where
/// everything has to be the same every time: here whoever asks one dies.
#[test]
fn decoding_is_by_software_where_it_has_to_be() {
    let forced = ("AUTOCUT_DECODE", "vaapi");
    for (args, variables) in [
        (&[][..], &[][..]),
        (&["--decode", "software"], &[forced]),
        (&["--decode", "cuda"], &[]),
        (&["--reproducible"], &[forced]),
        (&[], &[forced, ("CI", "1")]),
    ] {
        let (_, warnings, made) = reel(CRASHES, args, variables);
        assert_eq!(warnings, Vec::<String>::new(), "{args:?} {variables:?}");
        assert!(made.states("segment", "retried").is_empty(), "{args:?} {variables:?}");
    }
}

/// Why each decoder does not work is told, with the setting.
#[test]
fn doctor_tells_of_decoders() {
    let project = Project::new();
    let told = project.ok(&["doctor", "--decode", "software"]);
    for stream in STREAMS {
        for device in Device::ALL {
            assert!(told.contains(&format!(" {}", stream.on(device))), "{told}");
        }
    }
    assert!(told.contains("decode   software     (command line: --decode)"), "{told}");
    let wrong = project.run(&["doctor", "--decode", "vapi"]);
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(told.contains("nothing decodes by \"vapi\"") && told.contains("did you mean \"vaapi\"?"), "{told}");
}

/// What has to be the same every time takes no hardware, and a demand for it is
/// refused.
#[test]
fn hardware_is_not_reproducible() {
    let project = project(r#""reel": Reel(file: "reel.mp4")"#);
    let program = media::program(&project, "h264_nvenc");
    let variables = [("AUTOCUT_MEDIA", program.to_str().unwrap())];
    let made = project.make_in(&["--reproducible"], &variables);
    assert_eq!(made.code, 0, "{:?} {}", made.events.last(), made.stderr);
    assert!(made.warnings().is_empty(), "{:?}", made.warnings());
    let refused = project.make_in(&["--reproducible", "--codec", "h264_nvenc"], &variables);
    assert_eq!(refused.code, 1);
    assert!(refused.errors()[0].contains("h264_nvenc does not make the same bytes"), "{:?}", refused.errors());
    // A demand that the machine cannot meet is no other encoder's.
    let missing = project.make_in(&["--no-reproducible", "--codec", "h264_nvenc"], &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.errors()[0].contains("the encoder h264_nvenc does not work here"), "{:?}", missing.errors());
}
