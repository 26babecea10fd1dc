//! The one walk over a value's fields: a serde serializer that hands what it
//! meets to a sink, in order, and keeps nothing itself.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser;

use super::JSON;

/// Where the fields go.
pub(super) trait Sink {
    /// The next value is the field of this name of the structure that is open.
    fn field(&mut self, name: &'static str);
    /// What follows, up to the matching `close`, are the parts of one value.
    fn open(&mut self, shape: Shape);
    fn close(&mut self);
    fn leaf(&mut self, leaf: Leaf<'_>);
}

/// How the parts of a value belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Fields by name, of the struct of this name.
    Struct(&'static str),
    /// As many alike as there are.
    List,
    /// A fixed number, each with a meaning of its own.
    Tuple,
    /// Keys and values in turn.
    Map,
    /// One part: what the variant holds. The enum's name and the variant's.
    Variant(&'static str, &'static str),
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leaf<'a> {
    /// Nothing is there: `None`, or a unit.
    Nothing,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
    /// Text that holds JSON.
    Json(&'a str),
    Bytes(&'a [u8]),
    Digest(&'a [u8; 32]),
    /// The variant of an enum that holds nothing.
    Name(&'static str),
}

/// The serializer.
pub(super) struct Walk<S> {
    pub sink: S,
    /// While a digest is walked, its bytes are gathered here: 32 separate
    /// numbers would be 32 leaves.
    digest: Option<Gathered>,
    /// The next text holds JSON.
    json: bool,
}

#[derive(Clone, Copy)]
struct Gathered {
    bytes: [u8; 32],
    count: usize,
}

impl<S: Sink> Walk<S> {
    pub(super) fn new(sink: S) -> Self {
        Walk { sink, digest: None, json: false }
    }

    /// Walks a value and gives the sink back.
    pub(super) fn over(mut self, value: &impl Serialize) -> S {
        match value.serialize(&mut self) {
            Ok(()) => self.sink,
            Err(Failed(why)) => unreachable!("plain data in memory has no way to fail to serialise: {why}"),
        }
    }

    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Failed> {
        self.sink.leaf(leaf);
        Ok(())
    }

    fn open(&mut self, shape: Shape) -> Result<Parts<'_, S>, Failed> {
        self.sink.open(shape);
        Ok(Parts { walk: self, closes: 1 })
    }
}

/// A `Serialize` gave up, which none of plain data does.
#[derive(Debug)]
pub(super) struct Failed(String);

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: Display>(message: T) -> Self {
        Failed(message.to_string())
    }
}

/// A value whose parts are being walked.
pub(super) struct Parts<'a, S> {
    walk: &'a mut Walk<S>,
    /// How many shapes end with it.
    closes: u8,
}

impl<S: Sink> Parts<'_, S> {
    fn part<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        value.serialize(&mut *self.walk)
    }

    fn finish(self) -> Result<(), Failed> {
        (0..self.closes).for_each(|_| self.walk.sink.close());
        Ok(())
    }
}

impl<'a, S: Sink> ser::Serializer for &'a mut Walk<S> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Parts<'a, S>;
    type SerializeTuple = Parts<'a, S>;
    type SerializeTupleStruct = Parts<'a, S>;
    type SerializeTupleVariant = Parts<'a, S>;
    type SerializeMap = Parts<'a, S>;
    type SerializeStruct = Parts<'a, S>;
    type SerializeStructVariant = Parts<'a, S>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Failed> {
        self.leaf(Leaf::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<(), Failed> {
        self.leaf(Leaf::Signed(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<(), Failed> {
        self.leaf(Leaf::Signed(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<(), Failed> {
        self.leaf(Leaf::Signed(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<(), Failed> {
        self.leaf(Leaf::Signed(value))
    }

    fn serialize_u8(self, value: u8) -> Result<(), Failed> {
        if let Some(digest) = &mut self.digest {
            if let Some(byte) = digest.bytes.get_mut(digest.count) {
                *byte = value;
            }
            digest.count += 1;
            return Ok(());
        }
        self.leaf(Leaf::Unsigned(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<(), Failed> {
        self.leaf(Leaf::Unsigned(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<(), Failed> {
        self.leaf(Leaf::Unsigned(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<(), Failed> {
        self.leaf(Leaf::Unsigned(value))
    }

    fn serialize_f32(self, value: f32) -> Result<(), Failed> {
        self.leaf(Leaf::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failed> {
        self.leaf(Leaf::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<(), Failed> {
        self.leaf(Leaf::Text(value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_str(self, value: &str) -> Result<(), Failed> {
        let json = std::mem::take(&mut self.json);
        self.leaf(if json { Leaf::Json(value) } else { Leaf::Text(value) })
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failed> {
        self.leaf(Leaf::Bytes(value))
    }

    fn serialize_none(self) -> Result<(), Failed> {
        self.leaf(Leaf::Nothing)
    }

    /// As the value itself: nothing that can be absent looks like nothing.
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Failed> {
        self.leaf(Leaf::Nothing)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failed> {
        self.leaf(Leaf::Nothing)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Failed> {
        self.leaf(Leaf::Name(variant))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, name: &'static str, value: &T) -> Result<(), Failed> {
        match name {
            "Digest" => {
                self.digest = Some(Gathered { bytes: [0; 32], count: 0 });
                value.serialize(&mut *self)?;
                match self.digest.take() {
                    Some(Gathered { bytes, count: 32 }) => self.leaf(Leaf::Digest(&bytes)),
                    _ => Err(Failed("a digest of another length".to_owned())),
                }
            }
            JSON => {
                self.json = true;
                value.serialize(self)
            }
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        let mut parts = self.open(Shape::Variant(name, variant))?;
        parts.part(value)?;
        parts.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a, S>, Failed> {
        self.open(Shape::List)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a, S>, Failed> {
        if self.digest.is_some() {
            return Ok(Parts { walk: self, closes: 0 });
        }
        self.open(Shape::Tuple)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a, S>, Failed> {
        self.open(Shape::Tuple)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, S>, Failed> {
        self.sink.open(Shape::Variant(name, variant));
        self.sink.open(Shape::Tuple);
        Ok(Parts { walk: self, closes: 2 })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a, S>, Failed> {
        self.open(Shape::Map)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a, S>, Failed> {
        self.open(Shape::Struct(name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a, S>, Failed> {
        self.sink.open(Shape::Variant(name, variant));
        self.sink.open(Shape::Struct(variant));
        Ok(Parts { walk: self, closes: 2 })
    }
}

macro_rules! parts {
    ($($trait:ident :: $method:ident),*) => {$(
        impl<S: Sink> ser::$trait for Parts<'_, S> {
            type Ok = ();
            type Error = Failed;
            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
                self.part(value)
            }
            fn end(self) -> Result<(), Failed> {
                self.finish()
            }
        }
    )*};
}

parts!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl<S: Sink> ser::$trait for Parts<'_, S> {
            type Ok = ();
            type Error = Failed;
            fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Failed> {
                self.walk.sink.field(name);
                self.part(value)
            }
            fn end(self) -> Result<(), Failed> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl<S: Sink> ser::SerializeMap for Parts<'_, S> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Failed> {
        self.part(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failed> {
        self.part(value)
    }

    fn end(self) -> Result<(), Failed> {
        self.finish()
    }
}
