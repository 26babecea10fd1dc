use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::base::{FrameRate, Size, Timestamp};
use crate::model::overlay::{OverlaySpec, SpriteRun};
use crate::model::specs::{DrawSpec, ShowSpec};
use crate::model::toolchain::ToolIdentity;

fn flat(value: &impl Serialize) -> Vec<(String, Value)> {
    labels::fields(value).into_iter().map(|field| (field.path, field.value)).collect()
}

/// Values that differ and would be alike if fields ran into each other: as
/// hashes and as lists of fields.
#[test]
fn different_values_are_different_walks() {
    #[derive(Serialize)]
    enum Kind {
        A,
        B(u32),
        C { b: u32 },
        D(u32, u32),
    }
    let mut walks = BTreeMap::new();
    let mut add = |name: &str, digest: Digest, labels: Vec<(String, Value)>| {
        let labels = serde_json::to_string(&labels).unwrap();
        for other in [digest.to_string(), labels] {
            if let Some(other) = walks.insert(other, name.to_owned()) {
                panic!("{name} is like {other}");
            }
        }
    };
    macro_rules! each {
        ($($value:expr),* $(,)?) => {$({
            let value = $value;
            add(stringify!($value), hash::digest(&value), flat(&value));
        })*};
    }
    each!(
        ("ab", "c"),
        ("a", "bc"),
        ("", "abc"),
        vec!["ab", "c"],
        vec!["abc"],
        vec![vec!["a"], vec!["b"]],
        vec![vec!["a", "b"], vec![]],
        vec![vec!["a", "b"]],
        vec![Some(0)],
        vec![None::<u32>],
        vec![None::<u32>, None],
        Vec::<u32>::new(),
        0u32,
        300u32,
        -1i32,
        true,
        "true",
        "null",
        Kind::A,
        Kind::B(1),
        Kind::C { b: 1 },
        Kind::D(1, 2),
        BTreeMap::from([("a", 1), ("b", 2)]),
        BTreeMap::from([("a", 1)]),
        BTreeMap::from([("a.b", 1)]),
        BTreeMap::from([("a", BTreeMap::from([("b", 1)]))]),
        BTreeMap::from([("[0]", 1)]),
        Digest::of(b"a"),
        Timestamp::new(1, 3),
        Timestamp::from_millis(333),
        Size::new(1, 2),
        Size::new(2, 1),
    );
    // The same number as another type is the same to people, not to a key.
    assert_ne!(hash::digest(&1u32), hash::digest(&1i32));
    assert_eq!(hash::digest(&1u32), hash::digest(&1u64));
}

/// BLAKE3's own derive_key over the bytes that the encoding promises.
#[test]
fn the_hash_is_blake3_of_tagged_bytes() {
    let digest = hash::digest(&(300u32, "ab", -1i8));
    let bytes = [12, 3, 0xac, 0x02, 6, 2, b'a', b'b', 4, 1, 15];
    assert_eq!(digest, Digest::derive("autocut 2026 action key", &bytes));
}

#[test]
fn what_is_one_thing_to_people_is_one_field() {
    let digest = Digest::of(b"sprite");
    let run = SpriteRun { first: 3, count: 60, sprite: digest, x: -2, y: 4 };
    assert_eq!(flat(&run), [(String::new(), json!([3, 60, digest.to_string(), -2, 4]))]);
    assert_eq!(flat(&Timestamp::from_millis(3_500)), [(String::new(), json!("00:03.500"))]);
    assert_eq!(flat(&Timestamp::new(1_001, 30_000)), [(String::new(), json!("1001/30000 s"))]);
    assert_eq!(flat(&FrameRate::new(30_000, 1_001)), [(String::new(), json!("30000/1001"))]);
    assert_eq!(flat(&vec![("speed", 400)]), [("[0]".to_owned(), json!(["speed", 400]))]);
}

fn show(params: &str) -> ActionSpec {
    ActionSpec::Show(ShowSpec {
        overlay: OverlaySpec { kind: "Gauge".into(), version: 2, params: params.into() },
        telemetry: None,
        start: Some(-5),
        utc: None,
        frames: 60,
        rate: FrameRate::per_second(30),
        frame: Size::new(1280, 720),
        clip: Some((-5, 7)),
    })
}

#[test]
fn labels_descend_into_parameters() {
    let spec = show(r##"{"accent":"#fff","place":{"x":"2%"},"ticks":[1,2.5],"none":{},"odd key.":true}"##);
    let labels = KeyFields::of(&spec, &Toolchain::default()).labels();
    let labels: Vec<String> = labels.iter().map(|field| format!("{}: {}", field.path, field.value)).collect();
    assert_eq!(
        labels,
        [
            "format: 2",
            "kind: \"show\"",
            "version: 2",
            "spec.overlay.kind: \"Gauge\"",
            "spec.overlay.version: 2",
            "spec.overlay.params.accent: \"#fff\"",
            "spec.overlay.params.place.x: \"2%\"",
            "spec.overlay.params.ticks[0]: 1",
            "spec.overlay.params.ticks[1]: 2.5",
            "spec.overlay.params.none: {}",
            "spec.overlay.params[\"odd key.\"]: true",
            "spec.telemetry: null",
            "spec.start: -5",
            "spec.utc: null",
            "spec.frames: 60",
            "spec.rate: \"30\"",
            "spec.frame: \"1280x720\"",
            "spec.clip: [-5,7]",
            "tools: {}",
        ]
    );
}

/// The key takes the text as it is, so two texts of one meaning must not have
/// the same labels.
#[test]
fn parameters_in_another_spelling_are_labelled_as_text() {
    let labels = |params: &str| KeyFields::of(&show(params), &Toolchain::default()).labels();
    for odd in [r#"{"a": 1}"#, r#"{"a":1.0e0}"#, "a text", ""] {
        assert_ne!(labels(odd), labels(r#"{"a":1}"#));
        assert!(labels(odd).iter().any(|field| field.path == "spec.overlay.params" && field.value == odd));
    }
}

#[test]
fn each_tool_is_a_field_of_its_own_and_its_name_is_not_in_the_key() {
    let identity =
        |name: &str, of: &[u8]| ToolIdentity { name: name.into(), identity: Some(Digest::of(of)), problem: None };
    let toolchain = |name, mux: &[u8]| Toolchain {
        tools: BTreeMap::from([(Tool::Mux, identity(name, mux)), (Tool::Demux, identity("libavformat", b"demux"))]),
        ..Toolchain::default()
    };
    let spec = ActionSpec::Join(crate::model::specs::JoinSpec {
        format: crate::model::VideoFormat {
            size: Size::new(64, 64),
            rate: FrameRate::per_second(30),
            colour: crate::model::Colour {
                matrix: crate::model::Matrix::Bt709,
                full_range: false,
                primaries: 1,
                transfer: 1,
            },
            sampling: crate::model::Sampling::default(),
        },
        segments: Vec::new(),
        sound: None,
        container: "mp4".into(),
        chapters: Vec::new(),
        title: None,
        date: None,
        location: None,
    });
    let [old, renamed, new] = [toolchain("60", b"old"), toolchain("61", b"old"), toolchain("60", b"new")];
    assert_eq!(spec.key(&old), spec.key(&renamed));
    assert_ne!(spec.key(&old), spec.key(&new));
    assert_ne!(spec.key(&old), spec.key(&Toolchain::default()));
    let labels = KeyFields::of(&spec, &new).labels();
    // A join does not read through a demuxer.
    let tools: Vec<_> = labels.iter().filter(|field| field.path.starts_with("tools")).collect();
    assert_eq!(tools.len(), 1);
    assert_eq!((tools[0].path.as_str(), &tools[0].value), ("tools.Mux", &json!(Digest::of(b"new").to_string())));
}

#[test]
fn parameters_keep_their_text_in_every_format() {
    let spec = DrawSpec {
        overlay: OverlaySpec { kind: "Text".into(), version: 1, params: r#"{"text":"a \"b\""}"#.into() },
        shown: Digest::of(b"shown"),
        format: crate::model::overlay::SpriteFormat {
            frame: Size::new(2, 2),
            matrix: crate::model::Matrix::Bt601,
            full_range: true,
        },
    };
    let ron = ron::to_string(&spec).unwrap();
    assert_eq!(ron::from_str::<DrawSpec>(&ron).unwrap(), spec, "{ron}");
    let pretty = ron::ser::to_string_pretty(&spec, ron::ser::PrettyConfig::new().struct_names(true)).unwrap();
    assert_eq!(ron::from_str::<DrawSpec>(&pretty).unwrap(), spec, "{pretty}");
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<DrawSpec>(&json).unwrap(), spec);
    assert_eq!(crate::model::decode::<DrawSpec>(&crate::model::encode(&spec)), Some(spec));
}
