//! Units as headers write them, in more ways than a manifest allows.

use crate::base::Unit;
use crate::telemetry::stamp::SECOND;

/// RaceChrono and RaceRender say where a column comes from: `RPM (rpm) *obd`.
pub(super) fn without_source(header: &str) -> &str {
    match header.rsplit_once(" *") {
        Some((before, source)) if source.chars().all(char::is_alphanumeric) => before.trim_end(),
        _ => header,
    }
}

/// `Speed (km/h)` and `Altitude [m]` in their parts.
pub(super) fn split(header: &str) -> (&str, Option<&str>) {
    let header = header.trim();
    let header = without_source(header);
    for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
        if let Some(inner) = header.strip_suffix(close)
            && let Some(at) = inner.rfind(open)
        {
            return (inner[..at].trim_end(), Some(inner[at + 1..].trim()));
        }
    }
    (header, None)
}

/// A header in its name and the last word of it: `speed_kmh`, `Altitude ft`.
pub(super) fn last_word(header: &str) -> Option<(&str, &str)> {
    let header = header.trim_end();
    let (at, separator) = header.char_indices().rev().find(|(_, c)| matches!(c, '_' | ' ' | '-' | '.'))?;
    Some((&header[..at], &header[at + separator.len_utf8()..]))
}

/// A unit of a channel. `speed` says that the channel is one: only then `ms`
/// are metres in a second and not thousandths of one.
pub(super) fn parse(text: &str, speed: bool) -> Option<Unit> {
    if let Some(unit) = Unit::parse(text).filter(|unit| *unit != Unit::None) {
        return Some(unit);
    }
    let text = text.trim().to_lowercase();
    Some(match text.as_str() {
        "ms" if speed => Unit::MetresPerSecond,
        "m.s-1" | "ms-1" => Unit::MetresPerSecond,
        "kmph" | "km.h-1" | "kmh-1" => Unit::KilometresPerHour,
        "kts" | "knot" => Unit::Knots,
        "degree" | "deg." => Unit::Degrees,
        "radian" | "radians" => Unit::Radians,
        "pct" | "percent" => Unit::Percent,
        "watt" => Unit::Watts,
        "celsius" | "degc" | "deg c" | ".c" | "degrees celsius" => Unit::Celsius,
        "fahrenheit" | "degf" | "deg f" | "degrees fahrenheit" => Unit::Fahrenheit,
        "semicircle" => Unit::Semicircles,
        "gs" | "g-force" => Unit::StandardGravity,
        _ => return quotient(&text),
    })
}

/// `meters/second`, `miles per hour`, `beats/min`: by the words of both sides.
fn quotient(text: &str) -> Option<Unit> {
    let (above, below) = match text.split_once('/').or_else(|| text.split_once(" per ")) {
        Some((above, below)) => (above.trim(), below.trim()),
        None => return word(text).and_then(Unit::parse),
    };
    let counted = matches!(above, "beats" | "beat" | "count" | "b");
    let turned = matches!(above, "1" | "rev" | "revs" | "revolutions" | "r" | "rotations");
    match (word(above), word(below)?) {
        (_, "min") if counted => Some(Unit::BeatsPerMinute),
        (_, "min") if turned => Some(Unit::RevolutionsPerMinute),
        (Some(above), below) => Unit::parse(&format!("{above}/{below}")),
        _ => None,
    }
}

/// Whether a text counts something in a minute: `steps/min`, `1/min`, `/min`.
pub(super) fn is_by_the_minute(text: &str) -> bool {
    const COUNTED: &[&str] =
        &["", "1", "b", "beat", "beats", "count", "counts", "step", "steps", "stroke", "strokes", "r", "rev", "revs"];
    let text = text.trim().to_lowercase();
    let parts = text.split_once('/').or_else(|| text.split_once(" per "));
    parts.is_some_and(|(above, below)| COUNTED.contains(&above.trim()) && word(below.trim()) == Some("min"))
}

/// The sign of a unit that is written out.
fn word(text: &str) -> Option<&'static str> {
    Some(match text {
        "m" | "metre" | "metres" | "meter" | "meters" => "m",
        "km" | "kms" | "kilometre" | "kilometres" | "kilometer" | "kilometers" => "km",
        "mi" | "mile" | "miles" => "mi",
        "ft" | "foot" | "feet" => "ft",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        _ => return None,
    })
}

/// The nanoseconds in one unit of a time, from seconds down.
pub(super) fn time_scale(unit: &str) -> Option<i64> {
    Some(match unit.trim().to_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "ms" | "msec" | "msecs" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => 1_000_000,
        // The micro sign and the letter mu.
        "us" | "\u{b5}s" | "\u{3bc}s" | "usec" | "usecs" | "micros" | "microsec" | "microsecond" | "microseconds" => {
            1_000
        }
        "ns" | "nsec" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        _ => return None,
    })
}

/// The same of a whole header: by its unit, else by the end of its name
/// (`time_us`, `elapsedms`).
pub(super) fn header_scale(name: &str, unit: Option<&str>) -> Option<i64> {
    let name = name.trim().to_lowercase();
    let ends = || ["milliseconds", "millis", "ms"].iter().any(|end| name.ends_with(end)).then_some(1_000_000);
    unit.and_then(time_scale).or_else(|| last_word(&name).and_then(|(_, word)| time_scale(word))).or_else(ends)
}

/// Whether what stands in brackets is a unit that is not known, rather than a
/// remark (`Speed (GPS)`): numbers in it are not those of the channel.
pub(super) fn is_foreign(text: &str) -> bool {
    const FOREIGN: &[&str] = &[
        "kw", "mw", "hp", "ps", "k", "kelvin", "nm", "nmi", "yd", "yards", "mm", "cm", "dm", "in", "inch", "inches",
        "bar", "mbar", "hpa", "kpa", "psi", "v", "mv", "a", "ma", "db", "mg",
    ];
    text.contains('/') || time_scale(text).is_some() || FOREIGN.contains(&text.trim().to_lowercase().as_str())
}

/// Whether a text is a unit of anything.
pub(super) fn is_unit(text: &str) -> bool {
    parse(text, true).is_some() || time_scale(text).is_some() || is_by_the_minute(text)
}

/// Whether a header says that its times are UTC: `datetime(utc)`, `UTC Time`.
pub(super) fn says_utc(header: &str) -> bool {
    let header = header.to_lowercase();
    let apart = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-' | ':');
    // `UTC+2` is another zone.
    let offset = header.contains('+')
        || header.split_once('-').is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    let utc = |word: &str| ["utc", "gmt"].iter().any(|zone| word.starts_with(zone) || word.ends_with(zone));
    !offset && header.split(apart).any(utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_written_out() {
        for (text, unit) in [
            ("Meters/second", Unit::MetresPerSecond),
            ("metres per second", Unit::MetresPerSecond),
            ("kilometers/hour", Unit::KilometresPerHour),
            ("km/hr", Unit::KilometresPerHour),
            ("Miles / Hour", Unit::MilesPerHour),
            ("miles per hour", Unit::MilesPerHour),
            ("feet/minute", Unit::FeetPerMinute),
            ("min/km", Unit::MinutesPerKilometre),
            ("minutes/mile", Unit::MinutesPerMile),
            ("beats/min", Unit::BeatsPerMinute),
            ("rev/min", Unit::RevolutionsPerMinute),
            ("meter", Unit::Metres),
            ("Feet", Unit::Feet),
            ("sec", Unit::Seconds),
            ("kts", Unit::Knots),
        ] {
            assert_eq!(parse(text, false), Some(unit), "{text}");
        }
        assert_eq!((parse("ms", true), parse("ms", false)), (Some(Unit::MetresPerSecond), None));
        for text in ["furlongs/fortnight", "kW", "GPS", "mg/str", "per", "/"] {
            assert_eq!(parse(text, true), None, "{text}");
        }
        assert!(is_foreign("furlongs/fortnight") && is_foreign("kW") && !is_foreign("GPS"));
    }

    #[test]
    fn scales_of_times() {
        for (name, scale) in [
            ("time(millisecond)", 1_000_000),
            ("time (milliseconds)", 1_000_000),
            ("time [msec]", 1_000_000),
            ("time (ms)", 1_000_000),
            ("time (us)", 1_000),
            ("time (µs)", 1_000),
            ("time (\u{3bc}s)", 1_000),
            ("time (microseconds)", 1_000),
            ("time (s)", SECOND),
            ("time (sec)", SECOND),
            ("time_us", 1_000),
            ("elapsedms", 1_000_000),
        ] {
            assert_eq!(header_scale(name, split(name).1), Some(scale), "{name}");
        }
        assert_eq!(header_scale("timestamps", None), None);
        assert_eq!(header_scale("times", None), None);
    }

    #[test]
    fn headers_that_name_utc() {
        for header in ["datetime(utc)", "UTC Time", "utc", "DateTimeUTC", "time_utc", "Time (GMT)"] {
            assert!(says_utc(header), "{header}");
        }
        for header in ["time", "CUSTOM.date [local]", "Time (UTC+2)", "UTC-05:00"] {
            assert!(!says_utc(header), "{header}");
        }
    }
}
