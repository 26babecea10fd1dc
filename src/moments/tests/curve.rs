//! Curves: values over a recording, their gaps and their means.

use crate::base::Unit;
use crate::model::signal::Signal;
use crate::model::telemetry::{Channel, Telemetry};
use crate::moments::curve::{Curve, ONE};

const SECOND: i64 = 1_000_000;

fn of_values(seconds: &[f64], values: &[f64], breaks: &[u32], start: f64, duration: i64) -> Curve {
    let times = seconds.iter().map(|second| (second * 1e9) as i64).collect();
    let channel = Channel { name: "speed".to_owned(), unit: Unit::None, values: values.to_vec() };
    let telemetry = Telemetry { times, breaks: breaks.to_vec(), ..Telemetry::default() };
    Curve::of_channel(&telemetry, &channel, ((start * 1e9) as i64, 0), duration * SECOND)
}

fn points(curve: &Curve) -> Vec<(i64, i64)> {
    curve.points().iter().map(|point| (point.at, point.value)).collect()
}

#[test]
fn a_channel_is_cut_at_the_ends_of_the_recording() {
    let curve = of_values(&[0.0, 10.0, 20.0], &[0.0, 10.0, 0.0], &[], 5.0, 10);
    assert_eq!(points(&curve), [(0, 50_000), (5 * SECOND, 100_000), (10 * SECOND, 50_000)]);
    assert_eq!(curve.known(), 10 * SECOND);
    let shares = curve.shares(0, 100_000);
    assert_eq!(shares.mean(0..10 * SECOND), Some(750_000));
    assert_eq!(shares.mean(0..5 * SECOND), Some(750_000));
    assert_eq!(shares.mean(4 * SECOND..6 * SECOND), Some(950_000));
}

#[test]
fn a_recording_between_two_samples_has_the_line_between_them() {
    let curve = of_values(&[0.0, 100.0], &[0.0, 100.0], &[], 40.0, 20);
    assert_eq!(points(&curve), [(0, 400_000), (20 * SECOND, 600_000)]);
}

#[test]
fn nothing_is_known_across_a_break() {
    let curve = of_values(&[0.0, 2.0, 8.0, 10.0], &[1.0; 4], &[2], 0.0, 10);
    assert_eq!(curve.known(), 4 * SECOND);
    let shares = curve.shares(0, 10_000);
    assert_eq!(shares.mean(0..4 * SECOND), Some(ONE));
    assert_eq!(shares.mean(SECOND..5 * SECOND), None);
    assert_eq!(shares.mean(3 * SECOND..7 * SECOND), None);
    let starts_in_the_break = of_values(&[0.0, 2.0, 8.0, 10.0], &[1.0; 4], &[2], 5.0, 5);
    assert_eq!(points(&starts_in_the_break), [(3 * SECOND, 10_000), (5 * SECOND, 10_000)]);
}

#[test]
fn a_sample_without_a_value_is_passed_over() {
    let curve = of_values(&[0.0, 1.0, 2.0], &[0.0, f64::NAN, 4.0], &[], 0.0, 2);
    assert_eq!(points(&curve), [(0, 0), (2 * SECOND, 40_000)]);
}

#[test]
fn a_break_at_a_sample_without_a_value_is_still_a_break() {
    let curve = of_values(&[0.0, 1.0, 2.0, 3.0], &[1.0, f64::NAN, 4.0, 4.0], &[1], 0.0, 3);
    assert_eq!(curve.known(), SECOND);
}

#[test]
fn a_recording_off_the_log_has_no_curve() {
    assert_eq!(of_values(&[0.0, 1.0], &[1.0, 2.0], &[], 100.0, 10), Curve::default());
    assert_eq!(of_values(&[0.0, 1.0], &[1.0, 2.0], &[], -100.0, 10), Curve::default());
    assert_eq!(of_values(&[], &[], &[], 0.0, 10), Curve::default());
}

#[test]
fn signals_of_chapters_follow_each_other() {
    let mut signal = Signal::default();
    for second in 0..10 {
        signal.push(second * SECOND, 0.5);
    }
    let mut curve = Curve::default();
    curve.add_signals([&signal], 0..10 * SECOND);
    curve.add_signals([&signal], 10 * SECOND..20 * SECOND);
    assert_eq!(curve.known(), 20 * SECOND);
    assert_eq!(curve.shares(0, 10_000).mean(0..20 * SECOND), Some(500_000));
}

#[test]
fn frames_that_could_not_be_decoded_leave_a_gap_in_a_signal() {
    let mut signal = Signal::default();
    for second in (0..10).chain(30..40) {
        signal.push(second * SECOND, 0.5);
    }
    let mut curve = Curve::default();
    curve.add_signals([&signal], 0..40 * SECOND);
    assert_eq!(curve.known(), 20 * SECOND);
    assert_eq!(curve.shares(0, 10_000).mean(15 * SECOND..25 * SECOND), None);
}

#[test]
fn hostile_numbers_do_not_overflow() {
    let mut signal =
        Signal { times: vec![i64::MIN, i64::MIN, 5, 3, i64::MAX], values: vec![1, 2, i32::MAX, i32::MIN, 0] };
    let mut curve = Curve::default();
    curve.add_signals([&signal], 0..10 * SECOND);
    signal.values.clear();
    curve.add_signals([&signal], 5..5);
    assert!(curve.known() > 0);
    let wild = of_values(&[-9e9, 0.0, 9e9], &[f64::MAX, -1e300, f64::MAX], &[9, 0], 0.0, 10);
    assert!(wild.shares(i64::from(i32::MIN), 1 << 50).mean(0..SECOND).is_some());
}

/// A log's clock that goes faster by 1,000 parts per million has counted 1,001 s
/// when the film has 1,000.
#[test]
fn a_channel_is_where_the_film_has_it_whose_clock_drifts() {
    let channel = Channel { name: "speed".to_owned(), unit: Unit::None, values: vec![0.0, 100.0] };
    let times = vec![0, 1_001_000_000_000];
    let telemetry = Telemetry { times, ..Telemetry::default() };
    let curve = Curve::of_channel(&telemetry, &channel, (0, 1_000_000), 1_000 * SECOND);
    assert_eq!(points(&curve), [(0, 0), (1_000 * SECOND, 1_000_000)]);
}
