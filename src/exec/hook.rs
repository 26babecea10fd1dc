//! The command that `watch --exec` runs after each good build.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::base::Diagnostic;

/// A shell command. One that still runs when it is to run again is ended first.
pub struct Hook {
    command: String,
    folder: PathBuf,
    running: Option<Child>,
}

impl Hook {
    /// `command` is run by `sh` in `folder`.
    pub fn new(command: String, folder: PathBuf) -> Self {
        Hook { command, folder, running: None }
    }

    /// Starts it, and does not wait for its end.
    pub fn run(&mut self) -> Result<(), Diagnostic> {
        self.end();
        let started = Command::new("sh")
            .args(["-c", &self.command])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            // What it starts itself ends with it.
            .process_group(0)
            .spawn();
        let child =
            started.map_err(|error| Diagnostic::environment(format!("cannot run {:?}: {error}", self.command)))?;
        self.running = Some(child);
        Ok(())
    }

    /// Ends it where it still runs.
    fn end(&mut self) {
        let Some(mut child) = self.running.take() else { return };
        if matches!(child.try_wait(), Ok(None)) {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // Failing means that it has just ended.
                let _ = kill_process_group(group, Signal::TERM);
            }
            let _ = child.wait();
        }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.end();
    }
}
