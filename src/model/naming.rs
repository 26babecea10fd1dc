//! How a result names the files that it speaks of.
//!
//! What an action made is kept, shared between machines and used wherever the
//! same content lies, so it cannot know what a file is called there. Its
//! warnings name a file by its content; whoever tells them puts the name in.

use crate::base::Digest;

/// How many hex digits a digest has.
const DIGITS: usize = 64;

/// What stands for the name of the file with that content.
pub fn mark(file: Digest) -> String {
    format!("{{{file}}}")
}

/// The text with a name for every mark. A mark of a file that nobody has is
/// left out with what would join it to the rest.
pub fn with_names(text: &str, name: &dyn Fn(Digest) -> Option<String>) -> String {
    let mut named = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, file, after)) = next(rest) {
        named.push_str(before);
        match name(file) {
            Some(name) => {
                named.push_str(&name);
                rest = after;
            }
            None => rest = after.strip_prefix(": ").unwrap_or(after),
        }
    }
    named.push_str(rest);
    named
}

/// The files that a text names.
pub fn named_in(text: &str) -> Vec<Digest> {
    let mut files = Vec::new();
    let mut rest = text;
    while let Some((_, file, after)) = next(rest) {
        files.push(file);
        rest = after;
    }
    files
}

/// The first mark in a text, with what stands before and after it.
fn next(text: &str) -> Option<(&str, Digest, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let digits = text.get(at + 1..at + 1 + DIGITS)?;
        let after = text.get(at + 1 + DIGITS..)?.strip_prefix('}')?;
        Some((&text[..at], digits.parse().ok()?, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_names() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let text = format!("{}: 3 frames {{}} {{x}} after {}", mark(a), mark(b));
        let name = |file: Digest| (file == a).then(|| "front/a.mp4".to_owned());
        assert_eq!(with_names(&text, &name), "front/a.mp4: 3 frames {} {x} after ");
        assert_eq!(with_names(&format!("{}: gone", mark(b)), &name), "gone");
        assert_eq!(named_in(&text), [a, b]);
        assert_eq!(with_names("é{é", &name), "é{é");
        assert!(named_in("none {0}").is_empty());
    }
}
