//! The manifest `autocut.ron`: its text as a spanned tree, its schema, and the
//! plain [`Manifest`] that it is lowered to. Reports every error at once, each
//! with its place and a hint.
//!
//! Touches no file: whether footage is there is not its business. Kinds of
//! telemetry, overlays and outputs come in through tables of [`KindEntry`],
//! because their folders stand below.

pub mod additions;
pub mod checker;
mod checks;
pub mod clock;
pub mod expression;
pub mod kinds;
mod literals;
pub mod load;
pub mod lockfile;
#[expect(clippy::module_inception, reason = "the lowered manifest is the noun; the folder is the way to it")]
pub mod manifest;
pub mod parser;
pub mod reference;
pub mod schema;
pub mod sections;
pub mod tree;
pub mod values;

pub use checker::Checker;
pub use kinds::{KindEntry, Kinds};
pub use load::{VERSION, load};
pub use manifest::Manifest;
pub(crate) use schema::schema;
pub use schema::{FieldDoc, FromNode, Schema, StructDoc};
pub use tree::{Node, Span, Value};
