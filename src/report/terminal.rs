//! Progress for people: one bar for the whole with the time left, a line for
//! each action that runs; plain lines where there is no terminal.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::Diagnostic;
use crate::exec::event::{ActionState, Event, Listener, Subject};
use crate::exec::failure::Missing;
use crate::exec::goal::Summary;
use crate::model::kinds::KINDS;
use crate::model::{ActionKey, ActionSpec};
use crate::report::diagnostics;

/// Actions that take less than this get no line of their own: a line that
/// flashes tells nobody anything.
const LINE_AFTER: Duration = Duration::from_millis(250);

/// The overall bar until there are segments to encode: before that, a share or a
/// time left would be guesses.
const OPEN: &str = "{spinner:.cyan} {msg}, {pos} done";

/// The overall bar while segments are encoded, which is what takes the time.
const KNOWN: &str = "{spinner:.cyan} {msg:<12} {wide_bar:.cyan/238} {percent:>3}%  {eta:>4} left";

/// Kinds that are worth a plain line when they are done: what a person waits
/// for.
const TOLD: &[&str] = &["analyse", "detect", "telemetry.import", "choose", "quality", "segment", "mix", "join"];

pub struct Terminal {
    bars: MultiProgress,
    overall: ProgressBar,
    state: Mutex<State>,
    live: bool,
    colour: bool,
    /// Whether a success is told in words.
    closing: bool,
}

#[derive(Default)]
struct State {
    running: HashMap<ActionKey, Running>,
    /// Whether frames are counted, and no longer actions.
    rendering: bool,
    /// Of finished segments.
    frames_done: u64,
}

struct Running {
    since: Instant,
    /// Frames of a segment that are encoded already.
    frames: u64,
    bar: Option<ProgressBar>,
}

impl State {
    /// Frames that are encoded, those of unfinished segments included.
    fn frames(&self) -> u64 {
        self.frames_done + self.running.values().map(|running| running.frames).sum::<u64>()
    }
}

impl Terminal {
    /// `live` draws bars on standard error; otherwise plain lines are printed
    /// there.
    pub fn new(live: bool, colour: bool) -> Self {
        let target = if live { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let overall = bars.add(ProgressBar::new(0));
        overall.set_style(style(OPEN));
        if live {
            overall.enable_steady_tick(Duration::from_millis(120));
        }
        Terminal { bars, overall, state: Mutex::default(), live, colour, closing: true }
    }

    /// For a command whose own words follow.
    #[must_use]
    pub fn without_closing(mut self) -> Self {
        self.closing = false;
        self
    }

    fn print(&self, line: &str) {
        if self.live {
            // The bars are redrawn below it.
            let _ = self.bars.println(line);
        } else {
            write_line(line);
        }
    }

    fn action(&self, subject: &Subject<'_>, state: ActionState<'_>) {
        let mut shown = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            ActionState::Started { .. } => {
                shown.running.insert(subject.key, Running { since: Instant::now(), frames: 0, bar: None });
            }
            ActionState::Progress { done, total } => {
                if let Some(running) = shown.running.get_mut(&subject.key) {
                    if matches!(subject.spec, ActionSpec::Segment(_)) {
                        running.frames = done;
                    }
                    let bars = &self.bars;
                    if running.bar.is_none() && running.since.elapsed() >= LINE_AFTER && self.live {
                        let bar = bars.add(ProgressBar::new(total));
                        bar.set_style(style("    {msg:<56!} {bar:20.238/238} {pos:>5}/{len}"));
                        bar.set_message(title(subject));
                        running.bar = Some(bar);
                    }
                    if let Some(bar) = &running.bar {
                        bar.set_length(total);
                        bar.set_position(done);
                    }
                }
                if shown.rendering {
                    self.overall.set_position(shown.frames());
                }
            }
            ActionState::Done { elapsed, .. } => {
                self.remove(&mut shown, subject.key);
                if let ActionSpec::Segment(segment) = subject.spec {
                    shown.frames_done += u64::from(segment.frames());
                }
                if shown.rendering {
                    self.overall.set_position(shown.frames());
                } else {
                    self.overall.inc(1);
                }
                drop(shown);
                if !self.live && TOLD.contains(&subject.spec.kind().name) {
                    self.print(&format!("{:>8.2} s  {}", elapsed.as_secs_f64(), title(subject)));
                }
            }
            ActionState::Retried { why, delay } => {
                self.remove(&mut shown, subject.key);
                drop(shown);
                self.print(&format!("  again in {}: {} ({})", seconds(delay), title(subject), why.message));
            }
            ActionState::Failed { .. } | ActionState::Cancelled | ActionState::Fetched => {
                self.remove(&mut shown, subject.key);
            }
        }
    }

    fn remove(&self, shown: &mut State, key: ActionKey) {
        if let Some(bar) = shown.running.remove(&key).and_then(|running| running.bar) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    /// The last words of a build.
    fn finish(&self, summary: &Summary) {
        self.overall.finish_and_clear();
        for error in alike(&summary.errors) {
            write_line(&diagnostics::render(&error, self.colour));
        }
        for (path, _) in summary.outputs.iter().filter(|(_, written)| *written) {
            write_line(&format!("  wrote {path}"));
        }
        for missing in &summary.missing {
            write_line(&not_made(missing));
        }
        if self.closing || summary.exit_code() != 0 {
            write_line(&closing(summary));
        }
    }
}

/// Errors of which those that say the same of the same place are told once: of
/// several actions on one file each fails for the same reason.
fn alike(errors: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut told: Vec<(Diagnostic, usize)> = Vec::new();
    for error in errors {
        let is_same = |(other, _): &&mut (Diagnostic, usize)| {
            (&other.message, &other.place, other.tier) == (&error.message, &error.place, error.tier)
        };
        match told.iter_mut().find(is_same) {
            Some((_, more)) => *more += 1,
            None => told.push((error.clone(), 0)),
        }
    }
    let with_count = |(error, more): (Diagnostic, usize)| match more {
        0 => error,
        _ => error.note(format!("{} failed for the same reason", counted(more, "more action"))),
    };
    told.into_iter().map(with_count).collect()
}

/// `not made: out/reel.mp4, which needs segment reel/front/a@1.0s/segment/0`.
fn not_made(missing: &Missing) -> String {
    /// More than these are only counted.
    const NAMED: usize = 3;
    let some = |all: &[String], noun: &str| match all.len().saturating_sub(NAMED) {
        0 => all.join(", "),
        more => format!("{} and {}", all[..NAMED].join(", "), counted(more, &format!("more {noun}"))),
    };
    let files = some(&missing.files, "file");
    match missing.needs.is_empty() {
        true => format!("  not made: {files}"),
        false => format!("  not made: {files}, which needs {}", some(&missing.needs, "action")),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸─").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

fn title(subject: &Subject<'_>) -> String {
    format!("{} {}", subject.spec.kind().name, subject.node)
}

/// `3 of 42 segments rendered, 39 reused, 1.2 s`.
pub fn closing(summary: &Summary) -> String {
    let elapsed = match summary.fetched {
        0 => seconds(summary.elapsed),
        count => format!("{} from the shared store, {}", counted(count, "result"), seconds(summary.elapsed)),
    };
    if summary.interrupted {
        return format!("interrupted after {elapsed}; what was finished is kept");
    }
    if !summary.errors.is_empty() {
        let ran = summary.ran_count();
        return format!("not done: {} in {elapsed}, {ran} actions finished", counted(summary.errors.len(), "error"));
    }
    if !summary.did_something() {
        return format!("nothing to do ({} known), {elapsed}", counted(summary.reused_count(), "result"));
    }
    if summary.ran_count() == 0 {
        return format!("nothing had to be made here, {elapsed}");
    }
    let segments = (summary.ran.get("segment").copied(), summary.reused.get("segment").copied());
    let (ran, reused) = (segments.0.unwrap_or(0), segments.1.unwrap_or(0));
    if ran > 0 {
        return format!("{ran} of {} segments rendered, {reused} reused, {elapsed}", ran + reused);
    }
    let made = KINDS.iter().filter_map(|kind| {
        let count = *summary.ran.get(kind.name)?;
        let (one, many) = kind.product;
        Some(format!("{count} {}", if count == 1 { one } else { many }))
    });
    let made: Vec<String> = made.collect();
    let reused = if reused > 0 { format!(", {} reused", counted(reused, "segment")) } else { String::new() };
    format!("{}{reused}, {elapsed}", made.join(", "))
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A span of time for people.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 100.0 => format!("{s:.1} s"),
        s => format!("{}:{:02} min", s as u64 / 60, s as u64 % 60),
    }
}

fn write_line(line: &str) {
    // Whoever closed it does not listen; that is no reason to end a build.
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Listener for Terminal {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Planned { done, frames_done, frames, .. } => {
                let mut shown = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if self.overall.is_finished() {
                    // Another build of a watcher.
                    shown.rendering = false;
                    self.overall.reset();
                    self.overall.set_style(style(OPEN));
                }
                shown.frames_done = *frames_done;
                if *frames == 0 {
                    self.overall.set_message("finding out what there is to do");
                    self.overall.set_position(*done as u64);
                    return;
                }
                if !std::mem::replace(&mut shown.rendering, true) {
                    // From here on it counts frames, and the rate is theirs.
                    self.overall.set_style(style(KNOWN));
                    self.overall.set_message("rendering");
                    self.overall.reset_eta();
                }
                self.overall.set_length(*frames);
                self.overall.set_position(shown.frames());
            }
            Event::Hashing { path, bytes, .. } => {
                if !self.live && *bytes > 1 << 26 {
                    self.print(&format!("          hashed {path}"));
                }
            }
            Event::Action { subject, state } => self.action(subject, *state),
            Event::Warning(warning) => self.print(&diagnostics::render(warning, self.colour)),
            Event::Refused(problems) => {
                problems.0.iter().for_each(|problem| self.print(&diagnostics::render(problem, self.colour)));
            }
            Event::Output { .. } | Event::Evaluated { .. } => {}
            Event::Publishing => self.overall.set_message("publishing"),
            Event::Finished(summary) => self.finish(summary),
        }
    }
}

/// Prints a line that is no diagnostic.
pub fn note(line: &str) {
    write_line(line);
}

/// Prints diagnostics that came before a build could start.
pub fn tell(problems: &[Diagnostic], colour: bool) {
    for problem in problems {
        write_line(&diagnostics::render(problem, colour));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_made_is_told_with_what_it_needs() {
        let list = |count: usize| (0..count).map(|index| format!("x{index}")).collect::<Vec<_>>();
        let missing = |files, needs| Missing { output: "reel".to_owned(), files: list(files), needs: list(needs) };
        assert_eq!(not_made(&missing(1, 0)), "  not made: x0");
        assert_eq!(not_made(&missing(1, 2)), "  not made: x0, which needs x0, x1");
        let long = not_made(&missing(5, 4));
        assert_eq!(long, "  not made: x0, x1, x2 and 2 more files, which needs x0, x1, x2 and 1 more action");
    }

    #[test]
    fn what_fails_for_one_reason_is_told_once() {
        let error = |message: &str, note: &str| Diagnostic::input(message).note(note);
        let told = alike(&[error("a", "1"), error("b", "2"), error("a", "3"), error("a", "4")]);
        assert_eq!(told, [error("a", "1").note("2 more actions failed for the same reason"), error("b", "2")]);
    }

    #[test]
    fn closing_words() {
        let mut summary = Summary { elapsed: Duration::from_millis(1_240), ..Summary::default() };
        summary.reused.insert("segment", 39);
        assert_eq!(closing(&summary), "nothing to do (39 results known), 1.2 s");
        summary.fetched = 2;
        assert_eq!(closing(&summary), "nothing had to be made here, 2 results from the shared store, 1.2 s");
        summary.fetched = 0;
        summary.ran.insert("join", 1);
        assert_eq!(closing(&summary), "1 file joined, 39 segments reused, 1.2 s");
        summary.fetched = 2;
        assert_eq!(closing(&summary), "1 file joined, 39 segments reused, 2 results from the shared store, 1.2 s");
        summary.fetched = 0;
        summary.ran.insert("segment", 3);
        assert_eq!(closing(&summary), "3 of 42 segments rendered, 39 reused, 1.2 s");
        summary.interrupted = true;
        assert_eq!(closing(&summary), "interrupted after 1.2 s; what was finished is kept");
    }
}
