//! Overlays as pixels: reference pictures of each kind, and values read back
//! from frames. `AUTOCUT_BLESS=1` makes the reference pictures anew.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking, like the tests")]

mod reading;

use std::path::{Path, PathBuf};

use autocut::base::{FrameRate, Point, Size, Unit};
use autocut::manifest::{Checker, parser};
use autocut::model::overlay::{Drawn, OverlaySpec, SpriteFormat};
use autocut::model::{Channel, Matrix, Telemetry};
use autocut::overlay::blend::{Plane, Planes, blend};
use autocut::overlay::pack::Pack;
use autocut::overlay::{OVERLAYS, Scene, draw, draw_cell, show};
use tiny_skia::{Pixmap, PixmapPaint, PremultipliedColorU8, Transform};

const SECOND: i64 = 1_000_000_000;

fn spec(text: &str) -> OverlaySpec {
    let mut checker = Checker::new(Path::new("autocut.ron"), text);
    let node = parser::parse(text).unwrap();
    let entry = OVERLAYS.iter().map(|kind| kind.entry).find(|entry| text.starts_with(entry.name)).unwrap();
    let params = (entry.lower)(&node, &mut checker).unwrap();
    OverlaySpec { kind: entry.name.to_owned(), version: entry.version, params }
}

/// Five minutes at 1 Hz along a winding road over two hills. Speed at second t
/// is t / 10 m/s.
fn ride() -> Telemetry {
    let channel = |name: &str, unit, value: &dyn Fn(f64) -> f64| Channel {
        name: name.to_owned(),
        unit,
        values: (0..=300).map(|t| value(f64::from(t))).collect(),
    };
    Telemetry {
        times: (0..=300).map(|t| (1_700_000_000 + t) * SECOND).collect(),
        channels: vec![
            channel("speed", Unit::MetresPerSecond, &|t| t / 10.0),
            channel("heart_rate", Unit::BeatsPerMinute, &|t| 130.0 + 25.0 * libm::sin(t / 40.0)),
            channel("latitude", Unit::Degrees, &|t| 46.0 + 0.003 * libm::sin(t / 47.0)),
            channel("longitude", Unit::Degrees, &|t| 7.0 + 0.006 * libm::cos(t / 83.0)),
            channel("altitude", Unit::Metres, &|t| 820.0 + 60.0 * libm::sin(t / 30.0) + t / 4.0),
            channel("distance", Unit::Metres, &|t| t * t / 20.0),
        ],
        ..Telemetry::default()
    }
}

fn scene(telemetry: &Telemetry, frame: Size, second: i64, frames: u32) -> Scene<'_> {
    let start = telemetry.times[0] + second * SECOND;
    let rate = FrameRate::new(30, 1).unwrap();
    Scene {
        frame,
        rate,
        frames,
        telemetry: Some(telemetry),
        start: Some(start),
        utc: Some(start),
        clip: Some((start, start + 4 * SECOND)),
    }
}

/// The first frame of an overlay over a slanted gradient from black to white.
fn painted(text: &str, frame: Size) -> Pixmap {
    let log = ride();
    let shown = show(&spec(text), &scene(&log, frame, 190, 1)).unwrap();
    let mut picture = Pixmap::new(frame.width, frame.height).unwrap();
    let (width, sum) = (frame.width as usize, (frame.width + frame.height) as usize);
    for (index, pixel) in picture.pixels_mut().iter_mut().enumerate() {
        let grey = ((index % width + index / width) * 255 / sum) as u8;
        *pixel = PremultipliedColorU8::from_rgba(grey, grey, grey, 255).unwrap();
    }
    for layer in &shown.layers {
        for run in layer.runs.iter().filter(|run| run.first == 0) {
            let cell = draw_cell(&layer.cells[run.cell as usize]).unwrap();
            picture.draw_pixmap(run.x, run.y, cell.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
        }
    }
    picture
}

/// Compares with the reference picture; on a difference both and what differs
/// are left in the build folder to look at.
fn check(name: &str, actual: &Pixmap) {
    let reference = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/overlay")).join(format!("{name}.png"));
    if std::env::var_os("AUTOCUT_BLESS").is_some() {
        actual.save_png(&reference).unwrap();
        return;
    }
    let expected = Pixmap::load_png(&reference).unwrap_or_else(|e| panic!("{}: {e}", reference.display()));
    assert_eq!((expected.width(), expected.height()), (actual.width(), actual.height()), "{name}: another size");
    // Another processor may round the last bit of a coverage differently.
    let apart = |a: &PremultipliedColorU8, b: &PremultipliedColorU8| {
        let pairs = [(a.red(), b.red()), (a.green(), b.green()), (a.blue(), b.blue())];
        pairs.iter().map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
    };
    let worst = expected.pixels().iter().zip(actual.pixels()).map(|(a, b)| apart(a, b)).max().unwrap_or(0);
    if worst > 3 {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let mut difference = actual.clone();
        for (to, from) in difference.pixels_mut().iter_mut().zip(expected.pixels()) {
            let grey = apart(to, from).saturating_mul(8);
            *to = PremultipliedColorU8::from_rgba(grey, grey, grey, 255).unwrap();
        }
        actual.save_png(folder.join(format!("{name}.actual.png"))).unwrap();
        difference.save_png(folder.join(format!("{name}.difference.png"))).unwrap();
        panic!("{name} differs by up to {worst} of 255; see {}/{name}.*.png", folder.display());
    }
}

const LANDSCAPE: Size = Size::new(480, 270);

#[test]
fn a_ring() {
    check("ring", &painted(r#"Gauge(channel: "speed", size: "50%")"#, LANDSCAPE));
}

#[test]
fn a_bar() {
    check("bar", &painted(r##"Gauge(channel: "heart_rate", style: Bar, size: "50%", accent: "#ff4d5e")"##, LANDSCAPE));
}

#[test]
fn a_map() {
    check("map", &painted(r#"Map(size: "60%")"#, LANDSCAPE));
}

#[test]
fn a_profile() {
    check("profile", &painted(r#"Elevation(size: "90%")"#, LANDSCAPE));
}

#[test]
fn a_text_in_portrait() {
    check("text", &painted(r#"Text(text: "Grimsel\n{speed:1} km/h at {time}", font: "6%")"#, Size::new(270, 480)));
}

/// From the luma of finished frames, over footage of noise: in every frame the
/// digits are those of its own time. At 30 frames/s and t / 10 m/s, frame n
/// shows tenths of 0.36 * (100 + n / 30) km/h.
#[test]
fn digits_are_read_back_from_every_frame() {
    let log = ride();
    let frame = Size::new(640, 360);
    let spec = spec(r#"Gauge(channel: "speed", decimals: 1, size: "40%")"#);
    let frames = 150;
    let shown = show(&spec, &scene(&log, frame, 100, frames)).unwrap();
    let format = SpriteFormat { frame, matrix: Matrix::Bt709, full_range: false };
    let (bytes, Drawn { layers }) = draw(&spec, &shown, format).unwrap();
    let pack = Pack::open(&bytes).unwrap();
    let digits = layers.len() - 1;
    let candidates = reading::candidates(&pack, &layers[digits]);
    assert_eq!(candidates.len(), 19, "36.0 to 37.8 km/h");

    // In which order the values rise, by the plan's own cells.
    let mut order = Vec::new();
    for run in &layers[digits] {
        if !order.contains(&run.sprite) {
            order.push(run.sprite);
        }
    }
    let (mut noise, stride) = (1u32, frame.width as usize);
    for n in 0..frames {
        let mut y: Vec<u8> = (0..frame.area())
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .collect();
        let (mut u, mut v) = (vec![128; y.len() / 4], vec![128; y.len() / 4]);
        let mut planes = Planes {
            size: frame,
            sampling: autocut::model::Sampling::Yuv420p8,
            y: Plane { data: &mut y, stride },
            u: Plane { data: &mut u, stride: stride / 2 },
            v: Plane { data: &mut v, stride: stride / 2 },
        };
        for run in layers.iter().flatten().filter(|run| (run.first..run.first + run.count).contains(&n)) {
            let sprite = pack.sprite(run.sprite).unwrap().unwrap();
            blend(&mut planes, &sprite, Point::new(run.x, run.y));
        }
        let read = reading::best_match(&y, stride, &candidates).unwrap();
        // Tenths, rounded: 360 + 0.12 n.
        let tenths = (360 * 100 + 12 * n + 50) / 100;
        assert_eq!(order.iter().position(|sprite| *sprite == read), Some((tenths - 360) as usize), "frame {n}");
    }
}
