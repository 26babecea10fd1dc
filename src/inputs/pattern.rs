//! One line of a footage set: a glob or the name of one file.
//!
//! `*` and `?` stay within a name, `**` crosses folders, `{a,b}` and `[ab]` are
//! choices, `\` takes the next character literally. The part after the last
//! dot of a glob is compared without regard to case, because cameras write
//! `.MP4` and people type `.mp4`.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::base::Diagnostic;

use super::system::lexical;

/// A pattern of a project, compiled.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As it was written.
    pub text: String,
    /// The folder that the search starts in; for a literal, the file itself.
    pub base: PathBuf,
    /// How names of files under `base` begin: `base` relative to the project
    /// where it was written so or lies in it.
    name: String,
    /// What follows `base`; `None` for a literal.
    glob: Option<GlobMatcher>,
    /// How many levels below `base` a match can lie.
    pub depth: usize,
}

const SPECIAL: [char; 6] = ['*', '?', '[', '{', '\\', '}'];

impl Pattern {
    /// Whether it looks in the project's own folder.
    pub fn is_inside(&self) -> bool {
        let name = Path::new(&self.name);
        !name.is_absolute() && !name.starts_with("..")
    }

    /// Compiles `text` for the project in the absolute folder `root`.
    pub fn new(text: &str, root: &Path) -> Result<Pattern, Diagnostic> {
        if text.trim().is_empty() {
            let empty = Diagnostic::input("a footage pattern is empty");
            return Err(empty.hint("write a file name or a glob, e.g. \"front/*.mp4\""));
        }
        let special = text.find(SPECIAL);
        let split = special.map(|at| text[..at].rfind('/').map_or(0, |slash| slash + 1));
        let (before, rest) = split.map_or((text, None), |at| (&text[..at], Some(&text[at..])));

        let root = lexical(root);
        let base = lexical(&root.join(before));
        let name = match base.strip_prefix(&root) {
            Ok(inside) => inside.to_owned(),
            Err(_) => lexical(Path::new(before)),
        };
        let Some(name) = name.to_str().map(str::to_owned) else {
            return Err(Diagnostic::input(format!("the project's folder {} is not UTF-8", root.display())));
        };
        let glob = match rest {
            Some(rest) => Some(compile(rest).map_err(|error| {
                Diagnostic::input(format!("\"{text}\" is not a glob: {error}"))
                    .hint("put a backslash before a character that is meant literally")
            })?),
            None => None,
        };
        let depth = match rest {
            Some(rest) if rest.contains("**") => usize::MAX,
            Some(rest) => rest.matches('/').count() + 1,
            None => 0,
        };
        Ok(Pattern { text: text.to_owned(), base, name, glob, depth })
    }

    /// The pattern that means the file `name` and no other, whatever characters
    /// are in its name.
    pub fn literal(name: &str) -> String {
        name.chars().flat_map(|c| SPECIAL.contains(&c).then_some('\\').into_iter().chain([c])).collect()
    }

    /// Whether it is the name of one file.
    pub fn is_literal(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether `below`, a path relative to `base`, matches.
    pub fn matches_below(&self, below: &Path) -> bool {
        self.glob.as_ref().is_some_and(|glob| glob.is_match(below)) && !is_hidden(below)
    }

    /// Whether a file that is called `name` (as in [`Found`](super::Found))
    /// matches, whether or not it exists.
    pub fn matches(&self, name: &str) -> bool {
        match &self.glob {
            None => name == self.name,
            Some(_) => Path::new(name).strip_prefix(&self.name).is_ok_and(|below| self.matches_below(below)),
        }
    }

    /// What a file at `below` under `base` is called; `None` where the name is
    /// not UTF-8.
    pub fn name_of(&self, below: &Path) -> Option<String> {
        let name = if self.is_literal() { PathBuf::from(&self.name) } else { Path::new(&self.name).join(below) };
        name.into_os_string().into_string().ok()
    }
}

/// Names that begin with a dot: `._GX010012.MP4`, `.DS_Store`, autocut's own
/// unfinished outputs.
pub fn is_hidden(below: &Path) -> bool {
    below.iter().any(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn compile(glob: &str) -> Result<GlobMatcher, String> {
    let build = |glob: &str| GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
    // As it was written first: an error should speak of what the user wrote.
    build(glob)
        .and_then(|_| build(&fold_extension(glob)))
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

/// Every letter after the last dot of the last name as a class of both cases,
/// as far as it stands for itself.
fn fold_extension(glob: &str) -> String {
    let mut extension = None;
    let mut plain = Vec::new();
    let (mut in_class, mut escaped) = (false, false);
    for (at, c) in glob.char_indices() {
        let stands_for_itself = !in_class && !escaped;
        match c {
            '/' if stands_for_itself => extension = None,
            '.' if stands_for_itself => extension = Some(at),
            _ => {}
        }
        plain.push(stands_for_itself && c.is_ascii_alphabetic());
        in_class = !escaped && (c == '[' || in_class && c != ']');
        escaped = c == '\\' && !escaped;
    }
    let mut folded = String::new();
    for ((at, c), plain) in glob.char_indices().zip(plain) {
        if plain && extension.is_some_and(|dot| at > dot) {
            folded.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
        } else {
            folded.push(c);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern, Path::new("/project")).unwrap().matches(name)
    }

    #[test]
    fn extensions_of_globs_match_in_either_case() {
        assert!(matches("front/*.MP4", "front/a.mp4"));
        assert!(matches("front/*.{mp4,mov}", "front/a.MOV"));
        assert!(matches("*.[Mm]p4", "a.MP4"));
        assert!(matches("*[a.b].mp4", "x..MP4"));
        assert!(!matches("Front/*.mp4", "front/a.mp4"));
        assert!(!matches("GX*.mp4", "gx1.mp4"));
    }

    #[test]
    fn stars_stay_within_a_folder_unless_doubled() {
        assert!(!matches("*.mp4", "front/a.mp4"));
        assert!(matches("**/*.mp4", "front/day/a.mp4"));
        assert!(matches("**/*.mp4", "a.mp4"));
        assert!(matches("*/a?.mp4", "front/a1.mp4"));
    }

    #[test]
    fn hidden_names_never_match() {
        for name in ["front/._a.mp4", "front/.b/a.mp4", ".autocut/x.mp4"] {
            assert!(!matches("**/*.mp4", name), "{name}");
        }
    }

    #[test]
    fn names_are_relative_to_the_project_where_they_can_be() {
        for (pattern, name) in [
            ("./front/a.mp4", "front/a.mp4"),
            ("/project/front/a.mp4", "front/a.mp4"),
            ("../project/front/a.mp4", "front/a.mp4"),
            ("../disk/a.mp4", "../disk/a.mp4"),
            ("/disk/a.mp4", "/disk/a.mp4"),
            ("../disk/*.mp4", "../disk/a.mp4"),
            ("/disk/*.mp4", "/disk/a.mp4"),
        ] {
            assert!(matches(pattern, name), "{pattern}");
        }
    }

    #[test]
    fn a_character_can_be_taken_literally() {
        assert!(matches("a\\[1\\].mp4", "a[1].mp4"));
    }

    #[test]
    fn what_is_not_a_glob_is_told() {
        let error = Pattern::new("front/[a.mp4", Path::new("/project")).unwrap_err();
        assert!(error.message.starts_with("\"front/[a.mp4\" is not a glob"), "{}", error.message);
        assert!(Pattern::new(" ", Path::new("/project")).is_err());
    }
}
