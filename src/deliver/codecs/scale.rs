//! The scale of quality, which is x264's CRF, on other encoders' scales.

/// Points of x264's CRF with that of another encoder, both rising.
pub(super) type Scale = &'static [(u32, u32)];

/// A CRF in tenths to another encoder's in tenths, by a straight line between
/// two points.
fn on(scale: Scale, tenths: u32) -> u32 {
    let after = scale.partition_point(|(crf, _)| crf * 10 < tenths);
    match (after.checked_sub(1).and_then(|before| scale.get(before)), scale.get(after)) {
        (Some((a, low)), Some((b, high))) => {
            let (span, step) = (10 * (b - a), tenths - 10 * a);
            (10 * low * span + 10 * (high - low) * step + span / 2) / span
        }
        (None, Some((_, only))) | (Some((_, only)), None) => only * 10,
        (None, None) => tenths,
    }
}

/// Tenths as a decimal number, without a fraction that is 0.
pub fn decimal(tenths: u32) -> String {
    match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

/// For an encoder that takes decimals.
pub(super) fn tenths(scale: Scale, quality: u32) -> String {
    decimal(on(scale, quality))
}

/// For an encoder that takes whole numbers.
pub(super) fn whole(scale: Scale, quality: u32) -> String {
    ((on(scale, quality) + 5) / 10).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = &[(10, 10), (20, 25), (40, 63)];

    #[test]
    fn points_are_met_and_lines_are_between() {
        let at = |quality| (tenths(SCALE, quality), whole(SCALE, quality));
        assert_eq!(at(100), ("10".to_owned(), "10".to_owned()));
        assert_eq!(at(150), ("17.5".to_owned(), "18".to_owned()));
        assert_eq!(at(151), ("17.7".to_owned(), "18".to_owned()));
        assert_eq!(at(200), ("25".to_owned(), "25".to_owned()));
        assert_eq!(at(10).0, "10");
        assert_eq!(at(510).0, "63");
    }

    #[test]
    fn a_higher_number_is_never_better() {
        for quality in 10..510 {
            assert!(on(SCALE, quality) <= on(SCALE, quality + 1));
        }
    }
}
