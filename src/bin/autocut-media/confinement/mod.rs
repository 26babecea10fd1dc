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

use crate::{meter, toolchain};

/// Keeps no more than these rights; says which of the others are gone.
pub(crate) fn confine(rights: &Rights) -> Confinement {
    // Its file is one of those that cannot be opened for writing afterwards.
    meter::open();
    let mut confinement = Confinement::default();
    limits(rights, &mut confinement);
    barriers(rights, &mut confinement);
    confinement
}

/// Answers the greeting, which ends with what rights there are; what the toolchain
/// is may be asked instead. False where nobody is there any more.
pub(crate) fn greet(socket: &mut UnixStream) -> io::Result<bool> {
    let mut is_spent = false;
    while let Some(request) = protocol::receive::<Request>(socket)? {
        match request {
            Request::Hello { .. } => protocol::send(socket, &Reply::Hello { version: PROTOCOL_VERSION })?,
            // Libraries may have left threads behind, which would keep their rights.
            Request::Confine(_) if is_spent => return Err(io::Error::other("it is too late to give up rights")),
            Request::Confine(rights) => {
                protocol::send(socket, &Reply::Confined(confine(&rights)))?;
                return Ok(true);
            }
            Request::Toolchain => {
                is_spent = true;
                protocol::send(socket, &Reply::Toolchain(toolchain::toolchain()))?;
            }
            Request::Run(_) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Hardware is tried in processes, so the toolchain is told while there are
    /// all rights; and whoever had them to the end reads no footage.
    #[test]
    fn who_says_what_the_toolchain_is_does_no_work_afterwards() {
        crate::av::start();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        for request in [
            Request::Hello { version: PROTOCOL_VERSION },
            Request::Toolchain,
            Request::Confine(Rights { writable: Vec::new(), memory: None }),
        ] {
            protocol::send(&mut ours, &request).unwrap();
        }
        assert!(greet(&mut theirs).unwrap_err().to_string().contains("too late"));
        let mut told = || protocol::receive::<Reply>(&mut ours).unwrap();
        assert!(matches!(told(), Some(Reply::Hello { .. })));
        assert!(matches!(told(), Some(Reply::Toolchain(_))));
    }
}
