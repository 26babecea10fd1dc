//! The sampled pictures of one chunk: which times, which frames, and turning
//! them into small upright planes.

use autocut::analysis::Reach;
use autocut::base::{Diagnostic, Orientation, Size, Timestamp};
use autocut::model::Colour;
use autocut::model::specs::AnalysisPass;

use crate::av::scaler::Filter;
use crate::av::{Error, Frame, PixelFormat};
use crate::colour;
use crate::convert::{Converter, Look};
use crate::decode::Film;
use crate::invocation::Progress;
use crate::losses::Losses;
use crate::planes::{self, Source, Target};

/// How old a picture may be that stands for ones that were lost.
const OLD: Timestamp = Timestamp::from_seconds(1);

/// What becomes of lost frames here, as the end of a sentence.
pub(crate) const INSTEAD: &str = "no moment is looked for where much of it is";

/// Shows every sample of `pass`, and `reach` more on both sides of it, to
/// `look`: the frame that is presented at its time, and the time.
///
/// Samples lie on the grid `k / rate` from media time 0, so the same moment is
/// sampled wherever a chunk starts. Past the last picture of the file there
/// are at most those samples that still lie in the chunk and within a second
/// of that picture: a file that was cut off has no more. Nor are there any where
/// pictures could not be decoded, once the one before them is [`OLD`].
pub(crate) fn each(
    film: &mut Film,
    pass: &AnalysisPass,
    reach: Reach,
    progress: Progress,
    mut look: impl FnMut(&Frame, Timestamp) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let (first, end) = (first_at(pass, pass.from), first_at(pass, pass.until));
    if first >= end {
        return Ok(());
    }
    let start = first.saturating_sub(reach.before.into()).max(0);
    let total = end.abs_diff(start);
    for k in start..end.saturating_add(reach.after.into()) {
        let time = pass.rate.time_of(k);
        let shown = film.frame_at(time)?;
        if shown.last && (k >= end || time > shown.time + Timestamp::from_seconds(1)) {
            break;
        }
        let at = shown.time;
        let is_old = time > at + OLD && film.losses(at, time).lost.is_some();
        if !is_old {
            look(film.frame_at(time)?.frame, time)?;
        }
        progress(k.abs_diff(start).min(total), total)?;
    }
    Ok(())
}

/// What could not be decoded of the chunk.
pub(crate) fn losses(film: &Film, pass: &AnalysisPass) -> Losses {
    let moment = Timestamp::new(1, 1_000_000);
    film.losses(pass.from - moment, pass.until - moment)
}

/// Index of the first sample at or after `time`.
pub(crate) fn first_at(pass: &AnalysisPass, time: Timestamp) -> i64 {
    let nearest = pass.rate.nearest_frame(time);
    if pass.rate.time_of(nearest) < time { nearest.saturating_add(1) } else { nearest }
}

/// Scales decoded frames to 8-bit planes and turns them upright.
pub(crate) struct Reducer {
    orientation: Orientation,
    format: PixelFormat,
    filter: Filter,
    converter: Converter,
    scaled: Option<(Size, Frame)>,
}

impl Reducer {
    /// To planes of `format`, which must have three of 8 bits.
    pub(crate) fn new(orientation: Orientation, format: PixelFormat, filter: Filter) -> Reducer {
        Reducer { orientation, format, filter, converter: Converter::default(), scaled: None }
    }

    /// Makes `frame` an upright picture of `size`, in full range of SDR, and puts
    /// its planes into `targets` at (x, y) of each.
    pub(crate) fn reduce(
        &mut self,
        frame: &Frame,
        size: Size,
        targets: [(&mut [u8], usize); 3],
        (x, y): (usize, usize),
    ) -> Result<(), Error> {
        let from = stored(frame);
        let size = self.orientation.upright(size);
        let to = Look { format: self.format, size, colour: looked_at(&from.colour) };
        let scaled = match &mut self.scaled {
            Some((was, scaled)) if *was == size => scaled,
            slot => &mut slot.insert((size, Frame::picture(self.format, size)?)).1,
        };
        self.converter.run(frame, from, scaled, to, self.filter)?;
        for (index, (data, stride)) in targets.into_iter().enumerate() {
            let plane = scaled.plane(index).ok_or(Error::Bug)?;
            let source = Source { data: plane.data, stride: plane.stride, width: plane.width, height: plane.height };
            planes::place(source, self.orientation, Target { data, stride }, (x, y), 1);
        }
        Ok(())
    }
}

/// The colours in which analyses see a picture: its own, but for HDR and wide
/// colours, in which a level would mean something else.
fn looked_at(colour: &Colour) -> Colour {
    let sdr = Colour { full_range: true, ..Colour::BT709 };
    if colour::is_light(colour, &sdr) { sdr } else { Colour { full_range: true, ..*colour } }
}

/// What a decoded frame is, by its own tags; where it has none, as players
/// take it.
fn stored(frame: &Frame) -> Look {
    let (format, size) = (frame.pixel_format(), frame.size());
    Look { format, size, colour: frame.colour().colour(format, (size.width, size.height)) }
}

#[cfg(test)]
mod tests {
    use autocut::base::FrameRate;

    use super::*;

    #[test]
    fn the_grid_starts_at_media_time_zero() {
        let pass = |from: Timestamp| AnalysisPass {
            orientation: Orientation::UPRIGHT,
            from,
            until: Timestamp::from_seconds(60),
            rate: FrameRate::new(5, 1).unwrap(),
            width: 160,
        };
        let first = |num, den| first_at(&pass(Timestamp::new(num, den)), Timestamp::new(num, den));
        assert_eq!((first(0, 1), first(1, 5), first(1_001, 5_000), first(19, 100)), (0, 1, 2, 1));
    }
}
