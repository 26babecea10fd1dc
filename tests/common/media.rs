//! A media program that stands between autocut and the real one and changes
//! what that makes: the test program itself, started again as `AUTOCUT_MEDIA`.
//!
//! A test program that wants one has a test `media_program` that calls
//! [`serve`] and does nothing when it is run as a test.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use autocut::model::Toolchain;
use autocut::model::protocol::{self, Invocation, Produced, Reply, Request};

use super::Project;

/// Names what is to be changed, to a test program that is started as a media
/// program.
const CHANGE: &str = "AUTOCUT_TEST_MEDIA";

/// Writes a program for `AUTOCUT_MEDIA` into the project that makes the change
/// called `change`.
pub fn program(project: &Project, change: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let name = format!("media-{change}");
    let script = format!(
        "#!/bin/sh\n{CHANGE}={change} exec '{}' --exact media_program --nocapture --test-threads=1\n",
        this.display()
    );
    project.write(&name, script);
    let path = project.path(&name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What is changed on its way from the real program, by the change's name.
pub struct Changes {
    /// Before the real program hears of an action.
    pub before: fn(&str, &Invocation),
    pub produced: fn(&str, &Invocation, &mut Produced),
    pub toolchain: fn(&str, &mut Toolchain),
}

impl Default for Changes {
    fn default() -> Self {
        Changes { before: |_, _| {}, produced: |_, _, _| {}, toolchain: |_, _| {} }
    }
}

/// Serves as a media program, where this process was started as one.
pub fn serve(changes: &Changes) {
    let Ok(change) = std::env::var(CHANGE) else { return };
    let mut autocut = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let (mut real, theirs) = UnixStream::pair().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_autocut-media"))
        .env_remove(CHANGE)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while let Some(request) = protocol::receive::<Request>(&mut autocut).unwrap() {
        if let Request::Run(invocations) = &request {
            invocations.iter().for_each(|invocation| (changes.before)(&change, invocation));
        }
        protocol::send(&mut real, &request).unwrap();
        let invocations = match request {
            Request::Run(invocations) => invocations,
            Request::Hello { .. } | Request::Confine(_) | Request::Toolchain => Vec::new(),
        };
        let mut open: BTreeMap<u64, Invocation> = invocations.into_iter().map(|one| (one.id, one)).collect();
        loop {
            let mut reply = protocol::receive::<Reply>(&mut real).unwrap().unwrap();
            match &mut reply {
                Reply::Toolchain(toolchain) => (changes.toolchain)(&change, toolchain),
                Reply::Done { id, result, .. } => (changes.produced)(&change, &open.remove(id).unwrap(), result),
                Reply::Failed { id, .. } => drop(open.remove(id)),
                Reply::Hello { .. }
                | Reply::Confined(_)
                | Reply::Progress { .. }
                | Reply::Mistrusted { .. }
                | Reply::Alive => {}
            }
            let last = open.is_empty();
            protocol::send(&mut autocut, &reply).unwrap();
            if last {
                break;
            }
        }
    }
    drop(real);
    child.wait().unwrap();
}
