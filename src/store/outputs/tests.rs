use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::store::tests::{Bench, key_of};

const NAME: &str = "out/reel.mp4";

struct Project {
    bench: Bench,
}

impl Project {
    fn new() -> Project {
        Project { bench: Bench::new() }
    }

    fn root(&self) -> &Path {
        self.bench.folder.path()
    }

    fn output(&self) -> PathBuf {
        self.root().join(NAME)
    }

    /// Writes the output as a join does.
    fn write(&self, content: &str, force: bool) -> Result<Digest, Diagnostic> {
        self.bench.take(self.root(), NAME, content, force)
    }

    fn state(&self) -> OutputState {
        let one = self.bench.store.output_state(self.root(), NAME).unwrap();
        let many = self.bench.store.output_states(self.root(), &["nothing".to_owned(), NAME.to_owned()]).unwrap();
        assert_eq!(many, [OutputState::Absent, one]);
        one
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.root().join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn absent_then_ours_then_absent_again() {
    let project = Project::new();
    assert_eq!(project.state(), OutputState::Absent);
    let digest = project.write("one", false).unwrap();
    assert_eq!(digest, Digest::of(b"one"));
    assert_eq!(project.state(), OutputState::Ours(digest));
    assert_eq!(project.files(), ["reel.mp4"]);
    fs::remove_file(project.output()).unwrap();
    assert_eq!(project.state(), OutputState::Absent);
}

#[test]
fn ours_is_replaced() {
    let project = Project::new();
    project.write("one", false).unwrap();
    let digest = project.write("two", false).unwrap();
    assert_eq!(project.state(), OutputState::Ours(digest));
    assert_eq!(fs::read(project.output()).unwrap(), b"two");
}

#[test]
fn a_file_that_autocut_did_not_write_is_never_replaced_without_force() {
    let project = Project::new();
    fs::create_dir(project.root().join("out")).unwrap();
    fs::write(project.output(), "my only copy").unwrap();
    assert_eq!(project.state(), OutputState::Foreign);
    let error = project.write("one", false).unwrap_err();
    assert_eq!(error.message, "out/reel.mp4 exists and was not written by autocut");
    assert_eq!(fs::read(project.output()).unwrap(), b"my only copy");
    assert_eq!(project.files(), ["reel.mp4"], "nothing is left beside it");
    project.write("one", true).unwrap();
    assert_eq!(fs::read(project.output()).unwrap(), b"one");
}

#[test]
fn an_output_that_someone_changed_is_foreign_whatever_its_size() {
    for edit in ["longer than before", "two"] {
        let project = Project::new();
        project.write("one", false).unwrap();
        // Past the tick of the kernel's clock, which is 10 ms at the longest.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(project.output(), edit).unwrap();
        assert_eq!(project.state(), OutputState::Foreign);
        let error = project.write("three", false).unwrap_err();
        assert_eq!(error.message, "out/reel.mp4 was changed since autocut wrote it");
        assert_eq!(fs::read_to_string(project.output()).unwrap(), edit);
    }
}

#[test]
fn an_output_that_was_only_touched_or_copied_is_still_ours() {
    let project = Project::new();
    let digest = project.write("one", false).unwrap();
    fs::copy(project.output(), project.root().join("copy")).unwrap();
    fs::rename(project.root().join("copy"), project.output()).unwrap();
    assert_eq!(project.state(), OutputState::Ours(digest));
    let refreshed = project.bench.store.outputs().unwrap();
    assert_eq!(refreshed[0].written.stat.inode, fs::metadata(project.output()).unwrap().ino());
}

#[test]
fn a_file_that_already_is_what_should_be_there_is_adopted() {
    let project = Project::new();
    fs::create_dir(project.root().join("out")).unwrap();
    fs::write(project.output(), "one").unwrap();
    let digest = project.write("one", false).unwrap();
    assert_eq!(project.state(), OutputState::Ours(digest));
}

#[test]
fn folders_and_links_are_foreign_and_a_folder_is_not_forced() {
    let project = Project::new();
    fs::create_dir_all(project.output()).unwrap();
    assert_eq!(project.state(), OutputState::Foreign);
    assert!(project.write("one", true).unwrap_err().message.contains("a folder is there"));
    fs::remove_dir(project.output()).unwrap();
    symlink("/nowhere", project.output()).unwrap();
    assert_eq!(project.state(), OutputState::Foreign);
    assert!(project.write("one", false).is_err());
    project.write("one", true).unwrap();
    assert!(fs::symlink_metadata(project.output()).unwrap().is_file());
}

#[test]
fn an_object_is_copied_as_a_file_of_its_own() {
    let project = Project::new();
    let store = &project.bench.store;
    let object = store.path(store.insert_bytes(b"still").unwrap().digest);
    let to = project.root().join("copy");
    copy(&object, &to).unwrap();
    let copied = fs::metadata(&to).unwrap();
    assert_eq!(copied.nlink(), 1);
    assert_ne!(copied.ino(), fs::metadata(object).unwrap().ino());
    assert_eq!(copied.permissions().mode() & 0o200, 0o200, "its owner may change it");
}

#[test]
fn a_file_out_of_a_scratch_folder_is_taken_to_its_place() {
    let project = Project::new();
    let store = &project.bench.store;
    let scratch = store.scratch().unwrap();
    let file = scratch.path().join("0");
    fs::write(&file, "joined").unwrap();
    let artifact = store.take_output(project.root(), NAME, &file, key_of(3), false).unwrap();
    assert_eq!(artifact, Artifact { digest: Digest::of(b"joined"), bytes: 6 });
    assert_eq!(project.state(), OutputState::Ours(artifact.digest));
    assert!(!file.exists());
    fs::write(project.output(), "edited by a person").unwrap();
    fs::write(&file, "joined again").unwrap();
    assert!(store.take_output(project.root(), NAME, &file, key_of(3), false).is_err());
    assert_eq!(fs::read(project.output()).unwrap(), b"edited by a person");
}

#[test]
fn what_a_crash_left_beside_an_output_is_removed() {
    let project = Project::new();
    fs::create_dir(project.root().join("out")).unwrap();
    for leftover in [".reel.mp4.autocut-tmp-99", ".other.mp4.autocut-tmp-99"] {
        fs::write(project.root().join("out").join(leftover), "half").unwrap();
    }
    project.write("one", false).unwrap();
    assert_eq!(project.files(), [".other.mp4.autocut-tmp-99", "reel.mp4"]);
}

#[test]
fn outputs_are_known_after_the_index_was_lost() {
    let project = Project::new();
    let digest = project.write("one", false).unwrap();
    project.bench.store.rebuild_index().unwrap();
    assert_eq!(project.state(), OutputState::Ours(digest));
}

/// The two moments around the rename at which a process can die.
#[test]
fn what_a_crash_leaves_in_the_place_is_ours() {
    for renamed in [false, true] {
        let project = Project::new();
        let one = project.write("one", false).unwrap();
        let store = &project.bench.store;
        let temporary = store.prepare_output(project.root(), NAME).unwrap();
        fs::write(&temporary, "three").unwrap();
        let written = hash_file(&RealSystem, &temporary, &|_| {}).unwrap();
        let record = OutputRecord { name: NAME.to_owned(), key: key_of(2), written };
        store.append(vec![Record::Output(record).about(&store.project)]).unwrap();
        let left = if renamed { written.digest } else { one };
        if renamed {
            fs::rename(&temporary, project.output()).unwrap();
        }
        // Also where the index is lost, and where the log is written anew.
        store.rebuild_index().unwrap();
        assert_eq!(project.state(), OutputState::Ours(left));
        store.with(crate::store::inner::Inner::rewrite_log).unwrap();
        store.rebuild_index().unwrap();
        assert_eq!(project.state(), OutputState::Ours(left));

        let two = project.write("two", false).unwrap();
        assert_eq!(project.state(), OutputState::Ours(two));
        // What lay there before is a stranger's from then on.
        fs::write(project.output(), "three").unwrap();
        assert_eq!(project.state(), OutputState::Foreign);
    }
}

#[test]
fn what_cannot_be_recorded_leaves_no_half_of_a_film_behind() {
    let project = Project::new();
    project.write("one", false).unwrap();
    let store = &project.bench.store;
    let scratch = store.scratch().unwrap();
    let file = scratch.path().join("0");
    fs::write(&file, "two").unwrap();
    let log = project.root().join(".autocut/records/log");
    fs::rename(&log, log.with_extension("gone")).unwrap();
    assert!(store.take_output(project.root(), NAME, &file, key_of(3), false).is_err());
    assert_eq!(project.files(), ["reel.mp4"]);
    assert_eq!(fs::read(project.output()).unwrap(), b"one");
}
