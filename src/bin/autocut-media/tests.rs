//! Whole actions on real files, judged by what `ffprobe` and `ffmpeg` say of
//! the same files, or by what those who published them do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use autocut::base::{Diagnostic, Digest, FrameRate, Orientation, Size, Tier, Timestamp};
use autocut::model::protocol::{self, Invocation, PROTOCOL_VERSION, Produced, Reply, Request};
use autocut::model::specs::{JoinSpec, SegmentInfo, SegmentSpec, SourceRun, StillSpec, VideoEncoder};
use autocut::model::timeline::SourcePicture;
use autocut::model::{self, ActionSpec, Colour, Fit, Matrix, MediaInfo, Sampling, VideoFormat, VideoInfo};

use crate::decode::Film;
use crate::serve::Kept;
use crate::{av, probe, pulse, serve};

const BT709: Colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };

/// A file of the test data; says so where it is not here.
pub(crate) fn testdata(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AUTOCUT_TESTDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/testdata"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln_skipped();
        return None;
    }
    Some(path)
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn eprintln_skipped() {
    eprintln!("skipped: ../shared/testdata is not here");
}

pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("autocut-media-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs an action on files that are named by their paths.
fn act(spec: ActionSpec, files: &[&Path], name: &str) -> Produced {
    av::start();
    let inputs: BTreeMap<_, _> = files.iter().map(|path| (content(path), path.to_path_buf())).collect();
    let invocation =
        Invocation { id: 1, spec, inputs, devices: BTreeMap::new(), packs: Vec::new(), scratch: scratch(name) };
    serve::run(&invocation, &mut Kept::default(), &mut |_, _| Ok(())).unwrap()
}

pub(crate) fn content(path: &Path) -> Digest {
    Digest::of(path.as_os_str().as_encoded_bytes())
}

pub(crate) fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate::new(num, den).unwrap()
}

fn probed(path: &Path) -> Result<MediaInfo, Diagnostic> {
    av::start();
    probe::probe(path, content(path)).map(|(info, _)| info)
}

pub(crate) fn video(path: &Path) -> VideoInfo {
    probed(path).unwrap().video.unwrap()
}

fn picture(video: &VideoInfo) -> SourcePicture {
    SourcePicture {
        stored: video.stored,
        pixel_aspect: video.pixel_aspect,
        orientation: video.orientation,
        colour: video.colour,
        rate: video.rate,
    }
}

fn x264() -> VideoEncoder {
    let options = [
        ("preset", "veryfast"),
        ("crf", "18"),
        ("profile", "high"),
        ("level", "5.1"),
        ("x264-params", "stitchable=1:open-gop=0:cpu-independent=1"),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    VideoEncoder { name: "libx264".to_owned(), options, threads: 1 }
}

pub(crate) fn segment(path: &Path, start: Timestamp, frames: u32, format: VideoFormat, fit: Fit) -> SegmentSpec {
    let picture = picture(&video(path));
    let source = SourceRun { file: content(path), start, frames, picture, fit };
    SegmentSpec { sources: vec![source], format, encoder: x264(), overlays: Vec::new() }
}

fn join(format: VideoFormat, segments: &[&Path], name: &str) -> PathBuf {
    let spec = JoinSpec {
        format,
        segments: segments.iter().map(|path| content(path)).collect(),
        sound: None,
        container: "mp4".to_owned(),
        chapters: vec![(0, "One".to_owned()), (20, "Two".to_owned())],
        title: Some("A title".to_owned()),
        date: None,
        location: None,
    };
    act(ActionSpec::Join(spec), segments, name).files[0].clone()
}

/// The rows of the test data's own table, and `ffprobe -show_streams`.
#[test]
fn probes_of_real_files() {
    let Some(path) = testdata("gopro/karma.mp4") else { return };
    let found = probed(&path).unwrap();
    let karma = found.video.unwrap();
    assert_eq!((karma.stored, karma.rate, karma.frames), (Size::new(854, 480), rate(30_000, 1_001), 362));
    assert!(karma.colour.full_range && !karma.variable_rate);
    assert_eq!(karma.duration, Timestamp::new(362 * 1_001, 30_000));
    assert_eq!(found.device.as_deref(), Some("GoPro"));
    assert!(found.created.is_some());

    let Some(path) = testdata("video/rotated.mp4") else { return };
    let rotated = video(&path);
    assert_eq!((rotated.stored, rotated.rate), (Size::new(1280, 720), rate(30_000, 1_001)));
    assert_eq!(rotated.orientation.quarter_turns % 2, 1);
    assert_eq!(rotated.display_size(), Size::new(720, 1280));

    let Some(path) = testdata("video/portrait-hevc-vfr.mp4") else { return };
    let found = probed(&path).unwrap();
    let portrait = found.video.unwrap();
    assert!(portrait.variable_rate);
    assert_eq!((portrait.codec.as_str(), portrait.rate), ("hevc", rate(30_000, 1_001)));
    assert_eq!(portrait.average_rate, rate(547_500, 19_019));
    let sound = found.audio.unwrap();
    assert_eq!((sound.sample_rate, sound.channels), (44_100, 2));

    let Some(path) = testdata("video/fullrange-60fps.mp4") else { return };
    let full = video(&path);
    assert_eq!((full.rate, full.variable_rate, full.colour.full_range), (rate(60, 1), false, true));
    assert_eq!(full.colour.matrix, Matrix::Bt601);

    let Some(path) = testdata("video/cuts-no-audio.mp4") else { return };
    let found = probed(&path).unwrap();
    assert!(found.audio.is_none());
    assert_eq!(found.video.unwrap().orientation, Orientation::UPRIGHT);
}

/// A phone's uneven film and a camera's even one, which ffmpeg puts into
/// containers that do not list their frames.
#[test]
fn uneven_frames_are_noticed_in_every_container() {
    av::start();
    let folder = scratch("rhythm");
    for (name, is_uneven) in [("video/portrait-hevc-vfr.mp4", true), ("gopro/karma.mp4", false)] {
        let Some(path) = testdata(name) else { return };
        for ending in ["mkv", "ts"] {
            let copy = folder.join(format!("{is_uneven}.{ending}"));
            let mut remux = std::process::Command::new("ffmpeg");
            remux.args(["-v", "error", "-y", "-i"]).arg(&path).args(["-map", "0:v", "-c", "copy"]).arg(&copy);
            assert!(remux.status().unwrap().success());
            assert_eq!(video(&copy).variable_rate, is_uneven, "{}", copy.display());
        }
    }
    // Half of it at 30 pictures a second and half at 24 and 40 by turns: as many
    // on average.
    let path = folder.join("later.mkv");
    let times = "if(lt(N,60),N/30,2+(N-60)/30+if(mod(N,2),1/120,0))";
    let mut film = std::process::Command::new("ffmpeg");
    film.args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=r=30:s=64x64:d=4"]);
    film.args(["-vf", &format!("setpts='({times})/TB'"), "-fps_mode", "passthrough", "-c:v", "libx264", "-g", "15"]);
    assert!(film.args(["-enc_time_base", "1/1000"]).arg(&path).status().unwrap().success());
    assert!(video(&path).variable_rate);
}

#[test]
fn what_is_not_video_is_named_with_its_reason() {
    av::start();
    let folder = scratch("not-video");
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let diagnostic = probed(&path).unwrap_err();
        assert_eq!(diagnostic.tier, Tier::Input);
        let all = format!("{} {}", diagnostic.message, diagnostic.notes.join(" "));
        assert!(all.contains(expected) && all.contains(name), "{all}");
    };
    check("empty.mp4", b"", "empty");
    check("text.mp4", b"dear diary, today I rode my bicycle\n", "not video");
    check("cut.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\x10\0mdatxxxxxxxxxxx", "moov");
    if let Some(music) = testdata("music/kick-120bpm.mp3") {
        check("music.mp3", &std::fs::read(music).unwrap(), "no video stream");
    }
}

/// Whatever is done to a real file, probing and decoding it ends, with a
/// result or an error.
#[test]
fn damaged_files_never_panic() {
    let Some(path) = testdata("video/fullrange-60fps.mp4") else { return };
    av::start();
    let whole = std::fs::read(path).unwrap();
    let damaged = scratch("damaged").join("damaged.mp4");
    let mut state = 7u32;
    for _ in 0..20 {
        let mut bytes = whole.clone();
        for _ in 0..40 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % bytes.len();
            bytes[at] ^= (state >> 24) as u8;
        }
        bytes.truncate(bytes.len() - state as usize % (bytes.len() / 2));
        std::fs::write(&damaged, bytes).unwrap();
        probed(&damaged).ok();
        if let Ok(mut film) = crate::decode::Film::open(&damaged, av::Skip::Nothing) {
            for second in [0, 5, 2, 100] {
                film.frame_at(Timestamp::from_seconds(second)).ok();
            }
        }
    }
}

/// Of whole files nothing is said, wherever decoding begins.
#[test]
fn whole_footage_is_not_called_damaged() {
    for name in ["gopro/hero7.mp4", "gopro/karma.mp4", "video/cuts-no-audio.mp4", "video/fullrange-60fps.mp4"]
        .into_iter()
        .chain(["video/portrait-hevc-vfr.mp4", "video/rotated.mp4"])
    {
        let Some(path) = testdata(name) else { return };
        av::start();
        assert_eq!(probe::probe(&path, content(&path)).unwrap().1, [], "{name}");
        for skip in [av::Skip::Nothing, av::Skip::LoopFilterOfUnreferenced] {
            let mut film = crate::decode::Film::open(&path, skip).unwrap();
            for tenth in [0, 1, 2, 50, 51, 20, 100, 7, 60, 61, 1_000] {
                film.frame_at(Timestamp::new(tenth, 10)).unwrap();
            }
            let found = film.losses(Timestamp::from_seconds(-1), Timestamp::from_seconds(1_000));
            assert!(!film.is_damaged() && !film.is_cut_off(), "{name}: {found:?}");
        }
    }
}

/// Every frame of a film by seeking, backwards, is the one that comes by
/// decoding straight on.
#[test]
fn seeking_finds_the_frames_that_decoding_straight_on_gives() {
    for name in ["gopro/hero7.mp4", "video/portrait-hevc-vfr.mp4", "video/rotated.mp4"] {
        let Some(path) = testdata(name) else { return };
        av::start();
        let mut film = crate::decode::Film::open(&path, av::Skip::Nothing).unwrap();
        let digest = |frame: &av::Frame| {
            let plane = frame.plane(0).unwrap();
            Digest::of(
                &plane.data.chunks(plane.stride).flat_map(|row| &row[..plane.width]).copied().collect::<Vec<_>>(),
            )
        };
        let times: Vec<Timestamp> = (0..24).map(|i| Timestamp::new(i * 13, 70)).collect();
        let straight: Vec<_> = times
            .iter()
            .map(|time| film.frame_at(*time).map(|shown| (shown.time, digest(shown.frame))).unwrap())
            .collect();
        for (time, expected) in times.iter().zip(&straight).rev() {
            let shown = film.frame_at(*time).unwrap();
            assert!(shown.time <= *time);
            assert_eq!((shown.time, digest(shown.frame)), *expected, "{name} at {time}");
        }
    }
}

/// Two segments joined: as many frames as planned, evenly spaced, decoded
/// without a warning, and near to the source.
#[test]
fn segments_join_to_what_was_planned() {
    let Some(path) = testdata("gopro/hero7.mp4") else { return };
    let info = video(&path);
    let format = VideoFormat { size: info.stored, rate: info.rate, colour: info.colour, sampling: Sampling::default() };
    let mut files = Vec::new();
    for (index, (start, frames)) in [(0, 40u32), (40, 50)].into_iter().enumerate() {
        let spec = segment(&path, info.rate.time_of(start), frames, format, Fit::Fit);
        let made = act(ActionSpec::Segment(spec), &[&path], &format!("segment-{index}"));
        let info: SegmentInfo = model::decode(&made.value).unwrap();
        assert_eq!((info.frames, info.held), (frames, 0));
        files.push(made.files[0].clone());
    }
    let joined = join(format, &[&files[0], &files[1]], "joined");
    let name = joined.to_str().unwrap();
    assert_eq!(output("ffmpeg", &["-v", "warning", "-i", name, "-f", "null", "-"]), "");
    let times = output(
        "ffprobe",
        &["-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts", "-of", "csv=p=0", name],
    );
    let times: Vec<i64> = times.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    assert_eq!(times, (0..90).map(|n| n * 1_001).collect::<Vec<i64>>());
    let source = path.to_str().unwrap();
    let ssim = output(
        "ffmpeg",
        &["-v", "info", "-i", name, "-i", source, "-lavfi", "[0:v:0][1:v:0]ssim=shortest=1", "-f", "null", "-"],
    );
    let all: f64 = ssim.split("All:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    assert!(all > 0.97, "{all}");
}

#[test]
fn the_same_segment_twice_is_the_same_bytes() {
    let Some(path) = testdata("video/rotated.mp4") else { return };
    let format =
        VideoFormat { size: Size::new(320, 180), rate: rate(25, 1), colour: BT709, sampling: Sampling::default() };
    let spec = segment(&path, Timestamp::new(1, 3), 20, format, Fit::Blur);
    let once = act(ActionSpec::Segment(spec.clone()), &[&path], "once");
    let twice = act(ActionSpec::Segment(spec), &[&path], "twice");
    assert_eq!(std::fs::read(&once.files[0]).unwrap(), std::fs::read(&twice.files[0]).unwrap());
    assert_eq!(once.value, twice.value);
}

#[test]
fn a_source_that_ends_is_held() {
    let Some(path) = testdata("video/rotated.mp4") else { return };
    let info = video(&path);
    let format =
        VideoFormat { size: Size::new(180, 320), rate: info.rate, colour: BT709, sampling: Sampling::default() };
    let frames = info.rate.nearest_frame(info.duration);
    let spec = segment(&path, info.rate.time_of(frames - 5), 12, format, Fit::Fit);
    let made = act(ActionSpec::Segment(spec), &[&path], "held");
    assert_eq!(model::decode::<SegmentInfo>(&made.value).unwrap().held, 7);
}

/// ffmpeg turns rotated files upright itself when it makes a picture of them.
#[test]
fn a_still_is_the_picture_that_ffmpeg_shows() {
    for (name, size) in [("rotated", "720x1280"), ("fullrange-60fps", "320x240")] {
        let Some(path) = testdata(&format!("video/{name}.mp4")) else { return };
        let info = video(&path);
        let spec = StillSpec {
            file: content(&path),
            at: Timestamp::from_seconds(1),
            picture: picture(&info),
            within: info.display_size(),
        };
        let made = act(ActionSpec::Still(spec), &[&path], &format!("still-{name}"));
        let ours = made.files[0].to_str().unwrap();
        let theirs = scratch(&format!("still-{name}")).join("theirs.png");
        let theirs = theirs.to_str().unwrap();
        output("ffmpeg", &["-v", "error", "-y", "-ss", "1", "-i", path.to_str().unwrap(), "-frames:v", "1", theirs]);
        let facts =
            output("ffprobe", &["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0:s=x", ours]);
        assert_eq!(facts.trim(), size);
        let filter = "[0:v]format=rgb24[a];[1:v]format=rgb24[b];[a][b]psnr";
        let psnr = output("ffmpeg", &["-v", "info", "-i", ours, "-i", theirs, "-lavfi", filter, "-f", "null", "-"]);
        let average: f64 =
            psnr.split("average:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
        assert!(average > 33.0, "{name}: {average} dB, see {ours} and {theirs}");
    }
}

/// Settings that end in other parameter sets (another level) of one number: each
/// key frame brings its own, and ffmpeg decodes all of it.
#[test]
fn segments_of_other_parameter_sets_bring_them_along() {
    let Some(path) = testdata("video/fullrange-60fps.mp4") else { return };
    let format =
        VideoFormat { size: Size::new(160, 120), rate: rate(60, 1), colour: BT709, sampling: Sampling::default() };
    let mut files = Vec::new();
    for level in ["4.0", "5.1"] {
        let mut spec = segment(&path, Timestamp::ZERO, 10, format, Fit::Fit);
        spec.encoder.options.push(("level".to_owned(), level.to_owned()));
        files.push(act(ActionSpec::Segment(spec), &[&path], &format!("level-{level}")).files[0].clone());
    }
    let spec = JoinSpec {
        format,
        segments: files.iter().map(|path| content(path)).collect(),
        sound: None,
        container: "mp4".to_owned(),
        chapters: Vec::new(),
        title: None,
        date: None,
        location: None,
    };
    let inputs = files.iter().map(|path| (content(path), path.clone())).collect();
    let invocation = Invocation {
        id: 1,
        spec: ActionSpec::Join(spec),
        inputs,
        devices: BTreeMap::new(),
        packs: Vec::new(),
        scratch: scratch("levels"),
    };
    let made = serve::run(&invocation, &mut Kept::default(), &mut |_, _| Ok(())).unwrap();
    let film = made.files[0].to_str().unwrap();
    let decode = ["-v", "warning", "-xerror", "-i", film, "-f", "framemd5", "-"];
    let output = std::process::Command::new("ffmpeg").args(decode).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let frames = String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(frames, 20);
}

/// What `autocut` sees over the socket: greeting, progress, a result, a
/// failure that does not end the process, and a clean end.
#[test]
fn serves_over_a_socket() {
    let Some(path) = testdata("video/rotated.mp4") else { return };
    av::start();
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let requests = std::iter::from_fn(|| protocol::receive::<Request>(&mut &theirs).transpose());
        serve::serve(requests, &theirs)
    });
    let mut ask = |request: &Request| protocol::send(&mut ours, request).unwrap();
    let format =
        VideoFormat { size: Size::new(160, 90), rate: rate(30, 1), colour: BT709, sampling: Sampling::default() };
    let spec = ActionSpec::Segment(segment(&path, Timestamp::ZERO, 5, format, Fit::Fill));
    let inputs = BTreeMap::from([(content(&path), path.clone())]);
    let good =
        Invocation { id: 7, spec, inputs, devices: BTreeMap::new(), packs: Vec::new(), scratch: scratch("served") };
    let bad = Invocation { id: 8, inputs: BTreeMap::new(), ..good.clone() };
    ask(&Request::Hello { version: PROTOCOL_VERSION });
    ask(&Request::Run(vec![bad, good]));
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let mut replies = Vec::new();
    while let Some(reply) = protocol::receive::<Reply>(&mut ours).unwrap() {
        replies.push(reply);
    }
    assert!(matches!(replies[0], Reply::Hello { version: PROTOCOL_VERSION }));
    assert!(matches!(replies[1], Reply::Failed { id: 8, .. }));
    assert!(replies.iter().any(|reply| matches!(reply, Reply::Progress { id: 7, total: 5, .. })));
    let Some(Reply::Done { id: 7, usage, .. }) = replies.last() else { panic!("{replies:?}") };
    assert!(usage.cpu_us > 0 && usage.shared == 1, "{usage:?}");
    server.join().unwrap().unwrap();
}

/// Noise, so that it is large, in one group of pictures, as screen recorders
/// make them: whoever wants its end decodes all of it.
fn one_group_of_noise(name: &str) -> PathBuf {
    let path = scratch(name).join("noise.mp4");
    let source = ["-f", "lavfi", "-i", "nullsrc=s=160x120:r=30:d=4,noise=alls=90:allf=t+u"];
    let coder = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "9999", "-pix_fmt", "yuv420p"];
    let arguments = [&["-v", "error", "-y"], &source[..], &coder[..], &[path.to_str().unwrap()]].concat();
    output("ffmpeg", &arguments);
    path
}

#[test]
fn the_way_to_a_far_frame_shows_signs_of_life() {
    av::start();
    let path = one_group_of_noise("far");
    let mut film = Film::open(&path, av::Skip::Nothing).unwrap();
    let before = pulse::beats();
    let shown = film.frame_at(Timestamp::from_millis(3_900)).unwrap();
    assert!(shown.time > Timestamp::from_millis(3_800));
    let beats = pulse::beats() - before;
    assert!(beats >= 110, "{beats} signs of life on the way over 117 frames");
}

/// The index is put before the pictures when it is known, which moves them all.
#[test]
fn completing_a_large_file_shows_signs_of_life() {
    let path = one_group_of_noise("complete");
    let format =
        VideoFormat { size: Size::new(160, 120), rate: rate(30, 1), colour: BT709, sampling: Sampling::default() };
    let spec = ActionSpec::Segment(segment(&path, Timestamp::ZERO, 120, format, Fit::Fit));
    let segment = act(spec, &[&path], "complete-segment").files[0].clone();
    let before = pulse::beats();
    let joined = join(format, &[&segment], "complete-join");
    let (beats, blocks) = (pulse::beats() - before, std::fs::metadata(joined).unwrap().len() / (32 << 10));
    // Measured: 40 over 27 blocks. How large the blocks of each pass are is
    // libavformat's affair, so no more is asked than that none passes in silence.
    assert!(blocks > 10 && beats > blocks, "{beats} signs of life over {blocks} blocks");
}

/// Over the socket they are told once a second, beside the answers.
#[test]
fn signs_of_life_are_told() {
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let told = std::thread::spawn(move || {
        pulse::tell(ours);
        let since = std::time::Instant::now();
        while since.elapsed() < std::time::Duration::from_millis(1_100) {
            pulse::beat();
        }
    });
    told.join().unwrap();
    let replies: Vec<Reply> = std::iter::from_fn(|| protocol::receive(&mut theirs).unwrap()).collect();
    assert!(matches!(replies[..], [Reply::Alive]), "{replies:?}");
}

mod telecine;
