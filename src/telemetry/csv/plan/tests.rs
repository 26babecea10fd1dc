//! What headers mean, and what is told of them.

use super::*;
use crate::telemetry::csv::ColumnFields;

fn with_notes(names: &[&str], cells: &[&str]) -> (Vec<Planned>, Vec<String>) {
    let row = ByteRecord::from(cells);
    let mut notes = Vec::new();
    let planned = plan(&Header::of(names), &BTreeMap::new(), &[], &[&row], false, &mut notes).unwrap();
    (planned, notes)
}

fn named(names: &[&str]) -> Vec<(String, Unit)> {
    with_notes(names, &[]).0.into_iter().map(|p| (p.name, p.from)).collect()
}

fn owned(expected: &[(&str, Unit)]) -> Vec<(String, Unit)> {
    expected.iter().map(|(name, unit)| ((*name).to_owned(), *unit)).collect()
}

#[test]
fn headers_state_units() {
    let found = named(&["Speed (km/h)", "Altitude [m]", "temp_f", "GPS Latitude", "lng", "Dist km"]);
    let expected = [
        ("speed", Unit::KilometresPerHour),
        ("altitude", Unit::Metres),
        ("temperature", Unit::Fahrenheit),
        ("latitude", Unit::Degrees),
        ("longitude", Unit::Degrees),
        ("distance", Unit::Kilometres),
    ];
    assert_eq!(found, owned(&expected));
}

/// Of EdgeTX, phyphox, Airdata, Torque, Vakaros and GoPro's Telemetry
/// Extractor.
#[test]
fn headers_of_applications() {
    let found = named(&["VSpd(m/s)", "Alt(m)", "GSpd(kmh)", "Hdg(°)", "RxBt(V)"]);
    let expected = [
        ("vertical_speed", Unit::MetresPerSecond),
        ("altitude", Unit::Metres),
        ("speed", Unit::KilometresPerHour),
        ("heading", Unit::Degrees),
        ("rxbt_v", Unit::None),
    ];
    assert_eq!(found, owned(&expected));
    for header in ["Direction (°)", "compass_heading(degrees)", "DIRECTION[degree]", "hdg"] {
        assert_eq!(named(&[header]), owned(&[("heading", Unit::Degrees)]), "{header}");
    }
    for (header, unit) in [
        ("GPS Speed (Meters/second)", Unit::MetresPerSecond),
        ("sog_kts", Unit::Knots),
        ("SOG (kn)", Unit::Knots),
        ("Speed (Kilometers/Hour)", Unit::KilometresPerHour),
        ("GPS (2D speed) [m/s]", Unit::MetresPerSecond),
        ("GPS (3D) [m/s]", Unit::MetresPerSecond),
        ("speed (ms)", Unit::MetresPerSecond),
    ] {
        assert_eq!(named(&[header]), owned(&[("speed", unit)]), "{header}");
    }
    let found = named(&["GPS (2D speed) [m/s]", "GPS (3D speed) [m/s]"]);
    assert_eq!(found, owned(&[("speed", Unit::MetresPerSecond), ("gps_3d_speed", Unit::MetresPerSecond)]));
    assert_eq!(named(&["LAPINDEX"]), owned(&[("lap", Unit::None)]));
}

#[test]
fn thousandths_of_a_second_are_no_speed() {
    assert_eq!(named(&["Fuel Inj (ms)"]), owned(&[("fuel_inj_ms", Unit::None)]));
    assert_eq!(named(&["Wheel Speed (ms)"]), owned(&[("wheel_speed", Unit::MetresPerSecond)]));
}

/// A remark in brackets leaves the channel and is told; a unit that is not
/// known, or of something else, takes it.
#[test]
fn units_that_are_not_known_are_told() {
    let (planned, notes) = with_notes(&["Speed (GPS)"], &[]);
    assert_eq!((planned[0].name.as_str(), planned[0].from), ("speed", Unit::MetresPerSecond));
    assert!(notes[0].contains("\"GPS\"") && notes[0].contains("taken to be in m/s"), "{notes:?}");
    for (header, name) in [
        ("Speed (furlongs/week)", "speed_furlongs_week"),
        ("Power (kW)", "power_kw"),
        ("Altitude (%)", "altitude_1"),
        ("laptime (ms)", "laptime_ms"),
    ] {
        let (planned, notes) = with_notes(&[header], &[]);
        assert_eq!(planned[0].name, name, "{header}");
        assert!(notes[0].contains("is not taken for"), "{notes:?}");
    }
    let (planned, notes) = with_notes(&["sog", "direction"], &["5.1", "NE"]);
    assert!(planned.iter().all(|p| channels::find(&p.name).is_none()));
    assert!(notes[0].contains("\"sog\" states no unit"), "{notes:?}");
}

#[test]
fn what_is_counted_in_a_minute_is_in_the_channels_own_unit() {
    for text in ["1/min", "count/min", "steps/min", "/min", "beats/min", "counts per minute"] {
        for (base, name, unit) in
            [("Heart rate", "heart_rate", Unit::BeatsPerMinute), ("Cadence", "cadence", Unit::RevolutionsPerMinute)]
        {
            let (planned, notes) = with_notes(&[&format!("{base} ({text})")], &[]);
            assert_eq!((planned[0].name.as_str(), planned[0].from), (name, unit), "{text}");
            assert!(notes.is_empty(), "{notes:?}");
            let mapping = BTreeMap::from([(name.to_owned(), Column::Header(format!("x ({text})")))]);
            let header = Header::of(&[&format!("x ({text})")]);
            let planned = plan(&header, &mapping, &[], &[], false, &mut Vec::new()).unwrap();
            assert_eq!(planned[0].from, unit, "{text}");
        }
    }
    assert!(matches!(recognise("Power (1/min)"), Meaning::Doubtful(_)));
}

/// Receivers call so whether they have a fix of two or of three dimensions.
#[test]
fn a_kind_of_fix_is_no_speed() {
    assert_eq!(named(&["GPS2D", "gps_3d"]), owned(&[("gps2d", Unit::None), ("gps_3d", Unit::None)]));
    assert_eq!(named(&["gps_3d (km/h)"]), owned(&[("speed", Unit::KilometresPerHour)]));
}

#[test]
fn a_pace_is_a_word() {
    for (header, unit) in [
        ("Free Space", Unit::None),
        ("freespace", Unit::None),
        ("Avg Pace", Unit::MinutesPerKilometre),
        ("avgPace", Unit::MinutesPerKilometre),
    ] {
        let (planned, notes) = with_notes(&[header], &["5:30"]);
        assert_eq!((planned[0].from, notes.is_empty()), (unit, unit == Unit::None), "{header}");
    }
}

#[test]
fn a_pace_without_a_unit_is_told() {
    let (planned, notes) = with_notes(&["Pace"], &["5:30"]);
    assert_eq!((planned[0].name.as_str(), planned[0].from), ("pace", Unit::MinutesPerKilometre));
    assert!(notes[0].contains("taken to be in min/km"), "{notes:?}");
    let (planned, notes) = with_notes(&["Pace"], &["5.5"]);
    assert_eq!(planned[0].from, Unit::None);
    assert!(notes[0].contains("min/km or min/mi"), "{notes:?}");
}

#[test]
fn a_position_in_one_cell() {
    let (planned, notes) = with_notes(&["GPS", "Sats"], &["12.000000 -45.500000", "9"]);
    let row = ByteRecord::from(&["12.000000 -45.500000", "9"][..]);
    let cells: Vec<(&str, &[u8])> = planned.iter().map(|p| (p.name.as_str(), p.cell(&row, false))).collect();
    let expected: [(&str, &[u8]); 3] = [("latitude", b"12.000000"), ("longitude", b"-45.500000"), ("sats", b"9")];
    assert_eq!(cells, expected);
    assert!(notes[0].contains("\"GPS\" holds positions") && notes[0].contains("latitude first"), "{notes:?}");
    assert_eq!((pair(b"12 N 45", false), pair(b"1.5 2.5 3.5", false)), (None, None));
    // A count of satellites with their limit, a range, what is not on Earth.
    for cell in ["3", "7 12", "7.5 12", "95.5 9.3", "47.5 181.5"] {
        assert_eq!(with_notes(&["GPS"], &[cell]).0[0].name, "gps", "{cell}");
    }
    assert_eq!(with_notes(&["Coordinates"], &["47.5 9.3"]).0[0].name, "coordinates");
    let rows = |cells: &[&str], comma: bool| {
        let rows: Vec<ByteRecord> = cells.iter().map(|cell| ByteRecord::from(&[*cell][..])).collect();
        holds_pairs(0, &rows.iter().collect::<Vec<_>>(), comma)
    };
    assert!(rows(&["", "47.5 9.3", "47.5, 9.3", "x"], false));
    assert!(!rows(&["", "47.5 9.3", "y", "x"], false));
    // As Strava's streams have it.
    assert!(rows(&["[47.5, 9.3]", "(47.5,9.3)"], false) && !rows(&["[47.5, 9.3", "{47.5,9.3}"], false));
    assert_eq!(pair(b"[47.5, 9.3]", false).map(|pair| pair.map(<[u8]>::trim_ascii)), Some([&b"47.5"[..], b"9.3"]));
    // 12,5 is a number where a comma is decimal.
    assert!(!rows(&["12,5"], true) && rows(&["12.5,7.5"], true) && rows(&["12,5 7,25"], true));
}

#[test]
fn the_first_column_of_a_channel_is_used_and_the_others_keep_their_names() {
    let found = named(&["Altitude (m)", "Altitude (ft)", "Pressure Altitude (m)", "Brake (calculated)"]);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["altitude", "altitude_ft", "pressure_altitude", "brake_calculated"]);
    assert_eq!(found[1].1, Unit::Feet);
}

#[test]
fn of_equal_headers_the_first_is_used_and_that_is_told() {
    let (planned, notes) = with_notes(&["hr", "x", "hr", "x"], &[]);
    assert_eq!(planned.iter().map(|p| p.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(notes.len(), 2);
    assert!(notes[0].contains("column 1 is used and column 3 is not"), "{notes:?}");
}

#[test]
fn a_mapped_header_that_is_not_there_is_an_error_with_the_nearest() {
    let mapping = BTreeMap::from([("speed".to_owned(), Column::Header("Sped".to_owned()))]);
    let error = plan(&Header::of(&["Time", "Speed"]), &mapping, &[], &[], false, &mut Vec::new()).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean \"Speed\"?"));
    assert!(error.notes[0].contains("\"Time\", \"Speed\""));
}

#[test]
fn a_unit_of_another_dimension_is_an_error() {
    let column = ColumnFields { header: "v".to_owned(), unit: Some(Unit::Watts) };
    let mapping = BTreeMap::from([("speed".to_owned(), Column::Fields(column))]);
    assert!(plan(&Header::of(&["v"]), &mapping, &[], &[], false, &mut Vec::new()).is_err());
}
