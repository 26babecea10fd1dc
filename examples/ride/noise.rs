//! Random numbers and noise with a fixed seed: integer hashes, smooth noise in
//! the plane, and tiling noise textures that are prefiltered for the ground.
//! Nothing here depends on the machine or on the order of calls.

/// A well-mixed 32-bit hash of two coordinates and a seed (the finaliser of
/// MurmurHash3 over a linear combination).
pub(crate) fn hash(x: i32, y: i32, seed: u32) -> u32 {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77) ^ seed;
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// A hash as a number in 0..1.
pub(crate) fn unit(hash: u32) -> f32 {
    (hash >> 8) as f32 / 16_777_216.0
}

/// A small generator (splitmix64, public domain algorithm by S. Vigna).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Roughly normal, variance 1 (the sum of twelve uniform numbers).
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(crate) fn smoothstep(low: f64, high: f64, x: f64) -> f64 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Smooth value noise in -1..1 with one feature per unit.
pub(crate) fn value(x: f64, y: f64, seed: u32) -> f64 {
    let (fx, fy) = (x.floor(), y.floor());
    let (ix, iy) = (fx as i32, fy as i32);
    let corner = |dx: i32, dy: i32| f64::from(unit(hash(ix.wrapping_add(dx), iy.wrapping_add(dy), seed)));
    let (tx, ty) = (smoothstep(0.0, 1.0, x - fx), smoothstep(0.0, 1.0, y - fy));
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * tx;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * tx;
    (top + (bottom - top) * ty) * 2.0 - 1.0
}

/// Several octaves of [`value`], in about -1..1.
pub(crate) fn fractal(x: f64, y: f64, octaves: u32, seed: u32) -> f64 {
    let (mut sum, mut scale, mut weight) = (0.0, 1.0, 0.5);
    for octave in 0..octaves {
        sum += weight * value(x * scale, y * scale, seed.wrapping_add(octave * 101));
        scale *= 2.03;
        weight *= 0.5;
    }
    sum
}

/// A square of noise that tiles, with copies that are blurred by 2^i texels
/// across and 2^j texels along: what a row of the ground needs, which sees many
/// more texels along the road than across it, and still more at speed.
pub(crate) struct Texture {
    levels: Vec<Box<Plane>>,
}

/// One copy of a texture; two coordinates of nine bits address it.
pub(crate) type Plane = [i8; Texture::SIDE * Texture::SIDE];

impl Texture {
    pub(crate) const SIDE: usize = 512;
    const ACROSS: usize = 8;
    const ALONG: usize = 9;

    /// Noise whose features are `coarsest` down to `finest` texels wide (powers
    /// of two), each size as strong as the next.
    pub(crate) fn new(finest: usize, coarsest: usize, seed: u32) -> Self {
        let side = Self::SIDE;
        let mut sum = vec![0f32; side * side];
        let mut size = finest;
        while size <= coarsest {
            let cells = (side / size) as i32;
            for (i, sum) in sum.iter_mut().enumerate() {
                let (x, y) = ((i % side) as f32 / size as f32, (i / side) as f32 / size as f32);
                *sum += tiled(x, y, cells, seed.wrapping_add(size as u32));
            }
            size *= 2;
        }
        let mean = sum.iter().sum::<f32>() / sum.len() as f32;
        let power = sum.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / sum.len() as f32;
        let gain = 48.0 / power.sqrt();
        let plane: Vec<f32> = sum.iter().map(|v| (v - mean) * gain).collect();
        let mut levels = Vec::with_capacity(Self::ACROSS * Self::ALONG);
        let mut across = plane;
        for i in 0..Self::ACROSS {
            let mut along = across.clone();
            for j in 0..Self::ALONG {
                let mut level = Box::new([0; Self::SIDE * Self::SIDE]);
                level.iter_mut().zip(&along).for_each(|(out, v)| *out = *v as i8);
                levels.push(level);
                along = halved(&along, Self::SIDE << j);
            }
            across = halved(&across, 1 << i);
        }
        Texture { levels }
    }

    /// The copy for a pixel that covers so many texels across and along.
    pub(crate) fn level(&self, across: f32, along: f32) -> &Plane {
        let log =
            |x: f32, count: usize| (x.max(1.0).to_bits() >> 23).saturating_sub(127).min(count as u32 - 1) as usize;
        &self.levels[log(across, Self::ACROSS) * Self::ALONG + log(along, Self::ALONG)]
    }
}

/// The mean of each texel and the one `step` places further on, around the
/// corner: applied with doubled steps it is a box blur of 2^n.
fn halved(plane: &[f32], step: usize) -> Vec<f32> {
    let side = Texture::SIDE;
    let row = step < side;
    let at = |i: usize| {
        if row { i / side * side + (i % side + step) % side } else { (i + step) % plane.len() }
    };
    plane.iter().enumerate().map(|(i, v)| (v + plane[at(i)]) * 0.5).collect()
}

fn tiled(x: f32, y: f32, cells: i32, seed: u32) -> f32 {
    let (ix, iy) = (x as i32, y as i32);
    let corner = |dx: i32, dy: i32| unit(hash((ix + dx) % cells, (iy + dy) % cells, seed));
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (smooth(x - ix as f32), smooth(y - iy as f32));
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * tx;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * tx;
    top + (bottom - top) * ty
}
