//! The `ron` crate is the oracle: what one accepts or refuses, the other does
//! too, with the same values.

use super::*;
use ron::Value as Ron;
use ron::value::{Map, Number};

/// The tree as `ron::Value` has it, which forgets names and unit variants.
fn forget(node: &Node) -> Ron {
    match &node.value {
        Value::Bool(value) => Ron::Bool(*value),
        Value::Int(value) => Ron::Number(Number::new(*value as f64)),
        Value::Decimal(text) => Ron::Number(Number::new(text.parse::<f64>().unwrap())),
        Value::Text(text) => Ron::String(text.clone()),
        Value::Ident(name) if name == "None" => Ron::Option(None),
        Value::Ident(_) => Ron::Unit,
        Value::Seq(items) => Ron::Seq(items.iter().map(forget).collect()),
        Value::Map(pairs) => Ron::Map(pairs.iter().map(|(key, value)| (forget(key), forget(value))).collect::<Map>()),
        Value::Fields(fields) => {
            let pairs = fields.iter().map(|(key, value)| (Ron::String(key.text.clone()), forget(value)));
            Ron::Map(pairs.collect::<Map>())
        }
        Value::Tuple(items) if node.name.as_ref().is_some_and(|name| name.text == "Some") => {
            Ron::Option(Some(Box::new(forget(&items[0]))))
        }
        Value::Tuple(items) => Ron::Seq(items.iter().map(forget).collect()),
    }
}

/// Numbers of one type, so that `1` and `1.0` compare; nothing between brackets
/// as unit, because `ron` reads `()` and `( )` as different things.
fn plain(value: Ron) -> Ron {
    match value {
        Ron::Number(number) => Ron::Number(Number::new(number.into_f64())),
        Ron::Seq(items) if items.is_empty() => Ron::Unit,
        Ron::Seq(items) => Ron::Seq(items.into_iter().map(plain).collect()),
        Ron::Map(map) => Ron::Map(map.into_iter().map(|(k, v)| (plain(k), plain(v))).collect::<Map>()),
        Ron::Option(Some(value)) => Ron::Option(Some(Box::new(plain(*value)))),
        other => other,
    }
}

fn agree(text: &str) {
    let theirs = ron::from_str::<Ron>(text);
    let ours = parse(text);
    match (&ours, theirs) {
        (Ok(node), Ok(value)) => assert_eq!(plain(forget(node)), plain(value), "{text:?}"),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{text:?}: we say {ours:?}, ron says {theirs:?}"),
    }
}

#[test]
fn agrees_with_ron() {
    let texts = r####"
()
Unit
Name()
(a: 1)
( a : 1 , )
Name(a: 1, b: "x", a: 2)
Name ( a : Other(b: [1, 2, 3,]), c: {"k": (1, 2), 2: None})
(1, "two", 3.0)
(1)
(a)
(a, b)
(a b)
(a: 1 b: 2)
(a: 1,, b: 2)
(,)
[]
[,]
[1, 2
[1, 2)
{}
{"a": 1, "a": 2}
{"a" 1}
{"a": 1;}
{a: 1}
{(x: 1): [2]}
true
false
truely
[true, false]
true()
None
None()
Some(1)
Some (  1 , )
Some
Some()
Some(1, 2)
Some(a: 1)
Some(Some(None))
"a text"
"esc \" \\ \n \t \r \0 \' \x41 \u{1F6B2} end"
"bad \q"
"bad \u{110000}"
"bad \u{}"
"bad \u{1234567}"
"bad \x4"
"never closed
"ümläut"
r"raw \n"
r#"raw "quoted""#
r##"a "# b"##
r#"open
r#raw.ident-1
r#type
(r#type: 1)
0
-0
+5
--5
007
1_000
_1
1_
0x1F
0xff_ff
0x
0xG
0o17
0o8
0b101
0b2
-0x10
9223372036854775807
-9223372036854775808
1.5
-1.5
+1.5
.5
-.5
1.
.
-
1.5.2
1e5
1E-5
1.5e+10
1e
1e_5
1_0.2_5
1._5
5-3
3.5s
// comment
[1, // one
[1, /* two /* nested */ still */ 2]
[1, /* open ]
[1] // end
[1] trailing
/ 1
#![enable(implicit_some)] (a: 1)
#![enable(implicit_some, unwrap_newtypes,)] [1]
#![enable(unknown_thing)] 1
#![type = "x"] 1
#![enable] 1
# 1
#![enable()] 1
(a: #fff)
(a: 'x
Name((a: 1))
Name([1])
(a:1,b:Name)
{"x": Name(y: 1), "z": -1.25}
a.b
(a.b: 1)
r
(r: 1, b: 2, br: 3)
"####;
    // Each line is a text; a few more that span lines or are blank.
    for text in texts.lines() {
        agree(text);
    }
    for text in ["", " ", "\n(\n)\n", "\"two\nlines\"", "\"joined \\\n   here\"", "\"joined \\\r\n here\"", "\u{2028}1"]
    {
        agree(text);
    }
}

/// Every prefix of a text that uses most of the grammar, and the text with each
/// character taken out.
#[test]
fn agrees_with_ron_on_damaged_texts() {
    let text = "#![enable(implicit_some)]\n/* a /* b */ */ Project(version: 1, f: {\"x\": F(g: [\"*.MP4\", r#\"a\"b\"#]), },\n  \
        m: (1.5, -0x1f, None, Some(true)), e: Foo(), n: 1_0e-2, s: \"q\\u{41}\\n\" // c\n)";
    for (at, c) in text.char_indices() {
        agree(&text[..at]);
        let without = format!("{}{}", &text[..at], &text[at + c.len_utf8()..]);
        agree(&without);
        for extra in [",", ")", "\"", "x", "1", " ", ":"] {
            agree(&format!("{}{extra}{}", &text[..at], &text[at..]));
        }
    }
}

#[test]
fn spans_cover_what_is_written() {
    let text = "  Gauge(at: [1, \"two\"], to: Top)";
    let node = parse(text).unwrap();
    let written = |span: Span| &text[span.start..span.end];
    assert_eq!(written(node.span), "Gauge(at: [1, \"two\"], to: Top)");
    assert_eq!(written(node.name.as_ref().unwrap().span), "Gauge");
    let Value::Fields(fields) = &node.value else { panic!("{node:?}") };
    assert_eq!(written(fields[0].0.span), "at");
    assert_eq!(written(fields[0].1.span), "[1, \"two\"]");
    assert_eq!(written(fields[1].1.span), "Top");
}

#[test]
fn numbers_keep_their_digits() {
    let of = |text: &str| parse(text).unwrap().value;
    assert_eq!(of("0.1"), Value::Decimal("0.1".to_owned()));
    assert_eq!(of("-1_0.50"), Value::Decimal("-10.50".to_owned()));
    assert_eq!(of("1_000"), Value::Int(1_000));
}

/// Message, hint and the text that is underlined.
fn error(text: &str) -> (String, Option<String>, String) {
    let error = parse(text).unwrap_err();
    let end = error.span.end.min(text.len());
    (error.diagnostic.message, error.diagnostic.hint, text[error.span.start..end].to_owned())
}

fn expect(text: &str, message: &str, hint: Option<&str>, underlined: &str) {
    assert_eq!(error(text), (message.to_owned(), hint.map(str::to_owned), underlined.to_owned()), "{text}");
}

#[test]
fn a_missing_comma_is_shown_where_it_belongs() {
    expect("(a: \"x\"\n b: 2)", "expected `,` or `)`, found `b`", Some("separate values with a comma"), "\"");
    expect("[\"x\" \"y\"]", "expected `,` or `]`, found a text", Some("separate values with a comma"), "\"");
}

#[test]
fn forgotten_quotes_are_recognised() {
    let cases = [
        ("(a: 3.5s)", "`s`", "s", "3.5s"),
        ("(a: 18%, b: 1)", "`%`", "%", "18%"),
        ("(a: -12 dB)", "`dB`", "d", "-12 dB"),
        ("(a: ride.csv\n)", "`.`", ".", "ride.csv"),
        ("(a: 30000/1001)", "`/`", "/", "30000/1001"),
    ];
    for (text, found, underlined, quoted) in cases {
        let message = format!("expected `,` or `)`, found {found}");
        expect(text, &message, Some(&format!("put it in quotes: \"{quoted}\"")), underlined);
    }
}

#[test]
fn brackets_are_named() {
    expect("(a: [1, 2)", "expected `,` or `]`, found `)`", None, ")");
    assert_eq!(parse("\n(a: [1, 2)").unwrap_err().diagnostic.notes, ["the `[` in line 2 is still open"]);
    expect("(a: {", "this `{` is never closed", Some("its `}` is missing"), "{");
    expect("(a: 1))", "expected the end of the file, found `)`", Some("one bracket too many is closed"), ")");
}

#[test]
fn quotes_are_explained() {
    expect("(a: 'x')", "expected a value, found `'`", Some("texts stand in double quotes: \"...\""), "'");
    expect("(a: “x”)", "expected a value, found `“`", Some("texts stand in straight quotes: \"...\""), "“");
    expect("(a: \"x)", "this text is never closed", Some("its closing `\"` is missing"), "\"");
    expect("(\"a\": 1)", "expected `,` or `)`, found `:`", Some("separate values with a comma"), ":");
    expect(
        "(b: 1, \"a\": 1)",
        "expected a field, found a text",
        Some("names of fields stand without quotes: `name: value`"),
        "\"",
    );
}

#[test]
fn an_equals_sign_is_no_colon() {
    expect("(a = 1)", "expected `:`, found `=`", Some("write `a: value`"), "=");
}

#[test]
fn a_path_of_windows_is_explained() {
    expect(
        r#""C:\footage""#,
        "unknown escape `\\\\f`",
        Some("write `/` in paths, `\\\\` for a backslash, or a raw text: r\"...\""),
        "\\f",
    );
}

#[test]
fn what_a_manifest_has_no_use_for_is_refused() {
    for text in ["b\"x\"", "br\"x\"", "b'x'", "1..2", "5u8", "18446744073709551615"] {
        assert!(ron::from_str::<Ron>(text).is_ok(), "{text}");
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(error(&nested(MAX_DEPTH + 1)).0, "nested more than 128 deep");
    assert!(parse(&"(a:{\"b\":[".repeat(100_000)).is_err());
    assert!(parse(&"/*".repeat(100_000)).is_err());
}

/// Bytes in any order give a tree or an error, and spans lie in the text.
#[test]
fn any_text_is_survived() {
    let alphabet: Vec<char> = "(){}[]:,\"\\/*#!'rb0_1.e+-xaN é\n\u{feff}%".chars().collect();
    // A linear congruential generator (Knuth's MMIX constants): the same texts
    // on each run.
    let mut state: u64 = 1;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..24 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(alphabet[(state >> 33) as usize % alphabet.len()]);
        }
        match parse(&text) {
            Ok(node) => assert!(node.span.end <= text.len()),
            Err(error) => assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{text:?}"),
        }
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert!(parse("\u{feff}(a: 1)").is_ok());
}
