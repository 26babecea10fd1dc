//! Two lists of labelled fields, compared.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::base::Digest;
use crate::model::key::Field;

/// What is different about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A field has another value; `None` where it was not or is not there.
    Value { path: String, before: Option<Value>, after: Option<Value> },
    /// A list has other items. People insert and remove, so items are not
    /// compared by their place.
    List { path: String, before: Vec<Item>, after: Vec<Item> },
}

/// An item of a list: its fields by what follows the item's index in their
/// paths. An item without parts has one field of no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item(pub BTreeMap<String, Value>);

impl Item {
    pub fn get(&self, rest: &str) -> Option<&Value> {
        self.0.get(rest)
    }

    pub fn text(&self, rest: &str) -> Option<&str> {
        self.get(rest)?.as_str()
    }

    pub fn digest(&self, rest: &str) -> Option<Digest> {
        digest(self.get(rest)?)
    }
}

impl Difference {
    pub fn path(&self) -> &str {
        match self {
            Difference::Value { path, .. } | Difference::List { path, .. } => path,
        }
    }
}

/// The digest that a value is.
pub fn digest(value: &Value) -> Option<Digest> {
    value.as_str()?.parse().ok()
}

/// Everything that is different, in the order of the fields.
pub fn differences(before: &[Field], after: &[Field]) -> Vec<Difference> {
    let (before, after) = (grouped(&with_colours(before)), grouped(&with_colours(after)));
    let mut found = Vec::new();
    let known = |path: &String| before.values.contains_key(path) || before.lists.contains_key(path);
    let appeared = after.order.iter().filter(|path| !known(path));
    for path in before.order.iter().chain(appeared) {
        if before.lists.contains_key(path) || after.lists.contains_key(path) {
            let items = |side: &Grouped| side.lists.get(path).cloned().unwrap_or_default();
            let (before, after) = (items(&before), items(&after));
            if before != after {
                found.push(Difference::List { path: path.clone(), before, after });
            }
        } else {
            let (before, after) = (before.values.get(path), after.values.get(path));
            if before != after {
                found.push(Difference::Value { path: path.clone(), before: before.cloned(), after: after.cloned() });
            }
        }
    }
    gathered(found)
}

/// The parts of a colour, as they are labelled.
const PARTS: [&str; 3] = ["red", "green", "blue"];

/// The fields with each colour as one, as manifests write it.
fn with_colours(fields: &[Field]) -> Vec<Field> {
    let mut all: Vec<Field> = Vec::with_capacity(fields.len());
    let mut rest = fields;
    while let [first, ..] = rest {
        match colour(rest) {
            Some(colour) => {
                all.push(colour);
                rest = &rest[PARTS.len()..];
            }
            None => {
                all.push(first.clone());
                rest = &rest[1..];
            }
        }
    }
    all
}

/// The colour that the first fields are the parts of.
fn colour(fields: &[Field]) -> Option<Field> {
    let root = fields.first()?.path.strip_suffix(PARTS[0])?.strip_suffix('.')?;
    let part = |(field, part): (&Field, &&str)| {
        let is_part = field.path.strip_prefix(root)?.strip_prefix('.')? == *part;
        u8::try_from(field.value.as_u64()?).ok().filter(|_| is_part)
    };
    let parts = fields.get(..PARTS.len())?.iter().zip(&PARTS).map(part).collect::<Option<Vec<u8>>>()?;
    let text = parts.iter().fold("#".to_owned(), |text, part| format!("{text}{part:02x}"));
    Some(Field { path: root.to_owned(), value: Value::String(text) })
}

#[derive(Default)]
struct Grouped {
    values: BTreeMap<String, Value>,
    lists: BTreeMap<String, Vec<Item>>,
    /// The paths of both, as they come.
    order: Vec<String>,
}

fn grouped(fields: &[Field]) -> Grouped {
    let mut all = Grouped::default();
    for Field { path, value } in fields {
        let Some((root, index, rest)) = in_list(path) else {
            // A list without items stands as itself.
            match value {
                Value::Array(items) if items.is_empty() => drop(all.lists.insert(path.clone(), Vec::new())),
                _ => drop(all.values.insert(path.clone(), value.clone())),
            }
            all.order.push(path.clone());
            continue;
        };
        let items = all.lists.entry(root.to_owned()).or_insert_with(|| {
            all.order.push(root.to_owned());
            Vec::new()
        });
        if items.len() <= index {
            items.resize(index + 1, Item::default());
        }
        if let Some(item) = items.get_mut(index) {
            item.0.insert(rest.to_owned(), value.clone());
        }
    }
    all
}

/// A path into a list, cut at the first index: the list, the index, the rest.
fn in_list(path: &str) -> Option<(&str, usize, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in path.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => {
                let rest = path.get(at + 1..)?;
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let (index, rest) = rest.split_at(digits);
                // Otherwise a name in quotes follows.
                if let (Ok(index), Some(rest)) = (index.parse(), rest.strip_prefix(']')) {
                    return Some((path.get(..at)?, index, rest));
                }
            }
            _ => {}
        }
    }
    None
}

/// Makes one difference of a thing that came (`null` became fields) or went.
fn gathered(found: Vec<Difference>) -> Vec<Difference> {
    let null = |value: &Option<Value>| *value == Some(Value::Null);
    let turned = found.iter().filter_map(|difference| match difference {
        Difference::Value { path, before, after: None } if null(before) => Some((path.clone(), true)),
        Difference::Value { path, before: None, after } if null(after) => Some((path.clone(), false)),
        _ => None,
    });
    let turned: Vec<(String, bool)> = turned.collect();
    if turned.is_empty() {
        return found;
    }
    let mut wholes: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut rest = Vec::new();
    for difference in &found {
        let below = |(path, _): &&(String, bool)| {
            difference.path().strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        match (turned.iter().find(below), difference) {
            (Some((path, came)), Difference::Value { path: full, before, after }) => {
                let value = if *came { after } else { before };
                let name = full.get(path.len()..).unwrap_or_default().trim_start_matches('.').to_owned();
                wholes.entry(path).or_default().insert(name, value.clone().unwrap_or_default());
            }
            (Some(_), Difference::List { .. }) => {}
            (None, other) => rest.push(other.clone()),
        }
    }
    for difference in &mut rest {
        let Difference::Value { path, before, after } = difference else { continue };
        let whole = || Some(Value::Object(wholes.get(path.as_str()).cloned().unwrap_or_default()));
        match turned.iter().find(|(turned, _)| turned == path) {
            Some((_, true)) => *after = whole(),
            Some((_, false)) => *before = whole(),
            None => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(list: &[(&str, Value)]) -> Vec<Field> {
        list.iter().map(|(path, value)| Field { path: (*path).to_owned(), value: value.clone() }).collect()
    }

    fn item(list: &[(&str, Value)]) -> Item {
        Item(list.iter().map(|(rest, value)| ((*rest).to_owned(), value.clone())).collect())
    }

    #[test]
    fn values_and_items_of_lists() {
        let before = fields(&[
            ("spec.a", json!(1)),
            ("spec.list[0].name", json!("x")),
            ("spec.list[1].name", json!("y")),
            ("spec.gone", json!(true)),
            ("spec.params[\"odd [1] key\"]", json!(1)),
            ("spec.none", json!([])),
        ]);
        let after = fields(&[
            ("spec.a", json!(2)),
            ("spec.list[0].name", json!("y")),
            ("spec.params[\"odd [1] key\"]", json!(2)),
            ("spec.none[0]", json!(7)),
            ("spec.new", json!("n")),
        ]);
        let value = |path: &str, before: Option<Value>, after: Option<Value>| Difference::Value {
            path: path.to_owned(),
            before,
            after,
        };
        assert_eq!(
            differences(&before, &after),
            [
                value("spec.a", Some(json!(1)), Some(json!(2))),
                Difference::List {
                    path: "spec.list".into(),
                    before: vec![item(&[(".name", json!("x"))]), item(&[(".name", json!("y"))])],
                    after: vec![item(&[(".name", json!("y"))])],
                },
                value("spec.gone", Some(json!(true)), None),
                value("spec.params[\"odd [1] key\"]", Some(json!(1)), Some(json!(2))),
                Difference::List { path: "spec.none".into(), before: vec![], after: vec![item(&[("", json!(7))])] },
                value("spec.new", None, Some(json!("n"))),
            ]
        );
        assert_eq!(differences(&before, &before), []);
    }

    #[test]
    fn what_comes_and_goes_is_one_difference() {
        let none = fields(&[("spec.music", Value::Null), ("spec.z", json!(1))]);
        let some = fields(&[("spec.music.file", json!("d")), ("spec.music.gain", json!(-3)), ("spec.z", json!(1))]);
        let whole = Some(json!({"file": "d", "gain": -3}));
        let path = "spec.music".to_owned();
        assert_eq!(
            differences(&none, &some),
            [Difference::Value { path: path.clone(), before: Some(Value::Null), after: whole.clone() }]
        );
        assert_eq!(differences(&some, &none), [Difference::Value { path, before: whole, after: Some(Value::Null) }]);
    }
}
