//! What commands print on standard output when they are done.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::exec::Workspace;
use crate::exec::lockfile::Written;
use crate::exec::plan::DryRun;
use crate::model::lockfile::LOCK;

/// Prints text on standard output.
pub fn print_text(text: &str) {
    // A reader that went away (`autocut explain | head`) is no error.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// What `autocut lock` says it did.
pub fn locked(written: &Written) -> String {
    let Written { moments, tools, changes } = written;
    match changes {
        None => format!("wrote {LOCK}: {moments} moments and {tools} tools\n"),
        Some(changes) if changes.is_empty() => format!("{LOCK} is up to date\n"),
        Some(changes) => changes.iter().fold(format!("updated {LOCK}:\n"), |text, change| text + "  " + change + "\n"),
    }
}

/// Prints that a manifest is right, and what it comes to.
pub fn checked(workspace: &Workspace, found: &DryRun) {
    let manifest = &workspace.manifest;
    let files = match workspace.project.files(&workspace.db).iter().map(Vec::len).sum() {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let outputs: Vec<&str> = manifest.outputs.iter().map(|output| output.name.as_str()).collect();
    let overlays: Vec<&str> = manifest.overlays.iter().map(|overlay| overlay.name.as_str()).collect();
    let mut text = format!("autocut.ron is right: {files} of footage, outputs {}", outputs.join(", "));
    if !overlays.is_empty() {
        let _ = write!(text, ", overlays {}", overlays.join(", "));
    }
    if found.open {
        text.push_str("\nwhat is in the files is known once `autocut doctor` or `autocut make` has looked at them");
    }
    print_text(&format!("{text}\n"));
}

/// What `autocut new` says.
pub fn welcome(folder: &Path, files: &[PathBuf]) -> String {
    let mut text = String::new();
    for file in files {
        let _ = writeln!(text, "wrote {}", file.display());
    }
    let change = if folder == Path::new(".") { String::new() } else { format!("cd {} && ", folder.display()) };
    let _ = writeln!(
        text,
        "\nPut footage into {}footage/, look through autocut.ron, then:\n  {change}autocut make",
        if folder == Path::new(".") { String::new() } else { format!("{}/", folder.display()) }
    );
    text
}
