//! What autocut needs of the file system to find and read its inputs, behind a
//! trait: [`RealSystem`] for the machine, [`MemorySystem`] for tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::stat::FileStat;

/// The file system, for reading. Links are followed throughout; paths are
/// absolute or relative to the working directory.
pub trait System: Send + Sync {
    fn stat(&self, path: &Path) -> io::Result<Entry>;

    /// All files at most `depth` levels below `folder` (1: those in it). A
    /// folder for which `enter` says no is left out with all that it holds. A
    /// link that leads back to where it lies in is not followed. The order is
    /// the file system's own.
    fn walk(&self, folder: &Path, depth: usize, enter: &mut dyn FnMut(&Path) -> bool) -> Walk;

    /// The names of files and folders in `folder`, sorted, for hints.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;

    /// The absolute path without links and dots.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// Now, in ns since 1970.
    fn now_ns(&self) -> i64;
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    pub stat: FileStat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Folder,
    /// A device, a socket, a pipe: reading it could wait for ever.
    Other,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    pub files: Vec<Walked>,
    /// Folders that could not be listed and links that lead nowhere.
    pub problems: Vec<(PathBuf, io::Error)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Begins with the folder that was walked.
    pub path: PathBuf,
    /// Reached through a link, so its real place may be another.
    pub linked: bool,
}

/// `path` with `.` and `name/..` removed by its text alone; the file system is
/// not asked.
pub fn lexical(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir) => {}
                _ => clean.push(".."),
            },
            other => clean.push(other),
        }
    }
    clean
}

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealSystem;

/// A file's stat out of its metadata.
pub fn stat_of(metadata: &fs::Metadata) -> FileStat {
    let ns = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    FileStat {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
    }
}

impl System for RealSystem {
    fn stat(&self, path: &Path) -> io::Result<Entry> {
        let metadata = fs::metadata(path)?;
        let kind = if metadata.is_file() {
            EntryKind::File
        } else if metadata.is_dir() {
            EntryKind::Folder
        } else {
            EntryKind::Other
        };
        Ok(Entry { kind, stat: stat_of(&metadata) })
    }

    fn walk(&self, folder: &Path, depth: usize, enter: &mut dyn FnMut(&Path) -> bool) -> Walk {
        let mut walk = Walk::default();
        let mut linked_folders: Vec<PathBuf> = Vec::new();
        let entries = walkdir::WalkDir::new(folder).follow_links(true).min_depth(1).max_depth(depth);
        for entry in entries.into_iter().filter_entry(|entry| !entry.file_type().is_dir() || enter(entry.path())) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {
                    if entry.path_is_symlink() {
                        linked_folders.push(entry.into_path());
                    }
                }
                Ok(entry) => {
                    let linked =
                        entry.path_is_symlink() || linked_folders.iter().any(|link| entry.path().starts_with(link));
                    walk.files.push(Walked { path: entry.into_path(), linked });
                }
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    let error = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    walk.problems.push((path, error));
                }
            }
        }
        walk
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn now_ns(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Files that exist only in memory, with a clock that stands still until it is
/// moved. Every path is absolute; folders exist by what is in them. Clones
/// share their files.
#[derive(Clone, Debug, Default)]
pub struct MemorySystem {
    state: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    files: BTreeMap<PathBuf, MemoryFile>,
    now_ns: i64,
    inodes: u64,
    opened: Vec<PathBuf>,
}

#[derive(Clone, Debug)]
struct MemoryFile {
    bytes: Arc<[u8]>,
    stat: FileStat,
}

impl MemorySystem {
    pub fn new() -> Self {
        let system = MemorySystem::default();
        system.state().now_ns = 1_700_000_000_123_456_789;
        system
    }

    fn state(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a file, or writes it anew in its place.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> &Self {
        let mut state = self.state();
        let (path, bytes) = (lexical(path.as_ref()), Arc::<[u8]>::from(bytes.as_ref()));
        let inode = match state.files.get(&path) {
            Some(file) => file.stat.inode,
            None => {
                state.inodes += 1;
                state.inodes
            }
        };
        let now = state.now_ns;
        let stat = FileStat { device: 1, inode, size: bytes.len() as u64, mtime_ns: now, ctime_ns: now };
        state.files.insert(path, MemoryFile { bytes, stat });
        drop(state);
        self
    }

    /// Gives a file a second name.
    pub fn link(&self, existing: impl AsRef<Path>, name: impl AsRef<Path>) -> &Self {
        let mut state = self.state();
        if let Some(file) = state.files.get(&lexical(existing.as_ref())).cloned() {
            state.files.insert(lexical(name.as_ref()), file);
        }
        drop(state);
        self
    }

    /// Removes a file, or a folder with all that is in it.
    pub fn remove(&self, path: impl AsRef<Path>) -> &Self {
        let gone = lexical(path.as_ref());
        self.state().files.retain(|path, _| !path.starts_with(&gone));
        self
    }

    /// Lets time pass.
    pub fn advance_ns(&self, ns: i64) -> &Self {
        let mut state = self.state();
        state.now_ns = state.now_ns.saturating_add(ns);
        drop(state);
        self
    }

    /// Which files were read since the last call, in order.
    pub fn take_opened(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.state().opened)
    }

    fn file(&self, path: &Path) -> io::Result<Arc<[u8]>> {
        let path = lexical(path);
        let mut state = self.state();
        let bytes = state.files.get(&path).map(|file| Arc::clone(&file.bytes)).ok_or(io::ErrorKind::NotFound)?;
        state.opened.push(path);
        Ok(bytes)
    }
}

impl System for MemorySystem {
    fn stat(&self, path: &Path) -> io::Result<Entry> {
        let path = lexical(path);
        let state = self.state();
        if let Some(file) = state.files.get(&path) {
            return Ok(Entry { kind: EntryKind::File, stat: file.stat });
        }
        if !state.files.keys().any(|file| file.starts_with(&path)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let stat = FileStat { device: 1, inode: 0, size: 0, mtime_ns: 0, ctime_ns: 0 };
        Ok(Entry { kind: EntryKind::Folder, stat })
    }

    fn walk(&self, folder: &Path, depth: usize, enter: &mut dyn FnMut(&Path) -> bool) -> Walk {
        let folder = lexical(folder);
        let candidates: Vec<PathBuf> =
            self.state().files.keys().filter(|path| path.starts_with(&folder) && **path != folder).cloned().collect();
        let mut walk = Walk::default();
        for path in candidates {
            let mut between: Vec<&Path> =
                path.ancestors().skip(1).take_while(|ancestor| **ancestor != *folder).collect();
            between.reverse();
            if between.len() < depth && between.iter().all(|ancestor| enter(ancestor)) {
                walk.files.push(Walked { path, linked: false });
            }
        }
        walk
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let folder = lexical(folder);
        let state = self.state();
        let below = state.files.keys().filter_map(|path| path.strip_prefix(&folder).ok());
        let mut names: Vec<String> = below.filter_map(|rest| Some(rest.iter().next()?.to_str()?.to_owned())).collect();
        names.dedup();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.file(path)?.to_vec())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.file(path)?)))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.stat(path)?;
        Ok(lexical(path))
    }

    fn now_ns(&self) -> i64 {
        self.state().now_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lexical_paths() {
        for (path, clean) in
            [("/a/./b/../c", "/a/c"), ("../x/./y", "../x/y"), ("a/../../b", "../b"), ("/../a", "/a"), ("", "")]
        {
            assert_eq!(lexical(Path::new(path)), Path::new(clean), "{path}");
        }
    }

    /// Both systems, asked the same, answer the same.
    #[test]
    fn memory_is_the_twin_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let root = RealSystem.canonical(folder.path()).unwrap();
        let memory = MemorySystem::new();
        for name in ["a.mp4", "deep/b.mp4", "deep/er/c.mp4", "no/d.mp4"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            memory.write(&path, name);
        }
        for depth in [1, 2, usize::MAX] {
            let walked = |system: &dyn System| {
                let mut files = system.walk(&root, depth, &mut |folder| !folder.ends_with("no")).files;
                files.sort_by(|a, b| a.path.cmp(&b.path));
                files
            };
            assert_eq!(walked(&memory), walked(&RealSystem), "depth {depth}");
        }
        assert_eq!(memory.names(&root).unwrap(), RealSystem.names(&root).unwrap());
        for name in ["a.mp4", "deep", "missing"] {
            let ask = |system: &dyn System| system.stat(&root.join(name)).map(|entry| entry.kind).ok();
            assert_eq!(ask(&memory), ask(&RealSystem), "{name}");
        }
        assert_eq!(memory.read(&root.join("a.mp4")).unwrap(), RealSystem.read(&root.join("a.mp4")).unwrap());
    }

    #[test]
    fn a_link_that_leads_into_itself_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.mp4"), "a").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        let walk = RealSystem.walk(folder.path(), usize::MAX, &mut |_| true);
        assert_eq!(walk.files.len(), 1);
        assert!(walk.problems.is_empty());
    }
}
