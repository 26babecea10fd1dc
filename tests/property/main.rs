//! After any sequence of edits a build gives what one from nothing gives, byte
//! for byte, and leaves nothing to do.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

#[path = "../common/mod.rs"]
mod common;
mod edit;
mod film;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use autocut::base::Digest;

use common::Made;
use common::files::{assert_sound, digests_below, write};
use common::soak::Rounds;
use edit::Edit;
use film::{Content, Film};

#[test]
fn after_any_edits_a_build_equals_one_from_nothing() {
    Rounds::of("property", 2, 60).run(|n, rng| {
        let edits: Vec<Edit> = (0..rng.usize(6..16)).map(|_| Edit::random(rng)).collect();
        eprintln!("{n}: {} edits", edits.len());
        if let Err(found) = follow(&edits) {
            let (edits, found) = shrink(edits, found);
            panic!("{found}\nafter {edits:#?}");
        }
    });
}

/// Leaves out edits as long as what is left still fails.
fn shrink(mut edits: Vec<Edit>, mut found: String) -> (Vec<Edit>, String) {
    eprintln!("{found}\nafter {edits:#?}\nleaving out edits ...");
    let mut at = 0;
    while at < edits.len() {
        let mut fewer = edits.clone();
        fewer.remove(at);
        match follow(&fewer) {
            Err(still) => {
                (edits, found) = (fewer, still);
                at = 0;
            }
            Ok(()) => at += 1,
        }
    }
    (edits, found)
}

/// What a build came to.
#[derive(Clone, Debug)]
struct Outcome {
    code: i32,
    errors: String,
    outputs: BTreeMap<PathBuf, Digest>,
}

impl Outcome {
    fn of(made: &Made, folder: &Path) -> Self {
        let mut outputs = digests_below(&folder.join("out"));
        // Where a killed build left one unfinished.
        outputs.retain(|name, _| !name.file_name().unwrap().to_string_lossy().starts_with('.'));
        Outcome { code: made.code, errors: format!("{}{}", made.errors().join("\n"), made.stderr), outputs }
    }
}

fn make(folder: &Path, args: &[&str]) -> Made {
    Made::of(common::autocut().current_dir(folder).args(["make", "--json"]).args(args).output().unwrap())
}

/// What a build from nothing comes to, in a folder of its own. Each film is
/// built once.
fn from_nothing(film: &Film) -> Outcome {
    static KNOWN: LazyLock<Mutex<HashMap<BTreeMap<String, Content>, Outcome>>> = LazyLock::new(Mutex::default);
    let files = film.files();
    if let Some(known) = KNOWN.lock().unwrap().get(&files) {
        return known.clone();
    }
    let folder = tempfile::tempdir().unwrap();
    film.write(folder.path());
    let outcome = Outcome::of(&make(folder.path(), &[]), folder.path());
    KNOWN.lock().unwrap().insert(files, outcome.clone());
    outcome
}

/// Makes a film, edits it, and makes it after each edit; the error says what
/// was not as it should be.
fn follow(edits: &[Edit]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut film = Film::new();
    let mut files = BTreeMap::new();
    bring_up_to(&film, &mut files, folder, false);
    check(&film, folder, "at first")?;
    for (n, edit) in edits.iter().enumerate() {
        edit.change(&mut film);
        // In place, or by a new file that takes the name.
        bring_up_to(&film, &mut files, folder, n % 2 == 1);
        edit.disturb(folder, &film);
        let what = format!("after edit {n}, {edit:?}");
        match *edit {
            Edit::MakeOne(which) if !film.outputs.is_empty() => {
                let name = &film.outputs[which % film.outputs.len()].name;
                make(folder, &[name]);
            }
            Edit::Break(how) => broken(&film, how, folder).map_err(|found| format!("{found} {what}"))?,
            // Before the first build there is nothing to collect.
            Edit::Collect if folder.join(".autocut/version").exists() => {
                let output = common::autocut().current_dir(folder).args(["gc", "--limit", "1"]).output().unwrap();
                if !output.status.success() {
                    return Err(format!("gc failed {what}: {}", String::from_utf8_lossy(&output.stderr)));
                }
            }
            Edit::Kill { ms } => {
                let mut command = common::autocut();
                let command = command.current_dir(folder).arg("make").stdout(Stdio::null()).stderr(Stdio::null());
                let mut build = command.spawn().unwrap();
                std::thread::sleep(Duration::from_millis(ms));
                build.kill().unwrap();
                build.wait().unwrap();
            }
            _ => {}
        }
        check(&film, folder, &what)?;
    }
    assert_sound(folder);
    Ok(())
}

/// All footage says that it was written then.
fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_717_236_000)
}

/// Does to the folder what was done to the film since it held `files`.
fn bring_up_to(film: &Film, files: &mut BTreeMap<String, Content>, folder: &Path, by_rename: bool) {
    let wanted = film.files();
    let mut gone: Vec<String> = files.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
    for (name, content) in &wanted {
        if files.get(name) == Some(content) {
            continue;
        }
        let path = folder.join(name);
        // A file of this content that is wanted no more was renamed.
        if let Some(at) = gone.iter().position(|other| files.get(other) == Some(content)) {
            fs::rename(folder.join(gone.remove(at)), path).unwrap();
            continue;
        }
        let place = if by_rename { folder.join("incoming") } else { path.clone() };
        write(&place, content.bytes());
        if matches!(content, Content::Media(_)) {
            fs::File::options().append(true).open(&place).unwrap().set_modified(long_ago()).unwrap();
        }
        if by_rename {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::rename(place, path).unwrap();
        }
    }
    gone.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    *files = wanted;
}

/// Compares a build with one from nothing, and asks for another.
fn check(film: &Film, folder: &Path, what: &str) -> Result<(), String> {
    let expected = from_nothing(film);
    let before = Outcome::of(
        &Made { code: 0, events: vec![serde_json::json!({"event": "finished", "errors": []})], stderr: String::new() },
        folder,
    );
    let made = make(folder, &[]);
    let found = Outcome::of(&made, folder);
    if found.code != expected.code {
        return Err(format!(
            "{what}: it ended with {} and not with {}:\n{}\n{}",
            found.code, expected.code, found.errors, expected.errors
        ));
    }
    if let Some(lost) = before.outputs.keys().find(|name| !found.outputs.contains_key(*name)) {
        return Err(format!("{what}: {} is gone", lost.display()));
    }
    if expected.code != 0 {
        return Ok(());
    }
    for (name, digest) in &expected.outputs {
        match found.outputs.get(name) {
            Some(other) if other == digest => {}
            Some(_) => return Err(format!("{what}: {} has other bytes", name.display())),
            None => return Err(format!("{what}: {} is missing", name.display())),
        }
    }
    let again = make(folder, &[]);
    if again.code != 0 || !again.ran().is_empty() {
        return Err(format!("{what}: the second build ended with {} and ran {:?}", again.code, again.ran()));
    }
    Ok(())
}

/// Builds with a manifest that is wrong, which must lose nothing.
fn broken(film: &Film, how: usize, folder: &Path) -> Result<(), String> {
    let sound = film.manifest();
    let wrong = match how % 5 {
        0 => sound[..sound.len() / 2].to_owned(),
        1 => sound.replace("pins: [", "pins: [\"front/nowhere@1s\", "),
        2 => sound.replace("Csv(file: \"ride.csv\")", "Csv(file: \"lost.csv\")"),
        3 => sound.replace("overlays: {", "overlays: {\"heart\": Gauge(channel: \"heart_rate\"), "),
        _ => String::new(),
    };
    let before = digests_below(&folder.join("out"));
    fs::write(folder.join("autocut.ron"), wrong).unwrap();
    let made = make(folder, &[]);
    let after = digests_below(&folder.join("out"));
    fs::write(folder.join("autocut.ron"), sound).unwrap();
    if made.code != 1 || made.errors().is_empty() {
        return Err(format!("a wrong manifest ended with {}: {}", made.code, made.stderr));
    }
    if before != after {
        return Err("a wrong manifest changed outputs".to_owned());
    }
    if from_nothing(film).code == 0 {
        let made = make(folder, &[]);
        if !made.ran().is_empty() {
            return Err(format!("a wrong manifest had {:?} run once it was right", made.ran()));
        }
    }
    Ok(())
}
