//! What this process gives up before it reads the first byte of a file that
//! somebody else made: the network, other programs, every file but those in its
//! scratch folder (which it may still read), and memory without end. A decoder
//! that hostile media takes over is left with that. docs/security.md has the
//! whole list, and what is not on it.
//!
//! It is given up for good, by the one thread that there is then; those that
//! come later inherit it. What a system has no means for is told and not an
//! error.

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod syscalls;
pub(crate) mod trial;

use std::io;
use std::os::unix::net::UnixStream;

use autocut::model::confinement::{Confinement, Rights};
use autocut::model::protocol::{self, PROTOCOL_VERSION, Reply, Request};

use crate::meter;

/// Keeps no more than these rights; says which of the others are gone.
pub(crate) fn confine(rights: &Rights) -> Confinement {
    // Its file is one of those that cannot be opened for writing afterwards.
    meter::open();
    let mut confinement = Confinement::default();
    limits(rights, &mut confinement);
    barriers(rights, &mut confinement);
    confinement
}

/// Answers the greeting, which ends with what rights there are. False where
/// nobody is there any more.
pub(crate) fn greet(socket: &mut UnixStream) -> io::Result<bool> {
    while let Some(request) = protocol::receive::<Request>(socket)? {
        match request {
            Request::Hello { .. } => protocol::send(socket, &Reply::Hello { version: PROTOCOL_VERSION })?,
            Request::Confine(rights) => {
                protocol::send(socket, &Reply::Confined(confine(&rights)))?;
                return Ok(true);
            }
            Request::Toolchain | Request::Run(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "work before it was said what rights there are",
                ));
            }
        }
    }
    Ok(false)
}

#[cfg(target_os = "linux")]
fn limits(rights: &Rights, confinement: &mut Confinement) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |resource, most: u64| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    // A dump of a decoder holds people's pictures, and takes time to write.
    limit(Resource::Core, 0).ok();
    if let Some(most) = rights.memory {
        let set = limit(Resource::Data, most).map(|()| format!("at most {} MiB (RLIMIT_DATA)", most >> 20));
        confinement.add("bounded memory", set.map_err(|error| error.to_string()));
    }
}

#[cfg(target_os = "linux")]
fn barriers(rights: &Rights, confinement: &mut Confinement) {
    let files = files::close(&rights.writable);
    let calls = syscalls::close();
    confinement.add("no writing elsewhere", files);
    confinement.add("no network", calls.clone());
    confinement.add("no other programs", calls);
}

#[cfg(not(target_os = "linux"))]
fn limits(_: &Rights, _: &mut Confinement) {}

#[cfg(not(target_os = "linux"))]
fn barriers(_: &Rights, confinement: &mut Confinement) {
    for what in ["bounded memory", "no writing elsewhere", "no network", "no other programs"] {
        confinement.add(what, Err("autocut has no means for it on this system, only on Linux".to_owned()));
    }
}
