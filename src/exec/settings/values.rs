//! The values of settings, as they are written in the config file, in the
//! environment and on the command line.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Bytes, Diagnostic, Digest};
use crate::deliver::encoders::Wanted;
use crate::manifest::schema::mismatch;
use crate::manifest::{Checker, FromNode, Node, Value};
use crate::store::Location;

/// A value that can be given as a text.
pub trait FromText: Sized {
    /// # Errors
    /// Of the user's input: what was expected.
    fn from_text(text: &str) -> Result<Self, Diagnostic>;
}

/// Actions that run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jobs(pub u16);

impl Jobs {
    /// More threads and processes than any machine has a use for.
    const MOST: u16 = 1_024;
}

impl FromText for Jobs {
    fn from_text(text: &str) -> Result<Self, Diagnostic> {
        let number = text.trim().parse().ok().filter(|number| (1..=Jobs::MOST).contains(number));
        let wrong = || Diagnostic::input(format!("expected {}, found {text:?}", Jobs::expects()));
        number.map(Jobs).ok_or_else(wrong)
    }
}

impl FromNode for Jobs {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let number = match node.value {
            Value::Int(value) => u16::try_from(value).ok().filter(|number| (1..=Jobs::MOST).contains(number)),
            _ => None,
        };
        if number.is_none() {
            mismatch::<Self>(node, checker);
        }
        number.map(Jobs)
    }

    fn expects() -> String {
        format!("a whole number from 1 to {}", Jobs::MOST)
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl FromText for Bytes {
    fn from_text(text: &str) -> Result<Self, Diagnostic> {
        text.parse().map_err(Diagnostic::input)
    }
}

impl FromText for Wanted {
    fn from_text(text: &str) -> Result<Self, Diagnostic> {
        Wanted::parse(text)
    }
}

/// The folder for the store: one in each project, one for each project, or one
/// that projects share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreFolder(pub PathBuf);

/// Stands for the project in a [`StoreFolder`].
const PROJECT: &str = "{project}";

impl StoreFolder {
    /// The folder for the project in `root`, an absolute path: relative to it,
    /// with the project's own name put in.
    pub fn for_project(&self, root: &Path) -> PathBuf {
        let Some(text) = self.0.to_str().filter(|text| text.contains(PROJECT)) else { return root.join(&self.0) };
        let name = root.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned());
        let path = Digest::of(root.as_os_str().as_encoded_bytes());
        root.join(text.replace(PROJECT, &format!("{name}-{}", path.short())))
    }

    /// Relative to the working directory where it is relative, as a shell's
    /// user means it.
    pub(super) fn made_absolute(self) -> StoreFolder {
        StoreFolder(std::path::absolute(&self.0).unwrap_or(self.0))
    }

    /// `~/` at the start is the home folder.
    pub(super) fn with_home(self, home: Option<PathBuf>) -> StoreFolder {
        match (self.0.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => StoreFolder(home.join(rest)),
            _ => self,
        }
    }
}

impl FromNode for StoreFolder {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let text = String::from_node(node, checker)?;
        if text.is_empty() {
            checker.error(node.span, "a folder has a name");
            return None;
        }
        Some(StoreFolder(text.into()))
    }

    fn expects() -> String {
        format!("a folder such as \".autocut\" or \"/scratch/{PROJECT}\"")
    }

    fn to_text(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl fmt::Display for StoreFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// Where the store is that machines share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedPlace(pub Location);

impl SharedPlace {
    /// `~/` at the start is the home folder.
    pub(super) fn with_home(self, home: Option<PathBuf>) -> Location {
        match self.0 {
            Location::Folder(folder) => Location::Folder(StoreFolder(folder).with_home(home).0),
            bucket => bucket,
        }
    }
}

/// Relative to the working directory where it is relative, as a shell's user
/// means it.
impl FromText for SharedPlace {
    fn from_text(text: &str) -> Result<Self, Diagnostic> {
        Ok(SharedPlace(match Location::parse(text)? {
            Location::Folder(folder) => Location::Folder(StoreFolder(folder).made_absolute().0),
            bucket => bucket,
        }))
    }
}

impl FromNode for SharedPlace {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        let text = String::from_node(node, checker)?;
        let location = match Location::parse(&text) {
            Ok(location) => location,
            Err(problem) => {
                checker.report(node.span, problem);
                return None;
            }
        };
        if matches!(location, Location::Folder(_)) && !text.starts_with('/') && !text.starts_with("~/") {
            checker.error_with_hint(node.span, "a shared folder is the same for every project", "write its whole path");
            return None;
        }
        Some(SharedPlace(location))
    }

    fn expects() -> String {
        "a folder such as \"/mnt/team/autocut\", or \"s3://BUCKET/PREFIX\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{:?}", self.0.to_string())
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Result<Self, Diagnostic> {
        match text.trim().to_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(true),
            "0" | "false" | "no" => Ok(false),
            _ => Err(Diagnostic::input(format!("expected 1 or 0, found {text:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_jobs() {
        assert_eq!(Jobs::from_text("4").unwrap(), Jobs(4));
        for wrong in ["0", "-1", "many", "1025", "99999999999"] {
            assert!(Jobs::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_store_says_which_project_it_is_for() {
        let folder = |text: &str| StoreFolder(text.into()).for_project(Path::new("/home/u/alps"));
        assert_eq!(folder(".autocut"), Path::new("/home/u/alps/.autocut"));
        assert_eq!(folder("/srv/store"), Path::new("/srv/store"));
        let named = folder("/srv/{project}");
        assert!(named.to_str().unwrap().starts_with("/srv/alps-"), "{named:?}");
        assert_ne!(named, StoreFolder("/srv/{project}".into()).for_project(Path::new("/home/v/alps")));
    }

    #[test]
    fn home() {
        let folder = |text: &str| StoreFolder(text.into()).with_home(Some("/home/u".into())).0;
        assert_eq!(folder("~/cache/{project}"), Path::new("/home/u/cache/{project}"));
        assert_eq!(folder("cache"), Path::new("cache"));
    }
}
