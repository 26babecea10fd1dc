//! Why a worker is gone: from how the conversation with it ended, how its
//! process ended, and what it said last.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::io::Errno;
use signal_hook::consts::{SIGABRT, SIGKILL};
use signal_hook::low_level::signal_name;

use crate::base::Diagnostic;
use crate::exec::retry::Cause;

/// How the conversation ended.
#[derive(Debug)]
pub enum End {
    /// The worker closed its side.
    Closed,
    /// Nothing came for so long.
    Silent(Duration),
    /// It cannot be spoken to.
    Broken(io::Error),
}

/// What is left of a worker.
#[derive(Debug, Default)]
pub struct Remains {
    /// `None` where it did not end by itself.
    pub status: Option<ExitStatus>,
    /// What it said last on standard error.
    pub lines: Vec<String>,
    /// Whether the kernel killed some process for memory meanwhile.
    pub memory_was_short: bool,
}

/// The cause of death, and what people are told of it.
pub fn examine(end: &End, remains: Remains) -> (Cause, Diagnostic) {
    let Remains { status, lines, memory_was_short } = remains;
    let signal = status.and_then(|status| status.signal());
    // What the allocator of Rust says before it aborts.
    let gave_up = signal == Some(SIGABRT) && lines.iter().any(|line| line.starts_with("memory allocation of"));
    let cause = match end {
        End::Silent(_) => Cause::Hung,
        _ if gave_up || (signal == Some(SIGKILL) && memory_was_short) => Cause::OutOfMemory,
        _ => Cause::Died,
    };
    let how = match (end, status) {
        (End::Silent(time), _) => format!("made no progress for {} s and was ended", seconds(*time)),
        (_, Some(_)) if cause == Cause::OutOfMemory => "ran out of memory".to_owned(),
        (_, Some(status)) => Exit(status).to_string(),
        (End::Broken(error), None) => format!("cannot be spoken to: {error}"),
        (End::Closed, None) => "stopped listening and was ended".to_owned(),
    };
    let problem = with_last_words(Diagnostic::environment(format!("the media worker {how}")), &lines);
    let problem = match cause {
        Cause::OutOfMemory => {
            problem.hint("let fewer actions run at once (-j), or give autocut less memory to plan with (--memory)")
        }
        _ => problem,
    };
    (cause, problem)
}

/// Puts what a worker said last under a diagnostic.
pub fn with_last_words(problem: Diagnostic, lines: &[String]) -> Diagnostic {
    if lines.is_empty() { problem } else { problem.note(format!("it said last:\n{}", lines.join("\n"))) }
}

/// What becomes of an action whose worker cannot be started.
pub fn not_started(what: &str, error: &io::Error) -> (Cause, Diagnostic) {
    let problem = Diagnostic::environment(format!("{what}: {error}"));
    match Errno::from_io_error(error) {
        // A program that is being written is whole in a moment.
        Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::TXTBSY) => {
            (Cause::NotStarted, problem.hint("too much runs on this machine: let fewer actions run at once (-j)"))
        }
        _ => (Cause::Refused, problem),
    }
}

/// How a process ended, as the end of a sentence about it.
struct Exit(ExitStatus);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.signal(), self.0.code()) {
            (Some(SIGKILL), _) => f.write_str("was killed (SIGKILL)"),
            (Some(signal), _) => match signal_name(signal) {
                Some(name) => write!(f, "crashed ({name})"),
                None => write!(f, "crashed (signal {signal})"),
            },
            (None, code) => write!(f, "ended by itself (exit code {})", code.unwrap_or(0)),
        }
    }
}

/// Seconds without a fraction, unless that is all there is.
fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { time.as_secs().to_string() } else { format!("{:.1}", time.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// What is left of a shell that does this.
    fn remains(script: &str) -> Remains {
        let output = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).output().unwrap();
        let lines = String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect();
        Remains { status: Some(output.status), lines, memory_was_short: false }
    }

    #[test]
    fn deaths_are_told_apart() {
        let told = |script| {
            let (cause, problem) = examine(&End::Closed, remains(script));
            (cause, problem.message)
        };
        let died = |words: &str| (Cause::Died, format!("the media worker {words}"));
        assert_eq!(told("kill -KILL $$"), died("was killed (SIGKILL)"));
        assert_eq!(told("kill -SEGV $$"), died("crashed (SIGSEGV)"));
        assert_eq!(told("exit 3"), died("ended by itself (exit code 3)"));
        let out_of_memory = (Cause::OutOfMemory, "the media worker ran out of memory".to_owned());
        assert_eq!(told("echo memory allocation of 99 bytes failed >&2; kill -ABRT $$"), out_of_memory);
    }

    /// The kernel's killer leaves no other trace in the process than a SIGKILL.
    #[test]
    fn a_kill_while_memory_was_short_is_for_memory() {
        let short = Remains { memory_was_short: true, ..remains("kill -KILL $$") };
        assert_eq!(examine(&End::Closed, short).0, Cause::OutOfMemory);
        let crash = Remains { memory_was_short: true, ..remains("kill -SEGV $$") };
        assert_eq!(examine(&End::Closed, crash).0, Cause::Died);
    }

    #[test]
    fn last_words_are_kept() {
        let (cause, problem) =
            examine(&End::Silent(Duration::from_millis(1_500)), remains("echo one >&2; echo two >&2"));
        assert_eq!(cause, Cause::Hung);
        assert_eq!(problem.message, "the media worker made no progress for 1.5 s and was ended");
        assert_eq!(problem.notes, ["it said last:\none\ntwo"]);
    }

    #[test]
    fn what_others_give_back_is_waited_for() {
        // EAGAIN, ENOMEM, EMFILE; ENOENT, EACCES.
        let cause = |errno| not_started("cannot start it", &io::Error::from_raw_os_error(errno)).0;
        let transient = [11, 12, 24].map(cause);
        if cfg!(target_os = "linux") {
            assert_eq!(transient, [Cause::NotStarted; 3]);
        }
        assert!([2, 13].map(cause).iter().all(|cause| matches!(cause, Cause::Refused)));
    }
}
