//! `autocut watch`.

use crate::cli::args::{Args, Watch};
use crate::cli::setup;
use crate::exec::Listener;
use crate::exec::goal::{Options, Summary};
use crate::exec::hook::Hook;
use crate::exec::watch::{self, Session};
use crate::report::json::JsonLines;
use crate::report::terminal;
use crate::store::Holder;

pub(super) fn run(args: &Args, wanted: &Watch) -> u8 {
    let settings = match setup::settings(args) {
        Ok(settings) => settings,
        Err(refused) => return refused.code,
    };
    let folder = setup::folder(args);
    let hook = wanted.exec.clone().map(|command| Hook::new(command, folder.clone(), wanted.json));
    let mut session = Told { hook };
    let listener: Box<dyn Listener> =
        if wanted.json { Box::new(JsonLines::new(std::io::stdout())) } else { Box::new(setup::terminal()) };
    let options = Options { keep_going: wanted.keep_going, force: wanted.force, ..setup::options_of(&settings) };
    let outputs = wanted.outputs.clone();
    let draft = wanted.draft;
    let project = watch::Wanted { folder: &folder, settings: &settings, outputs, options, draft };
    match watch::watch(&project, &*listener, &setup::attended(), &mut session) {
        Ok(code) => code,
        Err(problems) => setup::tell(&problems),
    }
}

/// Says on the terminal what happens between builds.
struct Told {
    hook: Option<Hook>,
}

impl Session for Told {
    fn built(&mut self, summary: &Summary, news: bool) {
        if news && !summary.interrupted {
            self.waits();
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

    fn waits(&self) {
        terminal::note("watching for changes; Ctrl-C ends it");
    }
}
