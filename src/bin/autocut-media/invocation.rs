//! What every action here is given besides its own spec.

use std::path::{Path, PathBuf};

use autocut::base::{Diagnostic, Digest};
use autocut::model::protocol::Invocation;

/// Tells the parent how far an action has come; fails when it is gone.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> Result<(), Diagnostic>;

/// The file with that content.
pub(crate) fn input(invocation: &Invocation, content: Digest) -> Result<&Path, Diagnostic> {
    let path = invocation.inputs.get(&content).map(PathBuf::as_path);
    path.ok_or_else(|| Diagnostic::bug(format!("no file was given for the input {}", content.short())))
}
