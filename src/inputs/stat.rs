//! When a file counts as unchanged without being read again.
//!
//! A file is known by its [`FileStat`]. If all of its fields are as they were
//! when the file was hashed, the digest of then is taken as that of now, with
//! one exception, which git calls *racily clean*
//! (<https://git-scm.com/docs/racy-git>): a file that was changed in the same
//! tick of the file system's clock in which it was hashed can be changed once
//! more without any time stamp moving. So an entry is believed only if the
//! file was last changed a margin before its hashing began. Otherwise the file
//! is hashed once more, which gives an entry with a later moment of hashing.
//!
//! The margin follows from the time stamps themselves. One with digits below
//! the millisecond comes from a file system that stores the kernel's clock,
//! which ticks every 1 to 10 ms; one without comes in all likelihood from a
//! coarser one (FAT keeps 2 s, HFS+ 1 s, exFAT 10 ms).
//!
//! A modification time may lie in the future, because cameras have wrong
//! clocks and copying keeps them. A write that happens now cannot produce it by
//! accident, and it moves the change time, which no program can set. So a
//! modification time far in the future does not make an entry unbelievable; a
//! change time there does.
//!
//! What this cannot see: a file server whose clock runs behind this machine's
//! and that takes two writes of equal length in one of its ticks with a hashing
//! between them.

use serde::{Deserialize, Serialize};

use crate::base::Digest;

/// What the file system says about a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileStat {
    pub device: u64,
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// When the content was last written, in ns since 1970; programs can set it.
    pub mtime_ns: i64,
    /// When content or attributes last changed, in ns since 1970.
    pub ctime_ns: i64,
}

impl FileStat {
    /// Device and inode: two paths with one identity are one file. `None`
    /// where the file system has no inode numbers.
    pub fn identity(&self) -> Option<(u64, u64)> {
        (self.inode != 0).then_some((self.device, self.inode))
    }
}

/// A file's digest with the circumstances in which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub digest: Digest,
    /// The same before and after hashing.
    pub stat: FileStat,
    /// When hashing began, in ns since 1970.
    pub hashed_ns: i64,
}

const FINE_MARGIN_NS: i64 = 100_000_000;
const COARSE_MARGIN_NS: i64 = 3_000_000_000;

fn is_coarse(stamp_ns: i64) -> bool {
    stamp_ns % 1_000_000 == 0
}

fn margin(stamp_ns: i64) -> i64 {
    if is_coarse(stamp_ns) { COARSE_MARGIN_NS } else { FINE_MARGIN_NS }
}

impl Remembered {
    /// Whether a file that now has `stat` still has this digest.
    pub fn is_trusted(&self, stat: &FileStat) -> bool {
        self.stat == *stat && !self.is_racy()
    }

    /// The same for a file that autocut wrote itself, gave its final name and
    /// then looked at, which is always in the tick of its last change. Only a
    /// stranger's write of the same length within that very tick is missed,
    /// and not even that where ticks are coarse.
    pub fn is_trusted_of_own(&self, stat: &FileStat) -> bool {
        self.stat == *stat && (!is_coarse(stat.ctime_ns) || !self.is_racy())
    }

    /// Whether the file changed too shortly before it was hashed.
    fn is_racy(&self) -> bool {
        let settled = |stamp: i64| stamp.saturating_add(margin(stamp)) < self.hashed_ns;
        let set_by_hand = |stamp: i64| stamp > self.hashed_ns.saturating_add(COARSE_MARGIN_NS);
        let FileStat { mtime_ns, ctime_ns, .. } = self.stat;
        !(settled(ctime_ns) && (settled(mtime_ns) || set_by_hand(mtime_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    /// With digits below the millisecond.
    const T: i64 = 1_700_000_000 * SECOND + 123_456_789;

    fn stat(mtime_ns: i64, ctime_ns: i64) -> FileStat {
        FileStat { device: 1, inode: 2, size: 3, mtime_ns, ctime_ns }
    }

    fn hashed(stat: FileStat, hashed_ns: i64) -> Remembered {
        Remembered { digest: Digest::of(b""), stat, hashed_ns }
    }

    #[test]
    fn an_old_file_with_equal_stat_is_trusted() {
        let old = stat(T, T);
        assert!(hashed(old, T + SECOND).is_trusted(&old));
    }

    #[test]
    fn each_field_counts() {
        let old = stat(T, T);
        let entry = hashed(old, T + SECOND);
        for changed in [
            FileStat { device: 9, ..old },
            FileStat { inode: 9, ..old },
            FileStat { size: 9, ..old },
            FileStat { mtime_ns: T - 1, ..old },
            FileStat { ctime_ns: T - 1, ..old },
        ] {
            assert!(!entry.is_trusted(&changed), "{changed:?}");
        }
    }

    #[test]
    fn a_file_written_in_the_tick_of_its_hashing_is_distrusted() {
        for racy in [stat(T, T - SECOND), stat(T - SECOND, T), stat(T - SECOND, T + SECOND)] {
            assert!(!hashed(racy, T + 4_000_000).is_trusted(&racy), "{racy:?}");
        }
    }

    #[test]
    fn coarse_time_stamps_need_a_wider_margin() {
        let whole = 1_700_000_000 * SECOND;
        let fat = stat(whole, whole);
        assert!(!hashed(fat, whole + 2 * SECOND).is_trusted(&fat));
        assert!(hashed(fat, whole + 4 * SECOND).is_trusted(&fat));
    }

    #[test]
    fn a_camera_with_its_clock_in_the_future_is_trusted() {
        let future = stat(T + 3_600 * SECOND, T);
        assert!(hashed(future, T + SECOND).is_trusted(&future));
        let server_ahead = stat(T + 3_600 * SECOND, T + 3_600 * SECOND);
        assert!(!hashed(server_ahead, T + SECOND).is_trusted(&server_ahead));
    }

    #[test]
    fn an_own_output_is_trusted_at_once_where_ticks_are_fine() {
        let fine = stat(T, T);
        assert!(hashed(fine, T).is_trusted_of_own(&fine));
        let whole = stat(1_700_000_000 * SECOND, 1_700_000_000 * SECOND);
        assert!(!hashed(whole, whole.ctime_ns).is_trusted_of_own(&whole));
    }
}
