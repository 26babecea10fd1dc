//! Kinds that stand in tables below this folder: telemetry formats, overlays
//! and outputs. The manifest learns of them from the caller, so that a new kind
//! is one file and one line in its table.

use crate::manifest::checker::Checker;
use crate::manifest::schema::{FieldDoc, Schema};
use crate::manifest::tree::Node;

/// What the manifest and the reference need to know of a kind.
#[derive(Clone, Copy, Debug)]
pub struct KindEntry {
    /// As it is written: `Gauge`.
    pub name: &'static str,
    /// Of what the kind makes of its parameters: part of the action's key.
    pub version: u32,
    /// What it is for, in Markdown; lines may start with a space.
    pub summary: &'static str,
    /// A value of this kind as RON.
    pub example: &'static str,
    pub fields: fn() -> Vec<FieldDoc>,
    /// Checks the parameters and gives them as JSON with a fixed order of
    /// fields.
    pub lower: fn(&Node, &mut Checker) -> Option<String>,
}

impl KindEntry {
    /// The entry of a kind whose parameters `schema!`
    /// declared under this `name`.
    pub const fn of<T: Schema>(name: &'static str, version: u32, example: &'static str) -> KindEntry {
        KindEntry { name, version, summary: T::DOC, example, fields: T::fields, lower: lower::<T> }
    }
}

fn lower<T: Schema>(node: &Node, checker: &mut Checker) -> Option<String> {
    let read = T::from_node(node, checker)?;
    match serde_json::to_string(&read) {
        Ok(json) => Some(json),
        Err(error) => {
            // Only a map with keys that are no texts, or a float that is no
            // number, cannot be written as JSON.
            checker.error(node.span, format!("the parameters of `{}` cannot be stored: {error}", T::NAME));
            None
        }
    }
}

/// The tables.
#[derive(Clone, Copy, Debug)]
pub struct Kinds<'a> {
    pub formats: &'a [KindEntry],
    pub overlays: &'a [KindEntry],
    pub outputs: &'a [KindEntry],
}
