//! What doing an action took of the machine.

use serde::{Deserialize, Serialize};

/// Zero where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// User and system time of every thread, in µs.
    pub cpu_us: u64,
    /// The most that its process held in resident memory meanwhile, in KiB.
    /// What several actions of a process have in common is in each.
    pub peak_kib: u64,
    /// Bytes that it asked the system for and handed to it, cached or not.
    /// Mapped files are not in them.
    pub read: u64,
    pub written: u64,
    /// How many actions were done together and share one cost, of which this
    /// is an equal part (but for the memory, which each needed whole); 1 for an
    /// action by itself.
    pub shared: u32,
}

impl Usage {
    /// The part of one of `count` actions that were done together.
    pub fn part_of(self, count: usize) -> Usage {
        let parts = (count as u64).max(1);
        Usage {
            cpu_us: self.cpu_us / parts,
            read: self.read / parts,
            written: self.written / parts,
            shared: u32::try_from(parts).unwrap_or(u32::MAX),
            ..self
        }
    }

    /// With what was done for it elsewhere, one after the other.
    pub fn and(self, other: Usage) -> Usage {
        Usage {
            cpu_us: self.cpu_us + other.cpu_us,
            peak_kib: self.peak_kib.max(other.peak_kib),
            read: self.read + other.read,
            written: self.written + other.written,
            shared: self.shared.max(other.shared),
        }
    }

    /// CPU time in ms, rounded.
    pub fn cpu_ms(&self) -> u64 {
        (self.cpu_us + 500) / 1_000
    }

    /// The counters `rchar` and `wchar` of a file like `/proc/self/io`
    /// (proc_pid_io(5)).
    pub fn io_counters(text: &str) -> (u64, u64) {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        (value("rchar:"), value("wchar:"))
    }

    /// A size in a file like `/proc/self/status`, in KiB (proc_pid_status(5)).
    pub fn status_kib(text: &str, name: &str) -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in proc_pid_io(5) and proc_pid_status(5).
    #[test]
    fn counters_of_the_system() {
        let io = "rchar: 323934931\nwchar: 323929600\nsyscr: 632687\nsyscw: 632675\nread_bytes: 0\n\
                  write_bytes: 323932160\ncancelled_write_bytes: 0\n";
        assert_eq!(Usage::io_counters(io), (323_934_931, 323_929_600));
        assert_eq!(Usage::io_counters(""), (0, 0));
        let status = "Name:\tbash\nVmPeak:\t  131168 kB\nVmHWM:\t   13484 kB\nVmRSS:\t   13484 kB\n";
        assert_eq!(Usage::status_kib(status, "VmHWM"), 13_484);
        assert_eq!(Usage::status_kib(status, "VmLck"), 0);
    }

    #[test]
    fn shares_add_up() {
        let whole = Usage { cpu_us: 900, peak_kib: 50, read: 30, written: 9, shared: 1 };
        let part = whole.part_of(3);
        assert_eq!(part, Usage { cpu_us: 300, peak_kib: 50, read: 10, written: 3, shared: 3 });
        assert_eq!(part.and(Usage { cpu_us: 1, peak_kib: 99, ..Usage::default() }).cpu_us, 301);
        assert_eq!(Usage { cpu_us: 1_500, ..whole }.cpu_ms(), 2);
    }
}
