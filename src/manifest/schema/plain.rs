//! How Rust's own types are written in a manifest: texts, numbers, lists, maps.

use std::collections::BTreeMap;

use super::{FromNode, StructDoc, entries, mismatch};
use crate::manifest::checker::Checker;
use crate::manifest::tree::{Node, Value};

impl FromNode for String {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Ident(name) => {
                let message = format!("expected a text, found {}", node.describe());
                checker.error_with_hint(node.span, message, format!("put it in quotes: \"{name}\""));
                None
            }
            _ => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "a text in quotes".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{self:?}")
    }
}

impl FromNode for bool {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => {
                mismatch::<Self>(node, checker);
                None
            }
        }
    }

    fn expects() -> String {
        "`true` or `false`".to_owned()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl FromNode for $type {
            fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
                match &node.value {
                    Value::Int(value) => {
                        let fits = <$type>::try_from(*value).ok();
                        if fits.is_none() {
                            mismatch::<Self>(node, checker);
                        }
                        fits
                    }
                    _ => {
                        mismatch::<Self>(node, checker);
                        None
                    }
                }
            }

            fn expects() -> String {
                match (<$type>::BITS, <$type>::MIN == 0) {
                    (32.., true) => "a whole number from 0".to_owned(),
                    (32.., false) => "a whole number".to_owned(),
                    _ => format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX),
                }
            }

            fn to_text(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_numbers!(u8, u16, u32, u64, i32, i64);

/// For numbers that decide nothing; those that do have types in steps.
impl FromNode for f64 {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let value = match &node.value {
            Value::Int(value) => Some(*value as f64),
            Value::Decimal(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        };
        if value.is_none() {
            mismatch::<Self>(node, checker);
        }
        value
    }

    fn expects() -> String {
        "a number".to_owned()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// The value alone, `Some(value)` or `None`.
impl<T: FromNode> FromNode for Option<T> {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match (&node.name, &node.value) {
            (_, Value::Ident(name)) if name == "None" => Some(None),
            (Some(name), Value::Tuple(items)) if name.text == "Some" && items.len() == 1 => {
                T::from_node(&items[0], checker).map(Some)
            }
            _ => T::from_node(node, checker).map(Some),
        }
    }

    fn expects() -> String {
        T::expects()
    }

    fn to_text(&self) -> String {
        match self {
            Some(value) => value.to_text(),
            None => "None".to_owned(),
        }
    }

    fn parts() -> Vec<StructDoc> {
        T::parts()
    }
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let Value::Seq(items) = &node.value else {
            let message = format!("expected a list, found {}", node.describe());
            checker.error_with_hint(node.span, message, format!("write [...], each item {}", T::expects()));
            return None;
        };
        // Every item is read before one that failed fails the list.
        let read: Vec<Option<T>> = items.iter().map(|item| T::from_node(item, checker)).collect();
        read.into_iter().collect()
    }

    fn expects() -> String {
        format!("a list `[...]`, each item {}", T::expects())
    }

    fn to_text(&self) -> String {
        format!("[{}]", self.iter().map(T::to_text).collect::<Vec<_>>().join(", "))
    }

    fn parts() -> Vec<StructDoc> {
        T::parts()
    }
}

impl<T: FromNode> FromNode for BTreeMap<String, T> {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let pairs = entries(node, "names and values", checker)?;
        let whole = matches!(&node.value, Value::Map(all) if all.len() == pairs.len());
        let read: Vec<Option<(String, T)>> = pairs
            .into_iter()
            .map(|(name, _, value)| T::from_node(value, checker).map(|value| (name.to_owned(), value)))
            .collect();
        read.into_iter().collect::<Option<_>>().filter(|_| whole)
    }

    fn expects() -> String {
        format!("a map `{{\"name\": value}}`, each value {}", T::expects())
    }

    fn to_text(&self) -> String {
        let pairs: Vec<String> = self.iter().map(|(name, value)| format!("{name:?}: {}", value.to_text())).collect();
        format!("{{{}}}", pairs.join(", "))
    }

    fn parts() -> Vec<StructDoc> {
        T::parts()
    }
}
