//! Files whose content is to be found out: each is *asked* for once, *read*,
//! and then known, or lost until an edit.

use std::collections::{HashSet, VecDeque};

use crate::graph::FileInput;

/// Files that are hashed side by side. Each is divided among the cores already;
/// more at once would only make the disk seek.
const SIDE_BY_SIDE: usize = 4;

#[derive(Default)]
pub(super) struct Contents {
    queue: VecDeque<FileInput>,
    /// Those that are read, and whether they may have changed since that began.
    reading: Vec<(FileInput, bool)>,
    lost: HashSet<FileInput>,
}

impl Contents {
    /// Has a file read, unless it is lost or will be read anyway.
    pub(super) fn ask(&mut self, files: &[FileInput]) {
        let known: HashSet<FileInput> =
            self.queue.iter().chain(self.reading.iter().map(|(file, _)| file)).copied().collect();
        let new = files.iter().filter(|file| !known.contains(file) && !self.lost.contains(file));
        self.queue.extend(new.copied());
    }

    /// The next file to read, if one may be read now.
    pub(super) fn next(&mut self) -> Option<FileInput> {
        if self.reading.len() >= SIDE_BY_SIDE {
            return None;
        }
        let file = self.queue.pop_front()?;
        self.reading.push((file, false));
        Some(file)
    }

    /// A file was read: whether what was found holds. Where an edit came
    /// meanwhile it may be of the file as it was before.
    pub(super) fn end(&mut self, file: FileInput) -> bool {
        let found = self.reading.iter().position(|(reading, _)| *reading == file);
        found.is_some_and(|index| !self.reading.swap_remove(index).1)
    }

    pub(super) fn is_lost(&self, file: FileInput) -> bool {
        self.lost.contains(&file)
    }

    /// A file cannot be read.
    pub(super) fn lose(&mut self, file: FileInput) {
        self.lost.insert(file);
    }

    /// Forgets what an edit may have put right; `changed` says that files may be
    /// others than they were. What is read goes on.
    pub(super) fn edited(&mut self, changed: bool) {
        self.queue.clear();
        self.lost.clear();
        self.reading.iter_mut().for_each(|(_, stale)| *stale |= changed);
    }

    /// Waits for nothing any more.
    pub(super) fn abandon(&mut self) {
        self.queue.clear();
        self.reading.clear();
        self.lost.clear();
    }

    pub(super) fn is_reading(&self) -> bool {
        !self.reading.is_empty()
    }

    pub(super) fn is_done(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Database, FileState};
    use crate::model::Toolchain;
    use std::sync::Arc;

    #[test]
    fn a_file_is_read_once_and_again_where_an_edit_may_have_changed_it() {
        let mut db = Database::new(Toolchain::default(), Arc::new(|_| None), None);
        let files: Vec<FileInput> = (0..6).map(|file| db.add_file(format!("{file}.mp4"), FileState::Unknown)).collect();
        let mut contents = Contents::default();
        contents.ask(&files);
        contents.ask(&files);
        let read: Vec<FileInput> = std::iter::from_fn(|| contents.next()).collect();
        assert_eq!(read, files[..SIDE_BY_SIDE]);
        assert!(contents.end(files[0]) && !contents.end(files[0]));

        // An edit of the manifest: what is read goes on, and is not read again.
        contents.edited(false);
        contents.ask(&files[1..]);
        assert_eq!((contents.next(), contents.next()), (Some(files[4]), None));
        assert!(contents.end(files[1]));

        // An edit of files.
        contents.edited(true);
        contents.ask(&files[2..]);
        assert!(!contents.end(files[2]));
        contents.ask(&files[2..]);
        assert_eq!(contents.next(), Some(files[5]));
        contents.lose(files[5]);
        contents.end(files[5]);
        contents.ask(&files[5..]);
        let rest: Vec<FileInput> = std::iter::from_fn(|| contents.next()).collect();
        assert_eq!(rest, [files[2]]);

        // The next build.
        contents.abandon();
        contents.ask(&files[5..]);
        assert_eq!(contents.next(), Some(files[5]));
    }
}
