//! `autocut-media`: everything that decodes, infers, encodes or muxes, in a
//! process of its own. See docs/ARCHITECTURE.md for why.
//!
//! `autocut` starts it with a socket as standard input and speaks
//! `model::protocol` over that; `autocut-media run FILE` does one action, whose
//! `Invocation` is in FILE as RON, and prints what it produced.

mod analyse;
mod audio;
mod av;
mod bitstream;
mod colour;
mod compare;
mod confinement;
mod convert;
mod copy;
mod damage;
mod decode;
mod deinterlace;
mod excerpt;
mod extent;
mod extract;
mod feed;
mod films;
mod inbox;
mod infer;
mod invocation;
mod join;
mod key_frames;
mod likeness;
mod losses;
mod meter;
mod origin;
mod overlays;
mod picture;
mod planes;
mod probe;
mod proxy;
mod pulse;
mod render;
mod rhythm;
mod riff;
mod samples;
mod segment;
mod serve;
mod still;
mod streams;
mod takes;
mod toolchain;
mod trial;
mod windowed;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use autocut::base::{Diagnostic, Digest, process};
use autocut::model::confinement::Rights;
use autocut::model::protocol::Invocation;

use crate::serve::Kept;

fn main() -> ExitCode {
    process::without_huge_pages();
    av::start();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [] => match socket() {
            Some(socket) => serve(socket),
            None => Err(usage()),
        },
        [command, file] if command == "run" => run(Path::new(file)),
        [command, rest @ ..] if command == "try-barriers" => confinement::trial::run(rest),
        [command] if command == "serve-as-on-an-old-kernel" => match socket() {
            Some(socket) => confinement::trial::hide_landlock().and_then(|()| serve(socket)),
            None => Err(usage()),
        },
        [command, encoder, folder] if command == "trial" => {
            trial(Path::new(folder), |folder| trial::trial(&encoder.to_string_lossy(), folder))
        }
        [command, device, stream, folder] if command == "trial-decoding" => trial(Path::new(folder), |folder| {
            trial::decoding::named(&device.to_string_lossy(), &stream.to_string_lossy(), folder)
        }),
        _ => Err(usage()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostic) => {
            // Nothing can be done about a standard error that is closed.
            writeln!(std::io::stderr(), "autocut-media: {diagnostic}").ok();
            ExitCode::from(diagnostic.tier.exit_code())
        }
    }
}

fn usage() -> Diagnostic {
    Diagnostic::input("this is the part of autocut that handles media, and is started by it")
        .hint("run `autocut make`, or `autocut-media run FILE` with an invocation in RON")
}

/// Standard input, where it is a socket.
fn socket() -> Option<UnixStream> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let socket = UnixStream::from(input);
    socket.local_addr().ok().map(|_| socket)
}

fn serve(mut socket: UnixStream) -> Result<(), Diagnostic> {
    let broke = |error| Diagnostic::environment(format!("the connection to autocut broke: {error}"));
    // Before there is another thread, which would keep its rights.
    if !confinement::greet(&mut socket).map_err(broke)? {
        return Ok(());
    }
    // Without them, slow work would look stuck; it would be done all the same.
    socket.try_clone().map(pulse::tell).ok();
    let requests = socket.try_clone().and_then(inbox::open);
    requests.and_then(|requests| serve::serve(requests, &socket)).map_err(broke)
}

/// Prints the digest of what a trial makes, and the files that it is made of. It
/// has the rights that work on footage has, so that what works here works there.
fn trial(folder: &Path, work: impl FnOnce(&Path) -> Result<Digest, Diagnostic>) -> Result<(), Diagnostic> {
    confinement::confine(&Rights { writable: vec![folder.to_owned()], memory: Some(trial::MEMORY) });
    let mut told = vec![work(folder)?.to_string()];
    told.extend(toolchain::mapped().iter().map(|path| path.display().to_string()));
    let told = told.join("\n");
    writeln!(std::io::stdout(), "{told}").map_err(|error| Diagnostic::environment(format!("cannot print: {error}")))
}

fn run(file: &Path) -> Result<(), Diagnostic> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Diagnostic::input(format!("cannot read an invocation from {}: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let invocation: Invocation = ron::from_str(&text).map_err(|error| unreadable(&error))?;
    let scratch = &invocation.scratch;
    std::fs::create_dir_all(scratch)
        .map_err(|error| Diagnostic::environment(format!("cannot make the folder {}: {error}", scratch.display())))?;
    confinement::confine(&Rights { writable: vec![scratch.clone()], memory: None });
    let produced = serve::run(&invocation, &mut Kept::default(), &mut |_, _| Ok(()))?;
    let pretty = ron::ser::PrettyConfig::default();
    let text = ron::ser::to_string_pretty(&produced, pretty).map_err(|error| Diagnostic::bug(error.to_string()))?;
    writeln!(std::io::stdout(), "{text}").map_err(|error| Diagnostic::environment(format!("cannot print: {error}")))
}
