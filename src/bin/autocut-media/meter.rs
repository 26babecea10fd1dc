//! What an action takes of this process: measured from before it to after it.

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;

use autocut::model::Usage;
use rustix::time::{ClockId, clock_gettime};

/// Counters as they stood when an action began. One at a time: the peak of
/// memory is the process's.
pub(crate) struct Meter {
    cpu_us: u64,
    read: u64,
    written: u64,
}

impl Meter {
    pub(crate) fn start() -> Meter {
        // From here on the peak counts anew (Linux; proc_pid_clear_refs(5)).
        // Where that cannot be, it is that of the process so far.
        if let Some(mut counter) = open() {
            counter.write_all(b"5").ok();
        }
        let (read, written) = io();
        Meter { cpu_us: cpu_us(), read, written }
    }

    pub(crate) fn stop(&self) -> Usage {
        let (read, written) = io();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Usage {
            cpu_us: cpu_us().saturating_sub(self.cpu_us),
            peak_kib: Usage::status_kib(&status, "VmHWM"),
            read: read.saturating_sub(self.read),
            written: written.saturating_sub(self.written),
            shared: 1,
        }
    }
}

/// The file by which the peak of memory is set back. It is kept open, because a
/// process without rights could not open it again.
pub(crate) fn open() -> Option<&'static File> {
    static COUNTER: OnceLock<Option<File>> = OnceLock::new();
    COUNTER.get_or_init(|| File::options().write(true).open("/proc/self/clear_refs").ok()).as_ref()
}

fn io() -> (u64, u64) {
    Usage::io_counters(&std::fs::read_to_string("/proc/self/io").unwrap_or_default())
}

/// User and system time in µs, of all threads.
fn cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen() {
        let meter = Meter::start();
        let mut block = vec![1u8; 64 << 20];
        for round in 0..4u8 {
            block.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(3).wrapping_add(round));
        }
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut file, &block[..1 << 20]).expect("written");
        let usage = meter.stop();
        assert!(usage.cpu_us > 0);
        if cfg!(target_os = "linux") {
            assert!(usage.written >= 1 << 20, "{usage:?}");
            assert!(usage.peak_kib >= 64 << 10, "{usage:?}");
        }
    }
}
