//! The sink that labels: a flat list of fields, each with the path that leads
//! to it and a value that people can read.
//!
//! Different values give different lists, as they give different hashes. What
//! is one thing to people is one field (a time, a size, a run of a sprite, a
//! pair), and so a change of any leaf changes exactly one field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::Json;
use super::walk::{Leaf, Shape, Sink, Walk};
use crate::base::{Digest, FrameRate, Timestamp};

/// One field of a key; a pair in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Value)", into = "(String, Value)")]
pub struct Field {
    /// `spec.sources[0].start`, `spec.overlay.params.accent`, `tools.H264`.
    pub path: String,
    /// A number, a text, a truth value, `null` where nothing is there, or a
    /// short list of those.
    pub value: Value,
}

impl From<(String, Value)> for Field {
    fn from((path, value): (String, Value)) -> Self {
        Field { path, value }
    }
}

impl From<Field> for (String, Value) {
    fn from(Field { path, value }: Field) -> Self {
        (path, value)
    }
}

/// Every field of a value.
pub(super) fn fields(value: &impl Serialize) -> Vec<Field> {
    let Builder { done, .. } = Walk::new(Builder::default()).over(value);
    let mut fields = Vec::new();
    flatten(done.unwrap_or(Tree::Leaf(Value::Null)), &mut String::new(), &mut fields);
    fields
}

/// A value as it was walked.
#[derive(Debug)]
enum Tree {
    Leaf(Value),
    Parts(Shape, Vec<(Option<&'static str>, Tree)>),
    /// Out of a text.
    Json(Json),
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    done: Option<Tree>,
}

struct Open {
    shape: Shape,
    /// The name of the field that comes next.
    name: Option<&'static str>,
    parts: Vec<(Option<&'static str>, Tree)>,
}

impl Builder {
    fn add(&mut self, tree: Tree) {
        match self.open.last_mut() {
            Some(open) => open.parts.push((open.name.take(), tree)),
            None => self.done = Some(tree),
        }
    }
}

impl Sink for Builder {
    fn field(&mut self, name: &'static str) {
        if let Some(open) = self.open.last_mut() {
            open.name = Some(name);
        }
    }

    fn open(&mut self, shape: Shape) {
        self.open.push(Open { shape, name: None, parts: Vec::new() });
    }

    fn close(&mut self) {
        if let Some(Open { shape, parts, .. }) = self.open.pop() {
            self.add(Tree::Parts(shape, parts));
        }
    }

    fn leaf(&mut self, leaf: Leaf<'_>) {
        let value = match leaf {
            Leaf::Nothing => Value::Null,
            Leaf::Bool(value) => value.into(),
            Leaf::Unsigned(value) => value.into(),
            Leaf::Signed(value) => value.into(),
            // JSON has no NaN and no infinity.
            Leaf::Float(value) => {
                serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)
            }
            Leaf::Text(text) | Leaf::Name(text) => text.into(),
            Leaf::Json(text) => return self.add(Json::read(text).map_or_else(|| Tree::Leaf(text.into()), Tree::Json)),
            Leaf::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
            Leaf::Digest(digest) => Digest(*digest).to_string().into(),
        };
        self.add(Tree::Leaf(value));
    }
}

/// The structs that are one thing to people, and how they are written.
type Written = fn(&[Value]) -> Option<Value>;
const WRITTEN: &[(&str, Written)] = &[
    ("Timestamp", timestamp),
    ("FrameRate", frame_rate),
    ("Size", |parts| Some(format!("{}x{}", parts.first()?, parts.get(1)?).into())),
    ("SpriteRun", |parts| Some(parts.to_vec().into())),
];

/// As times are written where that is exact, otherwise as a fraction.
fn timestamp(parts: &[Value]) -> Option<Value> {
    let (num, den) = (parts.first()?.as_i64()?, parts.get(1)?.as_i64()?);
    let time = Timestamp::new(num, den);
    let exact =
        (time.numerator(), time.denominator()) == (num, den) && Timestamp::from_millis(time.to_millis()) == time;
    Some(if exact { time.to_string().into() } else { format!("{num}/{den} s").into() })
}

fn frame_rate(parts: &[Value]) -> Option<Value> {
    let part = |index: usize| u32::try_from(parts.get(index)?.as_u64()?).ok();
    let (num, den) = (part(0)?, part(1)?);
    let rate = FrameRate::new(num, den).filter(|rate| (rate.numerator(), rate.denominator()) == (num, den));
    Some(rate.map_or_else(|| format!("{num}:{den}").into(), |rate| rate.to_string().into()))
}

fn flatten(tree: Tree, path: &mut String, fields: &mut Vec<Field>) {
    let (shape, parts) = match tree {
        Tree::Leaf(value) => return fields.push(Field { path: path.clone(), value }),
        Tree::Json(json) => return flatten_json(json, path, fields),
        Tree::Parts(shape, parts) => (shape, parts),
    };
    if let Some(value) = written(shape, &parts) {
        return fields.push(Field { path: path.clone(), value });
    }
    let empty = parts.is_empty();
    match shape {
        // The kind's name says it already.
        Shape::Variant("ActionSpec", _) => parts.into_iter().for_each(|(_, part)| flatten(part, path, fields)),
        Shape::Variant(_, name) => {
            fields.push(Field { path: path.clone(), value: name.into() });
            parts.into_iter().for_each(|(_, part)| below(path, name, |path| flatten(part, path, fields)));
        }
        Shape::Struct(_) => {
            for (name, part) in parts {
                below(path, name.unwrap_or_default(), |path| flatten(part, path, fields));
            }
        }
        Shape::List | Shape::Tuple if empty => {
            fields.push(Field { path: path.clone(), value: Value::Array(Vec::new()) })
        }
        Shape::Map if empty => fields.push(Field { path: path.clone(), value: Value::Object(Default::default()) }),
        Shape::List | Shape::Tuple => {
            for (index, (_, part)) in parts.into_iter().enumerate() {
                at(path, index, |path| flatten(part, path, fields));
            }
        }
        Shape::Map => {
            let mut parts = parts.into_iter().map(|(_, part)| part);
            while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                let key = match key {
                    Tree::Leaf(Value::String(text)) => text,
                    Tree::Leaf(other) => other.to_string(),
                    other => format!("{other:?}"),
                };
                below(path, &key, |path| flatten(value, path, fields));
            }
        }
    }
}

fn flatten_json(json: Json, path: &mut String, fields: &mut Vec<Field>) {
    match json {
        Json::Leaf(value) => fields.push(Field { path: path.clone(), value }),
        Json::List(parts) if parts.is_empty() => {
            fields.push(Field { path: path.clone(), value: Value::Array(Vec::new()) });
        }
        Json::Map(parts) if parts.is_empty() => {
            fields.push(Field { path: path.clone(), value: Value::Object(Default::default()) });
        }
        Json::List(parts) => {
            for (index, part) in parts.into_iter().enumerate() {
                at(path, index, |path| flatten_json(part, path, fields));
            }
        }
        Json::Map(parts) => {
            parts.into_iter().for_each(|(name, part)| below(path, &name, |path| flatten_json(part, path, fields)));
        }
    }
}

/// The value of something that is one field although it has parts.
fn written(shape: Shape, parts: &[(Option<&'static str>, Tree)]) -> Option<Value> {
    let leaves = || -> Option<Vec<Value>> {
        let leaf = |tree: &Tree| match tree {
            Tree::Leaf(value) => Some(value.clone()),
            _ => None,
        };
        parts.iter().map(|(_, part)| leaf(part)).collect()
    };
    match shape {
        Shape::Struct(name) => {
            let (_, write) = WRITTEN.iter().find(|(known, _)| *known == name)?;
            write(&leaves()?)
        }
        // A pair: a name and its weight, the first frame and the name of a chapter.
        Shape::Tuple if !parts.is_empty() => Some(leaves()?.into()),
        _ => None,
    }
}

/// Goes on at a part that has a name.
fn below(path: &mut String, name: &str, go_on: impl FnOnce(&mut String)) {
    let length = path.len();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '|' | ':');
    if name.is_empty() || !name.chars().all(plain) {
        // Written so that it cannot be taken for a path.
        path.push_str(&format!("[{name:?}]"));
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
    }
    go_on(path);
    path.truncate(length);
}

/// Goes on at a part that has a number.
fn at(path: &mut String, index: usize, go_on: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push_str(&format!("[{index}]"));
    go_on(path);
    path.truncate(length);
}
