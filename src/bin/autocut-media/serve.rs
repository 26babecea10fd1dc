//! The serving loop, and which module does which kind of action.
//!
//! One action at a time, but for analyses that share a decode. A damaged file
//! must cost its own action and nothing else: an error is told, a panic becomes
//! an error, and what the decoder held is thrown away after either, and after
//! footage that could not be decoded whole. What a device of the machine decoded
//! and is not as it should be is done again in software. A parent that is gone ends the process
//! ([`inbox`](crate::inbox)).

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use autocut::base::Diagnostic;
use autocut::model::decoders::Device;
use autocut::model::protocol::{self, Invocation, PROTOCOL_VERSION, Produced, Reply, Request};
use autocut::model::{self, ActionSpec};

use crate::av::Skip;
use crate::films::Films;
use crate::infer::Models;
use crate::invocation::{Progress, input};
use crate::meter::Meter;
use crate::{analyse, audio, compare, copy, extract, infer, join, probe, proxy, render, still};

/// Least time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// What stays open from one action to the next.
#[derive(Default)]
pub(crate) struct Kept {
    films: Films,
    models: Models,
}

/// Answers requests until there are no more.
pub(crate) fn serve(
    requests: impl IntoIterator<Item = std::io::Result<Request>>,
    mut to: impl Write,
) -> std::io::Result<()> {
    let mut kept = Kept::default();
    for request in requests {
        match request? {
            Request::Hello { .. } => protocol::send(&mut to, &Reply::Hello { version: PROTOCOL_VERSION })?,
            // They were given up at the beginning, for good.
            Request::Confine(_) => return Err(std::io::Error::other("rights were asked for a second time")),
            Request::Toolchain => return Err(std::io::Error::other("the toolchain was asked for after the rights")),
            Request::Run(invocations) => {
                for group in invocations.chunk_by(share_decode) {
                    answer(group, &mut kept, &mut to)?;
                }
            }
        }
    }
    Ok(())
}

/// Whether two actions look at the same pictures.
fn share_decode(one: &Invocation, other: &Invocation) -> bool {
    match (&one.spec, &other.spec) {
        (ActionSpec::Analyse(one), ActionSpec::Analyse(other)) => one.file == other.file && one.pass == other.pass,
        _ => false,
    }
}

/// Does a group of actions that share a decode and tells what came of each.
fn answer(group: &[Invocation], kept: &mut Kept, to: &mut impl Write) -> std::io::Result<()> {
    let mut reported: Option<Instant> = None;
    let mut report = |done, total| {
        if reported.is_some_and(|last| last.elapsed() < REPORT_EVERY) {
            return Ok(());
        }
        reported = Some(Instant::now());
        for Invocation { id, .. } in group {
            protocol::send(to, &Reply::Progress { id: *id, done, total })
                .map_err(|error| Diagnostic::environment(format!("autocut is gone: {error}")))?;
        }
        Ok(())
    };
    let meter = Meter::start();
    let (results, mistrust) = run_group(group, kept, &mut report);
    let usage = meter.stop().part_of(group.len());
    if let Some((device, why)) = mistrust {
        protocol::send(to, &Reply::Mistrusted { device, why })?;
    }
    for (Invocation { id, .. }, result) in group.iter().zip(results) {
        let reply = match result {
            Ok(result) => Reply::Done { id: *id, result, usage },
            Err(diagnostic) => Reply::Failed { id: *id, diagnostic },
        };
        protocol::send(to, &reply)?;
    }
    Ok(())
}

/// Does one action.
pub(crate) fn run(invocation: &Invocation, kept: &mut Kept, progress: Progress) -> Result<Produced, Diagnostic> {
    let (mut results, _) = run_group(std::slice::from_ref(invocation), kept, progress);
    let result = results.pop();
    result.unwrap_or_else(|| Err(Diagnostic::bug("an action without a result")))
}

/// A device that does not decode as software does, and what it did.
type Mistrust = (Device, Diagnostic);

/// As many results as there are actions; and which device is not to be used any
/// more.
fn run_group(
    group: &[Invocation],
    kept: &mut Kept,
    progress: Progress,
) -> (Vec<Result<Produced, Diagnostic>>, Option<Mistrust>) {
    let goes_on = kept.films.is_open();
    let mut mistrust = None;
    let results = catch_unwind(AssertUnwindSafe(|| {
        kept.films.begin(group.iter().flat_map(|invocation| invocation.devices.clone()).collect());
        let results = dispatch(group, kept, &mut *progress);
        if let Some(device) = kept.films.device()
            && let Some(why) = doubt(&results, &kept.films)
        {
            kept.films.close();
            kept.films.begin(BTreeMap::new());
            let results = dispatch(group, kept, &mut *progress);
            // Else the file is at fault, or something else altogether.
            let is_whole = !kept.films.is_damaged() && kept.films.silent() == 0;
            mistrust = (is_whole && results.iter().all(Result::is_ok)).then_some((device, why));
            return results;
        }
        if !(goes_on && kept.films.is_damaged()) {
            return results;
        }
        // How a decoder patches up what is damaged depends on what it has decoded
        // before. With nothing before it, that is the same each time.
        kept.films.close();
        dispatch(group, kept, &mut *progress)
    }));
    let results = results.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message");
        let failed = |invocation: &Invocation| {
            let kind = invocation.spec.kind().name;
            Err(Diagnostic::bug(format!("the action `{kind}` panicked: {text}")))
        };
        group.iter().map(failed).collect()
    });
    if results.iter().any(Result::is_err) || kept.films.is_damaged() {
        kept.films.close();
    }
    (results, mistrust)
}

/// Why what a device decoded cannot be taken for what software would have made
/// of it.
fn doubt(results: &[Result<Produced, Diagnostic>], films: &Films) -> Option<Diagnostic> {
    let failed = results.iter().find_map(|result| result.as_ref().err().cloned());
    let differs = films.is_damaged() || films.silent() > 0;
    failed.or_else(|| differs.then(|| Diagnostic::environment("a device complains of what it decodes")))
}

fn dispatch(group: &[Invocation], kept: &mut Kept, progress: Progress) -> Vec<Result<Produced, Diagnostic>> {
    let analyses = group.iter().filter_map(|invocation| match &invocation.spec {
        ActionSpec::Analyse(spec) => Some((spec, invocation)),
        _ => None,
    });
    let analyses: Vec<_> = analyses.collect();
    if analyses.len() == group.len() {
        return analyse::analyse(&analyses, &mut kept.films, progress);
    }
    group.iter().map(|invocation| do_one(invocation, kept, &mut *progress)).collect()
}

fn do_one(invocation: &Invocation, kept: &mut Kept, progress: Progress) -> Result<Produced, Diagnostic> {
    let Kept { films, models } = kept;
    match &invocation.spec {
        ActionSpec::Probe(spec) => {
            let (info, warnings) = probe::probe(input(invocation, spec.file)?, spec.file)?;
            Ok(Produced { value: model::encode(&info), warnings, ..Produced::default() })
        }
        ActionSpec::Detect(spec) => infer::detect(spec, invocation, films, models, progress),
        ActionSpec::Extract(spec) => extract::extract(spec, invocation, progress),
        ActionSpec::Sound(spec) => audio::sound(spec, invocation, progress),
        ActionSpec::Mix(spec) => audio::mix(spec, invocation, progress),
        ActionSpec::Segment(spec) => render::render(spec, invocation, films, Skip::Nothing, progress),
        ActionSpec::Proxy(spec) => proxy::proxy(spec, invocation, films, progress),
        ActionSpec::Join(spec) => join::join(spec, invocation, progress),
        ActionSpec::Still(spec) => still::still(spec, invocation, films),
        ActionSpec::Copy(spec) => copy::copy(spec, invocation, progress),
        ActionSpec::CopySound(spec) => audio::copy(spec, invocation, progress),
        ActionSpec::Compare(spec) => compare::compare(spec, invocation, films, progress),
        other => {
            let kind = other.kind().name;
            Err(Diagnostic::bug(format!("the action `{kind}` is not one of autocut-media's")))
        }
    }
}

#[cfg(test)]
mod tests;
