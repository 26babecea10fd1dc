//! Near-misses: what was nearly chosen and why it was not, for the person who
//! decides with pins and bans.
//!
//! Near-misses are the best local maxima of the score over each recording that
//! show nothing which a chosen moment or a better near-miss shows already:
//! neighbours of a chosen moment on the grid score nearly as well and would
//! teach nothing.

use super::candidates::Stretch;

/// Near-misses are as many as chosen moments, but not fewer than this where
/// there are as many.
const LEAST: usize = 10;

/// The indices of near-misses among `stretches`, which are in order of
/// recording and time, best first. `scores` belong to them; `shown` is all that
/// was pinned or chosen.
pub(super) fn near_misses(stretches: &[Stretch], scores: &[Option<i64>], shown: &[&Stretch]) -> Vec<usize> {
    let score = |index: usize| scores.get(index).copied().flatten();
    let neighbour = |index: usize, other: Option<usize>| {
        let other =
            other.filter(|other| stretches.get(*other).is_some_and(|one| one.recording == stretches[index].recording));
        other.and_then(score).unwrap_or(-1)
    };
    let mut maxima: Vec<(i64, usize)> = (0..stretches.len())
        .filter_map(|index| Some((score(index).filter(|score| *score > 0)?, index)))
        // The first of several equals: the one before is less, the one after is not more.
        .filter(|(score, index)| {
            neighbour(*index, index.checked_sub(1)) < *score && neighbour(*index, Some(index + 1)) <= *score
        })
        .collect();
    maxima.sort_by_key(|(score, index)| (-score, stretches[*index].axis, stretches[*index].at, *index));
    let most = shown.len().max(LEAST);
    let mut misses: Vec<usize> = Vec::new();
    for (_, index) in maxima {
        let stretch = &stretches[index];
        let known = shown.iter().any(|other| stretch.shares_footage(other))
            || misses.iter().any(|other| stretch.shares_footage(&stretches[*other]));
        if !known {
            misses.push(index);
            if misses.len() == most {
                break;
            }
        }
    }
    misses
}
