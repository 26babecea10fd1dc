//! Damage at random, the same each time: every file is read, read in part, or
//! refused, quickly and without a panic.

use std::time::{Duration, Instant};

use super::{schemas, testdata, written};
use crate::telemetry::{FORMATS, clean, columns};

/// Bytes that mean something to one format or another.
const PIECES: &[&[u8]] = &[
    b"<",
    b">",
    b"</trkpt>",
    b"<trkpt>",
    b"&x;",
    b"<!--",
    b"]]>",
    b"-->",
    b"$GPRMC,",
    b"*",
    b",",
    b"\n",
    b"\r\n\r\n",
    b"\"",
    b"-1e309",
    b"99999999999999999999",
    b"NaN",
    b"[latitude: ",
    b"GPS(",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b".FIT",
    b"DEVC\0\x01\xff\xff",
    b"STRM\0\x01\xff\xff",
    b"GPS5l\x14\xff\xff",
    b"SCALl\x04\0\x01\0\0\0\0",
    b"TYPEc\x01\0\x08f[99999]",
    b"2024-06-01T10:00:00Z",
    b"#",
    b"\xf0\x9f\x9a\xb2",
];

fn mutate(bytes: &[u8], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..chance.usize(1..6) {
        if out.is_empty() {
            break;
        }
        let at = chance.usize(..out.len());
        match chance.u8(..7) {
            0 => out[at] ^= 1 << chance.u8(..8),
            1 => out[at] = chance.u8(..),
            2 => out.truncate(at),
            3 => {
                let end = (at + chance.usize(1..64)).min(out.len());
                out.drain(at..end);
            }
            4 => {
                let piece = PIECES[chance.usize(..PIECES.len())];
                out.splice(at..at, piece.iter().copied());
            }
            5 => {
                let end = (at + chance.usize(1..512)).min(out.len());
                let copy = out[at..end].to_vec();
                let to = chance.usize(..=out.len());
                out.splice(to..to, copy);
            }
            _ => {
                let end = (at + chance.usize(1..16)).min(out.len());
                out[at..end].fill([0, 0xff, b'9', b'<'][chance.usize(..4)]);
            }
        }
    }
    out
}

#[test]
fn damage_does_no_harm() {
    let mut seeds: Vec<(String, Vec<u8>)> = vec![
        ("tcx".to_owned(), written::tcx().into_bytes()),
        ("nmea".to_owned(), written::nmea().into_bytes()),
        ("srt".to_owned(), written::SRT.as_bytes().to_vec()),
        ("racechrono".to_owned(), schemas::RACECHRONO_3.as_bytes().to_vec()),
        ("aim".to_owned(), schemas::AIM.as_bytes().to_vec()),
    ];
    for file in ["small.fit", "power-and-heart.gpx", "gaps.gpx"] {
        seeds.extend(testdata(&format!("telemetry/{file}")).map(|bytes| (file.to_owned(), bytes)));
    }
    let dump = testdata("gopro/hero11.gpmf");
    seeds.extend(dump.map(|dump| ("hero11.gpmf".to_owned(), dump[..dump.len().min(14_500)].to_vec())));
    for (name, seed) in &seeds {
        let mut chance = fastrand::Rng::with_seed(5);
        let (mut whole, mut refused) = (0, 0);
        for round in 0..400 {
            let bytes = mutate(seed, &mut chance);
            let started = Instant::now();
            for format in &FORMATS {
                // Whatever it looks like: a manifest may say that it is one.
                let Ok((log, summary)) = format.whole_plain(&mut &bytes[..], None) else {
                    refused += 1;
                    continue;
                };
                whole += 1;
                let place = || format!("{name}, round {round}, read as {}", format.name());
                assert!(log.times.windows(2).all(|pair| pair[0] < pair[1]), "{}", place());
                assert!(log.channels.iter().all(|channel| channel.values.len() == log.times.len()), "{}", place());
                assert!(log.channels.iter().flat_map(|c| &c.values).all(|value| !value.is_infinite()), "{}", place());
                assert_eq!(
                    columns::decode(&columns::encode(&log)).map(|log| log.times),
                    Some(log.times.clone()),
                    "{}",
                    place()
                );
                assert_eq!(summary.samples, log.times.len() as u64);
                clean(&log, 5_000);
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{name}, round {round}");
        }
        assert!(whole > 100 && refused > 100, "{name}: {whole} read, {refused} refused");
    }
}

/// What is made to cost: the time must not grow with the square of the length.
#[test]
fn what_is_made_to_cost_costs_little() {
    let point = "<trkpt lat=\"1\" lon=\"1\"><time>2024-06-01T10:00:00Z</time></trkpt>";
    let many = |piece: &str, count: usize| piece.repeat(count);
    let own: String = (0..20_000).map(|n| format!("<x{n}>1</x{n}>")).collect();
    let files = [
        format!("<gpx>{}", many("<trk>", 1_000_000)),
        format!("<gpx><trk><trkseg>{}", many(point, 100_000)),
        format!("<gpx><trk><trkseg><trkpt lat=\"1\" lon=\"1\"><extensions>{own}</extensions>"),
        format!("<gpx {}>", many("a=\"1\" ", 100_000)),
        format!("<gpx>{}", many("&a;", 1_000_000)),
        format!("<TrainingCenterDatabase>{}", many("<Lap StartTime=\"2024-06-01T10:00:00Z\"></Lap>", 50_000)),
        many("$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n", 50_000),
        many("$", 2_000_000),
        format!("1\n00:00:00,000 --> 00:00:01,000\n{}", many("[a : 1] ", 200_000)),
        format!("1\n00:00:00,000 --> 00:00:01,000\n{}", many("<", 2_000_000)),
        many("00:00:00,000 --> 00:00:01,000\n[latitude: 1] [longitude: 1]\n", 50_000),
        many(",", 1_000_000),
    ];
    for (at, file) in files.iter().enumerate() {
        let started = Instant::now();
        for format in &FORMATS {
            let _ = format.whole_plain(&mut file.as_bytes(), None);
        }
        assert!(started.elapsed() < Duration::from_secs(20), "file {at}: {:?}", started.elapsed());
    }
}
