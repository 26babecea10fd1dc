//! Rate and gaps of a cleaned log, a piece at a time.

use super::summary::Spread;
use crate::model::telemetry::{Quality, Telemetry};

/// How many gaps are told.
const LONGEST: usize = 5;

/// What was seen of a log's times so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    last: Option<i64>,
    steps: Spread,
    longest: Vec<(i64, i64)>,
    unknown: i64,
    pub(super) gaps: u32,
}

impl Tally {
    /// Adds what comes next; `parted` says whether a gap lies before it.
    pub(super) fn add(&mut self, piece: &Telemetry, parted: bool) {
        let mut breaks = piece.breaks.iter().map(|at| *at as usize).peekable();
        let mut steps = Vec::with_capacity(piece.times.len());
        for (at, time) in piece.times.iter().enumerate() {
            let broken = breaks.next_if_eq(&at).is_some() || (at == 0 && parted);
            let Some(before) = self.last.replace(*time) else { continue };
            if broken {
                self.gap(before, *time);
            } else {
                steps.push(time.saturating_sub(before));
            }
        }
        self.steps.add_whole(steps.into_iter());
    }

    fn gap(&mut self, from: i64, until: i64) {
        self.gaps = self.gaps.saturating_add(1);
        let length = until.saturating_sub(from);
        self.unknown = self.unknown.saturating_add(length);
        let place = self.longest.partition_point(|(from, until)| until.saturating_sub(*from) >= length);
        if place < LONGEST {
            self.longest.insert(place, (from, until));
            self.longest.truncate(LONGEST);
        }
    }

    pub(super) fn quality(&self) -> Quality {
        let (longest, unknown) = (self.longest.clone(), self.unknown);
        Quality { usual: self.steps.rank(50), longest, unknown, ..Quality::default() }
    }
}
