//! What is added in which order, and what is wrong with it.

use super::*;
use crate::manifest::manifest::{Additions, At, OwnChannel, TextPlace, Zones};
use crate::telemetry::complete::plan::{Asked, needed, steps};

fn place(column: u32) -> At {
    At(crate::base::Place { file: "autocut.ron".into(), line: 3, column, width: 1, source: "the line".to_owned() })
}

fn additions(channels: &[(&str, &str)], zones: &[&str]) -> Additions {
    let own = |(name, text): &(&str, &str)| OwnChannel {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
        unit: None,
        text_place: TextPlace { whole: place(1), lines: vec![place(10)] },
        place: place(5),
    };
    let zones = zones.iter().map(|channel| Zones {
        channel: (*channel).to_owned(),
        unit: None,
        bounds: vec![100_000],
        place: place(7),
    });
    Additions {
        channels: channels.iter().map(own).collect(),
        zones: zones.collect(),
        laps: None,
        laps_place: place(1),
        privacy: Vec::new(),
    }
}

fn summary() -> TelemetrySummary {
    let names = [("speed", Unit::MetresPerSecond), ("power", Unit::Watts), ("altitude", Unit::Metres)];
    let log = log(names.map(|(name, unit)| channel(name, unit, vec![1.0, 2.0])).to_vec());
    crate::telemetry::summary::summarise(&log, &[])
}

/// The steps by what they make.
fn order(additions: &Additions, asked: &[&str]) -> Vec<String> {
    let asked: Vec<Asked<'_>> = asked.iter().map(|name| Asked { name, place: None }).collect();
    let name = |step: CompleteStep| match step {
        CompleteStep::VerticalSpeed => "vertical_speed".to_owned(),
        CompleteStep::LapTime => "lap_time".to_owned(),
        CompleteStep::Zones { channel, unit, .. } => format!("{channel} in zones of {unit}"),
        CompleteStep::Expression { name, unit, .. } => format!("{name} in {unit}"),
        CompleteStep::Score { name } => name,
    };
    steps(additions, &summary(), &asked).unwrap().into_iter().map(name).collect()
}

/// What is wrong: columns and messages.
fn wrong(additions: &Additions, asked: &[&str]) -> Vec<(u32, String)> {
    let at = place(99);
    let asked: Vec<Asked<'_>> = asked.iter().map(|name| Asked { name, place: Some(&at) }).collect();
    let told = steps(additions, &summary(), &asked).unwrap_err();
    told.into_iter().map(|one| (one.place.map_or(0, |place| place.column), one.message)).collect()
}

#[test]
fn each_comes_after_what_it_rests_on_whatever_its_name() {
    let found = additions(&[("a", "b * b_zone"), ("b", "c + vertical_speed"), ("c", "speed * 2")], &["b", "speed"]);
    assert_eq!(
        order(&found, &["summit", "speed", "motion", "new_maximum(a)"]),
        [
            "c in m/s",
            "vertical_speed",
            "b in m/s",
            "b in zones of km/h",
            "a in m/s",
            "speed in zones of km/h",
            "summit",
            "new_maximum(a)"
        ]
    );
    // Nothing is computed that nobody asks for.
    assert_eq!(order(&additions(&[], &[]), &["speed", "vertical_sped", "detect:car"]), Vec::<String>::new());
    assert_eq!(order(&additions(&[], &[]), &["vertical_speed"]), ["vertical_speed"]);
}

#[test]
fn what_is_wrong_is_told_once_at_its_place() {
    let told = |column: u32, message: &str| (column, message.to_owned());
    // The second rests on the first and is not wrong as well.
    let found = additions(&[("a", "1 + sped"), ("b", "a * 2")], &[]);
    assert_eq!(wrong(&found, &["new_maximum(b)"]), [told(14, "there is no channel `sped`")]);
    let found = additions(&[("a", "b"), ("b", "2 * c"), ("c", "a")], &[]);
    assert_eq!(wrong(&found, &[]), [told(10, "`a` rests on itself: a <- b <- c <- a")]);
    assert_eq!(wrong(&additions(&[("a", "a + 1")], &[]), &[]), [told(10, "`a` rests on itself: a <- a")]);
    let found = additions(&[("power", "speed")], &["hart_rate"]);
    assert_eq!(
        wrong(&found, &["new_maximum(sped)", "lap_start"]),
        [
            told(5, "the log has a channel `power` already"),
            told(7, "there is no channel `hart_rate` for these zones"),
            told(99, "there is no channel `sped` to look at"),
            told(99, "the log marks no laps"),
        ]
    );
}

#[test]
fn moments_depend_on_what_their_weights_rest_on() {
    let found = additions(&[("a", "b * 2"), ("b", "speed_zone"), ("c", "latitude")], &["speed", "power"]);
    let names = |part: &Additions| {
        let channels = part.channels.iter().map(|channel| channel.name.clone());
        channels.chain(part.zones.iter().map(|zones| zones.channel.clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&needed(&found, &["new_maximum(a)", "motion"])), ["a", "b", "speed"]);
    assert_eq!(names(&needed(&found, &["speed"])), Vec::<String>::new());
    let hidden = Additions { privacy: vec![PrivatePlace { latitude: 1, longitude: 1, radius: 1 }], ..found };
    assert_eq!((needed(&hidden, &["a"]).privacy.len(), needed(&hidden, &["c"]).privacy.len()), (0, 1));
}
