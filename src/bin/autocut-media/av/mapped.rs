//! A file of the store as memory.

use std::fs::File;
use std::path::Path;

use autocut::base::Diagnostic;

/// Maps a file that nobody changes: artifacts are written once, under another
/// name, and never touched again.
pub(crate) fn map(path: &Path) -> Result<memmap2::Mmap, Diagnostic> {
    let failed = |error| Diagnostic::environment(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    // SAFETY: the store's files are immutable while a build runs.
    unsafe { memmap2::Mmap::map(&file) }.map_err(failed)
}
