//! The files that a project reads: which they are ([`scan`]), what they
//! contain ([`hash`]), and when an earlier answer may be believed without
//! reading them again ([`stat`]). Everything goes through [`System`], so that
//! tests run on files that exist only in memory.
//!
//! Nothing here parses media or knows what a file is for, and nothing writes.

pub mod cgroup;
pub mod hash;
pub mod identify;
pub mod machine;
pub mod meter;
pub mod order;
pub mod pattern;
pub mod placed;
pub mod scan;
pub mod stat;
pub mod system;
pub mod trouble;
pub mod watch;

pub use hash::{hash_file, hash_files};
pub use pattern::Pattern;
pub use placed::Placed;
pub use scan::{Found, Never, Scan, scan};
pub use stat::{FileStat, Remembered};
pub use system::{EntryKind, MemorySystem, RealSystem, System};
pub use trouble::cannot;
pub use watch::{Changes, Watch};
