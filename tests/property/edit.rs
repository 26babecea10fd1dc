//! Edits: what is done to a film, and what is done to a project's folder behind
//! autocut's back. Each picks what it is about out of what is there when it is
//! done, so that any of them can be left out of a sequence.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::common::files::files_below;
use crate::film::{Film, Footage, OVERLAYS, Output, Pin, SHOTS};

/// Large numbers are taken modulo how many there are.
pub(crate) type Pick = usize;

#[derive(Clone, Debug)]
pub(crate) enum Edit {
    AddPin {
        of: Pick,
        at: Pick,
        length: Pick,
    },
    RemovePin(Pick),
    MovePin {
        which: Pick,
        to: Pick,
    },
    SwapPins(Pick, Pick),
    Weigh {
        which: Pick,
        weight: Pick,
    },
    Total(Pick),
    AddOverlay(Pick),
    RemoveOverlay(Pick),
    ChangeOverlay {
        which: Pick,
        param: Pick,
    },
    SwapOverlays(Pick, Pick),
    AddOutput {
        reel: bool,
        place: Pick,
    },
    RemoveOutput(Pick),
    RenameOutput(Pick),
    MoveOutput {
        which: Pick,
        place: Pick,
    },
    ChangeOutput {
        which: Pick,
        what: Pick,
        value: Pick,
    },
    SwapOutputs(Pick, Pick),
    Music(Option<Pick>),
    Gain(Pick),
    ChangeRow {
        which: Pick,
        speed: Pick,
    },
    DeleteRow(Pick),
    AddFootage {
        camera: Pick,
        content: Pick,
    },
    /// With the pins in it, or leaving a manifest that names what is not there.
    RemoveFootage {
        which: Pick,
        pins: bool,
    },
    RenameFootage {
        which: Pick,
        pins: bool,
    },
    /// With something else of the same size and time.
    ReplaceFootage {
        which: Pick,
        content: Pick,
    },
    SwapFootage(Pick, Pick),
    SwapCameras,
    Comment(Pick),
    Touch {
        which: Pick,
        seconds: i64,
    },
    /// One output is made, the others wait.
    MakeOne(Pick),
    /// A manifest that is wrong for a while.
    Break(Pick),
    LoseOutput(Pick),
    LoseObject(Pick),
    LoseObjects,
    LoseIndex,
    Collect,
    Kill {
        ms: u64,
    },
}

impl Edit {
    pub(crate) fn random(rng: &mut fastrand::Rng) -> Edit {
        let pick = |rng: &mut fastrand::Rng| rng.usize(0..1_000);
        match rng.u32(0..44) {
            0..3 => Edit::AddPin { of: pick(rng), at: rng.usize(0..25), length: rng.usize(3..12) },
            3 => Edit::RemovePin(pick(rng)),
            4 | 5 => Edit::MovePin { which: pick(rng), to: rng.usize(0..25) },
            6 => Edit::SwapPins(pick(rng), pick(rng)),
            7 | 8 => Edit::Weigh { which: pick(rng), weight: rng.usize(0..4) * 250 },
            9 => Edit::Total(rng.usize(5..30)),
            10 => Edit::AddOverlay(pick(rng)),
            11 => Edit::RemoveOverlay(pick(rng)),
            12 | 13 => Edit::ChangeOverlay { which: pick(rng), param: pick(rng) },
            14 => Edit::SwapOverlays(pick(rng), pick(rng)),
            15 | 16 => Edit::AddOutput { reel: rng.bool(), place: pick(rng) },
            17 => Edit::RemoveOutput(pick(rng)),
            18 => Edit::RenameOutput(pick(rng)),
            19 => Edit::MoveOutput { which: pick(rng), place: pick(rng) },
            20 | 21 => Edit::ChangeOutput { which: pick(rng), what: pick(rng), value: pick(rng) },
            22 => Edit::SwapOutputs(pick(rng), pick(rng)),
            23 => Edit::Music(rng.bool().then(|| pick(rng))),
            24 => Edit::Gain(rng.usize(3..20)),
            25 | 26 => Edit::ChangeRow { which: pick(rng), speed: rng.usize(5..40) },
            27 => Edit::DeleteRow(pick(rng)),
            28 | 29 => Edit::AddFootage { camera: pick(rng), content: pick(rng) },
            30 => Edit::RemoveFootage { which: pick(rng), pins: rng.u32(0..4) > 0 },
            31 => Edit::RenameFootage { which: pick(rng), pins: rng.u32(0..4) > 0 },
            32 | 33 => Edit::ReplaceFootage { which: pick(rng), content: pick(rng) },
            34 => Edit::SwapFootage(pick(rng), pick(rng)),
            35 => Edit::SwapCameras,
            36 => Edit::Comment(pick(rng)),
            37 => Edit::Touch { which: pick(rng), seconds: rng.i64(-100_000..100_000) },
            38 => Edit::MakeOne(pick(rng)),
            39 => Edit::Break(pick(rng)),
            40 => Edit::LoseOutput(pick(rng)),
            41 => Edit::LoseObject(pick(rng)),
            42 => match rng.u32(0..3) {
                0 => Edit::LoseObjects,
                1 => Edit::LoseIndex,
                _ => Edit::Collect,
            },
            _ => Edit::Kill { ms: rng.u64(0..1_000) },
        }
    }

    /// What it makes of the film.
    pub(crate) fn change(&self, film: &mut Film) {
        match *self {
            Edit::AddPin { of, at, length } => {
                if let Some(file) = pick(&mut film.footage, of) {
                    film.pins.push(Pin { recording: file.recording(), at, length });
                }
            }
            Edit::RemovePin(which) => drop(take(&mut film.pins, which)),
            Edit::MovePin { which, to } => drop(pick(&mut film.pins, which).map(|pin| pin.at = to)),
            Edit::SwapPins(one, other) => swap(&mut film.pins, one, other),
            Edit::Weigh { which, weight } => film.weights[which % 2] = weight,
            Edit::Total(total) => film.total = total,
            Edit::AddOverlay(kind) => {
                let name = ["speed", "words", "map", "hills"][kind % OVERLAYS].to_owned();
                if film.overlays.iter().all(|(other, ..)| *other != name) {
                    film.overlays.push((name, kind, 0));
                }
            }
            Edit::RemoveOverlay(which) => drop(take(&mut film.overlays, which)),
            Edit::ChangeOverlay { which, param } => drop(pick(&mut film.overlays, which).map(|it| it.2 = param)),
            Edit::SwapOverlays(one, other) => swap(&mut film.overlays, one, other),
            Edit::AddOutput { reel, place } => {
                let name = fresh("more", |name| film.outputs.iter().any(|output| output.name == name));
                film.outputs.push(Output { name, reel, place, size: 0, quality: 0, title: 0, bare: false });
            }
            Edit::RemoveOutput(which) if film.outputs.len() > 1 => drop(take(&mut film.outputs, which)),
            Edit::RenameOutput(which) => {
                let name = fresh("other", |name| film.outputs.iter().any(|output| output.name == name));
                if let Some(output) = pick(&mut film.outputs, which) {
                    output.name = name;
                }
            }
            Edit::MoveOutput { which, place } => {
                if let Some(output) = pick(&mut film.outputs, which) {
                    output.place = place;
                }
            }
            Edit::ChangeOutput { which, what, value } => {
                if let Some(output) = pick(&mut film.outputs, which) {
                    match what % 4 {
                        0 => output.size = value,
                        1 => output.quality = value,
                        2 => output.title = value,
                        _ => output.bare = value % 2 == 1,
                    }
                }
            }
            Edit::SwapOutputs(one, other) => swap(&mut film.outputs, one, other),
            Edit::Music(music) => film.music = music,
            Edit::Gain(gain) => film.gain = gain,
            Edit::ChangeRow { which, speed } => drop(pick(&mut film.rows, which).map(|row| *row = Some(speed))),
            Edit::DeleteRow(which) => drop(pick(&mut film.rows, which).map(|row| *row = None)),
            Edit::AddFootage { camera, content } if film.footage.len() < 7 => {
                let name = fresh("new", |name| film.footage.iter().any(|file| file.name == name));
                film.footage.push(Footage { camera: camera % 2, name, content: content % SHOTS });
            }
            Edit::RemoveFootage { which, pins } => {
                if let Some(gone) = take(&mut film.footage, which).filter(|_| pins) {
                    film.pins.retain(|pin| pin.recording != gone.recording());
                }
            }
            Edit::RenameFootage { which, pins } => {
                let name = fresh("renamed", |name| film.footage.iter().any(|file| file.name == name));
                let Some(file) = pick(&mut film.footage, which) else { return };
                let was = file.recording();
                file.name = name;
                let is = file.recording();
                for pin in film.pins.iter_mut().filter(|pin| pins && pin.recording == was) {
                    pin.recording.clone_from(&is);
                }
            }
            Edit::ReplaceFootage { which, content } => {
                if let Some(file) = pick(&mut film.footage, which) {
                    file.content = content % SHOTS;
                }
            }
            Edit::SwapFootage(one, other) if !film.footage.is_empty() => {
                let (one, other) = (one % film.footage.len(), other % film.footage.len());
                let content = film.footage[one].content;
                film.footage[one].content = film.footage[other].content;
                film.footage[other].content = content;
            }
            Edit::SwapCameras => film.rear_first = !film.rear_first,
            Edit::Comment(comment) => film.comment = comment,
            _ => {}
        }
    }

    /// What it does to a built project's folder, the files of the film apart.
    pub(crate) fn disturb(&self, folder: &Path, film: &Film) {
        let store = folder.join(".autocut");
        match *self {
            Edit::Touch { which, seconds } => {
                let Some(file) = film.footage.get(which % film.footage.len().max(1)) else { return };
                let file = fs::File::options().append(true).open(folder.join(file.path())).unwrap();
                let away = Duration::from_secs(seconds.unsigned_abs());
                let now = SystemTime::now();
                file.set_modified(if seconds < 0 { now - away } else { now + away }).unwrap();
            }
            Edit::LoseOutput(which) => lose(&folder.join("out"), which),
            Edit::LoseObject(which) => lose(&store.join("objects"), which),
            Edit::LoseObjects => drop(fs::remove_dir_all(store.join("objects"))),
            Edit::LoseIndex => {
                for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
                    let _ = fs::remove_file(store.join(name));
                }
            }
            _ => {}
        }
    }
}

fn pick<T>(all: &mut [T], which: Pick) -> Option<&mut T> {
    let count = all.len().max(1);
    all.get_mut(which % count)
}

fn take<T>(all: &mut Vec<T>, which: Pick) -> Option<T> {
    (!all.is_empty()).then(|| all.remove(which % all.len()))
}

fn swap<T>(all: &mut [T], one: Pick, other: Pick) {
    if !all.is_empty() {
        all.swap(one % all.len(), other % all.len());
    }
}

/// A name that nothing has yet.
fn fresh(start: &str, taken: impl Fn(&str) -> bool) -> String {
    (0..).map(|n| format!("{start}{n}")).find(|name| !taken(name)).unwrap()
}

fn lose(folder: &Path, which: Pick) {
    let files: Vec<PathBuf> = files_below(folder);
    if let Some(file) = files.get(which % files.len().max(1)) {
        fs::remove_file(folder.join(file)).unwrap();
    }
}
