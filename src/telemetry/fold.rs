//! The hour that comes twice when clocks go back, in a log that begins in it or
//! comes to it after a rest: its local times may be of either pass.
//!
//! They are taken for the first until the log says otherwise. One that leaves
//! the hour with a step of almost exactly its length was in the second pass all
//! along: then what comes later is read that much earlier, so that nothing that
//! was written has to change, and the whole log is moved at its end.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const SECOND: i64 = 1_000_000_000;

/// After a rest of more than this, in ns, it may be the other pass.
const REST: i64 = 600 * SECOND;

/// A step out of the hour that is this much longer than the hour is one.
const ALMOST: i64 = 60 * SECOND;

/// Times of the hour of which nothing says yet which pass they are of.
#[derive(Debug)]
struct Open {
    width: i64,
    /// Whether nothing comes before them, and no rest lies among them.
    alone: bool,
    times: u64,
    /// When it is, in local time.
    hour: String,
}

/// What was seen of such hours.
#[derive(Debug, Default)]
pub(super) struct Folds {
    open: Option<Open>,
    /// By how much all times are read too early, in ns.
    pub(super) moved: i64,
    doubtful: u64,
    hour: String,
}

impl Folds {
    /// A time that may be `first` or `second` is taken for the first; `last` is
    /// the one before it.
    pub(super) fn enter(&mut self, zone: &TimeZone, (first, second): (Timestamp, Timestamp), last: Option<i64>) {
        let (Some(at), Some(again)) = (nanoseconds(first), nanoseconds(second)) else { return };
        let rested = last.is_some_and(|last| at.saturating_sub(last) > REST);
        if let Some(open) = &mut self.open {
            open.times += 1;
            open.alone &= !rested;
        } else if last.is_none() || rested {
            let (width, hour) = (again.saturating_sub(at), hour(zone, first, second));
            self.open = Some(Open { width, alone: last.is_none(), times: 1, hour });
        }
    }

    /// The clock was seen going back: what came before was the first pass.
    pub(super) fn passed(&mut self) {
        self.open = None;
    }

    /// A time outside of such an hour.
    pub(super) fn leave(&mut self, time: Timestamp, last: Option<i64>) {
        let Some(open) = self.open.take() else { return };
        let step = nanoseconds(time).zip(last).map_or(0, |(time, last)| time.saturating_sub(last));
        if open.alone && (open.width..=open.width.saturating_add(ALMOST)).contains(&step) {
            self.moved = self.moved.saturating_add(open.width);
        } else {
            self.doubt(open.times, open.hour);
        }
    }

    fn doubt(&mut self, times: u64, hour: String) {
        self.doubtful += times;
        self.hour = hour;
    }

    /// What is to be said of times whose pass nothing tells.
    pub(super) fn note(&mut self) -> Option<String> {
        if let Some(open) = self.open.take() {
            self.doubt(open.times, open.hour);
        }
        let (count, hour) = (self.doubtful, &self.hour);
        (count > 0).then(|| {
            format!("local times {hour} were there twice when clocks went back: {count} rows are taken for the first")
        })
    }
}

fn nanoseconds(time: Timestamp) -> Option<i64> {
    i64::try_from(time.as_nanosecond()).ok()
}

/// The hour between whose passes the clock goes back: `between 02:00 and 03:00`.
fn hour(zone: &TimeZone, first: Timestamp, second: Timestamp) -> String {
    let back = zone.preceding(second).next().map_or(second, |transition| transition.timestamp());
    let clock = |of: Timestamp| {
        let time = zone.to_offset(of).to_datetime(back);
        format!("{:02}:{:02}", time.hour(), time.minute())
    };
    format!("between {} and {}", clock(second), clock(first))
}
