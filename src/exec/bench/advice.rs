//! What to take of the settings that were measured. Pure arithmetic.

use crate::exec::bench::results::{Advice, Measured, Recommended};

/// What differs by less than this part is about equal.
const EQUAL: f64 = 0.05;

/// What is smaller by less than this part is not worth being slower.
const WORTH: f64 = 0.10;

/// SSIM that nobody sees.
const UNSEEN: f64 = 1e-5;

/// Marks the settings that no other beats in speed, size and likeness together.
pub fn mark_front(all: &mut [Measured]) {
    let beats = |other: &Measured, one: &Measured| {
        let least =
            other.frames_per_second >= one.frames_per_second && other.bytes <= one.bytes && other.ssim >= one.ssim;
        let more = other.frames_per_second > one.frames_per_second || other.bytes < one.bytes || other.ssim > one.ssim;
        least && more
    };
    let front: Vec<bool> = all.iter().map(|one| !all.iter().any(|other| beats(other, one))).collect();
    all.iter_mut().zip(front).for_each(|(one, front)| one.front = front);
}

/// Of settings of which there is at least one. Only codecs that the output
/// `holds` are recommended.
pub fn advise(all: &[Measured], holds: &dyn Fn(&str) -> bool) -> Advice {
    let own = all.iter().position(|one| one.own);
    let best = || {
        let order = |a: &usize, b: &usize| all[*a].ssim.total_cmp(&all[*b].ssim).then(b.cmp(a));
        (0..all.len()).filter(|index| holds(&all[*index].codec)).max_by(order)
    };
    // Where the own one does not work, the picture that is best.
    let reference = own.or_else(best).unwrap_or(0);
    let (measure, name) = (&all[reference], if own.is_some() { "the setting that it has now" } else { "the best" });
    let alike = |one: &Measured| one.unlike() <= measure.unlike() * (1.0 + EQUAL) + UNSEEN;
    let able = || all.iter().enumerate().filter(|(_, one)| holds(&one.codec) && alike(one));

    let within = able().filter(|(_, one)| one.bytes as f64 <= measure.bytes as f64 * (1.0 + EQUAL));
    let quickest = within.max_by(|(_, a), (_, b)| a.frames_per_second.total_cmp(&b.frames_per_second));
    let quicker = |one: &Measured| one.frames_per_second > measure.frames_per_second * (1.0 + EQUAL);
    let take = match quickest.filter(|(index, one)| *index != reference && quicker(one)) {
        Some((index, one)) => {
            let why = format!(
                "the quickest that is about as like the footage as {name} ({}) and not larger by more than 5 %: {}",
                measure.name(),
                against(one, measure)
            );
            recommended(index, one, why)
        }
        None => {
            let why = format!(
                "{}: of those measured no other is quicker by more than 5 % without being larger or less like the footage",
                if own.is_some() { "what it has now" } else { "the best picture" }
            );
            recommended(reference, measure, why)
        }
    };
    let basis = &all[take.setting];
    let smallest = able().min_by_key(|(_, one)| one.bytes);
    let smaller = smallest.filter(|(_, one)| (one.bytes as f64) < basis.bytes as f64 * (1.0 - WORTH));
    let smaller = smaller.map(|(index, one)| {
        let why = format!("the smallest that is about as like the footage: {}", against(one, basis));
        recommended(index, one, why)
    });
    Advice { take, smaller }
}

fn recommended(setting: usize, one: &Measured, why: String) -> Recommended {
    Recommended { setting, line: one.line(), why }
}

/// How one compares with another.
fn against(one: &Measured, other: &Measured) -> String {
    format!(
        "{:.2} of its speed, {:.2} of its size, SSIM {:.4} and not {:.4}",
        one.frames_per_second / other.frames_per_second,
        one.bytes as f64 / other.bytes.max(1) as f64,
        one.ssim,
        other.ssim
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A setting of that speed, size and SSIM.
    pub(crate) fn setting(name: &str, speed: f64, bytes: u64, ssim: f64) -> Measured {
        Measured {
            codec: "H264".to_owned(),
            encoder: "libx264".to_owned(),
            preset: name.to_owned(),
            quality: 20,
            own: name == "own",
            frames_per_second: speed,
            times_real_time: speed / 30.0,
            disturbed: false,
            bytes,
            mbit_per_second: 1.0,
            ssim,
            ssim_luma: ssim,
            psnr: Some(40.0),
            psnr_luma: Some(40.0),
            cpu_seconds: 1.0,
            memory_bytes: 1 << 20,
            read_bytes: 100,
            written_bytes: 100,
            front: false,
        }
    }

    #[test]
    fn the_front_is_what_nothing_beats() {
        let mut all = vec![
            setting("own", 100.0, 1_000, 0.95),
            setting("slower and no better", 90.0, 1_000, 0.95),
            setting("smaller", 10.0, 500, 0.95),
            setting("finer", 50.0, 3_000, 0.99),
            setting("worst", 5.0, 4_000, 0.90),
        ];
        mark_front(&mut all);
        assert_eq!(all.iter().map(|one| one.front).collect::<Vec<_>>(), [true, false, true, true, false]);
        // Equals do not beat each other.
        let mut twins = vec![setting("a", 1.0, 1, 0.9), setting("b", 1.0, 1, 0.9)];
        mark_front(&mut twins);
        assert!(twins.iter().all(|one| one.front));
    }

    #[test]
    fn the_quickest_of_equal_looks_and_size() {
        let all = [
            setting("own", 100.0, 1_000, 0.950),
            setting("quick", 150.0, 1_030, 0.949),
            setting("quicker but larger", 300.0, 1_200, 0.950),
            setting("quicker but coarser", 300.0, 900, 0.940),
            setting("small", 20.0, 700, 0.951),
        ];
        let advice = advise(&all, &|_| true);
        assert_eq!(advice.take.setting, 1);
        assert!(advice.take.why.contains("1.50 of its speed, 1.03 of its size"), "{}", advice.take.why);
        assert_eq!(advice.take.line, "Video(codec: H264, preset: \"quick\", quality: 20)");
        assert_eq!(advice.smaller.map(|one| one.setting), Some(4));
    }

    #[test]
    fn nothing_better_means_to_stay() {
        let all = [setting("own", 100.0, 1_000, 0.95), setting("a", 104.0, 990, 0.95), setting("b", 90.0, 950, 0.95)];
        let advice = advise(&all, &|_| true);
        assert_eq!((advice.take.setting, advice.smaller), (0, None));
        assert!(advice.take.why.starts_with("what it has now"));
    }

    /// ... and one whose codec does not fit into the output is not taken.
    #[test]
    fn where_the_own_one_is_missing_the_best_is_the_measure() {
        let mut all =
            [setting("a", 10.0, 1_000, 0.990), setting("b", 90.0, 1_000, 0.9899), setting("c", 95.0, 10, 0.9)];
        assert_eq!(advise(&all, &|_| true).take.setting, 1);
        all[1].codec = "Vp9".to_owned();
        assert_eq!(advise(&all, &|codec| codec != "Vp9").take.setting, 0);
    }
}
