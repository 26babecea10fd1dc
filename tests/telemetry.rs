//! `autocut telemetry`, and outputs that are telemetry: what is written, against
//! what others read from the same files.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::process::Stdio;

use common::{Footage, Project, testdata};

/// The rows of a table with a header, and what a column is called.
struct Rows(Vec<csv::StringRecord>, csv::StringRecord);

impl Rows {
    fn read(text: &[u8]) -> Rows {
        let mut reader = csv::Reader::from_reader(text);
        let header = reader.headers().unwrap().clone();
        Rows(reader.records().map(|record| record.unwrap()).collect(), header)
    }

    fn value(&self, row: usize, column: &str) -> f64 {
        let at = self.1.iter().position(|name| name == column).unwrap_or_else(|| panic!("no {column} in {:?}", self.1));
        self.0[row][at].parse().unwrap_or(f64::NAN)
    }
}

/// The independent decodes beside the files.
#[test]
fn a_films_own_telemetry_is_printed_sample_by_sample() {
    let project = Project::new();
    for film in ["hero7", "karma"] {
        let Some(decode) = testdata(&format!("gopro/{film}.gps.csv")) else { return };
        project.copy(&format!("gopro/{film}.mp4"), &format!("{film}.mp4"));
        let printed = Rows::read(project.ok(&["telemetry", &format!("{film}.mp4"), "--csv"]).as_bytes());
        let expected = Rows::read(&fs::read(decode).unwrap());
        assert_eq!(printed.0.len(), expected.0.len(), "{film}");
        for row in 0..printed.0.len() {
            for (ours, theirs, within) in [
                ("time", "time", 0.001),
                ("latitude", "lat", 1e-6),
                ("longitude", "lon", 1e-6),
                ("altitude", "alt", 0.001),
                ("speed", "speed2d", 0.01),
            ] {
                let (ours, theirs) = (printed.value(row, ours), expected.value(row, theirs));
                assert!((ours - theirs).abs() <= within, "{film} row {row}: {ours} is not {theirs}");
            }
        }
    }
}

/// The film's first two payloads say that the receiver had no fix. By the clock
/// column of the independent decode they hold 16 and 19 samples; what it says of
/// positions stays what the file says.
#[test]
fn samples_without_a_fix_are_printed_too() {
    let project = Project::new();
    let Some(decode) = testdata("gopro/hero7.gps.csv") else { return };
    project.copy("gopro/hero7.mp4", "waking.mp4");
    let mut film = fs::read(project.path("waking.mp4")).unwrap();
    let marks: Vec<usize> =
        film.windows(8).enumerate().filter(|(_, head)| *head == b"GPSFL\x04\0\x01").map(|(at, _)| at).collect();
    for mark in &marks[..2] {
        film[mark + 8..mark + 12].fill(0);
    }
    project.write("waking.mp4", film);
    let expected = Rows::read(&fs::read(decode).unwrap());
    let clock = expected.1.iter().position(|name| name == "gpsu").unwrap();
    let waking = expected.0.iter().filter(|row| row[clock] <= *"190506181508.275").count();
    assert_eq!((expected.0.len(), waking), (199, 35));

    let printed = Rows::read(project.ok(&["telemetry", "waking.mp4", "--csv"]).as_bytes());
    assert_eq!(printed.0.len(), 199);
    for row in 0..199 {
        assert_eq!(printed.value(row, "fix"), if row < waking { 0.0 } else { 3.0 }, "row {row}");
        for (ours, theirs, within) in [("time", "time", 0.001), ("latitude", "lat", 1e-6), ("speed", "speed2d", 0.01)] {
            let (ours, theirs) = (printed.value(row, ours), expected.value(row, theirs));
            assert!((ours - theirs).abs() <= within, "row {row}: {ours} is not {theirs}");
        }
    }
    // Cleaned, and where a build shows them, they are none.
    let cleaned = Rows::read(project.ok(&["telemetry", "waking.mp4", "--csv", "--clean"]).as_bytes());
    assert_eq!(cleaned.0.len(), 199 - waking);
    let told = project.ok(&["telemetry", "waking.mp4"]);
    assert!(told.contains("35 positions are left out: the receiver had no fix"), "{told}");

    // As a manifest reads it, whose `max_dop` drops most: the rows are the file's.
    if project.copy("gopro/hero11.gpmf", "dump.gpmf") {
        for telemetry in [r#"Gpmf(file: "dump.gpmf", max_dop: 1.5)"#, r#""dump.gpmf""#] {
            project.write("autocut.ron", format!(r#"Project(version: 1, footage: {{}}, telemetry: {telemetry})"#));
            assert_eq!(Rows::read(project.ok(&["telemetry", "dump.gpmf", "--csv"]).as_bytes()).0.len(), 110);
        }
    }
}

/// What lies in no film is printed on the receiver's clock; GPS9 has one for
/// each sample (`hero11.gps.csv` counts it from the first).
#[test]
fn a_raw_dump_is_printed_with_the_times_that_are_stamped_in_it() {
    let project = Project::new();
    let Some(decode) = testdata("gopro/hero11.gps.csv") else { return };
    project.copy("gopro/hero11.gpmf", "hero11.gpmf");
    let printed = Rows::read(project.ok(&["telemetry", "hero11.gpmf", "--csv"]).as_bytes());
    let expected = Rows::read(&fs::read(decode).unwrap());
    assert_eq!(printed.0.len(), expected.0.len());
    for row in 0..printed.0.len() {
        let (ours, theirs) = (printed.value(row, "time") - printed.value(0, "time"), expected.value(row, "time"));
        assert!((ours - theirs).abs() <= 0.001, "row {row}: {ours} is not {theirs}");
        assert!((printed.value(row, "latitude") - expected.value(row, "lat")).abs() <= 1e-6, "row {row}");
    }
    // Day 8,298 since 2000, second 48,576.899 (ibid.).
    let column = printed.1.iter().position(|name| name == "utc").unwrap();
    assert_eq!(&printed.0[0][column], "2022-09-20T13:29:36.899Z");
}

#[test]
fn what_is_in_a_file_is_told_and_drawn() {
    let project = Project::new();
    if !project.copy("telemetry/trackaddict.csv", "car.csv") || !project.copy("telemetry/edge500.fit", "ride.fit") {
        return;
    }
    // The known values of the log (README of the test data).
    let told = project.ok(&["telemetry", "car.csv"]);
    assert!(told.contains("CSV of TrackAddict") && told.contains("1164 samples over 1245.3 s"), "{told}");
    let json: serde_json::Value = serde_json::from_str(&project.ok(&["telemetry", "car.csv", "--json"])).unwrap();
    let speed = json["channels"].as_array().unwrap().iter().find(|channel| channel["name"] == "speed").unwrap();
    let fastest = speed["max"].as_f64().unwrap() * 3.6;
    assert!((fastest - 158.0).abs() < 0.05, "{fastest}");
    // 10,686 records; 15 share their second with another, which is none of a path.
    let rows = |args: &[&str]| Rows::read(project.ok(&[&["telemetry", "ride.fit", "--csv"], args].concat()).as_bytes());
    assert_eq!((rows(&[]).0.len(), rows(&["--clean"]).0.len()), (10_686, 10_686 - 15));
    // 2011-09-25T13:00:22Z: the first record's own stamp (edge500.records.csv).
    let first = rows(&[]);
    assert_eq!(first.value(0, "time").rem_euclid(60.0), 22.0);
    assert!(first.0[0][1].starts_with("2011-09-25T13:00:22"), "{:?}", first.0[0]);

    project.ok(&["telemetry", "ride.fit", "--clean", "--plot", "plots/ride.png"]);
    let plot = common::ffprobe(&project.path("plots/ride.png"), "v", "stream=codec_name,width");
    assert_eq!(plot, "png,1600");
}

#[test]
fn what_is_no_telemetry_is_told_with_what_to_do() {
    let project = Project::new();
    project.footage("plain.mp4", &Footage::default()).write("noise.bin", [0; 500]).write("empty.csv", "");
    for (file, why) in [
        ("plain.mp4", "carries no telemetry"),
        ("noise.bin", "cannot be told from its first bytes"),
        ("empty.csv", "the file is empty"),
        ("absent.fit", "there is no file"),
        (".", "is a folder"),
        ("/dev/null", "is no file but a device"),
    ] {
        let ended = project.run(&["telemetry", file]);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), told.contains(why)), (Some(1), true), "{file}: {told}");
        assert!(told.contains("hint"), "{told}");
    }
    let ended = project.run(&["telemetry", "plain.mp4", "--timezone", "Europe/Berln"]);
    assert!(String::from_utf8_lossy(&ended.stderr).contains("Europe/Berlin"));
}

#[test]
fn nothing_is_lost_and_nothing_overwritten() {
    let project = project(r#""log": Telemetry(file: "log.csv")"#);
    // A disk that is full, as Linux has one to try.
    if std::path::Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = common::autocut();
        command.arg("-C").arg(project.path(".")).args(["telemetry", "ride.csv", "--csv"]).stdout(full);
        let ended = command.output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    // A reader that has seen enough, as `head` has, is no error.
    if project.copy("telemetry/edge500.fit", "long.fit") {
        let mut command = common::autocut();
        command.arg("-C").arg(project.path(".")).args(["telemetry", "long.fit", "--csv"]);
        let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        let ended = running.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), told.as_ref()), (Some(0), ""));
    }
    let ended = project.run(&["telemetry", "ride.csv", "--plot", "ride.csv"]);
    assert_eq!(ended.status.code(), Some(1));
    project.write("mine.png", "mine");
    for (plot, why) in [("mine.png", "was not written by autocut"), ("ride.csv", "is a PNG"), ("p.jpg", "is a PNG")] {
        let ended = project.run(&["telemetry", "ride.csv", "--plot", plot]);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), told.contains(why)), (Some(1), true), "{plot}: {told}");
    }
    assert_eq!(fs::read_to_string(project.path("ride.csv")).unwrap(), log());
    assert!(!project.path("p.jpg").exists());
    // Where the manifest says how, nothing else does; a wrong manifest is told.
    assert_eq!(project.run(&["telemetry", "ride.csv", "--timezone", "Asia/Tokyo"]).status.code(), Some(1));
    project.edit("autocut.ron", "1500ms", "1500 quark");
    let ended = project.run(&["telemetry", "ride.csv"]);
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() && told.contains("the manifest is wrong"), "{told}");
}

/// A logger at 1 Hz, silent from the 5th to the 20th second.
fn log() -> String {
    let seconds = (0..5).chain(20..30);
    seconds.fold("time,latitude,longitude,altitude,speed,heart rate\n".to_owned(), |log, second| {
        let (lat, pulse) = (47.5 + f64::from(second) * 5e-5, 120 + second);
        log + &format!("2024-06-01T10:00:{second:02}Z,{lat:.6},9.3,{}.5,5.56,{pulse}\n", 400 + second)
    })
}

fn project(outputs: &str) -> Project {
    let project = Project::new();
    project.footage("a.mp4", &Footage::default()).write("ride.csv", log()).write(
        "autocut.ron",
        format!(
            r#"Project(
                version: 1,
                footage: {{ "front": Footage(files: ["a.mp4"], clock: "2024-06-01T10:00:01Z") }},
                telemetry: "ride.csv",
                moments: Moments(length: "1500ms", weights: {{}}, pins: ["front/a@0s"]),
                outputs: {{ {outputs} }},
            )"#
        ),
    );
    project
}

#[test]
fn the_log_is_written_for_other_programs() {
    let project = project(
        r#""gpx": Telemetry(file: "out/ride.gpx"), "json": Telemetry(file: "out/ride.json", channels: ["heart_rate"]),
           "clips": Telemetry(folder: "out/clips")"#,
    );
    let made = project.make();
    assert_eq!(made.ran().get("telemetry.export"), Some(&3));
    assert_eq!(made.ran().get("segment"), None, "nothing is rendered for telemetry");
    project.make().assert_ran([]);

    let gpx = fs::read_to_string(project.path("out/ride.gpx")).unwrap();
    assert_eq!((gpx.matches("<trkseg>").count(), gpx.matches("<trkpt ").count()), (2, 15));
    assert!(gpx.contains(r#"<trkpt lat="47.50"#) && gpx.contains("<time>2024-06-01T10:00:00Z</time>"), "{gpx}");
    assert!(gpx.contains("<gpxtpx:hr>120</gpxtpx:hr>"), "{gpx}");
    // Another reader takes it: ours of another format knows nothing of the writer.
    let again = Rows::read(project.ok(&["telemetry", "out/ride.gpx", "--csv"]).as_bytes());
    assert_eq!((again.0.len(), again.value(14, "heart_rate")), (15, 149.0));

    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(project.path("out/ride.json")).unwrap()).unwrap();
    assert_eq!(json["samples"][6]["heart_rate"], 141.0);
    assert_eq!(json["samples"][6]["utc"], "2024-06-01T10:00:21Z");
    assert_eq!((json["gaps"][0][0].as_f64(), json["gaps"][0][1].as_f64()), (Some(4.0), Some(20.0)));
    assert!(json["samples"][0].get("latitude").is_none());

    // The moment starts a second into the log and lasts one and a half.
    let clip = Rows::read(&fs::read(project.path("out/clips/front-a-0h00m00.000s.csv")).unwrap());
    assert_eq!((clip.0.len(), clip.value(0, "time"), clip.value(1, "time")), (2, 0.0, 1.0));
    assert_eq!(clip.value(1, "heart_rate"), 122.0);

    let told = project.ok(&["explain", "out/ride.gpx"]);
    assert!(told.contains("1 file of telemetry"), "{told}");
    assert_eq!(project.run(&["explain", "clip", "1"]).status.code(), Some(1));
}

/// The log ends 20 s before the moment that lies beside it.
#[test]
fn a_moment_beside_the_log_has_no_file() {
    let project =
        project(r#""clips": Telemetry(folder: "clips"), "pulse": Telemetry(file: "p.gpx", channels: ["heart_rate"])"#);
    project.edit("autocut.ron", "10:00:01Z", "10:00:50Z");
    project.edit("ride.csv", "10:00:29Z", "10:00:49Z");
    project.edit("autocut.ron", r#"pins: ["front/a@0s"]"#, r#"pins: ["front/a@500ms"]"#);
    let refused = project.run(&["make"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("no footage overlaps"), "{told}");
    project.edit("ride.csv", "10:00:49Z", "10:00:50.2Z");
    project.make();
    assert!(!project.path("clips").exists());
    // Positions are what a track is made of, whatever is chosen.
    let gpx = fs::read_to_string(project.path("p.gpx")).unwrap();
    assert!(gpx.contains("<trkpt ") && gpx.contains("<gpxtpx:hr>") && !gpx.contains("<ele>"), "{gpx}");
}

#[test]
fn an_edit_writes_what_it_changes() {
    let project = project(r#""all": Telemetry(file: "all.csv"), "clips": Telemetry(folder: "clips")"#);
    project.make();
    // Far from the moment: the log is another, and so are both files' actions, but
    // the bytes of the clip are the same.
    let clip = project.path("clips/front-a-0h00m00.000s.csv");
    let before = fs::read(&clip).unwrap();
    project.edit("ride.csv", "149\n", "150\n");
    assert_eq!(project.make().ran().get("telemetry.export"), Some(&2));
    assert_eq!(fs::read(&clip).unwrap(), before);
    // What someone else changed is not overwritten, what is gone is written again.
    fs::remove_file(project.path("all.csv")).unwrap();
    project.make().assert_ran([("telemetry.export", 1)]);
    fs::write(&clip, "mine").unwrap();
    project.edit("ride.csv", "150\n", "151\n");
    let refused = project.make_with(&[]);
    assert!(refused.errors().iter().any(|error| error.contains("clips/front-a")), "{:?}", refused.errors());
    assert_eq!(fs::read(&clip).unwrap(), b"mine");
}

#[test]
fn what_cannot_be_written_is_told_before_anything_runs() {
    for (output, why) in [
        (r#"Telemetry(file: "a.csv", channels: ["heart_rat"])"#, "heart_rate"),
        (r#"Telemetry(file: "a.xls")"#, ".csv, .gpx or .json"),
        (r#"Telemetry()"#, "is not said"),
        (r#"Telemetry(file: "a.csv", folder: "b")"#, "two outputs"),
        (r#"Telemetry(file: "a.csv", format: Gpx)"#, "remove `format`"),
    ] {
        let ended = project(&format!("\"log\": {output}")).run(&["make"]);
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), told.contains(why)), (Some(1), true), "{output}: {told}");
        assert!(told.contains("autocut.ron:"), "{told}");
    }
}
