//! `autocut watch`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cli::args::{Args, Watch};
use crate::cli::setup::{self, Refused};
use crate::exec::goal::{Goal, Summary};
use crate::exec::hook::Hook;
use crate::exec::watch::{self, Session};
use crate::exec::workspace::MANIFEST;
use crate::exec::{Listener, Workspace};
use crate::report::json::JsonLines;
use crate::report::terminal;
use crate::store::Holder;

pub(super) fn run(args: &Args, wanted: &Watch) -> u8 {
    let interrupted = setup::interrupted();
    let Some(mut workspace) = open(args, wanted, &interrupted) else { return 130 };
    let mut options = setup::options(&workspace);
    options.keep_going = wanted.keep_going;
    options.force = wanted.force;
    let goal = Goal::Outputs(wanted.outputs.clone());
    let hook = wanted.exec.clone().map(|command| Hook::new(command, workspace.root.clone()));
    let mut session = Told { hook };
    let listener: Box<dyn Listener> =
        if wanted.json { Box::new(JsonLines::new(std::io::stdout())) } else { Box::new(setup::terminal()) };
    match watch::watch(&mut workspace, &*listener, &options, &interrupted, &goal, &mut session) {
        Ok(code) => code,
        Err(problem) => setup::tell(&problem.into()),
    }
}

/// Opens the project; a manifest that is wrong is waited for until it is right.
fn open(args: &Args, wanted: &Watch, interrupted: &AtomicBool) -> Option<Workspace> {
    loop {
        let before = modified(args);
        let opened = setup::open(args, "autocut watch").and_then(|workspace| {
            let checked = workspace.check_targets(&wanted.outputs);
            checked.map(|()| workspace).map_err(|problems| Refused { code: setup::tell(&problems), problems })
        });
        if let Ok(workspace) = opened {
            return Some(workspace);
        }
        while modified(args) == before {
            if interrupted.load(Ordering::Relaxed) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn modified(args: &Args) -> Option<std::time::SystemTime> {
    setup::folder(args).join(MANIFEST).metadata().and_then(|metadata| metadata.modified()).ok()
}

/// Says on the terminal what happens between builds.
struct Told {
    hook: Option<Hook>,
}

impl Session for Told {
    fn built(&mut self, summary: &Summary, news: bool) {
        if news && !summary.interrupted {
            terminal::note("watching for changes; Ctrl-C ends it");
        }
        if news
            && summary.exit_code() == 0
            && let Some(hook) = &mut self.hook
            && let Err(problem) = hook.run()
        {
            setup::tell(&problem.into());
        }
    }

    fn waiting(&self, holder: &Holder) {
        setup::waiting(holder);
    }
}
