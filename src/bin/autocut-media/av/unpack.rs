//! From frames as devices have them, with chroma in one plane, to a plane for
//! each component.

use super::{Error, Frame, PixelFormat};

/// Puts the pixels of a frame into one of another format of the same samples;
/// `into` is made anew where it is no such frame, or somebody else shows it.
///
/// # Errors
/// The two formats do not have the same samples.
pub(crate) fn unpack(from: &Frame, format: PixelFormat, into: &mut Frame) -> Result<(), Error> {
    let packed = from.pixel_format();
    if into.pixel_format() != format || into.size() != from.size() || !into.is_writable() {
        *into = Frame::picture(format, from.size())?;
    }
    match (packed.plain(), format.plain()) {
        (PixelFormat::NV12, PixelFormat::YUV420P) => {
            rows(from, 0, into, <[u8]>::copy_from_slice)?;
            apart(from, into, |from, [one, other]| {
                for ([a, b], (one, other)) in from.as_chunks::<2>().0.iter().zip(one.iter_mut().zip(other)) {
                    (*one, *other) = (*a, *b);
                }
            })
        }
        (PixelFormat::P010, PixelFormat::YUV420P10) => {
            rows(from, 0, into, |into, from| {
                for (into, from) in into.as_chunks_mut::<2>().0.iter_mut().zip(from.as_chunks::<2>().0) {
                    *into = down(*from);
                }
            })?;
            apart(from, into, |from, [one, other]| {
                let pairs = one.as_chunks_mut::<2>().0.iter_mut().zip(other.as_chunks_mut::<2>().0);
                for ([a, b, c, d], (one, other)) in from.as_chunks::<4>().0.iter().zip(pairs) {
                    (*one, *other) = (down([*a, *b]), down([*c, *d]));
                }
            })
        }
        (packed, plain) if packed == plain && plain.planes() == Some(3) => {
            (0..3).try_for_each(|index| rows(from, index, into, <[u8]>::copy_from_slice))
        }
        _ => Err(Error::PatchWelcome),
    }
}

/// Ten bits from the upper ones of 16 to the lower.
fn down(sample: [u8; 2]) -> [u8; 2] {
    (u16::from_ne_bytes(sample) >> 6).to_ne_bytes()
}

/// Each row of a plane that both have; `work` gets rows of one length.
fn rows(from: &Frame, index: usize, into: &mut Frame, work: impl Fn(&mut [u8], &[u8])) -> Result<(), Error> {
    let (Some(from), Some(into)) = (from.plane(index), into.plane_mut(index)) else { return Err(Error::InvalidData) };
    if (from.width, from.height) != (into.width, into.height) {
        return Err(Error::InvalidData);
    }
    let width = from.width;
    for (from, into) in from.data.chunks(from.stride).zip(into.data.chunks_mut(into.stride)) {
        work(&mut into[..width], &from[..width]);
    }
    Ok(())
}

/// Each row of the plane of chroma, with the rows that it becomes, each half as
/// long.
fn apart(from: &Frame, into: &mut Frame, work: impl Fn(&[u8], [&mut [u8]; 2])) -> Result<(), Error> {
    let (Some(from), Some([_, one, other])) = (from.plane(1), into.planes_mut()) else {
        return Err(Error::InvalidData);
    };
    let fits = |plane: &super::frame::PlaneMut<'_>| plane.width * 2 == from.width && plane.height == from.height;
    if !fits(&one) || !fits(&other) {
        return Err(Error::InvalidData);
    }
    let width = one.width;
    let both = one.data.chunks_mut(one.stride).zip(other.data.chunks_mut(other.stride));
    for (from, (one, other)) in from.data.chunks(from.stride).zip(both) {
        work(&from[..from.len().min(2 * width)], [&mut one[..width], &mut other[..width]]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use autocut::base::Size;

    use super::*;
    use crate::av::scaler::{Filter, Picture, Scaler};

    /// Pixels of every level, in no order.
    fn noise(format: PixelFormat, size: Size) -> Frame {
        let mut frame = Frame::picture(format, size).unwrap();
        let deep = format.bit_depth() > 8;
        let mut state = 0x2545_f491_u32;
        for index in 0..format.planes().unwrap() {
            let plane = frame.plane_mut(index).unwrap();
            for row in plane.data.chunks_mut(plane.stride) {
                for at in (0..plane.width).step_by(if deep { 2 } else { 1 }) {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    if deep {
                        row[at..at + 2].copy_from_slice(&((state >> 8) as u16 & 0x3ff).to_ne_bytes());
                    } else {
                        row[at] = (state >> 8) as u8;
                    }
                }
            }
        }
        frame
    }

    fn rows_of(frame: &Frame, index: usize) -> Vec<Vec<u8>> {
        let plane = frame.plane(index).unwrap();
        plane.data.chunks(plane.stride).map(|row| row[..plane.width].to_vec()).collect()
    }

    /// The expected frames are those of libswscale, which packs noise and unpacks
    /// it again in its own way; and the noise itself.
    #[test]
    fn frames_are_those_that_libswscale_makes() {
        for size in [Size::new(64, 32), Size::new(70, 38)] {
            for (planar, packed) in
                [(PixelFormat::YUV420P, PixelFormat::NV12), (PixelFormat::YUV420P10, PixelFormat::P010)]
            {
                let picture = |format| Picture { format, size, matrix: 1, full_range: false };
                let convert = |from: &Frame, to| {
                    let mut made = Frame::picture(to, size).unwrap();
                    let scaler = Scaler::new(picture(from.pixel_format()), picture(to), Filter::Bilinear);
                    scaler.unwrap().run(from, &mut made).unwrap();
                    made
                };
                let original = noise(planar, size);
                let there = convert(&original, packed);
                let back = convert(&there, planar);
                let mut own = Frame::new().unwrap();
                unpack(&there, planar, &mut own).unwrap();
                for index in 0..3 {
                    assert_eq!(rows_of(&own, index), rows_of(&back, index), "{packed:?} {size:?} plane {index}");
                    assert_eq!(rows_of(&own, index), rows_of(&original, index), "{packed:?} {size:?} plane {index}");
                }
            }
        }
    }

    /// Odd sizes, of which libswscale's P010 leaves out the last column of chroma:
    /// packed here as the formats are defined, U and V side by side, and 10 bits in
    /// the upper ones of 16.
    #[test]
    fn the_last_row_and_column_of_odd_sizes_are_there() {
        let size = Size::new(33, 17);
        for (planar, packed, bytes) in
            [(PixelFormat::YUV420P, PixelFormat::NV12, 1), (PixelFormat::YUV420P10, PixelFormat::P010, 2)]
        {
            let original = noise(planar, size);
            let up = |sample: &[u8]| match bytes {
                1 => sample.to_vec(),
                _ => (u16::from_ne_bytes([sample[0], sample[1]]) << 6).to_ne_bytes().to_vec(),
            };
            let samples = |index| -> Vec<Vec<Vec<u8>>> {
                rows_of(&original, index).iter().map(|row| row.chunks(bytes).map(up).collect()).collect()
            };
            let mut there = Frame::picture(packed, size).unwrap();
            let luma: Vec<Vec<u8>> = samples(0).iter().map(|row| row.concat()).collect();
            let pairs = samples(1).into_iter().zip(samples(2));
            let pair = |(u, v): (Vec<Vec<u8>>, Vec<Vec<u8>>)| u.into_iter().zip(v).flat_map(|(u, v)| [u, v]).collect();
            let chroma: Vec<Vec<u8>> = pairs.map(pair).map(|row: Vec<Vec<u8>>| row.concat()).collect();
            for (index, rows) in [luma, chroma].iter().enumerate() {
                let plane = there.plane_mut(index).unwrap();
                for (to, from) in plane.data.chunks_mut(plane.stride).zip(rows) {
                    to[..from.len()].copy_from_slice(from);
                }
            }
            let mut own = Frame::new().unwrap();
            unpack(&there, planar, &mut own).unwrap();
            for index in 0..3 {
                assert_eq!(rows_of(&own, index), rows_of(&original, index), "{packed:?} plane {index}");
            }
        }
    }

    #[test]
    fn a_frame_of_its_own_format_is_copied_and_other_samples_are_refused() {
        let size = Size::new(32, 16);
        let original = noise(PixelFormat::YUV420P, size);
        let mut own = Frame::new().unwrap();
        unpack(&original, PixelFormat::YUVJ420P, &mut own).unwrap();
        assert_eq!(own.pixel_format(), PixelFormat::YUVJ420P);
        assert!((0..3).all(|index| rows_of(&own, index) == rows_of(&original, index)));
        // Nobody else's frame is written to.
        let mut shown = Frame::new().unwrap();
        shown.show(&own).unwrap();
        let other = Frame::picture(PixelFormat::YUV420P, size).unwrap();
        unpack(&other, PixelFormat::YUVJ420P, &mut own).unwrap();
        assert!((0..3).all(|index| rows_of(&shown, index) == rows_of(&original, index)));
        assert!((0..3).all(|index| rows_of(&own, index) == rows_of(&other, index)));
        let nv12 = Frame::picture(PixelFormat::NV12, size).unwrap();
        for wrong in [PixelFormat::YUV420P10, PixelFormat::YUV422P10, PixelFormat::VAAPI] {
            assert!(unpack(&nv12, wrong, &mut own).is_err(), "{wrong:?}");
        }
    }
}
