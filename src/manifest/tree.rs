//! The spanned tree of a RON text: what is written, and where. `ron::Value`
//! carries no positions and forgets names and the order of fields, so the
//! manifest has a tree of its own.

/// A range of bytes in the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }
}

/// An identifier with its place: a field's name, or the name of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    pub span: Span,
    pub text: String,
}

/// One value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From its first character (its name, where it has one) to its last.
    pub span: Span,
    /// The identifier before the parentheses, as in `Gauge(...)`.
    pub name: Option<Ident>,
    pub value: Value,
}

/// The shapes that RON knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    /// A number with a decimal point or an exponent, as it is written but
    /// without underscores: nothing is rounded before its meaning is known.
    Decimal(String),
    /// Unescaped.
    Text(String),
    /// An identifier alone: `None`, `TopLeft`.
    Ident(String),
    /// `[a, b]`
    Seq(Vec<Node>),
    /// `{a: b}`, in the order in which it is written, duplicates included.
    Map(Vec<(Node, Node)>),
    /// `(a: b)` or `Name(a: b)`, in the order in which it is written.
    Fields(Vec<(Ident, Node)>),
    /// `(a, b)`, `Name(a, b)`, `()` or `Name()`.
    Tuple(Vec<Node>),
}

impl Node {
    /// What it is, for "found ..." in messages.
    pub fn describe(&self) -> String {
        let name = self.name.as_ref().map(|name| name.text.as_str());
        match &self.value {
            Value::Bool(value) => format!("`{value}`"),
            Value::Int(value) => format!("the number {value}"),
            Value::Decimal(text) => format!("the number {text}"),
            Value::Text(text) => format!("the text {}", quoted(text)),
            Value::Ident(name) => format!("`{name}`"),
            Value::Seq(_) => "a list `[...]`".to_owned(),
            Value::Map(_) => "a map `{...}`".to_owned(),
            Value::Fields(_) | Value::Tuple(_) => match name {
                Some(name) => format!("`{name}(...)`"),
                None => "`(...)`".to_owned(),
            },
        }
    }

    /// The name of a struct or of a unit variant: `Gauge` of `Gauge(...)` and
    /// of `Gauge`, with its place.
    pub fn kind_name(&self) -> Option<Ident> {
        match (&self.name, &self.value) {
            (Some(name), _) => Some(name.clone()),
            (None, Value::Ident(text)) => Some(Ident { span: self.span, text: text.clone() }),
            _ => None,
        }
    }

    /// The fields of a struct; none for `()`, `Name()` and `Name`. `None` where
    /// this is no struct.
    pub fn fields(&self) -> Option<&[(Ident, Node)]> {
        match &self.value {
            Value::Fields(fields) => Some(fields),
            Value::Tuple(items) if items.is_empty() => Some(&[]),
            Value::Ident(_) => Some(&[]),
            _ => None,
        }
    }

    /// The value of the field `name`, if this is a struct that has it.
    pub fn field(&self, name: &str) -> Option<&Node> {
        self.fields()?.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }
}

/// A text in quotes for messages: escaped, and cut where it is long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
