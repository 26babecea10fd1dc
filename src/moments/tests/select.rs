//! Selection against every subset of small random cases, and against greed.

use super::Random;
use crate::moments::select::{Slot, most, select};

fn slots(random: &mut Random, count: i64, length: impl Fn(&mut Random) -> i64) -> Vec<Slot> {
    let mut slots: Vec<Slot> = (0..count)
        .map(|_| {
            let start = random.below(24);
            let end = start + length(random);
            Slot { axis: random.below(2) as u32, start, end, score: random.below(9) * 100_000 }
        })
        .collect();
    slots.sort_by_key(|slot| (slot.axis, slot.start));
    slots
}

fn allowed(set: &[Slot], gap: i64, budget: i64) -> bool {
    let apart = |a: &Slot, b: &Slot| a.axis != b.axis || a.end + gap <= b.start || b.end + gap <= a.start;
    let pairs = set.iter().enumerate().all(|(index, a)| set[index + 1..].iter().all(|b| apart(a, b)));
    pairs && set.iter().map(|slot| slot.end - slot.start).sum::<i64>() <= budget
}

/// Score, then number of moments.
fn worth(set: &[Slot]) -> (i64, usize) {
    (set.iter().map(|slot| slot.score).sum(), set.len())
}

fn best_of_all(slots: &[Slot], gap: i64, budget: i64) -> (i64, usize) {
    let subset = |mask: u32| -> Vec<Slot> {
        (0..slots.len()).filter(|index| mask >> index & 1 == 1).map(|index| slots[index]).collect()
    };
    (0..1u32 << slots.len())
        .map(subset)
        .filter(|set| allowed(set, gap, budget))
        .map(|set| worth(&set))
        .max()
        .unwrap_or_default()
}

fn greedy(slots: &[Slot], gap: i64, budget: i64) -> (i64, usize) {
    let mut order: Vec<Slot> = slots.to_vec();
    order.sort_by_key(|slot| -slot.score);
    let mut set = Vec::new();
    for slot in order {
        set.push(slot);
        if !allowed(&set, gap, budget) {
            set.pop();
        }
    }
    worth(&set)
}

fn picked(slots: &[Slot], gap: i64, budget: i64) -> Vec<Slot> {
    select(slots, gap, budget).unwrap().into_iter().map(|index| slots[index]).collect()
}

#[test]
fn best_among_all_subsets_where_lengths_are_equal() {
    let mut random = Random(1);
    for _ in 0..2_000 {
        let count = 1 + random.below(11);
        let slots = slots(&mut random, count, |_| 3);
        let (gap, budget) = (random.below(5), random.below(20));
        let set = picked(&slots, gap, budget);
        assert!(allowed(&set, gap, budget), "{slots:?} {gap} {budget}");
        assert_eq!(worth(&set), best_of_all(&slots, gap, budget), "{slots:?} {gap} {budget}");
    }
}

#[test]
fn best_among_all_subsets_where_some_are_shorter() {
    let mut random = Random(2);
    for _ in 0..2_000 {
        let count = 1 + random.below(11);
        let slots = slots(&mut random, count, |random| 1 + random.below(5));
        let (gap, budget) = (random.below(5), random.below(20));
        let set = picked(&slots, gap, budget);
        assert!(allowed(&set, gap, budget), "{slots:?} {gap} {budget}");
        assert_eq!(worth(&set), best_of_all(&slots, gap, budget), "{slots:?} {gap} {budget}");
    }
}

/// Lengths without a common measure are rounded up, so the budget holds and
/// little of it is lost.
#[test]
fn budget_holds_where_lengths_have_no_common_measure() {
    let mut random = Random(3);
    for _ in 0..20 {
        let mut slots: Vec<Slot> = (0..40)
            .map(|index| {
                let start = index * 4_000_000;
                Slot {
                    axis: 0,
                    start,
                    end: start + 1_000_003 + random.below(2_000_000),
                    score: random.below(1_000_000),
                }
            })
            .collect();
        slots.push(Slot { axis: 0, start: 900_000_000, end: 903_500_000, score: 0 });
        let set = picked(&slots, 0, 30_000_000);
        assert!(allowed(&set, 0, 30_000_000));
        assert!(set.iter().map(|slot| slot.end - slot.start).sum::<i64>() > 27_000_000);
        assert!(worth(&set).0 * 100 >= greedy(&slots, 0, 30_000_000).0 * 98);
    }
}

/// Two good moments beside one that is a little better: greed takes the one.
#[test]
fn greed_loses_what_this_wins() {
    let slot = |start: i64, score| Slot { axis: 0, start, end: start + 3, score };
    let slots = [slot(0, 800_000), slot(2, 900_000), slot(4, 800_000)];
    assert_eq!(worth(&picked(&slots, 0, 6)), (1_600_000, 2));
    assert_eq!(greedy(&slots, 0, 6), (900_000, 1));

    let mut random = Random(4);
    let (mut best, mut greed) = (0, 0);
    for _ in 0..1_000 {
        let slots = self::slots(&mut random, 40, |_| 3);
        let (ours, theirs) = (worth(&picked(&slots, 2, 24)).0, greedy(&slots, 2, 24).0);
        assert!(ours >= theirs);
        best += ours;
        greed += theirs;
    }
    assert!(best * 100 > greed * 102, "{best} {greed}");
}

#[test]
fn equals_go_to_the_earliest_and_then_to_the_first_listed() {
    let slot = |start: i64| Slot { axis: 0, start, end: start + 3, score: 500_000 };
    let slots = [slot(0), slot(0), slot(1), slot(3), slot(4), slot(6)];
    assert_eq!(select(&slots, 0, 6).unwrap(), [0, 3]);
}

/// A total that was asked for is filled even with what scores nothing.
#[test]
fn moments_without_score_fill_the_total() {
    let slots: Vec<Slot> =
        (0..10).map(|index| Slot { axis: 0, start: index * 3, end: index * 3 + 3, score: 0 }).collect();
    assert_eq!(select(&slots, 0, 14).unwrap().len(), 4);
    assert_eq!(select(&slots, 0, 3_000).unwrap().len(), 10);
    assert_eq!(most(&slots, 0), 10);
    assert_eq!(most(&slots, 1), 5);
}

#[test]
fn nothing_fits_no_budget() {
    let slots = [Slot { axis: 0, start: 0, end: 3, score: 1 }];
    assert!(select(&slots, 0, 2).unwrap().is_empty());
    assert!(select(&slots, 0, -7).unwrap().is_empty());
    assert!(select(&[], 0, 10).unwrap().is_empty());
}

#[test]
fn a_table_past_all_memory_is_refused() {
    let slots: Vec<Slot> =
        (0..200_000).map(|index| Slot { axis: 0, start: index * 2, end: index * 2 + 2, score: 1 }).collect();
    let error = select(&slots, 0, 200_000).unwrap_err();
    assert!(error.hint.unwrap().contains("step"));
}

/// 14 hours at two candidates a second, 85 and 1,000 moments to choose. Run
/// with `--nocapture` for the times; the limit is generous for slow machines.
#[test]
fn a_hundred_thousand_candidates_in_no_time() {
    let mut random = Random(5);
    let slots: Vec<Slot> = (0..100_000)
        .map(|index| {
            let start = index * 500_000;
            Slot { axis: 0, start, end: start + 3_500_000, score: random.below(1_000_000) }
        })
        .collect();
    for moments in [85, 1_000] {
        let begun = std::time::Instant::now();
        assert_eq!(select(&slots, 10_000_000, moments * 3_500_000).unwrap().len() as i64, moments);
        let took = begun.elapsed();
        assert!(took.as_millis() < 3_000, "{moments} moments took {took:?}");
    }
}
