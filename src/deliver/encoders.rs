//! Video encoders as a ladder: the best rung first, and the one to step down
//! to where it does not work. A new encoder is a line in [`RUNGS`].
//!
//! The rung is chosen for an output as a whole and before anything of it is
//! joined: segments of two encoders cannot stand in one file. That one output
//! had to step down says nothing of the others, nor of the next build.

use serde::{Deserialize, Serialize};

use crate::base::Diagnostic;
use crate::base::diagnostic::nearest;
use crate::deliver::codecs::hardware::*;
use crate::deliver::codecs::{Rung, VideoCodec, av1, h264, hevc, prores, vp9};
use crate::manifest::{Checker, FromNode, Node, Value};
use crate::model::engines::{Engine, varies};
use crate::model::{Sampling, Toolchain};

/// Those of one codec best first.
pub const RUNGS: &[Rung] = &[
    H264_VIDEOTOOLBOX,
    H264_NVENC,
    H264_QSV,
    H264_AMF,
    H264_VAAPI,
    h264::LIBX264,
    HEVC_VIDEOTOOLBOX,
    HEVC_NVENC,
    HEVC_QSV,
    HEVC_AMF,
    HEVC_VAAPI,
    hevc::LIBX265,
    AV1_NVENC,
    AV1_QSV,
    AV1_AMF,
    AV1_VAAPI,
    av1::LIBSVTAV1,
    VP9_QSV,
    VP9_VAAPI,
    vp9::LIBVPX_VP9,
    prores::PRORES_KS,
];

/// The word for the best rung that works.
const AUTO: &str = "auto";

/// Which encoder a person wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Wanted {
    /// The best that works, and the next one where it fails.
    #[default]
    Auto,
    /// This one and no other for the codec that it makes, by [`Rung::name`];
    /// other codecs have their best.
    Only(String),
}

impl Wanted {
    /// `auto`, or an encoder's name.
    ///
    /// # Errors
    /// Of the user's input: no encoder is called so.
    pub fn parse(text: &str) -> Result<Wanted, Diagnostic> {
        if text == AUTO {
            return Ok(Wanted::Auto);
        }
        if RUNGS.iter().any(|rung| rung.name == text) {
            return Ok(Wanted::Only(text.to_owned()));
        }
        let names = |session| RUNGS.iter().filter(move |rung| rung.session == session).map(|rung| rung.name);
        let known: Vec<&str> = [AUTO].into_iter().chain(names(false)).chain(names(true)).collect();
        let hint = match nearest(text, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("{AUTO:?} takes the best that works here"),
        };
        let problem = Diagnostic::input(format!("there is no encoder {text:?}"));
        Err(problem.note(format!("this autocut encodes with: {}", known.join(", "))).hint(hint))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Wanted::Auto => AUTO,
            Wanted::Only(name) => name,
        }
    }
}

/// A codec, by its best encoder, or an encoder: one of several that are compared.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    Codec(VideoCodec),
    Encoder(&'static Rung),
}

impl Which {
    /// A codec as a manifest names it, or an encoder by FFmpeg's name.
    ///
    /// # Errors
    /// Of the user's input: nothing is called so.
    pub fn parse(text: &str) -> Result<Which, Diagnostic> {
        let names: Vec<String> = VideoCodec::ALL.iter().map(|codec| format!("{codec:?}")).collect();
        if let Some(place) = names.iter().position(|name| name == text) {
            return Ok(Which::Codec(VideoCodec::ALL[place]));
        }
        if let Some(rung) = RUNGS.iter().find(|rung| rung.name == text) {
            return Ok(Which::Encoder(rung));
        }
        let encoders: Vec<&str> = RUNGS.iter().map(|rung| rung.name).collect();
        let problem = Diagnostic::input(format!("there is no codec or encoder {text:?}"))
            .note(format!("codecs: {}", names.join(", ")))
            .note(format!("encoders: {}", encoders.join(", ")));
        let known = names.iter().map(String::as_str).chain(encoders);
        Err(match nearest(text, known) {
            Some(near) => problem.hint(format!("did you mean {near:?}?")),
            None => problem.hint("name one of these, or several with commas: H264,Hevc"),
        })
    }
}

impl FromNode for Wanted {
    fn from_node(node: &Node, checker: &mut Checker) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            return Wanted::parse(text).map_err(|wrong| checker.report(node.span, wrong)).ok();
        }
        // Which tells that quotes are missing.
        String::from_node(node, checker).map(Wanted::Only)
    }

    fn expects() -> String {
        "an encoder: \"auto\", or a name such as \"libx264\"".to_owned()
    }

    fn to_text(&self) -> String {
        format!("{:?}", self.as_str())
    }
}

/// The rung for an output of that codec and sampling: the first that is wanted, works here and did not
/// fail in this build. Where it has to be `reproducible`, that is the table
/// that says which make other bytes each time.
///
/// # Errors
/// None is left, and why each was passed over: of the user's input where the
/// one that is wanted is not reproducible, else of the environment.
pub fn choose<'a>(
    rungs: &'a [Rung],
    (codec, sampling): (VideoCodec, Sampling),
    wanted: &Wanted,
    toolchain: &Toolchain,
    failed: &[String],
    reproducible: Option<&[Engine]>,
) -> Result<&'a Rung, Diagnostic> {
    let mut passed_over = Vec::new();
    let mut varying = false;
    let able = || rungs.iter().filter(|rung| rung.codec == codec && (rung.deep || sampling == Sampling::Yuv420p8));
    let wanted = if able().any(|rung| wanted.as_str() == rung.name) { wanted } else { &Wanted::Auto };
    for rung in able().filter(|rung| *wanted == Wanted::Auto || wanted.as_str() == rung.name) {
        if failed.iter().any(|name| name == rung.name) {
            passed_over.push(format!("{} failed in this build", rung.name));
            continue;
        }
        if let Some(why) = reproducible.and_then(|engines| varies(rung.name, engines)) {
            passed_over.push(format!("{} may make other bytes each time: {why}", rung.name));
            varying = true;
            continue;
        }
        match toolchain.encoder(rung.name) {
            Some(tool) if tool.identity.is_none() => {
                let why = tool.problem.as_deref().unwrap_or("it does not work here");
                passed_over.push(format!("{}: {why}", rung.name));
            }
            // Hardware has to be proven.
            None if rung.session => passed_over.push(format!("{}: it was not tried here", rung.name)),
            // Nobody who was asked said that it does not.
            _ => return Ok(rung),
        }
    }
    if varying {
        let problem = Diagnostic::input(match wanted {
            Wanted::Auto => {
                format!("no encoder for {} works here that makes the same bytes every time", codec.name())
            }
            Wanted::Only(name) => format!("the encoder {name} does not make the same bytes every time"),
        });
        let problem = passed_over.into_iter().fold(problem, Diagnostic::note);
        let problem = problem.note("`--reproducible`, which is on where CI is set, allows no other");
        return Err(problem.hint("set the codec to \"auto\", or make it all the same with `--no-reproducible`"));
    }
    let problem = Diagnostic::environment(match wanted {
        Wanted::Auto => format!("no encoder for {} works here", codec.name()),
        Wanted::Only(name) => format!("the encoder {name} does not work here"),
    });
    let problem = passed_over.into_iter().fold(problem, Diagnostic::note);
    Err(problem.hint(match wanted {
        Wanted::Auto => {
            let encoders: Vec<&str> = able().filter(|rung| !rung.session).map(|rung| rung.name).collect();
            let encoders = encoders.join(" or ");
            format!("install FFmpeg's libraries with {encoders} (`make deps`); `autocut doctor` says what works")
        }
        Wanted::Only(_) => {
            "set the codec to \"auto\"; `autocut doctor` says what works and where the setting is from".to_owned()
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Digest;
    use crate::deliver::video::Video;
    use crate::model::engines::Same;
    use crate::model::toolchain::{HARDWARE, Tool, ToolIdentity};

    const H264: (VideoCodec, Sampling) = (VideoCodec::H264, Sampling::Yuv420p8);

    /// Two hardware encoders over the software one, by made-up names.
    fn ladder() -> [Rung; 3] {
        let rung = |name| Rung { name, session: true, deep: false, ..h264::LIBX264 };
        [rung("best"), rung("good"), h264::LIBX264]
    }

    /// A table of what works, as a machine with such hardware would give it.
    fn toolchain(works: &[&str]) -> Toolchain {
        let identity = |name: &str| {
            let works = works.contains(&name);
            let problem = (!works).then(|| "no such device".to_owned());
            let identity = works.then(|| Digest::of(b"it"));
            ToolIdentity { name: String::new(), identity, problem }
        };
        Toolchain {
            tools: [(Tool::H264, identity("libx264"))].into(),
            hardware: ["best", "good"].map(|name| (name.to_owned(), identity(name))).into(),
            ..Toolchain::default()
        }
    }

    fn chosen(wanted: &Wanted, works: &[&str], failed: &[&str]) -> Result<&'static str, Diagnostic> {
        let failed: Vec<String> = failed.iter().map(|name| (*name).to_owned()).collect();
        choose(&ladder(), H264, wanted, &toolchain(works), &failed, None).map(|rung| rung.name)
    }

    #[test]
    fn the_best_that_works_and_did_not_fail() {
        let all = ["best", "good", "libx264"];
        assert_eq!(chosen(&Wanted::Auto, &all, &[]), Ok("best"));
        assert_eq!(chosen(&Wanted::Auto, &all, &["best"]), Ok("good"));
        assert_eq!(chosen(&Wanted::Auto, &all[1..], &["good"]), Ok("libx264"));
        assert_eq!(chosen(&Wanted::Auto, &all[2..], &[]), Ok("libx264"));
    }

    #[test]
    fn a_named_encoder_is_not_replaced() {
        let all = ["best", "good", "libx264"];
        let good = Wanted::Only("good".to_owned());
        assert_eq!(chosen(&good, &all, &[]), Ok("good"));
        let refused = chosen(&good, &all, &["good"]).unwrap_err();
        assert_eq!(refused.notes, ["good failed in this build"]);
        assert!(refused.hint.unwrap().contains("auto"));
    }

    #[test]
    fn where_none_is_left_each_says_why() {
        let refused = chosen(&Wanted::Auto, &["libx264"], &["libx264"]).unwrap_err();
        assert_eq!(refused.tier, crate::base::Tier::Environment);
        assert_eq!(refused.notes, ["best: no such device", "good: no such device", "libx264 failed in this build"]);
        // A tool that nobody was asked about is not known to be broken.
        let unasked = choose(RUNGS, H264, &Wanted::Auto, &Toolchain::default(), &[], None);
        assert_eq!(unasked.map(|rung| rung.name), Ok("libx264"));
    }

    #[test]
    fn reproducibly_only_what_makes_the_same_bytes() {
        let engine = |name, same, why| Engine { name, same, why };
        let table =
            [engine("best", Same::Nowhere, "its driver decides"), engine("libx264", Same::Everywhere, "software")];
        let all = toolchain(&["best", "good", "libx264"]);
        let chosen = |wanted: &Wanted, failed: &[String]| {
            choose(&ladder(), H264, wanted, &all, failed, Some(&table)).map(|rung| rung.name)
        };
        // Passes over the one that varies and the one of which nothing is known.
        assert_eq!(chosen(&Wanted::Auto, &[]), Ok("libx264"));
        let refused = chosen(&Wanted::Only("best".to_owned()), &[]).unwrap_err();
        assert_eq!(
            (refused.tier, refused.notes[0].as_str()),
            (crate::base::Tier::Input, "best may make other bytes each time: its driver decides")
        );
        assert!(refused.hint.unwrap().contains("--no-reproducible"));
        // A rung that fails is not stepped down from to one that varies.
        assert!(chosen(&Wanted::Auto, &["libx264".to_owned()]).is_err());
    }

    #[test]
    fn names() {
        assert_eq!(Wanted::parse("auto"), Ok(Wanted::Auto));
        assert_eq!(Wanted::parse("libx264"), Ok(Wanted::Only("libx264".to_owned())));
        assert_eq!(Wanted::parse("h264_nvenc"), Ok(Wanted::Only("h264_nvenc".to_owned())));
        let wrong = Wanted::parse("x999").unwrap_err();
        assert!(wrong.notes[0].starts_with("this autocut encodes with: auto, "), "{:?}", wrong.notes);
        assert!(RUNGS.iter().all(|rung| wrong.notes[0].contains(rung.name)));
        assert_eq!(Wanted::parse("libx263").unwrap_err().hint.unwrap(), "did you mean \"libx264\"?");
    }

    #[test]
    fn codecs_and_encoders_by_name() {
        assert!(matches!(Which::parse("Hevc"), Ok(Which::Codec(VideoCodec::Hevc))));
        assert!(matches!(Which::parse("hevc_nvenc"), Ok(Which::Encoder(rung)) if rung.name == "hevc_nvenc"));
        let wrong = Which::parse("hevc").unwrap_err();
        assert_eq!(wrong.hint.as_deref(), Some("did you mean \"Hevc\"?"));
        assert!(wrong.notes.iter().any(|note| note.contains("libsvtav1")), "{:?}", wrong.notes);
        assert!(Which::parse("").is_err());
    }

    /// One encoder is demanded, and an output of another codec has its best.
    #[test]
    fn a_named_encoder_is_for_its_codec() {
        let x264 = Wanted::Only("libx264".to_owned());
        let chosen = |codec| {
            choose(RUNGS, (codec, Sampling::Yuv420p8), &x264, &Toolchain::default(), &[], None).map(|rung| rung.name)
        };
        assert_eq!(chosen(VideoCodec::H264), Ok("libx264"));
        assert_eq!(chosen(VideoCodec::Hevc), Ok("libx265"));
        assert_eq!(chosen(VideoCodec::Vp9), Ok("libvpx-vp9"));
    }

    /// Ten bits pass over what makes eight alone.
    #[test]
    fn deep_pictures_need_an_encoder_that_makes_them() {
        let all = toolchain(&["best", "good", "libx264"]);
        let deep = (VideoCodec::H264, Sampling::Yuv420p10);
        assert_eq!(choose(&ladder(), deep, &Wanted::Auto, &all, &[], None).map(|rung| rung.name), Ok("libx264"));
    }

    /// Each has settings of its own, and somebody says whether it works.
    #[test]
    fn every_rung_has_settings() {
        for rung in RUNGS {
            let format = Video::default().format(rung.codec, &[]);
            assert_eq!(rung.told(&Video::default().demand(), &format).name, rung.name);
            assert_eq!(Tool::of_encoder(rung.name).is_none(), rung.session, "{}", rung.name);
            assert_eq!(HARDWARE.contains(&rung.name), rung.session, "{}", rung.name);
        }
        assert!(VideoCodec::ALL.iter().all(|codec| RUNGS.iter().any(|rung| rung.codec == *codec && !rung.session)));
    }
}
