//! Signs of life between reports of progress: of the way to the first frame of
//! a segment, say, over a long group of pictures, or of the second pass over a
//! large output.
//!
//! A beat stands for work that ends: a packet that was read, a block that was
//! written. It is not given for time that passed, so what goes round in circles
//! or hangs is silent, and is killed for it.

use std::cell::RefCell;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use autocut::model::protocol::{self, Reply};

/// Least time between two beats that are told.
const EVERY: Duration = Duration::from_secs(1);

struct Pulse {
    to: UnixStream,
    told: Instant,
}

thread_local! {
    /// Where the thread that works tells its beats; nowhere in `run FILE`.
    static PULSE: RefCell<Option<Pulse>> = const { RefCell::new(None) };
    static BEATS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Tells the beats of this thread over a socket that it alone writes to.
pub(crate) fn tell(to: UnixStream) {
    PULSE.with_borrow_mut(|pulse| *pulse = Some(Pulse { to, told: Instant::now() }));
}

/// Something was got done.
pub(crate) fn beat() {
    BEATS.set(BEATS.get().wrapping_add(1));
    PULSE.with_borrow_mut(|pulse| {
        let Some(pulse) = pulse else { return };
        if pulse.told.elapsed() >= EVERY {
            pulse.told = Instant::now();
            // A parent that is gone is noticed where requests are read.
            protocol::send(&mut pulse.to, &Reply::Alive).ok();
        }
    });
}

/// How many there were on this thread.
#[cfg(test)]
pub(crate) fn beats() -> u64 {
    BEATS.get()
}
