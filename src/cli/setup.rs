//! What several commands begin with: the project, the listener, Ctrl-C.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::base::{Diagnostic, Diagnostics};
use crate::cli::args::Args;
use crate::exec::driver::Driver;
use crate::exec::goal::{Goal, Options, Summary};
use crate::exec::lockfile;
use crate::exec::opened::Opened;
use crate::exec::settings::{Settings, Sources};
use crate::exec::storage::{Purpose, Storage};
use crate::exec::{Listener, Workspace};
use crate::inputs::RealSystem;
use crate::report::terminal::{self, Terminal};
use crate::store::Holder;

/// The folder that the command is about.
pub(super) fn folder(args: &Args) -> PathBuf {
    args.folder.clone().unwrap_or_else(|| PathBuf::from("."))
}

/// Whether errors are coloured: on a terminal, unless NO_COLOR is set.
pub(super) fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Prints what is wrong and gives the exit code for it.
pub(super) fn tell(problems: &Diagnostics) -> u8 {
    terminal::tell(&problems.0, colour());
    problems.exit_code()
}

/// The settings that hold, or what is wrong with them. The one place where the
/// environment is read.
pub(super) fn settings(args: &Args) -> Result<Settings, Refused> {
    let environment = |name: &str| std::env::var_os(name);
    let arguments = args.settings.arguments();
    let (settings, problems) = Settings::settle(Sources { arguments, environment: &environment, system: &RealSystem });
    match tell(&problems) {
        0 => Ok(settings),
        code => Err(Refused { code, problems }),
    }
}

/// Opens the project to look at it, or says why not.
pub(super) fn look(args: &Args) -> Result<Workspace, Refused> {
    accept(Workspace::open(&folder(args), &settings(args)?, &Purpose::Look))
}

/// Opens the project to build in it; `what` is told to those who wait for it.
pub(super) fn open(args: &Args, what: &str) -> Result<Workspace, Refused> {
    let interrupted = interrupted();
    let purpose = Purpose::Build { what, waiting: &waiting, interrupted: &interrupted };
    accept(Workspace::open(&folder(args), &settings(args)?, &purpose))
}

/// Opens the project's store, to work on it whatever the manifest says, or says
/// why not and gives the exit code.
pub(super) fn storage(args: &Args, what: &str) -> Result<Storage, u8> {
    let interrupted = interrupted();
    let purpose = Purpose::Build { what, waiting: &waiting, interrupted: &interrupted };
    open_storage(args, &purpose)
}

fn open_storage(args: &Args, purpose: &Purpose<'_>) -> Result<Storage, u8> {
    let settings = settings(args).map_err(|refused| refused.code)?;
    let storage = Storage::open(&folder(args), &settings, purpose).map_err(|problem| tell(&problem.into()))?;
    tell(&Diagnostics(storage.store.warning().into_iter().collect()));
    Ok(storage)
}

/// Opens the project's store to look at it, or says why not and gives the exit
/// code.
pub(super) fn look_at_storage(args: &Args) -> Result<Storage, u8> {
    open_storage(args, &Purpose::Look)
}

/// Opens the project to work on its store; without what the manifest says where
/// that cannot be used. Says why not and gives the exit code.
pub(super) fn open_or_storage(args: &Args, what: &str) -> Result<Opened, u8> {
    let interrupted = interrupted();
    let purpose = Purpose::Build { what, waiting: &waiting, interrupted: &interrupted };
    opened(args, &purpose)
}

/// [`open_or_storage`] to look only.
pub(super) fn look_or_storage(args: &Args) -> Result<Opened, u8> {
    opened(args, &Purpose::Look)
}

fn opened(args: &Args, purpose: &Purpose<'_>) -> Result<Opened, u8> {
    let settings = settings(args).map_err(|refused| refused.code)?;
    Opened::open(&folder(args), &settings, purpose).map_err(|problem| tell(&problem.into()))
}

/// Says whom this one has to wait for.
pub(super) fn waiting(holder: &Holder) {
    terminal::tell(&[Diagnostic::warning(format!("waiting for {holder}"))], colour());
}

/// A project that cannot be opened, for reasons that people were told.
pub(super) struct Refused {
    pub code: u8,
    pub problems: Diagnostics,
}

fn accept((workspace, problems): (Option<Workspace>, Diagnostics)) -> Result<Workspace, Refused> {
    let code = tell(&problems);
    workspace.filter(|_| code == 0).ok_or(Refused { code: code.max(1), problems })
}

/// Whether bars may be drawn on standard error.
pub(super) fn live() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none()
}

/// The listener for people.
pub(super) fn terminal() -> Terminal {
    Terminal::new(live(), colour())
}

/// What a build starts from.
pub(super) fn options(workspace: &Workspace) -> Options {
    options_of(&workspace.settings)
}

/// [`options`] before a project is open.
pub(super) fn options_of(settings: &Settings) -> Options {
    Options { jobs: usize::from(settings.jobs.value.0), keep_going: false, force: false, apart: false }
}

/// Runs a build that Ctrl-C ends at once, keeping what is finished.
pub(super) fn build(workspace: &mut Workspace, listener: &dyn Listener, options: Options, goal: &Goal) -> Summary {
    let interrupted = attended();
    let summary = Driver::new(workspace, listener, options, &interrupted).run(goal);
    signals().unattended.store(true, Ordering::Relaxed);
    summary
}

/// Brings up to date what a command needs before it can say anything.
pub(super) fn prepare(workspace: &mut Workspace, keep_going: bool, goal: &Goal) -> Summary {
    let options = Options { keep_going, ..options(workspace) };
    build(workspace, &terminal().without_closing(), options, goal)
}

/// Says where autocut.lock pins other moments than those that were just told.
pub(super) fn tell_beside_the_lock(workspace: &Workspace) {
    terminal::tell(lockfile::beside_the_lock(workspace).as_slice(), colour());
}

/// What Ctrl-C and SIGTERM do.
struct Signals {
    interrupted: Arc<AtomicBool>,
    /// Nobody looks at the flag: the first signal ends the program on the spot,
    /// which the store survives.
    unattended: Arc<AtomicBool>,
}

fn signals() -> &'static Signals {
    static SIGNALS: OnceLock<Signals> = OnceLock::new();
    SIGNALS.get_or_init(|| {
        let interrupted = Arc::new(AtomicBool::new(false));
        let unattended = Arc::new(AtomicBool::new(true));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // Without a handler the signal ends the program, which the store
            // survives too.
            for ends in [&unattended, &interrupted] {
                let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, ends.clone());
            }
            let _ = signal_hook::flag::register(signal, interrupted.clone());
        }
        Signals { interrupted, unattended }
    })
}

/// Becomes true at the first Ctrl-C, where that is [`attended`] to; the second
/// ends the program on the spot.
pub(super) fn interrupted() -> Arc<AtomicBool> {
    signals().interrupted.clone()
}

/// [`interrupted`] for whoever looks at it, from now on.
pub(super) fn attended() -> Arc<AtomicBool> {
    signals().unattended.store(false, Ordering::Relaxed);
    interrupted()
}
