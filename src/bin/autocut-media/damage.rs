//! What of a film could not be decoded, and where.
//!
//! Follows every packet from the decoder's one end to the other. A packet is
//! *suspect* if the decoder complained of it, or if what it may build on is: of
//! everything up to the next key frame. A suspect packet that gives a picture
//! is a damaged frame; one that gives none is a lost one. (A packet that is not
//! suspect and gives none is as it should be: some codecs have pictures that
//! are never shown.)
//!
//! Times are ticks of the stream. It knows neither libav* nor files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Packets that are not suspect are forgotten when more than this many wait: no
/// codec in use delays a frame by so many.
const MOST_WAITING: usize = 256;

/// Frames of one hole that are counted singly.
const MOST_MISSING: i64 = 1 << 20;

#[derive(Clone, Debug, Default)]
pub(crate) struct Damage {
    /// Packets that were sent, by when they are presented.
    waiting: BTreeMap<i64, Sent>,
    /// The packet that was sent last.
    last: Option<i64>,
    /// Whether what comes up to the next key frame is suspect.
    tainted: bool,
    /// Pictures before this key frame may build on suspect ones before it.
    leading: Option<i64>,
    /// Where the packet after the last one is due, in order of decoding.
    due: Option<i64>,
    /// Something may be missing between the last packet and the next.
    gap: bool,
    lost: BTreeSet<i64>,
    /// Of which there was not even a packet: where it would be, as far as is known,
    /// so that another may be there.
    missing: BTreeSet<i64>,
    damaged: BTreeSet<i64>,
    /// Packets that are not suspect and gave no picture.
    silent: u64,
    /// Whether anything was ever wrong.
    any: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    suspect: bool,
    duration: i64,
}

/// A packet on its way to the decoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    /// In order of presentation and of decoding.
    pub(crate) shown: Option<i64>,
    pub(crate) decoded: Option<i64>,
    /// 0 where that is unknown.
    pub(crate) duration: i64,
    pub(crate) key: bool,
    /// The demuxer says that it is damaged.
    pub(crate) corrupt: bool,
}

/// How many frames, and the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) frames: u64,
    pub(crate) first: i64,
}

impl Damage {
    /// A packet is sent to the decoder.
    pub(crate) fn sent(&mut self, packet: Passing) {
        let Some(shown) = packet.shown.or(packet.decoded) else {
            self.last = None;
            return;
        };
        self.look_for_a_hole(&packet);
        if packet.key {
            self.leading = self.tainted.then_some(shown);
            self.tainted = false;
        }
        if packet.corrupt {
            (self.tainted, self.any) = (true, true);
        }
        let suspect = self.tainted || self.leading.is_some_and(|key| shown < key);
        self.waiting.insert(shown, Sent { suspect, duration: packet.duration });
        self.last = Some(shown);
        while self.waiting.len() > MOST_WAITING
            && let Some((at, sent)) = self.waiting.pop_first()
        {
            if sent.suspect {
                self.lost.insert(at);
            } else {
                self.silent += 1;
            }
        }
    }

    /// Counts what would lie between the last packet and this one, where the
    /// reader stumbled between them.
    fn look_for_a_hole(&mut self, packet: &Passing) {
        let (due, gap) = (self.due, std::mem::take(&mut self.gap));
        self.due = packet.decoded.filter(|_| packet.duration > 0).map(|at| at.saturating_add(packet.duration));
        let (Some(due), Some(at), true) = (due, packet.decoded, gap && packet.duration > 0) else { return };
        let missing = at.saturating_sub(due).saturating_add(packet.duration / 4) / packet.duration;
        if missing <= 0 {
            return;
        }
        (self.tainted, self.any) = (true, true);
        // How far presentation is behind decoding, which here is all that tells.
        let delay = packet.shown.map_or(0, |shown| shown.saturating_sub(at)).max(0);
        let place = |n: i64| due.saturating_add(delay).saturating_add(n.saturating_mul(packet.duration));
        self.missing.extend((0..missing.min(MOST_MISSING)).map(place));
    }

    /// The decoder complained of the packet that was sent last.
    pub(crate) fn trouble(&mut self) {
        (self.tainted, self.any) = (true, true);
        if let Some(sent) = self.last.and_then(|last| self.waiting.get_mut(&last)) {
            sent.suspect = true;
        }
    }

    /// The reader stumbled.
    pub(crate) fn stumbled(&mut self) {
        (self.gap, self.any) = (true, true);
    }

    /// A frame came out; how long it lasts, where that is known.
    pub(crate) fn came(&mut self, at: i64, flawed: bool) -> i64 {
        let own = self.take(at);
        if flawed || own.is_some_and(|sent| sent.suspect) {
            self.any = true;
            self.damaged.insert(at);
        }
        own.map_or(0, |sent| sent.duration)
    }

    /// A frame came out that is not to be shown, because its time is not after
    /// that of the one before. Phones write such times now and then: only where
    /// something was wrong is it a loss.
    pub(crate) fn refused(&mut self, at: i64) {
        if self.take(at).map_or(self.tainted, |sent| sent.suspect) {
            self.lost.insert(at);
        }
    }

    /// A frame came out that is not counted, because decoding began after what
    /// it builds on.
    pub(crate) fn passed_over(&mut self, at: i64) {
        self.waiting = self.waiting.split_off(&at.saturating_add(1));
    }

    /// The packet of a frame; what was to come before it never will.
    fn take(&mut self, at: i64) -> Option<Sent> {
        let later = self.waiting.split_off(&at);
        let earlier = std::mem::replace(&mut self.waiting, later);
        self.give_up(earlier);
        self.waiting.remove(&at)
    }

    /// No frame comes any more.
    pub(crate) fn ended(&mut self) {
        let left = std::mem::take(&mut self.waiting);
        self.give_up(left);
    }

    /// Packets whose picture will not come any more.
    fn give_up(&mut self, packets: BTreeMap<i64, Sent>) {
        for (at, sent) in packets {
            if sent.suspect {
                self.lost.insert(at);
            } else {
                self.silent += 1;
            }
        }
    }

    /// Decoding begins anew, at a key frame. What was found stays known.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        (self.last, self.leading, self.due) = (None, None, None);
        (self.tainted, self.gap) = (false, false);
    }

    /// Whether anything was ever wrong.
    pub(crate) fn is_any(&self) -> bool {
        self.any
    }

    /// How many packets gave no picture although nothing was wrong with them: as
    /// many from any decoder that works.
    pub(crate) fn silent(&self) -> u64 {
        self.silent
    }

    /// Whether the reader stumbled and nothing was sent since.
    pub(crate) fn is_open(&self) -> bool {
        self.gap
    }

    /// Frames that did not come.
    pub(crate) fn lost(&self, within: Range<i64>) -> Option<Count> {
        let known = self.lost.range(within.clone()).filter(|at| !self.damaged.contains(at));
        let all: BTreeSet<i64> = known.chain(self.missing.range(within)).copied().collect();
        count(all.iter())
    }

    /// Frames that came but are not as they were recorded.
    pub(crate) fn damaged(&self, within: Range<i64>) -> Option<Count> {
        count(self.damaged.range(within))
    }
}

fn count<'a>(mut frames: impl Iterator<Item = &'a i64>) -> Option<Count> {
    let first = *frames.next()?;
    Some(Count { frames: frames.count() as u64 + 1, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Range<i64> = i64::MIN..i64::MAX;

    fn packet(shown: i64, decoded: i64, key: bool) -> Passing {
        Passing { shown: Some(shown), decoded: Some(decoded), duration: 10, key, corrupt: false }
    }

    fn found(count: Option<Count>) -> (u64, i64) {
        count.map_or((0, -1), |count| (count.frames, count.first))
    }

    /// One frame at a time, in order.
    fn simple(damage: &mut Damage, frames: Range<i64>, key: i64, mut trouble: impl FnMut(i64) -> (bool, bool)) {
        for n in frames {
            damage.sent(packet(n * 10, n * 10, n % key == 0));
            let (complains, gives) = trouble(n);
            if complains {
                damage.trouble();
            }
            if gives {
                damage.came(n * 10, false);
            }
        }
        damage.ended();
    }

    #[test]
    fn whole_footage_has_none() {
        let mut damage = Damage::default();
        // Every fourth packet is a picture that is never shown.
        simple(&mut damage, 0..40, 8, |n| (false, n % 4 != 3));
        assert!(!damage.is_any());
        assert_eq!((damage.lost(ALL), damage.damaged(ALL)), (None, None));
        assert_eq!(damage.silent(), 10);
        let mut damage = Damage::default();
        simple(&mut damage, 0..40, 8, |n| (n == 20, n != 20));
        assert_eq!(damage.silent(), 0);
    }

    #[test]
    fn what_builds_on_a_lost_frame_is_damaged_up_to_the_next_key_frame() {
        let mut damage = Damage::default();
        simple(&mut damage, 0..24, 8, |n| (n == 10, n != 10));
        assert_eq!(found(damage.lost(ALL)), (1, 100));
        assert_eq!(found(damage.damaged(ALL)), (5, 110));
        assert_eq!(found(damage.damaged(130..1_000)), (3, 130));
        assert!(damage.is_any());
    }

    #[test]
    fn a_decoder_that_gives_nothing_until_it_recovers_loses_all_of_that() {
        let mut damage = Damage::default();
        simple(&mut damage, 0..24, 8, |n| (n == 8, !(8..16).contains(&n)));
        assert_eq!((found(damage.lost(ALL)), damage.damaged(ALL)), ((8, 80), None));
        let mut damage = Damage::default();
        simple(&mut damage, 0..20, 8, |n| (n == 17, n < 17));
        assert_eq!(found(damage.lost(ALL)), (3, 170));
    }

    /// I0 P3 B1 B2 | I6 B4 B5: the leading pictures of an open group build on
    /// the group before it too.
    #[test]
    fn leading_pictures_share_the_damage_before_their_key_frame() {
        let mut damage = Damage::default();
        for (place, shown, key) in
            [(0, 0, true), (1, 3, false), (2, 1, false), (3, 2, false), (4, 6, true), (5, 4, false), (6, 5, false)]
        {
            damage.sent(packet(shown * 10, place * 10, key));
            if shown == 3 {
                damage.trouble();
            }
        }
        for shown in 0..=6 {
            damage.came(shown * 10, false);
        }
        assert_eq!(found(damage.damaged(ALL)), (5, 10));
        assert_eq!(damage.damaged(60..70), None);
    }

    #[test]
    fn a_hole_where_the_reader_stumbled_is_lost_frames() {
        let mut damage = Damage::default();
        simple(&mut damage, 0..4, 100, |_| (false, true));
        damage.stumbled();
        damage.sent(packet(90, 90, false));
        damage.came(90, false);
        assert_eq!((found(damage.lost(ALL)), found(damage.damaged(ALL))), ((5, 40), (1, 90)));
        // With pictures that are shown later than the next ones, it is known how many
        // there were and only about where.
        let mut damage = Damage::default();
        for (shown, decoded) in [(0, 0), (30, 10), (10, 20), (60, 40), (40, 50), (50, 60)] {
            if decoded == 40 {
                damage.stumbled();
            }
            damage.sent(packet(shown, decoded, shown == 0));
        }
        for shown in [0, 10, 30, 40, 50, 60] {
            damage.came(shown, false);
        }
        assert_eq!((found(damage.lost(ALL)), found(damage.damaged(ALL))), ((1, 50), (3, 40)));
        // Where nothing is missing, a stumble is about something else.
        let mut damage = Damage::default();
        simple(&mut damage, 0..4, 100, |_| (false, true));
        damage.stumbled();
        damage.sent(packet(40, 40, false));
        damage.came(40, false);
        assert_eq!((damage.lost(ALL), damage.damaged(ALL)), (None, None));
        // Where nobody stumbled, a camera dropped frames.
        let mut damage = Damage::default();
        simple(&mut damage, 0..4, 100, |_| (false, true));
        damage.sent(packet(90, 90, false));
        assert_eq!(damage.lost(ALL), None);
    }

    #[test]
    fn after_a_seek_everything_is_well_again_and_known_still() {
        let mut damage = Damage::default();
        simple(&mut damage, 0..8, 100, |n| (n == 5, n != 5));
        damage.forget();
        damage.sent(packet(200, 200, true));
        damage.passed_over(190);
        damage.came(200, false);
        assert_eq!((found(damage.lost(ALL)), damage.damaged(200..300)), ((1, 50), None));
        damage.sent(Passing { corrupt: true, ..packet(210, 210, false) });
        damage.came(210, false);
        damage.refused(205);
        damage.sent(packet(220, 220, true));
        damage.refused(206);
        assert_eq!(found(damage.damaged(200..300)), (1, 210));
        assert_eq!(found(damage.lost(200..300)), (1, 205));
    }
}
