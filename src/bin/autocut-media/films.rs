//! Films by content, and what decodes each of them.
//!
//! The last one stays open, so that the next segment of the same file goes on
//! where the last one ended.

use std::collections::BTreeMap;
use std::path::Path;

use autocut::base::{Diagnostic, Digest};
use autocut::model::decoders::Device;

use crate::av::Skip;
use crate::decode::Film;

/// Films by content: the last one stays open.
#[derive(Default)]
pub(crate) struct Films {
    open: Option<Open>,
    /// Whether what was read of one before it was damaged.
    was_damaged: bool,
    /// Packets of those before it that gave no picture.
    was_silent: u64,
    /// What decodes which file, in the action at hand.
    devices: BTreeMap<Digest, Device>,
    /// Whether one of them was used in it.
    is_offloaded: bool,
}

struct Open {
    content: Digest,
    skip: Skip,
    device: Option<Device>,
    film: Film,
}

impl Films {
    /// The film with this content, which can be read at `path`; opened where
    /// it is not the one that is open.
    pub(crate) fn film(&mut self, content: Digest, path: &Path, skip: Skip) -> Result<&mut Film, Diagnostic> {
        // A device leaves out nothing, so its pictures would be others.
        let device = self.devices.get(&content).copied().filter(|_| skip == Skip::Nothing);
        self.is_offloaded |= device.is_some();
        let same = |open: &Open| (open.content, open.skip, open.device) == (content, skip, device);
        if !self.open.as_ref().is_some_and(same) {
            // The old one goes first: two decoders at once would double the memory.
            (self.was_damaged, self.was_silent) = (self.is_damaged(), self.silent());
            self.open = None;
        }
        match &mut self.open {
            Some(open) => Ok(&mut open.film),
            slot => {
                let film = match device {
                    Some(device) => Film::open_on(device, path)?,
                    None => Film::open(path, skip)?,
                };
                Ok(&mut slot.insert(Open { content, skip, device, film }).film)
            }
        }
    }

    /// An action begins in which these files are decoded by devices.
    pub(crate) fn begin(&mut self, devices: BTreeMap<Digest, Device>) {
        (self.devices, self.is_offloaded) = (devices, false);
    }

    /// The device that decodes in the action at hand, if one does.
    pub(crate) fn device(&self) -> Option<Device> {
        self.devices.values().next().copied().filter(|_| self.is_offloaded)
    }

    /// Whether a film is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether anything that was read since all was closed was damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.was_damaged || self.open.as_ref().is_some_and(|open| open.film.is_damaged())
    }

    /// Packets that were read since all was closed and gave no picture, though
    /// nothing was wrong with them.
    pub(crate) fn silent(&self) -> u64 {
        self.was_silent + self.open.as_ref().map_or(0, |open| open.film.silent())
    }

    /// Closes what is open, for instance after an error.
    pub(crate) fn close(&mut self) {
        self.open = None;
        (self.was_damaged, self.was_silent) = (false, 0);
    }
}
