//! The registry of channels: the names that everything else knows, their
//! units, the steps to which their values are rounded, what is possible at
//! all, and the headers by which files call them.

use crate::base::Unit;
use crate::base::diagnostic::nearest;

/// A channel that the registry knows.
#[derive(Debug)]
pub struct ChannelKind {
    pub name: &'static str,
    /// What its values are in, always.
    pub unit: Unit,
    /// Values are rounded to `1 / per_unit` of the unit.
    pub per_unit: f64,
    /// What a sensor can truly have measured; anything else is dropped.
    pub possible: (f64, f64),
    /// For angles that go round: a full turn.
    pub turn: Option<f64>,
    /// Whether a value holds until the next: a count has nothing in between.
    pub steps: bool,
    /// Headers that mean this channel, in the form that [`squash`] gives,
    /// without a unit.
    pub headers: &'static [&'static str],
}

const fn kind(
    name: &'static str,
    unit: Unit,
    per_unit: f64,
    possible: (f64, f64),
    headers: &'static [&'static str],
) -> ChannelKind {
    ChannelKind { name, unit, per_unit, possible, turn: None, steps: false, headers }
}

/// 540 km/h: faster than any ride, far slower than a position that jumps.
pub(crate) const FASTEST: f64 = 150.0;

/// More than a crash.
const MOST_G: (f64, f64) = (-50.0, 50.0);

/// Every channel of the registry.
///
/// A header without a unit is taken to be in the registry's own unit.
pub const REGISTRY: &[ChannelKind] = &[
    kind(
        "latitude",
        Unit::Degrees,
        1e7,
        (-90.0, 90.0),
        &["latitude", "lat", "gpslatitude", "gpslat", "positionlat", "latdeg", "latitudedeg"],
    ),
    ChannelKind {
        turn: Some(360.0),
        ..kind(
            "longitude",
            Unit::Degrees,
            1e7,
            (-180.0, 180.0),
            &[
                "longitude",
                "lon",
                "lng",
                "long",
                "gpslongitude",
                "gpslon",
                "gpslng",
                "gpslong",
                "positionlong",
                "positionlon",
                "londeg",
                "longitudedeg",
            ],
        )
    },
    kind(
        "altitude",
        Unit::Metres,
        100.0,
        (-1_000.0, 30_000.0),
        &["altitude", "alt", "elevation", "ele", "elev", "height", "gpsaltitude", "gpsalt", "enhancedaltitude"],
    ),
    kind(
        "speed",
        Unit::MetresPerSecond,
        100.0,
        (0.0, FASTEST),
        &[
            "speed",
            "gpsspeed",
            "groundspeed",
            "velocity",
            "enhancedspeed",
            "speed2d",
            "gpsspeed2d",
            "gps2dspeed",
            "gps2d",
            "gps3dspeed",
            "gps3d",
            "spd",
            "speedgps",
            "sog",
            "speedoverground",
            "gspd",
            "gndspd",
        ],
    ),
    // Faster than a fall with a closed wingsuit.
    kind(
        "vertical_speed",
        Unit::MetresPerSecond,
        100.0,
        (-120.0, 120.0),
        &["verticalspeed", "vspeed", "vario", "climbrate", "enhancedverticalspeed", "vspd"],
    ),
    kind(
        "distance",
        Unit::Metres,
        10.0,
        (0.0, 1e8),
        &["distance", "dist", "totaldistance", "distancetravelled", "distancetraveled", "odometer"],
    ),
    kind("gradient", Unit::Percent, 10.0, (-100.0, 100.0), &["gradient", "grade", "slope", "incline"]),
    ChannelKind {
        turn: Some(360.0),
        ..kind(
            "heading",
            Unit::Degrees,
            10.0,
            (0.0, 360.0),
            &[
                "heading",
                "bearing",
                "course",
                "track",
                "azimuth",
                "gpsheading",
                "gpscourse",
                "courseoverground",
                "cog",
                "hdg",
                "direction",
                "compassheading",
            ],
        )
    },
    // What the vehicle feels, in the vehicle's own axes: to the side, ahead, up.
    kind(
        "lateral_g",
        Unit::StandardGravity,
        1_000.0,
        MOST_G,
        &["lateralg", "lateralacc", "lateralacceleration", "latacc", "gpslatacc", "latg"],
    ),
    kind(
        "longitudinal_g",
        Unit::StandardGravity,
        1_000.0,
        MOST_G,
        &[
            "longitudinalg",
            "longitudinalacc",
            "longitudinalacceleration",
            "lonacc",
            "gpslonacc",
            "inlineacc",
            "linealg",
        ],
    ),
    kind(
        "vertical_g",
        Unit::StandardGravity,
        1_000.0,
        MOST_G,
        &["verticalg", "verticalacc", "verticalacceleration", "vertacc"],
    ),
    kind("lean_angle", Unit::Degrees, 10.0, (-90.0, 90.0), &["leanangle", "lean", "bankangle"]),
    kind(
        "heart_rate",
        Unit::BeatsPerMinute,
        10.0,
        (20.0, 260.0),
        &["heartrate", "hr", "heartratebpm", "pulse", "bpm", "heart"],
    ),
    kind("cadence", Unit::RevolutionsPerMinute, 10.0, (0.0, 300.0), &["cadence", "cad", "rpmcadence", "pedalcadence"]),
    kind("power", Unit::Watts, 10.0, (0.0, 4_000.0), &["power", "watts", "pwr", "powerwatts"]),
    kind(
        "temperature",
        Unit::Celsius,
        10.0,
        (-90.0, 150.0),
        &["temperature", "temp", "atemp", "airtemp", "airtemperature", "ambienttemperature"],
    ),
    ChannelKind {
        steps: true,
        ..kind("lap", Unit::None, 1.0, (0.0, 100_000.0), &["lap", "lapnumber", "lapno", "laps", "lapcount", "lapindex"])
    },
    kind("lap_time", Unit::Seconds, 1_000.0, (0.0, 1e7), &["laptime", "laptimes"]),
];

/// The registry's entry of this name.
pub fn find(name: &str) -> Option<&'static ChannelKind> {
    REGISTRY.iter().find(|kind| kind.name == name)
}

/// The channel of the registry that a name is nearly, for "did you mean" hints.
pub(crate) fn near(name: &str) -> Option<&'static str> {
    nearest(name, REGISTRY.iter().map(|kind| kind.name))
}

/// The registry's entry that a header, squashed and without its unit, means.
pub(crate) fn by_header(squashed: &str) -> Option<&'static ChannelKind> {
    REGISTRY.iter().find(|kind| kind.headers.contains(&squashed))
}

impl ChannelKind {
    /// `value` rounded to the channel's step.
    pub(crate) fn quantise(&self, value: f64) -> f64 {
        libm::round(value * self.per_unit) / self.per_unit
    }
}

/// Whether values of a channel hold until the next: a count, or a zone.
pub(crate) fn holds(name: &str) -> bool {
    name.ends_with("_zone") || find(name).is_some_and(|kind| kind.steps)
}

/// The angle from `from` to `to` the short way round, or their difference
/// where the channel has no `turn`.
pub(crate) fn difference(from: f64, to: f64, turn: Option<f64>) -> f64 {
    match turn {
        Some(turn) => (to - from + turn / 2.0).rem_euclid(turn) - turn / 2.0,
        None => to - from,
    }
}

/// An angle brought back into the range of its channel.
pub(crate) fn wrapped(value: f64, kind: Option<&ChannelKind>) -> f64 {
    match kind.and_then(|kind| Some((kind.possible.0, kind.turn?))) {
        Some((low, turn)) if !(low..low + turn).contains(&value) => (value - low).rem_euclid(turn) + low,
        _ => value,
    }
}

/// Letters and digits only, in lower case: `GPS Latitude` and `gps_latitude`
/// are the same.
pub(crate) fn squash(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The name that an unmapped column is kept under: `Accel X` is `accel_x`.
pub(crate) fn snake_case(header: &str) -> String {
    let mut name = String::with_capacity(header.len());
    let mut small = 0;
    for c in header.chars() {
        if c.is_alphanumeric() {
            // A new word starts at a capital that follows small letters; not
            // within `kPa`.
            if c.is_uppercase() && small >= 2 {
                name.push('_');
            }
            name.extend(c.to_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        small = if c.is_lowercase() { small + 1 } else { 0 };
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_before_a_log_is_read_is_the_registry() {
        let registry: Vec<(&str, Unit)> = REGISTRY.iter().map(|kind| (kind.name, kind.unit)).collect();
        assert_eq!(registry, crate::model::usual::USUAL);
    }

    #[test]
    fn headers_are_squashed_and_mean_one_channel() {
        for (at, kind) in REGISTRY.iter().enumerate() {
            for header in kind.headers {
                assert_eq!(squash(header), *header);
                assert!(REGISTRY[..at].iter().all(|other| !other.headers.contains(header)), "{header}");
            }
        }
    }

    #[test]
    fn own_names_are_snake_case() {
        assert_eq!(snake_case("Accel X"), "accel_x");
        assert_eq!(snake_case("GPS_Update"), "gps_update");
        assert_eq!(snake_case("Brake (calculated)"), "brake_calculated");
        assert_eq!(snake_case("leanAngle"), "lean_angle");
        assert_eq!(snake_case("Barometric Pressure (kPa)"), "barometric_pressure_kpa");
        assert_eq!(snake_case("  "), "");
    }

    #[test]
    fn values_are_rounded_to_the_channels_step() {
        let rounded = |name: &str, value| find(name).unwrap().quantise(value);
        assert_eq!(rounded("speed", 8.12345), 8.12);
        assert_eq!(rounded("gradient", -2.25), -2.3);
        assert!(rounded("speed", f64::NAN).is_nan());
    }

    #[test]
    fn angles_go_the_short_way_round() {
        let heading = find("heading");
        assert_eq!(difference(350.0, 10.0, Some(360.0)), 20.0);
        assert_eq!(difference(10.0, 350.0, Some(360.0)), -20.0);
        assert_eq!(wrapped(370.0, heading), 10.0);
        assert_eq!(wrapped(-181.0, find("longitude")), 179.0);
        assert_eq!(wrapped(370.0, None), 370.0);
    }
}
