//! The container of GPMF: keys of four letters, each with the type, size and
//! number of its values, nested in one another.
//!
//! Source: the format's description in github.com/gopro/gpmf-parser. Everything
//! is big-endian; data ends at a multiple of four bytes. What an item says of
//! its length is believed as far as there are bytes.

/// How deep items may lie in one another: cameras write three levels.
const DEEPEST: usize = 8;

/// Most values of one sample that are looked at.
const MOST_FIELDS: usize = 64;

/// One key with its data, borrowed from the payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) key: [u8; 4],
    /// The letter of the values' type; 0 for items in an item.
    pub(super) kind: u8,
    /// Bytes of one sample.
    size: usize,
    pub(super) data: &'a [u8],
}

/// The items that lie side by side in `data`.
pub(super) fn items(data: &[u8]) -> Items<'_> {
    Items { rest: data, cut: false }
}

#[derive(Debug)]
pub(super) struct Items<'a> {
    rest: &'a [u8],
    /// Whether the last item says that it is longer than what there is.
    pub(super) cut: bool,
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (head, rest) = self.rest.split_at_checked(8)?;
        let key = [head[0], head[1], head[2], head[3]];
        // Cameras fill up with zeros.
        if !key.iter().all(|letter| (0x20..0x7f).contains(letter)) {
            self.cut |= key != [0; 4];
            self.rest = &[];
            return None;
        }
        let size = usize::from(head[5]);
        let length = size * usize::from(u16::from_be_bytes([head[6], head[7]]));
        let data = rest.get(..length).unwrap_or_else(|| {
            self.cut = true;
            rest
        });
        self.rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Item { key, kind: head[4], size, data })
    }
}

/// Calls `visit` with the items of each stream (`STRM`), in whatever device it
/// lies. Says whether anything was cut off.
pub(super) fn streams<'a>(payload: &'a [u8], visit: &mut impl FnMut(&'a [u8])) -> bool {
    fn walk<'a>(data: &'a [u8], depth: usize, visit: &mut impl FnMut(&'a [u8])) -> bool {
        if depth > DEEPEST {
            return true;
        }
        let mut cut = false;
        let mut all = items(data);
        for item in all.by_ref() {
            match &item.key {
                b"STRM" if item.kind == 0 => visit(item.data),
                _ if item.kind == 0 => cut |= walk(item.data, depth + 1, visit),
                _ => {}
            }
        }
        cut | all.cut
    }
    walk(payload, 0, visit)
}

/// Bytes of a value of a type, which is a letter.
fn width(kind: u8) -> Option<usize> {
    Some(match kind {
        b'b' | b'B' | b'c' => 1,
        b's' | b'S' => 2,
        b'l' | b'L' | b'f' | b'F' | b'q' => 4,
        b'j' | b'J' | b'd' | b'Q' => 8,
        b'G' | b'U' => 16,
        _ => return None,
    })
}

/// One value as a number; NaN where the type is none of numbers.
fn number(kind: u8, bytes: &[u8]) -> f64 {
    fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes.try_into().unwrap_or([0; N])
    }
    match kind {
        b'b' => f64::from(i8::from_be_bytes(fixed(bytes))),
        b'B' => f64::from(u8::from_be_bytes(fixed(bytes))),
        b's' => f64::from(i16::from_be_bytes(fixed(bytes))),
        b'S' => f64::from(u16::from_be_bytes(fixed(bytes))),
        b'l' => f64::from(i32::from_be_bytes(fixed(bytes))),
        b'L' => f64::from(u32::from_be_bytes(fixed(bytes))),
        b'q' => f64::from(i32::from_be_bytes(fixed(bytes))) / 65_536.0,
        b'j' => i64::from_be_bytes(fixed(bytes)) as f64,
        b'J' => u64::from_be_bytes(fixed(bytes)) as f64,
        b'Q' => i64::from_be_bytes(fixed(bytes)) as f64 / 4_294_967_296.0,
        b'f' => f64::from(f32::from_be_bytes(fixed(bytes))),
        b'd' => f64::from_be_bytes(fixed(bytes)),
        _ => f64::NAN,
    }
}

/// The types of a sample's values as `TYPE` states them: `lllllllSS`, `f[8]L`.
pub(super) fn layout(item: Item<'_>) -> Vec<u8> {
    let mut types: Vec<u8> = Vec::new();
    let mut count: Option<usize> = None;
    for letter in item.data {
        match (letter, &mut count) {
            (b'[', _) => count = Some(0),
            (b']', Some(many)) => {
                let last = types.last().copied();
                let more = many.saturating_sub(1).min(MOST_FIELDS);
                types.extend(last.into_iter().flat_map(|last| std::iter::repeat_n(last, more)));
                count = None;
            }
            (digit, Some(many)) if digit.is_ascii_digit() => {
                *many = many.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
            }
            (b']', None) => {}
            (0, _) => break,
            (letter, _) => types.push(*letter),
        }
        types.truncate(MOST_FIELDS);
    }
    types
}

impl<'a> Item<'a> {
    /// How many samples there are.
    pub(super) fn count(&self) -> usize {
        self.data.len().checked_div(self.size).unwrap_or(0)
    }

    /// The bytes of each whole sample.
    pub(super) fn samples(&self) -> std::slice::ChunksExact<'a, u8> {
        self.data.chunks_exact(self.size.max(1))
    }

    /// Puts the values of one sample into `values`; the types of a complex
    /// item's are those of its `TYPE`. Fewer where the sample ends before.
    pub(super) fn read(&self, sample: &[u8], types: &[u8], values: &mut Vec<f64>) {
        values.clear();
        let mut rest = sample;
        let simple = std::iter::repeat_n(self.kind, if self.kind == b'?' { 0 } else { MOST_FIELDS });
        for kind in types.iter().copied().filter(|_| self.kind == b'?').chain(simple) {
            let Some((value, after)) = width(kind).and_then(|width| rest.split_at_checked(width)) else { return };
            values.push(number(kind, value));
            rest = after;
        }
    }

    /// All values of an item that is not complex, at most as many as a sample
    /// may have.
    pub(super) fn numbers(&self) -> Vec<f64> {
        let mut values = Vec::new();
        self.read(&self.data[..self.data.len().min(MOST_FIELDS * 16)], &[], &mut values);
        values
    }

    pub(super) fn text(&self) -> String {
        let end = self.data.iter().position(|byte| *byte == 0).unwrap_or(self.data.len());
        // Latin-1, of which only `²` and `µ` and the like are not ASCII.
        self.data[..end].iter().map(|byte| char::from(*byte)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &[u8; 4], kind: u8, size: u8, count: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = key.to_vec();
        bytes.extend([kind, size]);
        bytes.extend(count.to_be_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn values_of_all_types() {
        let bytes = item(b"TEST", b'?', 15, 1, &[0xff, 0xfe, 0x00, 0x01, 0x80, 0x00, 0x3f, 0x80, 0, 0, 1, 2, 3, 4, 5]);
        let found = items(&bytes).next().unwrap();
        let mut values = Vec::new();
        found.read(found.samples().next().unwrap(), b"bBSqfBB", &mut values);
        let fixed = f64::from(0x8000_3f80_u32 as i32) / 65_536.0;
        let float = f64::from(f32::from_be_bytes([0, 0, 1, 2]));
        assert_eq!(values, [-1.0, 254.0, 1.0, fixed, float, 3.0, 4.0]);
    }

    #[test]
    fn layouts_with_repeats_end() {
        let of = |text: &[u8]| layout(Item { key: *b"TYPE", kind: b'c', size: 1, data: text });
        assert_eq!(of(b"lllllllSS"), b"lllllllSS");
        assert_eq!(of(b"Lf[3]S\0\0"), b"LfffS");
        assert_eq!(of(b"f[99999999999999999999999]").len(), MOST_FIELDS);
        assert_eq!(of(b"[[[5]]]l"), b"l");
    }

    #[test]
    fn lengths_are_believed_as_far_as_there_are_bytes() {
        let bytes = item(b"ACCL", b's', 255, u16::MAX, &[0; 600]);
        let mut all = items(&bytes);
        let found = all.next().unwrap();
        assert_eq!((found.count(), all.next().is_none(), all.cut), (2, true, true));
        let none = item(b"ACCL", b's', 0, u16::MAX, &[]);
        assert_eq!(items(&none).next().unwrap().count(), 0);
        assert_eq!(items(&none).next().unwrap().samples().count(), 0);
    }

    #[test]
    fn nesting_without_end_ends() {
        let mut bytes = item(b"STRM", 0, 1, 0, &[]);
        for _ in 0..2_000 {
            bytes = item(b"DEVC", 0, 1, u16::try_from(bytes.len()).unwrap(), &bytes);
        }
        let mut seen = 0;
        assert!(streams(&bytes, &mut |_| seen += 1));
        assert_eq!(seen, 0);
    }
}
