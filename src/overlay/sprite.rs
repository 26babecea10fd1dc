//! A drawn picture as it is stored and blended: premultiplied 8-bit planes in
//! the frame's own matrix and range, luma and its opacity in full resolution,
//! chroma and its opacity in 4:2:0. So nothing is converted per frame. (Over HDR
//! they are in BT.709: see [`deep`](super::deep).)

use tiny_skia::Pixmap;

use crate::base::{Digest, Point, Size};
use crate::model::Matrix;
use crate::model::overlay::SpriteFormat;

/// A picture to blend. Both sides are even and at least 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sprite {
    size: Size,
    /// Luma, luma's opacity, U, V, chroma's opacity, one after the other.
    planes: Vec<u8>,
    /// For each row of luma and then of chroma the columns that are not clear.
    spans: Vec<(u32, u32)>,
}

/// How many bytes the planes of a sprite of `size` take; `None` where a sprite
/// cannot have that size.
pub fn plane_bytes(size: Size) -> Option<usize> {
    let sides = [size.width, size.height];
    let valid = sides.iter().all(|side| *side >= 2 && side % 2 == 0 && *side <= super::canvas::MAX_SIDE + 2);
    let area = usize::try_from(size.area()).ok()?;
    valid.then_some(area * 2 + area / 4 * 3)
}

impl Sprite {
    /// From planes as [`Sprite::planes`] gives them; `None` where their length
    /// does not fit `size`.
    pub fn new(size: Size, planes: Vec<u8>) -> Option<Sprite> {
        if plane_bytes(size) != Some(planes.len()) {
            return None;
        }
        let (area, width) = (size.area() as usize, size.width as usize);
        let rows = planes[area..area * 2].chunks_exact(width);
        let chroma = planes[area * 2 + area / 2..].chunks_exact(width / 2);
        let spans = rows.chain(chroma).map(span).collect();
        Some(Sprite { size, planes, spans })
    }

    pub fn size(&self) -> Size {
        self.size
    }

    /// All planes, one after the other.
    pub fn planes(&self) -> &[u8] {
        &self.planes
    }

    /// Names the sprite by its size and content.
    pub fn digest(&self) -> Digest {
        let mut content = Vec::with_capacity(self.planes.len() + 8);
        content.extend_from_slice(&self.size.width.to_le_bytes());
        content.extend_from_slice(&self.size.height.to_le_bytes());
        content.extend_from_slice(&self.planes);
        Digest::derive("autocut 2026 sprite", &content)
    }

    /// Luma and its opacity, both `width` bytes a row.
    pub fn luma(&self) -> (&[u8], &[u8]) {
        let area = self.size.area() as usize;
        let (luma, rest) = self.planes.split_at(area);
        (luma, &rest[..area])
    }

    /// U, V and their opacity, `width / 2` bytes a row.
    pub fn chroma(&self) -> (&[u8], &[u8], &[u8]) {
        let area = self.size.area() as usize;
        let (u, rest) = self.planes[area * 2..].split_at(area / 4);
        let (v, alpha) = rest.split_at(area / 4);
        (u, v, alpha)
    }

    /// The columns of a luma row that are not clear.
    pub(super) fn luma_span(&self, row: usize) -> (usize, usize) {
        let (from, to) = self.spans.get(row).copied().unwrap_or((0, 0));
        (from as usize, to as usize)
    }

    /// The columns of a chroma row that are not clear.
    pub(super) fn chroma_span(&self, row: usize) -> (usize, usize) {
        self.luma_span(self.size.height as usize + row)
    }
}

/// From the first to behind the last byte that is not 0.
fn span(row: &[u8]) -> (u32, u32) {
    match (row.iter().position(|a| *a != 0), row.iter().rposition(|a| *a != 0)) {
        (Some(first), Some(last)) => (first as u32, last as u32 + 1),
        _ => (0, 0),
    }
}

/// Converts a picture whose corner lies at even coordinates and cuts off its
/// clear borders. Gives the sprite and where in the picture it starts (even);
/// `None` where the picture is clear.
pub fn convert(pixmap: &Pixmap, format: &SpriteFormat) -> Option<(Sprite, Point)> {
    let bounds = opaque_bounds(pixmap)?;
    let (left, top) = (bounds.0 & !1, bounds.1 & !1);
    // Left-sited chroma at column 2i reaches luma columns 2i-1 to 2i+1: an odd
    // last column colours one chroma sample more.
    let right = if bounds.2.is_multiple_of(2) { bounds.2 + 2 } else { bounds.2 + 3 };
    let bottom = (bounds.3 + 2) & !1;
    let size = Size::new(right - left, bottom - top);
    let cut = Cut::new(pixmap, left, top, size);
    let convert = Conversion::new(format);
    let (width, height) = (size.width as usize, size.height as usize);
    let mut planes = Vec::with_capacity(plane_bytes(size)?);
    for row in 0..height {
        planes.extend(cut.row(row).iter().skip(1).map(|pixel| convert.luma(*pixel)));
    }
    for row in 0..height {
        planes.extend(cut.row(row).iter().skip(1).map(|pixel| pixel[3]));
    }
    let mut sums = Vec::with_capacity(width * height / 4);
    for row in (0..height).step_by(2) {
        let (upper, lower) = (cut.row(row), cut.row(row + 1));
        sums.extend((0..width).step_by(2).map(|x| around(&upper[x..x + 3], &lower[x..x + 3])));
    }
    planes.extend(sums.iter().map(|sum| convert.chroma(*sum, &convert.u)));
    planes.extend(sums.iter().map(|sum| convert.chroma(*sum, &convert.v)));
    planes.extend(sums.iter().map(|sum| ((sum[3] + 4) / 8) as u8));
    Some((Sprite::new(size, planes)?, Point::new(left as i32, top as i32)))
}

/// The weighted sum around a chroma sample. H.264's default siting is beside the
/// left luma column and between the rows: 1, 2 and 1 of each.
fn around(upper: &[[u8; 4]], lower: &[[u8; 4]]) -> [i32; 4] {
    let mut sum = [0i32; 4];
    for ((above, below), weight) in upper.iter().zip(lower).zip([1i32, 2, 1]) {
        for (sum, (above, below)) in sum.iter_mut().zip(above.iter().zip(below)) {
            *sum = weight.wrapping_mul(i32::from(*above) + i32::from(*below)).wrapping_add(*sum);
        }
    }
    sum
}

/// A part of a picture, with one clear column more at its left and clear
/// pixels where it reaches beyond the picture.
struct Cut {
    pixels: Vec<[u8; 4]>,
    stride: usize,
}

impl Cut {
    fn new(pixmap: &Pixmap, left: u32, top: u32, size: Size) -> Cut {
        let stride = size.width as usize + 1;
        let mut pixels = vec![[0; 4]; stride * size.height as usize];
        let rows = pixmap.pixels().chunks_exact(pixmap.width() as usize).skip(top as usize);
        for (to, from) in pixels.chunks_exact_mut(stride).zip(rows) {
            for (to, from) in to.iter_mut().skip(1).zip(from.iter().skip(left as usize)) {
                *to = [from.red(), from.green(), from.blue(), from.alpha()];
            }
        }
        Cut { pixels, stride }
    }

    fn row(&self, index: usize) -> &[[u8; 4]] {
        &self.pixels[index * self.stride..(index + 1) * self.stride]
    }
}

/// Left, top, right and bottom (both inclusive) of what is not clear.
fn opaque_bounds(pixmap: &Pixmap) -> Option<(u32, u32, u32, u32)> {
    let width = pixmap.width();
    let mut bounds: Option<(u32, u32, u32, u32)> = None;
    for (y, row) in (0u32..).zip(pixmap.pixels().chunks_exact(width as usize)) {
        let first = row.iter().position(|p| p.alpha() != 0);
        let last = row.iter().rposition(|p| p.alpha() != 0);
        if let (Some(first), Some(last)) = (first, last) {
            let (first, last) = (first as u32, last as u32);
            let (l, t, r, _) = bounds.unwrap_or((first, y, last, y));
            bounds = Some((l.min(first), t, r.max(last), y));
        }
    }
    bounds
}

/// RGB to YUV in steps of 2^-16, for premultiplied numbers: the constants of
/// the formulas are multiplied by the opacity. Coefficients from ITU-R
/// BT.601, BT.709 and BT.2020 (non-constant luminance).
struct Conversion {
    /// For red, green, blue and opacity.
    y: [i32; 4],
    u: [i32; 4],
    v: [i32; 4],
}

impl Conversion {
    fn new(format: &SpriteFormat) -> Self {
        // No output is in YCgCo.
        let [kr, kg, kb] = format.matrix.luma().or(Matrix::Bt709.luma()).unwrap_or_default();
        let (luma, chroma, black) =
            if format.full_range { (1.0, 1.0, 0.0) } else { (219.0 / 255.0, 224.0 / 255.0, 16.0 / 255.0) };
        let fixed = |value: f64| libm::round(value * 65_536.0) as i32;
        let (us, vs) = (chroma / (2.0 * (1.0 - kb)), chroma / (2.0 * (1.0 - kr)));
        let grey = fixed(128.0 / 255.0);
        Conversion {
            y: [fixed(kr * luma), fixed(kg * luma), fixed(kb * luma), fixed(black)],
            u: [fixed(-kr * us), fixed(-kg * us), fixed((1.0 - kb) * us), grey],
            v: [fixed((1.0 - kr) * vs), fixed(-kg * vs), fixed(-kb * vs), grey],
        }
    }

    fn luma(&self, pixel: [u8; 4]) -> u8 {
        let pixel = pixel.map(i32::from);
        (weigh(&self.y, pixel).wrapping_add(1 << 15) >> 16).clamp(0, pixel[3]) as u8
    }

    /// `sum` is of pixels whose weights are 8 together.
    fn chroma(&self, sum: [i32; 4], coefficients: &[i32; 4]) -> u8 {
        (weigh(coefficients, sum).wrapping_add(1 << 18) >> 19).clamp(0, (sum[3] + 4) / 8) as u8
    }
}

/// The sum of products. It stays below 2^29 (coefficients of at most 2^16 in
/// all, values of at most 8 * 255); `wrapping` because checks for overflow
/// would keep the loops from being vectorised.
fn weigh(coefficients: &[i32; 4], values: [i32; 4]) -> i32 {
    let product = |index: usize| coefficients[index].wrapping_mul(values[index]);
    product(0).wrapping_add(product(1)).wrapping_add(product(2)).wrapping_add(product(3))
}

#[cfg(test)]
mod tests {
    use tiny_skia::{Color, Paint, Rect, Transform};

    use super::*;

    fn format(matrix: Matrix, full_range: bool) -> SpriteFormat {
        SpriteFormat { frame: Size::new(1920, 1080), matrix, full_range }
    }

    /// The RGB triples of colour bars and their codes, from ITU-R BT.709 and
    /// BT.601 (100 % bars as 8-bit codes, limited range).
    #[test]
    fn colour_bars_have_their_published_codes() {
        let bars709 = [
            ([255, 255, 255], [235, 128, 128]),
            ([255, 255, 0], [219, 16, 138]),
            ([0, 255, 255], [188, 154, 16]),
            ([0, 255, 0], [173, 42, 26]),
            ([255, 0, 255], [78, 214, 230]),
            ([255, 0, 0], [63, 102, 240]),
            ([0, 0, 255], [32, 240, 118]),
            ([0, 0, 0], [16, 128, 128]),
        ];
        let bars601 = [([255, 0, 0], [81, 90, 240]), ([0, 255, 0], [145, 54, 34]), ([0, 0, 255], [41, 240, 110])];
        for (matrix, bars) in [(Matrix::Bt709, &bars709[..]), (Matrix::Bt601, &bars601[..])] {
            for (rgb, yuv) in bars {
                let mut pixmap = Pixmap::new(8, 8).unwrap();
                pixmap.fill(Color::from_rgba8(rgb[0], rgb[1], rgb[2], 255));
                let (sprite, _) = convert(&pixmap, &format(matrix, false)).unwrap();
                let (u, v, _) = sprite.chroma();
                assert_eq!([sprite.luma().0[2], u[1], v[1]], *yuv, "{rgb:?} {matrix:?}");
            }
        }
    }

    #[test]
    fn clear_borders_are_cut_to_even_places() {
        let mut pixmap = Pixmap::new(40, 40).unwrap();
        let mut paint = Paint::default();
        paint.set_color_rgba8(255, 255, 255, 255);
        let rect = Rect::from_xywh(11.0, 7.0, 5.0, 6.0).unwrap();
        pixmap.fill_rect(rect, &paint, Transform::identity(), None);
        let (sprite, at) = convert(&pixmap, &format(Matrix::Bt709, false)).unwrap();
        assert_eq!(at, Point::new(10, 6));
        // Columns 11 to 15: the odd last one reaches the chroma of column 16.
        assert_eq!(sprite.size(), Size::new(8, 8));
        assert_eq!(sprite.luma_span(0), (0, 0));
        assert_eq!(sprite.luma_span(1), (1, 6));
        // Column 10 is clear and 11 is not: left-sited weights are 2 and 1 of 4.
        assert_eq!(sprite.chroma().2[4], 64);
        assert_eq!(sprite.chroma().2[5], 255);
        assert_eq!(sprite.chroma().2[7], 64);
    }

    #[test]
    fn a_clear_picture_is_no_sprite() {
        assert!(convert(&Pixmap::new(20, 20).unwrap(), &format(Matrix::Bt709, true)).is_none());
    }

    #[test]
    fn the_digest_holds_the_size() {
        let wide = Sprite::new(Size::new(8, 2), vec![0; 44]).unwrap();
        let high = Sprite::new(Size::new(2, 8), vec![0; 44]).unwrap();
        assert_ne!(wide.digest(), high.digest());
        assert!(Sprite::new(Size::new(8, 2), vec![0; 43]).is_none());
        assert!(Sprite::new(Size::new(3, 2), vec![0; 16]).is_none());
    }
}
