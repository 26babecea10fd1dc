//! The user's config file: settings for every project on this machine.
//!
//! It is RON, read by the same parser and the same declarations as a manifest,
//! so that what is wrong in it is told as well: all at once, each thing with
//! its place and a hint.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::base::{Bytes, Diagnostic, Diagnostics, Place, Timestamp};
use crate::deliver::encoders::Wanted;
use crate::exec::decoding::DecodeBy;
use crate::exec::settings::values::{Jobs, SharedPlace, StoreFolder};
use crate::inputs::{self, System};
use crate::manifest::parser;
use crate::manifest::{Checker, FromNode, Node, Schema, schema};

schema! {
    /// The config file. Every field may be left out.
    ///
    /// ```ron
    /// Config(jobs: 4, memory: "6GiB", store: "/scratch/autocut", store_limit: "200GiB", store_age: "90d", codec: "auto")
    /// ```
    pub struct Config = "Config" {
        /// Actions that run side by side. Left out: the processors that
        /// autocut may use.
        jobs: Option<Jobs> = None,
        /// Memory that actions may take together. Left out: three quarters of
        /// what autocut may use.
        memory: Option<Bytes> = None,
        /// The folder for results: in each project where it is relative, one
        /// for all of them where it is not, or with `{project}` in it one for
        /// each. Left out: `.autocut` in the project.
        store: Option<StoreFolder> = None,
        /// The encoder for H.264: "auto" takes the best that works, and the
        /// next where that fails.
        codec: Option<Wanted> = None,
        /// What decodes: "auto" takes hardware where it works and pays,
        /// "software" never, a device such as "vaapi" wherever that works.
        decode: Option<DecodeBy> = None,
        /// Size that a store may have, where the manifest does not say so: what
        /// was not used for longest goes first. Left out: 50 GiB or a fifth of
        /// its disk.
        store_limit: Option<Bytes> = None,
        /// What was not used for longer goes, where the manifest does not say so.
        store_age: Option<Timestamp> = None,
        /// The store that machines share: an absolute folder, or
        /// `s3://BUCKET/PREFIX`. Left out: there is none.
        remote: Option<SharedPlace> = None,
        /// Whether what is made here is published to it. Left out: it is not.
        remote_write: Option<bool> = None,
    }
}

/// The name of the variable that names the config file.
pub const VARIABLE: &str = "AUTOCUT_CONFIG";

/// A config file, or none.
#[derive(Debug, Default)]
pub struct Found {
    /// Where it is, or would be.
    pub path: Option<PathBuf>,
    pub exists: bool,
    pub config: Config,
    /// Where each field stands that is given.
    places: Vec<(String, Place)>,
}

impl Found {
    /// Where a field is given.
    pub fn place(&self, field: &str) -> Option<&Place> {
        self.places.iter().find(|(name, _)| name == field).map(|(_, place)| place)
    }
}

/// Reads the config file: the one that `AUTOCUT_CONFIG` names, which must be
/// there, else `autocut/config.ron` in `XDG_CONFIG_HOME` or in `~/.config`.
pub fn read(environment: &dyn Fn(&str) -> Option<OsString>, system: &dyn System, problems: &mut Diagnostics) -> Found {
    let folder = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let named = environment(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let usual = || {
        let folder = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
        Some(folder.join("autocut").join("config.ron"))
    };
    let must_exist = named.is_some();
    let Some(path) = named.or_else(usual) else { return Found::default() };
    let bytes = match system.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            if must_exist {
                let problem = Diagnostic::input(format!("{VARIABLE} names {}, which is not there", path.display()));
                problems.push(problem.hint("write it, or unset the variable"));
            }
            return Found { path: Some(path), ..Found::default() };
        }
        Err(error) => {
            problems.push(inputs::cannot("read", &path, &error));
            return Found { path: Some(path), exists: true, ..Found::default() };
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => parse(&path, &text, problems),
        Err(_) => {
            let problem = Diagnostic::input(format!("{} is not UTF-8 text", path.display()));
            problems.push(problem.hint("save it as UTF-8"));
            Found { path: Some(path), exists: true, ..Found::default() }
        }
    }
}

fn parse(path: &Path, text: &str, problems: &mut Diagnostics) -> Found {
    let mut found = Found { path: Some(path.to_owned()), exists: true, ..Found::default() };
    if text.trim().is_empty() {
        return found;
    }
    let mut checker = Checker::new(path, text);
    match parser::parse(text) {
        Ok(node) => {
            if let Some(config) = Config::from_node(&node, &mut checker) {
                found.config = config;
            }
            found.places = places(&node, &checker);
        }
        Err(error) => checker.report(error.span, error.diagnostic),
    }
    problems.0.extend(checker.finish().0);
    found
}

fn places(node: &Node, checker: &Checker) -> Vec<(String, Place)> {
    let fields = Config::fields().into_iter().map(|field| field.name);
    let given = fields.filter_map(|name| Some((name.to_owned(), checker.place(node.field(name)?.span))));
    given.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_example_is_right() {
        let example = Config::DOC.split("```").nth(1).and_then(|block| block.strip_prefix("ron")).unwrap();
        let mut problems = Diagnostics::default();
        let found = parse(Path::new("config.ron"), example, &mut problems);
        assert_eq!(problems.0, []);
        assert_eq!(found.config.memory, Some(Bytes(6 << 30)));
        assert_eq!(found.place("jobs").map(|place| (place.line, place.column)), Some((2, 15)));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = "Config(\n    job: 4,\n    memory: \"much\",\n    codec: \"x265\",\n)";
        let mut problems = Diagnostics::default();
        parse(Path::new("config.ron"), text, &mut problems);
        let told: Vec<_> = problems.0.iter().map(|one| (one.place.as_ref().unwrap().line, one.to_string())).collect();
        assert_eq!(told.len(), 3, "{told:#?}");
        for ((line, message), (expected, word)) in
            told.iter().zip([(2, "did you mean `jobs`"), (3, "4GiB"), (4, "no encoder")])
        {
            assert!(*line == expected && message.contains(word), "{message}");
        }
    }

    #[test]
    fn an_empty_file_settles_nothing() {
        let mut problems = Diagnostics::default();
        assert_eq!(parse(Path::new("c"), " \n", &mut problems).config, Config::default());
        assert_eq!(problems.0, []);
    }
}
