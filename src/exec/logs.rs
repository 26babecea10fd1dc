//! Telemetry that actions read: short logs whole and decoded once, of long ones
//! what is asked for.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Diagnostic, Digest};
use crate::exec::inline::Materials;
use crate::inputs::Placed;
use crate::model::Telemetry;
use crate::model::telemetry::{Channel, Mark};
use crate::store::ScratchFile;
use crate::telemetry::WHOLE;
use crate::telemetry::columns::{self, Reader, Scratch, Source, Unreadable};
use crate::telemetry::lookup;

/// How many logs are kept.
const KEPT: usize = 2;

/// About how many samples stand for a long log where all of it is drawn: many
/// more than a map or a profile has pixels.
const DRAWN: usize = 20_000;

/// Samples that are written at a time.
const PIECE: usize = 8 * columns::BLOCK;

/// About how many samples of a long log a camera is compared with.
const COMPARED: usize = 500_000;

/// Further than this from where a camera says that it was, in ns, it is not
/// looked for in a long log: zones are 14 hours from UTC at most.
const AWAY: i64 = 26 * 3_600_000_000_000;

impl Source for Placed {
    fn length(&self) -> u64 {
        self.length()
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_at(at, buffer)
    }
}

impl Source for ScratchFile {
    fn length(&self) -> u64 {
        self.length()
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_at(at, buffer)
    }
}

impl Scratch for ScratchFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.append(bytes)
    }
}

/// Logs that were read lately: every clip of a build asks for the same.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<Arc<Log>>>>);

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logs")
    }
}

/// A log in the store.
pub(super) struct Log {
    digest: Digest,
    reader: Reader<'static>,
    /// All of it, or as many samples as are drawn of a long one.
    drawn: Mutex<Option<Arc<Telemetry>>>,
}

impl Logs {
    pub(super) fn get(&self, materials: &dyn Materials, digest: Digest) -> Result<Arc<Log>, Diagnostic> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = kept.iter().find(|log| log.digest == digest) {
            return Ok(log.clone());
        }
        let log = Arc::new(Log { digest, reader: open(materials, digest)?, drawn: Mutex::default() });
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(log.clone());
        Ok(log)
    }
}

/// A log's reader.
pub(super) fn open(materials: &dyn Materials, digest: Digest) -> Result<Reader<'static>, Diagnostic> {
    Reader::open(materials.placed(digest)?).map_err(|why| odd(why, digest))
}

pub(super) fn odd(why: Unreadable, digest: Digest) -> Diagnostic {
    match why {
        Unreadable::Io(error) => {
            Diagnostic::environment(format!("the stored telemetry {} cannot be read: {error}", digest.short()))
        }
        Unreadable::Odd => super::inline::unreadable("telemetry", digest),
    }
}

impl Log {
    fn is_short(&self) -> bool {
        self.reader.len() <= WHOLE
    }

    fn read<T>(&self, answer: Result<T, Unreadable>) -> Result<T, Diagnostic> {
        answer.map_err(|why| odd(why, self.digest))
    }

    /// All samples of a short log, every so many of a long one.
    fn drawn(&self) -> Result<Arc<Telemetry>, Diagnostic> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = &*drawn {
            return Ok(drawn.clone());
        }
        let made = if self.is_short() { self.reader.whole() } else { self.reader.thinned(DRAWN, i64::MIN..i64::MAX) };
        Ok(drawn.insert(Arc::new(self.read(made)?)).clone())
    }

    /// What is needed to show a run of frames: all of a short log; of a long
    /// one the run itself and, thinned out, the rest.
    pub(super) fn shown(&self, run: Range<i64>) -> Result<Arc<Telemetry>, Diagnostic> {
        let drawn = self.drawn()?;
        if self.is_short() || run.is_empty() {
            return Ok(drawn);
        }
        let run = self.read(self.reader.slice(run))?;
        Ok(Arc::new(spliced(&drawn, run)))
    }

    /// What lies within spans of time: all of a short log; of a long one these
    /// and no more, with a break between two.
    pub(super) fn within(&self, mut spans: Vec<Range<i64>>) -> Result<Arc<Telemetry>, Diagnostic> {
        if self.is_short() {
            return self.drawn();
        }
        spans.sort_by_key(|span| (span.start, span.end));
        let mut all = self.read(self.reader.samples(0..0))?;
        let mut spans = spans.into_iter().peekable();
        while let Some(mut span) = spans.next() {
            while let Some(next) = spans.next_if(|next| next.start <= span.end) {
                span.end = span.end.max(next.end);
            }
            append(&mut all, self.read(self.reader.slice(span))?);
        }
        all.marks = self.reader.marks();
        Ok(Arc::new(all))
    }

    /// All samples in order, piece by piece. Each piece begins with the last
    /// sample of the one before it (so that a break between the two is seen):
    /// `each` is told how many it knows already.
    pub(super) fn pieces(
        &self,
        each: &mut dyn FnMut(&Telemetry, usize) -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let (mut start, length) = (0, self.reader.len());
        loop {
            let end = (start + PIECE).min(length);
            let known = usize::from(start > 0);
            each(&self.read(self.reader.samples(start - known..end))?, known)?;
            if end == length {
                return Ok(());
            }
            start = end;
        }
    }

    /// The first sample's time, in ns.
    pub(super) fn first(&self) -> Option<i64> {
        self.reader.span().map(|(first, _)| first)
    }

    pub(super) fn marks(&self) -> Vec<Mark> {
        self.reader.marks()
    }

    /// The place at a time, see [`lookup::position`].
    pub(super) fn around(&self, time: i64) -> Result<Arc<Telemetry>, Diagnostic> {
        if self.is_short() {
            return self.drawn();
        }
        Ok(Arc::new(self.read(self.reader.slice(time..time.saturating_add(1)))?))
    }

    /// What a camera is compared with that says it recorded in this span: all
    /// of a short log; of a long one what is near there, or all of it where
    /// nothing is, thinned out.
    pub(super) fn compared(&self, claimed: Option<Range<i64>>) -> Result<Arc<Telemetry>, Diagnostic> {
        if self.is_short() {
            return self.drawn();
        }
        let Some((first, last)) = self.reader.span() else { return self.drawn() };
        let near = claimed.map(|span| span.start.saturating_sub(AWAY)..span.end.saturating_add(AWAY));
        let near = near.filter(|near| near.start <= last && near.end >= first).unwrap_or(i64::MIN..i64::MAX);
        Ok(Arc::new(self.read(self.reader.thinned(COMPARED, near))?))
    }
}

/// Adds what comes later, behind a break. A sample that both have is there
/// once.
fn append(all: &mut Telemetry, mut more: Telemetry) {
    if let (Some(last), Some(first)) = (all.times.last(), more.times.first())
        && first <= last
    {
        // Both are of one log, so the last of `all` is among them.
        let whole = lookup::slice(&more, *last..i64::MAX);
        if whole.times.first() != Some(last) {
            return;
        }
        let joint = all.times.len();
        let breaks = whole.breaks.iter().filter_map(|at| u32::try_from(*at as usize + joint - 1).ok());
        all.breaks.extend(breaks);
        all.times.extend_from_slice(&whole.times[1..]);
        for (channel, more) in all.channels.iter_mut().zip(&whole.channels) {
            channel.values.extend_from_slice(&more.values[1..]);
        }
        return;
    }
    let joint = all.times.len();
    if joint > 0 && !more.times.is_empty() {
        all.breaks.extend(u32::try_from(joint));
    }
    all.breaks.extend(more.breaks.iter().filter_map(|at| u32::try_from(*at as usize + joint).ok()));
    all.times.append(&mut more.times);
    for (channel, more) in all.channels.iter_mut().zip(&mut more.channels) {
        channel.values.append(&mut more.values);
    }
}

/// A thinned log with all samples of a run in their place. What a break parts
/// of the thinned log is parted on both sides of the run.
fn spliced(thin: &Telemetry, run: Telemetry) -> Telemetry {
    let (Some(first), Some(last)) = (run.times.first(), run.times.last()) else { return thin.clone() };
    let before = thin.times.partition_point(|time| time < first);
    let after = thin.times.partition_point(|time| time <= last);
    let joint = before + run.times.len();
    let is_parted = |at: usize| u32::try_from(at).is_ok_and(|at| thin.breaks.binary_search(&at).is_ok());
    let mut breaks: Vec<usize> = thin.breaks.iter().map(|at| *at as usize).filter(|at| *at < before).collect();
    if before > 0 && is_parted(before) {
        breaks.push(before);
    }
    breaks.extend(run.breaks.iter().map(|at| *at as usize + before));
    if after < thin.times.len() && is_parted(after) {
        breaks.push(joint);
    }
    breaks.extend(thin.breaks.iter().map(|at| *at as usize).filter(|at| *at > after).map(|at| at - after + joint));
    let spliced = |thin: &Channel, run: &Channel| Channel {
        values: [&thin.values[..before], &run.values, &thin.values[after..]].concat(),
        ..thin.clone()
    };
    Telemetry {
        clock: thin.clock,
        times: [&thin.times[..before], &run.times, &thin.times[after..]].concat(),
        channels: thin.channels.iter().zip(&run.channels).map(|(thin, run)| spliced(thin, run)).collect(),
        breaks: breaks.into_iter().filter_map(|at| u32::try_from(at).ok()).collect(),
        marks: thin.marks.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;
    use crate::model::telemetry::LogClock;

    /// One sample each 10, its value its time.
    fn log(times: &[i64], breaks: &[u32]) -> Telemetry {
        let values = times.iter().map(|time| *time as f64).collect();
        Telemetry {
            clock: LogClock::Start,
            times: times.to_vec(),
            channels: vec![Channel { name: "x".to_owned(), unit: Unit::None, values }],
            breaks: breaks.to_vec(),
            marks: Vec::new(),
        }
    }

    fn long() -> Log {
        let times: Vec<i64> = (0..WHOLE as i64 + 1_000).map(|n| n * 10).collect();
        let whole = log(&times, &[150, 1_000]);
        let reader = Reader::open(Box::new(columns::encode(&whole))).unwrap();
        Log { digest: Digest::of(b""), reader, drawn: Mutex::default() }
    }

    #[test]
    fn a_run_stands_whole_in_a_thinned_log() {
        let long = long();
        let drawn = long.drawn().unwrap();
        assert!((DRAWN / 2..=DRAWN + 3).contains(&drawn.times.len()), "{}", drawn.times.len());
        for run in [1_400..1_600, 0..35, 9_905..10_200, 2_000_000..3_000_000, 5_000..5_001] {
            let shown = long.shown(run.clone()).unwrap();
            assert!(shown.times.windows(2).all(|pair| pair[0] < pair[1]), "{run:?}");
            assert!(shown.breaks.windows(2).all(|pair| pair[0] < pair[1]), "{run:?}");
            let inside = shown.times.iter().filter(|time| run.contains(time)).count();
            assert!(inside as i64 >= (run.end.min(2_009_990) - run.start) / 10, "{run:?} {inside}");
            for time in (run.start.max(0)..run.end.min(2_009_990)).step_by(3) {
                let expected = if (1_491..1_500).contains(&time) || (9_991..10_000).contains(&time) {
                    None
                } else {
                    Some(time as f64)
                };
                let found = lookup::value_at(&shown, "x", time);
                assert!(
                    found.is_some() == expected.is_some() && found.unwrap_or(0.0) - expected.unwrap_or(0.0) < 1e-6,
                    "{time}"
                );
            }
        }
    }

    #[test]
    fn spans_are_there_and_what_lies_between_is_not() {
        let long = long();
        let part = long.within(vec![5_000..5_100, 105..205, 150..260, 5_105..5_111]).unwrap();
        let expected: Vec<i64> = (10..=26).chain(500..=512).map(|n| n * 10).collect();
        assert_eq!(part.times, expected);
        assert_eq!(part.breaks, [17]);
        assert_eq!(lookup::value_at(&part, "x", 3_000), None);
        assert_eq!(lookup::value_at(&part, "x", 5_103), Some(5_103.0));
        assert_eq!(lookup::value_at(&long.around(1_234).unwrap(), "x", 1_234), Some(1_234.0));
    }

    #[test]
    fn a_camera_is_looked_for_near_where_it_says() {
        let long = long();
        assert!(long.compared(Some(0..5)).unwrap().times.len() <= COMPARED + 3);
        assert_eq!(long.compared(Some(i64::MAX - 1..i64::MAX)).unwrap().times.first(), Some(&0));
    }
}
