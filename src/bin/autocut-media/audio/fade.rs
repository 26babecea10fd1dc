//! Fades: half a period of a cosine, which starts and ends without a bend.

/// The factor of sample `index` of a fade-in over `length` samples: above 0 at
/// the first, 1 from `length` on.
pub(super) fn rising(index: u64, length: u64) -> f64 {
    if index >= length {
        return 1.0;
    }
    let part = (index as f64 + 0.5) / length as f64;
    0.5 - 0.5 * libm::cos(std::f64::consts::PI * part)
}

/// The factor of sample `index` of `samples`, which fade in over `fade_in` and
/// out over `fade_out`.
pub(super) fn factor(index: u64, samples: u64, fade_in: u64, fade_out: u64) -> f64 {
    let left = samples.saturating_sub(index).saturating_sub(1);
    rising(index, fade_in) * rising(left, fade_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fade_and_its_mirror_make_one() {
        for i in 0..240 {
            assert!((rising(i, 240) + rising(239 - i, 240) - 1.0).abs() < 1e-12);
        }
        assert_eq!(rising(240, 240), 1.0);
        assert_eq!(rising(0, 0), 1.0);
    }

    #[test]
    fn both_ends_fade_alike() {
        for i in 0..100 {
            assert_eq!(factor(i, 1_000, 100, 100), factor(999 - i, 1_000, 100, 100));
        }
        assert_eq!(factor(500, 1_000, 100, 100), 1.0);
    }
}
