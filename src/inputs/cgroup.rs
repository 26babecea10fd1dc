//! The control groups that this process runs in, and what they allow it: a
//! container or a service gets less than the kernel lists.
//!
//! Version 2 has one tree, version 1 one for each controller, and a machine can
//! have both at once. A limit of any group above binds too, so the way up to
//! the root is read. Formats: Documentation/admin-guide/cgroup-v2.rst and
//! cgroup-v1/memory.rst of Linux, proc_pid_cgroup(5), proc_pid_mountinfo(5).

use std::path::{Path, PathBuf};

use super::System;

/// A version 1 group without a limit states one that no machine has.
const UNLIMITED: u64 = 1 << 60;

/// The groups of one process, from its own up to the root of each tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    unified: Vec<PathBuf>,
    cpu: Vec<PathBuf>,
    memory: Vec<PathBuf>,
}

impl Groups {
    /// Those of this process; none where the system has no control groups.
    pub fn own(system: &dyn System) -> Groups {
        let (Some(own), Some(mounts)) =
            (text(system, Path::new("/proc/self/cgroup")), text(system, Path::new("/proc/self/mountinfo")))
        else {
            return Groups::default();
        };
        let mounts: Vec<Mount<'_>> = mounts.lines().filter_map(Mount::parse).collect();
        let mut groups = Groups::default();
        for line in own.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            let names = |controller: &str| controllers.split(',').any(|name| name == controller);
            let v1 = |controller| mounts.iter().find(|mount| mount.kind == "cgroup" && mount.has(controller));
            if controllers.is_empty() {
                groups.unified = way_up(mounts.iter().find(|mount| mount.kind == "cgroup2"), path);
            }
            if names("cpu") {
                groups.cpu = way_up(v1("cpu"), path);
            }
            if names("memory") {
                groups.memory = way_up(v1("memory"), path);
            }
        }
        groups
    }

    /// Thousandths of a processor that may be used in the long run.
    pub fn processor_millis(&self, system: &dyn System) -> Option<u64> {
        let v2 = self.unified.iter().filter_map(|group| {
            let text = text(system, &group.join("cpu.max"))?;
            let (quota, period) = text.trim().split_once(' ')?;
            share(quota.parse().ok()?, period.parse().ok()?)
        });
        let v1 = self.cpu.iter().filter_map(|group| {
            // -1 where there is no quota.
            let quota = number(system, &group.join("cpu.cfs_quota_us"))?;
            share(quota, number(system, &group.join("cpu.cfs_period_us"))?)
        });
        v2.chain(v1).min()
    }

    /// Bytes of memory that may be used. Version 2's `memory.high` counts: past
    /// it a group is slowed down until it is of no use.
    pub fn memory(&self, system: &dyn System) -> Option<u64> {
        self.memory_limits(system).map(|(_, limit)| limit).min()
    }

    /// Bytes that are left below the tightest limit, what the kernel would give
    /// back of cached files included.
    pub fn memory_left(&self, system: &dyn System) -> Option<u64> {
        let left = self.memory_limits(system).filter_map(|(group, limit)| {
            let used = number(system, &group.join("memory.current"))
                .or_else(|| number(system, &group.join("memory.usage_in_bytes")))?;
            let stat = text(system, &group.join("memory.stat")).unwrap_or_default();
            // Version 1 counts groups below only under the second name.
            let cached = field(&stat, "total_inactive_file ").or_else(|| field(&stat, "inactive_file "));
            Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
        });
        left.min()
    }

    /// The group's own record of waiting for memory, where it has one.
    pub(super) fn pressure(&self, system: &dyn System) -> Option<String> {
        text(system, &self.unified.first()?.join("memory.pressure"))
    }

    fn memory_limits<'a>(&'a self, system: &'a dyn System) -> impl Iterator<Item = (&'a PathBuf, u64)> {
        let v2 = self.unified.iter().flat_map(|group| [(group, "memory.max"), (group, "memory.high")]);
        let v1 = self.memory.iter().map(|group| (group, "memory.limit_in_bytes"));
        v2.chain(v1)
            .filter_map(|(group, file)| Some((group, number(system, &group.join(file))?)))
            .filter(|(_, limit)| *limit < UNLIMITED)
    }
}

/// A place where a tree of groups is mounted.
struct Mount<'a> {
    kind: &'a str,
    /// The group that is seen at `place`.
    root: &'a str,
    place: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Mount<'a>> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let (root, place) = (front.next()?, front.next()?);
        let mut back = back.split(' ');
        let (kind, options) = (back.next()?, back.nth(1)?);
        kind.starts_with("cgroup").then_some(Mount { kind, root, place, options })
    }

    fn has(&self, controller: &str) -> bool {
        self.options.split(',').any(|option| option == controller)
    }
}

/// The folders of a group and of all above it.
fn way_up(mount: Option<&Mount<'_>>, path: &str) -> Vec<PathBuf> {
    let Some(mount) = mount else { return Vec::new() };
    let top = Path::new(mount.place);
    // A container sees its own group as the top of the tree, whatever it is
    // called outside; a group outside of it is not seen at all.
    let below = match mount.root {
        "/" => path,
        root => path.strip_prefix(root).unwrap_or(""),
    };
    let below = below.trim_matches('/');
    let below = if below.split('/').any(|part| part == "..") { "" } else { below };
    let mut folders: Vec<PathBuf> = Path::new(below).ancestors().map(|group| top.join(group)).collect();
    folders.dedup();
    folders
}

fn text(system: &dyn System, path: &Path) -> Option<String> {
    String::from_utf8(system.read(path).ok()?).ok()
}

fn number(system: &dyn System, path: &Path) -> Option<u64> {
    text(system, path)?.trim().parse().ok()
}

/// A number behind its name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

fn share(quota: u64, period: u64) -> Option<u64> {
    quota.saturating_mul(1_000).checked_div(period).filter(|millis| *millis > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::MemorySystem;

    const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

    fn v2(path: &str) -> MemorySystem {
        let system = MemorySystem::new();
        system.write("/proc/self/cgroup", format!("0::{path}\n")).write("/proc/self/mountinfo", V2);
        system
    }

    #[test]
    fn a_limit_above_binds_as_well_as_the_own() {
        let system = v2("/user.slice/app.scope");
        let own = "/sys/fs/cgroup/user.slice/app.scope";
        system.write(format!("{own}/cpu.max"), "max 100000\n").write(format!("{own}/memory.max"), "max\n");
        let groups = Groups::own(&system);
        assert_eq!((groups.processor_millis(&system), groups.memory(&system)), (None, None));

        system.write("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
        system.write("/sys/fs/cgroup/user.slice/memory.max", "4294967296\n");
        assert_eq!((groups.processor_millis(&system), groups.memory(&system)), (Some(1_500), Some(4 << 30)));

        system.write(format!("{own}/cpu.max"), "50000 100000\n").write(format!("{own}/memory.high"), "1073741824\n");
        assert_eq!((groups.processor_millis(&system), groups.memory(&system)), (Some(500), Some(1 << 30)));
    }

    #[test]
    fn cached_files_count_as_left() {
        let system = v2("/a");
        system.write("/sys/fs/cgroup/a/memory.max", "1000000\n").write("/sys/fs/cgroup/a/memory.current", "900000\n");
        let groups = Groups::own(&system);
        assert_eq!(groups.memory_left(&system), Some(100_000));
        system.write("/sys/fs/cgroup/a/memory.stat", "anon 100\nactive_file 7\ninactive_file 600000\n");
        assert_eq!(groups.memory_left(&system), Some(700_000));
    }

    /// The form of both files on a machine with both versions, of which the
    /// first has the controllers.
    #[test]
    fn version_1_and_both_at_once() {
        let system = MemorySystem::new();
        system.write("/proc/self/cgroup", "4:memory:/jobs/7\n2:cpu,cpuacct:/jobs\n0::/\n").write(
            "/proc/self/mountinfo",
            "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        );
        system.write("/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "200000\n");
        system.write("/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n");
        system.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
        system.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
        system.write("/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "9223372036854771712\n");
        system.write("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "2147483648\n");
        system.write("/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "2000000000\n");
        system.write("/sys/fs/cgroup/memory/jobs/memory.stat", "inactive_file 0\ntotal_inactive_file 1000000000\n");
        let groups = Groups::own(&system);
        assert_eq!((groups.processor_millis(&system), groups.memory(&system)), (Some(2_000), Some(2 << 30)));
        assert_eq!(groups.memory_left(&system), Some((2 << 30) - 1_000_000_000));
    }

    #[test]
    fn a_container_sees_its_own_group_as_the_top() {
        let system = MemorySystem::new();
        system
            .write("/proc/self/cgroup", "0::/docker/abc/inner\n")
            .write("/proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
        system.write("/sys/fs/cgroup/memory.max", "1048576\n");
        let groups = Groups::own(&system);
        assert_eq!(groups.memory(&system), Some(1 << 20));
        assert_eq!(groups.unified, [PathBuf::from("/sys/fs/cgroup/inner"), PathBuf::from("/sys/fs/cgroup")]);

        system.write("/proc/self/cgroup", "0::/../elsewhere\n");
        system.write("/proc/self/mountinfo", V2);
        assert_eq!(Groups::own(&system).unified, [PathBuf::from("/sys/fs/cgroup")]);
    }

    #[test]
    fn without_control_groups_nothing_is_limited() {
        let system = MemorySystem::new();
        assert_eq!(Groups::own(&system), Groups::default());
        system.write("/proc/self/cgroup", "nonsense\n::\n").write("/proc/self/mountinfo", "nonsense\n - \n");
        let groups = Groups::own(&system);
        assert_eq!((groups.processor_millis(&system), groups.memory(&system)), (None, None));
    }
}
