//! The command that `watch --exec` runs after each good build.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use crate::base::Diagnostic;

/// How long a command that is told to end may take for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A shell command. One that still runs when it is to run again is ended first.
pub struct Hook {
    command: String,
    folder: PathBuf,
    /// What it prints goes to standard error: standard output is for programs.
    aside: bool,
    running: Option<Child>,
}

impl Hook {
    /// `command` is run by `sh` in `folder`.
    pub fn new(command: String, folder: PathBuf, aside: bool) -> Self {
        Hook { command, folder, aside, running: None }
    }

    /// Starts it, and does not wait for its end.
    pub fn run(&mut self) -> Result<(), Diagnostic> {
        self.end();
        let started = Command::new("sh")
            .args(["-c", &self.command])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(if self.aside { Stdio::from(std::io::stderr()) } else { Stdio::inherit() })
            // What it starts itself ends with it.
            .process_group(0)
            .spawn();
        let child =
            started.map_err(|error| Diagnostic::environment(format!("cannot run {:?}: {error}", self.command)))?;
        self.running = Some(child);
        Ok(())
    }

    /// Ends what still runs of it, also where the shell itself has ended.
    fn end(&mut self) {
        let Some(mut child) = self.running.take() else { return };
        let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
        // Failing means that nothing of it runs any more.
        if kill_process_group(group, Signal::TERM).is_ok() {
            let until = Instant::now() + PATIENCE;
            while test_kill_process_group(group).is_ok() && Instant::now() < until {
                // Without this the shell itself stays in the group.
                let _ = child.try_wait();
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(pid: &str) -> bool {
        Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap().success()
    }

    fn pid_in(folder: &std::path::Path) -> String {
        let path = folder.join("pid");
        while !std::fs::read_to_string(&path).is_ok_and(|pid| pid.ends_with('\n')) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn what_a_command_left_in_the_background_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut hook = Hook::new("sleep 777 & echo $! > pid".to_owned(), folder.path().to_owned(), false);
        hook.run().unwrap();
        let pid = pid_in(folder.path());
        drop(hook);
        assert!(!runs(&pid));
    }

    #[test]
    fn one_that_does_not_listen_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let command = "trap '' TERM; echo $$ > pid; while true; do sleep 0.1; done";
        let mut hook = Hook::new(command.to_owned(), folder.path().to_owned(), false);
        hook.run().unwrap();
        let (pid, since) = (pid_in(folder.path()), Instant::now());
        drop(hook);
        assert!(!runs(&pid) && since.elapsed() >= PATIENCE);
    }
}
