//! Sizes of files and of memory, as people write them: `20GiB`, `500 MB`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Units with their bytes, the largest of 1,024 first: as sizes are shown.
const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    // As other tools write them.
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("B", 1),
    ("", 1),
];

/// Decimal places that are taken; more would be nothing that a person means.
const PLACES: usize = 6;

impl Bytes {
    /// Whole MiB, rounded down.
    pub const fn as_mib(self) -> u64 {
        self.0 >> 20
    }
}

impl FromStr for Bytes {
    type Err = String;

    /// `20GiB`, `1.5 GiB`, `500 MB` or a number of bytes.
    fn from_str(text: &str) -> Result<Bytes, String> {
        let wrong = || format!("{text:?} is no size; write e.g. \"20GiB\" or \"500MB\"");
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let unit = unit.trim();
        let (_, factor) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > PLACES || (number.contains('.') && fraction.is_empty()) {
            return Err(wrong());
        }
        let scale = 10_u64.pow(PLACES as u32);
        let parts = format!("{fraction:0<PLACES$}").parse::<u64>().map_err(|_| wrong())?;
        let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(*factor)).ok_or_else(wrong)?;
        let part = u128::from(parts) * u128::from(*factor) / u128::from(scale);
        let bytes = u64::try_from(part).ok().and_then(|part| whole.checked_add(part)).ok_or_else(wrong)?;
        Ok(Bytes(bytes))
    }
}

/// As people read it: `1.5 GiB`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = UNITS.iter().filter(|(name, _)| name.ends_with("iB"));
        match binary.into_iter().find(|(_, bytes)| self.0 >= *bytes) {
            Some((name, bytes)) => write!(f, "{:.1} {name}", self.0 as f64 / *bytes as f64),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        let parse = |text: &str| text.parse::<Bytes>().map(|bytes| bytes.0);
        assert_eq!(parse("20GiB"), Ok(20 << 30));
        assert_eq!(parse("500 MB"), Ok(500_000_000));
        assert_eq!(parse("1.5gib"), Ok(3 << 29));
        assert_eq!(parse("4G"), Ok(4 << 30));
        assert_eq!(parse(" 12 "), Ok(12));
        for wrong in ["much", "", "GiB", "1.", ".5GiB", "1.2.3GiB", "-1GiB", "5 parsecs", "99999999999TiB"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_as_people_read_them() {
        assert_eq!(Bytes(1_023).to_string(), "1023 bytes");
        assert_eq!(Bytes(1_536).to_string(), "1.5 KiB");
        assert_eq!(Bytes(50 << 30).to_string(), "50.0 GiB");
    }
}
