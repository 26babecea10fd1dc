//! Texts, trees and types of expressions.

use super::*;
use crate::base::Unit;

fn channel(name: &str) -> Known {
    match name {
        "power" => Known::In(Unit::Watts),
        "speed" => Known::In(Unit::MetresPerSecond),
        "lateral_g" | "longitudinal_g" => Known::In(Unit::StandardGravity),
        "heart_rate" => Known::In(Unit::BeatsPerMinute),
        "cadence" => Known::In(Unit::RevolutionsPerMinute),
        "gradient" => Known::In(Unit::Percent),
        "altitude" => Known::In(Unit::Metres),
        "heading" => Known::In(Unit::Degrees),
        "lap" => Known::In(Unit::None),
        "anything" => Known::Maybe,
        _ => Known::Missing(Some("did you mean `speed`?".to_owned())),
    }
}

fn unit(text: &str) -> Result<Unit, Fault> {
    typed(&parse(text)?, text, None, &channel).map(|typed| typed.unit)
}

/// The tree with all its brackets.
fn tree(term: &Term) -> String {
    match &term.kind {
        TermKind::Number(value, unit) => format!("{value}{unit}"),
        TermKind::Channel(name) => name.clone(),
        TermKind::Negative(inner) => format!("(-{})", tree(inner)),
        TermKind::Not(inner) => format!("(not {})", tree(inner)),
        TermKind::Binary(operator, a, b) => format!("({} {operator:?} {})", tree(a), tree(b)),
        TermKind::Call(function, all) => {
            format!("{function:?}({})", all.iter().map(tree).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, expected) in [
        ("1 + 2 * 3 - 4", "((1 Add (2 Multiply 3)) Subtract 4)"),
        ("-x ^ 2", "(-(x Power 2))"),
        ("2 ^ -x", "(2 Power (-x))"),
        ("2 ^ 3 ^ 2", "(2 Power (3 Power 2))"),
        ("a/b*c", "((a Divide b) Multiply c)"),
        ("a < b and not c > 2 or d == 1", "(((a Less b) And (not (c Greater 2))) Or (d Equal 1))"),
        ("mean(speed, 10s) % 5", "(Mean(speed, 10s) Remainder 5)"),
        ("10km/h/2", "(10km/h Divide 2)"),
        ("2m/speed", "(2m Divide speed)"),
        ("5% + 10 % 3", "(5% Add (10 Remainder 3))"),
        ("`Accel X` * .5", "(Accel X Multiply 0.5)"),
        ("order + android", "(order Add android)"),
    ] {
        assert_eq!(parse(text).map(|term| tree(&term)), Ok(expected.to_owned()), "{text}");
    }
}

#[track_caller]
fn fault(text: &str) -> (String, String, Option<String>) {
    let fault = unit(text).unwrap_err();
    (text[fault.span].to_owned(), fault.message, fault.hint)
}

#[test]
fn what_cannot_be_read_is_told_at_its_place() {
    for (text, at, message) in [
        ("power / ", "", "expected a value, found the end"),
        ("(power", "(", "this `(` is never closed"),
        ("power)", ")", "expected an operator or the end, found `)`"),
        ("power + * 2", "*", "expected a value, found `*`"),
        ("meen(speed, 1s)", "meen", "there is no function `meen`"),
        ("clamp(speed, 1)", "clamp(speed, 1)", "`clamp` has 3 arguments and not 2"),
        ("speed > 30kmh and and", "and", "expected a value, found `and`"),
        ("72kgs", "kgs", "`kgs` is not a unit"),
        ("1.2.3", "1.2.3", "this is not a number"),
        ("1 < speed < 3", "<", "expected an operator or the end, found `<`"),
        ("", "", "expected a value, found the end"),
    ] {
        let (place, told, _) = fault(text);
        assert_eq!((place.as_str(), told.as_str()), (at, message), "{text}");
    }
    for hostile in ["(".repeat(300), "-".repeat(499), "((((1".repeat(100), "if(".repeat(160), "\u{0}é".repeat(50)] {
        assert!(parse(&hostile).is_err());
    }
}

#[test]
fn units_follow_from_what_is_computed() {
    for (text, expected) in [
        ("power / 72", Unit::Watts),
        ("power / 72kg", Unit::WattsPerKilogram),
        ("speed * 2", Unit::MetresPerSecond),
        ("hypot(lateral_g, longitudinal_g)", Unit::StandardGravity),
        ("integral(power)", Unit::Joules),
        ("rate(altitude)", Unit::MetresPerSecond),
        ("rate(speed, 2s)", Unit::MetresPerSecondSquared),
        ("speed / 1km/h", Unit::None),
        ("if(speed > 10km/h, power, 0)", Unit::Watts),
        ("max(speed, 0) ^ 2", Unit::None),
        ("speed > 3m/s", Unit::None),
        ("altitude * gradient / 1%", Unit::Metres),
        ("sqrt(speed ^ 2)", Unit::MetresPerSecond),
        ("anything + 5W", Unit::Watts),
        ("sin(heading)", Unit::None),
        ("round(heart_rate, 5bpm)", Unit::BeatsPerMinute),
        ("first(anything, cadence)", Unit::RevolutionsPerMinute),
    ] {
        assert_eq!(unit(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_does_not_go_together_is_told() {
    let told = |at: &str, message: &str, hint: &str| (at.to_owned(), message.to_owned(), Some(hint.to_owned()));
    assert_eq!(
        fault("2 * (power + speed)"),
        told(
            "power + speed",
            "`power` is in W and `speed` in m/s: they cannot be added or subtracted",
            "only what is measured in units of one kind goes together"
        )
    );
    assert_eq!(
        fault("if(power > 200, 1, 0)"),
        told(
            "power > 200",
            "`power` is in W and `200` in no unit: they cannot be compared",
            "give the number its unit: `200W`"
        )
    );
    assert_eq!(
        fault("heart_rate - cadence").1,
        "`heart_rate` is in bpm and `cadence` in rpm: they cannot be added or subtracted"
    );
    assert_eq!(fault("sped * 2"), told("sped", "there is no channel `sped`", "did you mean `speed`?"));
    assert_eq!(fault("if(power, 1, 2)").1, "`power` is no condition");
    assert_eq!(fault("(speed > 1m/s) * 2").1, "`(speed > 1m/s)` is a condition");
    assert_eq!(fault("mean(speed, lap)").1, "`lap` is no length of time");
    assert_eq!(fault("sqrt(power)").1, "nothing is measured in the square root of W");
    assert_eq!(fault("round(speed)").2.unwrap(), "name the step: `round(speed, 1m/s)`");
    assert_eq!(fault("speed ^ 1.5").0, "speed ^ 1.5");
}

#[test]
fn a_wanted_unit_converts_or_names_or_is_wrong() {
    let wanted = |text: &str, unit| typed(&parse(text).unwrap(), text, Some(unit), &channel);
    let converted = |unit| Ok(Typed { unit, converts: true });
    assert_eq!(wanted("speed * 2", Unit::KilometresPerHour), converted(Unit::KilometresPerHour));
    assert_eq!(wanted("rate(speed)", Unit::StandardGravity), converted(Unit::StandardGravity));
    let named = Ok(Typed { unit: Unit::Percent, converts: false });
    assert_eq!(wanted("100 * lap / 5", Unit::Percent), named);
    let wrong = wanted("power / 72", Unit::WattsPerKilogram).unwrap_err();
    assert_eq!(wrong.message, "the result is in W and cannot be in W/kg");
}
