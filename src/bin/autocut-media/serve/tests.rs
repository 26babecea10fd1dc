//! What becomes of an action whose footage a device is to decode, on a machine
//! that has none: what software makes is the expected result.

use std::path::Path;

use autocut::base::{Size, Timestamp};
use autocut::model::{Fit, Sampling, VideoFormat};

use super::*;
use crate::av;
use crate::decode::Film;
use crate::tests::{content, scratch, segment, testdata, video};

const DEVICE: Device = Device::Vaapi;

/// Whether there may be a device, which is said.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn has_device() -> bool {
    let has = !cfg!(target_os = "linux") || Path::new("/dev/dri").exists();
    if has {
        eprintln!("skipped: there may be a device that decodes here");
    }
    has
}

fn invocation(path: &Path, from: i64, name: &str, devices: &[Device]) -> Invocation {
    let info = video(path);
    let size = Size::new(160, 90);
    let format = VideoFormat { size, rate: info.rate, colour: info.colour, sampling: Sampling::default() };
    let spec = ActionSpec::Segment(segment(path, info.rate.time_of(from), 12, format, Fit::Fit));
    let file = content(path);
    let devices = devices.iter().map(|device| (file, *device)).collect();
    let inputs = BTreeMap::from([(file, path.to_owned())]);
    Invocation { id: 1, spec, inputs, devices, packs: Vec::new(), scratch: scratch(name) }
}

fn outcome(invocation: &Invocation, kept: &mut Kept) -> (Vec<u8>, Produced, Option<Mistrust>) {
    let (mut results, mistrust) = run_group(std::slice::from_ref(invocation), kept, &mut |_, _| Ok(()));
    let made = results.pop().unwrap().unwrap();
    let bytes = std::fs::read(&made.files[0]).unwrap();
    (bytes, Produced { files: Vec::new(), ..made }, mistrust)
}

/// Whether the decoder is fresh or goes on where another action ended, the bytes
/// are those of software; the device is named, the file is not.
#[test]
fn what_a_device_does_not_decode_software_decodes_from_the_start() {
    let Some(path) = testdata("gopro/hero7.mp4") else { return };
    av::start();
    if has_device() {
        return;
    }
    let mut alone = Kept::default();
    let expected = [0, 12].map(|from| outcome(&invocation(&path, from, "by-software", &[]), &mut alone));
    let mut kept = Kept::default();
    for (place, devices) in [(0, &[DEVICE][..]), (1, &[DEVICE]), (0, &[]), (1, &[DEVICE])] {
        let asked = invocation(&path, 12 * place as i64, "by-a-device", devices);
        let (bytes, made, mistrust) = outcome(&asked, &mut kept);
        assert!(bytes == expected[place].0, "segment {place} has other bytes");
        assert_eq!(made, expected[place].1);
        assert_eq!(mistrust.is_some(), !devices.is_empty());
        if let Some((device, why)) = mistrust {
            assert_eq!(device, DEVICE);
            assert!(why.message.contains("the device (vaapi) cannot be opened for decoding"), "{why}");
            assert!(!why.to_string().contains("hero7"), "{why}");
        }
    }
}

/// Nor is the device blamed for what software cannot decode either.
#[test]
fn a_damaged_file_is_no_fault_of_the_device() {
    let Some(path) = testdata("gopro/hero7.mp4") else { return };
    av::start();
    if has_device() {
        return;
    }
    let damaged = scratch("device-damaged").join("damaged.mp4");
    let mut bytes = std::fs::read(&path).unwrap();
    // Of the packet of frame 4, where ffprobe says that it is.
    let entry = ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "csv=p=0"];
    let told = std::process::Command::new("ffprobe").args(entry).arg(&path).output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    let numbers: Vec<usize> = told.lines().nth(4).unwrap().split(',').filter_map(|n| n.parse().ok()).collect();
    let (size, place) = (numbers[0], numbers[1]);
    bytes[place + size / 3..place + size / 2].fill(0xff);
    std::fs::write(&damaged, bytes).unwrap();

    let expected = outcome(&invocation(&damaged, 0, "damaged-by-software", &[]), &mut Kept::default());
    assert!(!expected.1.warnings.is_empty(), "the file is not damaged");
    let found = outcome(&invocation(&damaged, 0, "damaged-by-a-device", &[DEVICE]), &mut Kept::default());
    assert!(found.0 == expected.0 && found.1 == expected.1);
    assert_eq!(found.2, None);

    // And a device that complains as software does is not let go on.
    let mut film = Film::open(&damaged, Skip::Nothing).unwrap();
    film.pretend(DEVICE);
    // One after the other, so that it does not seek over the damage.
    let refused = (0..5).find_map(|tenth| film.frame_at(Timestamp::new(tenth, 10)).err()).unwrap();
    assert!(refused.message.contains("the device (vaapi)"), "{refused}");
    let mut film = Film::open(&path, Skip::Nothing).unwrap();
    film.pretend(DEVICE);
    for seconds in [0, 1, 0] {
        film.frame_at(Timestamp::from_seconds(seconds)).map(|shown| assert!(!shown.frame.is_empty())).unwrap();
    }
}

/// Where the loop filter is left out, which no device does, none is asked.
#[test]
fn what_leaves_out_the_loop_filter_is_decoded_by_software() {
    let Some(path) = testdata("gopro/hero7.mp4") else { return };
    av::start();
    let mut films = Films::default();
    films.begin(BTreeMap::from([(content(&path), DEVICE)]));
    films.film(content(&path), &path, Skip::LoopFilterOfUnreferenced).unwrap();
    assert_eq!(films.device(), None);
    if !has_device() {
        assert!(films.film(content(&path), &path, Skip::Nothing).is_err());
        assert_eq!(films.device(), Some(DEVICE));
    }
}
