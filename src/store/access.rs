//! What can be done in the folder of a store: whether this process may write
//! there, and which of SQLite's journals works on its file system.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::base::Diagnostic;

use super::layout::Layout;

/// How the index is journalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journal {
    /// Written ahead: readers and the writer do not wait for each other. Needs
    /// memory that processes share, so a local disk.
    WriteAhead,
    /// Rolled back: needs nothing but locks on files, for network shares
    /// (<https://www.sqlite.org/wal.html>, 1).
    Rollback,
}

impl Journal {
    /// The one for the file system on which `folder` lies.
    pub(super) fn for_folder(folder: &Path) -> Journal {
        if is_shared(folder) { Journal::Rollback } else { Journal::WriteAhead }
    }
}

/// Why nothing can be written into a store, if that is so.
pub(super) fn read_only(layout: &Layout) -> Option<Diagnostic> {
    let places =
        [layout.root.clone(), layout.objects(), layout.log(), layout.temporary(), layout.index(), layout.lock()];
    places.iter().find_map(|place| unwritable(layout, place))
}

fn unwritable(layout: &Layout, place: &PathBuf) -> Option<Diagnostic> {
    let store = layout.root.display();
    match access(place, Access::WRITE_OK) {
        Err(Errno::ROFS) => {
            let problem = Diagnostic::environment(format!("the store {store} is on a file system that is read-only"));
            Some(problem.hint("mount it writable, or let AUTOCUT_STORE name a folder on another disk"))
        }
        Err(Errno::ACCESS | Errno::PERM) => {
            let problem = Diagnostic::environment(format!("the store {store} may not be written by this user"))
                .note(format!("there is no right to write {}", place.display()));
            Some(
                problem.hint("check who owns it and its permissions (ls -l), or let AUTOCUT_STORE name another folder"),
            )
        }
        // What is not there is made; other errors are told by who meets them.
        _ => None,
    }
}

/// Whether other machines may have the file system mounted as well, or a
/// program in between that is as poor at sharing memory.
#[cfg(target_os = "linux")]
fn is_shared(folder: &Path) -> bool {
    // From the kernel's linux/magic.h, those below the line from stat.c of GNU
    // coreutils.
    const SHARED: &[u32] = &[
        0x0000_6969, // NFS
        0x0000_517b, // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2
        0x6573_5546, // FUSE: sshfs, rclone and others
        0x0102_1997, // 9P, by which virtual machines share folders
        0x0000_564c, // NetWare
        0x7375_7245, // Coda
        0x5346_414f, // AFS
        0x6b41_4653, // AFS of the kernel
        0x00c3_6400, // Ceph
        0x7461_636f, // OCFS 2
        // ---
        0x786f_4256, // VirtualBox's shared folders
        0x0bd0_0bd0, // Lustre
        0x4750_4653, // GPFS
        0x0116_1970, // GFS 2
        0x1983_0326, // BeeGFS
    ];
    rustix::fs::statfs(folder).is_ok_and(|found| SHARED.contains(&(found.f_type as u32)))
}

/// The same where the kernel says so itself.
#[cfg(target_vendor = "apple")]
fn is_shared(folder: &Path) -> bool {
    const MNT_LOCAL: u32 = 0x1000;
    rustix::fs::statfs(folder).is_ok_and(|found| found.f_flags as u32 & MNT_LOCAL == 0)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn is_shared(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_test_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(&folder.path().join("store")).unwrap();
        assert_eq!(read_only(&layout), None);
    }
}
