//! Folders of files: copied, and compared by what is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use autocut::base::Digest;
use autocut::store::{ObjectState, Objects};

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Every file below a folder, hidden ones included, relative to it.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_owned()).collect()
}

/// The digest of every file below a folder.
pub fn digests_below(folder: &Path) -> BTreeMap<PathBuf, Digest> {
    let digest = |name: PathBuf| fs::read(folder.join(&name)).ok().map(|bytes| (name, Digest::of(&bytes)));
    files_below(folder).into_iter().filter_map(digest).collect()
}

/// Asserts that every object of a store is what its name says, and that nothing
/// unfinished lies about in the store or beside the outputs.
#[track_caller]
pub fn assert_sound(project: &Path) {
    let store = project.join(".autocut");
    let objects = Objects::new(store.join("objects"), store.join("tmp"));
    for artifact in objects.list().unwrap() {
        assert_eq!(objects.verify(artifact.digest).unwrap(), ObjectState::Sound, "object {}", artifact.digest);
    }
    let unfinished = |name: &PathBuf| {
        let name = name.to_str().unwrap();
        name.starts_with(".autocut/tmp/") || (!name.starts_with(".autocut/") && name.contains("autocut-tmp"))
    };
    let left: Vec<PathBuf> = files_below(project).into_iter().filter(unfinished).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// Writes a file, with its folders.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Makes two MP4s equally large, each with a box that means nothing.
pub fn alike_in_size(one: &Path, other: &Path) {
    let both = [one, other].map(|path| (path, fs::read(path).unwrap()));
    let size = both.iter().map(|(_, bytes)| bytes.len()).max().unwrap() + 8;
    for (path, mut bytes) in both {
        let more = size - bytes.len();
        bytes.extend(u32::try_from(more).unwrap().to_be_bytes());
        bytes.extend(b"free");
        bytes.resize(size, 0);
        fs::write(path, bytes).unwrap();
    }
}

/// Writes a file anew in place and puts its modification time back, as tools do
/// that keep times; only its change time tells.
pub fn write_unnoticed(path: &Path, bytes: &[u8]) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    fs::write(path, bytes).unwrap();
    fs::File::options().append(true).open(path).unwrap().set_modified(before).unwrap();
}
