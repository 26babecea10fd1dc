//! What the operating system refused, told so that a person can mend it.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::base::Diagnostic;

/// The diagnostic for an operation on `path` that failed: `what` is the verb,
/// as in "cannot `read` front/a.mp4". Always the environment's fault: callers
/// for whom a missing file is the user's mistake ask before.
pub fn cannot(what: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let diagnostic = Diagnostic::environment(format!("cannot {what} {}: {}", path.display(), reason(error)));
    match error.kind() {
        ErrorKind::StorageFull => {
            diagnostic.hint("free some space on that disk; a few MiB are enough for `autocut gc` to free more")
        }
        ErrorKind::QuotaExceeded => diagnostic.hint("your quota on that disk is used up: free some space there"),
        ErrorKind::ReadOnlyFilesystem => {
            diagnostic.hint("the disk is mounted read-only; AUTOCUT_STORE can name a folder for the store elsewhere")
        }
        ErrorKind::PermissionDenied => diagnostic.hint("check who owns it and its permissions (ls -l)"),
        ErrorKind::NotFound => diagnostic.hint("it may have been moved or its disk unplugged"),
        _ => diagnostic,
    }
}

/// The operating system's own words without Rust's "(os error 2)".
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_what_to_do() {
        let full = cannot("write", Path::new("out/reel.mp4"), &io::Error::from_raw_os_error(28));
        assert_eq!(full.message, "cannot write out/reel.mp4: no space left on device");
        assert!(full.hint.is_some_and(|hint| hint.contains("autocut gc")));
    }
}
