//! The packets of a film's pictures, with an index that stays small however long
//! the file is.
//!
//! Of a long MP4 only an [`Excerpt`] is open at a time: where reading comes to its
//! end, the next one goes on with the very next packet, and seeking opens the one
//! in which the place lies. Whoever reads notices nothing of it. Wherever anything is
//! not as it was listed, the file is opened as a whole instead.

use std::path::{Path, PathBuf};

use autocut::base::Diagnostic;

use crate::av::{Error, Input, Packet, View, log};
use crate::decode::MOST_STUMBLES;
use crate::excerpt::{Excerpt, Limits, Listed, Listing};
use crate::streams::{main_video, open_video};

/// What is said of a file that is another one than when it was opened.
const CHANGED: Error = Error::Other { errno: ffmpeg_next::error::EIO };

/// Whoever seeks may want to go back so many seconds after all.
const BACK: i64 = 10;

pub(crate) struct Windowed {
    path: PathBuf,
    input: Input,
    stream: usize,
    long: Option<Long>,
    /// The packet that was read last, where anything was since the last seek.
    last: Option<Mark>,
}

/// What tells a packet from others.
type Mark = (Option<i64>, Option<i64>);

struct Long {
    listing: Listing,
    excerpt: Excerpt,
    most: u32,
    /// From a time of decoding as the file counts it to that of the demuxer's
    /// index, in ticks.
    shift: i64,
}

impl Long {
    /// How the demuxer marks a packet.
    fn mark(&self, listed: Listed) -> Mark {
        (Some(listed.time.saturating_add(self.shift)), i64::try_from(listed.at).ok())
    }
}

impl Windowed {
    /// Opens a file; says what is wrong with one that is not video.
    pub(crate) fn open(path: &Path, limits: Limits) -> Result<Windowed, Diagnostic> {
        let long = Listing::of(path, limits).and_then(|listing| Self::by_excerpts(path, listing, limits.most));
        if let Some(windowed) = long {
            return Ok(windowed);
        }
        let (mut input, stream) = open_video(path)?;
        input.keep_only(stream);
        Ok(Windowed { path: path.to_owned(), input, stream, long: None, last: None })
    }

    fn by_excerpts(path: &Path, listing: Listing, most: u32) -> Option<Windowed> {
        let mut excerpt = listing.excerpt(0, 0, most)?;
        let (input, stream, shift) = open(path, &listing, &mut excerpt, None)?;
        let long = Long { listing, excerpt, most, shift };
        Some(Windowed { path: path.to_owned(), input, stream, long: Some(long), last: None })
    }

    /// Whether no more than an excerpt is open.
    #[cfg(test)]
    pub(crate) fn is_excerpt(&self) -> bool {
        self.long.is_some()
    }

    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// The demuxer as it is open, at its start.
    pub(crate) fn input_mut(&mut self) -> &mut Input {
        &mut self.input
    }

    /// The stream of the pictures.
    pub(crate) fn stream(&self) -> usize {
        self.stream
    }

    /// Ticks of the key frames in the container's index, rising.
    pub(crate) fn keys(&self) -> Vec<i64> {
        let of_listing = self.long.as_ref().and_then(|long| {
            let keys = long.listing.keys()?;
            Some(keys.into_iter().map(|key| key.saturating_add(long.shift)).collect())
        });
        let of_index = || {
            let index = self.input.stream(self.stream).into_iter().flat_map(|facts| facts.index().collect::<Vec<_>>());
            index.filter(|entry| entry.key).map(|entry| entry.ticks).collect()
        };
        let mut keys: Vec<i64> = of_listing.unwrap_or_else(of_index);
        keys.sort_unstable();
        keys
    }

    /// Reads the next packet; false at the end of the file.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        loop {
            let is_read = self.input.read(packet)?;
            let mark = (packet.dts(), packet.position());
            let Some(long) = &self.long else { return Ok(is_read) };
            let is_last = long.excerpt.samples.end == long.listing.samples();
            // The last of an excerpt is left to the next one, which knows how long
            // it is shown.
            let ends = !is_read || long.excerpt.last().is_some_and(|last| long.mark(last) == mark);
            if is_last || !ends {
                self.last = Some(mark).filter(|_| is_read);
                return Ok(is_read);
            }
            self.go_on(packet)?;
        }
    }

    /// As [`Input::seek`].
    pub(crate) fn seek(&mut self, ticks: i64) -> Result<(), Error> {
        self.last = None;
        if let Some(long) = &self.long {
            let time = ticks.saturating_sub(long.shift).max(0);
            let is_last = long.excerpt.samples.end == long.listing.samples();
            let (first, last) = long.excerpt.times().unwrap_or_default();
            if long.excerpt.has_gap() && time < first || time >= last && !is_last {
                let before = time.saturating_sub(BACK * i64::from(long.listing.scale())).max(0);
                let excerpt = long.listing.excerpt(before, time, long.most);
                self.turn_to(excerpt)?;
            }
        }
        // The demuxer goes by when pictures are shown: it may look for a key frame
        // before those that are listed.
        while let Some(long) = self.long.as_ref().filter(|long| long.excerpt.has_gap()) {
            let first = long.excerpt.times().map_or(0, |(first, _)| first).saturating_add(long.shift);
            let mut packet = Packet::new()?;
            self.input.seek(self.stream, ticks)?;
            if self.input.read(&mut packet)? && packet.dts().is_some_and(|dts| dts >= first) {
                break;
            }
            let excerpt = long.listing.earlier(&long.excerpt);
            self.turn_to(excerpt)?;
        }
        self.input.seek(self.stream, ticks)
    }

    /// Stands at the start of the file, whether or not it can be seeked.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        self.last = None;
        match &self.long {
            Some(long) => {
                let excerpt = long.listing.excerpt(0, 0, long.most);
                self.turn_to(excerpt)
            }
            None => self.whole(),
        }
    }

    /// Opens the excerpt that follows and stands behind what was read last.
    fn go_on(&mut self, packet: &mut Packet) -> Result<(), Error> {
        let errors = log::errors();
        let next = self.long.as_ref().and_then(|long| long.listing.going_on(&long.excerpt, long.most));
        let before = next.as_ref().zip(self.long.as_ref()).map(|((_, before), long)| long.mark(*before));
        let last = self.last.or(before);
        self.turn_to(next.map(|(excerpt, _)| excerpt).filter(|_| before == last))?;
        // What is listed is read from its start, since seeking goes by other times.
        let is_found = self.long.is_some() && self.pass(last, packet)?;
        if !is_found {
            self.whole()?;
            let back = self.base() * BACK;
            let near = last.and_then(|(dts, _)| dts).map(|dts| dts.saturating_sub(back));
            let is_near = near.is_some_and(|near| self.input.seek(self.stream, near).is_ok());
            if last.is_some() && !(is_near && self.pass(last, packet)?) {
                self.whole()?;
                if !self.pass(last, packet)? {
                    // It was there before, so this is no damage to be passed over.
                    return Err(CHANGED);
                }
            }
        }
        // Whatever was said meanwhile was said of it before.
        log::forget(errors);
        Ok(())
    }

    /// Ticks of a second.
    fn base(&self) -> i64 {
        self.input.stream(self.stream).map_or(1, |facts| i64::from(facts.time_base().1))
    }

    /// Reads until a packet has been read; false where it does not come.
    fn pass(&mut self, last: Option<Mark>, packet: &mut Packet) -> Result<bool, Error> {
        let mut stumbles = 0;
        while stumbles < MOST_STUMBLES {
            match self.input.read(packet) {
                Ok(true) if packet.stream() == self.stream && Some((packet.dts(), packet.position())) == last => {
                    return Ok(true);
                }
                Ok(true) => {}
                // What lies before it was told of when it was read.
                Err(Error::InvalidData) => stumbles += 1,
                Ok(false) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Opens an excerpt, or the whole file where there is none or it is not read as
    /// it is listed.
    fn turn_to(&mut self, excerpt: Option<Excerpt>) -> Result<(), Error> {
        let errors = log::errors();
        let opened = self.long.as_ref().zip(excerpt).and_then(|(long, mut excerpt)| {
            let (input, stream, _) = open(&self.path, &long.listing, &mut excerpt, Some(long.shift))?;
            Some((input, stream, excerpt))
        });
        match (opened, &mut self.long) {
            (Some((input, stream, excerpt)), Some(long)) if stream == self.stream => {
                (self.input, long.excerpt) = (input, excerpt);
            }
            _ => self.whole()?,
        }
        log::forget(errors);
        Ok(())
    }

    /// Opens the whole file.
    fn whole(&mut self) -> Result<(), Error> {
        self.long = None;
        self.input = Input::open(&self.path)?;
        self.stream = main_video(&self.input).ok_or(CHANGED)?;
        self.input.keep_only(self.stream);
        Ok(())
    }
}

/// Opens an excerpt where the demuxer reads it as it is listed, all times moved by
/// `shift`; by how much where that is not known yet.
fn open(path: &Path, listing: &Listing, excerpt: &mut Excerpt, shift: Option<i64>) -> Option<(Input, usize, i64)> {
    let view = View::new(listing.file(), listing.length(), listing.moov(), std::mem::take(&mut excerpt.moov)).ok()?;
    let mut input = Input::open_view(path, view).ok()?;
    let stream = main_video(&input)?;
    let facts = input.stream(stream)?;
    let shift = shift.or_else(|| facts.index().next().map(|first| first.ticks))?;
    let listed = facts.index().map(|entry| Listed {
        at: u64::try_from(entry.at).unwrap_or(u64::MAX),
        size: entry.size,
        time: entry.ticks,
    });
    if !excerpt.is_read(listed, shift) {
        return None;
    }
    input.keep_only(stream);
    Some((input, stream, shift))
}
