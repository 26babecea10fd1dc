//! `autocut log`.

use crate::base::Diagnostic;
use crate::cli::args::{Args, Log};
use crate::cli::setup;
use crate::report::{history, listing};

pub(super) fn run(args: &Args, wanted: &Log) -> u8 {
    let storage = match setup::look_at_storage(args) {
        Ok(storage) => storage,
        Err(code) => return code,
    };
    let told = match wanted.build {
        None => storage.store.builds().map(|builds| {
            let first = wanted.last.map_or(0, |last| builds.len().saturating_sub(last));
            if wanted.json { history::json(&builds[first..], false) } else { history::list(&builds[first..]) }
        }),
        Some(number) => storage.store.build(number).and_then(|build| match build {
            Some(build) if wanted.json => Ok(history::json(&[build], true)),
            Some(build) => Ok(history::one(&build)),
            None => Err(Diagnostic::input(format!("no build {number} is remembered"))
                .hint("`autocut log` lists those that are")),
        }),
    };
    match told {
        Ok(text) => {
            listing::print_text(&text);
            0
        }
        Err(problem) => setup::tell(&problem.into()),
    }
}
