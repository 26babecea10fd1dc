//! `make --profile FILE`: where the time of a build went, as a Chrome trace
//! (JSON array format) for Perfetto or chrome://tracing. A lane for each worker
//! slot, with one event for each action; lanes for planning and for hashing.
//!
//! The format: "Trace Event Format", Google, of which complete (`X`) and
//! metadata (`M`) events are used.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::base::Diagnostic;
use crate::exec::event::{ActionState, Event, Listener, Subject};
use crate::model::ActionKey;
use crate::store;

/// All lanes are of one process; numbers of lanes only have to differ.
const PROCESS: u32 = 1;
const PLANNING: u32 = 0;
const HASHING: u32 = 1;
const WORKERS: u32 = 1_000;

/// Gathers events, and writes them when the build is over.
pub struct Trace {
    path: PathBuf,
    origin: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<Value>,
    /// Names of the lanes that are used.
    lanes: BTreeMap<u32, String>,
    running: HashMap<ActionKey, Running>,
    /// When each lane of hashing is free again.
    hashing: Vec<Duration>,
    trouble: Option<Diagnostic>,
}

struct Running {
    lane: u32,
    since: Duration,
}

impl Trace {
    /// A trace that begins now and is written to `path`, over an earlier trace
    /// and over nothing else. A place that cannot be written is told before the
    /// build.
    pub fn begin(path: &Path) -> Result<Self, Diagnostic> {
        let trace = Trace { path: path.to_owned(), origin: Instant::now(), state: Mutex::default() };
        store::write_page(path, text(&mut State::default()).as_bytes(), MARK.as_bytes())?;
        Ok(trace)
    }

    /// Why the trace was not written, where it was not.
    pub fn trouble(&self) -> Option<Diagnostic> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    fn action(&self, state: &mut State, now: Duration, subject: &Subject<'_>, what: &ActionState<'_>) {
        match what {
            ActionState::Started { slot, place } => {
                let number = u32::try_from(*slot).unwrap_or(0);
                let lane = WORKERS + number;
                state.lanes.entry(lane).or_insert_with(|| format!("worker {}", number + 1));
                // Actions of one slot that share a decode began together: the
                // later one to end encloses the others.
                let lately = state.running.values().filter(|running| running.lane == lane).map(|running| running.since);
                let since = if *place > 0 { lately.max().unwrap_or(now) } else { now };
                state.running.insert(subject.key, Running { lane, since });
            }
            ActionState::Progress { .. } | ActionState::Fetched => {}
            ActionState::Done { .. }
            | ActionState::Retried { .. }
            | ActionState::Failed { .. }
            | ActionState::Cancelled => self.end(state, now, subject, what),
        }
    }

    fn end(&self, state: &mut State, now: Duration, subject: &Subject<'_>, what: &ActionState<'_>) {
        // What was refused before it began has no time.
        let Some(Running { lane, since }) = state.running.remove(&subject.key) else { return };
        let (wall, usage) = match what {
            // Its worker went on to the next while its result was kept.
            ActionState::Done { elapsed, usage } => ((*elapsed).min(now.saturating_sub(since)), Some(usage)),
            _ => (now.saturating_sub(since), None),
        };
        let kind = subject.spec.kind().name;
        let mut args = json!({
            "kind": kind,
            "key": subject.key.to_string(),
            "state": what.word(),
            "wall_ms": milliseconds(wall),
        });
        if let Some(usage) = usage {
            args["cpu_ms"] = json!(milliseconds(Duration::from_micros(usage.cpu_us)));
            args["peak_mib"] = json!((usage.peak_kib as f64 / 102.4).round() / 10.0);
            args["read_bytes"] = json!(usage.read);
            args["written_bytes"] = json!(usage.written);
            if usage.shared > 1 {
                args["shared_by"] = json!(usage.shared);
            }
        }
        state.events.push(complete(subject.node, kind, lane, since, since + wall, args));
    }

    fn hashed(&self, state: &mut State, now: Duration, path: &str, bytes: u64, elapsed: Duration) {
        let start = now.saturating_sub(elapsed);
        let free = state.hashing.iter().position(|until| *until <= start);
        let index = free.unwrap_or(state.hashing.len());
        if index == state.hashing.len() {
            state.hashing.push(now);
        }
        if let Some(until) = state.hashing.get_mut(index) {
            *until = now;
        }
        let lane = HASHING + u32::try_from(index).unwrap_or(0);
        state.lanes.entry(lane).or_insert_with(|| format!("hashing {}", index + 1));
        let args = json!({"bytes": bytes, "wall_ms": milliseconds(elapsed)});
        state.events.push(complete(path, "hash", lane, start, now, args));
    }

    fn planned(&self, state: &mut State, now: Duration, elapsed: Duration) {
        state.lanes.entry(PLANNING).or_insert_with(|| "planning".to_owned());
        let args = json!({"wall_ms": milliseconds(elapsed)});
        state.events.push(complete("plan", "plan", PLANNING, now.saturating_sub(elapsed), now, args));
    }

    fn write(&self, state: &mut State) {
        state.trouble = store::write_page(&self.path, text(state).as_bytes(), MARK.as_bytes()).err();
    }
}

/// By which an earlier trace is known: the name of its process.
const MARK: &str = "\"autocut make\"";

/// The whole trace, a JSON array with an event on each line.
fn text(state: &mut State) -> String {
    let process = json!({"name": "process_name", "ph": "M", "pid": PROCESS, "args": {"name": "autocut make"}});
    let name = |(lane, name): (&u32, &String)| {
        [("thread_name", json!({"name": name})), ("thread_sort_index", json!({"sort_index": lane}))]
            .map(|(what, args)| json!({"name": what, "ph": "M", "pid": PROCESS, "tid": lane, "args": args}))
    };
    let lines = std::iter::once(process).chain(state.lanes.iter().flat_map(name)).chain(state.events.drain(..));
    let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

impl Listener for Trace {
    fn event(&self, event: &Event<'_>) {
        let now = self.origin.elapsed();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Action { subject, state: what } => self.action(&mut state, now, subject, what),
            Event::Hashing { path, bytes, elapsed } => self.hashed(&mut state, now, path, *bytes, *elapsed),
            Event::Evaluated { elapsed } => self.planned(&mut state, now, *elapsed),
            Event::Finished(_) => self.write(&mut state),
            _ => {}
        }
    }
}

/// An event with a beginning and an end, in µs since the trace began.
fn complete(name: &str, category: &str, lane: u32, start: Duration, end: Duration, args: Value) -> Value {
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    json!({
        "name": name,
        "cat": category,
        "ph": "X",
        "ts": micros(start),
        "dur": micros(end.saturating_sub(start)),
        "pid": PROCESS,
        "tid": lane,
        "args": args,
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::exec::goal::Summary;
    use crate::model::ActionSpec;
    use crate::model::Usage;
    use crate::model::specs::ProbeSpec;

    /// Two actions that share a decode, then one by itself, beside a hash.
    #[test]
    fn events_of_one_lane_never_cross() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let trace = Trace::begin(&path).unwrap();
        let no = Diagnostic::input("no");
        let spec = ActionSpec::Probe(ProbeSpec { file: Digest::of(b"") });
        let act = |node: &str, state| {
            let subject = Subject { key: ActionKey(Digest::of(node.as_bytes())), node, spec: &spec };
            trace.event(&Event::Action { subject, state });
            std::thread::sleep(Duration::from_millis(2));
        };
        let usage = Usage { cpu_us: 1_500, peak_kib: 2_048, read: 7, written: 8, shared: 2 };
        let done = |elapsed| ActionState::Done { elapsed: Duration::from_millis(elapsed), usage };
        act("a", ActionState::Started { slot: 1, place: 0 });
        act("b", ActionState::Started { slot: 1, place: 1 });
        trace.event(&Event::Hashing { path: "f.mp4", bytes: 9, elapsed: Duration::from_millis(3) });
        act("a", done(3));
        // Told when its worker has begun another.
        act("c", ActionState::Started { slot: 1, place: 0 });
        act("b", done(4));
        act("c", ActionState::Failed { why: &no });
        act("refused", ActionState::Failed { why: &no });
        trace.event(&Event::Evaluated { elapsed: Duration::from_micros(10) });
        trace.event(&Event::Finished(&Summary::default()));
        assert!(trace.trouble().is_none());

        let events: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let complete: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
        let names: Vec<&str> = complete.iter().map(|event| event["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["f.mp4", "a", "b", "c", "plan"]);
        let span = |name: &str| {
            let event = complete.iter().find(|event| event["name"] == name).unwrap();
            let (ts, dur) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
            (ts, ts + dur)
        };
        assert_eq!(span("a").0, span("b").0);
        assert!(span("a").1 < span("b").1 && span("b").1 < span("c").0);
        let a = complete.iter().find(|event| event["name"] == "a").unwrap();
        assert_eq!(a["args"]["cpu_ms"], 1.5);
        assert_eq!(a["args"]["peak_mib"], 2.0);
        assert_eq!(a["args"]["shared_by"], 2);
        let lanes: Vec<&str> = events
            .iter()
            .filter(|event| event["name"] == "thread_name")
            .map(|event| event["args"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(lanes, ["planning", "hashing 1", "worker 2"]);

        // Over a trace, and over nothing else.
        assert!(Trace::begin(&path).is_ok());
        std::fs::write(&path, "[1, 2, 3]").unwrap();
        assert!(Trace::begin(&path).is_err());
    }
}
