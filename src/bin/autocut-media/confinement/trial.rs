//! A trial of the barriers, for tests: `autocut-media try-barriers HOW SCRATCH
//! OUTSIDE PORT` gives up its rights and then tries what it should not be able
//! to do, and what it should. It prints a line for each attempt: `done` or
//! `refused`.
//!
//! `HOW` is `confined`; `free`, which gives nothing up, so that a test can see
//! that its attempts are ones that succeed; or `old-kernel`, where Landlock is
//! not to be had.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use autocut::base::Diagnostic;
use autocut::model::confinement::{Confinement, Rights};
use rustix::process::{getppid, test_kill_process};

/// The limit of memory in the trial.
const MEMORY: u64 = 1 << 30;

/// What is tried: the scratch folder, a folder outside with a file `file` and a
/// socket `socket`, and a port at which somebody listens.
struct Scene {
    scratch: PathBuf,
    outside: PathBuf,
    port: u16,
}

type Attempt = (&'static str, fn(&Scene) -> io::Result<()>);

const ATTEMPTS: &[Attempt] = &[
    ("tcp-connect", |scene| TcpStream::connect(("127.0.0.1", scene.port)).map(drop)),
    ("tcp-listen", |_| TcpListener::bind(("127.0.0.1", 0)).map(drop)),
    ("udp", |scene| UdpSocket::bind(("127.0.0.1", 0))?.send_to(b"x", ("127.0.0.1", scene.port)).map(drop)),
    ("unix-connect", |scene| UnixStream::connect(scene.outside.join("socket")).map(drop)),
    ("program", |_| Command::new("true").status().map(drop)),
    ("signal", |_| {
        let parent = getppid().ok_or(io::ErrorKind::NotFound)?;
        test_kill_process(parent).map_err(io::Error::from)
    }),
    ("create-outside", |scene| File::create(scene.outside.join("new")).map(drop)),
    ("change-outside", |scene| OpenOptions::new().append(true).open(scene.outside.join("file"))?.write_all(b"x")),
    ("truncate-outside", |scene| {
        OpenOptions::new().write(true).truncate(true).open(scene.outside.join("file")).map(drop)
    }),
    ("folder-outside", |scene| fs::create_dir(scene.outside.join("folder"))),
    ("link-outside", |scene| symlink("file", scene.outside.join("link"))),
    ("move-inside", |scene| fs::rename(scene.outside.join("file"), scene.scratch.join("moved"))),
    ("remove-outside", |scene| fs::remove_file(scene.outside.join("other"))),
    ("rights-outside", |scene| fs::set_permissions(scene.outside.join("rights"), Permissions::from_mode(0o777))),
    ("much-memory", |_| {
        let mut much: Vec<u8> = Vec::new();
        let most = usize::try_from(MEMORY).unwrap_or(usize::MAX);
        much.try_reserve_exact(most.saturating_add(1 << 20)).map_err(|_| io::ErrorKind::OutOfMemory.into())
    }),
    ("read-outside", |scene| fs::read(scene.outside.join("rights")).map(drop)),
    ("list-outside", |scene| fs::read_dir(&scene.outside).map(drop)),
    ("write-inside", |scene| {
        let (one, other) = (scene.scratch.join("one"), scene.scratch.join("other"));
        fs::write(&one, b"abc")?;
        fs::write(&one, b"d")?;
        File::open(&one)?;
        fs::remove_file(one)?;
        File::create(other)?.set_len(10)
    }),
    ("thread", |_| std::thread::Builder::new().spawn(|| ())?.join().map_err(|_| io::ErrorKind::Other.into())),
    ("some-memory", |_| {
        let mut some: Vec<u8> = Vec::new();
        some.try_reserve_exact(256 << 20).map_err(|_| io::ErrorKind::OutOfMemory.into())
    }),
];

/// Makes the trial.
pub(crate) fn run(arguments: &[OsString]) -> Result<(), Diagnostic> {
    let wrong = || Diagnostic::input("try-barriers takes: confined|free|old-kernel SCRATCH OUTSIDE PORT");
    let [how, scratch, outside, port] = arguments else { return Err(wrong()) };
    let port = port.to_str().and_then(|port| port.parse().ok()).ok_or_else(wrong)?;
    let scene = Scene { scratch: scratch.into(), outside: outside.into(), port };
    let confinement = match how.to_str() {
        Some("free") => Confinement::default(),
        Some("confined") => confine(&scene.scratch),
        Some("old-kernel") => {
            hide_landlock()?;
            confine(&scene.scratch)
        }
        _ => return Err(wrong()),
    };
    let mut told = String::new();
    for barrier in &confinement.barriers {
        let (Ok(means) | Err(means)) = &barrier.means;
        let there = if barrier.means.is_ok() { "works" } else { "missing" };
        told.push_str(&format!("barrier {there}: {}: {means}\n", barrier.what));
    }
    for (name, attempt) in ATTEMPTS {
        let outcome = match attempt(&scene) {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("refused: {error}"),
        };
        told.push_str(&format!("{name} {outcome}\n"));
    }
    io::stdout().write_all(told.as_bytes()).map_err(|error| Diagnostic::environment(format!("cannot print: {error}")))
}

fn confine(scratch: &Path) -> Confinement {
    super::confine(&Rights { writable: vec![scratch.to_owned()], memory: Some(MEMORY) })
}

/// Makes this kernel look like one without Landlock.
pub(crate) fn hide_landlock() -> Result<(), Diagnostic> {
    #[cfg(target_os = "linux")]
    return super::syscalls::hide_landlock().map_err(Diagnostic::environment);
    #[cfg(not(target_os = "linux"))]
    Ok(())
}
