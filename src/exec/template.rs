//! What `autocut new` writes.

use std::path::{Path, PathBuf};

use crate::base::Diagnostic;
use crate::store;

/// The files of `project-template/`.
pub const TEMPLATE: &[(&str, &str)] = &[
    ("autocut.ron", include_str!("../../project-template/autocut.ron")),
    (".gitignore", include_str!("../../project-template/.gitignore")),
];

/// The folder that the template's footage pattern names.
const FOOTAGE: &str = "footage";

/// Writes a project to start from. A folder that has a manifest is left alone;
/// of the other files, those that are there are kept.
pub fn write(folder: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let manifest = folder.join(super::workspace::MANIFEST);
    if manifest.exists() {
        return Err(Diagnostic::input(format!("{} is there already", manifest.display()))
            .hint("edit it, or name another folder: `autocut new FOLDER`"));
    }
    let mut written = Vec::new();
    for (name, text) in TEMPLATE {
        let path = folder.join(name);
        if !path.exists() {
            store::write_file(&path, text.as_bytes())?;
            written.push(path);
        }
    }
    // Where the manifest looks for footage.
    let footage = folder.join(FOOTAGE);
    if !footage.exists() {
        store::make_folder(&footage)?;
        written.push(footage);
    }
    Ok(written)
}
