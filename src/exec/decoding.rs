//! What decodes footage: the processor, or a device that proved that it makes
//! the same pictures (`autocut-media`'s trial). Nothing of a result depends on
//! it, so it is in no key, and it is chosen when an action is handed to a slot.
//!
//! A device is never trusted with what is not known to be whole, and not again
//! in a build in which it failed: the media program does the action at hand
//! again in software, and tells.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::diagnostic::nearest;
use crate::base::{Diagnostic, Digest};
use crate::exec::admission::Tokens;
use crate::exec::demand::{self, SESSIONS};
use crate::exec::settings::FromText;
use crate::graph::Database;
use crate::manifest::{Checker, FromNode, Node, Value};
use crate::model::decoders::{Device, STREAMS, Stream};
use crate::model::{ActionSpec, Toolchain, VideoInfo};

/// Where a device pays: codecs with the least pixels of a picture. What it
/// decodes has to be fetched from it and laid out anew, which for smaller
/// pictures takes what decoding would. Nobody measured this where it was
/// written (docs/media.md): it is where software decoders begin to be slow.
const PAYS: [(&str, u64); 3] = [("h264", 3840 * 2160), ("hevc", 1920 * 1080), ("av1", 1920 * 1080)];

const AUTO: &str = "auto";
const SOFTWARE: &str = "software";

/// What a person wants to decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecodeBy {
    /// The first device that works, where it pays.
    #[default]
    Auto,
    Software,
    /// This one wherever it works, and no other.
    On(Device),
}

impl DecodeBy {
    pub fn name(self) -> &'static str {
        match self {
            DecodeBy::Auto => AUTO,
            DecodeBy::Software => SOFTWARE,
            DecodeBy::On(device) => device.name(),
        }
    }

    fn all() -> impl Iterator<Item = DecodeBy> {
        [DecodeBy::Auto, DecodeBy::Software].into_iter().chain(Device::ALL.map(DecodeBy::On))
    }
}

impl FromText for DecodeBy {
    fn from_text(text: &str) -> Result<Self, Diagnostic> {
        if let Some(known) = DecodeBy::all().find(|known| known.name() == text) {
            return Ok(known);
        }
        let names: Vec<&str> = DecodeBy::all().map(DecodeBy::name).collect();
        let hint = match nearest(text, names.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("{AUTO:?} takes hardware where it works and pays"),
        };
        let problem = Diagnostic::input(format!("nothing decodes by {text:?}"));
        Err(problem.note(format!("this autocut decodes by: {}", names.join(", "))).hint(hint))
    }
}

impl FromNode for DecodeBy {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        match &node.value {
            Value::Text(text) => DecodeBy::from_text(text).map_err(|wrong| checker.report(node.span, wrong)).ok(),
            // Which tells that quotes are missing.
            _ => String::from_node(node, checker).and(None),
        }
    }

    fn expects() -> String {
        "what decodes: \"auto\", \"software\", or a device such as \"vaapi\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{:?}", self.name())
    }
}

/// What may decode in a build.
#[derive(Clone, Debug, Default)]
pub struct Decoding {
    /// What each device decodes, the one to be asked first in front. Those that
    /// failed are no longer among them.
    able: Vec<(Device, Vec<Stream>)>,
    /// Whether it has to pay.
    is_choosy: bool,
    mistrusted: BTreeSet<Device>,
}

impl Decoding {
    pub fn new(wanted: DecodeBy, toolchain: &Toolchain) -> Decoding {
        let works = |device, stream: &Stream| {
            toolchain.decoders.get(&stream.on(device)).is_some_and(|known| known.identity.is_some())
        };
        let devices = Device::ALL.into_iter().filter(|device| match wanted {
            DecodeBy::Auto => true,
            DecodeBy::Software => false,
            DecodeBy::On(only) => *device == only,
        });
        let able = devices.map(|device| (device, STREAMS.into_iter().filter(|stream| works(device, stream)).collect()));
        let able = able.filter(|(_, streams): &(Device, Vec<Stream>)| !streams.is_empty()).collect();
        Decoding { able, is_choosy: wanted == DecodeBy::Auto, mistrusted: BTreeSet::new() }
    }

    /// A device is not used any more. False where that is no news.
    pub fn mistrust(&mut self, device: Device) -> bool {
        self.able.retain(|(known, _)| *known != device);
        self.mistrusted.insert(device)
    }

    /// The device for a file of which a probe found this.
    fn choose(&self, video: &VideoInfo, is_whole: bool) -> Option<(Device, Stream)> {
        // Of fields and what changes in size, devices make different things.
        if !is_whole || video.top_field_first.is_some() {
            return None;
        }
        let stream = Stream::of(video)?;
        let pays = PAYS.iter().any(|(codec, least)| *codec == stream.codec && video.stored.area() >= *least);
        if self.is_choosy && !pays {
            return None;
        }
        let able = self.able.iter().find(|(_, streams)| streams.contains(&stream));
        able.map(|(device, _)| (*device, stream))
    }

    /// Which files a device decodes where a slot does an action, and what that
    /// takes of memory besides, in MiB.
    fn plan(&self, db: &Database, slot: usize, spec: &ActionSpec) -> (BTreeMap<Digest, Device>, u32) {
        // A slot keeps its decoder from one action to the next, so a session is
        // a slot's: others decode in software and do not wait for it.
        if self.able.is_empty() || slot >= SESSIONS as usize {
            return Default::default();
        }
        // Other kinds leave out the loop filter, which devices do not, or look at
        // one picture, for which no device is worth opening.
        let files: BTreeSet<Digest> = match spec {
            ActionSpec::Segment(spec) => spec.sources.iter().map(|run| run.file).collect(),
            ActionSpec::Detect(spec) => [spec.file].into(),
            _ => return Default::default(),
        };
        let mut memory = 0;
        // One for all of an action: else nobody could say which is to blame.
        let mut used = None;
        let mut devices = BTreeMap::new();
        for file in files {
            let video = demand::probed(db, file).and_then(|(info, is_whole)| Some((info.video?, is_whole)));
            if let Some((video, is_whole)) = video
                && let Some((device, stream)) = self.choose(&video, is_whole)
                && *used.get_or_insert(device) == device
            {
                // One is open at a time.
                memory = memory.max(stream.memory(video.stored));
                devices.insert(file, device);
            }
        }
        (devices, memory)
    }

    /// Which files a device decodes where a slot does an action.
    pub fn devices(&self, db: &Database, slot: usize, spec: &ActionSpec) -> BTreeMap<Digest, Device> {
        self.plan(db, slot, spec).0
    }

    /// What an action takes, with what a device holds for it.
    pub fn with_memory(&self, tokens: Tokens, db: &Database, slot: usize, spec: &ActionSpec) -> Tokens {
        Tokens { memory: tokens.memory.saturating_add(self.plan(db, slot, spec).1), ..tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FrameRate, Orientation, Size, Timestamp};
    use crate::model::Colour;
    use crate::model::toolchain::ToolIdentity;

    fn video(codec: &str, pixel_format: &str, size: Size) -> VideoInfo {
        let rate = FrameRate::per_second(30);
        VideoInfo {
            stream: 0,
            codec: codec.to_owned(),
            profile: None,
            stored: size,
            pixel_aspect: (1, 1),
            orientation: Orientation::default(),
            rate,
            average_rate: rate,
            variable_rate: false,
            frames: 30,
            duration: Timestamp::from_seconds(1),
            first: Timestamp::ZERO,
            top_field_first: None,
            pixel_format: pixel_format.to_owned(),
            bit_depth: 8,
            colour: Colour::BT709,
            chunks: vec![Timestamp::ZERO],
        }
    }

    /// A machine where these work: a device, then a stream.
    fn toolchain(works: &[&str]) -> Toolchain {
        let known = |name: &&str| {
            let identity = Some(Digest::of(name.as_bytes()));
            ((*name).to_owned(), ToolIdentity { name: (*name).to_owned(), identity, problem: None })
        };
        let broken = Device::ALL.into_iter().flat_map(|device| STREAMS.map(|stream| stream.on(device)));
        let broken = broken.map(|name| {
            let problem = Some("it was made up".to_owned());
            (name.clone(), ToolIdentity { name, identity: None, problem })
        });
        Toolchain { decoders: broken.chain(works.iter().map(known)).collect(), ..Toolchain::default() }
    }

    const HD: Size = Size::new(1920, 1080);
    const UHD: Size = Size::new(3840, 2160);
    const ALL: [&str; 5] = ["vaapi h264-8", "vaapi hevc-8", "vaapi hevc-10", "vaapi av1-8", "vaapi av1-10"];

    /// The table of docs/media.md.
    #[test]
    fn a_device_decodes_where_it_pays() {
        let decoding = Decoding::new(DecodeBy::Auto, &toolchain(&ALL));
        for (codec, format, size, pays) in [
            ("h264", "yuv420p", HD, false),
            ("h264", "yuv420p", Size::new(2704, 2028), false),
            ("h264", "yuvj420p", UHD, true),
            ("hevc", "yuv420p", Size::new(1280, 720), false),
            ("hevc", "yuv420p", HD, true),
            ("hevc", "yuv420p10le", UHD, true),
            ("av1", "yuv420p", HD, true),
            ("av1", "yuv420p10le", Size::new(848, 480), false),
            // Nothing of the kind was tried.
            ("h264", "yuv420p10le", UHD, false),
            ("hevc", "yuv422p10le", UHD, false),
            ("hevc", "yuv444p", UHD, false),
            ("vp9", "yuv420p", UHD, false),
            ("prores", "yuv422p10le", UHD, false),
        ] {
            let chosen = decoding.choose(&video(codec, format, size), true).map(|(device, _)| device);
            assert_eq!(chosen, pays.then_some(Device::Vaapi), "{codec} {format} {size:?}");
        }
    }

    #[test]
    fn a_named_device_decodes_all_that_it_can_and_no_other_does() {
        let works = toolchain(&["vaapi h264-8", "cuda hevc-8", "cuda h264-8"]);
        let chosen = |wanted, codec| {
            let video = video(codec, "yuv420p", Size::new(256, 256));
            Decoding::new(wanted, &works).choose(&video, true).map(|(device, _)| device)
        };
        assert_eq!(chosen(DecodeBy::On(Device::Vaapi), "h264"), Some(Device::Vaapi));
        assert_eq!(chosen(DecodeBy::On(Device::Vaapi), "hevc"), None);
        assert_eq!(chosen(DecodeBy::On(Device::Cuda), "hevc"), Some(Device::Cuda));
        assert_eq!(chosen(DecodeBy::On(Device::Qsv), "h264"), None);
        assert_eq!(chosen(DecodeBy::Software, "h264"), None);
        assert_eq!(chosen(DecodeBy::Auto, "h264"), None);
    }

    #[test]
    fn damage_fields_and_a_failure_leave_it_to_software() {
        let works = toolchain(&["vaapi hevc-8", "cuda hevc-8"]);
        let mut decoding = Decoding::new(DecodeBy::Auto, &works);
        let whole = video("hevc", "yuv420p", UHD);
        let chosen = |decoding: &Decoding| decoding.choose(&whole, true).map(|(device, _)| device);
        assert_eq!(chosen(&decoding), Some(Device::Cuda));
        assert_eq!(decoding.choose(&whole, false), None);
        let fields = VideoInfo { top_field_first: Some(true), ..whole.clone() };
        assert_eq!(decoding.choose(&fields, true), None);
        assert!(decoding.mistrust(Device::Cuda) && !decoding.mistrust(Device::Cuda));
        assert_eq!(chosen(&decoding), Some(Device::Vaapi));
        assert!(decoding.mistrust(Device::Vaapi));
        assert_eq!(chosen(&decoding), None);
        let nothing = Decoding::new(DecodeBy::Auto, &toolchain(&[]));
        assert_eq!(chosen(&nothing), None);
    }

    /// 20 surfaces of 3840x2160 in 4:2:0, of one byte a sample and of two.
    #[test]
    fn what_a_device_holds_is_reckoned_with() {
        let stream = |name| Stream::named(name).unwrap();
        assert_eq!(stream("hevc-8").memory(UHD), 237);
        assert_eq!(stream("hevc-10").memory(UHD), 474);
    }

    #[test]
    fn what_decodes_has_a_name() {
        for known in DecodeBy::all() {
            assert_eq!(DecodeBy::from_text(known.name()).unwrap(), known);
        }
        let wrong = DecodeBy::from_text("vaap").unwrap_err();
        assert!(wrong.to_string().contains("nothing decodes by \"vaap\""), "{wrong}");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean \"vaapi\"?"));
    }
}
