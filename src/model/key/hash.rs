//! The sink that hashes.
//!
//! Every value begins with a tag and either has a fixed length, states its
//! length, or goes up to a closing tag. So no two different walks give the same
//! bytes: a field cannot run into the next.

use std::cell::RefCell;
use std::sync::LazyLock;

use serde::Serialize;

use super::walk::{Leaf, Shape, Sink, Walk};
use crate::base::Digest;

/// BLAKE3 in the mode `derive_key`, set up once.
static HASHER: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key("autocut 2026 action key"));

thread_local! {
    /// The bytes of one value: hashed at once, because BLAKE3 is quicker the
    /// more it is given, and reused for the next.
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// More than this is not kept for the next value.
const KEPT: usize = 1 << 20;

/// The digest of everything in a value.
pub(super) fn digest(value: &impl Serialize) -> Digest {
    let mut bytes = BYTES.take();
    bytes.clear();
    let Bytes(mut bytes) = Walk::new(Bytes(bytes)).over(value);
    let mut hasher = HASHER.clone();
    hasher.update(&bytes);
    bytes.shrink_to(KEPT);
    BYTES.set(bytes);
    Digest(*hasher.finalize().as_bytes())
}

const NOTHING: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const UNSIGNED: u8 = 3;
const SIGNED: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const BYTES_TAG: u8 = 7;
const DIGEST: u8 = 8;
const NAME: u8 = 9;
const STRUCT: u8 = 10;
const LIST: u8 = 11;
const TUPLE: u8 = 12;
const MAP: u8 = 13;
const VARIANT: u8 = 14;
const CLOSE: u8 = 15;

struct Bytes(Vec<u8>);

impl Bytes {
    fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    /// LEB128: seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.tag(tag);
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

impl Sink for Bytes {
    /// A struct's fields come in a fixed order: their names would say nothing.
    fn field(&mut self, _: &'static str) {}

    fn open(&mut self, shape: Shape) {
        match shape {
            Shape::Struct(_) => self.tag(STRUCT),
            Shape::List => self.tag(LIST),
            Shape::Tuple => self.tag(TUPLE),
            Shape::Map => self.tag(MAP),
            Shape::Variant(_, name) => self.bytes(VARIANT, name.as_bytes()),
        }
    }

    fn close(&mut self) {
        self.tag(CLOSE);
    }

    fn leaf(&mut self, leaf: Leaf<'_>) {
        match leaf {
            Leaf::Nothing => self.tag(NOTHING),
            Leaf::Bool(value) => self.tag(if value { TRUE } else { FALSE }),
            Leaf::Unsigned(value) => {
                self.tag(UNSIGNED);
                self.number(value);
            }
            Leaf::Signed(value) => {
                self.tag(SIGNED);
                // Zigzag: small numbers of either sign are short.
                self.number((value << 1 ^ value >> 63) as u64);
            }
            Leaf::Float(value) => {
                self.tag(FLOAT);
                self.0.extend_from_slice(&value.to_le_bytes());
            }
            Leaf::Text(text) | Leaf::Json(text) => self.bytes(TEXT, text.as_bytes()),
            Leaf::Bytes(bytes) => self.bytes(BYTES_TAG, bytes),
            Leaf::Digest(digest) => {
                self.tag(DIGEST);
                self.0.extend_from_slice(digest);
            }
            Leaf::Name(name) => self.bytes(NAME, name.as_bytes()),
        }
    }
}
