//! Which files are chapters of one recording.
//!
//! What the files carry says so before their names do, so that a file that was
//! renamed changes nothing: what the camera calls the recording, and that the
//! time code of one goes on where that of the other ends. Names (GoPro's) count
//! where the files do not contradict them. Whatever says so, the pictures and
//! the sound have to be alike, and a file is never the chapter after its own copy.

use std::collections::BTreeMap;

use crate::base::{Digest, Timestamp};
use crate::model::{MediaInfo, VideoInfo};

/// A file as it is looked at here.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    /// Of its content.
    pub(super) digest: Digest,
    pub(super) info: &'a MediaInfo,
    pub(super) video: &'a VideoInfo,
}

/// Frames by which a time code may be off where one file goes on with another.
const SLACK: i64 = 2;

/// By how much a date may be off where one file goes on with another.
const DATES: Timestamp = Timestamp::from_seconds(3);

/// By how much dates may be off before names count no more: copies are dated
/// anew, and some clocks are set while a camera films.
const DATES_OF_NAMES: Timestamp = Timestamp::from_seconds(3_600);

/// A day has no more frames than this: 60 a second.
const FASTEST: u32 = 60;

/// The files of one camera in chains, each in the order of its chapters; the
/// chains in the order of their first files' names.
pub(super) fn chains(files: &[File<'_>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_cached_key(|at| by_name(files[*at].path));
    // The file that goes on with each, and whether one goes before it.
    let mut next: Vec<Option<usize>> = vec![None; files.len()];
    let mut goes_on = vec![false; files.len()];
    let mut link = |from: usize, to: usize, next: &mut Vec<Option<usize>>| {
        if files[from].digest == files[to].digest {
            return;
        }
        // A chain must not bite its tail.
        let mut at = Some(to);
        while let Some(here) = at {
            if here == from {
                return;
            }
            at = next[here];
        }
        if next[from].is_none() && !goes_on[to] {
            next[from] = Some(to);
            goes_on[to] = true;
        }
    };
    for (from, to) in by_content(files, &order) {
        link(from, to, &mut next);
    }
    for pair in order.windows(2) {
        let (one, other) = (&files[pair[0]], &files[pair[1]]);
        if follows_by_name(one.path, other.path) && is_alike(one, other) && !contradicts(one, other) {
            link(pair[0], pair[1], &mut next);
        }
    }
    let first: Vec<usize> = order.into_iter().filter(|at| !goes_on[*at]).collect();
    let chain = |first: usize| std::iter::successors(Some(first), |at| next[*at]).collect();
    first.into_iter().map(chain).collect()
}

/// Chapters sort by recording first: GX010012, GX020012, GX010013.
fn by_name(path: &str) -> (String, String, u32) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let (name, number) = gopro_chapter(stem(path)).unwrap_or_else(|| (stem(path).to_owned(), 0));
    (folder, name, number)
}

/// Pairs of which the second goes on with the first by what they carry.
fn by_content(files: &[File<'_>], order: &[usize]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    // Where each file's first label is, by what its pictures and sound are.
    let mut starts: BTreeMap<(Alike<'_>, i64), Vec<usize>> = BTreeMap::new();
    for at in order {
        if let Some((label, _)) = labels(&files[*at]) {
            starts.entry((alike(&files[*at]), label)).or_default().push(*at);
        }
    }
    for from in order {
        let one = &files[*from];
        let Some((_, end)) = labels(one) else { continue };
        let near = (alike(one), end - SLACK)..=(alike(one), end + SLACK);
        let mut found: Vec<usize> = starts.range(near).flat_map(|(_, files)| files).copied().collect();
        // The time codes tell the order, so the dates may be equal.
        let dates = |to: usize| has_date_of(one, &files[to]) || is_next_by_date(one, &files[to]);
        found.retain(|to| to != from && (shares_id(one, &files[*to]) || dates(*to)));
        nearest_first(files, *from, &mut found);
        pairs.extend(found.into_iter().map(|to| (*from, to)));
    }
    // Without time codes: one identity, where the dates tell the order. Where they
    // are equal, only names do, which are looked at after this.
    let mut named: BTreeMap<(Alike<'_>, &str), Vec<usize>> = BTreeMap::new();
    for at in order {
        let ids = files[*at].info.recording_ids.iter().filter(|id| !id.starts_with("session"));
        for id in ids.filter(|_| labels(&files[*at]).is_none()) {
            named.entry((alike(&files[*at]), id)).or_default().push(*at);
        }
    }
    for all in named.values_mut() {
        all.sort_by_key(|at| files[*at].info.created);
        for from in all.iter() {
            let one = &files[*from];
            let Some(created) = one.info.created else { continue };
            // They are in the order of dates, so what may go on with it lies together.
            let end = created.plus(one.video.duration);
            let (earliest, latest) = (Some(end.plus(-DATES)), Some(end.plus(DATES)));
            let first = all.partition_point(|at| files[*at].info.created < earliest);
            let near = all.iter().skip(first).take_while(|at| files[**at].info.created <= latest).copied();
            let mut found: Vec<usize> = near.filter(|to| is_next_by_date(one, &files[*to])).collect();
            nearest_first(files, *from, &mut found);
            pairs.extend(found.into_iter().map(|to| (*from, to)));
        }
    }
    pairs
}

/// Of copies that in the same folder comes first.
fn nearest_first(files: &[File<'_>], from: usize, found: &mut [usize]) {
    let folder = |at: usize| files[at].path.rsplit_once('/').map(|(folder, _)| folder);
    found.sort_by_cached_key(|to| (folder(*to) != folder(from), by_name(files[*to].path)));
}

/// What chapters of one recording have in common.
type Alike<'a> = ((u32, u32), (u32, u32), &'a str, Option<(&'a str, u32, u16)>, Option<&'a str>);

fn alike<'a>(file: &File<'a>) -> Alike<'a> {
    let video = file.video;
    let sound = file.info.audio.as_ref().map(|audio| (audio.codec.as_str(), audio.sample_rate, audio.channels));
    let rate = (video.rate.numerator(), video.rate.denominator());
    ((video.stored.width, video.stored.height), rate, &video.codec, sound, file.info.device.as_deref())
}

fn is_alike(one: &File<'_>, other: &File<'_>) -> bool {
    alike(one) == alike(other)
}

fn shares_id(one: &File<'_>, other: &File<'_>) -> bool {
    one.info.recording_ids.iter().any(|id| other.info.recording_ids.contains(id))
}

/// Whether both state one date: some cameras write for all chapters when the
/// first of them started. That tells no order.
fn has_date_of(one: &File<'_>, other: &File<'_>) -> bool {
    one.info.created.is_some() && one.info.created == other.info.created
}

/// Whether one starts by its date where the other ends.
fn is_next_by_date(one: &File<'_>, other: &File<'_>) -> bool {
    let (Some(first), Some(second)) = (one.info.created, other.info.created) else { return false };
    let away = second.since(first);
    let late = away - one.video.duration;
    away > Timestamp::ZERO && late <= DATES && -late <= DATES
}

/// Whether both have time codes or dates by which the second is no chapter after
/// the first. Equal ones say nothing: such a camera writes when the first started.
fn contradicts(one: &File<'_>, other: &File<'_>) -> bool {
    if let (Some(first), Some(second)) = (one.info.created, other.info.created) {
        let away = second.since(first);
        if away > one.video.duration + DATES_OF_NAMES || -away > DATES_OF_NAMES {
            return true;
        }
    }
    let (Some((start, end)), Some((next, _))) = (labels(one), labels(other)) else { return false };
    let seconds = |frames: i64| frames.abs() / i64::from(nominal(one.video)).max(1);
    start != next && seconds(next - end) > 2
}

/// Frames a second as labels count them.
fn nominal(video: &VideoInfo) -> u32 {
    let (num, den) = (video.rate.numerator(), video.rate.denominator().max(1));
    num.saturating_add(den / 2) / den
}

/// The numbers that the labels of a file's first picture and of the one after
/// its last stand for, since midnight (SMPTE ST 12-1). `None` where more frames
/// are shown than labels count.
fn labels(file: &File<'_>) -> Option<(i64, i64)> {
    let rate = nominal(file.video);
    if rate == 0 || rate > FASTEST {
        return None;
    }
    let text = file.info.timecode.as_deref()?;
    let drops = text.contains(';');
    let parts: Vec<i64> = text.split([':', ';', '.']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds, frames] = parts[..] else { return None };
    let rate = i64::from(rate);
    let valid = (0..24).contains(&hours) && minutes < 60 && seconds < 60 && frames < rate;
    let dropped = if drops { rate / 15 } else { 0 };
    let number = |minutes: i64, frames: i64| minutes * 60 * rate + frames - dropped * (minutes - minutes / 10);
    let start = number(hours * 60 + minutes, seconds * rate + frames);
    let count = match i64::try_from(file.video.frames) {
        Ok(count) if count > 0 => count,
        _ => file.video.rate.nearest_frame(file.video.duration),
    };
    let end = (start.saturating_add(count)).rem_euclid(number(24 * 60, 0).max(1));
    valid.then_some((start, end))
}

pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// GoPro's chapter names: `GX` or `GH`, two digits of chapter, four of
/// recording (HERO6 and later); before that `GOPR1234` and then `GP011234`.
/// Gives (recording, chapter).
fn gopro_chapter(stem: &str) -> Option<(String, u32)> {
    let upper = stem.to_ascii_uppercase();
    let prefix = upper.get(..2)?;
    let digits = upper.get(2..)?;
    if upper.len() != 8 {
        return None;
    }
    if let Some(number) = upper.strip_prefix("GOPR") {
        return number.bytes().all(|b| b.is_ascii_digit()).then(|| (format!("GP{number}"), 0));
    }
    if !matches!(prefix, "GX" | "GH" | "GP" | "GL") || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (chapter, number) = digits.split_at(2);
    Some((format!("{prefix}{number}"), chapter.parse().ok()?))
}

/// Whether names say that one is the chapter after the other, in one folder.
fn follows_by_name(one: &str, other: &str) -> bool {
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let (Some((first, i)), Some((second, j))) = (gopro_chapter(stem(one)), gopro_chapter(stem(other))) else {
        return false;
    };
    folder(one) == folder(other) && first == second && j == i + 1
}

#[cfg(test)]
mod tests;
