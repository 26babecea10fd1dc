//! Tables of loggers and apps that are known: what their headers mean where the
//! headers alone do not say it.
//!
//! Most tables need no entry here, because their headers are in the registry.
//! One that does is recognised by what stands above its header or by the
//! headers themselves; what a manifest says goes before what stands here.

use std::collections::BTreeMap;

use csv::ByteRecord;

use super::header::Header;
use super::params::{Column, ColumnFields, Csv};
use crate::base::Unit;
use crate::model::telemetry::{Mark, MarkKind};
use crate::telemetry::channels::squash;
use crate::telemetry::number::{self, Cell};
use crate::telemetry::stamp::SECOND;

/// A table that is known.
#[derive(Debug)]
pub(super) struct Schema {
    /// Whose it is.
    pub(super) name: &'static str,
    /// What stands somewhere above the header; empty for nothing.
    banner: &'static str,
    /// Headers that it has, squashed, without their units.
    headers: &'static [&'static str],
    /// Headers, squashed, that are a channel (or `time`, `date`), with the unit
    /// of their numbers where the header does not say it.
    columns: &'static [(&'static str, &'static str, Option<Unit>)],
    /// Rows that count: those where these columns hold these values.
    only: &'static [(&'static str, &'static str)],
    /// How its times are written, where that is not found out.
    pattern: Option<&'static str>,
}

/// Every table that is known, the more special before the more general.
///
/// Sources: the exports of the apps as their documentation and other readers
/// of them describe them.
const SCHEMAS: &[Schema] = &[
    Schema {
        name: "RaceChrono 3",
        banner: "created using RaceChrono",
        headers: &["timestamp", "fragmentid"],
        columns: &[("timestamp", "time", None), ("speed", "speed", Some(Unit::MetresPerSecond))],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "RaceChrono 2",
        banner: "created using RaceChrono",
        headers: &[],
        columns: &[("timestamp", "time", None), ("time", "time", None)],
        only: &[],
        pattern: None,
    },
    // Its own app writes 20 rows a second, of which most repeat the last fix.
    Schema {
        name: "TrackAddict",
        banner: "RaceRender Data: TrackAddict",
        headers: &["time", "gpsupdate"],
        // In a real drive the first goes with the turning and the second with the change of
        // speed; what the third is is not as clear.
        columns: &[
            ("accelx", "lateral_g", Some(Unit::StandardGravity)),
            ("accely", "longitudinal_g", Some(Unit::StandardGravity)),
        ],
        only: &[("gpsupdate", "1")],
        pattern: None,
    },
    Schema {
        name: "RaceRender",
        banner: "RaceRender Data",
        headers: &["time"],
        columns: &[],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "Harry's LapTimer",
        banner: "",
        headers: &["lapindex", "date", "time", "latitude", "longitude", "speedkph"],
        columns: &[("date", "date", None), ("time", "time", None)],
        only: &[],
        pattern: Some("%d-%b-%y %H:%M:%S%.f"),
    },
    // As it wrote until 2011.
    Schema {
        name: "Harry's LapTimer",
        banner: "",
        headers: &["lapindex", "date", "time", "latitude", "longitude", "direction", "lateralg"],
        columns: &[("date", "date", None), ("time", "time", None)],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "OpenTracks",
        banner: "",
        headers: &["time", "trackpointtype", "latitude", "longitude"],
        columns: &[("time", "time", None), ("speed", "speed", Some(Unit::KilometresPerHour))],
        only: &[],
        pattern: None,
    },
    // The receiver's time has whole seconds and is unknown before its first fix.
    Schema {
        name: "Torque",
        banner: "",
        headers: &["gpstime", "devicetime", "latitude", "longitude"],
        columns: &[("devicetime", "time", None)],
        only: &[],
        pattern: None,
    },
    // What it calls distance is that from where the drone took off.
    Schema {
        name: "Airdata",
        banner: "",
        headers: &["time", "datetime", "heightabovetakeoff", "distance", "mileage"],
        columns: &[("mileage", "distance", None), ("distance", "home_distance", None)],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "gpx2video",
        banner: "",
        headers: &["timestamp", "totalduration", "partialduration", "ridetime"],
        columns: &[
            ("timestamp", "time", None),
            ("speed", "speed", Some(Unit::KilometresPerHour)),
            ("distance", "distance", Some(Unit::Metres)),
        ],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "AiM",
        banner: "AiM CSV File",
        headers: &["time"],
        columns: &[("time", "time", None)],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "Garmin (FIT)",
        banner: "",
        headers: &["timestamp", "positionlat", "positionlong"],
        columns: &[("timestamp", "time", None)],
        only: &[],
        pattern: None,
    },
    Schema {
        name: "Strava",
        banner: "",
        headers: &["time", "velocitysmooth"],
        columns: &[
            ("velocitysmooth", "speed", Some(Unit::MetresPerSecond)),
            ("gradesmooth", "gradient", Some(Unit::Percent)),
        ],
        only: &[],
        pattern: None,
    },
];

/// The table that a file is, by its first bytes and its header.
pub(super) fn find(head: &[u8], header: &Header) -> Option<&'static Schema> {
    let start = String::from_utf8_lossy(&head[..head.len().min(4_096)]);
    let bases: Vec<String> = (0..header.names.len()).map(|at| header.base(at)).collect();
    SCHEMAS.iter().find(|schema| {
        start.contains(schema.banner) && schema.headers.iter().all(|wanted| bases.iter().any(|base| base == wanted))
    })
}

impl Schema {
    /// The parameters with what the schema says beside them.
    pub(super) fn applied(&self, header: &Header, params: &Csv) -> Csv {
        let mut params = params.clone();
        let place = |wanted: &str| (0..header.names.len()).find(|at| header.base(*at) == wanted);
        // By its number: the same header may stand twice.
        let named = |at: usize| format!("#{}", at + 1);
        for (base, channel, unit) in self.columns {
            let Some(at) = place(base) else { continue };
            let taken = params.columns.contains_key(*channel)
                || params.columns.values().any(|column| header.column(column.header()) == Some(at));
            if taken {
                continue;
            }
            let unit = header.unit(at).is_none().then_some(*unit).flatten();
            let column = match unit {
                Some(_) => Column::Fields(ColumnFields { header: named(at), unit }),
                None => Column::Header(named(at)),
            };
            params.columns.insert((*channel).to_owned(), column);
        }
        if params.only.is_empty() {
            let only = self.only.iter().filter_map(|(base, value)| Some((named(place(base)?), (*value).to_owned())));
            params.only = only.collect::<BTreeMap<_, _>>();
        }
        if params.time == super::params::TimeFormat::Auto && params.pattern.is_none() {
            params.pattern = self.pattern.map(str::to_owned);
        }
        params
    }
}

/// The laps that AiM tells above its header: `"Beacon Markers","62.1","124.3"`,
/// in seconds from the start, each the end of a lap.
pub(super) fn beacons(above: &[ByteRecord]) -> Vec<Mark> {
    let row = above.iter().find(|row| row.get(0).is_some_and(|cell| squash_cell(cell) == "beaconmarkers"));
    let Some(row) = row else { return Vec::new() };
    let texts = row.iter().skip(1).flat_map(|cell| cell.split(|byte| *byte == b' '));
    let seconds: Vec<f64> = texts
        .filter_map(|text| match number::parse(text, false) {
            Cell::Number(seconds) if (0.0..1e6).contains(&seconds) => Some(seconds),
            _ => None,
        })
        .collect();
    // The last beacon ends the last lap.
    let starts = std::iter::once(0.0).chain(seconds.iter().copied()).take(seconds.len());
    let mark = |start: f64| Mark {
        time: libm::round(start * SECOND as f64) as i64,
        kind: MarkKind::Lap,
        name: "beacon".to_owned(),
        place: None,
    };
    starts.map(mark).collect()
}

fn squash_cell(cell: &[u8]) -> String {
    squash(&String::from_utf8_lossy(cell))
}
