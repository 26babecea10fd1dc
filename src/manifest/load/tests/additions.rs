//! The sections that add to the telemetry.

use super::*;
use crate::base::Unit;
use crate::manifest::manifest::Additions;
use crate::model::specs::{LapRule, PrivatePlace};

fn additions(sections: &str) -> Additions {
    good(&with(&format!("telemetry: \"ride.fit\",\n{sections}"))).additions
}

fn wrong(sections: &str) -> Vec<String> {
    told(&with(&format!("telemetry: \"ride.fit\",\n{sections}")))
}

#[test]
fn private_places_are_one_set_however_they_are_written() {
    let places = additions(
        "privacy: [Place(at: (47.3769, 8.5417), radius: \"0.2 km\"), (at: \"-33.45, -70.66\", radius: \"100ft\")]",
    );
    let expected = [
        PrivatePlace { latitude: -334_500_000, longitude: -706_600_000, radius: 30_480 },
        PrivatePlace { latitude: 473_769_000, longitude: 85_417_000, radius: 200_000 },
    ];
    assert_eq!(places.privacy, expected);
    let other = additions(
        "privacy: [Place(at: (-33.45, -70.66), radius: \"30.48m\"), Place(at: (47.37690, 8.5417), radius: \"200m\")]",
    );
    assert_eq!(other, places);
}

#[test]
fn what_is_wrong_with_a_place_is_told_where_it_stands() {
    assert_eq!(
        wrong("privacy: [Place(at: (147.3, 8.5), radius: \"200\"),\nPlace(at: 47.3, radius: \"60km\")]"),
        [
            "6:21+12 147.3, 8.5 is not on Earth (the latitude comes first, from -90 to 90, then the longitude, from \
             -180 to 180)",
            "6:43+5 expected a length such as \"200m\" or \"1.5km\", found the text \"200\" (name its unit: \"200m\", \
             \"1.5km\", \"300ft\")",
            "7:11+4 expected a place as latitude and longitude in degrees such as (47.3769, 8.5417), found the number \
             47.3",
        ]
    );
    assert_eq!(
        wrong("privacy: [Place(at: (47.3, 8.5), radius: \"60km\")]"),
        ["6:42+6 a place is at most 50 km around (name several places, or leave the map out)"]
    );
    assert_eq!(
        told(&with("privacy: [Place(at: (47.3, 8.5), radius: \"1km\")]")),
        ["5:10+39 `privacy` is about telemetry, and there is no telemetry (declare it: `telemetry: \"ride.fit\"`)"]
    );
}

#[test]
fn channels_are_texts_with_or_without_a_unit() {
    let found = additions(
        "channels: {\"w_per_kg\": Expr(\"power / 72kg\"), \"fast\": \"speed * 2\",\n\"ms\": Expr(value: \"speed\", unit: \"mph\")}",
    );
    let channels: Vec<(&str, &str, Option<Unit>)> =
        found.channels.iter().map(|one| (one.name.as_str(), one.text.as_str(), one.unit)).collect();
    assert_eq!(
        channels,
        [("fast", "speed * 2", None), ("ms", "speed", Some(Unit::MilesPerHour)), ("w_per_kg", "power / 72kg", None)]
    );
}

#[test]
fn an_expression_is_wrong_where_it_is_wrong() {
    assert_eq!(
        wrong(
            "channels: {\n  \"a\": Expr(value: \"2 * (power + speed)\"),\n  \"b\": \"speed +\",\n  \"c\": r#\"meen(speed, \n \
             10s) + sped\"#,\n  \"d\": Expr(value: \"power / 72\", unit: \"bpm\"), \"if\": \"1\", \"e\": \"own_column * 2\"}"
        ),
        [
            "7:26+13 `power` is in W and `speed` in m/s: they cannot be added or subtracted (only what is measured in \
             units of one kind goes together)",
            "8:16+1 expected a value, found the end",
            "9:11+4 there is no function `meen` (did you mean `mean`?)",
            "11:21+10 the result is in W and cannot be in bpm (name a unit of the same kind, or give numbers their \
             units: `power / 72kg` is in W/kg)",
            "11:48+4 \"if\" cannot be the name of a channel (it has letters, digits and `_`, starts with no digit, and \
             is no function's name)",
        ]
    );
}

#[test]
fn laps_and_zones() {
    let found = additions(
        "laps: Line(from: (47.1, 8.1), to: (47.2, 8.2), at_least: \"30s\"),\n\
         zones: {\"speed\": [\"20 km/h\", \"30km/h\"], \"heart_rate\": [115, 135.5]}",
    );
    let line = LapRule::Line { from: (471_000_000, 81_000_000), to: (472_000_000, 82_000_000), at_least_ms: 30_000 };
    assert_eq!(found.laps, Some(line));
    let zones: Vec<_> =
        found.zones.iter().map(|zones| (zones.channel.as_str(), zones.unit, &zones.bounds[..])).collect();
    assert_eq!(
        zones,
        [
            ("heart_rate", None, &[115_000, 135_500][..]),
            ("speed", Some(Unit::KilometresPerHour), &[20_000, 30_000][..])
        ]
    );
    assert_eq!(additions("laps: Distance(\"5km\")").laps, Some(LapRule::Distance { millimetres: 5_000_000 }));
    assert_eq!(additions("laps: None").laps, None);
    assert_eq!(
        wrong("laps: Distance(5),\nzones: {\"speed\": [30, 20], \"power\": [200, \"10bogus\"]}"),
        [
            "6:16+1 expected a length such as \"200m\" or \"1.5km\", found the number 5",
            "7:18+8 zones are parted by 1 to 20 bounds that rise, all in one unit (four bounds make five zones: [115, \
             135, 150, 165])",
            "7:43+9 expected a number, or one with its unit such as \"20 km/h\", found the text \"10bogus\"",
        ]
    );
}

#[test]
fn a_weight_may_name_what_is_added_and_what_a_log_is_looked_through_for() {
    good(&with(
        "telemetry: \"ride.fit\",\nchannels: {\"effort\": \"power * 2\"}, zones: {\"power\": [200]},\n\
         moments: Moments(weights: {\"effort\": 1, \"power_zone\": 1, \"new_maximum(speed)\": 1, \"summit\": 1, \
         \"|lateral_g|\": 1})",
    ));
}
