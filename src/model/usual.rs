//! The channels that telemetry usually has, with their units: what is known of
//! a log before it is read. (The registry in `telemetry::channels` says the
//! rest; a test there holds the two to each other.)

use crate::base::Unit;

pub const USUAL: &[(&str, Unit)] = &[
    ("latitude", Unit::Degrees),
    ("longitude", Unit::Degrees),
    ("altitude", Unit::Metres),
    ("speed", Unit::MetresPerSecond),
    ("vertical_speed", Unit::MetresPerSecond),
    ("distance", Unit::Metres),
    ("gradient", Unit::Percent),
    ("heading", Unit::Degrees),
    ("lateral_g", Unit::StandardGravity),
    ("longitudinal_g", Unit::StandardGravity),
    ("vertical_g", Unit::StandardGravity),
    ("lean_angle", Unit::Degrees),
    ("heart_rate", Unit::BeatsPerMinute),
    ("cadence", Unit::RevolutionsPerMinute),
    ("power", Unit::Watts),
    ("temperature", Unit::Celsius),
    ("lap", Unit::None),
    ("lap_time", Unit::Seconds),
];

/// The unit of a channel that telemetry usually has.
pub fn usual_unit(name: &str) -> Option<Unit> {
    USUAL.iter().find(|(usual, _)| *usual == name).map(|(_, unit)| *unit)
}

/// The unit in which a channel is shown where the manifest names none.
pub fn display_unit(channel: &str, unit: Unit) -> Unit {
    match (channel, unit) {
        ("vertical_speed", _) => unit,
        (_, Unit::MetresPerSecond) => Unit::KilometresPerHour,
        ("distance", Unit::Metres) => Unit::Kilometres,
        ("lap_time", Unit::Seconds) => Unit::Minutes,
        (_, Unit::Radians) => Unit::Degrees,
        (_, other) => other,
    }
}
