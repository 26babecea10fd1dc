//! Makes the example project: a bicycle ride that never was, filmed by two
//! cameras. The road, the rider and the traffic are computed; the footage, its
//! sound, the log of the head unit and the truth about all of it follow from
//! them and belong together.
//!
//! `cargo run --release --example ride -- FOLDER`

mod art;
mod camera;
mod canvas;
mod encode;
mod frame;
mod ground;
mod logger;
mod music;
mod noise;
mod pixel;
mod plan;
mod plants;
mod rider;
mod route;
mod scene;
mod sky;
mod sound;
mod sprites;
mod things;
mod traffic;
mod truth;
mod wav;
mod world;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use autocut::base::{Diagnostic, FrameRate, Size};
use clap::Parser;

use crate::camera::Camera;
use crate::canvas::Canvas;
use crate::encode::Encoder;
use crate::frame::Frame;
use crate::plan::{Plan, Shot};
use crate::rider::Ride;
use crate::route::Route;
use crate::scene::World;

/// Makes the example project: a bicycle ride filmed by two cameras, with its
/// telemetry and the truth about it.
#[derive(Parser)]
struct Arguments {
    /// Where the project goes; files in it that bear the same names are replaced.
    folder: PathBuf,
    /// Width and height of the footage, both even [default: 1280x720, with --short 320x180].
    #[arg(long, value_parser = parse_size)]
    size: Option<Size>,
    /// A few seconds for each recording.
    #[arg(long)]
    short: bool,
    /// Draw a machine-readable frame counter into the upper left corner.
    #[arg(long)]
    marks: bool,
}

fn parse_size(text: &str) -> Result<Size, String> {
    let (width, height) = text.split_once('x').ok_or("expected WIDTHxHEIGHT, e.g. 1280x720")?;
    let side = |text: &str| match text.parse() {
        Ok(side) if (64..=4096).contains(&side) && side % 2 == 0 => Ok(side),
        _ => Err(format!("`{text}` is not an even number from 64 to 4096")),
    };
    Ok(Size::new(side(width)?, side(height)?))
}

fn main() -> ExitCode {
    match make(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostic) => {
            say(&format!("error: {diagnostic}"));
            ExitCode::from(diagnostic.tier.exit_code())
        }
    }
}

/// A line for whoever waits; where standard error is closed it is lost.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    fs::write(path, bytes).map_err(|error| Diagnostic::environment(format!("can't write {}: {error}", path.display())))
}

fn make(arguments: &Arguments) -> Result<(), Diagnostic> {
    let started = Instant::now();
    let size = arguments.size.unwrap_or(if arguments.short { Size::new(320, 180) } else { Size::new(1280, 720) });
    let (Some(front), Some(rear)) = (FrameRate::new(30_000, 1_001), FrameRate::new(30, 1)) else {
        return Err(Diagnostic::bug("a frame rate of 0"));
    };
    let route = Route::new();
    let ride = Ride::new(&route);
    let plan = Plan::new(&ride, arguments.short, front, rear);
    let folder = &arguments.folder;
    for sub in ["footage/front", "footage/rear", ".making"] {
        let sub = folder.join(sub);
        fs::create_dir_all(&sub)
            .map_err(|error| Diagnostic::environment(format!("can't make the folder {}: {error}", sub.display())))?;
    }
    let log = logger::log(&route, &ride, plan.glitch);
    write_file(&folder.join("ride.csv"), log.csv.as_bytes())?;
    let truth = truth::write(&route, &ride, &plan, &log, size, arguments.marks)?;
    write_file(&folder.join("truth.json"), truth.as_bytes())?;
    let manifest = if arguments.short { include_str!("short.ron") } else { include_str!("autocut.ron") };
    write_file(&folder.join("autocut.ron"), manifest.as_bytes())?;
    wav::write(&folder.join("music.wav"), &music::compose())?;
    let world = World::new(route, ride, plan.vehicles.clone(), size);
    let filmed = film_all(&world, &plan, folder, size, arguments.marks);
    let cleaned = fs::remove_dir_all(folder.join(".making"))
        .map_err(|error| Diagnostic::environment(format!("can't remove {}/.making: {error}", folder.display())));
    filmed.and(cleaned)?;
    let frames: u32 = plan.shots.iter().map(|shot| shot.frames).sum();
    let seconds: f64 = plan.shots.iter().map(|shot| shot.duration().as_f64()).sum();
    say(&format!(
        "{}: {} files, {frames} frames of {size}, {seconds:.0} s of footage in {:.1} s",
        folder.display(),
        plan.shots.len(),
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Films two files at a time, the longest first.
fn film_all(world: &World, plan: &Plan, folder: &Path, size: Size, marks: bool) -> Result<(), Diagnostic> {
    let mut order: Vec<&Shot> = plan.shots.iter().collect();
    order.sort_by_key(|shot| std::cmp::Reverse(shot.frames));
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(shot) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            film(world, shot, folder, size, marks)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mine = work();
        let other = other.join().unwrap_or_else(|_| Err(Diagnostic::bug("a drawing thread panicked")));
        mine.and(other)
    })
}

fn film(world: &World, shot: &Shot, folder: &Path, size: Size, marks: bool) -> Result<(), Diagnostic> {
    let sound = shot.has_sound.then(|| folder.join(format!(".making/{}.wav", shot.number)));
    if let Some(path) = &sound {
        wav::write(path, &sound::record(&world.ride, &world.vehicles, shot))?;
    }
    let mut encoder = Encoder::start(&folder.join(shot.path), shot, size, sound.as_deref())?;
    let mut canvas = Canvas::new(size).ok_or_else(|| Diagnostic::bug(format!("no canvas of {size}")))?;
    let mut frame = Frame::new(size);
    for index in 0..shot.frames {
        let t = shot.time_of(index);
        let camera = Camera::new(&world.route, &world.ride, &world.vehicles, shot.camera, t, size);
        world.draw(&mut canvas, &camera, shot.camera, t);
        frame.develop(&canvas, &camera, camera::exposure(&world.ride, shot.camera, t));
        if marks {
            frame.mark(shot.number, index);
        }
        encoder.write(&frame.data)?;
    }
    encoder.finish()
}
