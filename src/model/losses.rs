//! Frames of footage that could not be decoded as they were recorded: how it is
//! told, and many such sentences as one.
//!
//! What is told is part of the result of each action that met damage, and a film
//! is cut into many: whoever tells people puts together what is of one file.

use std::collections::HashSet;
use std::fmt;

use crate::base::Timestamp;

// Results hold these words, and they are read back from there: what is changed here
// is put together with what was told before no more.
const LOST: &str = "could not be decoded; ";
const DAMAGED: &str = "are damaged; they are shown as far as they could be decoded";
const ONE_DAMAGED: &str = "is damaged; it is shown as far as it could be decoded";

/// Frames of a file, and the media time of the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss<'a> {
    pub frames: u64,
    pub first: Timestamp,
    pub fate: Fate<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'a> {
    /// They did not come. What is done instead, as the end of a sentence.
    Lost(&'a str),
    /// They came but are not as they were recorded.
    Damaged,
}

impl fmt::Display for Loss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(f, 1)
    }
}

impl<'a> Loss<'a> {
    /// As of one stretch of a file, or of several.
    fn tell(&self, f: &mut impl fmt::Write, stretches: usize) -> fmt::Result {
        let Loss { frames, first, fate } = self;
        write!(f, "{} ", counted(*frames))?;
        match stretches {
            1 => write!(f, "from {first} ")?,
            _ => write!(f, "from {first} on, in {stretches} stretches, ")?,
        }
        match fate {
            Fate::Lost(instead) => write!(f, "{LOST}{instead}"),
            Fate::Damaged => f.write_str(if *frames == 1 { ONE_DAMAGED } else { DAMAGED }),
        }
    }

    /// What such a sentence says, behind whatever it is about.
    fn parse(text: &'a str) -> Option<(&'a str, Loss<'a>)> {
        text.match_indices(" from ").find_map(|(at, between)| {
            let before = text[..at].strip_suffix(" frame").or_else(|| text[..at].strip_suffix(" frames"))?;
            let head = before.trim_end_matches(|digit: char| digit.is_ascii_digit());
            let (first, rest) = text[at + between.len()..].split_once(' ')?;
            let fate = match rest.strip_prefix(LOST) {
                Some(instead) => Fate::Lost(instead),
                None => Some(Fate::Damaged).filter(|_| [DAMAGED, ONE_DAMAGED].contains(&rest))?,
            };
            Some((head, Loss { frames: before[head.len()..].parse().ok()?, first: time(first)?, fate }))
        })
    }
}

/// `1 frame`, `37 frames`.
pub fn counted(frames: u64) -> String {
    if frames == 1 { "1 frame".to_owned() } else { format!("{frames} frames") }
}

/// The time that a [`Timestamp`] shows as, in whole ms.
fn time(text: &str) -> Option<Timestamp> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (rest, millis) = text.split_once('.')?;
    let seconds = rest.split(':').try_fold(0_i64, |sum, part| {
        sum.checked_mul(60)?.checked_add(part.parse().ok().filter(|part: &i64| *part >= 0)?)
    })?;
    let millis = millis.parse().ok().filter(|millis| (0..1_000).contains(millis))?;
    Some(Timestamp::from_millis(seconds.checked_mul(1_000)?.checked_add(millis)? * sign))
}

/// What people are told of damaged footage at the end of a build.
#[derive(Debug, Default)]
pub struct Told {
    /// Each sentence once in both.
    known: HashSet<(bool, String)>,
    counting: Vec<String>,
    others: Vec<String>,
}

impl Told {
    /// Takes a sentence in if it is of this kind. The same frames are met by what
    /// shows a file and by what looks at it to choose: one of both `counts`.
    pub fn take(&mut self, text: &str, counts: bool) -> bool {
        let is_one = Loss::parse(text).is_some();
        if is_one && self.known.insert((counts, text.to_owned())) {
            if counts { &mut self.counting } else { &mut self.others }.push(text.to_owned());
        }
        is_one
    }

    /// All of it, of each file as one. Of damaged frames others are told only of
    /// files of which nothing counts.
    pub fn into_sentences(mut self) -> Vec<String> {
        let about: HashSet<&str> = self.counting.iter().filter_map(|text| Some(Loss::parse(text)?.0)).collect();
        let is_told = |text: &String| {
            Loss::parse(text).is_some_and(|(head, loss)| loss.fate == Fate::Damaged && about.contains(head))
        };
        self.others.retain(|text| !is_told(text));
        let both = [self.counting, self.others].concat();
        merged(&both)
    }
}

/// Sentences of which those that tell the same of one file are put together, in
/// the order of the first of each. Others stay as they are.
fn merged(texts: &[String]) -> Vec<String> {
    let mut merged: Vec<(&str, Option<(Loss, usize)>)> = Vec::new();
    for text in texts {
        let Some((head, loss)) = Loss::parse(text) else {
            merged.push((text, None));
            continue;
        };
        let known = merged
            .iter_mut()
            .find_map(|(other, known)| known.as_mut().filter(|(known, _)| *other == head && known.fate == loss.fate));
        match known {
            Some((known, stretches)) => {
                known.frames = known.frames.saturating_add(loss.frames);
                known.first = known.first.min(loss.first);
                *stretches += 1;
            }
            None => merged.push((head, Some((loss, 1)))),
        }
    }
    let told = merged.into_iter().map(|(head, loss)| {
        let mut text = head.to_owned();
        // Writing to a string does not fail.
        let _ = loss.map(|(loss, stretches)| loss.tell(&mut text, stretches));
        text
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(frames: u64, millis: i64) -> String {
        let first = Timestamp::from_millis(millis);
        format!("front/a.mp4: {}", Loss { frames, first, fate: Fate::Lost("the picture before is shown instead") })
    }

    fn damaged(frames: u64, millis: i64) -> String {
        format!("front/a.mp4: {}", Loss { frames, first: Timestamp::from_millis(millis), fate: Fate::Damaged })
    }

    #[test]
    fn counts_and_first_times_are_told() {
        assert_eq!(
            lost(37, 70_233),
            "front/a.mp4: 37 frames from 01:10.233 could not be decoded; the picture before is shown instead"
        );
        assert_eq!(
            damaged(1, 69_800),
            "front/a.mp4: 1 frame from 01:09.800 is damaged; it is shown as far as it could be decoded"
        );
    }

    #[test]
    fn what_is_of_one_file_is_put_together() {
        let other = "front/a.mp4: its sound cannot be decoded; it is silent".to_owned();
        let texts = [
            lost(37, 70_233),
            damaged(1, 69_800),
            other.clone(),
            lost(3, 4_000_000),
            lost(1, 64_000),
            damaged(1, 71_000),
            lost(2, 5_000).replace("front/", "rear/"),
        ];
        assert_eq!(
            merged(&texts),
            [
                "front/a.mp4: 41 frames from 01:04.000 on, in 3 stretches, could not be decoded; \
                 the picture before is shown instead",
                "front/a.mp4: 2 frames from 01:09.800 on, in 2 stretches, \
                 are damaged; they are shown as far as they could be decoded",
                &other,
                &texts[6],
            ]
        );
        // One stays as it is.
        assert_eq!(merged(&texts[..3]), texts[..3]);
    }

    #[test]
    fn what_is_shown_counts_and_else_what_was_looked_at() {
        let mut told = Told::default();
        let looked = lost(2, 1_000).replace("the picture before is shown instead", "no moment is looked for there");
        for (text, shown) in [
            (&damaged(5, 1_000), false),
            (&looked, false),
            (&damaged(3, 2_000), false),
            (&damaged(3, 2_000), true),
            (&damaged(3, 2_000), true),
            (&damaged(7, 0).replace("front", "rear"), false),
        ] {
            assert!(told.take(text, shown));
        }
        assert!(!told.take("front/a.mp4: its sound cannot be decoded; it is silent", true));
        assert_eq!(told.into_sentences(), [damaged(3, 2_000), looked, damaged(7, 0).replace("front", "rear")]);
    }

    #[test]
    fn times_are_read_as_they_are_shown() {
        for millis in [0, 999, 61_001, -61_001, 3_599_999, 3_600_000, 360_000_123] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(time(&at.to_string()), Some(at));
        }
        for text in ["", "1", "1.", "a:1.000", "00:01.1000", "-1:-2.000", "99999999999999999999:00.000"] {
            assert_eq!(time(text), None, "{text:?}");
        }
    }

    /// Names of files may hold anything.
    #[test]
    fn names_do_not_matter() {
        let text = lost(5, 1_000).replace("front/a", "9 frames from 00:01.000 é: 7 frame");
        let (head, loss) = Loss::parse(&text).unwrap();
        assert_eq!((head, loss.frames), ("9 frames from 00:01.000 é: 7 frame.mp4: ", 5));
    }
}
