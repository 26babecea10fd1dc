//! Choosing as a whole: scores, order, total, gap and the report.

use super::{Case, bump, ms};
use crate::model::moment::Verdict;

#[test]
fn the_best_moments_in_the_order_of_time() {
    let case = Case::new().recording("front/A", None, 120_000).weigh("motion", 1_000);
    let case = case.signal("motion", |t| bump(t, 21.5, 4.0) + 0.8 * bump(t, 61.5, 4.0) + 0.9 * bump(t, 101.5, 4.0));
    assert_eq!(case.chosen(), ["front/A@20.0s", "front/A@60.0s", "front/A@100.0s"]);
    assert_eq!(case.clone_with(|spec| spec.total = ms(7_000)).chosen(), ["front/A@20.0s", "front/A@100.0s"]);
}

#[test]
fn the_pre_roll_lies_before_what_is_scored() {
    let case = Case::new().recording("front/A", None, 60_000).weigh("motion", 1_000);
    let case = case.signal("motion", |t| if (30.0..32.5).contains(&t) { 1.0 } else { 0.0 });
    let case = case.with(|spec| (spec.pre_roll, spec.total) = (ms(1_000), ms(3_000)));
    // Scored is 2 s of the 2.5 s from 30 s on; the ramps on either side decide.
    assert_eq!(case.chosen(), ["front/A@29.0s"]);
}

#[test]
fn moments_are_shifted_inside_and_never_shortened() {
    let case = Case::new().recording("front/A", None, 20_250).weigh("motion", 1_000);
    let case = case.signal("motion", |t| t).with(|spec| (spec.total, spec.pre_roll) = (ms(3_000), ms(500)));
    let moments = case.choose().unwrap().0.moments;
    assert_eq!((moments[0].start, moments[0].length), (ms(17_250), ms(3_000)));
    let case = case.with(|spec| spec.weights[0].1 = -1_000);
    assert_eq!(case.chosen(), ["front/A@0.0s"]);
}

#[test]
fn a_recording_shorter_than_a_moment_is_one_moment() {
    let case = Case::new().recording("front/A", None, 2_002).weigh("motion", 1_000).signal("motion", |t| t);
    let (chosen, report) = case.choose().unwrap();
    assert_eq!((chosen.moments[0].start, chosen.moments[0].length), (ms(0), ms(2_002)));
    assert_eq!((chosen.moments.len(), report.considered), (1, 1));
}

/// velo-films capped each zone of a ride and left 8 clips of 85.
#[test]
fn a_short_ride_is_filled_up_to_the_total() {
    let case = Case::new().recording("front/A", None, 31_000).weigh("motion", 1_000);
    let case = case.signal("motion", |t| t).with(|spec| spec.total = ms(30_000));
    let (chosen, report) = case.choose().unwrap();
    assert_eq!(chosen.moments.len(), 10);
    assert_eq!(report.notes, [""; 0]);
    let (chosen, report) = case.with(|spec| spec.total = ms(300_000)).choose().unwrap();
    assert_eq!(chosen.moments.len(), 10);
    assert!(report.notes[0].contains("stays free"), "{:?}", report.notes);
}

#[test]
fn a_total_that_is_no_multiple_of_the_length_is_never_passed() {
    let case = Case::new().recording("front/A", None, 90_000).weigh("motion", 1_000).signal("motion", |t| t);
    assert_eq!(case.with(|spec| spec.total = ms(10_999)).chosen().len(), 3);
}

#[test]
fn the_gap_lies_between_moments() {
    let case = Case::new().recording("front/A", None, 60_000).weigh("motion", 1_000);
    let case = case.signal("motion", |t| bump(t, 30.0, 20.0)).with(|spec| spec.gap = ms(5_000));
    let moments = case.choose().unwrap().0.moments;
    assert_eq!(moments.len(), 3);
    for pair in moments.windows(2) {
        assert!(pair[1].start - pair[0].range().end >= ms(5_000));
    }
}

/// Without a gap moments may touch, but never show the same frame twice.
#[test]
fn moments_may_touch_without_a_gap() {
    let case = Case::new().recording("front/A", None, 60_000).weigh("motion", 1_000);
    let case = case.signal("motion", |t| bump(t, 31.5, 20.0));
    assert_eq!(case.chosen(), ["front/A@27.0s", "front/A@30.0s", "front/A@33.0s"]);
}

#[test]
fn two_cameras_at_one_time_are_one_moment() {
    let case = Case::new().recording("front/A", Some(0), 60_000).signal("motion", |t| bump(t, 31.5, 9.0));
    let case = case.recording("rear/B", Some(10_000), 60_000).signal("motion", |t| 0.9 * bump(t, 21.5, 9.0));
    let case = case.weigh("motion", 1_000).with(|spec| (spec.gap, spec.total) = (ms(20_000), ms(3_000)));
    assert_eq!(case.chosen(), ["front/A@30.0s"]);
    let miss = case.report().candidates.into_iter().find(|one| one.moment.recording == "rear/B").unwrap();
    assert_eq!(miss.verdict, Verdict::TooNear("front/A@30.0s".to_owned()));
    // Without a clock nobody knows that they are.
    let case = case.with(|spec| spec.recordings[1].utc = None).with(|spec| spec.total = ms(6_000));
    assert_eq!(case.chosen(), ["front/A@30.0s", "rear/B@20.0s"]);
}

#[test]
fn order_is_by_clock_and_then_as_given() {
    let case = Case::new().recording("z/no-clock", None, 3_000).signal("motion", |t| t);
    let case = case.recording("b/late", Some(60_000), 3_000).signal("motion", |t| t);
    let case = case.recording("c/early", Some(0), 3_000).signal("motion", |t| t);
    let case = case.recording("a/no-clock", None, 3_000).signal("motion", |t| t);
    let case = case.weigh("motion", 1_000).with(|spec| spec.total = ms(60_000));
    assert_eq!(case.chosen(), ["c/early@0.0s", "b/late@0.0s", "z/no-clock@0.0s", "a/no-clock@0.0s"]);
}

#[test]
fn ties_go_to_the_earlier_and_then_to_the_first_name() {
    let case = Case::new().recording("rear/B", Some(0), 29_000).signal("motion", |t| t % 2.0);
    let case = case.recording("front/A", Some(0), 29_000).signal("motion", |t| t % 2.0).weigh("motion", 1_000);
    assert_eq!(case.with(|spec| (spec.total, spec.step) = (ms(3_000), ms(2_000))).chosen(), ["front/A@0.0s"]);
}

#[test]
fn a_negative_weight_prefers_low_values() {
    let case = Case::new().recording("front/A", None, 60_000).weigh("shake", -500).weigh("motion", 500);
    let case =
        case.signal("motion", |t| bump(t, 11.5, 5.0) + bump(t, 41.5, 5.0)).signal("shake", |t| bump(t, 11.5, 8.0));
    assert_eq!(case.with(|spec| spec.total = ms(3_000)).chosen(), ["front/A@40.0s"]);
}

#[test]
fn bars_weigh_the_absolute_value() {
    let gradient = (0..=60).map(|second| if (40..44).contains(&second) { -9.0 } else { f64::from(second) / 20.0 });
    let case = Case::new().recording("front/A", Some(0), 60_000).channel("gradient", 1_000, gradient.collect());
    let case = case.with(|spec| spec.total = ms(3_000));
    assert_eq!(case.clone_with(|spec| spec.weights = vec![("|gradient|".to_owned(), 1)]).chosen(), ["front/A@40.0s"]);
    assert_eq!(case.with(|spec| spec.weights = vec![("gradient".to_owned(), 1)]).chosen(), ["front/A@57.0s"]);
}

#[test]
fn parts_add_up_to_the_score() {
    let case = Case::new().recording("front/A", None, 60_000).weigh("motion", 300).weigh("sharpness", 700);
    let case = case.signal("motion", |t| bump(t, 20.0, 15.0)).signal("sharpness", |t| bump(t, 30.0, 15.0));
    for candidate in case.report().candidates {
        let sum: i64 = candidate.parts.iter().flatten().sum();
        assert!((candidate.score - sum).abs() <= 2, "{candidate:?}");
    }
}

/// Not to know the heart rate is not to have none.
#[test]
fn a_missing_value_is_left_out_and_not_counted_as_none() {
    let heart = (0..=120).map(|second| if second < 60 { 140.0 + f64::from(second % 7) } else { f64::NAN });
    let case = Case::new().recording("front/A", Some(0), 120_000).channel("heart_rate", 1_000, heart.collect());
    let case = case.signal("motion", |t| 0.5 * bump(t, 21.5, 6.0) + bump(t, 91.5, 6.0));
    let case = case.weigh("motion", 500).weigh("heart_rate", 500).with(|spec| spec.total = ms(3_000));
    assert_eq!(case.chosen(), ["front/A@90.0s"]);
    let chosen = case.candidate("front/A@90.0s");
    assert_eq!(chosen.parts[1], None);
    assert!(chosen.score > 900_000, "{chosen:?}");
    assert!(case.report().inputs[1].coverage < 510);
}

#[test]
fn an_input_without_any_value_gives_a_note_and_weighs_nothing() {
    let case = Case::new().recording("front/A", Some(9_000_000), 60_000).signal("motion", |t| bump(t, 31.5, 9.0));
    let case = case.channel("speed", 1_000, vec![1.0; 9]).weigh("speed", 900).weigh("motion", 100);
    let (chosen, report) = case.with(|spec| spec.total = ms(3_000)).choose().unwrap();
    assert_eq!(chosen.moments[0].node(), "front/A@30.0s");
    assert!(report.notes[0].contains("`speed`") && report.notes[0].contains("do not overlap"), "{:?}", report.notes);
    assert_eq!(report.inputs[0].coverage, 0);
}

#[test]
fn footage_of_which_nothing_is_known_is_not_chosen() {
    let case =
        Case::new().recording("front/A", Some(0), 30_000).channel("speed", 1_000, (0..30).map(f64::from).collect());
    let case = case.recording("front/B", None, 30_000).weigh("speed", 1).with(|spec| spec.total = ms(60_000));
    let (chosen, report) = case.choose().unwrap();
    assert!(chosen.moments.iter().all(|moment| moment.recording == "front/A"));
    assert!(report.notes.iter().any(|note| note.contains("can only be pinned")), "{:?}", report.notes);
}

/// A detector that fires for 1 % of the footage has equal percentiles.
#[test]
fn a_rare_event_still_counts() {
    let case = Case::new().recording("front/A", None, 600_000).weigh("detect:bicycle", 1_000);
    let case = case.signal("detect:bicycle", |t| if (300.0..303.0).contains(&t) { 0.7 } else { 0.0 });
    let case = case.with(|spec| spec.total = ms(3_000));
    // The lines from and to the samples around it make 299.5 s as good as 300 s.
    assert_eq!(case.chosen(), ["front/A@299.5s"]);
    let input = &case.report().inputs[0];
    assert_eq!((input.low, input.high), (0, 7_000));
}

#[test]
fn near_misses_say_why() {
    let case = Case::new().recording("front/A", None, 300_000).weigh("motion", 1_000);
    let peaks = [(50.0, 1.0), (57.0, 0.9), (120.0, 0.8), (180.0, 0.7), (240.0, 0.95)];
    let case = case.signal("motion", move |t| peaks.iter().map(|(at, high)| high * bump(t, at + 1.5, 4.0)).sum());
    let case = case.ban("front/A", 241_000, 242_000);
    let case = case.with(|spec| (spec.gap, spec.total) = (ms(10_000), ms(6_000)));
    assert_eq!(case.chosen(), ["front/A@50.0s", "front/A@120.0s"]);
    let verdict = |node: &str| case.candidate(node).verdict;
    assert_eq!(verdict("front/A@50.0s"), Verdict::Chosen);
    assert_eq!(verdict("front/A@57.0s"), Verdict::TooNear("front/A@50.0s".to_owned()));
    assert_eq!(verdict("front/A@180.0s"), Verdict::NoRoom);
    assert_eq!(verdict("front/A@240.0s"), Verdict::Banned);
}

#[test]
fn an_empty_project_chooses_nothing() {
    let (chosen, report) = Case::new().weigh("speed", 1).choose().unwrap();
    assert!(chosen.moments.is_empty() && report.candidates.is_empty());
    let (chosen, _) = Case::new().recording("front/A", None, 0).choose().unwrap();
    assert!(chosen.moments.is_empty());
}

#[test]
fn one_camera_at_two_places_by_its_clock_is_worth_a_note() {
    let case = Case::new().recording("front/A", Some(0), 60_000).recording("front/B", Some(30_000), 60_000);
    assert!(case.report().notes[0].contains("is its clock right?"));
    let case = Case::new().recording("front/A", Some(0), 60_000).recording("rear/B", Some(30_000), 60_000);
    assert!(!case.report().notes[0].contains("clock"));
}

#[test]
fn lengths_that_no_moment_can_have_are_errors() {
    let case = || Case::new().recording("front/A", None, 60_000);
    assert!(case().with(|spec| spec.length = ms(0)).choose().is_err());
    assert!(case().with(|spec| spec.pre_roll = ms(3_000)).choose().is_err());
    assert!(case().with(|spec| spec.pre_roll = ms(-1)).choose().is_err());
    assert!(case().with(|spec| spec.step = ms(0)).choose().is_err());
    let error = case().with(|spec| spec.step = ms(1)).recording("front/B", None, 1 << 40).choose().unwrap_err();
    assert!(error.hint.unwrap().contains("step"));
}
