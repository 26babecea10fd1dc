//! Requests on their way in, and the end of a worker whose `autocut` is gone:
//! killed, say, while the worker sits in a decoder that reports nothing, or
//! waits for a file on a dead network share.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};

use autocut::model::protocol::{self, Request};
use rustix::process::{Signal, getpid, kill_process};

/// Reads requests on a thread of its own. When the other side closes, which the
/// kernel does for one who was killed, this process ends, whatever it is doing.
pub(crate) fn open(mut socket: UnixStream) -> io::Result<Receiver<io::Result<Request>>> {
    let (sender, requests) = channel();
    let read = move || {
        while let Some(request) = protocol::receive(&mut socket).transpose() {
            let unreadable = request.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidData);
            if request.is_err() && !unreadable {
                break;
            }
            // Fails where the serving loop has ended, and the process with it.
            let _ = sender.send(request);
            if unreadable {
                // The loop says so, and ends.
                return;
            }
        }
        // Nobody is left to tell anything to. At once, without the exit handlers
        // of libraries that other threads are in the middle of; what is left
        // behind is a scratch folder, which the next build clears.
        let _ = kill_process(getpid(), Signal::KILL);
    };
    std::thread::Builder::new().name("inbox".to_owned()).spawn(read)?;
    Ok(requests)
}
