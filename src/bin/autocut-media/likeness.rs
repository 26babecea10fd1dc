//! How like two planes of samples are: SSIM and the squared error. Plain
//! arithmetic, no libav*.
//!
//! SSIM is that of Wang, Bovik, Sheikh and Simoncelli, "Image Quality
//! Assessment: From Error Visibility to Structural Similarity" (2004), with
//! windows of 8 x 8 samples that all count alike and lie 4 samples apart, as
//! x264 and FFmpeg's filter `ssim` have it. What is left of a plane to the right
//! and below, where no window fits, is in the squared error alone.

/// Rows of samples of one plane: `width` samples of one or two bytes, `stride`
/// bytes from row to row.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Bits of a sample; more than 8 take two bytes.
    pub(crate) bits: u8,
}

/// The side of the blocks that windows are made of, two by two.
const BLOCK: usize = 4;
/// Samples in a window.
const WINDOW: i64 = 64;

impl Samples<'_> {
    /// Levels of row `y`, the first of them in `row`.
    fn read(&self, y: usize, row: &mut [u16]) {
        let bytes = &self.data[y * self.stride..];
        if self.bits > 8 {
            let pairs = bytes.as_chunks::<2>().0;
            row.iter_mut().zip(pairs).for_each(|(level, pair)| *level = u16::from_ne_bytes(*pair));
        } else {
            row.iter_mut().zip(bytes).for_each(|(level, byte)| *level = u16::from(*byte));
        }
    }
}

/// Of two planes of one shape.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Likeness {
    /// The mean over all windows, 1 for equal planes; `None` where not one fits.
    pub(crate) ssim: Option<f64>,
    /// Of all differences.
    pub(crate) squared: u64,
}

/// Sums over a block: of each plane, of both planes' squares, of products.
#[derive(Clone, Copy, Default)]
struct Sums {
    one: i64,
    other: i64,
    squares: i64,
    products: i64,
}

impl Sums {
    fn and(self, other: Sums) -> Sums {
        Sums {
            one: self.one + other.one,
            other: self.other + other.other,
            squares: self.squares + other.squares,
            products: self.products + other.products,
        }
    }

    fn add(&mut self, one: u16, other: u16) {
        let (one, other) = (i64::from(one), i64::from(other));
        self.one += one;
        self.other += other;
        self.squares += one * one + other * other;
        self.products += one * other;
    }

    /// SSIM of a window: means, variances and covariance in units of
    /// [`WINDOW`]s, so that all but the last division is whole numbers.
    fn ssim(self, (c1, c2): (i64, i64)) -> f64 {
        let Sums { one, other, squares, products } = self;
        let variances = squares * WINDOW - one * one - other * other;
        let covariance = products * WINDOW - one * other;
        let above = (2 * one * other + c1) as f64 * (2 * covariance + c2) as f64;
        let below = (one * one + other * other + c1) as f64 * (variances + c2) as f64;
        above / below
    }
}

/// The constants of the paper (K1 = 0.01, K2 = 0.03) in the units of
/// [`Sums::ssim`].
fn constants(bits: u8) -> (i64, i64) {
    let most = f64::from((1_u32 << bits) - 1);
    let c1 = 0.01 * 0.01 * most * most * 64.0;
    let c2 = 0.03 * 0.03 * most * most * 64.0 * 63.0;
    (libm::round(c1) as i64, libm::round(c2) as i64)
}

/// Compares two planes of one shape and depth.
pub(crate) fn compare(one: Samples, other: Samples) -> Likeness {
    let (columns, rows) = (one.width / BLOCK, one.height / BLOCK);
    let constants = constants(one.bits);
    let mut levels = (vec![0; one.width], vec![0; one.width]);
    let (mut above, mut here) = (vec![Sums::default(); columns], vec![Sums::default(); columns]);
    let (mut squared, mut sum, mut windows) = (0, 0.0, 0_u64);
    for y in 0..one.height {
        one.read(y, &mut levels.0);
        other.read(y, &mut levels.1);
        let pairs = levels.0.iter().zip(&levels.1);
        squared += pairs.map(|(one, other)| u64::from(one.abs_diff(*other)).pow(2)).sum::<u64>();
        if y / BLOCK >= rows {
            continue;
        }
        let blocks = levels.0.chunks_exact(BLOCK).zip(levels.1.chunks_exact(BLOCK));
        for (sums, (one, other)) in here.iter_mut().zip(blocks) {
            one.iter().zip(other).for_each(|(one, other)| sums.add(*one, *other));
        }
        if y % BLOCK < BLOCK - 1 {
            continue;
        }
        if y >= BLOCK {
            for (above, here) in above.windows(2).zip(here.windows(2)) {
                let window = above[0].and(above[1]).and(here[0]).and(here[1]);
                sum += window.ssim(constants);
                windows += 1;
            }
        }
        std::mem::swap(&mut above, &mut here);
        here.fill(Sums::default());
    }
    Likeness { ssim: (windows > 0).then(|| sum / windows as f64), squared }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(data: &[u8], width: usize, bits: u8) -> Samples<'_> {
        let bytes = if bits > 8 { 2 } else { 1 };
        Samples { data, stride: width * bytes, width, height: data.len() / (width * bytes), bits }
    }

    fn noise(count: usize, mut seed: u32) -> Vec<u8> {
        let step = |seed: &mut u32| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*seed >> 24) as u8
        };
        (0..count).map(|_| step(&mut seed)).collect()
    }

    /// One window, by the paper's own formula.
    #[test]
    fn a_window_is_as_the_paper_has_it() {
        let (one, other) = (noise(64, 1), noise(64, 2));
        let mean = |data: &[u8]| data.iter().map(|level| f64::from(*level)).sum::<f64>() / 64.0;
        let (x, y) = (mean(&one), mean(&other));
        let spread = |a: &[u8], b: &[u8], (x, y): (f64, f64)| {
            a.iter().zip(b).map(|(a, b)| (f64::from(*a) - x) * (f64::from(*b) - y)).sum::<f64>() / 63.0
        };
        let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
        let (vx, vy, cov) = (spread(&one, &one, (x, x)), spread(&other, &other, (y, y)), spread(&one, &other, (x, y)));
        let expected = (2.0 * x * y + c1) * (2.0 * cov + c2) / ((x * x + y * y + c1) * (vx + vy + c2));
        let found = compare(plane(&one, 8, 8), plane(&other, 8, 8));
        assert!((found.ssim.unwrap() - expected).abs() < 1e-4, "{found:?} {expected}");
        let squared = one.iter().zip(&other).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>();
        assert_eq!(found.squared, squared);
    }

    #[test]
    fn equal_planes_are_alike_and_padding_is_not_looked_at() {
        let data = noise(40 * 21, 3);
        let equal = compare(plane(&data, 40, 8), plane(&data, 40, 8));
        assert_eq!(equal, Likeness { ssim: Some(1.0), squared: 0 });
        let narrow = |seed| {
            let mut data = noise(40 * 21, 3);
            data.chunks_mut(40).zip(noise(21, seed)).for_each(|(row, level)| row[37..].fill(level));
            data
        };
        let (one, other) = (narrow(5), narrow(6));
        let cut = |data| Samples { width: 37, stride: 40, ..plane(data, 40, 8) };
        assert_eq!(compare(cut(&one), cut(&other)), Likeness { ssim: Some(1.0), squared: 0 });
    }

    /// Ten bits with all levels four times as high are as like as eight.
    #[test]
    fn depth_is_a_scale() {
        let (one, other) = (noise(32 * 16, 7), noise(32 * 16, 8));
        let deep = |data: &[u8]| -> Vec<u8> {
            data.iter().flat_map(|level| ((u32::from(*level) * 1_023 / 255) as u16).to_ne_bytes()).collect()
        };
        let eight = compare(plane(&one, 32, 8), plane(&other, 32, 8)).ssim.unwrap();
        let ten = compare(plane(&deep(&one), 32, 10), plane(&deep(&other), 32, 10)).ssim.unwrap();
        assert!((eight - ten).abs() < 1e-3, "{eight} {ten}");
    }

    #[test]
    fn where_no_window_fits_there_is_the_squared_error() {
        let found = compare(plane(&[1, 2, 3, 4], 2, 8), plane(&[1, 2, 3, 6], 2, 8));
        assert_eq!(found, Likeness { ssim: None, squared: 4 });
    }
}
