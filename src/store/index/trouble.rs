//! Why the index did not answer, and what people are told of it.

use rusqlite::ErrorCode;

use crate::base::Diagnostic;

/// Why the index did not answer.
#[derive(Debug)]
pub(in crate::store) enum Trouble {
    /// It has to be built anew.
    Unusable(String),
    Other(Diagnostic),
}

impl From<Diagnostic> for Trouble {
    fn from(diagnostic: Diagnostic) -> Self {
        Trouble::Other(diagnostic)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let message = format!("the store's index failed: {error}");
        let environment = |hint: &str| Trouble::Other(Diagnostic::environment(message.clone()).hint(hint));
        match (&error, error.sqlite_error_code()) {
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => Trouble::Unusable(message),
            // Rows of another shape than the schema of this version promises.
            (E::SqliteFailure(_, Some(text)), Some(ErrorCode::Unknown)) if text.starts_with("no such") => {
                Trouble::Unusable(message)
            }
            (E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::IntegralValueOutOfRange(..), _) => {
                Trouble::Unusable(message)
            }
            (_, Some(ErrorCode::DiskFull)) => {
                environment("free some space on that disk; a few MiB are enough for `autocut gc` to free more")
            }
            (_, Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)) => environment(
                "the store must be writable: check its permissions, or let AUTOCUT_STORE name another folder",
            ),
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
                environment("another process keeps it busy: run again when that is done")
            }
            (_, Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed)) => {
                environment("the disk failed, or is a network share without working locks")
            }
            (_, Some(ErrorCode::OutOfMemory)) => environment("the machine is out of memory"),
            _ => Trouble::Other(Diagnostic::bug(message)),
        }
    }
}

impl Trouble {
    pub(in crate::store) fn into_diagnostic(self) -> Diagnostic {
        match self {
            Trouble::Other(diagnostic) => diagnostic,
            Trouble::Unusable(why) => Diagnostic::environment(format!("{why}, although it had just been built anew"))
                .hint("the disk may be failing"),
        }
    }
}
