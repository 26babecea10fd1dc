//! One worker process of `autocut-media`: started at first use, talked to over
//! a socket that is its standard input, killed when it hangs or is no longer
//! wanted.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::base::{Bytes, Diagnostic};
use crate::exec::postmortem::{self, End, Remains};
use crate::exec::retry::Cause;
use crate::inputs::{RealSystem, machine};
use crate::model::confinement::{Confinement, Rights};
use crate::model::protocol::{self, Invocation, PROTOCOL_VERSION, Reply, Request};
use crate::model::{Kind, Toolchain};

/// A worker that says nothing for so long is stuck, where it does nothing that
/// has a deadline of its own.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long it may take to try all hardware: each driver may hang once.
const TRIALS: Duration = Duration::from_secs(600);

/// How long a process that has closed its side may take to be gone.
const LAST_GASP: Duration = Duration::from_secs(1);

/// How long what a worker said beside an answer may take to arrive.
const ECHO: Duration = Duration::from_millis(20);

/// A process' memory is looked at no more often than this: nothing much is
/// decoded or encoded in less.
const FELT: Duration = Duration::from_millis(20);

/// How many of its last lines are shown when it dies.
const LAST_LINES: usize = 8;

/// The most memory that a worker may take, in bytes, where a build is planned with
/// less: what the largest pictures need that cameras make. Whatever asks for more
/// does so because of a file that lies.
const LEAST_MEMORY: u64 = 4 << 30;

/// A worker whose resident memory has grown past this is replaced when it is
/// idle: decoders and allocators do not give everything back.
const MAX_RESIDENT_MIB: u64 = 700;

/// The media program: the one that is named, else the one beside this program,
/// as both are installed.
pub fn find_program(named: Option<&Path>) -> Result<PathBuf, Diagnostic> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let here = std::env::current_exe()
        .map_err(|e| Diagnostic::environment(format!("cannot tell where this program is: {e}")))?;
    // Test programs lie one folder below the programs they test.
    let folders = here.parent().into_iter().chain(here.parent().and_then(Path::parent));
    let mut candidates = folders.map(|folder| folder.join("autocut-media"));
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        Diagnostic::environment("the program autocut-media is missing")
            .note(format!("it was looked for beside {}", here.display()))
            .hint("install both programs together (`make install`), or name it in AUTOCUT_MEDIA")
    })
}

/// What went wrong with an action.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The worker looked at it and says no.
    Refused(Diagnostic),
    /// The worker died or hung: another try may succeed.
    Crashed(Cause, Diagnostic),
    /// Something that it reads was corrupt, and is gone now: what made that has
    /// to run first.
    Spoiled(Diagnostic),
    /// It was killed because nobody wants the result any more.
    Cancelled,
}

/// Kills the process of a worker from another thread.
#[derive(Clone, Default)]
pub struct Killer(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    child: Option<Child>,
    /// The driver's end of the socket: closed with the process, so that nobody
    /// waits for one that cannot be killed.
    socket: Option<UnixStream>,
    /// What it does now is not wanted.
    interrupted: bool,
    /// Nothing is wanted of it any more.
    cancelled: bool,
}

impl Killer {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills the process, now and for good.
    pub fn cancel(&self) {
        let mut slot = self.slot();
        slot.cancelled = true;
        slot.kill();
    }

    /// Kills the process; the next work starts another.
    pub fn interrupt(&self) {
        let mut slot = self.slot();
        slot.interrupted = true;
        slot.kill();
    }

    /// Whether it was killed on purpose; an interruption is over then.
    fn was_meant(&self) -> bool {
        let mut slot = self.slot();
        std::mem::take(&mut slot.interrupted) || slot.cancelled
    }

    /// Forgets an interruption that came when the work was done already. For
    /// whoever interrupts, before it hands out the next.
    pub fn forget(&self) {
        self.slot().interrupted = false;
    }

    fn is_running(&self) -> bool {
        self.slot().child.is_some()
    }

    /// Waits for the process to end by itself: how it did, if it does.
    fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let since = Instant::now();
        loop {
            // Not held while this sleeps: whoever cancels must not wait.
            let ended = self.slot().child.as_mut().and_then(|child| child.try_wait().transpose());
            match ended {
                Some(ended) => return ended.ok(),
                None if since.elapsed() >= patience => return None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Slot {
    fn kill(&mut self) {
        if let Some(socket) = self.socket.take() {
            // Failing means that it is closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        if let Some(mut child) = self.child.take() {
            // Failing means that it is dead already.
            let _ = child.kill();
            // One that a dead disk holds does not end before that comes back:
            // nobody waits for it but a thread.
            std::thread::spawn(move || child.wait());
        }
    }
}

/// A place for one process, which is started when it is needed.
pub struct Worker {
    program: PathBuf,
    killer: Killer,
    running: Option<Running>,
    /// Instead of that of what it does.
    deadline: Option<Duration>,
    /// What its processes may do.
    rights: Rights,
}

struct Running {
    socket: UnixStream,
    pid: u32,
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
    /// How many processes the kernel had killed for memory before.
    kills: Option<u64>,
    /// How long it may say nothing.
    deadline: Duration,
    /// What it held in memory, and when that was looked at.
    resident: Option<(Instant, u32)>,
    /// What it has given up.
    confinement: Confinement,
}

impl Worker {
    /// One that may write nowhere.
    pub fn new(program: PathBuf) -> Self {
        let rights = Rights { writable: Vec::new(), memory: Some(LEAST_MEMORY) };
        Worker { program, killer: Killer::default(), running: None, deadline: None, rights }
    }

    /// Lets it take as much memory as a build is planned with, where that is more
    /// than it needs in any case; without end, where that is.
    #[must_use]
    pub fn with_memory(mut self, planned: Option<Bytes>) -> Self {
        self.rights.memory = planned.map(|planned| planned.0.max(LEAST_MEMORY));
        self
    }

    /// Lets it write below a folder, and nowhere else. A process that runs is
    /// ended: it has given up all rights but those that it has.
    pub fn write_below(&mut self, folder: &Path) {
        let writable = vec![folder.to_owned()];
        if self.rights.writable != writable {
            self.stop();
            self.rights.writable = writable;
        }
    }

    /// What its process gives up before it reads footage.
    ///
    /// # Errors
    /// No process can be started.
    pub fn confinement(&mut self) -> Result<Confinement, Diagnostic> {
        if self.running.is_none() {
            self.start_confined().map_err(why)?;
        }
        Ok(self.running.as_ref().map(|running| running.confinement.clone()).unwrap_or_default())
    }

    /// Lets it make no progress for so long, whatever it does.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Option<Duration>) -> Self {
        self.deadline = deadline;
        self
    }

    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// What the media program says of its libraries.
    pub fn toolchain(&mut self) -> Result<Toolchain, Diagnostic> {
        self.stop();
        self.start().map_err(why)?;
        // It keeps its rights, to start processes that try hardware, and reads no
        // footage.
        let told = self.say_hello().and_then(|()| self.begin(TRIALS)).and_then(|()| self.send(&Request::Toolchain));
        let told = told.and_then(|()| self.receive()).map_err(why);
        self.stop();
        match told? {
            Reply::Toolchain(toolchain) => Ok(toolchain),
            _ => Err(Diagnostic::bug("autocut-media answered another question")),
        }
    }

    /// Starts a process that may do no more than it has rights to.
    fn start_confined(&mut self) -> Result<(), Failure> {
        self.start()?;
        self.shake_hands()
    }

    /// Runs actions together. `hear` gets every reply; it ends when each of
    /// them is done or failed, or the process is gone.
    pub fn run(&mut self, invocations: Vec<Invocation>, hear: &mut dyn FnMut(Reply)) -> Result<(), Failure> {
        if !self.killer.is_running() {
            self.stop();
        }
        let mut open = invocations.len();
        let kinds: Vec<(u64, &Kind)> = invocations.iter().map(|each| (each.id, each.spec.kind())).collect();
        let slowest = invocations.iter().map(|each| each.spec.kind().deadline).max().unwrap_or(DEADLINE);
        self.begin(slowest)?;
        self.send(&Request::Run(invocations))?;
        while open > 0 {
            let mut reply = self.receive()?;
            if matches!(reply, Reply::Done { .. } | Reply::Failed { .. }) {
                open -= 1;
            }
            // Or the plan would wait for it for ever.
            if let Reply::Done { id, result, .. } = &reply
                && let Some((id, kind)) = kinds.iter().find(|(own, _)| own == id)
                && !kind.fits(result.files.len(), &result.value)
            {
                let diagnostic = Diagnostic::bug(format!("what autocut-media made is no {} result", kind.name));
                reply = Reply::Failed { id: *id, diagnostic };
            }
            if let Reply::Failed { id, diagnostic } = reply {
                let diagnostic = postmortem::with_last_words(diagnostic, &self.last_lines());
                reply = Reply::Failed { id, diagnostic };
            }
            hear(reply);
        }
        if u64::from(self.resident_mib()) > MAX_RESIDENT_MIB {
            self.stop();
        }
        Ok(())
    }

    /// What the process holds in memory, in MiB, or held shortly before; 0 where
    /// there is none.
    pub fn resident_mib(&mut self) -> u32 {
        let Some(running) = &mut self.running else { return 0 };
        let now = Instant::now();
        match running.resident {
            Some((felt, mib)) if now.duration_since(felt) < FELT => mib,
            _ => {
                let held = machine::resident(&RealSystem, running.pid);
                let mib = held.map_or(0, |held| u32::try_from(held.now.as_mib()).unwrap_or(u32::MAX));
                running.resident = Some((now, mib));
                mib
            }
        }
    }

    /// Makes ready for work that may say nothing for so long.
    fn begin(&mut self, deadline: Duration) -> Result<(), Failure> {
        if self.running.is_none() {
            self.start_confined()?;
        }
        let deadline = self.deadline.unwrap_or(deadline);
        let Some(running) = &mut self.running else { return Err(Failure::Cancelled) };
        // What was said before belongs to other work.
        running.lines.lock().unwrap_or_else(PoisonError::into_inner).clear();
        running.deadline = deadline;
        let set = running.socket.set_read_timeout(Some(deadline));
        set.map_err(|error| self.died(End::Broken(error)))
    }

    /// What it said last.
    fn last_lines(&self) -> Vec<String> {
        let Some(running) = &self.running else { return Vec::new() };
        // It goes another way than answers do.
        std::thread::sleep(ECHO);
        running.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn send(&mut self, request: &Request) -> Result<(), Failure> {
        if self.running.is_none() {
            self.start_confined()?;
        }
        let sent = self.running.as_mut().map(|running| protocol::send(&mut running.socket, request));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(e)) => Err(self.died(End::Broken(e))),
            None => Err(Failure::Cancelled),
        }
    }

    fn receive(&mut self) -> Result<Reply, Failure> {
        let Some(running) = self.running.as_mut() else { return Err(Failure::Cancelled) };
        match protocol::receive(&mut running.socket) {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(self.died(End::Closed)),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let deadline = running.deadline;
                Err(self.died(End::Silent(deadline)))
            }
            Err(e) => Err(self.died(End::Broken(e))),
        }
    }

    fn start(&mut self) -> Result<(), Failure> {
        let broken = |what: &str, error: std::io::Error| match postmortem::not_started(what, &error) {
            (Cause::Refused, problem) => Failure::Refused(problem),
            (cause, problem) => Failure::Crashed(cause, problem),
        };
        let (socket, theirs) = UnixStream::pair().map_err(|e| broken("cannot make a socket", e))?;
        let deadline = self.deadline.unwrap_or(DEADLINE);
        socket.set_read_timeout(Some(deadline)).map_err(|e| broken("cannot set a deadline", e))?;
        let kills = machine::kills(&RealSystem);
        let mut slot = self.killer.slot();
        if slot.cancelled || std::mem::take(&mut slot.interrupted) {
            return Err(Failure::Cancelled);
        }
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_withheld(name)) {
            command.env_remove(name);
        }
        let spawned = command
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C is for the driver, which then ends its workers itself.
            .process_group(0)
            .spawn();
        // It holds their end of the socket, which has to close when they end.
        drop(command);
        let mut child = spawned.map_err(|e| broken(&format!("cannot start {}", self.program.display()), e))?;
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let reader = {
            let (stderr, lines) = (child.stderr.take(), lines.clone());
            std::thread::spawn(move || stderr.map_or((), |stderr| keep_last_lines(stderr, &lines)))
        };
        let pid = child.id();
        slot.child = Some(child);
        slot.socket = socket.try_clone().ok();
        drop(slot);
        let confinement = Confinement::default();
        self.running = Some(Running { socket, pid, lines, reader, kills, deadline, resident: None, confinement });
        Ok(())
    }

    fn say_hello(&mut self) -> Result<(), Failure> {
        self.send(&Request::Hello { version: PROTOCOL_VERSION })?;
        match self.receive()? {
            Reply::Hello { version } if version == PROTOCOL_VERSION => Ok(()),
            _ => Err(self.is_foreign()),
        }
    }

    fn shake_hands(&mut self) -> Result<(), Failure> {
        self.say_hello()?;
        self.send(&Request::Confine(self.rights.clone()))?;
        match (self.receive()?, &mut self.running) {
            (Reply::Confined(confinement), Some(running)) => {
                running.confinement = confinement;
                Ok(())
            }
            _ => Err(self.is_foreign()),
        }
    }

    fn is_foreign(&mut self) -> Failure {
        self.stop();
        let problem = format!("{} is of another version than this program", self.program.display());
        Failure::Refused(Diagnostic::environment(problem).hint("install both together (`make install`)"))
    }

    /// Tells why the process is gone, in its own last words.
    fn died(&mut self, end: End) -> Failure {
        if self.killer.was_meant() {
            self.stop();
            return Failure::Cancelled;
        }
        let status = match end {
            End::Silent(_) => None,
            End::Closed | End::Broken(_) => self.killer.wait(LAST_GASP),
        };
        let kills = self.running.as_ref().and_then(|running| running.kills);
        let memory_was_short = machine::kills(&RealSystem) > kills;
        let lines = self.stop();
        let (cause, problem) = postmortem::examine(&end, Remains { status, lines, memory_was_short });
        Failure::Crashed(cause, problem)
    }

    /// Ends the process and hands out its last lines.
    pub fn stop(&mut self) -> Vec<String> {
        let Some(running) = self.running.take() else { return Vec::new() };
        self.killer.slot().kill();
        drop(running.socket);
        // It ends with the pipe, which a process that cannot be killed holds on.
        let since = Instant::now();
        while !running.reader.is_finished() && since.elapsed() < LAST_GASP {
            std::thread::sleep(Duration::from_millis(1));
        }
        let lines = running.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is said of a failure where nobody tries again.
fn why(failure: Failure) -> Diagnostic {
    match failure {
        Failure::Refused(why) | Failure::Crashed(_, why) | Failure::Spoiled(why) => why,
        Failure::Cancelled => Diagnostic::environment("interrupted"),
    }
}

/// Whether a variable of the environment is none of the media program's
/// business: it reads hostile files and talks to nobody, so what opens a shared
/// store, or a proxy on the way to it, stays here.
fn is_withheld(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    name.starts_with("AWS_") || name.ends_with("_PROXY")
}

fn keep_last_lines(from: impl std::io::Read, lines: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(from).split(b'\n') {
        let Ok(line) = line else { break };
        let line = without_addresses(&String::from_utf8_lossy(&line));
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Of what is said over and over the last time counts.
        lines.retain(|known| *known != line);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// A line of libav* without the address of what it is about, which is another
/// in each run: `[h264 @ 0x5581c0]` is `[h264]`.
fn without_addresses(line: &str) -> String {
    const MARK: &str = " @ 0x";
    let mut parts = line.split(MARK);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_the_same_in_each_run() {
        let line = "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d3c8a0] moov atom not found [h264 @ 0xab] x @ 0y";
        assert_eq!(without_addresses(line), "[mov,mp4,m4a,3gp,3g2,mj2] moov atom not found [h264] x @ 0y");
        assert_eq!(without_addresses("plain"), "plain");
    }
}
