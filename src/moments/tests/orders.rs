//! Pins and bans are obeyed, and what cannot be obeyed is an error.

use super::{Case, bump, ms};
use crate::model::moment::Verdict;

fn case() -> Case {
    let case = Case::new().recording("front/A", None, 120_000).weigh("motion", 1_000);
    case.signal("motion", |t| bump(t, 21.5, 4.0) + 0.8 * bump(t, 61.5, 4.0) + 0.9 * bump(t, 101.5, 4.0))
}

#[test]
fn a_pin_is_in_and_takes_its_time_from_the_total() {
    let case = case().pin("front/A", 80_123, 3_000);
    assert_eq!(case.chosen(), ["front/A@20.0s", "front/A@80.123s", "front/A@100.0s"]);
    assert_eq!(case.candidate("front/A@80.123s").verdict, Verdict::Pinned);
    assert!(case.choose().unwrap().0.moments[1].pinned);
}

/// Names of moments are in whole milliseconds, and so are moments.
#[test]
fn pinning_what_is_chosen_changes_no_moment() {
    let case = Case::new().recording("front/A", None, 20_000).weigh("motion", 1).signal("motion", |t| t);
    let case = case.with(|spec| spec.recordings[0].duration = crate::base::Timestamp::new(600_599, 30_000));
    let chosen = case.choose().unwrap().0.moments;
    assert_eq!(chosen.last().unwrap().node(), "front/A@17.019s");
    let pinned = chosen
        .iter()
        .fold(case, |case, moment| case.pin("front/A", moment.start.to_millis(), moment.length.to_millis()));
    let same = |moment: &crate::model::Moment| (moment.start, moment.length);
    let again = pinned.choose().unwrap().0.moments;
    assert!(chosen.iter().map(same).eq(again.iter().map(same)), "{chosen:?} {again:?}");
}

#[test]
fn pins_longer_than_the_total_are_all_in() {
    let case = case().pin("front/A", 40_000, 7_000).pin("front/A", 5_000, 7_000);
    assert_eq!(case.chosen(), ["front/A@5.0s", "front/A@40.0s"]);
    assert!(case.report().notes[0].contains("longer than the total"));
}

#[test]
fn chosen_moments_keep_the_gap_to_pins() {
    let case = case().pin("front/A", 25_000, 3_000).with(|spec| spec.gap = ms(10_000));
    let moments = case.choose().unwrap().0.moments;
    assert_eq!(moments[0].node(), "front/A@25.0s");
    assert!(moments[1..].iter().all(|moment| moment.start >= ms(38_000)));
}

#[test]
fn pins_need_no_gap_among_themselves() {
    let case = case().pin("front/A", 25_000, 3_000).pin("front/A", 28_000, 3_000).with(|spec| spec.gap = ms(10_000));
    assert_eq!(case.chosen()[..2], ["front/A@25.0s", "front/A@28.0s"]);
}

#[test]
fn a_pin_twice_is_shown_once() {
    let case = case().pin("front/A", 25_000, 3_000).pin("front/A", 25_000, 3_000);
    assert_eq!(case.chosen().iter().filter(|node| *node == "front/A@25.0s").count(), 1);
}

#[test]
fn a_banned_stretch_is_never_shown() {
    let case = case().ban("front/A", 21_000, 21_001);
    for moment in case.choose().unwrap().0.moments {
        assert!(moment.range().end <= ms(21_000) || moment.start >= ms(21_001), "{moment:?}");
    }
}

#[test]
fn a_ban_ends_where_it_says() {
    let case = case().ban("front/A", 0, 20_000).ban("front/A", 23_000, 120_000);
    assert_eq!(case.chosen(), ["front/A@20.0s"]);
}

#[test]
fn a_pin_in_a_ban_is_an_error() {
    let error = case().pin("front/A", 20_000, 3_000).ban("front/A", 22_000, 30_000).choose().unwrap_err();
    assert!(error.message.contains("front/A@20.0s"), "{error}");
    assert!(case().pin("front/A", 20_000, 3_000).ban("front/A", 23_000, 30_000).choose().is_ok());
}

#[test]
fn a_pin_beyond_the_end_is_an_error() {
    let error = case().pin("front/A", 120_000, 3_000).choose().unwrap_err();
    assert!(error.message.contains("beyond the end"), "{error}");
    assert!(error.notes[0].contains("02:00.000"), "{:?}", error.notes);
    assert!(case().pin("front/A", -1, 3_000).choose().is_err());
    assert!(case().pin("front/A", 20_000, 0).choose().is_err());
}

#[test]
fn a_pin_over_the_end_is_cut_there() {
    let case = case().pin("front/A", 119_000, 3_000);
    let moment = case.choose().unwrap().0.moments.pop().unwrap();
    assert_eq!((moment.start, moment.length), (ms(119_000), ms(1_000)));
    assert!(case.report().notes[0].contains("its recording ends there"));
}

#[test]
fn all_orders_that_are_wrong_are_named_at_once() {
    let case = case().pin("frnt/A", 20_000, 3_000).pin("front/A", 130_000, 3_000).ban("rear/Z", 0, 1_000);
    let error = case.ban("front/A", 9_000, 9_000).choose().unwrap_err();
    let told = format!("{error} {:?}", error.notes);
    for name in ["rear/Z", "bans nothing", "`front/A`", "front/A@130.0s"] {
        assert!(told.contains(name), "{name} is not in {told}");
    }
}

#[test]
fn a_name_that_nobody_knows_is_an_error_with_the_nearest() {
    let error = case().weigh("motoin", 1).choose().unwrap_err();
    assert!(error.message.contains("`motoin`"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("did you mean `motion`?"));
    assert!(error.notes[0].contains("motion"));
    let error = case().channel("speed", 1_000, vec![1.0]).weigh("|sped|", 1).choose().unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean `speed`?"));
}

/// A manifest without weights asks for the gradient of a log without heights.
#[test]
fn a_channel_that_this_log_lacks_weighs_nothing() {
    let case = case().channel("speed", 1_000, vec![1.0]).weigh("|gradient|", 1_000);
    assert_eq!(case.chosen(), ["front/A@20.0s", "front/A@60.0s", "front/A@100.0s"]);
    assert!(case.report().notes[0].contains("has no `gradient`"), "{:?}", case.report().notes);
}

#[test]
fn without_weights_only_pins_are_shown() {
    let case = case().with(|spec| spec.weights.clear()).pin("front/A", 80_000, 3_000);
    assert_eq!(case.chosen(), ["front/A@80.0s"]);
    assert!(case.report().notes[0].contains("only pins"));
}

#[test]
fn without_weights_and_pins_moments_are_spread_evenly() {
    let case = case().with(|spec| spec.weights.clear());
    let moments = case.choose().unwrap().0.moments;
    let starts: Vec<i64> = moments.iter().map(|moment| moment.start.to_millis()).collect();
    // The middles of the thirds of 0 to 117 s, to the half second.
    for (start, middle) in starts.iter().zip([19_500, 58_500, 97_500]) {
        assert!((start - middle).abs() <= 500, "{starts:?}");
    }
    assert_eq!(starts.len(), 3);
    assert!(case.report().notes[0].contains("spread evenly"));
    let case = case.ban("front/A", 0, 60_000).with(|spec| spec.gap = ms(10_000));
    assert!(case.choose().unwrap().0.moments.iter().all(|moment| moment.start >= ms(60_000)));
    assert_eq!(case.chosen().len(), 3);
}

#[test]
fn a_weight_of_a_constant_decides_nothing() {
    let case = Case::new().recording("front/A", None, 60_000).weigh("motion", 1).signal("motion", |_| 0.25);
    let (chosen, report) = case.choose().unwrap();
    assert_eq!(chosen.moments.len(), 3);
    assert!(report.notes[0].contains("the same all over"), "{:?}", report.notes);
}
