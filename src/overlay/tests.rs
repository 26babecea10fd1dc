//! What all kinds promise: right values at right frames, dashes where nothing
//! is known, text that can be read and stays on its plate.

use std::path::Path;

use super::*;
use crate::base::{FrameRate, Timestamp, Unit};
use crate::manifest::parser;
use crate::model::overlay::Layer;
use crate::model::telemetry::LogClock;
use crate::model::{Channel, Matrix, Telemetry};
use crate::overlay::picture::Mark;

const SECOND: i64 = 1_000_000_000;

const FRAMES: [Size; 5] =
    [Size::new(1280, 720), Size::new(1920, 1080), Size::new(3840, 2160), Size::new(1080, 1920), Size::new(640, 640)];

/// The overlay that `text` declares in a manifest.
fn spec(text: &str) -> OverlaySpec {
    let mut checker = Checker::new(Path::new("autocut.ron"), text);
    let node = parser::parse(text).unwrap();
    let name = text.split('(').next().unwrap();
    let entry = OVERLAYS.iter().map(|kind| kind.entry).find(|entry| entry.name == name).unwrap();
    let params = (entry.lower)(&node, &mut checker);
    let found = checker.finish();
    assert!(found.0.is_empty(), "{found:?}");
    OverlaySpec { kind: name.to_owned(), version: entry.version, params: params.unwrap() }
}

fn errors(text: &str) -> Vec<String> {
    let mut checker = Checker::new(Path::new("autocut.ron"), text);
    let node = parser::parse(text).unwrap();
    let entry = OVERLAYS.iter().map(|kind| kind.entry).find(|entry| text.starts_with(entry.name)).unwrap();
    (entry.lower)(&node, &mut checker);
    checker.finish().0.iter().map(|found| found.message.clone()).collect()
}

/// Ten minutes at 1 Hz, eastwards round a curve and over a hill, with a gap
/// between the seconds 300 and 360. Speed at second t is t / 20 m/s.
fn ride() -> Telemetry {
    let seconds: Vec<i64> = (0..=300).chain(360..=600).collect();
    let channel = |name: &str, unit, value: &dyn Fn(f64) -> f64| Channel {
        name: name.to_owned(),
        unit,
        values: seconds.iter().map(|t| value(*t as f64)).collect(),
    };
    Telemetry {
        clock: LogClock::Utc,
        times: seconds.iter().map(|t| (1_700_000_000 + t) * SECOND).collect(),
        channels: vec![
            channel("speed", Unit::MetresPerSecond, &|t| t / 20.0),
            channel("latitude", Unit::Degrees, &|t| 46.0 + 0.002 * libm::sin(t / 90.0)),
            channel("longitude", Unit::Degrees, &|t| 7.0 + t * 0.000_02),
            channel("altitude", Unit::Metres, &|t| 500.0 + 90.0 * libm::sin(t / 190.0)),
            channel("distance", Unit::Metres, &|t| t * t / 40.0),
            channel("heart_rate", Unit::BeatsPerMinute, &|t| 120.0 + t / 10.0),
            channel("gradient", Unit::Percent, &|t| 9.0 * libm::cos(t / 190.0)),
        ],
        breaks: vec![301],
        marks: Vec::new(),
    }
}

fn scene(telemetry: &Telemetry, second: i64, frames: u32) -> Scene<'_> {
    let start = telemetry.times[0] + second * SECOND;
    Scene {
        frame: Size::new(1920, 1080),
        rate: FrameRate::new(30_000, 1_001).unwrap(),
        frames,
        telemetry: Some(telemetry),
        start: Some(start),
        utc: None,
        clip: Some((start, start + 5 * SECOND)),
    }
}

fn picture(layer: &Layer, cell: u32) -> Picture {
    crate::model::decode(&layer.cells[cell as usize]).unwrap()
}

fn texts(picture: &Picture) -> Vec<&str> {
    let mut texts = Vec::new();
    for mark in &picture.marks {
        if let Mark::Text { text, .. } = mark {
            texts.push(text.as_str());
        }
    }
    texts
}

/// What the digits of a layer read in frame `n`.
fn digits_at(layer: &Layer, n: u32) -> String {
    let run = layer.runs.iter().find(|run| (run.first..run.first + run.count).contains(&n)).unwrap();
    texts(&picture(layer, run.cell)).join(" ")
}

const ALL: [&str; 7] = [
    r#"Gauge(channel: "speed")"#,
    r#"Gauge(channel: "heart_rate", style: Bar, label: "A long label for it")"#,
    r#"Gauge(channel: "gradient", size: "12%", decimals: 2)"#,
    r#"Map(fit: Clip)"#,
    r#"Map()"#,
    r#"Elevation(unit: "ft")"#,
    r#"Text(text: "Mount {altitude:0:ft} ft, {speed} km/h\n{date} {clock} and {elapsed}", font: "6%")"#,
];

#[test]
fn examples_are_accepted_and_can_be_drawn() {
    let log = ride();
    for kind in OVERLAYS {
        let spec = spec(kind.entry.example);
        let wanted = channels(&spec);
        assert!(wanted.iter().all(|channel| log.channel(channel).is_some()), "{wanted:?}");
        let shown = show(&spec, &scene(&log, 20, 30)).unwrap();
        let format = SpriteFormat { frame: Size::new(1920, 1080), matrix: Matrix::Bt709, full_range: false };
        let (pack, drawn) = draw(&spec, &shown, format).unwrap();
        let pack = pack::Pack::open(&pack).unwrap();
        assert_eq!(drawn.layers.len(), shown.layers.len());
        for run in drawn.layers.iter().flatten() {
            assert!(pack.sprite(run.sprite).unwrap().is_some());
            assert!(run.x % 2 == 0 && run.y % 2 == 0);
        }
        assert!(!drawn.layers[0].is_empty(), "{}", kind.entry.name);
    }
}

/// Frame n is at exactly n * 1001 / 30000 seconds and the speed t / 20 m/s, so
/// the digits are round((second + n * 1001 / 30000) * 3.6 / 20), in integers.
#[test]
fn digits_are_those_of_their_frame() {
    let log = ride();
    let shown = show(&spec(r#"Gauge(channel: "speed", decimals: 1)"#), &scene(&log, 100, 600)).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..600i64 {
        // Tenths of km/h: 10 * 3.6 / 20 = 1.8 times the seconds.
        let (num, den) = ((100 * 30_000 + n * 1_001) * 18, 30_000 * 10);
        let tenths = (num + den / 2) / den;
        let expected = format!("{}.{}", tenths / 10, tenths % 10);
        assert_eq!(digits_at(&shown.layers[2], n as u32), expected, "frame {n}");
        seen.insert(expected);
    }
    assert_eq!(shown.layers[2].cells.len(), seen.len(), "one picture for each value");
}

#[test]
fn gaps_show_a_dash_and_nothing_else() {
    let log = ride();
    // The last sample before the gap is at 300 s: frame 59 is at 1.969 s, 60 at 2.002 s.
    let seen = scene(&log, 298, 90);
    let shown = show(&spec(r#"Gauge(channel: "speed")"#), &seen).unwrap();
    assert_eq!(digits_at(&shown.layers[2], 59), "54");
    for n in 60..90 {
        assert_eq!(digits_at(&shown.layers[2], n), style::DASH);
    }
    let last = |layer: &Layer| layer.runs.iter().map(|run| run.first + run.count).max();
    assert_eq!(last(&shown.layers[1]), Some(60), "the arc ends with the value");
    assert_eq!(last(&show(&spec("Map()"), &seen).unwrap().layers[2]), Some(60), "so does the map's dot");
    let profile = show(&spec("Elevation()"), &seen).unwrap();
    assert_eq!(last(&profile.layers[2]), Some(60), "and the profile's");
    assert_eq!(digits_at(&profile.layers[3], 75), format!("{} m", style::DASH));
}

#[test]
fn without_a_clock_everything_is_unknown() {
    let log = ride();
    for (start, telemetry) in [(None, Some(&log)), (Some(0), Some(&log)), (Some(0), None)] {
        let seen = Scene { start, telemetry, clip: None, ..scene(&log, 0, 10) };
        let shown = show(&spec(r#"Gauge(channel: "speed")"#), &seen).unwrap();
        assert_eq!(digits_at(&shown.layers[2], 5), style::DASH);
        for text in ALL {
            let shown = show(&spec(text), &seen).unwrap();
            draw(&spec(text), &shown, SpriteFormat { frame: seen.frame, matrix: Matrix::Bt601, full_range: true })
                .unwrap();
        }
    }
}

#[test]
fn telemetry_that_changes_no_pixel_changes_nothing() {
    let log = ride();
    let mut other = log.clone();
    for channel in &mut other.channels {
        let step = if channel.unit == Unit::Degrees { 1e-9 } else { 1e-5 };
        for (index, value) in channel.values.iter_mut().enumerate() {
            *value += if index % 2 == 0 { step } else { -step };
        }
    }
    for text in [r#"Gauge(channel: "heart_rate")"#, "Map()"] {
        let of = |log: &Telemetry| show(&spec(text), &scene(log, 121, 20)).unwrap();
        assert_eq!(of(&log), of(&other), "{text}");
    }
}

/// A film's segments show the travelled part in pictures of one grid, so that
/// what two of them show alike is one sprite.
#[test]
fn neighbouring_segments_share_the_pictures_of_the_travelled_part() {
    let log = ride();
    let clip = Some((log.times[0], log.times[300]));
    for text in ["Map()", "Elevation()"] {
        let of =
            |second| show(&spec(text), &Scene { clip, ..scene(&log, second, 240) }).unwrap().layers[1].cells.clone();
        let (first, second) = (of(200), of(204));
        assert!(first.iter().any(|cell| second.contains(cell)), "{text}");
    }
}

#[test]
fn gaps_are_not_drawn_across() {
    let log = ride();
    let whole = Telemetry { breaks: Vec::new(), ..log.clone() };
    let lines = |log: &Telemetry, text| {
        let shown = show(&spec(text), &scene(log, 20, 1)).unwrap();
        picture(&shown.layers[0], 0).marks.iter().filter(|mark| matches!(mark, Mark::Line { .. })).count()
    };
    for text in ["Map()", "Elevation()"] {
        assert_eq!((lines(&whole, text), lines(&log, text)), (1, 2), "{text}");
    }
}

/// The issue asks for 2.2 % of the frame's height.
#[test]
fn no_text_is_too_small_to_read() {
    let log = ride();
    for frame in FRAMES {
        for text in ALL {
            let shown = show(&spec(text), &Scene { frame, ..scene(&log, 20, 40) }).unwrap();
            for layer in &shown.layers {
                for cell in 0..layer.cells.len() as u32 {
                    for mark in picture(layer, cell).marks {
                        if let Mark::Text { size, text, .. } = mark {
                            assert!(f64::from(size) / 16.0 >= f64::from(frame.height) * 0.022, "{text:?} in {frame}");
                        }
                    }
                }
            }
        }
    }
}

/// By what is painted: nothing leaves the first layer's plate.
#[test]
fn everything_stays_on_its_plate() {
    let log = ride();
    for frame in FRAMES {
        for text in ALL {
            let shown = show(&spec(text), &Scene { frame, ..scene(&log, 20, 40) }).unwrap();
            let base = shown.layers[0].runs[0];
            let plate = picture(&shown.layers[0], base.cell);
            let Mark::Plate { panel, .. } = plate.marks[0] else { panic!("{text}: no plate") };
            let (left, top) = (base.x + panel.left / 16, base.y + panel.top / 16);
            let (right, bottom) = (left + panel.width / 16, top + panel.height / 16);
            for layer in &shown.layers {
                for run in &layer.runs {
                    let mut picture = picture(layer, run.cell);
                    picture.marks.retain(|mark| !matches!(mark, Mark::Plate { .. }));
                    let pixmap = canvas::paint(&picture).unwrap();
                    let format = SpriteFormat { frame, matrix: Matrix::Bt709, full_range: false };
                    let Some((sprite, at)) = sprite::convert(&pixmap, &format) else { continue };
                    let (x, y) = (run.x + at.x, run.y + at.y);
                    let (w, h) = (sprite.size().width as i32, sprite.size().height as i32);
                    // A sprite may be three pixels larger than what it shows.
                    let inside = x >= left - 3 && y >= top - 3 && x + w <= right + 3 && y + h <= bottom + 3;
                    assert!(inside, "{text} in {frame}: {x},{y} {w}x{h} of {left},{top} {right},{bottom}");
                }
            }
        }
    }
}

#[test]
fn one_manifest_serves_every_resolution() {
    let log = ride();
    for text in ALL {
        let place = |frame: Size| {
            let shown = show(&spec(text), &Scene { frame, ..scene(&log, 20, 1) }).unwrap();
            let (run, unit) = (shown.layers[0].runs[0], f64::from(frame.shorter()));
            let size = picture(&shown.layers[0], run.cell).size;
            [f64::from(run.x), f64::from(run.y), f64::from(size.width), f64::from(size.height)].map(|v| v / unit)
        };
        let (small, large) = (place(FRAMES[0]), place(FRAMES[2]));
        for (a, b) in small.iter().zip(large) {
            assert!((a - b).abs() < 0.012, "{text}: {small:?} {large:?}");
        }
    }
}

#[test]
fn clocks_and_units_in_text() {
    let log = ride();
    let text = r#"Text(text: "{clock} {altitude:0:ft} ft {elapsed}", offset: "+01:00")"#;
    let shown = show(&spec(text), &scene(&log, 60, 90)).unwrap();
    // 1700000060 is 22:14:20Z; the altitude is 500 + 90 sin(60 / 190) m.
    assert_eq!(digits_at(&shown.layers[1], 0), "23:14:20");
    assert_eq!(digits_at(&shown.layers[1], 30), "23:14:21");
    assert_eq!(digits_at(&shown.layers[3], 0), "1732");
    assert_eq!(digits_at(&shown.layers[4], 0), " ft ");
    assert_eq!(digits_at(&shown.layers[5], 0), "0:01:00");
    assert_eq!(Timestamp::from_seconds(60).to_string(), "01:00.000");
}

/// 1717236000 is 2024-06-01T10:00:00Z (`date -u -d @1717236000`).
#[test]
fn clocks_are_the_recordings_own_even_where_the_log_has_none() {
    let log = Telemetry { clock: LogClock::Start, ..ride() };
    let text = spec(r#"Text(text: "{date} {clock}", offset: "+02:00")"#);
    let read = |utc: Option<i64>, telemetry| {
        let shown = show(&text, &Scene { utc, telemetry, ..scene(&log, 60, 90) }).unwrap();
        [digits_at(&shown.layers[1], 0), digits_at(&shown.layers[3], 0), digits_at(&shown.layers[3], 30)]
    };
    let utc = Some(1_717_236_000 * SECOND);
    assert_eq!(read(utc, Some(&log)), ["2024-06-01", "12:00:00", "12:00:01"]);
    assert_eq!(read(utc, None), ["2024-06-01", "12:00:00", "12:00:01"]);
    assert_eq!(read(None, Some(&log)), [style::DASH; 3]);
}

/// Where each text of a frame's pictures stands, in pixels of the picture.
fn written(shown: &Shown, n: u32) -> Vec<(String, f64, f64)> {
    let seen = |layer: &Layer| {
        let run = layer.runs.iter().find(|run| (run.first..run.first + run.count).contains(&n));
        run.map_or(Vec::new(), |run| picture(layer, run.cell).marks)
    };
    let mut found = Vec::new();
    for mark in shown.layers.iter().flat_map(seen) {
        if let Mark::Text { at, face, size, text, align, .. } = mark {
            let width = style::text_width(face, &text, f64::from(size) / 16.0);
            let shift = match align {
                picture::Align::Left => 0.0,
                picture::Align::Centre => width / 2.0,
                picture::Align::Right => width,
            };
            found.push((text, f64::from(at.0) / 16.0 - shift, width));
        }
    }
    found
}

#[test]
fn lines_start_at_the_left_and_unknown_values_leave_no_hole() {
    let log = ride();
    let text = spec(r#"Text(text: "Speed\n{speed:1} km/h")"#);
    // 8.8 and 54.0 km/h of at most 108.0, then the gap.
    for (second, value) in [(49, "8.8"), (300, "54.0"), (330, style::DASH)] {
        let lines = written(&show(&text, &scene(&log, second, 1)).unwrap(), 0);
        let [(_, left, _), (shown, value_left, width), (unit, unit_left, _)] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((shown.as_str(), unit.as_str()), (value, " km/h"));
        assert!((value_left - left).abs() < 0.1, "{lines:?}");
        assert!((value_left + width - unit_left).abs() < 0.1, "{lines:?}");
    }
}

#[test]
fn signs_stand_right_behind_their_number() {
    let log = ride();
    for style in ["Ring", "Bar"] {
        let text = spec(&format!(r#"Gauge(channel: "gradient", style: {style})"#));
        let found = written(&show(&text, &scene(&log, 20, 1)).unwrap(), 0);
        let at = found.iter().position(|(text, ..)| text == "%").unwrap();
        let ((_, left, width), (_, sign, _)) = (&found[at - 1], &found[at]);
        let gap = sign - left - width;
        assert!((0.0..8.0).contains(&gap), "{style}: {found:?}");
    }
}

#[test]
fn rings_carry_their_label_in_every_shape_of_frame() {
    let log = ride();
    for frame in FRAMES {
        for (channel, label) in [("speed", "SPEED"), ("cadence", "CADENCE"), ("heading", "HEADING")] {
            let text = spec(&format!(r#"Gauge(channel: "{channel}")"#));
            let shown = show(&text, &Scene { frame, ..scene(&log, 20, 1) }).unwrap();
            let found = written(&shown, 0);
            assert!(found.iter().any(|(text, ..)| text == label), "{found:?} in {frame}");
        }
    }
}

/// Three metres of longitude at 46 degrees north are 0.000039 degrees.
#[test]
fn a_short_route_fills_the_map_up_to_the_noise_of_receivers() {
    let share = |metres: f64| {
        let mut log = ride();
        for channel in &mut log.channels {
            let last = channel.values.len() as f64 - 1.0;
            for (index, value) in channel.values.iter_mut().enumerate() {
                match channel.name.as_str() {
                    "latitude" => *value = 46.0,
                    "longitude" => *value = 7.0 + metres * 0.000_012_93 * index as f64 / last,
                    _ => {}
                }
            }
        }
        let shown = show(&spec("Map()"), &scene(&log, 20, 1)).unwrap();
        let base = picture(&shown.layers[0], 0);
        let lines = base.marks.iter().filter_map(|mark| match mark {
            Mark::Line { points, .. } => Some(points),
            _ => None,
        });
        let xs: Vec<i32> = lines.flatten().map(|point| point.0).collect();
        f64::from(xs.iter().max().unwrap() - xs.iter().min().unwrap()) / 16.0 / f64::from(base.size.width)
    };
    assert!(share(60.0) > 0.7, "{}", share(60.0));
    assert!((0.4..0.55).contains(&share(25.0)), "{}", share(25.0));
    assert!(share(1.0) < 0.05, "{}", share(1.0));
}

/// Whatever the manifest says of place and size.
#[test]
fn plates_lie_in_the_frame() {
    let log = ride();
    let long = "a rather long line of words that has no room in any frame at all, however wide it may be, ".repeat(4);
    let kinds = [
        r#"Gauge(channel: "speed", size: "SIZE""#.to_owned(),
        r#"Gauge(channel: "heart_rate", style: Bar, size: "SIZE""#.to_owned(),
        r#"Map(size: "SIZE""#.to_owned(),
        r#"Elevation(size: "SIZE""#.to_owned(),
        format!(r#"Text(text: "{long} {{speed}}", font: "SIZE""#),
        r#"Text(text: "Donaudampfschifffahrtsgesellschaftskapitaen{speed}km/h", font: "SIZE""#.to_owned(),
    ];
    let places = [
        r#"anchor: TopLeft, x: "-50%", y: "-9%""#,
        r#"anchor: BottomRight, x: "40%", y: "300%""#,
        r#"anchor: Center, x: "-900%""#,
        r#"anchor: Right, margin: "70%""#,
    ];
    for frame in FRAMES {
        for (kind, size) in kinds.iter().flat_map(|kind| ["4%", "30%", "400%"].map(|size| (kind, size))) {
            for place in places {
                let text = format!("{}, {place})", kind.replace("SIZE", size));
                let shown = show(&spec(&text), &Scene { frame, ..scene(&log, 20, 1) }).unwrap();
                let run = shown.layers[0].runs[0];
                let base = picture(&shown.layers[0], run.cell);
                let Mark::Plate { panel, .. } = base.marks[0] else { panic!("{text}: no plate") };
                let (left, top) = (run.x + panel.left / 16, run.y + panel.top / 16);
                let (right, bottom) = (left + panel.width / 16, top + panel.height / 16);
                let (width, height) = (frame.width as i32, frame.height as i32);
                let inside = left >= 0 && top >= 0 && right <= width && bottom <= height;
                assert!(inside, "{text} in {frame}: {left},{top} to {right},{bottom}");
            }
        }
    }
}

#[test]
fn mistakes_in_the_manifest_are_told() {
    assert_eq!(errors(r#"Gauge(channel: "speed", min: 5, max: 5)"#), ["`min` is not below `max`"]);
    assert_eq!(errors(r#"Gauge(channel: "speed", size: "0.1%")"#), ["an overlay cannot have this size"]);
    assert_eq!(errors(r#"Gauge(channel: "speed", label: "速度")"#), ["the bundled font has no letter `速`"]);
    assert_eq!(errors(r#"Text(text: "{speed")"#), ["`{` has no partner in \"{speed\""]);
    assert_eq!(errors(r#"Text(text: " ")"#), ["the text is empty"]);
    assert_eq!(errors(r#"Text(text: "x", offset: "CET")"#), ["\"CET\" is no offset from UTC"]);
}

#[test]
fn a_unit_of_another_kind_is_an_error() {
    let log = ride();
    let wrong = show(&spec(r#"Gauge(channel: "speed", unit: "bpm")"#), &scene(&log, 0, 1)).unwrap_err();
    assert_eq!(wrong.message, "speed is in \"m/s\" and cannot be shown in \"bpm\"");
}

#[test]
fn a_damaged_plan_is_an_error_and_no_panic() {
    let log = ride();
    let spec = spec("Map()");
    let format = SpriteFormat { frame: Size::new(640, 360), matrix: Matrix::Bt709, full_range: false };
    let good = show(&spec, &scene(&log, 20, 5)).unwrap();
    let mut cut = good.clone();
    cut.layers[0].cells[0].truncate(9);
    assert!(draw(&spec, &cut, format).is_err());
    let mut astray = good;
    astray.layers[0].runs[0].cell = 99;
    assert!(draw(&spec, &astray, format).is_err());
    assert!(draw(&OverlaySpec { kind: "None".to_owned(), ..spec }, &Shown::default(), format).is_err());
}
