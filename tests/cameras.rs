//! Footage of every kind that cameras write: one known picture in each codec,
//! container, pixel format, range and matrix that the system's ffmpeg can make,
//! all in one reel. The right colour must be at the right place at the right
//! time, by what the picture was made of and by ffmpeg's own decode of the
//! same file.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Project, decode_warnings, frame_hashes, tool};

type Rgb = [u8; 3];

/// Left above, right above, left below, right below.
const QUADRANTS: [Rgb; 4] = [[190, 50, 45], [45, 160, 70], [50, 70, 180], [200, 190, 60]];
/// Levels of HDR that BT.709 can show.
const SOFT: [Rgb; 4] = [[150, 110, 100], [95, 125, 90], [90, 100, 135], [140, 140, 110]];
const SOFTER: [Rgb; 4] = [[125, 112, 108], [104, 116, 103], [100, 106, 116], [116, 116, 106]];
/// What they are in SDR, worked out by another program from the formulas of
/// BT.2100, BT.2390, BT.2087 and BT.1886 (see docs/media.md for which is used
/// where).
const OF_PQ: [Rgb; 4] = [[195, 136, 130], [101, 155, 117], [102, 129, 154], [153, 152, 124]];
const OF_HLG: [Rgb; 4] = [[187, 119, 114], [88, 142, 101], [92, 113, 148], [160, 158, 124]];
const OF_BT2020: [Rgb; 4] = [[170, 103, 98], [69, 128, 85], [78, 101, 138], [142, 140, 106]];
/// Of the stored picture, but for odd sizes.
const SIZE: (usize, usize) = (256, 144);
const FRAMES: usize = 30;
const RATE: usize = 30;
/// Where clips start and how long they are, in frames.
const START: usize = 6;
const LENGTH: usize = 15;
/// By how much a level may differ from what the picture was made of, and from
/// what ffmpeg decodes: lossy coding, 8-bit limited range twice, and rounding.
const FROM_MADE: u8 = 9;
const FROM_FFMPEG: u8 = 6;

/// Grey of the block in the middle of frame `n`: its number can be seen.
fn grey(n: usize) -> u8 {
    (30 + 6 * n) as u8
}

/// Frames of the known picture as packed RGB.
fn picture((width, height): (usize, usize), quadrants: [Rgb; 4]) -> Vec<u8> {
    let mut all = Vec::with_capacity(width * height * 3 * FRAMES);
    for n in 0..FRAMES {
        for y in 0..height {
            for x in 0..width {
                let middle = x.abs_diff(width / 2) < 32 && y.abs_diff(height / 2) < 24;
                let quadrant = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
                all.extend(if middle { [grey(n); 3] } else { quadrants[quadrant] });
            }
        }
    }
    all
}

/// One file of footage and how it must be shown.
struct Case {
    name: &'static str,
    extension: &'static str,
    encoder: &'static str,
    pixels: &'static str,
    matrix: &'static str,
    full: bool,
    options: &'static str,
    odd: bool,
    filter: &'static str,
    /// Options of a second run of ffmpeg, without encoding.
    remux: Option<(&'static str, &'static str)>,
    /// Entries a, b, c, d of the display matrix, in whole numbers.
    turn: Option<[i32; 4]>,
    /// Primaries and transfer; those of the matrix where left out.
    light: Option<(&'static str, &'static str)>,
    /// What is painted, and what is to be seen of it.
    made: [Rgb; 4],
    expected: [Rgb; 4],
    /// Which quadrant is seen at each place.
    seen: [usize; 4],
    /// Size in square pixels, upright.
    shown: (usize, usize),
    /// Which frame of the picture frame `n` of the file's own time shows.
    frame: fn(usize) -> usize,
}

fn case(name: &'static str, extension: &'static str, encoder: &'static str, pixels: &'static str) -> Case {
    Case {
        name,
        extension,
        encoder,
        pixels,
        matrix: "smpte170m",
        full: pixels.starts_with("yuvj"),
        options: "",
        odd: false,
        filter: "",
        remux: None,
        turn: None,
        light: None,
        made: QUADRANTS,
        expected: QUADRANTS,
        seen: [0, 1, 2, 3],
        shown: SIZE,
        frame: |n| n,
    }
}

impl Case {
    fn bt709(self) -> Case {
        Case { matrix: "bt709", ..self }
    }
    fn full(self) -> Case {
        Case { full: true, ..self }
    }
    fn with(self, options: &'static str) -> Case {
        Case { options, ..self }
    }
    fn filter(self, filter: &'static str) -> Case {
        Case { filter, ..self }
    }
    fn remuxed(self, before: &'static str, after: &'static str) -> Case {
        Case { remux: Some((before, after)), ..self }
    }
    fn frames(self, frame: fn(usize) -> usize) -> Case {
        Case { frame, ..self }
    }
    fn turned(self, turn: [i32; 4], seen: [usize; 4]) -> Case {
        let shown = if turn[0] == 0 { (SIZE.1, SIZE.0) } else { SIZE };
        Case { turn: Some(turn), seen, shown, ..self }
    }
    /// The levels of `SOFT` (`SOFTER` for PQ) in that light are shown as these.
    fn light(self, primaries: &'static str, transfer: &'static str, expected: [Rgb; 4]) -> Case {
        let made = if transfer == "smpte2084" { SOFTER } else { SOFT };
        Case { light: Some((primaries, transfer)), made, expected, matrix: "bt2020nc", ..self }
    }
    fn odd(self) -> Case {
        Case { odd: true, shown: (255, 143), ..self }
    }
    fn shown(self, width: usize, height: usize) -> Case {
        Case { shown: (width, height), ..self }
    }

    fn file(&self) -> String {
        format!("footage/{}.{}", self.name, self.extension)
    }
}

fn codecs() -> Vec<Case> {
    vec![
        case("a-h264", "mp4", "libx264", "yuv420p").bt709(),
        case("a-h264-full", "mp4", "libx264", "yuvj420p"),
        case("a-h264-full-709", "mov", "libx264", "yuv420p").bt709().full(),
        case("a-h264-422", "mov", "libx264", "yuv422p").bt709(),
        case("a-h264-422-10", "mov", "libx264", "yuv422p10le").bt709(),
        case("a-h264-420-10", "mkv", "libx264", "yuv420p10le").bt709(),
        case("a-h264-444", "mp4", "libx264", "yuv444p").bt709(),
        case("a-h264-rgb", "mkv", "libx264rgb", "rgb24"),
        case("a-h264-baseline", "mp4", "libx264", "yuv420p").with("-profile:v baseline"),
        case("a-h264-open-gop", "ts", "libx264", "yuv420p")
            .bt709()
            .with("-x264-params open-gop=1:bframes=3:b-pyramid=2"),
        case("b-hevc", "mp4", "libx265", "yuv420p").bt709().with("-tag:v hvc1"),
        case("b-hevc-full", "mp4", "libx265", "yuv420p").bt709().full(),
        case("b-hevc-10", "mp4", "libx265", "yuv420p10le").bt709(),
        case("b-hevc-422-10", "mov", "libx265", "yuv422p10le").bt709(),
        case("b-hevc-444-12", "mkv", "libx265", "yuv444p12le").bt709(),
        case("c-av1", "mp4", "libsvtav1", "yuv420p").bt709().with("-preset 10 -crf 20"),
        case("c-av1-10", "mkv", "libsvtav1", "yuv420p10le").bt709().with("-preset 10 -crf 20"),
        case("c-av1-444", "mkv", "libaom-av1", "yuv444p").bt709().with("-cpu-used 8 -crf 15 -usage realtime"),
        case("d-vp8", "webm", "libvpx", "yuv420p").with("-b:v 4M -deadline realtime -cpu-used 8"),
        case("d-vp9", "webm", "libvpx-vp9", "yuv420p").bt709().with("-b:v 4M -deadline realtime -cpu-used 8"),
        case("d-vp9-10", "webm", "libvpx-vp9", "yuv420p10le").bt709().with("-b:v 4M -deadline realtime -cpu-used 8"),
        case("d-vp9-444", "mkv", "libvpx-vp9", "yuv444p").bt709().with("-b:v 4M -deadline realtime -cpu-used 8"),
        case("e-mpeg4", "mp4", "mpeg4", "yuv420p").with("-q:v 2 -bf 2"),
        case("e-mpeg4", "avi", "mpeg4", "yuv420p").with("-q:v 2"),
        case("e-mpeg2", "ts", "mpeg2video", "yuv420p").with("-q:v 2 -bf 2"),
        case("e-mpeg2", "mpg", "mpeg2video", "yuv420p").with("-q:v 2 -bf 2 -f vob"),
        case("e-mpeg2-422", "mxf", "mpeg2video", "yuv422p").bt709().with("-q:v 2"),
        case("f-mjpeg", "avi", "mjpeg", "yuvj420p").with("-q:v 2"),
        case("f-mjpeg-422", "mov", "mjpeg", "yuvj422p").with("-q:v 2"),
        case("f-mjpeg-444", "mkv", "mjpeg", "yuvj444p").with("-q:v 2"),
        case("g-prores", "mov", "prores_ks", "yuv422p10le").with("-profile:v hq"),
        case("g-prores-4444", "mov", "prores_ks", "yuva444p10le").with("-profile:v 4444"),
        case("g-dnxhr-hq", "mov", "dnxhd", "yuv422p").bt709().with("-profile:v dnxhr_hq"),
        case("g-dnxhr-hqx", "mxf", "dnxhd", "yuv422p10le").bt709().with("-profile:v dnxhr_hqx"),
        case("g-dnxhr-444", "mov", "dnxhd", "yuv444p10le").bt709().with("-profile:v dnxhr_444"),
        case("g-ffv1-rgb", "mkv", "ffv1", "gbrp10le"),
        case("g-ffv1-16", "mkv", "ffv1", "yuv420p16le").bt709(),
    ]
}

fn containers() -> Vec<Case> {
    let h264 = |name, extension| case(name, extension, "libx264", "yuv420p").bt709();
    vec![
        h264("a-fragmented", "mp4").with("-movflags frag_keyframe+empty_moov+default_base_moof"),
        h264("a-late-start", "mp4").with("-output_ts_offset 5"),
        h264("a-no-edits", "mp4").with("-bf 2 -use_editlist 0"),
        // Six frames are there and not shown.
        h264("a-edited", "mp4").with("-bf 2").remuxed("-ss 0.2", "").frames(|n| n + 6),
        h264("b-late-start", "mkv").with("-output_ts_offset 3.5"),
        h264("b-transport", "ts"),
        h264("b-transport-late", "mts").with("-output_ts_offset 40 -f mpegts -mpegts_m2ts_mode 1"),
        h264("b-flash", "flv"),
        h264("c-timecode", "mov").with("-timecode 01:00:00:00"),
        // The second track is the default one; the first is all of one colour.
        h264("c-tracks", "mp4")
            .remuxed("-i footage/decoy.mp4", "-map 1:v -map 0:v -disposition:v:0 0 -disposition:v:1 default"),
        h264("c-tracks", "mkv")
            .remuxed("-i footage/decoy.mp4", "-map 1:v -map 0:v -disposition:v:0 0 -disposition:v:1 default"),
        h264("c-varying", "mp4")
            .filter("select='not(eq(mod(n,5),3))'")
            .with("-fps_mode vfr -video_track_timescale 90000")
            .frames(|n| if n % 5 == 3 { n - 1 } else { n }),
        h264("c-varying", "mkv")
            .filter("select='not(eq(mod(n,7),4))'")
            .with("-fps_mode vfr")
            .frames(|n| if n % 7 == 4 { n - 1 } else { n }),
        h264("d-anamorphic", "mp4").filter("setsar=4/3").shown(341, 144),
        h264("d-narrow", "mkv").filter("setsar=1/2").shown(128, 144),
        case("d-odd", "mp4", "libx264", "yuv444p").bt709().odd(),
        case("d-odd", "avi", "mjpeg", "yuvj420p").with("-q:v 2").odd(),
        case("d-odd", "webm", "libvpx-vp9", "yuv420p").with("-b:v 4M -deadline realtime -cpu-used 8").odd(),
        h264("e-turn-90", "mp4").turned([0, 1, -1, 0], [2, 0, 3, 1]),
        h264("e-turn-180", "mov").turned([-1, 0, 0, -1], [3, 2, 1, 0]),
        h264("e-turn-270", "mp4").turned([0, -1, 1, 0], [1, 3, 0, 2]),
        h264("e-flip-across", "mp4").turned([-1, 0, 0, 1], [1, 0, 3, 2]),
        h264("e-flip-down", "mp4").turned([1, 0, 0, -1], [2, 3, 0, 1]),
        h264("e-transposed", "mp4").turned([0, 1, 1, 0], [0, 2, 1, 3]),
        h264("e-anti-transposed", "mp4").turned([0, -1, -1, 0], [3, 1, 2, 0]),
    ]
}

/// What the local ffmpeg's encoder takes; `None` where it has none.
fn takes(encoder: &str, pixels: &str) -> bool {
    let help = tool("ffmpeg", &["-hide_banner", "-h", &format!("encoder={encoder}")]);
    let formats = help.lines().find_map(|line| line.trim().strip_prefix("Supported pixel formats:"));
    formats.is_some_and(|formats| formats.split_whitespace().any(|format| format == pixels))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// Makes the file of a case; false, said visibly, where the local ffmpeg has
/// no encoder for it.
fn make(project: &Project, case: &Case) -> bool {
    if !takes(case.encoder, case.pixels) {
        eprintln!("skipped: {}: this ffmpeg has no {} for {}", case.name, case.encoder, case.pixels);
        return false;
    }
    let (width, height) = if case.odd { (SIZE.0 - 1, SIZE.1 - 1) } else { SIZE };
    let raw = format!("raw-{width}-{}.rgb", case.made[0][0]);
    if !project.path(&raw).exists() {
        project.write(&raw, picture((width, height), case.made));
    }
    let (size, rate) = (format!("{width}x{height}"), RATE.to_string());
    let range = if case.full || case.pixels == "rgb24" { "pc" } else { "tv" };
    let comma = if case.filter.is_empty() { "" } else { "," };
    let filter = format!(
        "{}{comma}scale=out_color_matrix={}:out_range={range}:flags=bicubic+accurate_rnd,format={}",
        case.filter,
        case.matrix.trim_end_matches("nc"),
        case.pixels
    );
    let first = if case.remux.is_some() { format!("whole.{}", case.extension) } else { case.file() };
    let mut args = vec!["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", &rate];
    args.extend(["-i", &raw, "-vf", &filter, "-c:v", case.encoder, "-g", "12", "-threads", "1"]);
    // Red, green and blue that are tagged as anything else are taken for it.
    let tag = if case.pixels == "rgb24" { "rgb" } else { case.matrix };
    let (primaries, transfer) = case.light.unwrap_or((case.matrix, case.matrix));
    args.extend(["-colorspace", tag, "-color_primaries", primaries, "-color_trc", transfer]);
    args.extend(["-color_range", range]);
    match case.encoder {
        "libx264" | "libx264rgb" => args.extend(["-preset", "ultrafast", "-crf", "12"]),
        "libx265" => args.extend(["-preset", "ultrafast", "-crf", "12", "-x265-params", "log-level=error"]),
        _ => {}
    }
    args.extend(words(case.options));
    args.push(&first);
    ffmpeg(project, &args);
    if let Some((before, after)) = case.remux {
        let mut args = vec!["-v", "error", "-y"];
        let extra_input = before.starts_with("-i");
        args.extend(words(before).filter(|_| !extra_input));
        args.extend(["-i", &first]);
        args.extend(words(before).filter(|_| extra_input));
        args.extend(["-c", "copy"]);
        args.extend(words(after));
        let file = case.file();
        args.push(&file);
        ffmpeg(project, &args);
    }
    if let Some([a, b, c, d]) = case.turn {
        let path = project.path(&case.file());
        let mut bytes = fs::read(&path).unwrap();
        // ISO/IEC 14496-12, 8.3.2: version 0 of `tkhd` has its matrix 44 bytes
        // after its name.
        let at = bytes.windows(4).position(|four| four == b"tkhd").unwrap() + 44;
        for (place, entry) in [(0, a), (1, b), (3, c), (4, d)] {
            bytes[at + 4 * place..][..4].copy_from_slice(&(entry << 16).to_be_bytes());
        }
        fs::write(path, bytes).unwrap();
    }
    true
}

fn ffmpeg(project: &Project, args: &[&str]) {
    fs::create_dir_all(project.path("footage")).unwrap();
    let output = Command::new("ffmpeg").current_dir(project.path("")).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "ffmpeg {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}

/// A decoded picture of packed RGB.
struct Shot<'a> {
    data: &'a [u8],
    width: usize,
}

impl Shot<'_> {
    /// The mean of the 5 by 5 pixels around a place.
    fn at(&self, x: usize, y: usize) -> Rgb {
        let around = |at: usize| at.saturating_sub(2)..at + 3;
        let mut sum = [0u32; 3];
        for y in around(y) {
            for x in around(x) {
                let pixel = &self.data[(y * self.width + x) * 3..][..3];
                sum.iter_mut().zip(pixel).for_each(|(sum, level)| *sum += u32::from(*level));
            }
        }
        sum.map(|sum| (sum / 25) as u8)
    }

    /// The middles of the quadrants of the picture that lies at that corner.
    fn quadrants(&self, (left, top): (usize, usize), (width, height): (usize, usize)) -> [Rgb; 4] {
        [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| self.at(left + width * x / 4, top + height * y / 4))
    }
}

fn near(a: Rgb, b: Rgb, tolerance: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= tolerance)
}

/// All frames of a file, or the first `count`, as ffmpeg shows them.
fn decode(path: &Path, count: &str) -> Vec<u8> {
    let args = ["-v", "error", "-i", path.to_str().unwrap(), "-fps_mode", "passthrough", "-frames:v", count];
    let output = Command::new("ffmpeg")
        .args(args)
        .args(["-sws_flags", "bicubic+accurate_rnd", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Makes a reel of the cases in the size of the source and in a larger one,
/// and looks at every frame.
fn check(mut cases: Vec<Case>) {
    let project = Project::new();
    project.write("footage/.keep", "");
    ffmpeg(
        &project,
        &words("-v error -f lavfi -i color=c=gray:s=256x144:r=30:d=1 -c:v libx264 footage/decoy.mp4")
            .collect::<Vec<_>>(),
    );
    cases.retain(|case| make(&project, case));
    fs::remove_file(project.path("footage/decoy.mp4")).unwrap();
    fs::remove_file(project.path("footage/.keep")).unwrap();

    // Files of one name are told apart by their extensions.
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    cases.iter().for_each(|case| *names.entry(case.name).or_default() += 1);
    let pins: Vec<String> = cases
        .iter()
        .map(|case| match names[case.name] {
            1 => format!("\"mix/{}@0.2s\"", case.name),
            _ => format!("\"mix/{}@0.2s\"", case.file()),
        })
        .collect();
    let pins = pins.iter().map(|pin| pin.replace("footage/", "footage-")).collect::<Vec<_>>().join(", ");
    project.write(
        "autocut.ron",
        format!(
            r#"Project(
                version: 1,
                footage: {{ "mix": Footage(files: ["footage/*"], fit: Fit) }},
                moments: Moments(length: "0.5s", pre_roll: "0s", weights: {{}}, pins: [{pins}]),
                outputs: {{
                    "same": Reel(file: "same.mp4", video: Video(size: "256x144", rate: "30", quality: 12)),
                    "larger": Reel(file: "larger.mp4", video: Video(size: "400x240", rate: "30", quality: 12)),
                }},
            )"#
        ),
    );
    project.make();
    let order = project.ok(&["explain", "moments"]);
    eprintln!("{order}");
    // As the recordings are: by name, then by path.
    cases.sort_by_key(|case| (case.name, case.file()));
    let mut wrong = Vec::new();
    for (name, size) in [("same.mp4", SIZE), ("larger.mp4", (400, 240))] {
        let reel = project.path(name);
        assert_eq!(frame_hashes(&reel).len(), cases.len() * LENGTH);
        assert_eq!(decode_warnings(&reel), "");
        let frames = decode(&reel, "100000");
        let shots: Vec<Shot> = frames.chunks(size.0 * size.1 * 3).map(|data| Shot { data, width: size.0 }).collect();
        for (case, shots) in cases.iter().zip(shots.chunks(LENGTH)) {
            look(&project, case, size, shots, &mut |what| wrong.push(format!("{name}: {}: {what}", case.file())));
        }
    }
    if !wrong.is_empty() {
        let kept = std::env::temp_dir().join("autocut-cameras");
        fs::create_dir_all(&kept).unwrap();
        for name in ["same.mp4", "larger.mp4"] {
            fs::copy(project.path(name), kept.join(name)).unwrap();
        }
        panic!("see {}:\n{}", kept.display(), wrong.join("\n"));
    }
}

/// What is wrong with the frames of one clip.
fn look(project: &Project, case: &Case, size: (usize, usize), shots: &[Shot], wrong: &mut dyn FnMut(String)) {
    // Scaled to fit, in the middle.
    let (width, height) = case.shown;
    let (width, height) = if width * size.1 > height * size.0 {
        (size.0, height * size.0 / width)
    } else {
        (width * size.1 / height, size.1)
    };
    let corner = ((size.0 - width) / 2, (size.1 - height) / 2);
    let expected = case.seen.map(|quadrant| case.expected[quadrant]);
    for (n, shot) in shots.iter().enumerate() {
        let found = shot.quadrants(corner, (width, height));
        if !found.iter().zip(expected).all(|(found, made)| near(*found, made, FROM_MADE)) {
            wrong(format!("frame {n} has {found:?} where {expected:?} was made"));
            break;
        }
    }
    let block = |shot: &Shot| shot.at(size.0 / 2, size.1 / 2);
    let numbers: Vec<usize> =
        shots.iter().map(|shot| (usize::from(block(shot)[1]) + 3).saturating_sub(30) / 6).collect();
    let right: Vec<usize> = (START..START + LENGTH).map(case.frame).collect();
    if numbers != right && case.light.is_none() {
        let greys: Vec<u8> = shots.iter().map(|shot| block(shot)[1]).collect();
        wrong(format!("shows frames {numbers:?} ({greys:?}) and not {right:?}"));
    }
    // Bars that are wide enough to be looked at.
    for (bar, x, y) in [(corner.1, size.0 / 2, corner.1 / 2), (corner.0, corner.0 / 2, size.1 / 2)] {
        if bar >= 8 && !near(shots[0].at(x, y), [0; 3], 4) {
            wrong(format!("no bar at {x}, {y}"));
        }
    }
    // Several tracks: ffmpeg chooses by another rule. Light it leaves as it is.
    if case.name.contains("tracks") || case.light.is_some() {
        return;
    }
    let theirs = decode(&project.path(&case.file()), "1");
    let (width_theirs, height_theirs) = match (case.odd, case.turn) {
        (true, _) => (SIZE.0 - 1, SIZE.1 - 1),
        (_, Some([0, ..])) => (SIZE.1, SIZE.0),
        _ => SIZE,
    };
    let theirs = Shot { data: &theirs, width: width_theirs };
    let theirs = theirs.quadrants((0, 0), (width_theirs, height_theirs));
    let ours = shots[0].quadrants(corner, (width, height));
    if !ours.iter().zip(theirs).all(|(ours, theirs)| near(*ours, theirs, FROM_FFMPEG)) {
        wrong(format!("{ours:?} where ffmpeg shows {theirs:?}"));
    }
}

#[test]
fn every_codec_and_pixel_format_shows_the_same_picture() {
    check(codecs());
}

#[test]
fn every_container_track_time_and_orientation_shows_the_right_frames() {
    check(containers());
}

/// What a picture of another shape looks like in a wide frame, by `fit`: the
/// whole of it in the middle, or the middle of it over all.
#[test]
fn other_shapes_are_boxed_cropped_or_put_over_a_blur() {
    let cases = || {
        vec![
            case("a-turned", "mp4", "libx264", "yuv420p").bt709().turned([0, 1, -1, 0], [2, 0, 3, 1]),
            case("b-narrow", "mkv", "libx265", "yuv420p10le").bt709().filter("setsar=1/2").shown(128, 144),
            case("c-odd", "avi", "mjpeg", "yuvj420p").with("-q:v 2").odd(),
            case("d-hlg", "mp4", "libx265", "yuv420p10le")
                .light("bt2020", "arib-std-b67", OF_HLG)
                .filter("setsar=1/2")
                .shown(128, 144),
        ]
    };
    for fit in ["Fit", "Fill", "Blur"] {
        let project = Project::new();
        let made: Vec<Case> = cases().into_iter().filter(|case| make(&project, case)).collect();
        let pins: Vec<String> = made.iter().map(|case| format!("\"mix/{}@0.2s\"", case.name)).collect();
        project.write(
            "autocut.ron",
            format!(
                r#"Project(
                    version: 1,
                    footage: {{ "mix": Footage(files: ["footage/*"], fit: {fit}) }},
                    moments: Moments(length: "0.5s", pre_roll: "0s", weights: {{}}, pins: [{}]),
                    outputs: {{
                        "reel": Reel(file: "reel.mp4", video: Video(size: "512x160", rate: "30", quality: 12)),
                    }},
                )"#,
                pins.join(", ")
            ),
        );
        project.make();
        let size = (512, 160);
        let frames = decode(&project.path("reel.mp4"), "100000");
        let shots: Vec<Shot> = frames.chunks(size.0 * size.1 * 3).map(|data| Shot { data, width: size.0 }).collect();
        for (case, shots) in made.iter().zip(shots.chunks(LENGTH)) {
            let (width, height) = case.shown;
            let expected = case.seen.map(|quadrant| case.expected[quadrant]);
            let picture = if fit == "Fill" { size } else { (width * size.1 / height, size.1) };
            let corner = ((size.0 - picture.0) / 2, 0);
            for shot in shots {
                let mut found = shot.quadrants(corner, picture);
                if fit == "Fill" {
                    // The block in the middle may cover much of what is seen.
                    found = [(0.06, 0.1), (0.94, 0.1), (0.06, 0.9), (0.94, 0.9)]
                        .map(|(x, y)| shot.at((size.0 as f64 * x) as usize, (size.1 as f64 * y) as usize));
                }
                let right = found.iter().zip(expected).all(|(found, made)| near(*found, made, FROM_MADE));
                assert!(right, "{fit}: {}: {found:?} and not {expected:?}", case.name);
                // Left of the picture, near the top.
                let beside = shot.at(corner.0 / 2, 20);
                match fit {
                    "Fit" => assert!(near(beside, [0; 3], 4), "{}: {beside:?}", case.name),
                    // The same picture, darker.
                    "Blur" => {
                        let sum = |rgb: Rgb| rgb.iter().map(|level| u32::from(*level)).sum::<u32>();
                        let (dark, light) = (sum(beside), sum(expected[0]));
                        assert!(dark * 10 < light * 8 && dark * 10 > light * 4, "{}: {beside:?}", case.name);
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn hdr_is_tone_mapped_to_sdr() {
    let hevc = |name| case(name, "mp4", "libx265", "yuv420p10le");
    check(vec![
        hevc("a-hlg").light("bt2020", "arib-std-b67", OF_HLG),
        hevc("a-hlg-full").light("bt2020", "arib-std-b67", OF_HLG).full(),
        hevc("b-pq").light("bt2020", "smpte2084", OF_PQ),
        hevc("c-wide").light("bt2020", "bt2020-10", OF_BT2020),
        case("d-hlg-h264", "mov", "libx264", "yuv422p10le").light("bt2020", "arib-std-b67", OF_HLG),
        case("d-hlg-av1", "mkv", "libsvtav1", "yuv420p10le")
            .light("bt2020", "arib-std-b67", OF_HLG)
            .with("-preset 10 -crf 20"),
        case("d-hlg-vp9", "webm", "libvpx-vp9", "yuv420p10le")
            .light("bt2020", "arib-std-b67", OF_HLG)
            .with("-b:v 4M -deadline realtime -cpu-used 8"),
        // An 8-bit picture with the mark of HDR, as some phones write.
        case("e-pq-8", "mp4", "libx264", "yuv420p").light("bt2020", "smpte2084", OF_PQ),
    ]);
}

/// How much lines differ from the mean of their neighbours: fields that do not
/// belong together look like a comb.
fn combing(frames: &[u8], (width, height): (usize, usize)) -> f64 {
    let (mut sum, mut count) = (0u64, 0u64);
    for luma in frames.chunks(width * height) {
        for y in 1..height - 1 {
            for x in 0..width {
                let at = |y: usize| i32::from(luma[y * width + x]);
                sum += u64::from((2 * at(y) - at(y - 1) - at(y + 1)).unsigned_abs());
                count += 1;
            }
        }
    }
    sum as f64 / count as f64
}

/// Luma of all frames of a file.
fn luma(path: &Path) -> Vec<u8> {
    let args = ["-v", "error", "-i", path.to_str().unwrap(), "-fps_mode", "passthrough", "-f", "rawvideo"];
    let output = Command::new("ffmpeg").args(args).args(["-pix_fmt", "gray", "-"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A box that moves fast over a still picture, 50 fields a second as cameras
/// write them, against the same in 25 whole frames.
#[test]
fn interlaced_footage_has_no_combs() {
    let project = Project::new();
    let size = (320, 240);
    let moving = "color=c=gray:s=320x240:r=50:d=2[b];color=c=white:s=48x120:r=50:d=2[w];\
        [b][w]overlay=x='20+mod(n*6,220)':y=60,format=yuv420p";
    let files: [(&str, &str, &str); 4] = [
        ("h264-top.mp4", "interleave_top", "-c:v libx264 -preset fast -crf 12 -flags +ildct+ilme -top 1"),
        ("h264-bottom.mkv", "interleave_bottom", "-c:v libx264 -preset fast -crf 12 -flags +ildct+ilme -top 0"),
        ("mpeg2-top.ts", "interleave_top", "-c:v mpeg2video -q:v 2 -flags +ildct+ilme -top 1"),
        ("prores-top.mov", "interleave_top", "-c:v prores_ks -flags +ildct -top 1"),
    ];
    for (name, mode, options) in files {
        let order = if mode.ends_with("top") { "tff" } else { "bff" };
        let filter = format!("{moving},tinterlace={mode},setfield={order}");
        let file = format!("footage/{name}");
        let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &filter];
        args.extend(words(options));
        args.push(&file);
        ffmpeg(&project, &args);
    }
    // What the fields are of at the time of the second one of each frame.
    let filter = format!("{moving},select='mod(n,2)'");
    ffmpeg(
        &project,
        &["-v", "error", "-y", "-f", "lavfi", "-i", &filter, "-r", "25", "-c:v", "libx264", "-crf", "12", "whole.mp4"],
    );
    let pins: Vec<String> =
        files.iter().map(|(name, ..)| format!("\"mix/{}@0.4s\"", name.split('.').next().unwrap())).collect();
    project.write(
        "autocut.ron",
        format!(
            r#"Project(
                version: 1,
                footage: {{ "mix": Footage(files: ["footage/*"], fit: Fit) }},
                moments: Moments(length: "1s", pre_roll: "0s", weights: {{}}, pins: [{}]),
                outputs: {{ "reel": Reel(file: "reel.mp4", video: Video(size: "320x240", rate: "25", quality: 12)) }},
            )"#,
            pins.join(", ")
        ),
    );
    project.make();
    let frame = size.0 * size.1;
    let whole = luma(&project.path("whole.mp4"));
    let whole = &whole[10 * frame..35 * frame];
    let woven = luma(&project.path("footage/mpeg2-top.ts"));
    let woven = combing(&woven[10 * frame..35 * frame], size);
    let reel = luma(&project.path("reel.mp4"));
    assert_eq!(reel.len(), files.len() * whole.len());
    let mut names: Vec<&str> = files.iter().map(|(name, ..)| *name).collect();
    names.sort();
    for (name, ours) in names.iter().zip(reel.chunks(whole.len())) {
        let (ours_combing, right) = (combing(ours, size), combing(whole, size));
        eprintln!("{name}: combing {ours_combing:.2}, {right:.2} of whole frames, {woven:.2} of woven ones");
        assert!(ours_combing < right + (woven - right) * 0.1, "{name}: {ours_combing:.2}");
        // And it is the picture, not merely a smooth one.
        let off: u64 = ours.iter().zip(whole).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let off = off as f64 / whole.len() as f64;
        assert!(off < 1.5, "{name}: {off:.2} levels off on average");
    }
    let doctor = project.ok(&["doctor"]);
    assert_eq!(doctor.matches("interlaced, top field first").count(), 3, "{doctor}");
    assert_eq!(doctor.matches("interlaced, bottom field first").count(), 1, "{doctor}");
}

/// The heads of ProRes' frames leave colours open where the encoder does; the
/// container states them (`colr`), and FFmpeg's own probing forgets that.
#[test]
fn colours_that_only_the_container_states_count() {
    let project = Project::new();
    project.write(
        "autocut.ron",
        "Project(version: 1, footage: {\"a\": \"a/*\"}, outputs: {\"r\": Reel(file: \"r.mp4\")})",
    );
    std::fs::create_dir_all(project.path("a")).unwrap();
    let make = |name: &str, colours: &[&str]| {
        let path = project.path(name);
        let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=0.4"];
        let coder = ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"];
        let args = [&source[..], &coder, colours, &[path.to_str().unwrap()]].concat();
        common::tool("ffmpeg", &args);
    };
    make("a/sd.mov", &["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]);
    make("a/hlg.mov", &["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"]);
    let said = project.ok(&["doctor"]);
    let of = |name: &str| {
        let from = said.find(name).unwrap_or_else(|| panic!("{name}: {said}"));
        said[from..].chars().take(400).collect::<String>()
    };
    assert!(of("hlg.mov").contains("HLG"), "{said}");
    assert!(of("sd.mov").contains("BT.709"), "{said}");
}

/// FFmpeg states a Matroska file's length from 0, wherever its pictures begin.
#[test]
fn matroska_that_begins_later_is_whole() {
    let project = Project::new();
    project.write(
        "autocut.ron",
        "Project(version: 1, footage: {\"a\": \"a/*\"}, outputs: {\"r\": Reel(file: \"r.mp4\")})",
    );
    std::fs::create_dir_all(project.path("a")).unwrap();
    let path = project.path("a/late.mkv");
    let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30:duration=2"];
    let coder = ["-c:v", "libx264", "-output_ts_offset", "5", path.to_str().unwrap()];
    common::tool("ffmpeg", &[&source[..], &coder].concat());
    let said = project.ok(&["doctor"]);
    assert!(!said.contains("DAMAGED") && said.contains("late.mkv"), "{said}");
    assert!(said.contains("00:02"), "it is 2 s long: {said}");
}

#[test]
fn doctor_lists_what_is_found_and_what_is_done_about_it() {
    let project = Project::new();
    let hevc = case("hlg", "mp4", "libx265", "yuv420p10le").light("bt2020", "arib-std-b67", OF_HLG);
    let h264 = |name, extension| case(name, extension, "libx264", "yuv420p").bt709();
    let cases = [
        (hevc, vec!["hevc Main 10", "10 bits, limited range, matrix BT.2020, HDR (HLG)", "tone-mapped to SDR"]),
        (
            h264("late", "ts").with("-output_ts_offset 40"),
            vec!["h264 Constrained Baseline", "8 bits, limited range, matrix BT.709, SDR", "own clock: counted as 0"],
        ),
        (h264("timecode", "mov").with("-timecode 01:00:00:00"), vec!["other tracks (tmcd): not used"]),
        (h264("narrow", "mkv").filter("setsar=1/2"), vec!["pixels are 1:2: shown in their true shape"]),
        (
            h264("fields", "mp4").filter("tinterlace=interleave_top,setfield=tff").with("-flags +ildct+ilme -top 1"),
            vec!["interlaced, top field first", "each frame becomes one whole picture"],
        ),
        (
            h264("uneven", "mp4").filter("select='not(eq(mod(n,5),3))'").with("-fps_mode vfr"),
            vec!["variable frame rate", "chosen by their time stamps"],
        ),
        (h264("turned", "mp4").turned([0, 1, -1, 0], [2, 0, 3, 1]), vec!["stored turned by 90 degrees: shown upright"]),
        (
            case("full", "mp4", "libx264", "yuvj420p"),
            vec!["full range, matrix BT.601", "converted to the limited range"],
        ),
        (case("rgb", "mkv", "ffv1", "gbrp10le"), vec!["no matrix (red, green and blue)"]),
        (
            h264("two", "mp4")
                .remuxed("-i footage/late.ts", "-map 1:v -map 0:v -disposition:v:0 0 -disposition:v:1 default"),
            vec!["2 video tracks: the default one, track 1 of the file, is used"],
        ),
    ];
    let made: Vec<bool> = cases.iter().map(|(case, _)| make(&project, case)).collect();
    project.write(
        "autocut.ron",
        r#"Project(
            version: 1,
            footage: { "mix": Footage(files: ["footage/*"]) },
            moments: Moments(weights: {}, pins: ["mix/full@0s"]),
            outputs: { "reel": Reel(file: "reel.mp4") },
        )"#,
    );
    let doctor = project.ok(&["doctor"]);
    for ((case, lines), _) in cases.iter().zip(made).filter(|(_, made)| *made) {
        let file = case.file();
        let about = doctor.split(&format!("  {file}\n")).nth(1).unwrap_or_else(|| panic!("no {file}: {doctor}"));
        let about = about.split("\n\n").next().unwrap();
        for line in lines {
            assert!(about.contains(line), "{file}: no {line:?} in:\n{about}");
        }
    }
}
