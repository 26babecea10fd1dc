//! Values are read from RON text; exact results are worked out by hand from
//! the definition of each notation.

use std::path::Path;

use super::*;
use crate::base::{FrameRate, Size, Timestamp, Unit, UtcTime};
use crate::manifest::parser::parse;
use crate::model::Fit;

fn read<T: FromNode>(text: &str) -> Result<T, Diagnostic> {
    let node = parse(text).unwrap();
    let mut checker = Checker::new(Path::new("m.ron"), text);
    let value = T::from_node(&node, &mut checker);
    match (value, checker.finish().0.pop()) {
        (Some(value), None) => Ok(value),
        (None, Some(wrong)) => Err(wrong),
        (value, wrong) => panic!("{text}: {} and {wrong:?}", value.is_some()),
    }
}

#[track_caller]
fn wrong<T: FromNode>(text: &str, message: &str, hint: Option<&str>) {
    match read::<T>(text) {
        Ok(value) => panic!("{text} was read as {}", value.to_text()),
        Err(found) => assert_eq!((found.message.as_str(), found.hint.as_deref()), (message, hint), "{text}"),
    }
}

fn millis(text: &str) -> i64 {
    let time = read::<Timestamp>(text).unwrap();
    assert_eq!(Timestamp::from_millis(time.to_millis()), time, "{text}");
    time.to_millis()
}

#[test]
fn times_with_units() {
    let cases = [
        ("\"3.5s\"", 3_500),
        ("\"500ms\"", 500),
        ("\"5min\"", 300_000),
        ("\"5 min\"", 300_000),
        ("\"1h30min\"", 5_400_000),
        ("\"1h 30m 5s\"", 5_405_000),
        ("\"1.5h\"", 5_400_000),
        ("\"2 days\"", 172_800_000),
        ("\"-7h01m39s\"", -25_299_000),
        ("\"+2s\"", 2_000),
        ("\" 0.25 seconds \"", 250),
        ("\"\u{2212}1s\"", -1_000),
        ("0", 0),
    ];
    for (text, expected) in cases {
        assert_eq!(millis(text), expected, "{text}");
    }
}

#[test]
fn times_with_colons() {
    let cases = [
        ("\"00:03:12.5\"", 192_500),
        ("\"+07:01:39\"", 25_299_000),
        ("\"-00:00:00.250\"", -250),
        ("\"3:12\"", 192_000),
        ("\"90:00\"", 5_400_000),
        ("\"100:00:00\"", 360_000_000),
    ];
    for (text, expected) in cases {
        assert_eq!(millis(text), expected, "{text}");
    }
}

#[test]
fn times_are_exact_to_the_nanosecond() {
    assert_eq!(read::<Timestamp>("\"0.000000001s\"").unwrap(), Timestamp::from_nanos(1));
    assert_eq!(read::<Timestamp>("\"100us\"").unwrap(), Timestamp::from_nanos(100_000));
    assert_eq!(read::<Timestamp>("\"00:00:00.123456789\"").unwrap(), Timestamp::from_nanos(123_456_789));
}

#[test]
fn a_time_needs_a_unit() {
    wrong::<Timestamp>(
        "3.5",
        "expected a time, found the number 3.5 without a unit",
        Some("write \"3.5s\" for seconds"),
    );
    wrong::<Timestamp>("5", "expected a time, found the number 5 without a unit", Some("write \"5s\" for seconds"));
    wrong::<Timestamp>("\"3.5\"", "\"3.5\" is not a time: `3.5` has no unit", Some("write \"3.5s\" for seconds"));
}

#[test]
fn what_is_no_time() {
    let form = Some("write it like \"3.5s\", \"500ms\", \"5min\", \"1h30min\" or \"00:03:12.5\"");
    let cases = [
        ("\"3 parsecs\"", "\"3 parsecs\" is not a time: there is no unit `parsecs`"),
        ("\"5s 1min\"", "\"5s 1min\" is not a time: `min` stands after a unit that is not larger"),
        ("\"1s1s\"", "\"1s1s\" is not a time: `s` stands after a unit that is not larger"),
        ("\"00:61:00\"", "\"00:61:00\" is not a time: `61` is more than 59"),
        ("\"1:2:3\"", "\"1:2:3\" is not a time: minutes are two digits"),
        ("\"1:02:3\"", "\"1:02:3\" is not a time: seconds are two digits"),
        ("\"1:00:00:00\"", "\"1:00:00:00\" is not a time: it has more than hours, minutes and seconds"),
        ("\"1:-2\"", "\"1:-2\" is not a time: `-2` is not a number"),
        ("\"\"", "\"\" is not a time: it is empty"),
        ("\"s\"", "\"s\" is not a time: a number is missing before \"s\""),
        ("\"1.2.3s\"", "\"1.2.3s\" is not a time: `1.2.3` is not a number"),
        ("\"0.0000000001s\"", "\"0.0000000001s\" is not a time: `0.0000000001` is not a number"),
        ("\"0.5ns\"", "\"0.5ns\" is not a time: it is finer than a nanosecond"),
    ];
    for (text, message) in cases {
        wrong::<Timestamp>(text, message, form);
    }
    wrong::<Timestamp>("\"999999999h\"", "\"999999999h\" is too long a time", None);
}

#[test]
fn instants() {
    // 1717236000 is `date -u -d 2024-06-01T10:00:00Z +%s`.
    let ten = UtcTime(1_717_236_000_000_000_000);
    assert_eq!(read::<UtcTime>("\"2024-06-01T10:00:00Z\"").unwrap(), ten);
    assert_eq!(read::<UtcTime>("\"2024-06-01T12:00:00+02:00\"").unwrap(), ten);
    assert_eq!(read::<UtcTime>("\"2024-06-01 10:00:00.000Z\"").unwrap(), ten);
}

#[test]
fn an_instant_has_a_zone() {
    let message = "\"2024-06-01T10:00:00\" does not say in which time zone it is";
    let hint = "add `Z` for UTC or the offset: \"2024-06-01T10:00:00Z\", \"2024-06-01T10:00:00+02:00\"";
    wrong::<UtcTime>("\"2024-06-01T10:00:00\"", message, Some(hint));
    let form = "write it like \"2024-06-01T10:00:00Z\" or \"2024-06-01T12:00:00+02:00\"";
    wrong::<UtcTime>("\"yesterday\"", "\"yesterday\" is not an instant", Some(form));
}

#[test]
fn positions_are_written_as_they_are_shown() {
    let position = read::<Position>("\"front/GX010012@192.0s\"").unwrap();
    assert_eq!((position.recording.as_str(), position.time), ("front/GX010012", Timestamp::from_seconds(192)));
    assert_eq!(position.camera(), "front");
    assert_eq!(read::<Position>("\"front/GX010012 @ 00:03:12\"").unwrap(), position);
    assert_eq!(position.to_text(), "\"front/GX010012@192.0s\"");
    assert_eq!(read::<Position>(&position.to_text()).unwrap(), position);
}

#[test]
fn what_is_no_position() {
    let form = Some("write it as camera/recording@time, e.g. \"front/GX010012@192.0s\"");
    wrong::<Position>("\"front/GX010012\"", "\"front/GX010012\" does not say at which time", form);
    wrong::<Position>("\"GX010012@3s\"", "\"GX010012@3s\" names no recording of a camera", form);
    wrong::<Position>("\"a/b@-3s\"", "\"a/b@-3s\" lies before the recording's start", None);
    wrong::<Position>("\"a/b@3\"", "\"3\" is not a time: `3` has no unit", Some("write \"3s\" for seconds"));
}

#[test]
fn rates() {
    let rate = |num, den| FrameRate::new(num, den).unwrap();
    assert_eq!(read::<FrameRate>("\"30000/1001\"").unwrap(), rate(30_000, 1_001));
    assert_eq!(read::<FrameRate>("30").unwrap(), rate(30, 1));
    assert_eq!(read::<FrameRate>("\"25\"").unwrap(), rate(25, 1));
    assert_eq!(read::<FrameRate>("\"1 / 2\"").unwrap(), rate(1, 2));
}

#[test]
fn a_spoken_rate_suggests_its_fraction() {
    wrong::<FrameRate>("29.97", "29.97 is not an exact rate", Some("this rate is exactly \"30000/1001\""));
    wrong::<FrameRate>("\"23.976\"", "23.976 is not an exact rate", Some("this rate is exactly \"24000/1001\""));
    wrong::<FrameRate>("59.940", "59.940 is not an exact rate", Some("this rate is exactly \"60000/1001\""));
    wrong::<FrameRate>("12.5", "12.5 is not an exact rate", Some("write it as a fraction: \"25/2\""));
    wrong::<FrameRate>("25.0", "25.0 is not an exact rate", Some("write 25"));
}

#[test]
fn what_is_no_rate() {
    let form = Some("write a whole number or a fraction: 30 or \"30000/1001\"");
    wrong::<FrameRate>("\"fast\"", "\"fast\" is not a rate", form);
    wrong::<FrameRate>("0", "\"0\" is not a rate", Some("neither part of it may be 0"));
    wrong::<FrameRate>("-5", "\"-5\" is not a rate", form);
    wrong::<FrameRate>("5000", "5000 is more than 1000 a second", form);
    wrong::<FrameRate>("true", "expected a rate per second such as 30 or \"30000/1001\", found `true`", None);
}

#[test]
fn sizes() {
    for (text, width, height) in [
        ("\"1920x1080\"", 1920, 1080),
        ("\"1920 × 1080\"", 1920, 1080),
        ("\"1080p\"", 1920, 1080),
        ("\"720P\"", 1280, 720),
        ("\"4K\"", 3840, 2160),
        ("\"1080x1920\"", 1080, 1920),
    ] {
        assert_eq!(read::<Size>(text).unwrap(), Size::new(width, height), "{text}");
    }
}

#[test]
fn what_is_no_size() {
    wrong::<Size>(
        "\"1081x720\"",
        "1081x720 has an odd side, which video cannot have",
        Some("the nearest size is \"1080x720\""),
    );
    wrong::<Size>("\"1090p\"", "\"1090p\" is not a size", Some("did you mean \"1080p\"?"));
    wrong::<Size>("\"large\"", "\"large\" is not a size", Some("write width and height in pixels: \"1920x1080\""));
    wrong::<Size>("\"2x2\"", "2x2 is out of range", Some("a side has 16 to 16384 pixels"));
}

#[test]
fn shares_of_the_shorter_side() {
    let share = read::<Share>("\"2.5%\"").unwrap();
    assert_eq!(share, Share(250));
    assert_eq!(share.pixels(Size::new(1920, 1080)), 27);
    assert_eq!(share.pixels(Size::new(1080, 1920)), 27);
    assert_eq!(Share::percent(-18).pixels(Size::new(1280, 720)), -130);
    assert_eq!(read::<Share>("\"18 %\"").unwrap(), Share::percent(18));
    assert_eq!(Share(250).to_text(), "\"2.5%\"");
}

#[test]
fn what_is_no_share() {
    wrong::<Share>(
        "18",
        "expected a share of the frame, found the number 18",
        Some("write \"18%\" of the frame's shorter side"),
    );
    let form = "write a percentage of the frame's shorter side with at most two decimal places: \"18%\", \"2.5%\"";
    wrong::<Share>("\"18px\"", "\"18px\" is not a share of the frame", Some(form));
    wrong::<Share>("\"1.234%\"", "\"1.234%\" is not a share of the frame", Some(form));
}

#[test]
fn colours() {
    // From the definition of hexadecimal colours in CSS Color Level 4: #f80 is
    // #ff8800.
    assert_eq!(read::<Rgba>("\"#f80\"").unwrap(), Rgba::opaque(255, 136, 0));
    assert_eq!(read::<Rgba>("\"#FF8800\"").unwrap(), Rgba::opaque(255, 136, 0));
    assert_eq!(read::<Rgba>("\"#ff880080\"").unwrap(), Rgba::new(255, 136, 0, 128));
    assert_eq!(read::<Rgba>("\"White\"").unwrap(), Rgba::WHITE);
    assert_eq!(Rgba::new(1, 2, 3, 4).to_string(), "#01020304");
}

#[test]
fn what_is_no_colour() {
    let form = "after `#` stand 3, 6 or 8 hexadecimal digits: \"#f80\", \"#ff8800\", \"#ff880080\"";
    wrong::<Rgba>("\"#ff88\"", "\"#ff88\" is not a colour", Some(form));
    wrong::<Rgba>("\"#+f8800\"", "\"#+f8800\" is not a colour", Some(form));
    wrong::<Rgba>("\"whit\"", "\"whit\" is not a colour", Some("did you mean \"white\"?"));
    wrong::<Rgba>("\"ff8800\"", "\"ff8800\" is not a colour", Some("write \"#ff8800\""));
}

#[test]
fn gains() {
    for (text, gain) in [("-12", -1_200), ("\"-12 dB\"", -1_200), ("-1.5", -150), ("\"+3dB\"", 300), ("0", 0)] {
        assert_eq!(read::<Decibels>(text).unwrap(), Decibels(gain), "{text}");
    }
    wrong::<Decibels>("60", "a gain lies between -120 dB and 40 dB, found 60 dB", None);
    wrong::<Decibels>(
        "\"loud\"",
        "expected a gain in decibels such as -12 or \"-12 dB\", found the text \"loud\"",
        None,
    );
}

#[test]
fn weights_and_ratios_are_exact() {
    assert_eq!(read::<Weight>("0.2").unwrap(), Weight(200));
    assert_eq!(read::<Weight>("-3").unwrap(), Weight(-3_000));
    assert_eq!(read::<Ratio>("0.25").unwrap(), Ratio(2_500));
    assert_eq!(read::<Ratio>("\"25%\"").unwrap(), Ratio(2_500));
    assert_eq!(read::<Ratio>("1").unwrap(), Ratio(10_000));
    assert_eq!(read::<Number>("-12.345").unwrap(), Number(-12_345));
    assert!(read::<Ratio>("1.1").is_err());
    assert!(read::<Ratio>("\"0.25\"").is_err());
    let expected = "expected a weight such as 0.2, from -1000 to 1000 with at most three decimal places";
    wrong::<Weight>("0.12345", &format!("{expected}, found the number 0.12345"), None);
    wrong::<Weight>("\"0.2\"", &format!("{expected}, found the text \"0.2\""), Some("write 0.2 without quotes"));
}

#[test]
fn units_and_their_near_misses() {
    assert_eq!(read::<Unit>("\"km/h\"").unwrap(), Unit::KilometresPerHour);
    wrong::<Unit>("\"kmph\"", "unknown unit \"kmph\"", Some("did you mean \"km/h\"?"));
}

#[test]
fn choices_are_names() {
    assert_eq!(read::<Anchor>("TopLeft").unwrap(), Anchor::TopLeft);
    assert_eq!(read::<Fit>("Blur").unwrap(), Fit::Blur);
    wrong::<Anchor>("Topleft", "`Topleft` is not a place in the frame", Some("did you mean `TopLeft`?"));
    wrong::<Fit>("\"Blur\"", "expected a way to fit, found the text \"Blur\"", Some("write `Blur` without quotes"));
    wrong::<Fit>("1", "expected a way to fit, found the number 1", Some("write one of `Fit`, `Fill` and `Blur`"));
}

#[test]
fn values_are_written_as_they_are_read() {
    fn same<T: FromNode + PartialEq + std::fmt::Debug>(text: &str) {
        let value = read::<T>(text).unwrap();
        assert_eq!(read::<T>(&value.to_text()).unwrap(), value, "{text} became {}", value.to_text());
    }
    for text in ["\"3.5s\"", "\"500ms\"", "\"5min\"", "\"2h\"", "0", "\"1.5ms\"", "\"-00:00:01.25\"", "\"90.5s\""] {
        same::<Timestamp>(text);
    }
    same::<UtcTime>("\"2024-06-01T10:00:00.250Z\"");
    same::<FrameRate>("\"30000/1001\"");
    same::<Size>("\"4K\"");
    same::<Share>("\"-2.05%\"");
    same::<Rgba>("\"#12345678\"");
    same::<Decibels>("-0.25");
    same::<Weight>("-0.001");
    same::<Ratio>("\"0.01%\"");
    same::<Number>("12.5");
    same::<Unit>("\"bpm\"");
    same::<Anchor>("Bottom");
}

#[test]
fn exact_decimals() {
    let cases = [
        ("1", 3, Some(1_000)),
        ("-1.5", 3, Some(-1_500)),
        (".5", 1, Some(5)),
        ("1.", 0, Some(1)),
        ("1.50", 1, Some(15)),
        ("1.55", 1, None),
        ("", 3, None),
        (".", 3, None),
        ("-", 3, None),
        ("--1", 3, None),
        ("1e3", 3, None),
        ("99999999999999999999", 0, None),
        ("9223372036854775807", 1, None),
    ];
    for (text, places, expected) in cases {
        assert_eq!(exact(text, places), expected, "{text}");
    }
}
