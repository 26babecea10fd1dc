//! Wall time and memory of a command with all of its children.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// The greatest sum of the proportional set sizes of all its processes, in
    /// MiB, sampled 20 times a second or less; 0 where the system does not tell.
    pub(crate) peak_mib: u64,
}

/// A sample takes at most this part of the time: what is measured runs on all
/// processors, and a build has more processes to be looked at than ffmpeg.
const SHARE: u32 = 50;

/// Runs a command, which must succeed.
pub(crate) fn run(command: &mut Command) -> Cost {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (root, done) = (child.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak = 0;
            while !done.load(Ordering::Relaxed) {
                let sampled = Instant::now();
                peak = peak.max(pss_mib(root));
                std::thread::sleep((sampled.elapsed() * SHARE).max(Duration::from_millis(50)));
            }
            peak
        });
        let status = child.wait().unwrap();
        let wall = started.elapsed();
        done.store(true, Ordering::Relaxed);
        assert!(status.success(), "{command:?} failed");
        Cost { wall, peak_mib: sampler.join().unwrap() }
    })
}

/// Proportional set size of a process and everything below it.
fn pss_mib(root: u32) -> u64 {
    let mut parents: HashMap<u32, u32> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name may hold spaces and parentheses: what follows is fixed.
        let after = stat.rsplit(')').next().unwrap_or_default();
        if let Some(parent) = after.split_whitespace().nth(1).and_then(|parent| parent.parse().ok()) {
            parents.insert(pid, parent);
        }
    }
    let below = |mut pid: u32| loop {
        if pid == root {
            return true;
        }
        match parents.get(&pid) {
            Some(parent) if *parent != pid && *parent != 0 => pid = *parent,
            _ => return false,
        }
    };
    let pss = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:").map(str::to_owned));
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    parents.keys().copied().filter(|pid| below(*pid)).map(pss).sum::<u64>() >> 10
}
