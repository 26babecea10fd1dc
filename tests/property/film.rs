//! A film as plain data: everything that a user can edit, and the files that
//! make it up.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use crate::common;

/// What a file of a project holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Content {
    /// One of [`MEDIA`].
    Media(String),
    Text(String),
}

impl Content {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Content::Media(name) => &MEDIA[name],
            Content::Text(text) => text.as_bytes(),
        }
    }
}

/// How many recordings and how many pieces of music there are to choose from.
pub(crate) const SHOTS: usize = 5;
pub(crate) const SONGS: usize = 2;

/// Recordings and music, made once. Those of one kind are equally long in bytes,
/// so that neither size nor time tells one from another.
static MEDIA: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut media = BTreeMap::new();
    let mut make = |name: String, args: &[&str]| {
        let path = folder.path().join(&name);
        let args: Vec<&str> = ["-v", "error"].iter().chain(args).copied().chain([path.to_str().unwrap()]).collect();
        common::tool("ffmpeg", &args);
        media.insert(name, std::fs::read(path).unwrap());
    };
    for n in 0..SHOTS {
        // Another picture, and in part another size, rate and sound.
        let (size, rate) = [("64x64", 10), ("96x64", 10), ("64x64", 15), ("64x96", 10), ("64x64", 10)][n];
        let picture = format!("testsrc2=s={size}:r={rate}:d=3,hue=h={}", 60 * n);
        let tone = format!("sine=f={}:d=3:r=48000", 220 + 110 * n);
        let created = format!("creation_time=2024-06-01T10:00:{:02}Z", 4 * n);
        let mut args = vec!["-f", "lavfi", "-i", &picture];
        if n != 4 {
            args.extend(["-f", "lavfi", "-i", &tone, "-c:a", "aac", "-b:a", "64k"]);
        }
        args.extend(["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-g", "10", "-pix_fmt", "yuv420p"]);
        args.extend(["-threads", "1", "-metadata", &created]);
        make(shot(n), &args);
    }
    for n in 0..SONGS {
        make(song(n), &["-f", "lavfi", "-i", &format!("sine=f={}:d=2", 330 + 220 * n)]);
    }
    let longest = media.values().map(Vec::len).max().unwrap() + 8;
    for (_, bytes) in media.iter_mut().filter(|(name, _)| name.ends_with(".mp4")) {
        // A box of unused space (ISO/IEC 14496-12, 8.1.2).
        let space = longest - bytes.len();
        bytes.extend((space as u32).to_be_bytes());
        bytes.extend(b"free");
        bytes.resize(longest, 0);
    }
    media
});

pub(crate) fn shot(n: usize) -> String {
    format!("shot{}.mp4", n % SHOTS)
}

pub(crate) fn song(n: usize) -> String {
    format!("song{}.wav", n % SONGS)
}

/// A file of footage.
#[derive(Clone, Debug)]
pub(crate) struct Footage {
    pub(crate) camera: usize,
    pub(crate) name: String,
    pub(crate) content: usize,
}

impl Footage {
    pub(crate) fn path(&self) -> String {
        format!("footage/{}/{}.mp4", CAMERAS[self.camera], self.name)
    }

    /// As a manifest calls the recording.
    pub(crate) fn recording(&self) -> String {
        format!("{}/{}", CAMERAS[self.camera], self.name)
    }
}

pub(crate) const CAMERAS: [&str; 2] = ["front", "rear"];

/// In tenths of a second.
#[derive(Clone, Debug)]
pub(crate) struct Pin {
    pub(crate) recording: String,
    pub(crate) at: usize,
    pub(crate) length: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// A reel, or single clips.
    pub(crate) reel: bool,
    pub(crate) place: usize,
    pub(crate) size: usize,
    pub(crate) quality: usize,
    pub(crate) title: usize,
    /// Shows no overlay.
    pub(crate) bare: bool,
}

/// Everything that can be edited.
#[derive(Clone, Debug)]
pub(crate) struct Film {
    pub(crate) footage: Vec<Footage>,
    pub(crate) rear_first: bool,
    pub(crate) pins: Vec<Pin>,
    /// Thousandths, of motion and of speed.
    pub(crate) weights: [usize; 2],
    pub(crate) total: usize,
    /// Kind and parameter of each overlay, in the order of painting.
    pub(crate) overlays: Vec<(String, usize, usize)>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) music: Option<usize>,
    pub(crate) gain: usize,
    /// Speed in km/h at each quarter of a second, or no row.
    pub(crate) rows: Vec<Option<usize>>,
    pub(crate) comment: usize,
}

impl Film {
    pub(crate) fn new() -> Self {
        let footage = |camera, name: &str, content| Footage { camera, name: name.to_owned(), content };
        let pin = |recording: &str, at| Pin { recording: recording.to_owned(), at, length: 5 };
        let output = |name: &str, reel| Output {
            name: name.to_owned(),
            reel,
            place: 0,
            size: 0,
            quality: 0,
            title: 0,
            bare: false,
        };
        Film {
            footage: vec![footage(0, "a", 0), footage(0, "b", 1), footage(1, "a", 2)],
            rear_first: false,
            pins: vec![pin("front/a", 5), pin("rear/a", 10)],
            weights: [1_000, 0],
            total: 20,
            overlays: vec![("speed".to_owned(), 0, 0)],
            outputs: vec![output("reel", true), output("clips", false)],
            music: Some(0),
            gain: 12,
            rows: (0..96).map(|row| Some(10 + row % 17)).collect(),
            comment: 0,
        }
    }

    pub(crate) fn manifest(&self) -> String {
        let mut text = String::from("Project(\n    version: 1,\n");
        writeln!(text, "// {}", "the same film ".repeat(self.comment % 4)).unwrap();
        let mut cameras = CAMERAS.to_vec();
        if self.rear_first {
            cameras.reverse();
        }
        let sets = cameras.iter().map(|camera| format!("{camera:?}: \"footage/{camera}/*.mp4\""));
        writeln!(text, "    footage: {{{}}},", sets.collect::<Vec<_>>().join(", ")).unwrap();
        writeln!(text, "    telemetry: Csv(file: \"ride.csv\"),").unwrap();
        if let Some(music) = self.music {
            writeln!(text, "    music: Music(file: \"{}\", gain: \"-{} dB\"),", song(music), self.gain).unwrap();
        }
        let weights = ["motion", "speed"].iter().zip(self.weights).filter(|(_, weight)| *weight > 0);
        let weights = weights.map(|(name, weight)| format!("{name:?}: {}", weight as f64 / 1_000.0));
        let pin = |pin: &Pin| {
            let Pin { recording, at, length } = pin;
            format!("Pin(at: \"{recording}@{}ms\", length: \"{}ms\")", at * 100, length * 100)
        };
        writeln!(
            text,
            "    moments: Moments(length: \"500ms\", total: \"{}ms\", gap: \"200ms\", weights: {{{}}}, pins: [{}]),",
            self.total * 100,
            weights.collect::<Vec<_>>().join(", "),
            self.pins.iter().map(pin).collect::<Vec<_>>().join(", ")
        )
        .unwrap();
        let overlays = self.overlays.iter().map(|(name, kind, param)| format!("{name:?}: {}", overlay(*kind, *param)));
        writeln!(text, "    overlays: {{{}}},", overlays.collect::<Vec<_>>().join(", ")).unwrap();
        let outputs = self.outputs.iter().map(|output| format!("{:?}: {}", output.name, declared(output)));
        writeln!(text, "    outputs: {{{}}},\n)", outputs.collect::<Vec<_>>().join(", ")).unwrap();
        text
    }

    fn log(&self) -> String {
        let mut text = String::from("time,lat,lon,altitude,speed (km/h)\n");
        for (quarter, speed) in self.rows.iter().enumerate() {
            let Some(speed) = speed else { continue };
            let (time, way) = (quarter as f64 / 4.0, quarter as f64 / 10_000.0);
            let altitude = 100.0 + (time / 3.0).sin() * 5.0;
            writeln!(text, "2024-06-01T10:00:{time:05.2}Z,{:.6},{:.6},{altitude:.2},{speed}", 50.0 + way, 8.0 + way)
                .unwrap();
        }
        text
    }

    /// Every file of the project.
    pub(crate) fn files(&self) -> BTreeMap<String, Content> {
        let footage = self.footage.iter().map(|file| (file.path(), Content::Media(shot(file.content))));
        let songs = (0..SONGS).map(|n| (song(n), Content::Media(song(n))));
        // A folder that holds something else is no unplugged disk.
        let notes = CAMERAS.iter().map(|camera| (format!("footage/{camera}/notes.txt"), String::from("from the card")));
        let texts = notes.chain([("ride.csv".to_owned(), self.log()), ("autocut.ron".to_owned(), self.manifest())]);
        footage.chain(songs).chain(texts.map(|(name, text)| (name, Content::Text(text)))).collect()
    }

    /// Writes the whole project to an empty folder.
    pub(crate) fn write(&self, folder: &Path) {
        for (name, content) in self.files() {
            common::files::write(&folder.join(name), content.bytes());
        }
    }
}

/// Kinds of overlays that there are to choose from.
pub(crate) const OVERLAYS: usize = 4;

fn overlay(kind: usize, param: usize) -> String {
    let anchor = ["TopLeft", "TopRight", "BottomLeft", "BottomRight"][kind % OVERLAYS];
    match kind % OVERLAYS {
        0 => {
            format!("Gauge(channel: \"speed\", min: 0, max: {}, anchor: {anchor}, size: \"60%\")", 30 + param % 3 * 10)
        }
        1 => format!("Text(text: \"{} {{speed:0}}\", anchor: {anchor}, font: \"20%\")", ["v", "now", "at"][param % 3]),
        2 => format!("Map(anchor: {anchor}, size: \"40%\", accent: \"#ff{:02x}20\")", 0x40 + param % 3 * 0x30),
        _ => format!("Elevation(anchor: {anchor}, size: \"{}%\")", 40 + param % 3 * 10),
    }
}

fn declared(output: &Output) -> String {
    let Output { reel, place, size, quality, title, bare, .. } = output;
    let size = ["", "size: \"64x64\", ", "size: \"96x64\", "][size % 3];
    let video = format!("video: Video({size}quality: {}, preset: \"ultrafast\")", 30 + quality % 3);
    let overlays = if *bare { ", overlays: []" } else { "" };
    match (reel, title % 3) {
        (true, 0) => format!("Reel(file: \"out/reel{}.mp4\", {video}{overlays})", place % 3),
        (true, title) => {
            format!(
                "Reel(file: \"out/reel{}.mp4\", title: \"Film {title}\", chapters: true, {video}{overlays})",
                place % 3
            )
        }
        (false, _) => format!("Clips(folder: \"out/clips{}\", {video}{overlays})", place % 3),
    }
}
