//! Between the frames that are painted here and an encoder: some hardware takes
//! chroma in one plane, or frames that lie in its own memory.

use autocut::base::Size;
use autocut::model::Colour;

use crate::av::hardware::Surfaces;
use crate::av::scaler::{Filter, Picture, Scaler};
use crate::av::{Error, Frame, PixelFormat};
use crate::picture::matrix_number;

/// Hands frames of one format to an encoder.
pub(crate) struct Feed {
    format: PixelFormat,
    size: Size,
    packer: Option<Scaler>,
    surfaces: Option<Surfaces>,
}

impl Feed {
    /// From frames of `format`, which is planar.
    pub(crate) fn new(encoder: &str, size: Size, format: PixelFormat, colour: &Colour) -> Result<Feed, Error> {
        let taken = taken(encoder, format);
        let picture =
            |format| Picture { format, size, matrix: matrix_number(colour.matrix), full_range: colour.full_range };
        let packer =
            if taken == format { None } else { Some(Scaler::new(picture(format), picture(taken), Filter::Bilinear)?) };
        let surfaces = if encoder.ends_with("_vaapi") { Some(Surfaces::vaapi(size, taken)?) } else { None };
        Ok(Feed { format: taken, size, packer, surfaces })
    }

    /// What the encoder is told to expect.
    pub(crate) fn format(&self) -> PixelFormat {
        if self.surfaces.is_some() { PixelFormat::VAAPI } else { self.format }
    }

    pub(crate) fn surfaces(&self) -> Option<&Surfaces> {
        self.surfaces.as_ref()
    }

    /// The frame as the encoder takes it; `None` where that is as it is.
    pub(crate) fn prepare(&mut self, frame: &Frame) -> Result<Option<Frame>, Error> {
        let mut prepared = None;
        if let Some(packer) = &mut self.packer {
            // The encoder may hold those before it.
            let mut packed = Frame::picture(self.format, self.size)?;
            packer.run(frame, &mut packed)?;
            packed.copy_properties(frame)?;
            prepared = Some(packed);
        }
        match &self.surfaces {
            Some(surfaces) => surfaces.upload(prepared.as_ref().unwrap_or(frame)).map(Some),
            None => Ok(prepared),
        }
    }
}

/// What an encoder takes instead of planar 4:2:0.
fn taken(encoder: &str, format: PixelFormat) -> PixelFormat {
    let maker = encoder.rsplit('_').next().unwrap_or(encoder);
    match (maker, format) {
        ("qsv" | "vaapi" | "amf", PixelFormat::YUV420P) => PixelFormat::NV12,
        ("qsv" | "vaapi" | "amf" | "nvenc" | "videotoolbox", PixelFormat::YUV420P10) => PixelFormat::P010,
        _ => format,
    }
}

#[cfg(test)]
mod tests {
    use autocut::model::Matrix;

    use super::*;

    /// As NV12 and P010 are defined: U and V side by side, and 10 bits in the
    /// upper ones of 16.
    #[test]
    fn chroma_is_put_into_one_plane() {
        let size = Size::new(64, 32);
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        for (format, bytes) in [(PixelFormat::YUV420P, 1), (PixelFormat::YUV420P10, 2)] {
            let mut frame = Frame::picture(format, size).unwrap();
            for (index, level) in [90u16, 100, 200].into_iter().enumerate() {
                let plane = frame.plane_mut(index).unwrap();
                match bytes {
                    1 => plane.data.fill(level as u8),
                    _ => plane.data.as_chunks_mut::<2>().0.fill((level * 4 + 1).to_ne_bytes()),
                }
            }
            frame.set_time(7);
            let mut feed = Feed::new("h264_qsv", size, format, &colour).unwrap();
            let packed = feed.prepare(&frame).unwrap().unwrap();
            assert_eq!((packed.pixel_format(), packed.time()), (feed.format(), Some(7)));
            let chroma = packed.plane(1).unwrap();
            let expected: &[u8] = &match bytes {
                1 => vec![100, 200],
                _ => [401u16 << 6, 801 << 6].into_iter().flat_map(u16::to_ne_bytes).collect::<Vec<u8>>(),
            };
            assert_eq!((&chroma.data[..2 * bytes], chroma.height), (expected, 16));
            assert!(Feed::new("libx264", size, format, &colour).unwrap().prepare(&frame).unwrap().is_none());
        }
    }
}
