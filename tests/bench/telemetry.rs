//! A log of ten million rows: read, cleaned, looked up.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use autocut::base::{Digest, Unit};
use autocut::inputs::Placed;
use autocut::model::specs::{CompleteSpec, CompleteStep, LapRule, PrivatePlace};
use autocut::store::ScratchFile;
use autocut::telemetry::FORMATS;
use autocut::telemetry::columns::{Reader, Source};

use super::{Table, autocut, output};

const ROWS: u32 = 10_000_000;

/// Rounds, of which the best counts: the machine may be shared.
const ROUNDS: usize = 3;

pub(crate) fn measure(folder: &Path, table: &mut Table) {
    let project = folder.join("telemetry");
    let log = project.join("ride.csv");
    prepare(&project, &log);

    let plain = best(|| {
        let mut reader = csv::Reader::from_reader(File::open(&log).unwrap());
        let (mut record, mut bytes) = (csv::ByteRecord::new(), 0);
        while reader.read_byte_record(&mut record).unwrap() {
            bytes += record.as_slice().len();
        }
        assert!(bytes > 100_000_000);
    });
    let csv = FORMATS.iter().find(|format| format.name() == "Csv").unwrap();
    let artifact = folder.join("telemetry.raw");
    let imported = best(|| {
        let mut out = BufWriter::new(File::create(&artifact).unwrap());
        let summary = (csv.plain)(&mut File::open(&log).unwrap(), None, &mut out).unwrap();
        out.flush().unwrap();
        assert_eq!((summary.samples, summary.bad_rows), (u64::from(ROWS), 0));
    });
    let rate = f64::from(ROWS) / imported.as_secs_f64() / 1e6;
    table.row(
        "importing 10 million rows of time, lat, lon, speed, on one core",
        format!("{rate:.2} million rows/s"),
        "at least 1",
    );
    let ratio = imported.as_secs_f64() / plain.as_secs_f64();
    let measured = format!("{ratio:.1} ({:.1} s / {:.1} s)", imported.as_secs_f64(), plain.as_secs_f64());
    table.row("the same, against the csv crate reading its records", measured, "");
    let size = |path: &Path| fs::metadata(path).unwrap().len() as f64;
    table.row("the log in the store, against the file", format!("{:.3}", size(&artifact) / size(&log)), "");

    let clean = folder.join("telemetry.clean");
    let raw = Reader::open(Box::new(Stored(Placed::open(&artifact).unwrap()))).unwrap();
    let started = Instant::now();
    let mut out = BufWriter::new(File::create(&clean).unwrap());
    autocut::telemetry::clean_stream(&raw, 5_000, &mut out).unwrap();
    out.flush().unwrap();
    let rate = f64::from(ROWS) / started.elapsed().as_secs_f64() / 1e6;
    table.row("cleaning them, on one core", format!("{rate:.2} million rows/s"), "");

    let reader = Reader::open(Box::new(Stored(Placed::open(&clean).unwrap()))).unwrap();
    let started = Instant::now();
    let mut scratch = ScratchFile::new_in(folder).unwrap();
    let mut out = BufWriter::new(File::create(folder.join("telemetry.complete")).unwrap());
    autocut::telemetry::complete_stream(&reader, &additions(), &mut scratch, &mut out).unwrap();
    out.flush().unwrap();
    let rate = f64::from(ROWS) / started.elapsed().as_secs_f64() / 1e6;
    table.row("completing them, on one core", format!("{rate:.2} million rows/s"), "");

    let (first, last) = reader.span().unwrap();
    let started = Instant::now();
    for at in 0..1_000 {
        let start = first + (last - first) / 1_000 * at;
        assert!(reader.slice(start..start + 4_000_000_000).unwrap().times.len() >= 40);
    }
    let each = started.elapsed() / 1_000;
    table.row("4 s of the cleaned log", format!("{:.2} ms", each.as_secs_f64() * 1e3), "");

    let peak = (0..ROUNDS).map(|_| peak_mib(&project)).min().unwrap();
    table.row(
        "`autocut` hashing, importing, cleaning and completing them: greatest resident memory",
        format!("{peak} MiB"),
        "at most 95",
    );
}

/// A file as the executor reads it.
struct Stored(Placed);

impl Source for Stored {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.0.read_at(at, buffer)
    }
}

/// What the project of [`prepare`] adds and hides.
fn additions() -> CompleteSpec {
    let own = |name: &str, text: &str, unit| CompleteStep::Expression {
        name: name.to_owned(),
        text: text.to_owned(),
        unit,
        converts: true,
    };
    CompleteSpec {
        telemetry: Digest::of(b""),
        laps: Some(LapRule::Distance { millimetres: 5_000_000 }),
        privacy: vec![PrivatePlace { latitude: 520_000_000, longitude: 130_150_000, radius: 200_000 }],
        steps: vec![
            own("effort", "mean(speed, 30s) + 5s * rate(speed, 5s)", Unit::MetresPerSecond),
            own("way", "integral(speed)", Unit::Metres),
            CompleteStep::Zones {
                channel: "speed".to_owned(),
                unit: Unit::KilometresPerHour,
                bounds: vec![20_000, 30_000, 36_000],
            },
            CompleteStep::Score { name: "new_maximum(effort)".to_owned() },
        ],
    }
}

fn best(mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap()
}

/// A log of eleven days at 10 Hz, and a film that lies in it.
fn prepare(project: &Path, log: &Path) {
    fs::create_dir_all(project).unwrap();
    let film = project.join("a.mp4");
    if !film.exists() {
        let film = film.to_str().unwrap();
        let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:r=30:d=4"];
        output(Command::new("ffmpeg").args(source).args(["-metadata", "creation_time=2024-06-05T10:00:00Z", film]));
    }
    fs::write(
        project.join("autocut.ron"),
        "Project(version: 1, footage: {\"front\": \"a.mp4\"}, telemetry: \"ride.csv\", \
         privacy: [Place(at: (52.0, 13.015), radius: \"200m\")], \
         channels: {\"effort\": \"mean(speed, 30s) + 5s * rate(speed, 5s)\", \
         \"way\": \"integral(speed)\"}, zones: {\"speed\": [20, 30, 36]}, laps: Distance(\"5km\"), \
         moments: Moments(weights: {\"new_maximum(effort)\": 1.0}), \
         outputs: {\"reel\": Reel(file: \"out/reel.mp4\")})",
    )
    .unwrap();
    if log.exists() {
        return;
    }
    println!("writing a log of 10 million rows, once");
    let unfinished = log.with_extension("part");
    let mut out = BufWriter::new(File::create(&unfinished).unwrap());
    let mut text = String::from("time,lat,lon,speed (m/s)\n");
    for row in 0..ROWS {
        let way = f64::from(row) / 3_000.0;
        let (lat, lon) = (52.0 + 0.01 * libm::sin(way), 13.0 + 0.015 * libm::cos(way * 0.7));
        let speed = 8.0 + 3.0 * libm::sin(way * 3.0);
        let (second, tenth) = (1_717_236_000 + row / 10, row % 10);
        writeln!(text, "{second}.{tenth},{lat:.7},{lon:.7},{speed:.2}").unwrap();
        if row % 10_000 == 0 || row + 1 == ROWS {
            out.write_all(text.as_bytes()).unwrap();
            text.clear();
        }
    }
    out.flush().unwrap();
    fs::rename(unfinished, log).unwrap();
}

/// The greatest resident memory of `autocut doctor` in a project without a
/// store, its worker processes left out, in MiB; 0 where the system does not
/// tell.
fn peak_mib(project: &Path) -> u64 {
    let _ = fs::remove_dir_all(project.join(".autocut"));
    let mut child = autocut(project).arg("doctor").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        let told = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    peak >> 10
}
