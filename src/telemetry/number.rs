//! Numbers as loggers write them.
//!
//! Why not `str::parse` alone: a cell may be blank in a dozen ways, may have a
//! decimal comma, and ten million rows of them are to be read. The fast path is
//! exact: a mantissa below 2^53 over a power of ten up to 10^22 is rounded once
//! by the division (Clinger, "How to read floating point numbers accurately",
//! 1990); everything else goes through the standard library.

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    Blank,
    /// Finite.
    Number(f64),
    Text,
}

/// Words that loggers write where they know nothing.
const NOTHING: &[&[u8]] = &[b"-", b"--", b"---", b"nan", b"null", b"none", b"n/a", b"na", b"nil"];

/// Longest text that is tried as a number.
const LONGEST: usize = 64;

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads a cell. With `comma`, a comma may stand for the decimal point.
pub(super) fn parse(cell: &[u8], comma: bool) -> Cell {
    let cell = cell.trim_ascii();
    match plain(cell, comma) {
        Some(value) => Cell::Number(value),
        None => slow(cell, comma),
    }
}

/// `5:30`, as paces are written: minutes and seconds, these with a fraction or
/// without one, in minutes.
pub(super) fn minutes(cell: &[u8], comma: bool) -> Option<f64> {
    let cell = cell.trim_ascii();
    let (minutes, seconds) = cell.split_at(cell.iter().position(|byte| *byte == b':')?);
    let is_unsigned = minutes.first().is_some_and(u8::is_ascii_digit) && seconds.get(1).is_some_and(u8::is_ascii_digit);
    let (minutes, seconds) = (plain(minutes, false)?, plain(&seconds[1..], comma)?);
    (is_unsigned && seconds < 60.0).then_some(minutes + seconds / 60.0)
}

/// `-12.345`: a sign, up to 18 digits and a point among them.
fn plain(cell: &[u8], comma: bool) -> Option<f64> {
    let (negative, digits) = match cell.first()? {
        b'-' => (true, &cell[1..]),
        b'+' => (false, &cell[1..]),
        _ => (false, cell),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut count = 0;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            if count == 18 {
                return None;
            }
            mantissa = mantissa * 10 + u64::from(digit);
            count += 1;
        } else if point.is_none() && (*byte == b'.' || (comma && *byte == b',')) {
            point = Some(digits.len() - 1 - at);
        } else {
            return None;
        }
    }
    if count == 0 || mantissa >= 1 << 53 {
        return None;
    }
    let value = mantissa as f64 / POWERS[point.unwrap_or(0)];
    Some(if negative { -value } else { value })
}

fn slow(cell: &[u8], comma: bool) -> Cell {
    if cell.is_empty() || NOTHING.iter().any(|nothing| cell.eq_ignore_ascii_case(nothing)) {
        return Cell::Blank;
    }
    // Words such as `infinity` are numbers for the standard library.
    let numeric = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') || (comma && *b == b',');
    if cell.len() > LONGEST || !cell.iter().all(numeric) {
        return Cell::Text;
    }
    let mut text = [0; LONGEST];
    for (to, from) in text.iter_mut().zip(cell) {
        *to = if *from == b',' { b'.' } else { *from };
    }
    let value = std::str::from_utf8(&text[..cell.len()]).ok().and_then(|text| text.parse::<f64>().ok());
    value.filter(|value| value.is_finite()).map_or(Cell::Text, Cell::Number)
}

/// A decimal number of seconds, milliseconds ... as nanoseconds, exact to the
/// last digit (a float would keep only 0.2 us of an epoch time). `scale` is the
/// nanoseconds in one unit, a power of ten up to 10^9.
pub(super) fn nanoseconds(cell: &[u8], scale: i64, comma: bool) -> Option<i64> {
    let cell = cell.trim_ascii();
    let (negative, digits) = match cell.first()? {
        b'-' => (true, &cell[1..]),
        b'+' => (false, &cell[1..]),
        _ => (false, cell),
    };
    let (mut whole, mut fraction, mut weight): (i64, i64, i64) = (0, 0, 1_000_000_000);
    let (mut seen, mut point) = (false, false);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            seen = true;
            if !point {
                whole = whole.checked_mul(10)?.checked_add(i64::from(digit))?;
            } else {
                // Digits past the ninth are below a nanosecond.
                weight /= 10;
                fraction += i64::from(digit) * weight;
            }
        } else if !point && (*byte == b'.' || (comma && *byte == b',')) {
            point = true;
        } else if matches!(*byte, b'e' | b'E') && seen {
            return exponential(cell, scale, comma);
        } else {
            return None;
        }
    }
    if !seen {
        return None;
    }
    // fraction < 10^9 and scale <= 10^9.
    let value = whole.checked_mul(scale)?.checked_add(fraction * scale / 1_000_000_000)?;
    Some(if negative { -value } else { value })
}

/// Spreadsheets turn epoch times into `1.5597E+09`.
fn exponential(cell: &[u8], scale: i64, comma: bool) -> Option<i64> {
    let Cell::Number(value) = slow(cell, comma) else { return None };
    let value = libm::round(value * scale as f64);
    (value.abs() < 9e18).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard library is the oracle.
    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0.5",
            "51.9993282",
            "+13.6881675",
            "1559734111.008",
            "0.1",
            "9007199254740993",
            "123456789012345678",
            "0.000000000000001",
            "1e5",
            "-2.5E-3",
            ".5",
            "5.",
            "1559734111008",
            "12345678901234567890.5",
        ] {
            assert_eq!(parse(text.as_bytes(), false), Cell::Number(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn blanks_and_texts() {
        for blank in ["", "  ", "--", "NaN", "null", "N/A"] {
            assert_eq!(parse(blank.as_bytes(), false), Cell::Blank, "{blank}");
        }
        for text in ["abc", "inf", "1,5", "1.2.3", "-", "1e999", "12 km", "\0", "+"] {
            assert_ne!(parse(text.as_bytes(), false), Cell::Number(1.5), "{text}");
            assert!(!matches!(parse(text.as_bytes(), false), Cell::Number(_)), "{text}");
        }
    }

    #[test]
    fn a_decimal_comma_where_it_is_allowed() {
        assert_eq!(parse(b" 51,9993 ", true), Cell::Number(51.9993));
        assert_eq!(parse(b"1,5e2", true), Cell::Number(150.0));
    }

    #[test]
    fn times_keep_every_digit() {
        assert_eq!(nanoseconds(b"1559734111.008", 1_000_000_000, false), Some(1_559_734_111_008_000_000));
        assert_eq!(nanoseconds(b"1559734111008.5", 1_000_000, false), Some(1_559_734_111_008_500_000));
        assert_eq!(nanoseconds(b"-0,25", 1_000_000_000, true), Some(-250_000_000));
        assert_eq!(nanoseconds(b"1.5e3", 1_000_000_000, false), Some(1_500_000_000_000));
        assert_eq!(nanoseconds(b"0.1234567899", 1_000_000_000, false), Some(123_456_789));
        assert_eq!(nanoseconds(b"99999999999999999999", 1_000_000_000, false), None);
        assert_eq!(nanoseconds(b".", 1_000_000_000, false), None);
    }
}
