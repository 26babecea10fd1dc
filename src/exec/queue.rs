//! The actions that can start now, and which of them is next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::{Digest, Timestamp};
use crate::exec::admission::Verdict;
use crate::model::specs::{AnalysisPass, SegmentSpec};
use crate::model::{ActionKey, ActionSpec, PlannedAction};

/// How far ahead in the same file the next segment may start so that a worker
/// decodes on instead of seeking.
const NEAR: i64 = 3;

/// Ready actions, ordered by what others wait for: small work that unlocks
/// much comes first, then encodes, longest first, so that no long one is left
/// over at the end.
#[derive(Default)]
pub struct Queue {
    actions: HashMap<u64, Arc<PlannedAction>>,
    order: BTreeSet<(u8, Reverse<u64>, u64)>,
    /// Segments by the place in their file at which they start.
    places: BTreeMap<(Digest, Timestamp), u64>,
    /// Analyses that share a decode.
    passes: HashMap<(Digest, AnalysisPass), Vec<u64>>,
    next: u64,
}

/// Where a worker's decoder stands: the end of the last segment it rendered.
pub type Position = Option<(Digest, Timestamp)>;

impl Queue {
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    pub fn push(&mut self, action: Arc<PlannedAction>) {
        let id = self.push_alone(action.clone());
        if let ActionSpec::Analyse(spec) = &action.spec {
            self.passes.entry((spec.file, spec.pass.clone())).or_default().push(id);
        }
    }

    /// [`push`](Self::push) of what shares its decode with nothing else; its
    /// number.
    pub fn push_alone(&mut self, action: Arc<PlannedAction>) -> u64 {
        let id = self.next;
        self.next += 1;
        self.order.insert((rank(&action.spec), Reverse(cost(&action.spec)), id));
        if let ActionSpec::Segment(spec) = &action.spec
            && let Some(source) = spec.sources.first()
        {
            self.places.entry((source.file, source.start)).or_insert(id);
        }
        self.actions.insert(id, action);
        id
    }

    /// The next action for a worker whose decoder stands at `position`, with
    /// those that are done in the same decode: the first that `verdict` lets
    /// start, which is asked of each in order until one has to wait, or one that
    /// the worker can decode on to, if it lets that start. The last that it lets
    /// start is the one that is taken.
    pub fn take(
        &mut self,
        position: Position,
        verdict: &mut dyn FnMut(&ActionSpec) -> Verdict,
    ) -> Vec<Arc<PlannedAction>> {
        let mut next = None;
        for &(rank, _, id) in &self.order {
            let Some(action) = self.actions.get(&id) else { continue };
            match verdict(&action.spec) {
                Verdict::Yes => {
                    next = Some((rank, id));
                    break;
                }
                Verdict::Wait => break,
                Verdict::WaitForSession => {}
            }
        }
        let Some((first_rank, first)) = next else { return Vec::new() };
        let nearby = self.nearby(position).filter(|id| first_rank == SEGMENT && *id != first);
        let may_start = |id: &u64| self.actions.get(id).is_some_and(|action| verdict(&action.spec) == Verdict::Yes);
        let id = nearby.filter(may_start).unwrap_or(first);
        let ids = match self.actions.get(&id).map(|action| &action.spec) {
            Some(ActionSpec::Analyse(spec)) => {
                let together = self.passes.get(&(spec.file, spec.pass.clone()));
                together.filter(|ids| ids.contains(&id)).cloned().unwrap_or(vec![id])
            }
            _ => vec![id],
        };
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// The next action that runs in this process.
    pub fn take_inline(&mut self) -> Option<Arc<PlannedAction>> {
        let first = |rank: u8| self.order.range((rank, Reverse(u64::MAX), 0)..).next().filter(|(is, ..)| *is == rank);
        let (_, _, id) = *INLINE.iter().find_map(|rank| first(*rank))?;
        self.remove(id)
    }

    /// Drops what is not `wanted` and gives its keys.
    pub fn retain(&mut self, wanted: &dyn Fn(&PlannedAction) -> bool) -> Vec<ActionKey> {
        let unwanted = self.actions.iter().filter(|(_, action)| !wanted(action)).map(|(id, _)| *id);
        let unwanted: Vec<u64> = unwanted.collect();
        unwanted.into_iter().filter_map(|id| Some(self.remove(id)?.key)).collect()
    }

    fn nearby(&self, position: Position) -> Option<u64> {
        let (file, time) = position?;
        let until = time + Timestamp::from_seconds(NEAR);
        self.places.range((file, time)..(file, until)).next().map(|(_, id)| *id)
    }

    fn remove(&mut self, id: u64) -> Option<Arc<PlannedAction>> {
        let action = self.actions.remove(&id)?;
        self.order.remove(&(rank(&action.spec), Reverse(cost(&action.spec)), id));
        if let ActionSpec::Segment(spec) = &action.spec
            && let Some(source) = spec.sources.first()
            && self.places.get(&(source.file, source.start)) == Some(&id)
        {
            self.places.remove(&(source.file, source.start));
        }
        if let ActionSpec::Analyse(spec) = &action.spec
            && let Some(ids) = self.passes.get_mut(&(spec.file, spec.pass.clone()))
        {
            ids.retain(|other| *other != id);
        }
        Some(action)
    }
}

const SOUND: u8 = 7;
const SEGMENT: u8 = 8;

/// The ranks of what runs in this process.
const INLINE: [u8; 5] = [1, 2, 4, 5, 6];

fn rank(spec: &ActionSpec) -> u8 {
    match spec {
        ActionSpec::Probe(_) | ActionSpec::Extract(_) => 0,
        ActionSpec::ImportTelemetry(_) => 1,
        ActionSpec::CleanTelemetry(_)
        | ActionSpec::MergeTelemetry(_)
        | ActionSpec::CompleteTelemetry(_)
        | ActionSpec::Align(_) => 2,
        ActionSpec::Analyse(_) | ActionSpec::Detect(_) => 3,
        ActionSpec::Choose(_) | ActionSpec::Quality(_) | ActionSpec::Locate(_) => 4,
        ActionSpec::Show(_) | ActionSpec::Export(_) => 5,
        ActionSpec::Draw(_) => 6,
        // The mix needs every sound, and then encodes while segments do.
        ActionSpec::Sound(_) | ActionSpec::Mix(_) | ActionSpec::Still(_) => SOUND,
        // What is left to encode depends on it.
        ActionSpec::Copy(_) | ActionSpec::CopySound(_) => 3,
        ActionSpec::Segment(_) | ActionSpec::Proxy(_) => SEGMENT,
        ActionSpec::Join(_) => 9,
        ActionSpec::Compare(_) => 10,
    }
}

/// Whether what else there is to do depends on the result.
pub fn decides(spec: &ActionSpec) -> bool {
    rank(spec) < SOUND
}

/// A measure of how long it takes, comparable within one rank.
fn cost(spec: &ActionSpec) -> u64 {
    match spec {
        ActionSpec::Analyse(s) => (s.pass.until - s.pass.from).to_millis().unsigned_abs(),
        ActionSpec::Detect(s) => (s.pass.until - s.pass.from).to_millis().unsigned_abs().saturating_mul(10),
        ActionSpec::Segment(s) => u64::from(s.frames()) * (s.format.size.area() >> 8),
        // Something is drawn on each of them yet.
        ActionSpec::Proxy(s) => u64::from(s.pictures.frames()) * (s.pictures.format.size.area() >> 6),
        ActionSpec::Mix(s) => s.samples,
        _ => 0,
    }
}

/// Where a worker's decoder stands after a segment.
pub fn end_of(spec: &SegmentSpec) -> Position {
    let last = spec.sources.last()?;
    Some((last.file, last.start + spec.format.rate.time_of(i64::from(last.frames))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FrameRate, Orientation, Size};
    use crate::model::specs::{AnalyseSpec, ProbeSpec, SourceRun, VideoEncoder};
    use crate::model::timeline::SourcePicture;
    use crate::model::{Colour, Fit, Matrix, Sampling, VideoFormat};

    fn action(node: &str, spec: ActionSpec) -> Arc<PlannedAction> {
        let key = ActionKey(Digest::of(node.as_bytes()));
        Arc::new(PlannedAction { key, node: node.to_owned(), spec, packs: Vec::new(), output: None })
    }

    fn segment(file: &str, start: i64, frames: u32) -> Arc<PlannedAction> {
        let rate = FrameRate::new(30, 1).unwrap();
        let colour = Colour { matrix: Matrix::Bt709, full_range: false, primaries: 1, transfer: 1 };
        let size = Size::new(1280, 720);
        let source = SourceRun {
            file: Digest::of(file.as_bytes()),
            start: Timestamp::from_seconds(start),
            frames,
            picture: SourcePicture {
                stored: size,
                pixel_aspect: (1, 1),
                orientation: Orientation::UPRIGHT,
                colour,
                rate,
            },
            fit: Fit::Fit,
        };
        let spec = SegmentSpec {
            sources: vec![source],
            format: VideoFormat { size, rate, colour, sampling: Sampling::default() },
            encoder: VideoEncoder { name: "libx264".into(), options: Vec::new(), threads: 1 },
            overlays: Vec::new(),
        };
        action(&format!("{file}@{start}"), ActionSpec::Segment(spec))
    }

    fn analysis(name: &str, from: i64) -> Arc<PlannedAction> {
        let pass = AnalysisPass {
            orientation: Orientation::UPRIGHT,
            from: Timestamp::from_seconds(from),
            until: Timestamp::from_seconds(from + 60),
            rate: FrameRate::new(4, 1).unwrap(),
            width: 320,
        };
        let (file, analysis) = (Digest::of(b"a"), name.to_owned());
        let spec = AnalyseSpec { file, analysis, analysis_version: 1, pass };
        action(&format!("{name}/{from}"), ActionSpec::Analyse(spec))
    }

    fn take(queue: &mut Queue, position: Position) -> Vec<Arc<PlannedAction>> {
        queue.take(position, &mut |_| Verdict::Yes)
    }

    fn names(actions: Vec<Arc<PlannedAction>>) -> Vec<String> {
        actions.iter().map(|action| action.node.clone()).collect()
    }

    #[test]
    fn what_others_wait_for_comes_first_and_long_segments_before_short() {
        let mut queue = Queue::default();
        queue.push(segment("a", 0, 60));
        queue.push(segment("b", 0, 120));
        queue.push(action("probe", ActionSpec::Probe(ProbeSpec { file: Digest::of(b"c") })));
        assert_eq!(names(take(&mut queue, None)), ["probe"]);
        assert_eq!(names(take(&mut queue, None)), ["b@0"]);
        assert_eq!(names(take(&mut queue, None)), ["a@0"]);
        assert!(take(&mut queue, None).is_empty());
    }

    #[test]
    fn a_worker_decodes_on_where_it_stands() {
        let mut queue = Queue::default();
        queue.push(segment("a", 100, 120));
        queue.push(segment("b", 6, 90));
        queue.push(segment("b", 4, 60));
        let position = Some((Digest::of(b"b"), Timestamp::from_seconds(4)));
        assert_eq!(names(take(&mut queue, position)), ["b@4"]);
        assert_eq!(names(take(&mut queue, None)), ["a@100"]);
        assert_eq!(names(take(&mut queue, position)), ["b@6"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn analyses_of_one_chunk_are_taken_together() {
        let mut queue = Queue::default();
        for action in [analysis("motion", 0), analysis("motion", 60), analysis("sharpness", 0)] {
            queue.push(action);
        }
        assert_eq!(names(take(&mut queue, None)), ["motion/0", "sharpness/0"]);
        assert_eq!(names(take(&mut queue, None)), ["motion/60"]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn what_an_edit_leaves_unwanted_is_dropped() {
        let mut queue = Queue::default();
        for action in [segment("a", 0, 60), analysis("motion", 0), analysis("sharpness", 0)] {
            queue.push(action);
        }
        let wanted = analysis("motion", 0).key;
        assert_eq!(queue.retain(&|action| action.key == wanted).len(), 2);
        assert_eq!(names(take(&mut queue, None)), ["motion/0"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_second_try_shares_no_decode() {
        let mut queue = Queue::default();
        queue.push(analysis("motion", 0));
        queue.push_alone(analysis("sharpness", 0));
        queue.push(analysis("exposure", 0));
        assert_eq!(names(take(&mut queue, None)), ["motion/0", "exposure/0"]);
        assert_eq!(names(take(&mut queue, None)), ["sharpness/0"]);
    }

    #[test]
    fn a_worker_does_not_decode_on_to_what_there_is_no_room_for() {
        let mut queue = Queue::default();
        queue.push(segment("a", 0, 120));
        queue.push(segment("b", 4, 60));
        let position = Some((Digest::of(b"b"), Timestamp::from_seconds(4)));
        let only_large = |spec: &ActionSpec| match spec {
            ActionSpec::Segment(spec) if spec.frames() == 120 => Verdict::Yes,
            _ => Verdict::Wait,
        };
        assert_eq!(names(queue.take(position, &mut { only_large })), ["a@0"]);
    }

    #[test]
    fn what_only_waits_for_a_session_is_overtaken_and_what_waits_for_memory_is_not() {
        let mut queue = Queue::default();
        queue.push(segment("a", 0, 120));
        queue.push(segment("b", 0, 60));
        let verdicts = |first: Verdict| {
            move |spec: &ActionSpec| match spec {
                ActionSpec::Segment(spec) if spec.frames() == 120 => first,
                _ => Verdict::Yes,
            }
        };
        assert!(queue.take(None, &mut verdicts(Verdict::Wait)).is_empty());
        assert_eq!(names(queue.take(None, &mut verdicts(Verdict::WaitForSession))), ["b@0"]);
        assert_eq!(names(queue.take(None, &mut verdicts(Verdict::Yes))), ["a@0"]);
    }
}
