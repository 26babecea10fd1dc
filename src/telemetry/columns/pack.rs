//! One column of a block as few bytes, exactly.
//!
//! What loggers write are decimals: 52.5163, 8.12. Such a column is kept as the
//! integers that give its values back when they are divided by a power of ten,
//! each as its difference to the one before, in 7 bits a byte. The division
//! rounds once (both numbers are exact in a float), so it gives the bits that
//! reading the decimal gave. What is no decimal is kept as it is, byte by byte
//! of all values. LZ4 goes over either where that makes it smaller.

/// Most decimals that are tried.
const MOST_DECIMALS: usize = 15;

/// Integers below this are tried: their halves are still exact in a float.
const LARGEST: f64 = (1_u64 << 51) as f64;

/// Adding and taking away this rounds a smaller number to an integer.
const ROUNDING: f64 = 1.5 * (1_u64 << 52) as f64;

const POWERS: [f64; MOST_DECIMALS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// How a column is written: decimals up to [`MOST_DECIMALS`], or this.
const AS_IT_IS: u8 = 0x1f;
const METHOD: u8 = 0x1f;
/// Values are missing: a bit for each sample says which are there.
const HOLES: u8 = 0x40;
const COMPRESSED: u8 = 0x80;

/// Bytes of what stands before a column: how, length, length as it is stored.
const HEAD: usize = 9;

/// Packs columns; keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct Packer {
    plain: Vec<u8>,
    squeezed: Vec<u8>,
    known: Vec<f64>,
}

impl Packer {
    /// Times (ns, strictly growing) behind the first.
    pub(super) fn times(&mut self, times: &[i64], out: &mut Vec<u8>) {
        self.plain.clear();
        let steps = || times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) as u64);
        let unit = steps().fold(0, common).max(1);
        varint(unit, &mut self.plain);
        let mut before = 0;
        for step in steps() {
            let step = step / unit;
            varint(zigzag(step.wrapping_sub(before) as i64), &mut self.plain);
            before = step;
        }
        self.close(0, out);
    }

    /// `samples` values, those beyond the slice and NaN being unknown.
    pub(super) fn values(&mut self, values: &[f64], samples: usize, out: &mut Vec<u8>) {
        self.plain.clear();
        self.known.clear();
        self.known.extend(values.iter().take(samples).filter(|value| !value.is_nan()));
        let mut method = 0;
        if self.known.len() < samples {
            method |= HOLES;
            self.plain.resize(samples.div_ceil(8), 0);
            for (at, value) in values.iter().take(samples).enumerate() {
                self.plain[at / 8] |= u8::from(!value.is_nan()) << (at % 8);
            }
        }
        match decimals(&self.known) {
            Some(decimals) => {
                method |= decimals as u8;
                let mut before = 0_i64;
                for value in &self.known {
                    let number = integer(*value, decimals);
                    varint(zigzag(number.wrapping_sub(before)), &mut self.plain);
                    before = number;
                }
            }
            None => {
                method |= AS_IT_IS;
                for plane in 0..8 {
                    self.plain.extend(self.known.iter().map(|value| value.to_le_bytes()[plane]));
                }
            }
        }
        self.close(method, out);
    }

    /// Any bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.plain.clear();
        self.plain.extend_from_slice(bytes);
        self.close(0, out);
    }

    fn close(&mut self, method: u8, out: &mut Vec<u8>) {
        self.squeezed.resize(lz4_flex::block::get_maximum_output_size(self.plain.len()), 0);
        let squeezed = lz4_flex::block::compress_into(&self.plain, &mut self.squeezed).ok();
        let (method, stored) = match squeezed {
            Some(length) if length < self.plain.len() => (method | COMPRESSED, &self.squeezed[..length]),
            _ => (method, self.plain.as_slice()),
        };
        out.push(method);
        out.extend_from_slice(&(self.plain.len() as u32).to_le_bytes());
        out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        out.extend_from_slice(stored);
    }
}

/// How many decimals give all values back exactly, if any do.
fn decimals(values: &[f64]) -> Option<usize> {
    let mut decimals = 0;
    for value in values {
        // More decimals fit whatever fewer fit: the quotient is the same.
        while !fits(*value, decimals) {
            decimals += 1;
            if decimals > MOST_DECIMALS {
                return None;
            }
        }
    }
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    (largest * POWERS[decimals] < LARGEST).then_some(decimals)
}

fn fits(value: f64, decimals: usize) -> bool {
    let power = POWERS[decimals];
    let scaled = value * power;
    let whole = (scaled + ROUNDING) - ROUNDING;
    // What rounds to -0 or to 0 is itself, or does not fit.
    let is_same = (whole / power).to_bits() == value.to_bits() || (whole == 0.0 && value == 0.0);
    is_same && scaled.abs() < LARGEST
}

/// The integer of a value that fits: -0 is -1, -1 is -2 and so on.
fn integer(value: f64, decimals: usize) -> i64 {
    let scaled = value.abs() * POWERS[decimals];
    let whole = ((scaled + ROUNDING) - ROUNDING) as i64;
    if value.is_sign_negative() { !whole } else { whole }
}

fn float(number: i64, decimals: usize) -> f64 {
    if number < 0 { -((!number) as f64 / POWERS[decimals]) } else { number as f64 / POWERS[decimals] }
}

fn common(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn zagzig(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads what a [`Packer`] wrote.
#[derive(Debug)]
pub(super) struct Unpacker<'a> {
    rest: &'a [u8],
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Unpacker { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*number))
    }

    /// How a column is written, and its bytes, which are at most `most`.
    fn plain(&mut self, most: usize) -> Option<(u8, std::borrow::Cow<'a, [u8]>)> {
        let (head, rest) = self.rest.split_first_chunk::<HEAD>()?;
        let [method, lengths @ ..] = head;
        let (length, stored) = lengths.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (stored, rest) = rest.split_at_checked(u32::from_le_bytes(stored.try_into().ok()?) as usize)?;
        self.rest = rest;
        if length > most {
            return None;
        }
        if method & COMPRESSED == 0 {
            return (stored.len() == length).then_some((*method, stored.into()));
        }
        let mut plain = vec![0; length];
        let written = lz4_flex::block::decompress_into(stored, &mut plain).ok()?;
        (written == length).then_some((method & !COMPRESSED, plain.into()))
    }

    pub(super) fn bytes(&mut self, most: usize) -> Option<Vec<u8>> {
        let (method, plain) = self.plain(most)?;
        (method == 0).then(|| plain.into_owned())
    }

    /// Goes past a column that nobody wants.
    pub(super) fn skip(&mut self) -> Option<()> {
        let (head, rest) = self.rest.split_first_chunk::<HEAD>()?;
        let stored = u32::from_le_bytes(*head.last_chunk::<4>()?) as usize;
        self.rest = rest.split_at_checked(stored)?.1;
        Some(())
    }

    /// `samples` times from `first` to `last`, strictly growing.
    pub(super) fn times(&mut self, samples: usize, first: i64, last: i64) -> Option<Vec<i64>> {
        let (method, plain) = self.plain(samples.checked_add(1)?.checked_mul(10)?)?;
        let mut plain = Varints { rest: &plain };
        let unit = plain.next()?;
        let (mut time, mut step) = (first, 0_u64);
        let mut times = Vec::with_capacity(samples);
        times.push(first);
        for _ in 1..samples {
            step = step.wrapping_add(zagzig(plain.next()?) as u64);
            let next = i128::from(time) + i128::from(step) * i128::from(unit);
            let next = i64::try_from(next).ok().filter(|next| *next > time)?;
            times.push(next);
            time = next;
        }
        (method == 0 && plain.rest.is_empty() && time == last).then_some(times)
    }

    /// `samples` values behind those that are there, NaN where unknown.
    pub(super) fn values(&mut self, samples: usize, into: &mut Vec<f64>) -> Option<()> {
        let (method, plain) = self.plain(samples.checked_mul(11)?.checked_add(1)?)?;
        let holes = method & HOLES != 0;
        let (known, rest) = plain.split_at_checked(if holes { samples.div_ceil(8) } else { 0 })?;
        let is_known = |at: usize| !holes || known[at / 8] & (1 << (at % 8)) != 0;
        let count = if holes { (0..samples).filter(|at| is_known(*at)).count() } else { samples };
        match method & !HOLES {
            AS_IT_IS => {
                if rest.len() != count.checked_mul(8)? {
                    return None;
                }
                let mut at = 0;
                for sample in 0..samples {
                    if !is_known(sample) {
                        into.push(f64::NAN);
                        continue;
                    }
                    let value = f64::from_le_bytes(std::array::from_fn(|plane| rest[plane * count + at]));
                    into.push(if value.is_nan() { f64::NAN } else { value });
                    at += 1;
                }
            }
            decimals if usize::from(decimals & METHOD) <= MOST_DECIMALS && decimals <= METHOD => {
                let mut rest = Varints { rest };
                let mut number = 0_i64;
                for sample in 0..samples {
                    if !is_known(sample) {
                        into.push(f64::NAN);
                        continue;
                    }
                    number = number.wrapping_add(zagzig(rest.next()?));
                    into.push(float(number, usize::from(decimals)));
                }
                if !rest.rest.is_empty() {
                    return None;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

pub(super) struct Varints<'a> {
    pub(super) rest: &'a [u8],
}

impl Varints<'_> {
    pub(super) fn next(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                return None;
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(values: &[f64]) -> (u8, usize) {
        let mut out = Vec::new();
        Packer::default().values(values, values.len(), &mut out);
        let mut back = Vec::new();
        let mut unpacker = Unpacker::new(&out);
        unpacker.values(values.len(), &mut back).unwrap();
        assert!(unpacker.is_empty());
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&back), bits(values));
        (out[0] & METHOD, out.len())
    }

    #[test]
    fn decimals_come_back_to_the_bit_at_their_own_step() {
        assert_eq!(packed(&[52.516_321_7, -13.4, 0.0, -0.0, 1e-7, -1e-7, 180.0]).0, 7);
        assert_eq!(packed(&[-0.0, -1.0, 0.0, 1.0]).0, 0);
        assert_eq!(packed(&[0.1, 0.25]).0, 2);
        assert_eq!(packed(&[]).0, 0);
        assert_eq!(packed(&[2_251_799_813_685_247.0]).0, 0);
    }

    #[test]
    fn what_is_no_decimal_comes_back_as_it_is() {
        for odd in [1.0 / 3.6, f64::INFINITY, f64::MAX, 1e-300, std::f64::consts::PI, 4e15, f64::MIN_POSITIVE] {
            assert_eq!(packed(&[1.5, odd]).0, AS_IT_IS, "{odd}");
        }
        // Each fits alone, together they do not.
        assert_eq!(packed(&[1e12, 0.000_1]).0, AS_IT_IS);
        assert_eq!(packed(&[f64::NAN, 1.5, f64::NAN]).0, 1);
        assert_eq!(packed(&[f64::NAN; 9]).0, 0);
    }

    /// Numbers with 0 to 9 decimals and numbers with any bits.
    #[test]
    fn any_number_comes_back_to_the_bit() {
        let mut chance = fastrand::Rng::with_seed(1);
        for round in 0..2_000 {
            let power = 10_f64.powi(chance.i32(0..10));
            let values: Vec<f64> = (0..chance.usize(0..70))
                .map(|_| match round % 3 {
                    0 => chance.i64(-9_000_000_000..9_000_000_000) as f64 / power,
                    1 if chance.bool() => f64::NAN,
                    _ => Some(f64::from_bits(chance.u64(..))).filter(|v| !v.is_nan()).unwrap_or(1.0),
                })
                .collect();
            packed(&values);
        }
    }

    #[test]
    fn a_regular_ride_takes_few_bytes() {
        let (_, bytes) = packed(&(0..8_192).map(|n| f64::from(100 + n / 50) / 100.0).collect::<Vec<_>>());
        assert!(bytes < 200, "{bytes}");
    }
}
