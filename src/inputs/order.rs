//! The order of file names that people expect: `clip2` before `clip10`.

use std::cmp::Ordering;

/// Compares two paths the natural way: runs of digits by their value, letters
/// without regard to case. Names that differ only in case or in leading zeros
/// are then ordered by their bytes, so that the order is total and the same on
/// every machine.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    loop {
        match (left.first(), right.first()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(l), Some(r)) if l.is_ascii_digit() && r.is_ascii_digit() => {
                let (l, after_l) = number(left);
                let (r, after_r) = number(right);
                // Without leading zeros the longer number is the greater one.
                match l.len().cmp(&r.len()).then_with(|| l.cmp(r)) {
                    Ordering::Equal => (left, right) = (after_l, after_r),
                    unequal => return unequal,
                }
            }
            (Some(l), Some(r)) => match rank(*l).cmp(&rank(*r)) {
                Ordering::Equal => (left, right) = (&left[1..], &right[1..]),
                unequal => return unequal,
            },
        }
    }
}

/// The folder separator first, so that a folder's files stay together.
fn rank(byte: u8) -> u8 {
    if byte == b'/' { 0 } else { byte.to_ascii_lowercase() }
}

/// The digits at the start of `text` without leading zeros, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_value_and_folders_together() {
        let mut names = ["b/1.mp4", "clip10.mp4", "clip2.mp4", "Clip1.mp4", "a b.mp4", "a/9.mp4", "a/10.mp4"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a/9.mp4", "a/10.mp4", "a b.mp4", "b/1.mp4", "Clip1.mp4", "clip2.mp4", "clip10.mp4"]);
    }

    #[test]
    fn only_equal_names_compare_equal() {
        for (a, b) in [("a1", "a01"), ("A", "a"), ("00", "0"), ("a", "a0")] {
            assert_ne!(natural(a, b), Ordering::Equal, "{a} {b}");
            assert_eq!(natural(a, b), natural(b, a).reverse());
        }
        assert_eq!(natural("x7", "x7"), Ordering::Equal);
    }
}
