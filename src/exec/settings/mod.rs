//! Settings: how autocut works on this machine, as against what it makes. None
//! of them changes a byte of a result but the encoder, which is in the key of
//! what it encodes.
//!
//! Each is said in up to four places, and a later one is stronger: the default,
//! the user's [config file](config), the environment, the command line. Where
//! each came from is kept for `autocut doctor`.
//!
//! The environment is read here alone, and only through the function that the
//! caller gives: nothing else in the library asks for a variable.

pub mod config;
pub mod values;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Bytes, Diagnostic, Diagnostics};
use crate::deliver::encoders::Wanted;
use crate::exec::decoding::DecodeBy;
use crate::inputs::System;
use crate::inputs::machine::Machine;
use crate::manifest::FromNode;
use crate::manifest::manifest::StoreLimits;
use crate::store::remote::{Access, Location};

use config::{Config, Found};
pub use values::{FromText, Jobs, SharedPlace, StoreFolder};

/// The store's folder in a project, where no setting says otherwise.
const STORE: &str = ".autocut";

/// Where settings are looked for.
pub struct Sources<'a> {
    /// What the command line says.
    pub arguments: Arguments,
    /// A variable's value.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// Where the config file is read, and what the machine has.
    pub system: &'a dyn System,
}

/// The settings that the command line gives.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub jobs: Option<Jobs>,
    pub memory: Option<Bytes>,
    pub store: Option<StoreFolder>,
    pub codec: Option<Wanted>,
    pub decode: Option<DecodeBy>,
    pub remote: Option<SharedPlace>,
    pub remote_write: Option<bool>,
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

/// Where a setting comes from, the weakest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything; why the default is what it is.
    Default(String),
    /// The config file, at this line.
    File { path: PathBuf, line: u32 },
    /// A variable.
    Environment(&'static str),
    /// An option.
    CommandLine(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default(why) => write!(f, "default: {why}"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment: {name}"),
            Origin::CommandLine(option) => write!(f, "command line: {option}"),
        }
    }
}

/// All of them, settled.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Actions that run side by side.
    pub jobs: Setting<Jobs>,
    /// Memory that they may take together; `None` where nothing limits it.
    pub memory: Setting<Option<Bytes>>,
    pub store: Setting<StoreFolder>,
    pub codec: Setting<Wanted>,
    /// What decodes: no byte of a result depends on it.
    pub decode: Setting<DecodeBy>,
    /// How much a store may keep, where the manifest does not say so: of the
    /// config file alone.
    pub limits: StoreLimits,
    /// The store that machines share, if there is one.
    pub remote: Setting<Option<Location>>,
    /// Whether what is made here is published to it.
    pub remote_write: Setting<bool>,
    /// Credentials for it, from the environment alone.
    pub access: Access,
    /// The media program, where it is named.
    pub program: Option<PathBuf>,
    /// How long a worker may make no progress, where that is not left to the
    /// kind of its action: for tests of what happens then.
    pub deadline: Option<Duration>,
    /// The config file, and whether there is one.
    pub config: Option<(PathBuf, bool)>,
}

impl Settings {
    /// Settles every setting, and tells everything that is wrong with any. A
    /// setting that is wrong in one place has its value from a weaker one.
    pub fn settle(sources: Sources<'_>) -> (Settings, Diagnostics) {
        let Sources { arguments, environment, system } = sources;
        let mut problems = Diagnostics::default();
        let file = config::read(environment, system, &mut problems);
        let home = environment("HOME").map(PathBuf::from);
        let machine = Machine::look(system);
        let mut layers = Layers { environment, file: &file, problems: &mut problems };
        let mut settings = Settings {
            jobs: layers.settle(
                "jobs",
                default_jobs(&machine),
                |config| config.jobs,
                ("AUTOCUT_JOBS", Jobs::from_text),
                ("--jobs", arguments.jobs),
            ),
            memory: layers.settle(
                "memory",
                default_memory(&machine),
                |config| config.memory.map(Some),
                ("AUTOCUT_MEMORY", |text| Bytes::from_text(text).map(Some)),
                ("--memory", arguments.memory.map(Some)),
            ),
            store: layers.settle(
                "store",
                (StoreFolder(STORE.into()), "in the project".to_owned()),
                |config| config.store.map(|folder| folder.with_home(home.clone())),
                ("AUTOCUT_STORE", |text| Ok(StoreFolder(text.into()).made_absolute())),
                ("--store", arguments.store.map(StoreFolder::made_absolute)),
            ),
            codec: layers.settle(
                "codec",
                (Wanted::Auto, "the best that works".to_owned()),
                |config| config.codec,
                ("AUTOCUT_CODEC", Wanted::from_text),
                ("--codec", arguments.codec),
            ),
            decode: layers.settle(
                "decode",
                default_decode(environment),
                |config| config.decode,
                ("AUTOCUT_DECODE", DecodeBy::from_text),
                ("--decode", arguments.decode),
            ),
            limits: StoreLimits { limit: file.config.store_limit, age: file.config.store_age },
            remote: layers.settle(
                "remote",
                (None, "none is named".to_owned()),
                |config| config.remote.map(|place| Some(place.with_home(home.clone()))),
                ("AUTOCUT_REMOTE", |text| SharedPlace::from_text(text).map(|place| Some(place.0))),
                ("--remote", arguments.remote.map(|place| Some(place.0))),
            ),
            remote_write: layers.settle(
                "remote_write",
                (false, "it is only read".to_owned()),
                |config| config.remote_write,
                ("AUTOCUT_REMOTE_WRITE", bool::from_text),
                ("--remote-write", arguments.remote_write),
            ),
            access: Access::default(),
            program: environment("AUTOCUT_MEDIA").filter(|value| !value.is_empty()).map(PathBuf::from),
            deadline: layers.variable("AUTOCUT_DEADLINE", seconds),
            config: file.path.clone().map(|path| (path, file.exists)),
        };
        // Not of interest to whoever shares nothing by a bucket.
        if let Some(Location::Bucket { .. }) = settings.remote.value {
            match Access::read(environment) {
                Ok(access) => settings.access = access,
                Err(problem) => problems.push(problem),
            }
        }
        (settings, problems)
    }

    /// The store's folder for the project in `root`, an absolute path.
    pub fn store_of(&self, root: &Path) -> PathBuf {
        self.store.value.for_project(root)
    }

    fn shared_store(&self) -> String {
        match &self.remote.value {
            None => "none".to_owned(),
            Some(location) if self.remote_write.value => format!("{location}, read and written"),
            Some(location) => format!("{location}, read"),
        }
    }

    /// Name, value and origin of each, for people.
    pub fn list(&self) -> Vec<(&'static str, String, String)> {
        let memory = self.memory.value.map_or_else(|| "no limit".to_owned(), |bytes| bytes.to_string());
        let limit = self.limits.limit.map(|limit| ("store_limit", limit.to_string()));
        let age = self.limits.age.map(|age| ("store_age", age.to_text().trim_matches('"').to_owned()));
        let file = self.config.as_ref().map(|(path, _)| path.display().to_string()).unwrap_or_default();
        let mut all = vec![
            ("jobs", self.jobs.value.0.to_string(), self.jobs.origin.to_string()),
            ("memory", memory, self.memory.origin.to_string()),
            ("store", self.store.value.to_string(), self.store.origin.to_string()),
            ("codec", self.codec.value.as_str().to_owned(), self.codec.origin.to_string()),
            ("decode", self.decode.value.name().to_owned(), self.decode.origin.to_string()),
            ("shared store", self.shared_store(), self.remote.origin.to_string()),
        ];
        all.extend(limit.into_iter().chain(age).map(|(name, value)| (name, value, file.clone())));
        all
    }
}

fn default_jobs(machine: &Machine) -> (Jobs, String) {
    let why = match machine.quota_millis {
        Some(millis) if (millis / 1_000) < machine.processors as u64 => {
            format!("the control group allows {} processors", millis as f64 / 1_000.0)
        }
        _ => "the processors that autocut may use".to_owned(),
    };
    let most = u16::try_from(machine.parallelism()).unwrap_or(u16::MAX);
    (Jobs(most), why)
}

/// Machines of continuous integration are to prove what others make.
fn default_decode(environment: &dyn Fn(&str) -> Option<OsString>) -> (DecodeBy, String) {
    match environment("CI").filter(|value| !value.is_empty()) {
        Some(_) => (DecodeBy::Software, "CI is set".to_owned()),
        None => (DecodeBy::Auto, "hardware where it works and pays".to_owned()),
    }
}

/// Three quarters: the rest is for everyone else.
fn default_memory(machine: &Machine) -> (Option<Bytes>, String) {
    match machine.usable_memory() {
        Some(Bytes(bytes)) => {
            let whose = if machine.memory_limit == Some(Bytes(bytes)) { "the control group" } else { "this machine" };
            (Some(Bytes(bytes / 4 * 3)), format!("three quarters of the {} that {whose} has", Bytes(bytes)))
        }
        None => (None, "this system does not tell what it has".to_owned()),
    }
}

/// A number of seconds above 0.
fn seconds(text: &str) -> Result<Duration, Diagnostic> {
    let seconds = text.trim().parse().ok().filter(|seconds: &f64| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| Diagnostic::input(format!("expected a number of seconds such as 120, found {text:?}")))
}

/// Reads a variable's value.
type Parse<T> = fn(&str) -> Result<T, Diagnostic>;

/// The places where a setting can be said.
struct Layers<'a> {
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    file: &'a Found,
    problems: &'a mut Diagnostics,
}

impl Layers<'_> {
    fn settle<T>(
        &mut self,
        name: &'static str,
        (default, why): (T, String),
        in_file: impl FnOnce(Config) -> Option<T>,
        (variable, parse): (&'static str, Parse<T>),
        (option, argument): (&'static str, Option<T>),
    ) -> Setting<T> {
        // Asked although the command line is stronger: a variable that is wrong
        // is wrong in the next run too.
        let in_environment = self.variable(variable, parse);
        if let Some(value) = argument {
            return Setting { value, origin: Origin::CommandLine(option) };
        }
        if let Some(value) = in_environment {
            return Setting { value, origin: Origin::Environment(variable) };
        }
        let place = self.file.place(name).map(|place| Origin::File { path: place.file.clone(), line: place.line });
        match in_file(self.file.config.clone()).zip(place) {
            Some((value, origin)) => Setting { value, origin },
            None => Setting { value: default, origin: Origin::Default(why) },
        }
    }

    /// A variable that is set; an empty one is not.
    fn variable<T>(&mut self, name: &str, parse: Parse<T>) -> Option<T> {
        let value = (self.environment)(name).filter(|value| !value.is_empty())?;
        let Some(text) = value.to_str() else {
            self.problems.push(Diagnostic::input(format!("{name} is not UTF-8 text")));
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let message = format!("{name}: {}", wrong.message);
                self.problems.push(Diagnostic { message, ..wrong });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
