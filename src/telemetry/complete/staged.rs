//! A log on its way: what is stored of it, without what is hidden, and what was
//! added. It is gone over in windows, as often as it takes; what is added is put
//! aside.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

use super::privacy::{self, Hidden};
use crate::base::Unit;
use crate::model::telemetry::{Channel, LogClock, Mark, Telemetry};
use crate::telemetry::clean::Stopped;
use crate::telemetry::columns::{Aside, BLOCK, Reader, Scratch, Shelf};

/// Parts of the columns that are put aside in a window.
const PARTS: usize = 8;

pub(super) struct Staged<'a> {
    source: &'a Reader<'a>,
    shelf: Shelf<'a>,
    /// Samples of a window that count.
    core: usize,
    part: usize,
    origin: i64,
    pub(super) marks: Vec<Mark>,
    hidden: Option<Hidden>,
    channels: Vec<Listed>,
}

struct Listed {
    name: String,
    unit: Unit,
    values: Values,
}

/// Where the values of a channel are.
enum Values {
    Stored,
    /// Stored, and unknown where the position is hidden.
    Open,
    Unknown,
    Aside(Aside),
}

/// What a window has beside what counts, in seconds: what lies so far before
/// and after it, and one sample more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Margins {
    pub(super) before: f64,
    pub(super) after: f64,
}

/// A part of the log.
pub(super) struct Window {
    /// The channels that were asked for, as far as there are any, without marks.
    /// A break at 0 is before the first sample.
    pub(super) log: Telemetry,
    /// Of each sample, since the first of the whole log.
    pub(super) seconds: Vec<f64>,
    /// The samples that count.
    pub(super) core: Range<usize>,
    /// The index of the first of these in the whole log.
    pub(super) first: usize,
}

impl Window {
    /// The values of a channel at the samples that count.
    pub(super) fn values(&self, name: &str) -> Option<&[f64]> {
        self.log.channel(name)?.values.get(self.core.clone())
    }

    pub(super) fn times(&self) -> &[i64] {
        &self.log.times[self.core.clone()]
    }

    /// Whether a break lies before each of the samples that count.
    pub(super) fn parted(&self) -> impl Iterator<Item = bool> + '_ {
        let mut breaks =
            self.log.breaks.iter().map(|at| *at as usize).skip_while(|at| *at < self.core.start).peekable();
        self.core.clone().map(move |at| breaks.next_if_eq(&at).is_some())
    }
}

impl<'a> Staged<'a> {
    /// A log of which nothing is hidden and to which nothing was added; `part`
    /// is how many samples are put aside at once.
    pub(super) fn new(source: &'a Reader<'a>, scratch: &'a mut dyn Scratch, part: usize) -> Staged<'a> {
        let listed = |(name, unit): (&str, Unit)| Listed { name: name.to_owned(), unit, values: Values::Stored };
        Staged {
            source,
            shelf: Shelf::new(scratch, part),
            core: part * PARTS,
            part,
            origin: source.span().map_or(0, |(first, _)| first),
            marks: source.marks(),
            hidden: None,
            channels: source.channels().map(listed).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.source.len()
    }

    /// Names and units of the channels, in order.
    pub(super) fn channels(&self) -> impl Iterator<Item = (&str, Unit)> {
        self.channels.iter().map(|channel| (channel.name.as_str(), channel.unit))
    }

    pub(super) fn unit(&self, name: &str) -> Option<Unit> {
        self.channels().find(|(other, _)| *other == name).map(|(_, unit)| unit)
    }

    /// Seconds since the first sample.
    pub(super) fn seconds(&self, time: i64) -> f64 {
        time.saturating_sub(self.origin) as f64 / 1e9
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.channels.retain(|channel| channel.name != name);
    }

    /// Takes the positions of these samples away, with all that tells of them.
    pub(super) fn is_hidden(&self, sample: usize) -> bool {
        self.hidden.as_ref().is_some_and(|hidden| hidden.has(sample))
    }

    pub(super) fn hide(&mut self, hidden: Hidden) {
        for channel in &mut self.channels {
            if privacy::is_from_a_place(&channel.name) {
                channel.values = Values::Unknown;
            } else if privacy::tells(&channel.name) && matches!(channel.values, Values::Stored) {
                channel.values = Values::Open;
            }
        }
        self.hidden = Some(hidden);
    }

    /// Goes over the log.
    pub(super) fn each(&self, names: &[&str], margins: Margins, work: &mut dyn FnMut(&Window)) -> Result<(), Stopped> {
        for core in self.cores() {
            work(&self.window(core, names, margins)?);
        }
        Ok(())
    }

    /// Goes over the log and puts a column aside: what `work` makes of the
    /// samples of each window that count. Says whether anything in it is known.
    pub(super) fn make(
        &mut self,
        names: &[&str],
        margins: Margins,
        work: &mut dyn FnMut(&Window) -> Vec<f64>,
    ) -> Result<(Aside, bool), Stopped> {
        let (mut made, mut known) = (Aside::default(), false);
        for core in self.cores() {
            let values = work(&self.window(core, names, margins)?);
            known |= values.iter().any(|value| value.is_finite());
            self.shelf.put(&mut made, &values)?;
        }
        Ok((made, known))
    }

    /// Adds a column as a channel.
    pub(super) fn push(&mut self, name: &str, unit: Unit, column: Aside) {
        self.channels.push(Listed { name: name.to_owned(), unit, values: Values::Aside(column) });
    }

    fn cores(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (core, len) = (self.core, self.len());
        (0..len).step_by(core).map(move |start| start..(start + core).min(len))
    }

    fn window(&self, core: Range<usize>, names: &[&str], margins: Margins) -> Result<Window, Stopped> {
        let whole = self.widened(core.clone(), margins)?;
        let log = self.read(whole.clone(), names)?;
        let seconds = log.times.iter().map(|time| self.seconds(*time)).collect();
        Ok(Window { log, seconds, first: core.start, core: core.start - whole.start..core.end - whole.start })
    }

    /// A range with its margins.
    fn widened(&self, core: Range<usize>, margins: Margins) -> Result<Range<usize>, Stopped> {
        let time = |at: usize| -> Result<f64, Stopped> {
            let sample = self.source.part(at..at + 1, &|_| false)?;
            Ok(sample.times.first().map_or(0.0, |time| self.seconds(*time)))
        };
        let mut whole = core.clone();
        if margins.before > 0.0 {
            let (earliest, mut step) = (time(core.start)? - margins.before, self.part);
            while whole.start > 0 && (whole.start == core.start || time(whole.start)? >= earliest) {
                whole.start = whole.start.saturating_sub(step);
                step *= 2;
            }
        }
        if margins.after > 0.0 {
            let (latest, mut step) = (time(core.end - 1)? + margins.after, self.part);
            while whole.end < self.len() && (whole.end == core.end || time(whole.end - 1)? <= latest) {
                whole.end = (whole.end + step).min(self.len());
                step *= 2;
            }
        }
        Ok(whole)
    }

    /// These samples of the channels with these names, in the order of the log.
    pub(super) fn read(&self, range: Range<usize>, names: &[&str]) -> Result<Telemetry, Stopped> {
        let wanted = |channel: &&Listed| names.contains(&channel.name.as_str());
        let stored: BTreeSet<&str> = self
            .channels
            .iter()
            .filter(wanted)
            .filter(|channel| matches!(channel.values, Values::Stored | Values::Open))
            .map(|channel| channel.name.as_str())
            .collect();
        let mut log = self.source.part(range.clone(), &|name| stored.contains(name))?;
        let mut read = std::mem::take(&mut log.channels);
        for Listed { name, unit, values } in self.channels.iter().filter(wanted) {
            let mut take = || {
                let channel = read.iter_mut().find(|channel| channel.name == *name);
                channel.map(|channel| std::mem::take(&mut channel.values)).unwrap_or_default()
            };
            let values = match values {
                Values::Stored => take(),
                Values::Open => {
                    let mut values = take();
                    if let Some(hidden) = &self.hidden {
                        hidden.blank(range.start, &mut values);
                    }
                    values
                }
                Values::Unknown => vec![f64::NAN; log.times.len()],
                Values::Aside(column) => self.shelf.read(column, range.clone())?,
            };
            log.channels.push(Channel { name: name.clone(), unit: *unit, values });
        }
        Ok(log)
    }

    /// All channels, in the blocks of an artifact.
    pub(super) fn blocks(&self, work: &mut dyn FnMut(&Telemetry) -> io::Result<()>) -> Result<(), Stopped> {
        let names: Vec<&str> = self.channels().map(|(name, _)| name).collect();
        for start in (0..self.len()).step_by(BLOCK) {
            work(&self.read(start..start + BLOCK, &names)?)?;
        }
        Ok(())
    }

    pub(super) fn clock(&self) -> LogClock {
        self.source.clock()
    }

    /// The first time of all, or 0.
    pub(super) fn first(&self) -> i64 {
        self.origin
    }
}
