//! What a worker process is left with once it has given up all that it does not
//! need, before it reads the first byte of a file that somebody else made.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a worker may do. It may read what its user may read; beyond that:
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Below these folders it may make, change and remove files.
    pub writable: Vec<PathBuf>,
    /// The most memory that it may have, in bytes; `None` for no limit.
    pub memory: Option<u64>,
}

/// What came of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    pub barriers: Vec<Barrier>,
}

/// One thing that a worker can no longer do, or still can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barrier {
    /// `no network`, say.
    pub what: String,
    /// By what means, or why it is not there.
    pub means: Result<String, String>,
}

impl Confinement {
    pub fn add(&mut self, what: &str, means: Result<String, String>) {
        self.barriers.push(Barrier { what: what.to_owned(), means });
    }
}
