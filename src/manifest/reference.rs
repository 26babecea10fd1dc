//! docs/reference.md: every struct that can stand in a manifest, from the same
//! declarations that read it.

use crate::base::{Bytes, FrameRate, Size, Timestamp, Unit, UtcTime};
use crate::manifest::additions::{ChannelsDoc, ExprFields, LapsValue, LineFields, PlaceFields, ZonesDoc};
use crate::manifest::kinds::{KindEntry, Kinds};
use crate::manifest::load::{SECTIONS, TELEMETRY_GAP, TELEMETRY_OFFSET};
use crate::manifest::manifest::TelemetryStart;
use crate::manifest::schema::{FieldDoc, FromNode, StructDoc};
use crate::manifest::sections::{
    AnalysisFields, DetectionFields, FileName, FootageFields, MomentsFields, MusicFields, StoreFields,
};
use crate::manifest::values::{Anchor, Coordinates, Decibels, Length, Position, Ratio, Rgba, Share};
use crate::model::Fit;

/// The whole page, in Markdown.
pub fn render(kinds: &Kinds<'_>) -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("\n## Project\n\nThe whole manifest: `Project(version: 1, footage: ..., outputs: ...)`.\n\n");
    table(&mut page, &project_fields());
    page.push_str("\n## Sections\n");
    for part in sections() {
        structure(&mut page, part.name, part.doc, "", &part.fields);
    }
    page.push_str("\n## Telemetry formats\n\nEvery format has these fields beside its own:\n\n");
    table(&mut page, &telemetry_fields());
    kind_pages(&mut page, kinds.formats);
    page.push_str("\n## Overlays\n\nEach has a name, and they are painted in the order in which they are written.\n");
    kind_pages(&mut page, kinds.overlays);
    page.push_str("\n## Outputs\n\nEach has a name, which `autocut make NAME` takes. Every kind has this field beside its own:\n\n");
    table(&mut page, &output_fields());
    kind_pages(&mut page, kinds.outputs);
    values(&mut page);
    page
}

const INTRODUCTION: &str = "\
# Reference of autocut.ron

Made by `autocut reference` from the declarations that read the manifest: do not edit.

A manifest is written in RON: `Name(field: value)` for things with fields, `{\"name\": value}` for maps, `[a, b]`
for lists, texts in double quotes, `//` for comments. Fields with a default may be left out.
";

/// The structs of the sections and what they are made of, each once.
fn sections() -> Vec<StructDoc> {
    let mut all: Vec<StructDoc> = Vec::new();
    let sections = [
        FootageFields::parts(),
        ExprFields::parts(),
        LineFields::parts(),
        PlaceFields::parts(),
        MusicFields::parts(),
        AnalysisFields::parts(),
        DetectionFields::parts(),
        MomentsFields::parts(),
        StoreFields::parts(),
    ];
    for part in sections.into_iter().flatten() {
        with_parts(part, &mut all);
    }
    all
}

/// Adds a struct, then those of its fields.
fn with_parts(part: StructDoc, all: &mut Vec<StructDoc>) {
    if all.iter().any(|known| known.name == part.name) {
        return;
    }
    let inner: Vec<StructDoc> = part.fields.iter().flat_map(|field| field.parts.clone()).collect();
    all.push(part);
    for part in inner {
        with_parts(part, all);
    }
}

fn field(name: &'static str, doc: &str, expects: String, default: Option<&str>) -> FieldDoc {
    FieldDoc { name, doc: doc.to_owned(), expects, default: default.map(str::to_owned), parts: Vec::new() }
}

fn project_fields() -> Vec<FieldDoc> {
    let fields = vec![
        field("version", "Of the manifest's format.", "1".to_owned(), None),
        field("footage", "The cameras and their files.", map_of(&FootageFields::expects()), None),
        field(
            "telemetry",
            "A log of the ride, or several: of a list the first counts, and the next fill what it does not know.",
            "a path, a [telemetry format](#telemetry-formats), or a list `[...]` of them".to_owned(),
            Some("None"),
        ),
        field(
            "channels",
            "Channels that are computed from others, by name: `{\"w_per_kg\": \"power / 72kg\"}`.",
            format!("{}, or its text alone", ChannelsDoc::expects()),
            Some("{}"),
        ),
        field(
            "zones",
            "Zones of channels, by what parts them: `{\"heart_rate\": [115, 135, 150, 165]}` is the channel \
             `heart_rate_zone` from 1 to 5. Numbers are in the unit in which a gauge shows the channel.",
            ZonesDoc::expects(),
            Some("{}"),
        ),
        field(
            "laps",
            "Where laps begin, instead of where the log says: the channels `lap` and `lap_time`.",
            LapsValue::expects(),
            Some("None"),
        ),
        FieldDoc {
            parts: Vec::new(),
            ..FieldDoc::new::<Vec<PlaceFields>>(
                "privacy",
                "Places around which nothing has a position: neither maps nor what files say of where they were filmed.",
                Some((Vec::new(), "")),
            )
        },
        field("music", "Music under the whole output.", MusicFields::expects(), Some("None")),
        field("analysis", "How footage is looked at.", AnalysisFields::expects(), Some("Analysis()")),
        field("detection", "An object detector.", DetectionFields::expects(), Some("None")),
        field("moments", "How moments are chosen.", MomentsFields::expects(), Some("Moments()")),
        field("overlays", "What is drawn over the pictures.", map_of("an [overlay](#overlays)"), Some("{}")),
        field("outputs", "What is made.", map_of("an [output](#outputs)"), None),
        field("store", "How much the store may keep.", StoreFields::expects(), Some("Store()")),
    ];
    debug_assert!(fields.iter().map(|field| field.name).eq(SECTIONS.iter().copied()));
    fields
}

fn map_of(what: &str) -> String {
    format!("a map `{{\"name\": value}}`, each value {what}")
}

fn telemetry_fields() -> Vec<FieldDoc> {
    let gap = Timestamp::from_seconds(TELEMETRY_GAP);
    vec![
        FieldDoc::new::<FileName>("file", "The log, relative to the project. (`Footage` has none.)", None),
        FieldDoc::new::<Option<TelemetryStart>>(
            "start",
            "When the log starts, where its times count from its own start.",
            Some((None, "None")),
        ),
        FieldDoc::new("offset", "Added to the log's own clock.", Some((TELEMETRY_OFFSET, ""))),
        FieldDoc::new(
            "gap",
            "A span without samples longer than this is a gap, unless the log itself usually rests that long: nothing is shown in it.",
            Some((gap, "")),
        ),
    ]
}

fn output_fields() -> Vec<FieldDoc> {
    vec![FieldDoc {
        default: Some("all of them".to_owned()),
        ..FieldDoc::new::<Vec<String>>("overlays", "The overlays that it shows, by name.", None)
    }]
}

/// The kinds of a table, then what they are made of, each once.
fn kind_pages(page: &mut String, kinds: &[KindEntry]) {
    let mut parts = Vec::new();
    for kind in kinds {
        let fields = (kind.fields)();
        structure(page, kind.name, kind.summary, kind.example, &fields);
        for part in fields.into_iter().flat_map(|field| field.parts) {
            with_parts(part, &mut parts);
        }
    }
    for part in parts {
        structure(page, part.name, part.doc, "", &part.fields);
    }
}

/// A heading, the summary, the example and the table of fields.
fn structure(page: &mut String, name: &str, doc: &str, example: &str, fields: &[FieldDoc]) {
    let summary = if example.is_empty() { unindented(doc) } else { without_examples(&unindented(doc)) };
    page.push_str(&format!("\n### {name}\n\n{}\n\n", summary.trim()));
    if !example.is_empty() {
        page.push_str(&format!("```ron\n{}\n```\n\n", example.trim()));
    }
    table(page, fields);
}

/// Lines of a doc comment without the one space that follows `///`.
fn unindented(doc: &str) -> String {
    doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// A doc comment without its fenced blocks: the kind's example is shown instead.
fn without_examples(doc: &str) -> String {
    doc.split("```").step_by(2).map(str::trim).collect::<Vec<_>>().join("\n\n")
}

fn table(page: &mut String, fields: &[FieldDoc]) {
    if fields.is_empty() {
        page.push_str("It has no fields.\n");
        return;
    }
    page.push_str("| field | what it is | written as | default |\n| --- | --- | --- | --- |\n");
    for field in fields {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let default = match field.default.as_deref() {
            None => "**required**".to_owned(),
            Some(words) if words.starts_with(char::is_lowercase) && words.contains(' ') => cell(words),
            Some(default) => format!("`{}`", cell(default)),
        };
        let expects = common_values().into_iter().find(|(_, expects)| *expects == field.expects);
        let expects = expects.map_or(cell(&field.expects), |(name, _)| format!("[{name}](#values)"));
        let row = format!("| `{}` | {} | {expects} | {default} |\n", field.name, cell(&field.doc));
        page.push_str(&row);
    }
}

/// Values that stand in many fields: the word for each, and how it is written.
fn common_values() -> Vec<(&'static str, String)> {
    vec![
        ("time", Timestamp::expects()),
        ("instant", UtcTime::expects()),
        ("position", Position::expects()),
        ("place", Coordinates::expects()),
        ("length", Length::expects()),
        ("rate", FrameRate::expects()),
        ("size", Size::expects()),
        ("bytes", Bytes::expects()),
        ("share", Share::expects()),
        ("ratio", Ratio::expects()),
        ("colour", Rgba::expects()),
        ("gain", Decibels::expects()),
        ("unit", Unit::expects()),
        ("anchor", Anchor::expects()),
        ("fit", Fit::expects()),
    ]
}

fn values(page: &mut String) {
    page.push_str("\n## Values\n\n| value | written as |\n| --- | --- |\n");
    for (name, expects) in common_values() {
        page.push_str(&format!("| {name} | {} |\n", expects.replace('|', "\\|")));
    }
    let units: Vec<String> = Unit::spellings().map(|unit| format!("`{unit}`")).collect();
    page.push_str(&format!("\nUnits are {}.\n", units.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: KindEntry = KindEntry {
        name: "Dial",
        version: 1,
        summary: " A dial.\n\n ```ron\n Dial()\n ```\n More.\n",
        example: "Dial(size: \"3%\")",
        fields: || vec![FieldDoc::new("size", " Its size:\n a|b.", Some((Share::percent(2), "")))],
        lower: |_, _| None,
    };

    #[test]
    fn a_kind_has_summary_example_and_fields() {
        let page = render(&Kinds { formats: &[], overlays: &[KIND], outputs: &[] });
        let expected = "\n### Dial\n\nA dial.\n\nMore.\n\n```ron\nDial(size: \"3%\")\n```\n\n\
            | field | what it is | written as | default |\n| --- | --- | --- | --- |\n\
            | `size` | Its size: a\\|b. | [share](#values) | `\"2%\"` |\n";
        assert!(page.contains(expected), "{page}");
    }

    #[test]
    fn every_section_is_there_once() {
        let page = render(&Kinds { formats: &[], overlays: &[], outputs: &[] });
        for name in ["Footage", "Clock", "Music", "Analysis", "Detection", "Moments", "Pin", "Ban"] {
            assert_eq!(page.matches(&format!("\n### {name}\n")).count(), 1, "{name}");
        }
        assert!(page.contains("| `length` | How long a moment is. |"));
        assert!(page.contains("| `\"3.5s\"` |"));
        for section in SECTIONS {
            assert!(page.contains(&format!("| `{section}` |")), "{section}");
        }
    }

    #[test]
    fn tables_have_four_cells() {
        let page = render(&Kinds { formats: &[KIND], overlays: &[KIND], outputs: &[KIND] });
        let (_, values) = page.split_once("\n## Values").unwrap();
        let tables = page.strip_suffix(values).unwrap();
        for row in tables.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
        }
    }
}
