//! What this thread takes of the machine: for work that is done in `autocut`
//! itself. (What `autocut-media` does it measures itself.)

use rustix::time::{ClockId, clock_gettime};

use crate::model::Usage;

/// Counters of the thread as they stood when the work began.
pub struct Meter {
    cpu_us: u64,
    read: u64,
    written: u64,
}

impl Meter {
    pub fn start() -> Meter {
        let (read, written) = io();
        Meter { cpu_us: cpu_us(), read, written }
    }

    /// What the thread took since. Its memory is that of the whole process and
    /// is not told.
    pub fn stop(&self) -> Usage {
        let (read, written) = io();
        Usage {
            cpu_us: cpu_us().saturating_sub(self.cpu_us),
            peak_kib: 0,
            read: read.saturating_sub(self.read),
            written: written.saturating_sub(self.written),
            shared: 1,
        }
    }
}

/// Bytes read and written by this thread (Linux 3.17 and newer; zeros
/// elsewhere).
fn io() -> (u64, u64) {
    Usage::io_counters(&std::fs::read_to_string("/proc/thread-self/io").unwrap_or_default())
}

/// User and system time in µs, of this thread.
fn cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_this_thread_and_of_no_other() {
        let busy = |rounds: u64| (0..rounds).fold(1u64, |a, b| std::hint::black_box(a.wrapping_mul(31) ^ b));
        let meter = Meter::start();
        std::hint::black_box(busy(20_000_000));
        let own = meter.stop().cpu_us;
        let meter = Meter::start();
        std::thread::scope(|scope| drop(scope.spawn(|| std::hint::black_box(busy(20_000_000)))));
        let others = meter.stop().cpu_us;
        assert!(own > 0 && others < own, "{own} and {others}");
    }
}
