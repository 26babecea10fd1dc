//! Tables of known apps, as their documentation and other readers have them,
//! read without any mapping.

use super::{format, values};
use crate::model::telemetry::{LogClock, Telemetry, TelemetrySummary};

fn read(text: &str) -> (Telemetry, TelemetrySummary) {
    format("Log").whole_plain(&mut text.as_bytes(), None).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn of(log: &Telemetry, names: &[&str]) -> Vec<f64> {
    names.iter().map(|name| values(log, name)[0]).collect()
}

pub(super) const RACECHRONO_3: &str = "This file is created using RaceChrono v9.1.3 ( http://racechrono.com/ ).\n\
    Format,3\nSession title,\"Test\"\nSession type,Lap timing\nTrack name,\"Test\"\nDriver name,\n\
    Created,21/02/2026,22:12\nNote,\n\n\
    timestamp,fragment_id,lap_number,elapsed_time,distance_traveled,accuracy,altitude,bearing,latitude,longitude,\
    satellites,speed,combined_acc,lateral_acc,lean_angle,speed,coolant\n\
    unix time,,,s,m,m,m,deg,deg,deg,sats,m/s,G,G,deg,m/s,.C\n\
    ,,,,,100: gps,100: gps,100: gps,100: gps,100: gps,100: gps,100: gps,calc,calc,calc,calc,200: obd\n\
    1685377018.7,0,4,343.1,3596.046,5.0,14.2,229.8,56.599357,23.6904862,13,15.037,0.92,-0.91,-42.4,15.1,90\n\
    1685377018.8,0,4,343.2,3597.57,5.0,14.3,226.4,56.5993478,23.6904677,13,14.95,0.91,-0.9,-42.1,15.0,90\n";

#[test]
fn racechrono_3() {
    let (log, summary) = read(RACECHRONO_3);
    assert_eq!((summary.format.as_str(), summary.bad_rows, log.clock), ("CSV of RaceChrono 3", 0, LogClock::Utc));
    assert_eq!(log.times, [1_685_377_018_700_000_000, 1_685_377_018_800_000_000]);
    let names = ["latitude", "longitude", "altitude", "speed", "distance", "heading", "lap", "lateral_g", "coolant"];
    assert_eq!(of(&log, &names), [56.599_357, 23.690_486_2, 14.2, 15.037, 3_596.046, 229.8, 4.0, -0.91, 90.0]);
    assert_eq!(log.channel("lateral_g").unwrap().unit.symbol(), "g");
    assert_eq!(log.channel("coolant").unwrap().unit.symbol(), "°C");
}

#[test]
fn racechrono_2() {
    let (log, summary) = read(
        "This file is created using RaceChrono Pro v6.0 ( http://racechrono.com/ ).\nFormat,2\nSession title,x\n\
         Created,13/06/2014,13:53\n\n\
         Time (s),Session fragment #,Lap #,Trap name,X-position (m) *gps,Distance (m) *gps,Speed (m/s) *gps,\
         Speed (km/h) *gps,Altitude (m) *gps,Bearing (deg) *gps,Latitude (deg) *gps,Longitude (deg) *gps,\
         Speed (m/s) *calc,RPM (rpm) *canbus\n\
         1402667585.100,0,1,,12.5,100.5,30.5,109.8,220.5,91.5,60.2,25.1,30.4,6500\n",
    );
    assert_eq!((summary.format.as_str(), summary.bad_rows, log.clock), ("CSV of RaceChrono 2", 0, LogClock::Utc));
    assert_eq!(log.times, [1_402_667_585_100_000_000]);
    let names = ["latitude", "longitude", "altitude", "speed", "distance", "heading", "lap", "rpm"];
    assert_eq!(of(&log, &names), [60.2, 25.1, 220.5, 30.5, 100.5, 91.5, 1.0, 6_500.0]);
}

#[test]
fn racerender() {
    let (log, summary) = read(
        "# RaceRender Data\n\"Time\",\"Latitude\",\"Longitude\",\"X\",\"Y\",\"MPH\",\"Heading\",\"Lap\",\"RPM *OBD\"\n\
         0.0,35.1,-118.2,0.1,0.2,60,90,1,4000\n0.1,35.2,-118.2,0.1,0.2,61,90,1,4100\n",
    );
    assert_eq!((summary.format.as_str(), summary.bad_rows, log.clock), ("CSV of RaceRender", 0, LogClock::Start));
    assert!((values(&log, "speed")[0] - 60.0 * 0.44704).abs() < 1e-9);
    assert_eq!(of(&log, &["latitude", "heading", "lap", "x", "rpm"]), [35.1, 90.0, 1.0, 0.1, 4_000.0]);
}

#[test]
fn harrys_laptimer() {
    let (log, summary) = read(
        "Harry's GPS LapTimer\nINDEX,LAPINDEX,DATE,TIME,TIME_LAP,LATITUDE,LONGITUDE,SPEED_KPH,SPEED_MPH,HEIGHT_M,\
         HEIGHT_FT,HEADING_DEG,GPSDIFFERENTIAL[UNKNOWN/2D3D/DGPS/INVALID],GPSFIX[NOFIX/2D/3D/UNKNOWN],SATELLITES,HDOP,\
         ACCURACY_M,DISTANCE_KM,DISTANCE_MILE,LATERALG,LINEALG,LEAN,RPM\n\
         57358,381,14-AUG-16,16:57:02.65,0.000000,34.874742,-118.258734,102.600000,63.752684,740.000000,2427.821526,\
         288.1,2,3,11,0.700000,4.9,1.500000,0.932057,0.15,0.34,8.500000,0\n",
    );
    assert_eq!(
        (summary.format.as_str(), summary.bad_rows),
        ("CSV of Harry's LapTimer", 0),
        "{:?}",
        summary.bad_examples
    );
    assert_eq!(log.times, [1_471_193_822_650_000_000]); // 2016-08-14T16:57:02.65Z
    let names = ["latitude", "longitude", "altitude", "heading", "distance", "lean_angle"];
    assert_eq!(of(&log, &names), [34.874_742, -118.258_734, 740.0, 288.1, 1_500.0, 8.5]);
    assert!((values(&log, "speed")[0] - 28.5).abs() < 1e-9);
}

#[test]
fn gpx2video() {
    let (log, summary) = read(
        "Timestamp, Time, Total duration, Partial duration, RideTime, Data, Lat, Lon, Ele, Grade, Distance, Speed, \
         MaxSpeed, Average, Ride Average, Cadence, Heartrate, Power, Lap\n\
         1717236000000, 2024-06-01 12:00:00, 10, 10, 9, M, 47.5, 9.3, 400, 2.5, 100, 36, 40, 30, 31, 90, 140, 200, 2\n",
    );
    assert_eq!((summary.format.as_str(), summary.bad_rows), ("CSV of gpx2video", 0), "{:?}", summary.bad_examples);
    assert_eq!(log.times, [1_717_236_000_000_000_000]);
    let names = ["latitude", "altitude", "gradient", "distance", "speed", "cadence", "heart_rate", "power", "lap"];
    assert_eq!(of(&log, &names), [47.5, 400.0, 2.5, 100.0, 10.0, 90.0, 140.0, 200.0, 2.0]);
}

pub(super) const AIM: &str = "\"Format\",\"AiM CSV File\"\n\"Session\",\"Test\"\n\"Date\",\"Monday, May 5, 2025\"\n\
    \"Time\",\"10:00 AM\"\n\"Sample Rate\",\"10\"\n\"Duration\",\"3.0\"\n\"Beacon Markers\",\"1.0\",\"2.5\",\"3.0\"\n\
    \"Segment Times\",\"0:01.000\",\"0:01.500\",\"0:00.500\"\n\n\
    \"Time\",\"GPS Speed\",\"GPS Nsat\",\"GPS LatAcc\",\"GPS Heading\",\"GPS Altitude\",\"GPS Latitude\",\"GPS Longitude\"\n\
    \"s\",\"km/h\",\"#\",\"g\",\"deg\",\"m\",\"deg\",\"deg\"\n\n\
    \"0.000\",\"36.0\",\"9\",\"0.5\",\"90.0\",\"640\",\"35.3\",\"138.9\"\n\
    \"1.500\",\"72.0\",\"9\",\"0.5\",\"90.0\",\"640\",\"35.3\",\"138.9\"\n\
    \"2.600\",\"72.0\",\"9\",\"0.5\",\"90.0\",\"640\",\"35.3\",\"138.9\"\n";

#[test]
fn aim_with_its_beacons() {
    let (log, summary) = read(AIM);
    assert_eq!((summary.format.as_str(), summary.bad_rows, log.clock), ("CSV of AiM", 0, LogClock::Start));
    assert_eq!(log.times, [0, 1_500_000_000, 2_600_000_000]);
    let names = ["speed", "latitude", "longitude", "altitude", "heading", "lateral_g"];
    assert_eq!(of(&log, &names), [10.0, 35.3, 138.9, 640.0, 90.0, 0.5]);
    assert_eq!(summary.laps, 3);
    let (clean, _) = crate::telemetry::clean(&log, 5_000);
    assert_eq!(values(&clean, "lap"), [1.0, 2.0, 3.0]);
}

#[test]
fn garmin_strava_and_plain_tables() {
    let (log, summary) = read(
        "timestamp,position_lat,position_long,enhanced_altitude,enhanced_speed,heart_rate,distance\n\
         2011-09-25T13:00:22Z,521521093,-946874053,75.2,5.888,161,0.0\n",
    );
    assert_eq!(summary.format, "CSV of Garmin (FIT)");
    assert!((values(&log, "latitude")[0] - 43.713_393).abs() < 1e-6);
    assert_eq!(of(&log, &["altitude", "speed", "heart_rate"]), [75.2, 5.888, 161.0]);

    let (log, summary) = read(
        "time,distance,altitude,velocity_smooth,heartrate,cadence,watts,temp,grade_smooth\n0,0,400,8.5,140,90,200,20,1.5\n1,8,400,8.5,140,90,200,20,1.5\n",
    );
    assert_eq!((summary.format.as_str(), log.clock), ("CSV of Strava", LogClock::Start));
    assert_eq!(of(&log, &["speed", "gradient", "heart_rate", "power", "temperature"]), [8.5, 1.5, 140.0, 200.0, 20.0]);

    let (log, summary) = read("lat,lon,time\n47.5,9.3,2024-06-01T10:00:00Z\n");
    assert_eq!((summary.format.as_str(), log.times[0]), ("CSV", 1_717_236_000_000_000_000));
    assert_eq!(of(&log, &["latitude", "longitude"]), [47.5, 9.3]);
}
