//! From a decoded frame to a frame of the output: scaled, in the output's
//! colours, upright, fitted into its shape.
//!
//! A frame that is right already need not be touched. Turning is done on the
//! planes, after all the rest (the picture is scaled to the transposed size
//! first).

use autocut::base::{Orientation, Size};
use autocut::model::footage::{self, Transfer};
use autocut::model::timeline::SourcePicture;
use autocut::model::{Colour, Fit, Matrix, Sampling};

use crate::av::encoder::ColourNumbers;
use crate::av::scaler::Filter;
use crate::av::{Error, Frame, PixelFormat};
use crate::convert::{Converter, Look};
use crate::planes::{self, Source, Target};

/// How many times smaller the copy is that is blurred to fill a frame.
const BLUR_REDUCTION: u32 = 16;
/// Black in limited range, and the middle of chroma, in levels of 8 bits.
const BLACK: u16 = 16;
const NEUTRAL: u16 = 128;

/// Makes frames of one size and colour. Scalers and scratch frames are kept.
pub(crate) struct Fitter {
    size: Size,
    colour: Colour,
    format: PixelFormat,
    main: Converter,
    reduce: Converter,
    enlarge: Converter,
    /// For quarter turns of what has less chroma across than down: the picture
    /// with all of its chroma, upright, and what scales it before.
    turned: Option<Frame>,
    turn: Converter,
    window: Frame,
    cropped: Option<Frame>,
    scaled: Option<Frame>,
    small: Option<Frame>,
    backdrop: Option<Frame>,
}

impl Fitter {
    /// Frames of a format that [`pixel_format`] gives.
    pub(crate) fn new(size: Size, colour: Colour, format: PixelFormat) -> Result<Fitter, Error> {
        Ok(Fitter {
            size,
            colour,
            format,
            main: Converter::default(),
            reduce: Converter::default(),
            enlarge: Converter::default(),
            turned: None,
            turn: Converter::default(),
            window: Frame::new()?,
            cropped: None,
            scaled: None,
            small: None,
            backdrop: None,
        })
    }

    /// A frame to be painted into.
    pub(crate) fn blank(&self) -> Result<Frame, Error> {
        Frame::picture(self.format, self.size)
    }

    /// Whether `source` is a frame of the output as it is.
    pub(crate) fn suits(&self, source: &Frame, picture: &SourcePicture) -> bool {
        stored(source, picture).is(&self.look(self.size))
            && display_size(source.size(), picture) == self.size
            && picture.orientation == Orientation::UPRIGHT
    }

    /// Fits `source` into `into`, which must be a frame of this fitter that
    /// nobody else shows.
    pub(crate) fn fit(
        &mut self,
        source: &Frame,
        picture: &SourcePicture,
        fit: Fit,
        into: &mut Frame,
    ) -> Result<(), Error> {
        let stored = stored(source, picture);
        let display = display_size(source.size(), picture);
        let orientation = picture.orientation;
        let shape = display.fit_into(self.size);
        if shape == self.size {
            return self.scale_or_turn(source, stored, orientation, into);
        }
        if fit == Fit::Fill {
            let visible = visible_part(stored.size, display, self.size, orientation);
            let cropped = self.crop(source, visible)?;
            self.scale_or_turn(&cropped, Look { size: visible, ..stored }, orientation, into)?;
            self.cropped = Some(cropped);
            return Ok(());
        }
        match fit {
            Fit::Blur => self.paint_blurred(source, stored, display, orientation, into)?,
            Fit::Fit | Fit::Fill => self.paint_black(into),
        }
        let x = ((self.size.width - shape.width) / 2) & !1;
        let y = ((self.size.height - shape.height) / 2) & !1;
        let orientation = self.scale(source, stored, orientation, shape)?;
        let scaled = self.scaled.as_ref().ok_or(Error::Bug)?;
        place(scaled, orientation, into, x as usize, y as usize);
        Ok(())
    }

    /// Over the whole output.
    fn scale_or_turn(
        &mut self,
        source: &Frame,
        stored: Look,
        orientation: Orientation,
        into: &mut Frame,
    ) -> Result<(), Error> {
        if orientation == Orientation::UPRIGHT {
            let to = self.look(self.size);
            return self.main.run(source, stored, into, to, Filter::Bicubic);
        }
        let orientation = self.scale(source, stored, orientation, self.size)?;
        place(self.scaled.as_ref().ok_or(Error::Bug)?, orientation, into, 0, 0);
        Ok(())
    }

    /// The middle of a frame, copied, so that rows start where libswscale likes it.
    fn crop(&mut self, source: &Frame, size: Size) -> Result<Frame, Error> {
        let whole = source.size();
        self.window.show_pixels(source)?;
        self.window.crop((whole.width - size.width) / 2, (whole.height - size.height) / 2, size)?;
        let fits = |frame: &Frame| frame.size() == size && frame.pixel_format() == source.pixel_format();
        let mut cropped = match self.cropped.take().filter(fits) {
            Some(frame) => frame,
            None => Frame::picture(source.pixel_format(), size)?,
        };
        cropped.copy_pixels(&self.window)?;
        self.window.clear();
        Ok(cropped)
    }

    /// Into `self.scaled`, as it is stored, for a picture that is upright in
    /// that size; gives how the scaled picture is to be turned.
    fn scale(
        &mut self,
        source: &Frame,
        stored: Look,
        orientation: Orientation,
        upright: Size,
    ) -> Result<Orientation, Error> {
        let (across, down) = self.format.chroma_shift();
        if across != down && orientation.quarter_turns % 2 == 1 {
            let looks = self.turn(source, stored, orientation, upright)?;
            let to = self.look(upright);
            let scaled = frame_of(&mut self.scaled, self.format, upright)?;
            self.main.run(self.turned.as_ref().ok_or(Error::Bug)?, looks, scaled, to, Filter::Bicubic)?;
            return Ok(Orientation::UPRIGHT);
        }
        let size = orientation.upright(upright);
        let to = self.look(size);
        let scaled = frame_of(&mut self.scaled, self.format, size)?;
        self.main.run(source, stored, scaled, to, Filter::Bicubic)?;
        Ok(orientation)
    }

    /// Into `self.turned`: scaled and upright, in the colours of the source and
    /// with as much chroma as luma, which can be turned either way. Gives what
    /// it looks like.
    fn turn(&mut self, source: &Frame, stored: Look, orientation: Orientation, upright: Size) -> Result<Look, Error> {
        let format = PixelFormat::YUV444P10;
        let colour = if stored.format.is_rgb() {
            Colour { matrix: self.colour.matrix, full_range: false, ..stored.colour }
        } else {
            stored.colour
        };
        let lying = orientation.upright(upright);
        let mut scaled = Frame::picture(format, lying)?;
        self.turn.run(source, stored, &mut scaled, Look { format, size: lying, colour }, Filter::Bicubic)?;
        place(&scaled, orientation, frame_of(&mut self.turned, format, upright)?, 0, 0);
        Ok(Look { format, size: upright, colour })
    }

    /// A filling copy, strongly blurred and a little darker.
    fn paint_blurred(
        &mut self,
        source: &Frame,
        stored: Look,
        display: Size,
        orientation: Orientation,
        into: &mut Frame,
    ) -> Result<(), Error> {
        let even = |n: u32| (n / BLUR_REDUCTION).next_multiple_of(2).max(8);
        let small_size = Size::new(even(self.size.width), even(self.size.height));
        let visible = visible_part(stored.size, display, self.size, orientation);
        let cropped = self.crop(source, visible)?;
        // Of what is blurred nobody sees how it was sampled.
        let (across, down) = self.format.chroma_shift();
        let turns = orientation.quarter_turns % 2 == 1;
        let format = if across != down && turns { PixelFormat::YUV420P10 } else { self.format };
        let stored_small = orientation.upright(small_size);
        let from = Look { size: visible, ..stored };
        let to = Look { format, ..self.look(stored_small) };
        let small = frame_of(&mut self.small, format, stored_small)?;
        self.reduce.run(&cropped, from, small, to, Filter::Area)?;
        self.cropped = Some(cropped);
        let [black, neutral] = black(format, &self.colour);
        let backdrop = frame_of(&mut self.backdrop, format, small_size)?;
        place(small, orientation, backdrop, 0, 0);
        let bytes = bytes_of(format);
        let (dark, whole) = darkening(&self.colour);
        for index in 0..3 {
            let Some(plane) = backdrop.plane_mut(index) else { continue };
            let (centre, radius) = if index == 0 { (black, 2) } else { (neutral, 1) };
            let mut levels = planes::levels(plane.data, bytes);
            planes::blur(&mut levels, plane.stride / bytes, plane.width / bytes, plane.height, radius);
            let (centre, most) = (i32::from(centre), (1 << format.bit_depth()) - 1);
            for level in &mut levels {
                *level = (centre + (i32::from(*level) - centre) * dark / whole).clamp(0, most) as u16;
            }
            planes::set_levels(plane.data, bytes, &levels);
        }
        let (from, to) = (Look { format, ..self.look(small_size) }, self.look(self.size));
        let backdrop = self.backdrop.as_ref().ok_or(Error::Bug)?;
        self.enlarge.run(backdrop, from, into, to, Filter::Bicubic)
    }

    fn paint_black(&self, into: &mut Frame) {
        let [black, neutral] = black(self.format, &self.colour);
        let bytes = bytes_of(self.format);
        for (index, level) in [black, neutral, neutral].into_iter().enumerate() {
            let Some(plane) = into.plane_mut(index) else { continue };
            match bytes {
                1 => plane.data.fill(level as u8),
                _ => plane.data.as_chunks_mut::<2>().0.fill(level.to_ne_bytes()),
            }
        }
    }

    /// The output's look at some size.
    fn look(&self, size: Size) -> Look {
        Look { format: self.format, size, colour: self.colour }
    }
}

/// What a frame of that footage is, as it is stored.
fn stored(source: &Frame, picture: &SourcePicture) -> Look {
    Look { format: source.pixel_format(), size: source.size(), colour: picture.colour }
}

/// The size in square pixels once the picture stands upright.
pub(crate) fn display_size(stored: Size, picture: &SourcePicture) -> Size {
    footage::display_size(stored, picture.pixel_aspect, picture.orientation)
}

/// The part of a stored picture, around its middle, that is seen when it
/// covers a frame; sides even where the picture's are.
fn visible_part(stored: Size, display: Size, frame: Size, orientation: Orientation) -> Size {
    let (dw, dh) = (u64::from(display.width), u64::from(display.height));
    let (fw, fh) = (u64::from(frame.width), u64::from(frame.height));
    // Shares of width and height, cross-multiplied; one of them is whole.
    let (across, down) = ((fw * dh).min(fh * dw), (fh * dw).min(fw * dh));
    let (across, down) = ((across, fh * dw), (down, fw * dh));
    let (across, down) = if orientation.quarter_turns % 2 == 1 { (down, across) } else { (across, down) };
    let part = |side: u32, (num, den): (u64, u64)| {
        let part = u128::from(side) * u128::from(num) / u128::from(den.max(1));
        let part = u32::try_from(part).unwrap_or(side).clamp(1, side.max(1));
        if part < side { (part & !1).max(2.min(side)) } else { side }
    };
    Size::new(part(stored.width, across), part(stored.height, down))
}

/// A kept frame of that format and size that nobody else shows.
fn frame_of(slot: &mut Option<Frame>, format: PixelFormat, size: Size) -> Result<&mut Frame, Error> {
    let fits = slot.as_ref().is_some_and(|f| f.size() == size && f.pixel_format() == format && f.is_writable());
    if !fits {
        *slot = None;
    }
    match slot {
        Some(frame) => Ok(frame),
        None => Ok(slot.insert(Frame::picture(format, size)?)),
    }
}

/// Puts a frame into another of its format, turned upright, with its corner at
/// an even place. Quarter turns need as much chroma across as down.
fn place(source: &Frame, orientation: Orientation, into: &mut Frame, x: usize, y: usize) {
    let bytes = bytes_of(source.pixel_format());
    let (across, down) = source.pixel_format().chroma_shift();
    for index in 0..3 {
        let (Some(from), Some(to)) = (source.plane(index), into.plane_mut(index)) else { continue };
        let from = Source { data: from.data, stride: from.stride, width: from.width, height: from.height };
        let corner = if index > 0 { (x >> across, y >> down) } else { (x, y) };
        planes::place(from, orientation, Target { data: to.data, stride: to.stride }, corner, bytes);
    }
}

/// The part of its level that a backdrop keeps: about a third of its light, less in HLG.
fn darkening(colour: &Colour) -> (i32, i32) {
    match colour.transfer() {
        Transfer::Sdr | Transfer::Hlg => (5, 8),
        // Of 203 cd/m2, at 58 %, 67 are at 46 %.
        Transfer::Pq => (4, 5),
    }
}

/// Black, and the middle of chroma.
fn black(format: PixelFormat, colour: &Colour) -> [u16; 2] {
    let black = if colour.full_range { 0 } else { BLACK };
    let more = format.bit_depth() - 8;
    [black << more, NEUTRAL << more]
}

/// Bytes of a sample.
fn bytes_of(format: PixelFormat) -> usize {
    if format.bit_depth() > 8 { 2 } else { 1 }
}

/// FFmpeg's name of how an output is sampled.
pub(crate) fn pixel_format(sampling: Sampling) -> PixelFormat {
    match sampling {
        Sampling::Yuv420p8 => PixelFormat::YUV420P,
        Sampling::Yuv420p10 => PixelFormat::YUV420P10,
        Sampling::Yuv422p10 => PixelFormat::YUV422P10,
    }
}

/// FFmpeg's `AVColorSpace`, which libswscale counts alike (and does not know
/// YCgCo: that is only ever scaled, from and to itself).
pub(crate) fn matrix_number(matrix: Matrix) -> i32 {
    match matrix {
        Matrix::Bt601 => 5,
        Matrix::Bt709 => 1,
        Matrix::Bt2020 => 9,
        Matrix::Smpte240 => 7,
        Matrix::YCgCo => 8,
    }
}

/// The tags of a stream in these colours.
pub(crate) fn colour_numbers(colour: &Colour) -> ColourNumbers {
    ColourNumbers {
        range: if colour.full_range { 2 } else { 1 },
        matrix: match colour.matrix {
            // 6 (SMPTE 170M) and 5 (BT.470 BG) are one matrix; 6 is the usual tag.
            Matrix::Bt601 => 6,
            other => matrix_number(other),
        },
        primaries: i32::from(colour.primaries),
        transfer: i32::from(colour.transfer),
    }
}

#[cfg(test)]
mod tests {
    use autocut::base::FrameRate;

    use super::*;

    /// HDR of the same kind is shown as it is; of another one, or in other sizes,
    /// it is not.
    #[test]
    fn hdr_is_not_touched_where_it_is_what_is_wanted() {
        let size = Size::new(64, 48);
        let source = Frame::picture(PixelFormat::YUV420P10, size).unwrap();
        for (from, to, suits) in [
            (Colour::HDR10, Colour::HDR10, true),
            (Colour::HLG, Colour::HLG, true),
            // Files that do not state their primaries.
            (Colour { primaries: 2, ..Colour::HLG }, Colour::HLG, true),
            (Colour::HLG, Colour::HDR10, false),
            (Colour::HDR10, Colour::BT709, false),
            (Colour { full_range: true, ..Colour::HDR10 }, Colour::HDR10, false),
            (Colour { primaries: 12, ..Colour::HDR10 }, Colour::HDR10, false),
            (Colour { matrix: Matrix::YCgCo, ..Colour::BT709 }, Colour::BT709, false),
        ] {
            let footage = SourcePicture {
                stored: size,
                pixel_aspect: (1, 1),
                orientation: Orientation::UPRIGHT,
                colour: from,
                rate: FrameRate::new(30, 1).unwrap(),
            };
            let fitter = Fitter::new(size, to, PixelFormat::YUV420P10).unwrap();
            assert_eq!(fitter.suits(&source, &footage), suits, "{from:?} {to:?}");
        }
    }

    /// Colours in BT.601 and in BT.709, both calculated from RGB by the
    /// formulas of these recommendations: grey, (15, 223, 5), (15, 211, 189).
    #[test]
    fn a_colour_stays_the_same_in_another_matrix() {
        let colours =
            [([126, 128, 128], [126, 128, 128]), ([133, 63, 52], [156, 53, 45]), ([145, 147, 44], [160, 138, 43])];
        let (small, large) = (Size::new(64, 48), Size::new(128, 96));
        let colour = |matrix| Colour { matrix, full_range: false, primaries: 1, transfer: 1 };
        let footage = SourcePicture {
            stored: small,
            pixel_aspect: (1, 1),
            orientation: Orientation::UPRIGHT,
            colour: colour(Matrix::Bt601),
            rate: FrameRate::new(30, 1).unwrap(),
        };
        for (from, to) in colours {
            let mut source = Frame::picture(PixelFormat::YUV420P, small).unwrap();
            for (index, level) in from.into_iter().enumerate() {
                source.plane_mut(index).unwrap().data.fill(level);
            }
            for size in [small, large] {
                let mut fitter = Fitter::new(size, colour(Matrix::Bt709), PixelFormat::YUV420P).unwrap();
                let mut into = fitter.blank().unwrap();
                assert!(!fitter.suits(&source, &footage));
                fitter.fit(&source, &footage, Fit::Fit, &mut into).unwrap();
                for (index, level) in to.into_iter().enumerate() {
                    let plane = into.plane(index).unwrap();
                    let middle = plane.data[plane.height / 2 * plane.stride + plane.width / 2];
                    assert!(middle.abs_diff(level) <= 1, "{from:?} at {size}: plane {index} is {middle}");
                }
            }
        }
    }
}
