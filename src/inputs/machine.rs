//! What the machine has, what of it this process may use, and what is taken of
//! it now. Where the system does not tell (it is not Linux), nothing is known,
//! and nothing is limited by it.

use std::io::Read;
use std::path::Path;

use super::System;
use super::cgroup::Groups;
use crate::base::Bytes;

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Processors that this process may run on.
    pub processors: usize,
    /// Thousandths of a processor that its control groups allow in the long
    /// run.
    pub quota_millis: Option<u64>,
    /// Of the machine.
    pub memory: Option<Bytes>,
    /// What the control groups allow of it.
    pub memory_limit: Option<Bytes>,
}

impl Machine {
    pub fn look(system: &dyn System) -> Machine {
        let groups = Groups::own(system);
        Machine {
            processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            quota_millis: groups.processor_millis(system),
            memory: kib(&text(system, "/proc/meminfo"), "MemTotal:"),
            memory_limit: groups.memory(system).map(Bytes),
        }
    }

    /// How many actions run side by side by default. A part of a processor is
    /// not worth a process of its own.
    pub fn parallelism(&self) -> usize {
        let quota = self.quota_millis.map_or(usize::MAX, |millis| usize::try_from(millis / 1_000).unwrap_or(1));
        self.processors.min(quota).max(1)
    }

    /// Memory that may be used in all.
    pub fn usable_memory(&self) -> Option<Bytes> {
        self.memory.into_iter().chain(self.memory_limit).min()
    }
}

/// What tells models of processors apart, as far as the system says: maker, family,
/// model and what it can do.
pub fn processor(system: &dyn System) -> String {
    /// As proc(5) calls them on x86, and on Arm.
    const TELLING: [&str; 8] =
        ["vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU implementer", "CPU part"];
    // All are alike, and there may be hundreds.
    let mut first = Vec::new();
    if let Ok(file) = system.open(Path::new("/proc/cpuinfo")) {
        // What cannot be read is not known.
        file.take(1 << 13).read_to_end(&mut first).ok();
    }
    let first = String::from_utf8_lossy(&first);
    let lines = first.lines().take_while(|line| !line.is_empty());
    let telling = lines.filter(|line| line.split_once(':').is_some_and(|(name, _)| TELLING.contains(&name.trim())));
    telling.collect::<Vec<_>>().join("\n")
}

/// How short memory is now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// What could be taken without swapping.
    pub available: Option<Bytes>,
    /// Percent of the last ten seconds in which something waited for memory.
    pub stalled: Option<f64>,
    /// How many processes the kernel has killed for memory since it started.
    pub kills: Option<u64>,
}

impl Pressure {
    pub fn look(system: &dyn System) -> Pressure {
        let groups = Groups::own(system);
        let machine = kib(&text(system, "/proc/meminfo"), "MemAvailable:");
        let stalls = groups.pressure(system).unwrap_or_else(|| text(system, "/proc/pressure/memory"));
        Pressure {
            available: machine.into_iter().chain(groups.memory_left(system).map(Bytes)).min(),
            stalled: stalls.lines().find_map(|line| line.strip_prefix("some avg10=")).and_then(first),
            kills: kills(system),
        }
    }
}

/// How many processes the kernel has killed for memory since it started, those
/// of control groups that ran into their limit included.
pub fn kills(system: &dyn System) -> Option<u64> {
    text(system, "/proc/vmstat").lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(first)
}

/// What a process holds in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident {
    pub now: Bytes,
    /// At most, since it started.
    pub peak: Bytes,
}

/// `None` where the system does not tell, and where there is no such process.
pub fn resident(system: &dyn System, pid: u32) -> Option<Resident> {
    let status = text(system, &format!("/proc/{pid}/status"));
    Some(Resident { now: kib(&status, "VmRSS:")?, peak: kib(&status, "VmHWM:")? })
}

fn text(system: &dyn System, path: &str) -> String {
    let bytes = system.read(Path::new(path)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A line such as `VmRSS:   1234 kB`.
fn kib(text: &str, name: &str) -> Option<Bytes> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Bytes(kib << 10))
}

/// The first word as a number.
fn first<T: std::str::FromStr>(rest: &str) -> Option<T> {
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{MemorySystem, RealSystem};

    /// As in proc(5), shortened: the clock changes all the time, the model does not.
    #[test]
    fn a_processor_is_its_model() {
        let system = MemorySystem::new();
        let of = |model: u32, clock: u32| {
            let one = format!("vendor_id\t: AuthenticAMD\nmodel\t\t: {model}\nmodel name\t: X\ncpu MHz\t: {clock}\n");
            system.write("/proc/cpuinfo", format!("processor\t: 0\n{one}\nprocessor\t: 1\n{one}"));
            processor(&system)
        };
        assert_eq!(of(17, 2_400), "vendor_id\t: AuthenticAMD\nmodel\t\t: 17");
        assert_eq!(of(17, 2_400), of(17, 3_700));
        assert_ne!(of(17, 2_400), of(1, 2_400));
        assert_eq!(processor(&MemorySystem::new()), "");
    }

    #[test]
    fn the_tighter_of_machine_and_group_counts() {
        let system = MemorySystem::new();
        system.write("/proc/meminfo", "MemTotal:       8388608 kB\nMemAvailable:   4194304 kB\n");
        let machine = Machine::look(&system);
        assert_eq!(machine.usable_memory(), Some(Bytes(8 << 30)));
        assert_eq!(machine.parallelism(), machine.processors);

        system.write("/proc/self/cgroup", "0::/a\n");
        system.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        system.write("/sys/fs/cgroup/a/memory.max", "1073741824\n").write("/sys/fs/cgroup/a/cpu.max", "1500 1000\n");
        let machine = Machine::look(&system);
        assert_eq!(machine.usable_memory(), Some(Bytes(1 << 30)));
        assert_eq!(machine.parallelism(), 1);
    }

    #[test]
    fn pressure_is_that_of_the_own_group_where_it_has_one() {
        let system = MemorySystem::new();
        assert_eq!(Pressure::look(&system), Pressure::default());
        system.write("/proc/meminfo", "MemAvailable:   4194304 kB\n").write("/proc/vmstat", "pgfault 9\noom_kill 3\n");
        system
            .write("/proc/pressure/memory", "some avg10=2.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=9.0 total=0\n");
        let expected = Pressure { available: Some(Bytes(4 << 30)), stalled: Some(2.5), kills: Some(3) };
        assert_eq!(Pressure::look(&system), expected);

        system.write("/proc/self/cgroup", "0::/a\n");
        system.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        system.write("/sys/fs/cgroup/a/memory.max", "1073741824\n").write("/sys/fs/cgroup/a/memory.current", "0\n");
        system.write("/sys/fs/cgroup/a/memory.pressure", "some avg10=40.00 avg60=0.00 avg300=0.00 total=1\n");
        let pressure = Pressure::look(&system);
        assert_eq!((pressure.available, pressure.stalled), (Some(Bytes(1 << 30)), Some(40.0)));
    }

    #[test]
    fn this_process_holds_memory() {
        if cfg!(target_os = "linux") {
            let own = resident(&RealSystem, std::process::id()).unwrap();
            assert!(own.peak >= own.now && own.now > Bytes(0));
        }
        assert_eq!(resident(&MemorySystem::new(), 1), None);
    }
}
