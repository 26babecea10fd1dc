//! `autocut store`: what the store holds and how much it helps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::{Diagnostic, UtcTime};
use crate::exec::collect::{self, Source};
use crate::exec::opened::Opened;
use crate::store::{FORMAT, Limit, Sizes, Space};

/// What is in a store.
#[derive(Debug)]
pub struct Inventory {
    pub path: PathBuf,
    /// The version of its format.
    pub format: u32,
    pub sizes: Sizes,
    pub limit: Limit,
    /// Who set the limit.
    pub source: Source,
    pub space: Space,
    /// How often results of a kind were asked for in the builds that are
    /// remembered.
    pub rates: BTreeMap<String, Rate>,
    pub builds: usize,
    /// The last successful build of each project: its path ("" for the one that
    /// the store lies in), when, and how many results it needs.
    pub projects: Vec<(String, UtcTime, usize)>,
}

/// How often results were there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    pub ran: u64,
    pub reused: u64,
}

impl Rate {
    /// In percent; `None` where nothing was asked for.
    pub fn percent(self) -> Option<u64> {
        (self.reused * 100).checked_div(self.ran + self.reused)
    }
}

/// Looks through the store.
pub fn take(opened: &Opened) -> Result<Inventory, Diagnostic> {
    let store = opened.store();
    let space = store.space()?;
    let (limit, source) = collect::limit(store, opened.limits(), &collect::Asked::default())?;
    let builds = store.builds()?;
    let mut rates: BTreeMap<String, Rate> = BTreeMap::new();
    for (kind, count) in builds.iter().flat_map(|build| &build.kinds) {
        let rate = rates.entry(kind.clone()).or_default();
        rate.ran += count.ran;
        rate.reused += count.reused;
    }
    let roots = store.roots()?;
    Ok(Inventory {
        path: store.root().to_owned(),
        format: FORMAT,
        sizes: store.sizes()?,
        limit,
        source,
        space,
        rates,
        builds: builds.len(),
        projects: roots.into_iter().map(|root| (root.project, root.at, root.keys.len())).collect(),
    })
}
