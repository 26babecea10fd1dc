//! The quality of an output that is to come to a size: segments of it are encoded
//! at several qualities, and what they took decides.

use crate::base::Diagnostic;
use crate::deliver::codecs::{Demand, decimal};
use crate::deliver::target::{self, Step, Target};
use crate::deliver::{Settings, segments};
use crate::graph::clips::{self, LookKey, ShotKey};
use crate::graph::db::Db;
use crate::graph::planned::Collector;
use crate::model::ActionSpec;
use crate::model::specs::{QualitySpec, Reached, Sampled};

/// An output that has a target.
pub(super) struct Aimed<'a, 'db> {
    /// Its name.
    pub(super) output: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) target: Target,
    /// How it looks under a name and as an encoder is asked.
    pub(super) look: &'a dyn Fn(String, &Demand) -> LookKey<'db>,
    /// All of it in such a look, in order.
    pub(super) shots: &'a dyn Fn(LookKey<'db>, &mut Collector) -> Option<Vec<ShotKey<'db>>>,
}

/// Percent by which a target may be exceeded; where the worst quality takes
/// more, that is told.
const MOST: u64 = 110;

impl<'db> Aimed<'_, 'db> {
    /// What its encoder is to be asked for, once the samples are there.
    pub(super) fn demand(&self, db: &'db dyn Db, needs: &mut Collector) -> Option<Demand> {
        // Both are asked for before either is waited for.
        let first = target::FIRST.map(|quality| self.sample(db, quality, needs));
        let mut samples =
            first.into_iter().map(|sample| sample.map(|(sample, _)| sample)).collect::<Option<Vec<_>>>()?;
        let (_, length) = self.sample(db, target::FIRST[0], needs)?;
        let sound = self.settings.sound.bytes(self.settings.sound_codec(), length.millis);
        let budget = self.target.budget(length.millis, length.frames, sound);
        if budget == 0 {
            let problem = format!(
                "output {:?} cannot be so small: its sound alone takes {sound} bytes, and the container some of its own",
                self.output
            );
            needs.problem(
                Diagnostic::input(problem)
                    .hint("raise the target, give the sound a lower `bit_rate`, or make the output shorter"),
            );
            return None;
        }
        while let Step::Try(quality) = target::step(&samples, budget, length.frames) {
            samples.push(self.sample(db, quality, needs)?.0);
        }
        let spec = QualitySpec { budget, frames: length.frames, samples };
        let result = needs.act(db, format!("{}/quality", self.output), ActionSpec::Quality(spec))?;
        let reached: Reached = needs.value(&result)?;
        if u128::from(reached.bytes) * 100 > u128::from(budget) * u128::from(MOST) {
            let problem = format!(
                "output {:?} cannot be so small: its pictures take {} bytes at the worst quality, and {budget} are left for them",
                self.output, reached.bytes
            );
            needs.problem(
                Diagnostic::input(problem).hint("raise the target, or make the output shorter or its pictures smaller"),
            );
            return None;
        }
        Some(Demand { quality: reached.quality, ..self.settings.video.demand() })
    }

    /// What some of its segments take at a quality, and how long all of it is.
    fn sample(&self, db: &'db dyn Db, quality: u32, needs: &mut Collector) -> Option<(Sampled, Length)> {
        let name = format!("{}/quality {}", self.output, decimal(quality));
        let look = (self.look)(name, &Demand { quality, ..self.settings.video.demand() });
        let shots = (self.shots)(look, needs)?;
        let rate = look.look(db).format.rate;
        let mut frames = 0;
        let mut places = Vec::new();
        for shot in shots {
            let count = shot.clip(db).frames;
            frames += u64::from(count);
            places.extend((0..segments::split(count, rate).len()).map(|index| (shot, index)));
        }
        let mut sampled = Some(Sampled { quality, frames: 0, bytes: 0 });
        for place in target::places(places.len()) {
            let (shot, index) = places[place];
            match (needs.take(clips::sampled(db, shot, index)), &mut sampled) {
                (Some(info), Some(sampled)) => {
                    sampled.frames += u64::from(info.frames);
                    sampled.bytes += info.bytes;
                }
                _ => sampled = None,
            }
        }
        let millis = rate.time_of(i64::try_from(frames).unwrap_or(i64::MAX)).to_millis().unsigned_abs();
        Some((sampled?, Length { frames, millis }))
    }
}

/// Of an output.
struct Length {
    frames: u64,
    millis: u64,
}
