//! Diagnostics: what is wrong, where, and what to do about it. Built once
//! where the trouble is found; rendered by `report`.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who can mend it. Decides the exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// Worth saying; nothing fails. Exit code 0.
    Warning,
    /// The user's input is wrong: manifest, footage, telemetry. Exit code 1.
    Input,
    /// The machine lacks something: codec, disk space, rights. Exit code 2.
    Environment,
    /// autocut is wrong. Exit code 3.
    Bug,
}

impl Tier {
    pub fn exit_code(self) -> u8 {
        match self {
            Tier::Warning => 0,
            Tier::Input => 1,
            Tier::Environment => 2,
            Tier::Bug => 3,
        }
    }
}

/// What there was too little of, where something else can be done about it than
/// telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shortage {
    Memory,
    /// Of a hardware encoder, which has only so many at once.
    Sessions,
    /// An encoder that works: another may do instead.
    Encoder,
}

/// A place in a text file: lines and columns count from 1, columns in
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    pub file: PathBuf,
    pub line: u32,
    pub column: u32,
    /// How many characters to underline, at least 1.
    pub width: u32,
    /// The source line itself, without its line end; empty where unknown or too
    /// long to be shown.
    pub source: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub tier: Tier,
    /// What is wrong, one sentence, no full stop.
    pub message: String,
    pub place: Option<Box<Place>>,
    /// Facts that help to understand it.
    pub notes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
    /// For want of what it happened.
    pub shortage: Option<Shortage>,
}

impl Diagnostic {
    pub fn new(tier: Tier, message: impl Into<String>) -> Self {
        Diagnostic { tier, message: message.into(), place: None, notes: Vec::new(), hint: None, shortage: None }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Tier::Warning, message)
    }

    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Tier::Input, message)
    }

    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(Tier::Environment, message)
    }

    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Tier::Bug, message)
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn for_want_of(mut self, shortage: Shortage) -> Self {
        self.shortage = Some(shortage);
        self
    }
}

/// One line: for logs and for `--json`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.file.display(), place.line, place.column)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Several of them, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether anything is worse than a warning.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.tier > Tier::Warning)
    }

    /// Fails where anything is worse than a warning.
    pub fn into_result(self) -> Result<(), Diagnostics> {
        if self.has_errors() { Err(self) } else { Ok(()) }
    }

    /// The exit code that the worst of them asks for.
    pub fn exit_code(&self) -> u8 {
        self.0.iter().map(|d| d.tier.exit_code()).max().unwrap_or(0)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Diagnostics(vec![one])
    }
}

/// The known name nearest to a misspelled one, for "did you mean" hints.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count().max(wrong.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name() {
        let known = ["speed", "heart_rate", "power"];
        assert_eq!(nearest("sped", known), Some("speed"));
        assert_eq!(nearest("heartrate", known), Some("heart_rate"));
        assert_eq!(nearest("temperature", known), None);
    }
}
