//! The packets of a film's pictures, with an index that stays small however long
//! the file is.
//!
//! Of a long MP4 only an [`Excerpt`] is open at a time: where reading comes to its
//! end, the next one goes on with the very next packet, and seeking opens the one
//! in which the place lies. Whoever reads notices nothing of it.

use std::path::{Path, PathBuf};

use autocut::base::Diagnostic;

use crate::av::{Error, Input, Packet, View};
use crate::decode::MOST_STUMBLES;
use crate::excerpt::{Excerpt, Limits, Listing};
use crate::streams::{main_video, open_video};

/// What is said of a file whose tables are not what they were when it was opened.
const CHANGED: Error = Error::Other { errno: ffmpeg_next::error::EIO };

pub(crate) struct Windowed {
    path: PathBuf,
    input: Input,
    stream: usize,
    long: Option<Long>,
}

struct Long {
    listing: Listing,
    excerpt: Excerpt,
    most: u32,
    /// From a time of decoding as the file counts it to that of the demuxer's
    /// index, in ticks.
    shift: i64,
    /// Where in the file the packet lies that was read last.
    last: Option<i64>,
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
        Ok(Windowed { path: path.to_owned(), input, stream, long: None })
    }

    fn by_excerpts(path: &Path, listing: Listing, most: u32) -> Option<Windowed> {
        let excerpt = listing.excerpt(0, 0, most)?;
        let input = open(path, &listing, &excerpt).ok()?;
        let stream = main_video(&input)?;
        // The demuxer counts from what an edit shows first.
        let first = input.stream(stream)?.index().next()?;
        if u64::try_from(first.at).ok()? != listing.first()? {
            return None;
        }
        let mut input = input;
        input.keep_only(stream);
        let long = Long { listing, excerpt, most, shift: first.ticks, last: None };
        Some(Windowed { path: path.to_owned(), input, stream, long: Some(long) })
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
            if self.input.read(packet)? {
                if let Some(long) = self.long.as_mut().filter(|_| packet.stream() == self.stream) {
                    long.last = packet.position();
                }
                return Ok(true);
            }
            if !self.go_on(packet)? {
                return Ok(false);
            }
        }
    }

    /// As [`Input::seek`].
    pub(crate) fn seek(&mut self, ticks: i64) -> Result<(), Error> {
        if let Some(long) = &self.long {
            let time = ticks.saturating_sub(long.shift).max(0);
            let Excerpt { samples, times, .. } = &long.excerpt;
            let is_last = samples.end == long.listing.samples();
            if samples.start > 0 && time < times.start || time >= times.end && !is_last {
                // Whoever seeks may want to go back a little after all.
                let before = time.saturating_sub(10 * i64::from(long.listing.scale()));
                let excerpt = long.listing.excerpt(before.max(0), time, long.most).ok_or(CHANGED)?;
                self.turn_to(excerpt)?;
            }
        }
        self.input.seek(self.stream, ticks)
    }

    /// Stands at the start of the file, whether or not it can be seeked.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        if let Some(long) = &self.long {
            let excerpt = long.listing.excerpt(0, 0, long.most).ok_or(CHANGED)?;
            return self.turn_to(excerpt);
        }
        self.input = Input::open(&self.path)?;
        self.input.keep_only(self.stream);
        Ok(())
    }

    /// Opens the excerpt that follows and stands behind what was read last; false
    /// where none does.
    fn go_on(&mut self, packet: &mut Packet) -> Result<bool, Error> {
        let Some(long) = &self.long else { return Ok(false) };
        let next = long.excerpt.samples.end;
        if next >= long.listing.samples() {
            return Ok(false);
        }
        let excerpt = long.listing.going_on(next, long.most).ok_or(CHANGED)?;
        let time = long.listing.time(next - 1).ok_or(CHANGED)?;
        // Not before the first key frame is shown: from there it would go back.
        let (last, ticks) = (long.last, time.max(excerpt.times.start).saturating_add(long.shift));
        self.turn_to(excerpt)?;
        self.input.seek(self.stream, ticks)?;
        let mut stumbles = 0;
        while stumbles < MOST_STUMBLES {
            match self.input.read(packet) {
                Ok(true) if packet.stream() == self.stream && packet.position() == last => return Ok(true),
                Ok(true) => {}
                // What lies before it was told of when it was read.
                Err(Error::InvalidData) => stumbles += 1,
                Ok(false) => break,
                Err(error) => return Err(error),
            }
        }
        // It was there before, so this is no damage to be passed over: the file is
        // another one now.
        Err(CHANGED)
    }

    fn turn_to(&mut self, excerpt: Excerpt) -> Result<(), Error> {
        let Some(long) = &mut self.long else { return Ok(()) };
        self.input = open(&self.path, &long.listing, &excerpt)?;
        self.input.keep_only(self.stream);
        long.excerpt = excerpt;
        Ok(())
    }
}

fn open(path: &Path, listing: &Listing, excerpt: &Excerpt) -> Result<Input, Error> {
    let view = View::new(path, listing.length(), listing.moov(), excerpt.moov.clone())?;
    Input::open_view(path, view)
}
