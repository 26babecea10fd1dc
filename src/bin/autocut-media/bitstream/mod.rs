//! What H.264 and HEVC look like from outside: parameter sets, which a decoder
//! must know beforehand, and what the heads of pictures tell.
//!
//! A film of copied and of encoded segments has parameter sets of several
//! encoders. Where their numbers differ, all of them go into the container
//! (`avc1`, `hvc1`), which every player takes. Where two have one number, those
//! of one get other numbers, if its packets can be changed so ([`numbers`]); else
//! each segment brings its own along before every key frame (`avc3`, `hev1`).
//!
//! It must not decode, and it knows neither libav* nor files.

mod avc;
mod hevc;
mod messages;
mod nal;
mod numbers;

pub(crate) use nal::with_lengths;
pub(crate) use numbers::Numbers;

use hevc::waiting::Waiting;

/// FFmpeg's names of the codecs whose packets can be copied.
const AVC: &str = "h264";
const HEVC: &str = "hevc";

/// Parameter sets by kind and number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParameterSets {
    Avc(avc::Sets),
    Hevc(hevc::Sets),
}

/// How a group of pictures begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// No picture of it needs any before it (IDR).
    Closed,
    /// Pictures that follow its first one and are shown before that may need
    /// those of the group before (CRA).
    Open,
    /// The same, but what they need is not there: nobody shows them (BLA).
    Broken,
}

/// A picture that follows the first of its group and is shown before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leading {
    /// It needs nothing but the group (RADL).
    Decodable,
    /// It may need the group before (RASL).
    Skipped,
}

/// Why a packet cannot be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    Damage,
    /// It brings parameter sets along that the container does not have.
    OtherSets,
    /// Pictures before it that were not shown yet never are.
    Discards,
    /// What follows is another sequence, for which other rules hold.
    EndsSequence,
}

impl Obstacle {
    /// As the end of a sentence that says why there are no more copies.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Obstacle::Damage => "it is damaged",
            Obstacle::OtherSets => "it brings other parameter sets along",
            Obstacle::Discards => "it discards pictures before a key frame",
            Obstacle::EndsSequence => "a sequence ends within it",
        }
    }
}

/// Whether packets of a codec can be copied.
pub(crate) fn is_known(codec: &str) -> bool {
    matches!(codec, AVC | HEVC)
}

/// What a container calls the sets of a codec.
pub(crate) fn box_name(codec: &str) -> &'static str {
    if codec == HEVC { "hvcC" } else { "avcC" }
}

impl ParameterSets {
    /// Out of what an encoder puts before its first packet: NAL units behind
    /// start codes.
    pub(crate) fn of_encoder(codec: &str, extradata: &[u8]) -> Option<ParameterSets> {
        match codec {
            AVC => avc::Sets::of_encoder(extradata).map(ParameterSets::Avc),
            HEVC => hevc::Sets::of_encoder(extradata).map(ParameterSets::Hevc),
            _ => None,
        }
    }

    /// Out of what a container holds; `None` where that is nothing of the kind, or
    /// its packets have NAL lengths of another size than four bytes.
    pub(crate) fn parse(codec: &str, extradata: &[u8]) -> Option<ParameterSets> {
        match codec {
            AVC => avc::Sets::parse(extradata).map(ParameterSets::Avc),
            HEVC => hevc::Sets::parse(extradata).map(ParameterSets::Hevc),
            _ => None,
        }
    }

    /// The sets of both, where no number stands for two of them.
    pub(crate) fn with(&self, other: &ParameterSets) -> Option<ParameterSets> {
        match (self, other) {
            (ParameterSets::Avc(own), ParameterSets::Avc(other)) => own.with(other).map(ParameterSets::Avc),
            (ParameterSets::Hevc(own), ParameterSets::Hevc(other)) => own.with(other).map(ParameterSets::Hevc),
            _ => None,
        }
    }

    /// The same sets with numbers that are free in `beside`, and how packets are
    /// changed to mean these; `None` where there is no such way.
    pub(crate) fn renumbered(&self, beside: &ParameterSets) -> Option<(ParameterSets, Numbers)> {
        match (self, beside) {
            (ParameterSets::Avc(own), ParameterSets::Avc(beside)) => {
                own.renumbered(beside).map(|(sets, numbers)| (ParameterSets::Avc(sets), numbers))
            }
            (ParameterSets::Hevc(own), ParameterSets::Hevc(beside)) => {
                own.renumbered(beside).map(|(sets, numbers)| (ParameterSets::Hevc(sets), numbers))
            }
            _ => None,
        }
    }

    /// Lets all sets of a film state that as many pictures wait in a decoder as the
    /// sets of any of its encoders do, so that players that go by one of them show
    /// all in time. (Of H.264, FFmpeg goes by the pictures.)
    pub(crate) fn let_wait_alike<'a>(all: impl Iterator<Item = &'a mut ParameterSets>) {
        let all = all.filter_map(|sets| match sets {
            ParameterSets::Avc(_) => None,
            ParameterSets::Hevc(sets) => Some(sets),
        });
        let mut all: Vec<&mut hevc::Sets> = all.collect();
        let Some(most) = all.iter().filter_map(|sets| sets.waiting()).reduce(Waiting::or) else { return };
        for sets in &mut all {
            if let Some(raised) = sets.with_waiting(most) {
                **sets = raised;
            }
        }
    }

    /// As a container holds them; whether packets bring sets along as well.
    pub(crate) fn to_extradata(&self, in_packets: bool) -> Option<Vec<u8>> {
        match self {
            ParameterSets::Avc(sets) => sets.to_extradata(),
            ParameterSets::Hevc(sets) => sets.to_extradata(in_packets),
        }
    }

    /// MP4's name of a stream whose packets bring their sets along.
    pub(crate) fn tag_in_packets(&self) -> u32 {
        u32::from_le_bytes(*match self {
            ParameterSets::Avc(_) => b"avc3",
            ParameterSets::Hevc(_) => b"hev1",
        })
    }

    /// A packet with the sets before its pictures.
    pub(crate) fn before(&self, packet: &[u8]) -> Vec<u8> {
        match self {
            ParameterSets::Avc(sets) => sets.before(packet),
            ParameterSets::Hevc(sets) => sets.before(packet),
        }
    }

    /// How the group of pictures begins that this packet is the first of.
    pub(crate) fn start(&self, packet: &[u8]) -> Option<Start> {
        match self {
            ParameterSets::Avc(_) => avc::start(packet),
            ParameterSets::Hevc(_) => hevc::start(packet),
        }
    }

    /// Whether pictures may lead the first of their group.
    pub(crate) fn has_leading(&self) -> bool {
        matches!(self, ParameterSets::Hevc(_))
    }

    /// Whether a packet's picture leads the first of its group.
    pub(crate) fn leading(&self, packet: &[u8]) -> Option<Leading> {
        match self {
            ParameterSets::Avc(_) => None,
            ParameterSets::Hevc(_) => hevc::leading(packet),
        }
    }

    /// Why a packet of these sets cannot be copied, as far as its structure tells:
    /// nothing is decoded.
    pub(crate) fn obstacle(&self, packet: &[u8]) -> Option<Obstacle> {
        match self {
            ParameterSets::Avc(sets) => sets.obstacle(packet),
            ParameterSets::Hevc(sets) => sets.obstacle(packet),
        }
    }

    /// A packet as it is copied, where that is another: without what the container
    /// has already, and without what a camera's maker added, which may say where it
    /// was. The first of a run (`first`) refers to nothing before it, and
    /// says so.
    pub(crate) fn copied(&self, packet: &[u8], first: bool) -> Option<Vec<u8>> {
        match self {
            ParameterSets::Avc(_) => avc::copied(packet),
            ParameterSets::Hevc(_) => hevc::copied(packet, first),
        }
    }
}
