//! What commands print on standard output when they are done.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::exec::Workspace;
use crate::exec::plan::DryRun;
use crate::report::{json, terminal};

/// Prints text on standard output.
pub fn print_text(text: &str) {
    // A reader that went away (`autocut explain | head`) is no error.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Prints what `make -n` found; gives the exit code.
pub fn print(run: &DryRun, as_json: bool) -> u8 {
    if as_json {
        for action in &run.to_run {
            let line = json!({
                "event": "pending",
                "kind": action.spec.kind().name,
                "key": action.key.to_string(),
                "node": action.node,
            });
            print_text(&format!("{line}\n"));
        }
        let problems: Vec<_> = run.problems.0.iter().map(json::diagnostic).collect();
        let line = json!({"event": "planned", "hash": run.to_hash, "pending": run.to_run.len(), "done": run.known, "open": run.open, "errors": problems});
        print_text(&format!("{line}\n"));
    } else {
        terminal::tell(&run.problems.0, false);
        print_text(&dry_run(run));
    }
    run.problems.exit_code()
}

fn dry_run(run: &DryRun) -> String {
    let mut text = String::new();
    for name in &run.to_hash {
        let _ = writeln!(text, "hash {name}");
    }
    for action in &run.to_run {
        let _ = writeln!(text, "{} {}", action.spec.kind().name, action.node);
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for action in &run.to_run {
        *kinds.entry(action.spec.kind().name).or_default() += 1;
    }
    let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let blocked = !run.problems.0.is_empty();
    let nothing = run.to_run.is_empty() && run.to_hash.is_empty();
    let _ = match (nothing, (run.open && !blocked) || (nothing && blocked)) {
        (true, false) => writeln!(text, "nothing to do ({} results known)", run.known),
        (true, true) => writeln!(text, "nothing can start"),
        (false, false) => writeln!(text, "would run {}; {} results known", counts.join(", "), run.known),
        (false, true) => {
            let now = if counts.is_empty() {
                "would hash first".to_owned()
            } else {
                format!("would run {}", counts.join(", "))
            };
            writeln!(text, "{now}; what follows is unknown until that has run; {} results known", run.known)
        }
    };
    text
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
