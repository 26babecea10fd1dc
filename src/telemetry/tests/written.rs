//! Formats of which there is no file at hand, written as their documentation
//! has them, and what damage does to them.

use std::fmt::Write;

use super::{format, values};
use crate::model::telemetry::{LogClock, MarkKind, Telemetry, TelemetrySummary};
use crate::telemetry::zone::Zone;

const START: i64 = 1_717_236_000_000_000_000; // 2024-06-01T10:00:00Z

fn read(kind: &str, text: &str) -> (Telemetry, TelemetrySummary) {
    let read = format(kind).whole_plain(&mut text.as_bytes(), None);
    let told = format("Log").whole_plain(&mut text.as_bytes(), None);
    assert_eq!(read.as_ref().map(|read| &read.0.times), told.as_ref().map(|read| &read.0.times), "{kind}");
    read.unwrap_or_else(|problem| panic!("{problem:?}"))
}

/// Garmin's schemas TrainingCenterDatabase v2 and ActivityExtension v2: two
/// laps, the second of which was paused.
pub(super) fn tcx() -> String {
    let point = |second: i64, rest: &str| {
        format!(
            "<Trackpoint><Time>2024-06-01T10:00:{second:02}Z</Time><Position><LatitudeDegrees>47.5{second:02}\
             </LatitudeDegrees><LongitudeDegrees>9.3</LongitudeDegrees></Position><AltitudeMeters>400.5\
             </AltitudeMeters><DistanceMeters>{}</DistanceMeters>{rest}</Trackpoint>",
            second * 8
        )
    };
    let full = "<HeartRateBpm xsi:type=\"x\"><Value>141</Value></HeartRateBpm><Cadence>88</Cadence><Extensions>\
                <ns3:TPX xmlns:ns3=\"http://www.garmin.com/xmlschemas/ActivityExtension/v2\"><ns3:Speed>8.25\
                </ns3:Speed><ns3:Watts>231</ns3:Watts></ns3:TPX></Extensions>";
    format!(
        "  <?xml version=\"1.0\"?><TrainingCenterDatabase><Activities><Activity Sport=\"Biking\"><Id>x</Id>\
         <Lap StartTime=\"2024-06-01T10:00:00Z\"><DistanceMeters>9999</DistanceMeters><TriggerMethod>Manual\
         </TriggerMethod><Track>{}{}</Track></Lap><Lap StartTime=\"2024-06-01T10:00:02Z\"><TriggerMethod>\
         Distance</TriggerMethod><Track>{}</Track><Track>{}</Track></Lap><Creator><Name>Edge 830</Name></Creator>\
         </Activity></Activities></TrainingCenterDatabase>",
        point(0, full),
        point(1, full),
        point(2, ""),
        point(5, ""),
    )
}

#[test]
fn tcx_has_laps_pauses_and_extensions() {
    let (log, summary) = read("Tcx", &tcx());
    assert_eq!(log.times, [0, 1, 2, 5].map(|second| START + second * 1_000_000_000));
    assert_eq!((log.breaks.as_slice(), summary.format.as_str()), ([3].as_slice(), "TCX of Edge 830"));
    let first = ["latitude", "altitude", "distance", "heart_rate", "cadence", "speed", "power"];
    assert_eq!(first.map(|name| values(&log, name)[1]), [47.501, 400.5, 8.0, 141.0, 88.0, 8.25, 231.0]);
    assert!(values(&log, "power")[2].is_nan());
    let laps: Vec<(i64, &str)> = log.marks.iter().map(|mark| (mark.time - START, mark.name.as_str())).collect();
    assert_eq!(laps, [(0, "manual"), (2_000_000_000, "distance")]);
    let (clean, _) = crate::telemetry::clean(&log, 5_000);
    assert_eq!(values(&clean, "lap"), [1.0, 1.0, 2.0, 2.0]);
}

/// GPX 1.1 with TrackPointExtension v2, gpxdata and Garmin's power, as their
/// schemas have them; a waypoint with a time; a point without one.
#[test]
fn gpx_of_every_extension() {
    let gpx = "<?xml version=\"1.0\"?><gpx version=\"1.1\" creator=\"x &amp; y\"><wpt lat=\"1\" lon=\"2\"><time>\
        2024-06-01T10:00:01Z</time><name>Col &amp; pass</name></wpt><trk><trkseg>\
        <trkpt lat=\"47.5\" lon=\"9.3\"><ele>400</ele><time>2024-06-01T12:00:00+02:00</time><extensions>\
        <tp2:TrackPointExtension><tp2:atemp>21.5</tp2:atemp><tp2:wtemp>9</tp2:wtemp><tp2:hr>150</tp2:hr>\
        <tp2:cad>91</tp2:cad><tp2:speed>8.5</tp2:speed><tp2:course>123</tp2:course><tp2:bearing>120</tp2:bearing>\
        </tp2:TrackPointExtension><pwr:PowerExtension><pwr:PowerInWatts>250</pwr:PowerInWatts></pwr:PowerExtension>\
        </extensions></trkpt><trkpt lat=\"47.6\" lon=\"9.3\"><time>2024-06-01T10:00:01Z</time><extensions>\
        <gpxdata:hr>151</gpxdata:hr><gpxdata:cadence>92</gpxdata:cadence><gpxdata:temp>22</gpxdata:temp>\
        <gpxdata:distance>8.5</gpxdata:distance><power>251</power><myNumber>7</myNumber></extensions></trkpt>\
        <trkpt lat=\"1\" lon=\"1\"/></trkseg></trk></gpx>";
    let (log, summary) = read("Gpx", gpx);
    assert_eq!(log.times, [START, START + 1_000_000_000]);
    let of = |at: usize, names: &[&str]| names.iter().map(|name| values(&log, name)[at]).collect::<Vec<_>>();
    let first = ["temperature", "water_temperature", "heart_rate", "cadence", "speed", "heading", "bearing", "power"];
    assert_eq!(of(0, &first), [21.5, 9.0, 150.0, 91.0, 8.5, 123.0, 120.0, 250.0]);
    let second = ["heart_rate", "cadence", "temperature", "distance", "power", "my_number"];
    assert_eq!(of(1, &second), [151.0, 92.0, 22.0, 8.5, 251.0, 7.0]);
    assert_eq!((log.marks[0].kind, log.marks[0].name.as_str()), (MarkKind::Event, "Col & pass"));
    assert_eq!(log.marks[0].place, Some((10_000_000, 20_000_000)));
    assert!(summary.notes.iter().any(|note| note == "1 points have no time and are left out"), "{:?}", summary.notes);
}

/// A sentence with its checksum: the exclusive or of what stands between `$`
/// and `*`.
fn sentence(body: &str) -> String {
    format!("${body}*{:02X}\r\n", body.bytes().fold(0, |sum, byte| sum ^ byte))
}

/// A receiver over midnight: GGA comes before the RMC that says the new date.
pub(super) fn nmea() -> String {
    let mut text = String::from("# a logger's comment\r\n");
    for (time, date) in
        [("235958.50", "310524"), ("235959.50", "310524"), ("000000.50", "010624"), ("000001.50", "010624")]
    {
        text += &sentence(&format!("GPGGA,{time},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"));
        text += &sentence("GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1");
        text += &sentence(&format!("GPRMC,{time},A,4807.038,N,01131.000,E,022.4,084.4,{date},003.1,W"));
        text += &sentence("GPVTG,084.4,T,077.8,M,022.4,N,041.5,K");
    }
    text
}

/// The sentence of the NMEA specification's own example (48°07.038' N,
/// 11°31.000' E, 22.4 knots, 84.4°), with the checksum that it has there.
#[test]
fn nmea_is_put_together_over_midnight() {
    let example = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n";
    let (log, _) = read("Nmea", example);
    assert_eq!(log.times, [764_426_119_000_000_000]); // 1994-03-23T12:35:19Z

    let (log, summary) = read("Nmea", &nmea());
    let midnight = 1_717_200_000_000_000_000; // 2024-06-01T00:00:00Z
    assert_eq!(log.times, [-1_500, -500, 500, 1_500].map(|millis| midnight + millis * 1_000_000));
    assert_eq!((log.clock, summary.bad_rows), (LogClock::Utc, 0), "{:?}", summary.bad_examples);
    let first = ["altitude", "heading", "satellites", "pdop", "hdop", "vdop", "fix"];
    assert_eq!(first.map(|name| values(&log, name)[0]), [545.4, 84.4, 8.0, 2.5, 1.3, 2.1, 3.0]);
    assert!((values(&log, "latitude")[0] - 48.1173).abs() < 1e-9);
    assert!((values(&log, "longitude")[0] - 11.516_666_666_7).abs() < 1e-9);
    assert!((values(&log, "speed")[3] - 22.4 * 1852.0 / 3600.0).abs() < 1e-9);
}

#[test]
fn nmea_without_a_date_or_with_a_wrong_checksum() {
    let gga = |time: &str| sentence(&format!("GPGGA,{time},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"));
    let (log, summary) = read("Nmea", &[gga("235959"), gga("000000"), gga("000001")].concat());
    assert_eq!((log.clock, log.times.as_slice()), (LogClock::Start, [0, 1_000_000_000, 2_000_000_000].as_slice()));
    assert!(summary.notes.iter().any(|note| note.contains("no sentence says the date")));

    let damaged = nmea().replacen("22.4,084.4,310524", "22.5,084.4,310524", 1);
    let (log, summary) = read("Nmea", &damaged);
    assert_eq!((log.times.len(), summary.bad_rows), (3, 1));
    assert_eq!(summary.bad_examples[0].at.to_string(), "line 4");
    assert!(summary.bad_examples[0].reason.starts_with("the checksum is"), "{:?}", summary.bad_examples);
    assert!(summary.notes.iter().any(|note| note.contains("before the first date")), "{:?}", summary.notes);
}

/// What the drones of the Mavic 2 and after write.
pub(super) const SRT: &str = "1\r\n00:00:00,000 --> 00:00:00,033\r\n<font size=\"28\">FrameCnt: 1, DiffTime: 33ms\r\n\
        2024-06-01 12:00:00,484,311\r\n[iso : 100] [shutter : 1/1000.0] [fnum : 280] [latitude: 47.5] \
        [longtitude: 9.3] [rel_alt: 18.200 abs_alt: 468.200] [gb_yaw: -91.4 gb_pitch: -30.0] </font>\r\n\r\n\
        2\r\n00:00:00,033 --> 00:00:00,066\r\n<font size=\"28\">FrameCnt: 2, DiffTime: 33ms\r\n\
        2024-06-01 12:00:00,517,644\r\n[latitude: 47.6] [longtitude: 9.4] [rel_alt: 18.300 abs_alt: 468.300] </font>\r\n";

/// What drones write: see the head of `srt.rs`.
#[test]
fn subtitles_of_drones() {
    let zone = Zone("Europe/Berlin".to_owned());
    let (log, summary) = format("Srt").whole_plain(&mut SRT.as_bytes(), Some(&zone)).unwrap();
    assert_eq!(log.times, [START + 484_311_000, START + 517_644_000], "{summary:?}");
    let first = ["latitude", "longitude", "altitude", "relative_altitude", "iso", "gb_yaw", "gb_pitch"];
    assert_eq!(first.map(|name| values(&log, name)[0]), [47.5, 9.3, 468.2, 18.2, 100.0, -91.4, -30.0]);
    assert!(log.channel("shutter").is_none() && log.channel("frame_cnt").is_none());
    let cue = format("Srt").whole(&mut SRT.as_bytes(), r#"{"time":"Cue","timezone":null}"#).unwrap().0;
    assert_eq!((cue.clock, cue.times.as_slice()), (LogClock::Start, [0, 33_000_000].as_slice()));

    let phantom = "1\n00:00:00,000 --> 00:00:01,000\nHOME(149.0251,-20.2532) 2017.08.05 14:11:51\n\
        GPS(149.0251,-20.2533,16) BAROMETER:1.9\nISO:100 Shutter:60 EV: Fnum:F2.2\n";
    let (log, summary) = read("Srt", phantom);
    assert_eq!(
        ["longitude", "latitude", "relative_altitude"].map(|name| values(&log, name)[0]),
        [149.0251, -20.2533, 1.9]
    );
    assert_eq!(log.times, [1_501_942_311_000_000_000]); // 2017-08-05T14:11:51Z
    assert!(summary.notes.iter().any(|note| note.contains("taken as UTC")), "{:?}", summary.notes);

    let rtk = "1\n00:00:00,000 --> 00:00:00,033\nF/5.6, SS 400, ISO 100, EV -0.3, GPS (-58.851745, -34.237922, 15), \
        HOME (-58.8, -34.2, -57.98m), D 698.70m, H 85.80m, H.S 3.50m/s, V.S -0.20m/s\n\n\
        2\n00:00:00,033 --> 00:00:00,066\nGPS (0.0, 0.0, 0), D 0m, H 86m\n\n3\n00:00:01,000 --> 00:00:02,000\nHello!\n";
    let (log, summary) = read("Srt", rtk);
    assert_eq!((log.clock, log.times.as_slice()), (LogClock::Start, [0, 33_000_000].as_slice()));
    let first = ["longitude", "latitude", "home_distance", "relative_altitude", "speed", "vertical_speed"];
    assert_eq!(first.map(|name| values(&log, name)[0]), [-58.851_745, -34.237_922, 698.7, 85.8, 3.5, -0.2]);
    assert!(values(&log, "latitude")[1].is_nan());
    assert!(summary.notes.iter().any(|note| note.starts_with("1 subtitles say nothing")), "{:?}", summary.notes);
}

/// Apple Health writes -1 for a course and a speed that the telephone does not
/// know. Other courses below zero are to the west.
#[test]
fn a_course_of_minus_one_is_none() {
    let point = |second: u32, speed: &str, course: &str| {
        format!(
            "<trkpt lon=\"9.3\" lat=\"47.5\"><ele>401.5</ele><time>2024-06-01T10:00:0{second}Z</time><extensions>\
             <speed>{speed}</speed><course>{course}</course><hAcc>4.5</hAcc></extensions></trkpt>"
        )
    };
    let points = point(0, "-1.000000", "-1.000000") + &point(1, "2.5", "-90.5");
    let (log, _) =
        read("Gpx", &format!("<gpx creator=\"Apple Health Export\"><trk><trkseg>{points}</trkseg></trk></gpx>"));
    for (name, known) in [("heading", -90.5), ("speed", 2.5)] {
        assert!(values(&log, name)[0].is_nan() && values(&log, name)[1] == known, "{name}");
    }
    assert_eq!(values(&log, "altitude"), [401.5, 401.5]);
    assert_eq!(values(&crate::telemetry::clean(&log, 5_000).0, "heading")[1], 269.5);
}

/// The Matrice 300 writes latitude, longitude and altitude; a drone without a
/// fix has the position 0, 0 in brackets as well.
#[test]
fn positions_of_drones_in_either_order() {
    let matrice = "1\n00:00:00,000 --> 00:00:01,000\n2022.06.21 16:06:17\nGPS(36.7213,-4.4217,0.0M) BAROMETER:0.3M\n\n\
        2\n00:00:01,000 --> 00:00:02,000\n2022.06.21 16:06:18\nGPS(36.7214,-4.4218,12.5M) BAROMETER:1.5M\n";
    let (log, _) = read("Srt", matrice);
    assert_eq!(
        (values(&log, "latitude"), values(&log, "longitude")),
        (&[36.7213, 36.7214][..], &[-4.4217, -4.4218][..])
    );
    assert!(values(&log, "altitude")[0].is_nan() && values(&log, "altitude")[1] == 12.5);
    assert_eq!(values(&log, "relative_altitude"), [0.3, 1.5]);
    assert!(log.channel("satellites").is_none());

    let bracket = "1\n00:00:00,000 --> 00:00:00,033\n[latitude: 0.000000] [longitude: 0.000000] [rel_alt: 0.1 abs_alt: 5.0]\n\n\
        2\n00:00:00,033 --> 00:00:00,066\n[latitude: 30.5] [longitude: -95.5] [rel_alt: 0.2 abs_alt: 65.0]\n";
    let (log, _) = read("Srt", bracket);
    assert!(values(&log, "latitude")[0].is_nan() && values(&log, "longitude")[0].is_nan());
    assert_eq!((values(&log, "latitude")[1], values(&log, "relative_altitude")), (30.5, &[0.1, 0.2][..]));
}

/// The second pass through the hour that a change of clocks repeats is told by
/// the times before it; zones of half an hour are zones.
#[test]
fn local_time_over_a_change_of_clocks() {
    let mut csv = String::from("time,lat,lon\n");
    // From 02:58 summer time over 03:00, which is 02:00 again.
    for (hour, minute) in [(2, 58), (2, 59), (2, 59), (2, 0), (2, 1), (2, 59), (3, 0)] {
        writeln!(csv, "2024-10-27 {hour:02}:{minute:02}:00,52.5,13.4").unwrap();
    }
    let times = |csv: &str, zone: &str| {
        let read = format("Csv").whole_plain(&mut csv.as_bytes(), Some(&Zone(zone.to_owned()))).unwrap();
        read.0.times.iter().map(|time| time / 60_000_000_000).collect::<Vec<_>>()
    };
    let ended = 28_833_180; // 2024-10-27T01:00:00Z, when summer time ended, in minutes.
    assert_eq!(times(&csv, "Europe/Berlin"), [-2, -1, 0, 1, 59, 60].map(|minute| ended + minute));

    let gpx = |times: &[&str]| {
        let points: String =
            times.iter().map(|time| format!("<trkpt lat=\"1\" lon=\"1\"><time>{time}</time></trkpt>")).collect();
        format!("<gpx><trk><trkseg>{points}</trkseg></trk></gpx>")
    };
    let read = |text: &str, zone: &str| {
        let read = format("Gpx").whole_plain(&mut text.as_bytes(), Some(&Zone(zone.to_owned()))).unwrap();
        read.0.times.iter().map(|time| time / 1_000_000_000).collect::<Vec<_>>()
    };
    assert_eq!(read(&gpx(&["2024-06-01T15:30:00"]), "Asia/Kolkata"), [START / 1_000_000_000]);
    // On Lord Howe clocks go back by half an hour: at 15:00 UTC on 2024-04-06.
    let howe =
        read(&gpx(&["2024-04-07T01:59:00", "2024-04-07T01:30:00", "2024-04-07T02:00:00"]), "Australia/Lord_Howe");
    let back = 1_712_415_600;
    assert_eq!(howe, [back - 60, back, back + 1_800]);
    // In spring there is no 02:30: it is read as if clocks had gone on.
    assert_eq!(read(&gpx(&["2024-03-31T02:30:00"]), "Europe/Berlin"), [1_711_848_600]);
}

/// Paces are minutes and seconds: 5:30 is 5.5 min/km.
#[test]
fn paces_of_minutes_and_seconds_are_read() {
    let csv = "time,lat,lon,Pace (min/km)\n2024-06-01T10:00:00Z,47.1,8.2,5:30\n2024-06-01T10:00:01Z,47.1,8.2,4:07.5\n\
        2024-06-01T10:00:02Z,47.1,8.2,5.25\n2024-06-01T10:00:03Z,47.1,8.2,4:75\n";
    // A column that is text in many rows is none.
    let rest: String = (10..60).map(|second| format!("2024-06-01T10:00:{second}Z,47.1,8.2,5:00\n")).collect();
    let (log, _) = read("Csv", &format!("{csv}{rest}"));
    let pace = values(&log, "pace");
    assert_eq!(pace[..3], [5.5, 4.125, 5.25]);
    assert!(pace[3].is_nan());
}

/// A file that is no table may have a header of megabytes; what is said of it
/// is short.
#[test]
fn what_is_said_of_a_long_header_is_short() {
    let csv = format!("{},b\n1,2\n3,4\n", "x".repeat(50_000));
    let problem = format("Csv").whole_plain(&mut csv.as_bytes(), None).unwrap_err();
    assert!(format!("{problem:?}").len() < 2_000, "{}", format!("{problem:?}").len());
}

/// Clocks in Berlin went back on 2024-10-27 at 03:00 (01:00 UTC). A row each
/// 10 s, from a second after 2024-10-27T00:00:00Z on to another.
fn local(from: i64, until: i64) -> String {
    let mut csv = String::from("time,x\n");
    for second in (from..until).step_by(10) {
        let local = second + if second < 3_600 { 7_200 } else { 3_600 };
        let _ = writeln!(csv, "2024-10-27 {:02}:{:02}:{:02},1", local / 3_600, local / 60 % 60, local % 60);
    }
    csv
}

#[test]
fn a_log_that_begins_in_the_hour_that_comes_twice() {
    let zone = Zone("Europe/Berlin".to_owned());
    let midnight = 1_729_987_200; // 2024-10-27T00:00:00Z
    for (from, until, early, doubtful) in [
        // In the second pass, as its end shows; in the first, as the second shows.
        (5_000, 9_000, 0, false),
        (2_000, 6_000, 0, false),
        // From before the hour on.
        (-1_000, 6_000, 0, false),
        // Nothing tells that it is the second pass.
        (5_000, 6_000, 3_600, true),
    ] {
        let csv = local(from, until);
        let (log, summary) = format("Csv").whole_plain(&mut csv.as_bytes(), Some(&zone)).unwrap();
        let expected: Vec<i64> = (from..until).step_by(10).map(|at| (midnight + at - early) * 1_000_000_000).collect();
        assert_eq!(log.times, expected, "{from}");
        assert_eq!((summary.first, summary.last), (expected[0], expected[expected.len() - 1]));
        let note = "local times between 02:00 and 03:00 were there twice when clocks went back: \
                    100 rows are taken for the first";
        assert_eq!(summary.notes.iter().any(|told| told == note), doubtful, "{:?}", summary.notes);
    }
}
