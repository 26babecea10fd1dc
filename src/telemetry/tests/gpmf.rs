//! GoPro's own files, against what others decoded from them.

use super::{format, testdata, values};
use crate::model::payloads;
use crate::model::telemetry::{LogClock, MarkKind, Reason, Telemetry, TelemetrySummary};
use crate::telemetry::gpmf::{self, Anchor};

fn import(bytes: &[u8], params: &str) -> (Telemetry, TelemetrySummary) {
    let params: serde_json::Value = serde_json::from_str(params).unwrap();
    let time = params.get("time").and_then(|time| time.as_str()).unwrap_or("Auto");
    let max_dop = params.get("max_dop").and_then(serde_json::Value::as_f64).unwrap_or(5.0);
    let params = format!(r#"{{"max_dop":{max_dop},"time":"{time}"}}"#);
    format("Gpmf").whole(&mut &bytes[..], &params).unwrap()
}

/// The rows of an independent decode: time, latitude, longitude, altitude,
/// speed along the ground and in space, as numbers; then fix, clock, DOP.
fn rows(csv: &[u8]) -> Vec<(Vec<f64>, Vec<String>)> {
    let mut reader = ::csv::Reader::from_reader(csv);
    let record = |record: Result<::csv::StringRecord, ::csv::Error>| {
        let record = record.unwrap();
        let numbers = record.iter().take(6).map(|field| field.parse().unwrap()).collect();
        (numbers, record.iter().skip(6).map(str::to_owned).collect())
    };
    reader.records().map(record).collect()
}

fn same(log: &Telemetry, rows: &[(Vec<f64>, Vec<String>)], start: i64) {
    assert_eq!(log.times.len(), rows.len());
    let columns = ["latitude", "longitude", "altitude", "speed", "speed_3d"].map(|name| values(log, name));
    for (at, (row, _)) in rows.iter().enumerate() {
        let time = (log.times[at] - start) as f64 / 1e9;
        assert!((time - row[0]).abs() <= 0.001, "row {at}: {time} s, not {}", row[0]);
        for (column, (expected, tolerance)) in columns.iter().zip(row[1..].iter().zip([1e-6, 1e-6, 0.01, 0.01, 0.01])) {
            assert!((column[at] - expected).abs() <= tolerance, "row {at}: {}, not {expected}", column[at]);
        }
    }
}

/// The payloads of an MP4's `gpmd` track by its own tables (ISO/IEC 14496-12),
/// not by the library that the media program uses.
fn track(film: &[u8]) -> Vec<u8> {
    fn boxes(data: &[u8]) -> Vec<([u8; 4], &[u8])> {
        let (mut at, mut all) = (0, Vec::new());
        while at + 8 <= data.len() {
            let size = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
            let (head, size) = match size {
                0 => (8, data.len() - at),
                1 => (16, u64::from_be_bytes(data[at + 8..at + 16].try_into().unwrap()) as usize),
                size => (8, size),
            };
            all.push((data[at + 4..at + 8].try_into().unwrap(), &data[at + head..at + size]));
            at += size;
        }
        all
    }
    fn child<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
        path.iter().fold(data, |data, name| boxes(data).into_iter().find(|(key, _)| key == *name).unwrap().1)
    }
    let words = |data: &[u8]| -> Vec<u32> {
        data.chunks_exact(4).map(|four| u32::from_be_bytes(four.try_into().unwrap())).collect()
    };
    let moov = child(film, &[b"moov"]);
    let tracks = boxes(moov).into_iter().filter(|(key, _)| key == b"trak").map(|(_, data)| data);
    let is_gpmd = |track: &&[u8]| child(track, &[b"mdia", b"minf", b"stbl", b"stsd"]).get(12..16) == Some(b"gpmd");
    let track = tracks.into_iter().find(is_gpmd).unwrap();
    let header = words(child(track, &[b"mdia", b"mdhd"]));
    let scale = i64::from(header[3]);
    let film_header = words(child(moov, &[b"mvhd"]));
    let whole = i64::from(film_header[4]) * scale / i64::from(film_header[3]);
    let table = child(track, &[b"mdia", b"minf", b"stbl"]);
    let mut durations: Vec<i64> = words(&child(table, &[b"stts"])[8..])
        .chunks_exact(2)
        .flat_map(|run| std::iter::repeat_n(i64::from(run[1]), run[0] as usize))
        .collect();
    // The last payload lasts until the film ends: so FFmpeg has it, and with it
    // the independent decode, where the track itself says 1.001 s.
    let last = durations.pop().unwrap();
    let rest = whole - durations.iter().sum::<i64>();
    durations.push(if rest > last { rest } else { last });
    let sizes = words(&child(table, &[b"stsz"])[12..]);
    let places = words(&child(table, &[b"stco"])[8..]);
    // One sample a chunk, as cameras write it.
    assert_eq!(sizes.len(), places.len());
    let mut out = Vec::new();
    payloads::begin(&mut out, &[2_500_000_000]).unwrap();
    let mut time = 0;
    for ((size, place), duration) in sizes.iter().zip(places).zip(durations) {
        let ns = |ticks: i64| ticks * 1_000_000_000 / scale;
        let bytes = &film[place as usize..(place + size) as usize];
        payloads::append(&mut out, ns(time), ns(duration), bytes).unwrap();
        time += duration;
    }
    out
}

#[test]
fn hero7_is_its_independent_decode() {
    let (Some(film), Some(csv)) = (testdata("gopro/hero7.mp4"), testdata("gopro/hero7.gps.csv")) else { return };
    let payloads = track(&film);
    let (log, summary) = import(&payloads, r#"{"time": "Media"}"#);
    let rows = rows(&csv);
    same(&log, &rows, 0);
    assert_eq!((log.clock, rows.len(), summary.bad_rows), (LogClock::Start, 199, 0));
    assert_eq!(summary.format, "GPMF of Hero7 Black (GPS5)");
    let dop = values(&log, "dop");
    assert!(rows.iter().zip(dop).all(|((_, rest), dop)| (rest[2].parse::<f64>().unwrap() - dop).abs() < 1e-9));
    assert_eq!(log.marks.len(), 1);
    assert_eq!((log.marks[0].time, log.marks[0].kind), (2_500_000_000, MarkKind::Event));
}

/// The receiver's clock is 7 h 01 m 39 s from the file's `creation_time`
/// (2019-05-06T11:13:28Z, by ffprobe).
#[test]
fn hero7_has_the_receivers_clock() {
    let Some(film) = testdata("gopro/hero7.mp4") else { return };
    let payloads = track(&film);
    let (decoded, _) = gpmf::decode(&payloads).unwrap();
    let clock = gpmf::clock(&decoded, 5.0).unwrap();
    let created: jiff::Timestamp = "2019-05-06T11:13:28Z".parse().unwrap();
    let away = clock.start as f64 / 1e9 - created.as_second() as f64;
    let expected = 7.0 * 3_600.0 + 60.0 + 39.0;
    assert!((expected..expected + 1.0).contains(&away), "{away}");
    assert_eq!((clock.anchors, clock.agree, clock.drift), (11, 11, 0.0));
    assert!(clock.spread < 50_000_000, "{clock:?}");
    // On UTC the samples are the receiver's own: every 0.055 s, also in the last
    // payload, which the file says lasts 1.735 s.
    let (log, _) = import(&payloads, "{}");
    assert_eq!((log.clock, log.times.len()), (LogClock::Utc, 199));
    let steps: Vec<i64> = log.times.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000_000).collect();
    assert!(steps.iter().all(|step| (50..64).contains(step)), "{steps:?}");
    let mark = log.marks[0].time as f64 / 1e9;
    assert!((mark - clock.start as f64 / 1e9 - 2.5).abs() < 1e-3);
}

#[test]
fn hero11_is_its_independent_decode() {
    let (Some(dump), Some(csv)) = (testdata("gopro/hero11.gpmf"), testdata("gopro/hero11.gps.csv")) else { return };
    let (log, summary) = import(&dump, "{}");
    let rows = rows(&csv);
    same(&log, &rows, log.times[0]);
    assert_eq!((log.clock, summary.format.as_str()), (LogClock::Utc, "GPMF of HERO11 Black (GPS9)"));
    // `8298+48576.899`: days since 2000 and seconds of the day.
    let (days, seconds) = rows[0].1[1].split_once('+').unwrap();
    let days: i64 = days.parse().unwrap();
    let utc = 946_684_800 + days * 86_400;
    let expected = utc * 1_000 + (seconds.parse::<f64>().unwrap() * 1e3).round() as i64;
    assert_eq!(log.times[0], expected * 1_000_000);
    // What the accelerometer of a camera that is carried measures is mostly
    // gravity.
    let axes = ["accel_x", "accel_y", "accel_z"].map(|name| values(&log, name));
    let strength = |at: usize| axes.iter().map(|axis| axis[at] * axis[at]).sum::<f64>().sqrt();
    let mut strengths: Vec<f64> = (0..log.times.len()).map(strength).collect();
    strengths.sort_by(f64::total_cmp);
    assert!((9.3..10.3).contains(&strengths[strengths.len() / 2]), "{strengths:?}");
    // ffmpeg has nothing to do with it: known from its first bytes alone.
    let (told, _) = format("Log").whole_plain(&mut &dump[..], None).unwrap();
    assert_eq!(told.times, log.times);
}

#[test]
fn karma_is_its_independent_decode() {
    let (Some(film), Some(csv)) = (testdata("gopro/karma.mp4"), testdata("gopro/karma.gps.csv")) else { return };
    let (log, summary) = import(&track(&film), r#"{"time": "Media"}"#);
    let rows = rows(&csv);
    same(&log, &rows, 0);
    assert!(values(&log, "satellites").iter().all(|count| *count == 20.0));
    assert!(values(&log, "fix").iter().all(|fix| *fix == 3.0));
    assert_eq!(summary.format, "GPMF of Camera (GLPI)");
}

#[test]
fn positions_without_a_fix_or_with_a_bad_one_are_left_out_and_counted() {
    let Some(dump) = testdata("gopro/hero11.gpmf") else { return };
    let (all, _) = import(&dump, "{}");
    // `fix` is the last value of each GPS9 sample, `DOP` the one before it.
    let mut bad = dump.clone();
    let start = bad.windows(4).position(|four| four == b"GPS9").unwrap() + 8;
    bad[start + 31] = 0;
    bad[start + 32 + 28..start + 32 + 30].copy_from_slice(&600_u16.to_be_bytes());
    let (log, summary) = import(&bad, "{}");
    assert_eq!(log.times.len(), all.times.len() - 2);
    let expected = [
        "1 positions are left out: the receiver had no fix",
        "1 positions are left out: their dilution of precision is above 5",
    ];
    assert_eq!(summary.notes[..2], expected);
    let dropped: Vec<_> = summary.quality.dropped.iter().map(|dropped| (dropped.why, dropped.count)).collect();
    assert_eq!(dropped, [(Reason::NoFix, 1), (Reason::Imprecise, 1)]);
    assert_eq!(import(&bad, r#"{"max_dop": 6.5}"#).0.times.len(), all.times.len() - 1);
}

/// A receiver that finds its fix after two payloads: of the 110 samples of the
/// independent decode the first 21 (10 and 11 in the file's own heads of GPS9)
/// are without one, wherever the file says that they are.
#[test]
fn every_sample_is_read_where_each_is_wanted() {
    let (Some(dump), Some(csv)) = (testdata("gopro/hero11.gpmf"), testdata("gopro/hero11.gps.csv")) else { return };
    let mut waking = dump;
    let starts: Vec<usize> =
        waking.windows(6).enumerate().filter(|(_, head)| *head == b"GPS9? ").map(|(at, _)| at).collect();
    for start in &starts[..2] {
        let count = usize::from(u16::from_be_bytes([waking[start + 6], waking[start + 7]]));
        for sample in waking[start + 8..].chunks_exact_mut(32).take(count) {
            // DOP 99.99 and a fix of 0, as receivers without one write.
            sample[28..32].copy_from_slice(&[0x27, 0x0f, 0, 0]);
        }
    }
    let (usable, summary) = import(&waking, r#"{"max_dop": 1000, "time": "Media"}"#);
    assert_eq!((usable.times.len(), summary.quality.dropped[0].count), (110 - 21, 21));
    let expected = rows(&csv);
    for time in ["Media", "Auto"] {
        let params = format!(r#"{{"max_dop":2.0,"time":"{time}"}}"#);
        let every = |out: &mut dyn std::io::Write| gpmf::every_sample(&mut &waking[..], Some(&params), out);
        let (log, summary) = crate::telemetry::in_memory(every).unwrap();
        assert_eq!((log.times.len(), expected.len(), summary.quality.dropped.len()), (110, 110, 0));
        let columns = ["latitude", "longitude", "altitude"].map(|name| values(&log, name));
        for (at, (row, rest)) in expected.iter().enumerate() {
            let found = columns.each_ref().map(|column| column[at]);
            assert!((0..3).all(|axis| (found[axis] - row[axis + 1]).abs() <= [1e-6, 1e-6, 0.01][axis]), "{at}");
            assert_eq!(values(&log, "fix")[at], if at < 21 { 0.0 } else { 3.0 }, "{at}");
            assert_eq!(values(&log, "dop")[at], if at < 21 { 99.99 } else { rest[2].parse().unwrap() }, "{at}");
        }
        assert_eq!(log.clock, if time == "Media" { LogClock::Start } else { LogClock::Utc });
    }
}

#[test]
fn a_scale_of_zero_is_none() {
    let Some(dump) = testdata("gopro/hero11.gpmf") else { return };
    let mut bad = dump.clone();
    let at = bad.windows(4).position(|four| four == b"ACCL").unwrap();
    let scale = (0..at).rev().find(|at| &bad[*at..at + 4] == b"SCAL").unwrap();
    bad[scale + 8..scale + 10].fill(0);
    let (log, _) = import(&bad, "{}");
    assert!(values(&log, "accel_z").iter().all(|value| value.is_finite()));
}

/// An hour in which the camera's clock loses 50 ppm, some stamps are off by
/// hours, and each is noisy by up to 40 ms: seeded, so always the same.
#[test]
fn drift_is_found_among_wrong_stamps() {
    let mut chance = fastrand::Rng::with_seed(7);
    let second = 1_000_000_000_i64;
    let anchors: Vec<Anchor> = (0..3_600)
        .map(|at| {
            let media = at * second;
            let noise = chance.i64(-40_000_000..40_000_000);
            let wrong = if at % 9 == 0 { 5_400 * second } else { 0 };
            Anchor { media, utc: 1_700_000_000 * second + media + media / 20_000 + noise + wrong, dop: 1.5 }
        })
        .collect();
    let clock = gpmf::fit(&anchors).unwrap();
    assert!((clock.drift - 50.0).abs() < 3.0, "{clock:?}");
    assert!((clock.start - 1_700_000_000 * second).abs() < 10_000_000, "{clock:?}");
    assert_eq!(clock.agree, 3_200);
}

/// The stamp of one payload says two days later, as receivers do that wake up.
#[test]
fn a_stamp_that_runs_ahead_costs_no_sample() {
    let Some(film) = testdata("gopro/hero7.mp4") else { return };
    let payloads = track(&film);
    let (whole, _) = import(&payloads, "{}");
    let places: Vec<usize> =
        payloads.windows(8).enumerate().filter(|(_, head)| head.starts_with(b"GPSUU")).map(|(at, _)| at + 8).collect();
    assert_eq!(places.len(), 11);
    let mut ahead = payloads.clone();
    // `190506181510...`: the day is the fifth and sixth digit.
    ahead[places[3] + 4..places[3] + 6].copy_from_slice(b"08");
    let (log, summary) = import(&ahead, "{}");
    assert_eq!(log.times.len(), whole.times.len(), "{:?}", summary.notes);
    for (time, truth) in log.times.iter().zip(&whole.times) {
        assert!(time.abs_diff(*truth) < 100_000_000, "{} ms off", (time - truth) / 1_000_000);
    }
    assert!(summary.notes.iter().any(|note| note.contains("a time that the receiver's others contradict")));
}

/// What a hostile file can ask for is bounded: samples of five bytes by the
/// million, times that lie centuries apart.
#[test]
fn what_a_file_claims_costs_no_memory() {
    let item = |key: &[u8; 4], kind: u8, size: u8, data: &[u8]| {
        let count = u16::try_from(data.len() / usize::from(size)).unwrap();
        let mut bytes = [&key[..], &[kind, size], &count.to_be_bytes(), data].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let samples = item(b"GPS5", b'b', 5, &[1; 5 * 13_000]);
    let payload = item(b"DEVC", 0, 1, &item(b"STRM", 0, 1, &samples[..60_000]));
    let mut bytes = Vec::new();
    payloads::begin(&mut bytes, &[]).unwrap();
    for at in 0..200_i64 {
        payloads::append(&mut bytes, at * 1_000_000_000, i64::MAX, &payload).unwrap();
    }
    payloads::append(&mut bytes, i64::MAX / 2, i64::MAX, &payload).unwrap();
    let (decoded, _) = gpmf::decode(&bytes).unwrap();
    assert_eq!((decoded.fixes.len(), decoded.more), (1_000_000, true));
    assert!(decoded.fixes.iter().all(|fix| fix.media < 210_000_000_000));
}
