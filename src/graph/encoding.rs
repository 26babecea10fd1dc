//! Which encoder each output gets: what the user wants, what works here, and
//! what failed in this build.

use crate::base::Diagnostic;
use crate::deliver::codecs::{self, Rung, VideoCodec};
use crate::deliver::encoders::{self, RUNGS, Wanted};
use crate::graph::db::{Database, Db, EDITED};
use crate::model::Sampling;
use crate::model::engines::{ENGINES, Engine};

/// What decides it besides the toolchain.
#[salsa::input(singleton)]
pub struct Encoding {
    /// Best first.
    #[returns(copy)]
    pub rungs: &'static [Rung],
    #[returns(ref)]
    pub wanted: Wanted,
    /// Outputs with the encoders that failed for them, both by name.
    #[returns(ref)]
    pub failed: Vec<(String, String)>,
    /// Whether only encoders will do that make the same bytes every time.
    #[returns(copy)]
    pub reproducible: bool,
    /// Whether outputs are made to be looked at now and not to be kept.
    #[returns(copy)]
    pub draft: bool,
}

/// Whether outputs are made as drafts.
pub fn is_draft(db: &dyn Db) -> bool {
    Encoding::try_get(db).is_some_and(|encoding| encoding.draft(db))
}

/// What the nodes of an output's own actions begin with: a draft is another
/// thing than the output, and is compared with earlier drafts.
pub fn node_of(db: &dyn Db, output: &str) -> String {
    if is_draft(db) { format!("{output}.draft") } else { output.to_owned() }
}

/// The encoder for all of the output of that name, codec and sampling.
///
/// # Errors
/// None that is wanted works here, or none that makes the same bytes every time.
pub fn rung(db: &dyn Db, output: &str, kind: (VideoCodec, Sampling)) -> Result<&'static Rung, Diagnostic> {
    let Some(encoding) = Encoding::try_get(db) else {
        return encoders::choose(RUNGS, kind, &Wanted::Auto, db.toolchain(), &[], None);
    };
    let failed = failed(db, encoding, output);
    encoders::choose(encoding.rungs(db), kind, encoding.wanted(db), db.toolchain(), &failed, engines(db, encoding))
}

/// The encoder for what stands beside copies, where it works and none is named.
pub fn beside_copies(db: &dyn Db, kind: (VideoCodec, Sampling)) -> Option<&'static Rung> {
    let wanted = Encoding::try_get(db).is_none_or(|encoding| *encoding.wanted(db) == Wanted::Auto);
    let only = Wanted::Only(codecs::beside_copies(kind.0)?.name.to_owned());
    wanted.then(|| encoders::choose(RUNGS, kind, &only, db.toolchain(), &[], None).ok()).flatten()
}

/// The table that says which encoders vary, where that matters.
fn engines(db: &dyn Db, encoding: Encoding) -> Option<&'static [Engine]> {
    encoding.reproducible(db).then_some(ENGINES)
}

fn failed(db: &dyn Db, encoding: Encoding, output: &str) -> Vec<String> {
    let failed = encoding.failed(db).iter().filter(|(name, _)| name == output);
    failed.map(|(_, encoder)| encoder.clone()).collect()
}

impl Database {
    /// Takes over which encoder is wanted, and whether only those will do that
    /// make the same bytes every time. What failed before is tried again.
    pub fn set_wanted_encoder(&mut self, wanted: Wanted, reproducible: bool) {
        use salsa::Setter;
        let Some(encoding) = Encoding::try_get(self) else {
            let _ = Encoding::builder(RUNGS, wanted, Vec::new(), reproducible, false).durability(EDITED).new(self);
            return;
        };
        if encoding.reproducible(self) != reproducible {
            encoding.set_reproducible(self).to(reproducible);
        }
        if *encoding.wanted(self) != wanted {
            encoding.set_wanted(self).to(wanted);
        }
        if !encoding.failed(self).is_empty() {
            encoding.set_failed(self).to(Vec::new());
        }
    }

    /// Makes all outputs as drafts, or as the manifest has them. (Once it is known
    /// which encoders are wanted.)
    pub fn set_draft(&mut self, draft: bool) {
        use salsa::Setter;
        if let Some(encoding) = Encoding::try_get(self)
            && encoding.draft(self) != draft
        {
            encoding.set_draft(self).to(draft);
        }
    }

    /// Whether there is an encoder for the output, sampled like this, once this
    /// one has failed too.
    pub fn can_step_down(&self, output: &str, encoder: &str, sampling: Sampling) -> bool {
        let Some(encoding) = Encoding::try_get(self) else { return false };
        let mut gone = failed(self, encoding, output);
        gone.push(encoder.to_owned());
        let rungs = encoding.rungs(self);
        let Some(rung) = rungs.iter().find(|rung| rung.name == encoder) else { return false };
        let (wanted, engines) = (encoding.wanted(self), engines(self, encoding));
        encoders::choose(rungs, (rung.codec, sampling), wanted, self.toolchain(), &gone, engines).is_ok()
    }

    /// Lets an output do without an encoder that failed.
    pub fn step_down(&mut self, output: &str, encoder: &str) {
        use salsa::Setter;
        let Some(encoding) = Encoding::try_get(self) else { return };
        let mut failed = encoding.failed(self).clone();
        let one = (output.to_owned(), encoder.to_owned());
        if !failed.contains(&one) {
            failed.push(one);
            encoding.set_failed(self).to(failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::deliver::codecs::h264;
    use crate::model::Toolchain;

    /// Two rungs over the real one. No such encoder is driven yet: their names
    /// are made up for the decision alone.
    static LADDER: [Rung; 3] = {
        let libx264 = &h264::LIBX264;
        [Rung { name: "first", ..*libx264 }, Rung { name: "second", ..*libx264 }, Rung { name: "libx264", ..*libx264 }]
    };

    #[test]
    fn one_output_steps_down_and_the_others_stay() {
        let mut db = Database::new(Toolchain::default(), Arc::new(|_| None), None);
        Encoding::new(&db, &LADDER, Wanted::Auto, Vec::new(), false, false);
        let names = |db: &Database| {
            ["reel", "clips"]
                .map(|output| rung(db, output, (VideoCodec::H264, Sampling::default())).map(|rung| rung.name))
        };
        assert_eq!(names(&db), [Ok("first"), Ok("first")]);

        assert!(db.can_step_down("reel", "first", Sampling::default()));
        db.step_down("reel", "first");
        assert_eq!(names(&db), [Ok("second"), Ok("first")]);
        db.step_down("reel", "second");
        assert_eq!(names(&db), [Ok("libx264"), Ok("first")]);
        assert!(!db.can_step_down("reel", "libx264", Sampling::default()));
        assert!(db.can_step_down("clips", "first", Sampling::default()));

        // Another build begins at the top.
        db.set_wanted_encoder(Wanted::Auto, false);
        assert_eq!(names(&db), [Ok("first"), Ok("first")]);
        db.set_wanted_encoder(Wanted::Only("second".to_owned()), false);
        assert_eq!(names(&db), [Ok("second"), Ok("second")]);
        assert!(!db.can_step_down("reel", "second", Sampling::default()));
    }
}
