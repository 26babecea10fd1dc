//! What is true of choosing, tested from outside of its files.

mod choose;
mod curve;
mod orders;
mod real;
mod robust;
mod select;

use std::collections::BTreeMap;

use crate::base::{Diagnostic, Digest, Timestamp, Unit};
use crate::model::moment::{Candidate, ChoiceReport, Chosen};
use crate::model::signal::{NamedSignal, Signal};
use crate::model::specs::{Ban, ChooseChapter, ChooseRecording, ChooseSpec, Pin};
use crate::model::telemetry::{Channel, LogClock, Telemetry};

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same cases every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: i64) -> i64 {
        (self.next() % limit as u64) as i64
    }
}

/// A choice to be made: footage, signals, telemetry and a spec.
struct Case {
    spec: ChooseSpec,
    signals: BTreeMap<Digest, Vec<NamedSignal>>,
    telemetry: Option<Telemetry>,
}

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

impl Case {
    /// Moments of 3 s without pre-roll on a grid of 0.5 s, no gap, 9 s in all.
    fn new() -> Case {
        let spec = ChooseSpec {
            recordings: Vec::new(),
            telemetry: None,
            weights: Vec::new(),
            length: ms(3_000),
            pre_roll: ms(0),
            total: ms(9_000),
            gap: ms(0),
            step: ms(500),
            pins: Vec::new(),
            bans: Vec::new(),
        };
        Case { spec, signals: BTreeMap::new(), telemetry: None }
    }

    /// A recording of one chapter; `utc` in ms.
    fn recording(mut self, name: &str, utc: Option<i64>, millis: i64) -> Case {
        self.spec.recordings.push(ChooseRecording {
            name: name.to_owned(),
            utc: utc.map(|utc| utc * 1_000_000),
            telemetry_start: None,
            drift: 0,
            duration: ms(millis),
            chapters: vec![ChooseChapter { offset: ms(0), duration: ms(millis), signals: Vec::new() }],
        });
        self
    }

    /// A signal over the last recording at two samples a second.
    fn signal(mut self, name: &str, value: impl Fn(f64) -> f64) -> Case {
        let recording = self.spec.recordings.last_mut().unwrap();
        let mut signal = Signal::default();
        for half in 0..recording.duration.to_millis().div_euclid(500) {
            signal.push(half * 500_000, value(half as f64 / 2.0));
        }
        let digest = Digest::of(format!("{}/{name}", recording.name).as_bytes());
        recording.chapters[0].signals.push(digest);
        self.signals.insert(digest, vec![NamedSignal { name: name.to_owned(), signal }]);
        self
    }

    /// A channel that starts with UTC 0, with one sample every `step` ms.
    fn channel(mut self, name: &str, step: i64, values: Vec<f64>) -> Case {
        let telemetry = self.telemetry.get_or_insert_with(|| Telemetry {
            clock: LogClock::Utc,
            times: (0..values.len() as i64).map(|index| index * step * 1_000_000).collect(),
            ..Telemetry::default()
        });
        assert_eq!(telemetry.times.len(), values.len());
        telemetry.channels.push(Channel { name: name.to_owned(), unit: Unit::None, values });
        self
    }

    fn weigh(mut self, name: &str, weight: i32) -> Case {
        self.spec.weights.push((name.to_owned(), weight));
        self
    }

    fn pin(mut self, recording: &str, start: i64, length: i64) -> Case {
        self.spec.pins.push(Pin { recording: recording.to_owned(), start: ms(start), length: ms(length) });
        self
    }

    fn ban(mut self, recording: &str, from: i64, until: i64) -> Case {
        self.spec.bans.push(Ban { recording: recording.to_owned(), from: ms(from), until: ms(until) });
        self
    }

    /// A copy of this case with a change.
    fn clone_with(&self, change: impl FnOnce(&mut ChooseSpec)) -> Case {
        let copy = Case { spec: self.spec.clone(), signals: self.signals.clone(), telemetry: self.telemetry.clone() };
        copy.with(change)
    }

    fn with(mut self, change: impl FnOnce(&mut ChooseSpec)) -> Case {
        change(&mut self.spec);
        self
    }

    fn choose(&self) -> Result<(Chosen, ChoiceReport), Diagnostic> {
        let signals = |digest: Digest| Ok(self.signals[&digest].clone());
        super::choose(&self.spec, &signals, self.telemetry.as_ref())
    }

    /// The names of the chosen moments.
    fn chosen(&self) -> Vec<String> {
        self.choose().unwrap().0.moments.iter().map(|moment| moment.node()).collect()
    }

    fn report(&self) -> ChoiceReport {
        self.choose().unwrap().1
    }

    fn candidate(&self, node: &str) -> Candidate {
        self.report().candidates.into_iter().find(|one| one.moment.node() == node).unwrap()
    }
}

/// A bump of height 1 around `centre`, `width` seconds to each side.
fn bump(time: f64, centre: f64, width: f64) -> f64 {
    (1.0 - (time - centre).abs() / width).max(0.0)
}
