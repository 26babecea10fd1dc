//! FIT files written by hand, byte by byte as the protocol's description has
//! them: what the real files at hand do not have.

use super::{format, values};
use crate::base::Unit;
use crate::model::telemetry::{MarkKind, Telemetry, TelemetrySummary};

/// 2024-06-01T10:00:00Z on FIT's clock, and on ours.
const T: u32 = 1_717_236_000 - 631_065_600;
const START: i64 = 1_717_236_000_000_000_000;

/// The checksum of the protocol (CRC-16/ARC).
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xa001 } else { crc >> 1 })
    })
}

#[derive(Default)]
struct Fit(Vec<u8>);

impl Fit {
    /// A definition: local kind, message, fields (number, size, base type),
    /// developer fields (number, size, index).
    fn define(mut self, local: u8, message: u16, fields: &[[u8; 3]], developer: &[[u8; 3]]) -> Self {
        let flag = if developer.is_empty() { 0 } else { 0x20 };
        self.0.extend([0x40 | flag | local, 0, 0]);
        self.0.extend(message.to_le_bytes());
        self.0.push(fields.len() as u8);
        self.0.extend(fields.iter().flatten());
        if !developer.is_empty() {
            self.0.push(developer.len() as u8);
            self.0.extend(developer.iter().flatten());
        }
        self
    }

    fn data(mut self, header: u8, parts: &[&[u8]]) -> Self {
        self.0.push(header);
        parts.iter().for_each(|part| self.0.extend(*part));
        self
    }

    fn file(self) -> Vec<u8> {
        let mut file = vec![14, 0x20, 0x54, 0x08];
        file.extend((self.0.len() as u32).to_le_bytes());
        file.extend(b".FIT");
        file.extend(crc(&file).to_le_bytes());
        file.extend(&self.0);
        let sum = crc(&file[14..]);
        file.extend(sum.to_le_bytes());
        file
    }
}

const U8: u8 = 2;
const U16: u8 = 0x84;
const U32: u8 = 0x86;
const S32: u8 = 0x85;
const F32: u8 = 0x88;
const STRING: u8 = 7;

/// A record each second with a pulse, of which 255 is none.
fn pulses(fit: Fit, pulses: &[u8]) -> Fit {
    let fit = fit.define(0, 20, &[[253, 4, U32], [3, 1, U8]], &[]);
    pulses.iter().zip(T..).fold(fit, |fit, (pulse, time)| fit.data(0, &[&time.to_le_bytes(), &[*pulse]]))
}

fn read(file: &[u8]) -> (Telemetry, TelemetrySummary) {
    format("Log").whole_plain(&mut &file[..], None).unwrap_or_else(|problem| panic!("{problem:?}"))
}

#[test]
fn developer_fields_have_their_names_and_units() {
    let text = |text: &str| format!("{text}{}", "\0".repeat(16 - text.len()));
    let (form, watts, rate) = (text("Form Power"), text("Watts"), text("Core Temp"));
    let (w, fahrenheit) = (text("W"), text("°F"));
    let described = [[0, 1, U8], [1, 1, U8], [2, 1, U8], [3, 16, STRING], [8, 16, STRING], [15, 1, U8]];
    let fit = Fit::default()
        .define(1, 206, &described, &[])
        // Developer 0: field 0 is its own, field 1 stands for the profile's power (7).
        .data(1, &[&[0, 0, U16], form.as_bytes(), w.as_bytes(), &[255]])
        .data(1, &[&[0, 1, U16], watts.as_bytes(), w.as_bytes(), &[7]])
        .data(1, &[&[0, 2, F32], rate.as_bytes(), fahrenheit.as_bytes(), &[255]])
        .define(0, 20, &[[253, 4, U32], [3, 1, U8]], &[[0, 2, 0], [1, 2, 0], [2, 4, 0]])
        .data(0, &[&T.to_le_bytes(), &[140], &61_u16.to_le_bytes(), &250_u16.to_le_bytes(), &98.6_f32.to_le_bytes()])
        .data(0, &[&(T + 1).to_le_bytes(), &[141], &[255, 255], &251_u16.to_le_bytes(), &98.8_f32.to_le_bytes()]);
    let (log, summary) = read(&fit.file());
    assert_eq!(log.times, [START, START + 1_000_000_000], "{:?}", summary.notes);
    assert_eq!(values(&log, "power"), [250.0, 251.0]);
    assert!(values(&log, "form_power")[0] == 61.0 && values(&log, "form_power")[1].is_nan());
    assert_eq!(log.channel("form_power").unwrap().unit, Unit::Watts);
    assert!((values(&log, "core_temp")[0] - 98.6).abs() < 1e-5);
    assert_eq!(values(&log, "heart_rate"), [140.0, 141.0]);
    assert_eq!(summary.notes, [""; 0]);
}

/// Fields that say the same twice, in fewer bytes than the profile has, and in
/// arrays.
#[test]
fn the_better_of_two_fields_counts_and_short_ones_are_understood() {
    let fields =
        [[253, 4, U32], [2, 2, U16], [78, 4, U32], [6, 2, U16], [5, 2, U16], [0, 4, S32], [1, 4, S32], [69, 2, U8]];
    let record = |fit: Fit, time: u32, enhanced: u32, distance: u16| {
        let (altitude, speed) = ((500_u16 + 400) * 5, 8_250_u16);
        fit.data(
            0,
            &[
                &time.to_le_bytes(),
                &altitude.to_le_bytes(),
                &enhanced.to_le_bytes(),
                &speed.to_le_bytes(),
                &distance.to_le_bytes(),
                &521_521_093_i32.to_le_bytes(),
                &(-946_874_053_i32).to_le_bytes(),
                &[128, 255],
            ],
        )
    };
    let fit = Fit::default().define(0, 20, &fields, &[]);
    let fit = record(record(fit, T, (500 + 401) * 5, 1_234), T + 1, u32::MAX, u16::MAX);
    let (log, _) = read(&fit.file());
    // The enhanced altitude where there is one.
    assert_eq!(values(&log, "altitude"), [401.0, 400.0]);
    assert_eq!(values(&log, "speed"), [8.25, 8.25]);
    // Two bytes of a field that has four in the profile: 65535 is none.
    assert!(values(&log, "distance")[0] == 12.34 && values(&log, "distance")[1].is_nan());
    assert!((values(&log, "latitude")[0] - 43.713_393_0).abs() < 1e-6);
    assert!((values(&log, "left_power_phase_1")[0] - 128.0 / 0.711_111_1).abs() < 1e-3);
    assert!(log.channel("left_power_phase_2").is_none());
}

#[test]
fn a_stopped_timer_is_a_pause_and_laps_are_counted() {
    let event = |fit: Fit, time: u32, event: u8, kind: u8| fit.data(2, &[&time.to_le_bytes(), &[event, kind]]);
    let record = |fit: Fit, time: u32| fit.data(0, &[&time.to_le_bytes(), &[140]]);
    let lap = |fit: Fit, end: u32, start: u32, trigger: u8| {
        fit.data(3, &[&end.to_le_bytes(), &start.to_le_bytes(), &[trigger]])
    };
    let fit = Fit::default()
        .define(0, 20, &[[253, 4, U32], [3, 1, U8]], &[])
        .define(2, 21, &[[253, 4, U32], [0, 1, 0], [1, 1, 0]], &[])
        .define(3, 19, &[[253, 4, U32], [2, 4, U32], [24, 1, 0]], &[]);
    let fit = event(fit, T, 0, 0);
    let fit = record(record(fit, T), T + 1);
    let fit = event(fit, T + 1, 0, 4);
    let fit = event(fit, T + 3, 0, 0);
    let fit = lap(record(fit, T + 3), T + 3, T, 0);
    let fit = event(record(fit, T + 4), T + 4, 43, 3);
    let fit = lap(event(fit, T + 4, 0, 4), T + 4, T + 3, 7);
    let (log, summary) = read(&fit.file());
    assert_eq!((log.breaks.as_slice(), summary.laps, summary.pauses, summary.events), ([2].as_slice(), 2, 1, 1));
    let marks: Vec<_> =
        log.marks.iter().map(|mark| ((mark.time - START) / 1_000_000_000, mark.kind, mark.name.as_str())).collect();
    assert_eq!(
        marks,
        [
            (0, MarkKind::Lap, "manual"),
            (1, MarkKind::Pause, ""),
            (3, MarkKind::Lap, "session_end"),
            (3, MarkKind::Resume, ""),
            (4, MarkKind::Event, "rear_gear_change"),
        ]
    );
    // Nothing is drawn across a pause of two seconds.
    let (clean, _) = crate::telemetry::clean(&log, 5_000);
    assert_eq!(crate::telemetry::lookup::value_at(&clean, "heart_rate", START + 2_000_000_000), None);
    assert_eq!(values(&clean, "lap"), [1.0, 1.0, 2.0, 2.0]);
}

/// 12 bits of speed, 12 of a distance that starts again at 256 m.
#[test]
fn speed_and_distance_in_three_bytes() {
    let packed = |speed: u32, distance: u32| {
        let bits = speed | (distance & 0x0fff) << 12;
        [bits as u8, (bits >> 8) as u8, (bits >> 16) as u8]
    };
    let fit = Fit::default().define(0, 20, &[[253, 4, U32], [8, 3, 13]], &[]);
    let fit = [(825, 100), (850, 4_000), (875, 4_200)]
        .iter()
        .zip(T..)
        .fold(fit, |fit, ((speed, distance), time)| fit.data(0, &[&time.to_le_bytes(), &packed(*speed, *distance)]));
    let (log, _) = read(&fit.file());
    assert_eq!(values(&log, "speed"), [8.25, 8.5, 8.75]);
    assert_eq!(values(&log, "distance"), [100.0 / 16.0, 250.0, 262.5]);
}

/// The header's time stamps of five bits, and a file behind the file.
#[test]
fn compressed_times_and_chained_files() {
    let fit = Fit::default()
        .define(0, 20, &[[253, 4, U32], [3, 1, U8]], &[])
        .define(1, 20, &[[3, 1, U8]], &[])
        .data(0, &[&T.to_le_bytes(), &[140]])
        .data(0x80 | 1 << 5 | ((T + 2) & 0x1f) as u8, &[&[141]])
        .data(0x80 | 1 << 5 | ((T + 30) & 0x1f) as u8, &[&[142]]);
    let later =
        Fit::default().define(0, 20, &[[253, 4, U32], [3, 1, U8]], &[]).data(0, &[&(T + 60).to_le_bytes(), &[143]]);
    let (log, summary) = read(&[fit.file(), later.file()].concat());
    let seconds: Vec<i64> = log.times.iter().map(|time| (time - START) / 1_000_000_000).collect();
    assert_eq!((seconds.as_slice(), summary.notes.len()), ([0, 2, 30, 60].as_slice(), 0), "{:?}", summary.notes);
    assert_eq!(values(&log, "heart_rate"), [140.0, 141.0, 142.0, 143.0]);
}

#[test]
fn what_can_be_read_of_a_damaged_file_is_read() {
    let file = pulses(Fit::default(), &[140, 141, 142, 255]).file();
    assert_eq!(read(&file).0.times.len(), 4);
    assert!(values(&read(&file).0, "heart_rate")[3].is_nan());

    // Cut off within the third record.
    let cut = file.len() - 2 - 6 - 3;
    let (log, summary) = read(&file[..cut]);
    assert_eq!(log.times.len(), 2);
    assert!(summary.notes[0].starts_with(&format!("the file is cut off at byte {cut}")), "{:?}", summary.notes);

    // Its logger lost power: no length, no checksum.
    let mut unfinished = file[..file.len() - 2].to_vec();
    unfinished[4..8].fill(0);
    unfinished[12..14].fill(0);
    let (log, summary) = read(&unfinished);
    assert_eq!(log.times.len(), 4);
    assert!(summary.notes[0].contains("did not finish the file"), "{:?}", summary.notes);

    // Longer than it is, by its header.
    let mut lying = file.clone();
    lying[4..8].fill(0xff);
    assert_eq!(read(&lying).0.times.len(), 4);

    let mut flipped = file.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let (log, summary) = read(&flipped);
    assert_eq!(log.times.len(), 4);
    assert!(summary.notes[0].contains("checksum"), "{:?}", summary.notes);

    // A message that nothing defines.
    let undefined = pulses(Fit::default(), &[140, 141]).data(5, &[&[0; 8]]).file();
    let (log, summary) = read(&undefined);
    assert_eq!((log.times.len(), summary.bad_rows), (2, 1));
    assert!(summary.bad_examples[0].at.to_string().starts_with("byte "), "{:?}", summary.bad_examples);

    // A logger that never knew the time.
    let timeless =
        Fit::default().define(0, 20, &[[253, 4, U32], [3, 1, U8]], &[]).data(0, &[&100_u32.to_le_bytes(), &[140]]);
    let problem = format("Fit").whole_plain(&mut &timeless.file()[..], None).unwrap_err();
    assert!(problem.message.contains("no sample that can be used"), "{problem:?}");
}
