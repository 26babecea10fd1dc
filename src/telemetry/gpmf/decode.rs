//! Payloads to positions and averaged sensor values over media time.
//!
//! A payload states when it starts and how long it lasts; its samples lie
//! evenly in it, which is nominal: a camera's clock and that of its GPS drift,
//! and the last payload of a file is as long as the file wants. So the times of
//! a GPS are its own where it states them (GPS9 for each sample, GPSU for the
//! first of each payload), and media times are what connects them with the
//! pictures.

use std::collections::BTreeMap;

use super::klv::{self, Item};
use crate::model::payloads::Payload;

/// What a payload lasts that says nothing of it, in ns.
const NOMINAL: i64 = 1_001_000_000;

/// Sensors that measure 200 times a second are averaged over this long, in ns.
pub(super) const BIN: i64 = 100_000_000;

/// Longest time that a payload is believed to last, in ns: the last one of a
/// film is as long as the film wants.
const LONGEST: i64 = 4 * NOMINAL;

/// Media times further than this from 0 are none, in ns: a week.
const FURTHEST: i64 = 7 * 86_400_000_000_000;

/// Most positions that are kept: fifteen hours at 18 a second. And of one
/// payload, of what the drone says of its receiver.
const MOST_FIXES: usize = 1_000_000;
const MOST_REPORTS: usize = 1_000;

/// Most bins of a sensor: fourteen hours.
const MOST_BINS: usize = 500_000;

/// UTC before this is that of a receiver that does not know yet: 2010-01-01.
const EARLIEST: i64 = 1_262_304_000_000_000_000;
/// 2000-01-01, from which GPS9 counts days, in s.
const Y2000: f64 = 946_684_800.0;

/// One position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fix {
    /// In ns.
    pub(crate) media: i64,
    /// By the receiver, in ns.
    pub(crate) utc: Option<i64>,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    /// In m.
    pub(crate) altitude: f64,
    /// In m/s, along the ground and in space.
    pub(crate) speed: f64,
    pub(crate) speed_3d: f64,
    /// 0 for none, 2 and 3 for the dimensions that are known; NaN unstated.
    pub(crate) fix: f64,
    /// Dilution of precision; NaN unstated.
    pub(crate) dop: f64,
    /// In degrees; NaN unstated.
    pub(crate) heading: f64,
    pub(crate) satellites: f64,
}

impl Fix {
    const NONE: Fix = Fix {
        media: 0,
        utc: None,
        latitude: f64::NAN,
        longitude: f64::NAN,
        altitude: f64::NAN,
        speed: f64::NAN,
        speed_3d: f64::NAN,
        fix: f64::NAN,
        dop: f64::NAN,
        heading: f64::NAN,
        satellites: f64::NAN,
    };

    /// Whether the receiver knew where it was.
    pub(crate) fn is_fixed(&self) -> bool {
        let nowhere = self.latitude == 0.0 && self.longitude == 0.0;
        !nowhere && (self.fix.is_nan() || self.fix >= 2.0)
    }
}

/// A sensor with several axes, averaged.
#[derive(Debug)]
pub(crate) struct Sensor {
    pub(crate) kind: &'static SensorKind,
    /// By the number of the bin, of [`BIN`] each.
    bins: BTreeMap<i64, ([f64; 4], u32)>,
}

#[derive(Debug)]
pub(crate) struct SensorKind {
    key: [u8; 4],
    pub(crate) unit: crate::base::Unit,
    /// The channels' names, in the order of x, y, z.
    pub(crate) channels: &'static [&'static str],
    /// Whether its axes are in the order that `ORIN` states.
    oriented: bool,
}

const SENSORS: [SensorKind; 4] = {
    use crate::base::Unit;
    [
        SensorKind {
            key: *b"ACCL",
            unit: Unit::MetresPerSecondSquared,
            channels: &["accel_x", "accel_y", "accel_z"],
            oriented: true,
        },
        SensorKind { key: *b"GYRO", unit: Unit::None, channels: &["gyro_x", "gyro_y", "gyro_z"], oriented: true },
        SensorKind {
            key: *b"GRAV",
            unit: Unit::StandardGravity,
            channels: &["gravity_x", "gravity_y", "gravity_z"],
            oriented: false,
        },
        SensorKind {
            key: *b"CORI",
            unit: Unit::None,
            channels: &["orientation_w", "orientation_x", "orientation_y", "orientation_z"],
            oriented: false,
        },
    ]
};

impl Sensor {
    /// The mean of an axis at a time: a straight line between the middles of
    /// two bins that are neighbours.
    pub(crate) fn at(&self, media: i64, axis: usize) -> f64 {
        let place = media.saturating_sub(BIN / 2);
        let bin = place.div_euclid(BIN);
        let mean = |bin: i64| self.bins.get(&bin).map(|(sums, count)| sums[axis] / f64::from(*count));
        match (mean(bin), mean(bin.saturating_add(1))) {
            (Some(before), Some(after)) => before + (after - before) * (place.rem_euclid(BIN) as f64 / BIN as f64),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => f64::NAN,
        }
    }

    /// The middles of all bins, in ns.
    pub(crate) fn times(&self) -> impl Iterator<Item = i64> {
        self.bins.keys().map(|bin| bin.saturating_mul(BIN).saturating_add(BIN / 2))
    }
}

/// What a recording says.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Fixed or not.
    pub(crate) fixes: Vec<Fix>,
    pub(crate) sensors: Vec<Sensor>,
    /// Media times and the UTC at them, in ns, by the receiver.
    pub(crate) anchors: Vec<Anchor>,
    /// What the device is called.
    pub(crate) device: Option<String>,
    /// The stream that the positions are of.
    pub(crate) stream: &'static str,
    /// Payloads that end before they say they do, or cannot be read.
    pub(crate) damaged: u64,
    /// Bytes of a raw dump that belong to no payload.
    pub(crate) foreign: u64,
    /// Whether there is more than is read.
    pub(crate) more: bool,
}

/// An instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Anchor {
    pub(crate) media: i64,
    pub(crate) utc: i64,
    pub(crate) dop: f64,
}

/// The positions of one payload.
#[derive(Default)]
struct Block {
    start: i64,
    duration: i64,
    fixes: Vec<Fix>,
    /// UTC of the first of them.
    utc: Option<i64>,
}

/// What one payload holds of positions, by stream.
#[derive(Default)]
struct Found {
    gps5: Vec<Fix>,
    gps9: Vec<Fix>,
    karma: Vec<Fix>,
    /// Of the drone: its own clock in s, dimensions, satellites.
    raw: Vec<(f64, f64, f64)>,
    /// Of the drone: its own clock in s, and UTC in ns at it.
    system: Option<(f64, i64)>,
    gpsu: Option<i64>,
    stamp: Option<i64>,
    /// How many positions may still be kept.
    room: usize,
    /// Whether there were more.
    more: bool,
}

/// What stands before a stream's samples.
struct Context {
    scale: Vec<f64>,
    types: Vec<u8>,
    orientation: Vec<u8>,
    fix: f64,
    dop: f64,
}

pub(crate) fn decode(payloads: &[Payload<'_>]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut sensors: BTreeMap<usize, Sensor> = BTreeMap::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut first_stamp = None;
    let mut room = MOST_FIXES;
    for (index, payload) in payloads.iter().enumerate() {
        if payload.time.is_some_and(|(start, _)| !(-FURTHEST..=FURTHEST).contains(&start)) {
            decoded.damaged += 1;
            continue;
        }
        let mut found = Found { room, ..Found::default() };
        // A raw dump's payloads have the place that their streams state, or a
        // nominal one.
        let nominal = NOMINAL.saturating_mul(i64::try_from(index).unwrap_or(i64::MAX));
        let (start, duration) = payload.time.unwrap_or((nominal, NOMINAL));
        let duration = duration.clamp(0, LONGEST);
        let mut place = |stamp: Option<i64>| match (payload.time, stamp) {
            (None, Some(stamp)) => {
                let since = stamp.saturating_sub(*first_stamp.get_or_insert(stamp));
                if (-FURTHEST..=FURTHEST).contains(&since) { since } else { start }
            }
            _ => start,
        };
        let cut = klv::streams(payload.bytes, &mut |stream| {
            found.stream(stream, &mut |stamp| (place(stamp), duration), &mut sensors);
        });
        decoded.damaged += u64::from(cut);
        if decoded.device.is_none() {
            decoded.device = device(payload.bytes);
        }
        let start = place(found.stamp);
        decoded.more |= found.more;
        let block = found.block((start, duration), &mut decoded.stream);
        room = room.saturating_sub(block.fixes.len());
        blocks.push(block);
    }
    if payloads.iter().all(|payload| payload.time.is_none()) {
        lengthen(&mut blocks);
    }
    decoded.sensors = sensors.into_values().collect();
    decoded.place(blocks);
    decoded
}

/// Payloads of which only the start is known last until the next.
fn lengthen(blocks: &mut [Block]) {
    let starts: Vec<i64> = blocks.iter().map(|block| block.start).collect();
    for (block, next) in blocks.iter_mut().zip(starts.iter().skip(1)) {
        let length = next.saturating_sub(block.start);
        if (NOMINAL / 4..NOMINAL * 4).contains(&length) {
            block.duration = length;
        }
    }
}

/// The first device's name.
fn device(payload: &[u8]) -> Option<String> {
    let device = klv::items(payload).find(|item| item.key == *b"DEVC")?;
    let name = klv::items(device.data).find(|item| item.key == *b"DVNM")?.text();
    let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    (!name.is_empty()).then_some(name)
}

/// `yymmddhhmmss.sss` in ns.
fn stamp(item: &Item<'_>) -> Option<i64> {
    let text = item.text();
    let digits = text.get(..12).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    let two = |at: usize| digits[at..at + 2].parse::<i8>().ok();
    let millis = text.get(13..16).filter(|_| text.as_bytes().get(12) == Some(&b'.'));
    let millis: i32 = millis.map_or(Some(0), |millis| millis.parse().ok())?;
    let year = 2000 + i16::from(two(0)?);
    let time =
        jiff::civil::DateTime::new(year, two(2)?, two(4)?, two(6)?, two(8)?, two(10)?, millis * 1_000_000).ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    i64::try_from(time.as_nanosecond()).ok().filter(|time| *time >= EARLIEST)
}

impl Context {
    fn new() -> Context {
        Context { scale: Vec::new(), types: Vec::new(), orientation: Vec::new(), fix: f64::NAN, dop: f64::NAN }
    }

    /// The values of a sample in their units. A scale of 0 is none.
    fn read(&self, item: &Item<'_>, sample: &[u8], values: &mut Vec<f64>) {
        item.read(sample, &self.types, values);
        for (at, value) in values.iter_mut().enumerate() {
            let scale = if self.scale.len() == 1 { self.scale.first() } else { self.scale.get(at) };
            if let Some(scale) = scale.filter(|scale| scale.is_finite() && **scale != 0.0) {
                *value /= scale;
            }
        }
    }
}

impl Found {
    fn stream(
        &mut self,
        stream: &[u8],
        span: &mut impl FnMut(Option<i64>) -> (i64, i64),
        sensors: &mut BTreeMap<usize, Sensor>,
    ) {
        let mut context = Context::new();
        let mut values = Vec::new();
        let mut stamped = None;
        for item in klv::items(stream) {
            match &item.key {
                b"SCAL" => context.scale = item.numbers(),
                b"TYPE" => context.types = klv::layout(item),
                b"ORIN" => context.orientation = item.data.iter().copied().take(4).collect(),
                b"GPSF" => context.fix = item.numbers().first().copied().unwrap_or(f64::NAN),
                b"GPSP" => context.dop = item.numbers().first().map_or(f64::NAN, |dop| dop / 100.0),
                b"GPSU" => self.gpsu = stamp(&item),
                // Microseconds.
                b"STMP" => stamped = item.numbers().first().map(|stamp| (stamp * 1e3) as i64),
                b"GPS5" => {
                    self.stamp = self.stamp.or(stamped);
                    self.more |= item.count() > self.room;
                    for sample in item.samples().take(self.room.saturating_sub(self.gps5.len())) {
                        context.read(&item, sample, &mut values);
                        if let [latitude, longitude, altitude, speed, speed_3d, ..] = values[..] {
                            let (fix, dop) = (context.fix, context.dop);
                            let fix = Fix { latitude, longitude, altitude, speed, speed_3d, fix, dop, ..Fix::NONE };
                            self.gps5.push(fix);
                        }
                    }
                }
                b"GPS9" => {
                    self.stamp = stamped.or(self.stamp);
                    self.more |= item.count() > self.room;
                    for sample in item.samples().take(self.room.saturating_sub(self.gps9.len())) {
                        context.read(&item, sample, &mut values);
                        let [latitude, longitude, altitude, speed, speed_3d, days, seconds, dop, fix, ..] = values[..]
                        else {
                            continue;
                        };
                        let millis = libm::round((Y2000 + days * 86_400.0 + seconds) * 1e3) as i64;
                        let utc = millis.checked_mul(1_000_000).filter(|utc| *utc >= EARLIEST && fix >= 2.0);
                        let fix = Fix { utc, latitude, longitude, altitude, speed, speed_3d, fix, dop, ..Fix::NONE };
                        self.gps9.push(fix);
                    }
                }
                b"GLPI" => {
                    self.more |= item.count() > self.room;
                    for sample in item.samples().take(self.room.saturating_sub(self.karma.len())) {
                        context.read(&item, sample, &mut values);
                        let [time, latitude, longitude, altitude, _, north, east, down, heading, ..] = values[..]
                        else {
                            continue;
                        };
                        let speed = libm::hypot(north, east);
                        let speed_3d = libm::hypot(speed, down);
                        let heading = if (0.0..=360.0).contains(&heading) { heading } else { f64::NAN };
                        // The drone's own clock, until it is known what it is.
                        let media = (time * 1e9) as i64;
                        let fix = Fix { media, latitude, longitude, altitude, speed, speed_3d, heading, ..Fix::NONE };
                        self.karma.push(fix);
                    }
                }
                b"GPRI" => {
                    for sample in item.samples().take(MOST_REPORTS.saturating_sub(self.raw.len())) {
                        context.read(&item, sample, &mut values);
                        if let [time, .., fix, satellites] = values[..] {
                            self.raw.push((time, fix, satellites));
                        }
                    }
                }
                b"SYST" => {
                    if let Some(sample) = item.samples().next() {
                        context.read(&item, sample, &mut values);
                        if let [own, utc] = values[..] {
                            let utc = (utc * 1e9) as i64;
                            self.system = Some((own, utc)).filter(|(_, utc)| *utc >= EARLIEST);
                        }
                    }
                }
                key => {
                    if let Some(at) = SENSORS.iter().position(|kind| kind.key == *key) {
                        let new = || Sensor { kind: &SENSORS[at], bins: BTreeMap::new() };
                        sensors.entry(at).or_insert_with(new).add(&item, &context, span(stamped));
                    }
                }
            }
        }
    }

    /// The best of the streams.
    fn block(mut self, (start, duration): (i64, i64), stream: &mut &'static str) -> Block {
        let (name, fixes) = if !self.gps9.is_empty() {
            ("GPS9", std::mem::take(&mut self.gps9))
        } else if !self.gps5.is_empty() {
            ("GPS5", std::mem::take(&mut self.gps5))
        } else {
            ("GLPI", self.karma())
        };
        if !fixes.is_empty() {
            *stream = name;
        }
        let utc = self.gpsu.filter(|_| name == "GPS5");
        Block { start, duration, fixes, utc }
    }

    /// The drone's positions with what its receiver says of them.
    fn karma(&mut self) -> Vec<Fix> {
        self.raw.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut fixes = std::mem::take(&mut self.karma);
        for fix in &mut fixes {
            let own = fix.media as f64 / 1e9;
            // The last report before, or the first of all.
            let at = self.raw.partition_point(|(time, ..)| *time <= own).saturating_sub(1);
            if let Some((_, dimensions, satellites)) = self.raw.get(at) {
                (fix.fix, fix.satellites) = (*dimensions, *satellites);
            }
            fix.utc = self.system.map(|(at, utc)| utc.saturating_add(((own - at) * 1e9) as i64));
        }
        fixes
    }
}

impl Sensor {
    fn add(&mut self, item: &Item<'_>, context: &Context, (start, duration): (i64, i64)) {
        let axes = self.kind.channels.len();
        // `ZXY`: z first; a small letter points the other way. The order that
        // cameras have which do not state it is this one.
        let mut places = [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)];
        if self.kind.oriented {
            let order = if context.orientation.len() >= 3 { &context.orientation[..3] } else { b"ZXY" };
            for (place, letter) in places.iter_mut().zip(order) {
                let axis = usize::from(letter.to_ascii_uppercase().wrapping_sub(b'X'));
                *place = (axis.min(2), if letter.is_ascii_lowercase() { -1.0 } else { 1.0 });
            }
        }
        let count = i64::try_from(item.count()).unwrap_or(i64::MAX).max(1);
        let mut values = Vec::new();
        for (at, sample) in item.samples().enumerate() {
            context.read(item, sample, &mut values);
            if values.len() < axes || values.iter().any(|value| !value.is_finite()) {
                continue;
            }
            let media = spread(start, duration, at, count);
            if self.bins.len() >= MOST_BINS && !self.bins.contains_key(&media.div_euclid(BIN)) {
                continue;
            }
            let (sums, samples) = self.bins.entry(media.div_euclid(BIN)).or_insert(([0.0; 4], 0));
            for (value, (axis, sign)) in values.iter().zip(places).take(axes) {
                sums[axis] += value * sign;
            }
            *samples = samples.saturating_add(1);
        }
    }
}

/// The place of sample `at` of `count` in a span.
fn spread(start: i64, duration: i64, at: usize, count: i64) -> i64 {
    let share = i128::from(duration) * at as i128 / i128::from(count.max(1));
    start.saturating_add(i64::try_from(share).unwrap_or(0))
}

impl Decoded {
    /// Gives every position its times.
    fn place(&mut self, blocks: Vec<Block>) {
        let step = step(&blocks);
        let starts: Vec<Option<i64>> = blocks.iter().map(|block| block.utc).collect();
        for (index, block) in blocks.into_iter().enumerate() {
            let count = i64::try_from(block.fixes.len()).unwrap_or(i64::MAX);
            let next = starts.get(index + 1).copied().flatten();
            let own = own_step(block.utc, next, count).filter(|own| (step / 2..step.saturating_mul(2)).contains(own));
            let own = own.unwrap_or(if step > 0 { step } else { block.duration / count.max(1) });
            for (at, mut fix) in block.fixes.into_iter().enumerate() {
                fix.media = spread(block.start, block.duration, at, count);
                if let Some(utc) = block.utc.filter(|_| fix.utc.is_none() && fix.is_fixed()) {
                    fix.utc = Some(utc.saturating_add(own.saturating_mul(at as i64)));
                }
                // Of GPS5 only the first of a payload is what the receiver says.
                let stated = block.utc.is_none() || at == 0;
                if let Some(utc) = fix.utc.filter(|_| stated && fix.is_fixed()) {
                    self.anchors.push(Anchor { media: fix.media, utc, dop: fix.dop });
                }
                self.fixes.push(fix);
            }
        }
    }
}

/// The time between samples that two payloads' stamps state.
fn own_step(utc: Option<i64>, next: Option<i64>, count: i64) -> Option<i64> {
    next?.saturating_sub(utc?).checked_div(count).filter(|step| *step > 0)
}

/// The usual time between samples by the receiver, in ns; 0 where it is
/// unknown.
fn step(blocks: &[Block]) -> i64 {
    let count = |block: &Block| i64::try_from(block.fixes.len()).unwrap_or(i64::MAX);
    let pairs = blocks.windows(2);
    let mut steps: Vec<i64> = pairs.filter_map(|pair| own_step(pair[0].utc, pair[1].utc, count(&pair[0]))).collect();
    let middle = steps.len() / 2;
    if steps.is_empty() { 0 } else { *steps.select_nth_unstable(middle).1 }
}

impl Decoded {
    /// How much the camera shakes: the spread of the accelerometer's strength
    /// over each second, in m/s², at its middle in ns.
    pub(crate) fn shaking(&self) -> Vec<(i64, f64)> {
        const SECOND: i64 = 1_000_000_000;
        let Some(sensor) = self.sensors.iter().find(|sensor| sensor.kind.key == *b"ACCL") else { return Vec::new() };
        let mut seconds: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (bin, (sums, count)) in &sensor.bins {
            let strength = sums[..3].iter().map(|sum| sum / f64::from(*count)).map(|mean| mean * mean).sum();
            seconds.entry(bin.saturating_mul(BIN).div_euclid(SECOND)).or_default().push(libm::sqrt(strength));
        }
        let spread = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            libm::sqrt(values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64)
        };
        let middle = |second: i64| second.saturating_mul(SECOND).saturating_add(SECOND / 2);
        seconds.iter().filter(|(_, all)| all.len() >= 5).map(|(at, all)| (middle(*at), spread(all))).collect()
    }
}
