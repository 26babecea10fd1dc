//! Which encoder each output gets: what the user wants, what works here, and
//! what failed in this build.

use crate::base::Diagnostic;
use crate::deliver::encoders::{self, RUNGS, Rung, Wanted};
use crate::graph::db::{Database, Db, EDITED};

/// What decides it besides the toolchain.
#[salsa::input(singleton)]
pub struct Encoding {
    #[returns(ref)]
    pub wanted: Wanted,
    /// Outputs with the encoders that failed for them, both by name.
    #[returns(ref)]
    pub failed: Vec<(String, String)>,
}

/// The encoder for all of the output of that name.
///
/// # Errors
/// Of the environment: none that is wanted works here.
pub fn rung(db: &dyn Db, output: &str) -> Result<&'static Rung, Diagnostic> {
    let Some(encoding) = Encoding::try_get(db) else {
        return encoders::choose(RUNGS, &Wanted::Auto, db.toolchain(), &[]);
    };
    encoders::choose(RUNGS, encoding.wanted(db), db.toolchain(), &failed(db, encoding, output))
}

fn failed(db: &dyn Db, encoding: Encoding, output: &str) -> Vec<String> {
    let failed = encoding.failed(db).iter().filter(|(name, _)| name == output);
    failed.map(|(_, encoder)| encoder.clone()).collect()
}

impl Database {
    /// Takes over which encoder is wanted. What failed before is tried again.
    pub fn set_wanted_encoder(&mut self, wanted: Wanted) {
        use salsa::Setter;
        let Some(encoding) = Encoding::try_get(self) else {
            let _ = Encoding::builder(wanted, Vec::new()).durability(EDITED).new(self);
            return;
        };
        if *encoding.wanted(self) != wanted {
            encoding.set_wanted(self).to(wanted);
        }
        if !encoding.failed(self).is_empty() {
            encoding.set_failed(self).to(Vec::new());
        }
    }

    /// Lets an output step down from an encoder that failed. False where there
    /// is nothing to step down to: the plan is as it was then.
    pub fn step_down(&mut self, output: &str, encoder: &str) -> bool {
        use salsa::Setter;
        let Some(encoding) = Encoding::try_get(self) else { return false };
        let mut gone = failed(self, encoding, output);
        gone.push(encoder.to_owned());
        if !encoders::is_left(RUNGS, encoding.wanted(self), self.toolchain(), &gone) {
            return false;
        }
        let mut failed = encoding.failed(self).clone();
        failed.push((output.to_owned(), encoder.to_owned()));
        encoding.set_failed(self).to(failed);
        true
    }
}
