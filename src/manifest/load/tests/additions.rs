//! The sections that add to the telemetry.

use super::*;
use crate::model::specs::PrivatePlace;

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
