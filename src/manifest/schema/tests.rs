//! A struct as a kind would declare it, and everything that can be wrong in it.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::manifest::parser::parse;
use crate::manifest::values::Share;

schema! {
    /// A number on a dial.
    pub(crate) struct Dial = "Dial", check = Dial::check {
        /// The channel
        /// that is shown.
        channel: String,
        /// How large it is.
        size: Share = Share::percent(18),
        /// Under it.
        label: Option<String> = None,
        /// Its hands.
        hands: Vec<Hand> = Vec::new(),
        /// By name.
        marks: BTreeMap<String, u8> = BTreeMap::new(),
    }
}

schema! {
    /// A hand.
    pub(crate) struct Hand = "Hand" {
        /// Whether it moves.
        moves: bool = true,
        /// How it looks.
        shape: Shape = Shape::Round,
    }
}

choices! {
    /// A shape.
    pub(crate) enum Shape = "a shape" {
        /// Round.
        Round,
        /// Square.
        Square,
    }
}

impl Dial {
    fn check(&self, node: &Node, checker: &mut Checker) {
        if self.channel == "nothing" {
            checker.error(node.span, "nothing cannot be shown");
        }
    }
}

fn read<T: FromNode>(text: &str) -> (Option<T>, Vec<Diagnostic>) {
    let node = parse(text).unwrap();
    let mut checker = Checker::new(Path::new("m.ron"), text);
    let value = T::from_node(&node, &mut checker);
    (value, checker.finish().0)
}

/// Each diagnostic as `line:column+width message (hint)`.
fn wrongs(text: &str) -> Vec<String> {
    let show = |found: &Diagnostic| {
        let place = found.place.as_ref().unwrap();
        let hint = found.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{}+{} {}{hint}", place.line, place.column, place.width, found.message)
    };
    read::<Dial>(text).1.iter().map(show).collect()
}

#[test]
fn defaults_fill_what_is_left_out() {
    let (dial, wrong) = read::<Dial>("Dial(channel: \"speed\")");
    assert!(wrong.is_empty());
    let dial = dial.unwrap();
    assert_eq!((dial.channel.as_str(), dial.size, dial.label), ("speed", Share(1_800), None));
    assert_eq!(read::<Hand>("()").0, Some(Hand::default()));
    assert_eq!(read::<Hand>("Hand").0, Some(Hand::default()));
}

#[test]
fn the_name_may_be_left_out() {
    assert!(read::<Dial>("(channel: \"speed\")").0.is_some());
}

#[test]
fn an_option_is_the_value_alone_or_in_some() {
    for text in ["(channel: \"x\", label: \"y\")", "(channel: \"x\", label: Some(\"y\"))"] {
        assert_eq!(read::<Dial>(text).0.unwrap().label.as_deref(), Some("y"));
    }
    assert_eq!(read::<Dial>("(channel: \"x\", label: None)").0.unwrap().label, None);
}

#[test]
fn every_error_is_reported_with_its_place() {
    let text =
        "Dial(\n  chanel: \"speed\",\n  size: 18,\n  label: 3,\n  hands: [Hand(moves: 1), Hand(shape: Rund)],\n)";
    assert_eq!(
        wrongs(text),
        [
            "2:3+6 unknown field `chanel` of `Dial` (did you mean `channel`?)",
            "3:9+2 expected a share of the frame, found the number 18 (write \"18%\" of the frame's shorter side)",
            "4:10+1 expected a text in quotes, found the number 3",
            "5:23+1 expected `true` or `false`, found the number 1",
            "5:39+4 `Rund` is not a shape (did you mean `Round`?)",
        ]
    );
}

#[test]
fn an_unknown_field_lists_those_that_are_known() {
    let (_, wrong) = read::<Dial>("Dial(channel: \"x\", colour: 1)");
    assert_eq!(wrong[0].notes, ["known are `channel`, `size`, `label`, `hands` and `marks`"]);
    assert_eq!(wrong[0].hint, None);
}

#[test]
fn a_field_that_is_not_there_is_missed() {
    assert_eq!(
        wrongs("Dial(size: \"1%\")"),
        ["1:1+4 `Dial` has no field `channel` (add `channel: ...`: a text in quotes)"]
    );
    assert_eq!(wrongs("\n()"), ["2:1+1 `Dial` has no field `channel` (add `channel: ...`: a text in quotes)"]);
}

#[test]
fn a_repeated_field_names_the_first() {
    let (_, wrong) = read::<Dial>("(channel: \"x\",\n channel: \"y\")");
    assert_eq!(wrong[0].message, "field `channel` is given twice");
    assert_eq!(wrong[0].notes, ["the first is in line 1"]);
    assert_eq!(wrong[0].place.as_ref().map(|place| (place.line, place.column)), Some((2, 2)));
}

#[test]
fn a_repeated_key_is_reported() {
    let text = "(channel: \"x\", marks: {\"a\": 1, \"a\": 2, 3: 4, \"b\": 256})";
    assert_eq!(
        wrongs(text),
        [
            "1:32+3 \"a\" is given twice (give it another name)",
            "1:40+1 expected a name, found the number 3 (put it in quotes)",
            "1:51+3 expected a whole number from 0 to 255, found the number 256",
        ]
    );
    assert_eq!(read::<Dial>(text).0, None);
}

#[test]
fn something_else_is_no_struct() {
    let fields = "the fields of `Dial` are `channel`, `size`, `label`, `hands` and `marks`";
    assert_eq!(wrongs("\"x\""), [format!("1:1+3 expected `Dial(...)`, found the text \"x\" ({fields})")]);
    assert_eq!(wrongs("Map(a: 1)"), [format!("1:1+9 expected `Dial(...)`, found `Map(...)` ({fields})")]);
    assert_eq!(
        wrongs("(\"speed\", 1)"),
        ["1:1+12 expected `Dial(...)`, found `(...)` (name each field: `Dial(name: value)`)"]
    );
    assert_eq!(
        wrongs("{\"channel\": \"x\"}"),
        [
            "1:1+16 expected `Dial(...)`, found a map `{...}` (fields stand in parentheses, their names without quotes: `Dial(name: value)`)"
        ]
    );
}

#[test]
fn a_text_without_quotes_is_recognised() {
    assert_eq!(wrongs("(channel: speed)"), ["1:11+5 expected a text, found `speed` (put it in quotes: \"speed\")"]);
}

#[test]
fn checks_see_the_fields_together() {
    assert_eq!(wrongs("(channel: \"nothing\")"), ["1:1+20 nothing cannot be shown"]);
}

#[test]
fn fields_are_documented() {
    let fields = Dial::fields();
    assert_eq!(fields[0].name, "channel");
    assert_eq!(fields[0].doc, "The channel that is shown.");
    assert_eq!(fields[0].default, None);
    assert_eq!(fields[1].default.as_deref(), Some("\"18%\""));
    assert_eq!(fields[2].default.as_deref(), Some("None"));
    assert_eq!(fields[3].default.as_deref(), Some("[]"));
    assert_eq!(fields[3].parts[0].name, "Hand");
    assert_eq!(Dial::DOC.trim(), "A number on a dial.");
    assert_eq!(Hand::default().to_text(), "Hand(moves: true, shape: Round)");
}

#[test]
fn parameters_have_a_fixed_order_and_come_back() {
    let dial = read::<Dial>("(size: \"2%\", channel: \"x\")").0.unwrap();
    let json = serde_json::to_string(&dial).unwrap();
    assert_eq!(json, r#"{"channel":"x","size":200,"label":null,"hands":[],"marks":{}}"#);
    assert_eq!(serde_json::from_str::<Dial>(&json).unwrap(), dial);
}
