//! Exact time. Media time is rational seconds from end to end; frame `n` of an
//! output is at exactly `n / rate`, never a sum of rounded steps.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Neg, Sub};

use serde::{Deserialize, Serialize};

/// A point or a span of media time in seconds: a reduced fraction with a
/// positive denominator.
///
/// Arithmetic is exact while the reduced denominator stays under 2^40; a
/// fraction that would grow past that (only hostile time bases do) is rounded
/// to the nanosecond, and one past the range of `i64` is clamped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawTimestamp")]
pub struct Timestamp {
    num: i64,
    den: i64,
}

/// A timestamp as it is written: what arithmetic promises is checked, because
/// nobody else does before it is divided by.
#[derive(Deserialize)]
struct RawTimestamp {
    num: i64,
    den: i64,
}

impl TryFrom<RawTimestamp> for Timestamp {
    type Error = &'static str;

    fn try_from(raw: RawTimestamp) -> Result<Self, Self::Error> {
        let time = Timestamp { num: raw.num, den: raw.den };
        let is_own = raw.den > 0 && Timestamp::new(raw.num, raw.den) == time;
        is_own.then_some(time).ok_or("no reduced fraction with a positive denominator")
    }
}

const MAX_DEN: i128 = 1 << 40;
const NANOS: i128 = 1_000_000_000;

impl Timestamp {
    pub const ZERO: Timestamp = Timestamp { num: 0, den: 1 };

    /// `num / den` seconds. A denominator of 0 counts as 1.
    pub fn new(num: i64, den: i64) -> Self {
        Self::reduced(i128::from(num), i128::from(den))
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Timestamp { num: seconds, den: 1 }
    }

    pub fn from_millis(millis: i64) -> Self {
        Self::new(millis, 1_000)
    }

    pub fn from_nanos(nanos: i64) -> Self {
        Self::new(nanos, 1_000_000_000)
    }

    /// `ticks` of a stream whose time base is `base.0 / base.1` seconds.
    pub fn from_ticks(ticks: i64, base: (i32, i32)) -> Self {
        Self::reduced(i128::from(ticks) * i128::from(base.0), i128::from(base.1))
    }

    fn reduced(num: i128, den: i128) -> Self {
        let (num, den) = match den.signum() {
            0 => (num, 1),
            1 => (num, den),
            _ => (-num, -den),
        };
        if let (Ok(num), Ok(den)) = (i64::try_from(num), i64::try_from(den))
            && num > i64::MIN
            && i128::from(den) <= MAX_DEN
        {
            let divisor = small_gcd(num.unsigned_abs(), den.unsigned_abs()).max(1) as i64;
            return Timestamp { num: num / divisor, den: den / divisor };
        }
        let divisor = gcd(num.unsigned_abs(), den.unsigned_abs()).max(1) as i128;
        let (mut num, mut den) = (num / divisor, den / divisor);
        if den > MAX_DEN {
            (num, den) = (div_round(num.saturating_mul(NANOS), den), NANOS);
            let divisor = gcd(num.unsigned_abs(), den.unsigned_abs()).max(1) as i128;
            (num, den) = (num / divisor, den / divisor);
        }
        let num = num.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX)) as i64;
        Timestamp { num, den: den as i64 }
    }

    pub fn numerator(self) -> i64 {
        self.num
    }

    pub fn denominator(self) -> i64 {
        self.den
    }

    /// Seconds as a float, for display and for scores, never for frame numbers.
    pub fn as_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// The nearest tick of a time base of `base.0 / base.1` seconds; halves
    /// round away from zero.
    pub fn to_ticks(self, base: (i32, i32)) -> i64 {
        let num = i128::from(self.num) * i128::from(base.1);
        let den = i128::from(self.den) * i128::from(base.0.max(1));
        clamp(div_round(num, den))
    }

    /// The nearest nanosecond.
    pub fn to_nanos(self) -> i64 {
        clamp(div_round(i128::from(self.num) * NANOS, i128::from(self.den)))
    }

    /// The nearest microsecond.
    pub fn to_micros(self) -> i64 {
        clamp(div_round(i128::from(self.num) * 1_000_000, i128::from(self.den)))
    }

    /// The nearest millisecond.
    pub fn to_millis(self) -> i64 {
        clamp(div_round(i128::from(self.num) * 1_000, i128::from(self.den)))
    }

    pub fn is_negative(self) -> bool {
        self.num < 0
    }

    /// `self * num / den`.
    pub fn scaled(self, num: i64, den: i64) -> Self {
        let (n, d) = (i128::from(self.num) * i128::from(num), i128::from(self.den) * i128::from(den));
        Self::reduced(n, d)
    }
}

fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX)) as i64
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn small_gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `a / b` (`b > 0`) rounded to the nearest, halves away from zero.
fn div_round(a: i128, b: i128) -> i128 {
    // Nearly always; dividing 64 bits is many times quicker.
    if let (Ok(a), Ok(b)) = (i64::try_from(a), i64::try_from(b))
        && let Some(rounded) = if a >= 0 { a.checked_add(b / 2) } else { a.checked_sub(b / 2) }
    {
        return i128::from(rounded / b);
    }
    let half = b / 2;
    if a >= 0 { (a + half) / b } else { (a - half) / b }
}

impl Add for Timestamp {
    type Output = Timestamp;
    fn add(self, other: Timestamp) -> Timestamp {
        let num = i128::from(self.num) * i128::from(other.den) + i128::from(other.num) * i128::from(self.den);
        Self::reduced(num, i128::from(self.den) * i128::from(other.den))
    }
}

impl Neg for Timestamp {
    type Output = Timestamp;
    fn neg(self) -> Timestamp {
        Timestamp { num: -self.num, den: self.den }
    }
}

impl Sub for Timestamp {
    type Output = Timestamp;
    fn sub(self, other: Timestamp) -> Timestamp {
        self + -other
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.num) * i128::from(other.den);
        left.cmp(&(i128::from(other.num) * i128::from(self.den)))
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.num, self.den)
    }
}

/// As people write times, `h:mm:ss.mmm`, without the hours where there are none.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.to_millis();
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.unsigned_abs();
        let (h, m, s, ms) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60, millis % 1_000);
        if h > 0 { write!(f, "{sign}{h}:{m:02}:{s:02}.{ms:03}") } else { write!(f, "{sign}{m:02}:{s:02}.{ms:03}") }
    }
}

/// The half-open span `start..end` of media time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl TimeRange {
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        TimeRange { start, end }
    }

    pub fn duration(self) -> Timestamp {
        self.end - self.start
    }

    pub fn contains(self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    pub fn overlaps(self, other: TimeRange) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Frames per second as a fraction, e.g. 30000/1001. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawFrameRate")]
pub struct FrameRate {
    num: u32,
    den: u32,
}

/// A rate as it is written, not checked yet.
#[derive(Deserialize)]
struct RawFrameRate {
    num: u32,
    den: u32,
}

impl TryFrom<RawFrameRate> for FrameRate {
    type Error = &'static str;

    fn try_from(raw: RawFrameRate) -> Result<Self, Self::Error> {
        let rate = FrameRate { num: raw.num, den: raw.den };
        let is_own = FrameRate::new(raw.num, raw.den) == Some(rate);
        is_own.then_some(rate).ok_or("no reduced fraction above 0")
    }
}

impl FrameRate {
    /// `num / den` frames per second, reduced; `None` where either is 0.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let divisor = gcd(u128::from(num), u128::from(den)) as u32;
        Some(FrameRate { num: num / divisor, den: den / divisor })
    }

    /// `count` a second; 0 counts as 1.
    pub const fn per_second(count: u32) -> Self {
        FrameRate { num: if count == 0 { 1 } else { count }, den: 1 }
    }

    pub fn numerator(self) -> u32 {
        self.num
    }

    pub fn denominator(self) -> u32 {
        self.den
    }

    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// When frame `index` is shown: exactly `index / rate`.
    pub fn time_of(self, index: i64) -> Timestamp {
        let num = i128::from(index) * i128::from(self.den);
        Timestamp::reduced(num, i128::from(self.num))
    }

    /// The frame whose time is nearest to `time`.
    pub fn nearest_frame(self, time: Timestamp) -> i64 {
        let num = i128::from(time.num) * i128::from(self.num);
        clamp(div_round(num, i128::from(time.den) * i128::from(self.den)))
    }

    /// The rate's time base, one frame in seconds.
    pub fn tick(self) -> (u32, u32) {
        (self.den, self.num)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

impl fmt::Debug for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// An instant in UTC: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UtcTime(pub i64);

impl UtcTime {
    /// This instant moved by a span of time, clamped at the range of the type.
    pub fn plus(self, span: Timestamp) -> UtcTime {
        UtcTime(self.0.saturating_add(span.to_nanos()))
    }

    /// The span from `earlier` to this instant.
    pub fn since(self, earlier: UtcTime) -> Timestamp {
        Timestamp::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// ISO 8601 with milliseconds and `Z`.
impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_exact_after_ten_hours() {
        let ntsc = FrameRate::new(30_000, 1_001).unwrap();
        let n = 10 * 3600 * 30;
        assert_eq!(ntsc.time_of(n), Timestamp::new(n * 1_001, 30_000));
        assert_eq!(ntsc.nearest_frame(ntsc.time_of(n)), n);
        let summed = (0..30_000).fold(Timestamp::ZERO, |t, _| t + ntsc.time_of(1));
        assert_eq!(summed, Timestamp::from_seconds(1_001));
    }

    #[test]
    fn hostile_time_bases_do_not_overflow() {
        let t = Timestamp::from_ticks(i64::MAX, (i32::MAX, 1));
        assert_eq!(t.numerator(), i64::MAX);
        let odd = Timestamp::new(1, 1_099_511_627_689) + Timestamp::new(1, 1_099_511_627_563);
        assert!(odd.denominator() <= 1 << 40);
        assert_eq!(Timestamp::new(5, 0), Timestamp::from_seconds(5));
        assert_eq!(Timestamp::new(1, -2), Timestamp::new(-1, 2));
        assert_eq!(t.to_ticks((0, 1)), i64::MAX);
    }

    #[test]
    fn only_fractions_that_arithmetic_makes_are_read_back() {
        let read = |num: i64, den: i64| postcard::from_bytes::<Timestamp>(&postcard::to_stdvec(&(num, den)).unwrap());
        assert_eq!(read(-3, 2), Ok(Timestamp::new(-3, 2)));
        for (num, den) in [(1, 0), (1, -2), (2, 4), (0, 5), (i64::MIN, 1), (1, i64::MAX)] {
            assert!(read(num, den).is_err(), "{num}/{den}");
        }
        let rate = |num: u32, den: u32| postcard::from_bytes::<FrameRate>(&postcard::to_stdvec(&(num, den)).unwrap());
        assert_eq!(rate(30_000, 1_001).ok(), FrameRate::new(30_000, 1_001));
        for (num, den) in [(1, 0), (0, 1), (60, 2)] {
            assert!(rate(num, den).is_err(), "{num}/{den}");
        }
    }

    #[test]
    fn shown_as_people_write_it() {
        assert_eq!(Timestamp::new(7, 2).to_string(), "00:03.500");
        assert_eq!(Timestamp::from_seconds(3_723).to_string(), "1:02:03.000");
        assert_eq!(Timestamp::new(-1, 4).to_string(), "-00:00.250");
        assert_eq!(UtcTime(1_500_000_000).to_string(), "1970-01-01T00:00:01.500Z");
    }
}
