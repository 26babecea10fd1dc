//! Which queries an edit runs, by salsa's event log. The actions are not run but
//! answered, so that a project of hundreds of clips is planned in a moment.
//!
//! The plan does not know whether an output is there: one that was deleted is
//! joined again without any query (tests/edits.rs).

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod plan;

use autocut::base::Digest;
use autocut::model::toolchain::ToolIdentity;
use autocut::model::{Tool, Toolchain};
use plan::{ALL, B, Plan};

#[test]
fn another_formatting_of_the_manifest_runs_no_query() {
    let mut plan = Plan::done();
    plan.edit("version: 1,", "// The first day.\n\tversion: 1,\n").assert_ran([]).assert_not_run(["rendered_run"]);
}

#[test]
fn another_order_of_the_footage_looks_into_no_clip() {
    let mut plan = Plan::done();
    // What the section says besides, clocks and fits, is read there.
    let patterns = plan.edit(r#""a.mp4", "b.mp4""#, r#""b.mp4", "a.mp4""#);
    let asked = [("recordings", 1), ("received", 1), ("aligned", 1), ("clocks", 1)];
    patterns.assert_ran(asked).assert_acted([]);
    // The files as they are found in another order.
    plan.files.reverse();
    plan.set();
    let files = plan.act();
    files.assert_not_run(["probe", "signals", "rendered", "rendered_run", "delivered"]).assert_acted([]);
}

#[test]
fn a_weight_asks_for_the_choice_and_the_same_choice_goes_no_further() {
    let mut plan = Plan::done();
    let planned = plan.edit(r#""motion": 1"#, r#""motion": 2"#);
    planned.assert_acted([("choose", 1)]).assert_ran([
        // Whether it names what is computed of the log.
        ("log", 1),
        // Which signals each file is to have.
        ("signals", 2),
        ("weighed", 1),
        ("choice", 1),
        ("runs", 1),
        // The outputs, whose needs name the choice.
        ("files", 2),
        ("conflict", 1),
        ("one", 2),
    ]);
    planned.assert_not_run(["laid_out", "shots", "rendered", "rendered_run", "delivered"]);
}

#[test]
fn an_overlay_looks_into_the_clips_that_show_it() {
    let mut plan = Plan::done();
    let planned = plan.edit("#ffb020", "#40c0ff");
    planned.assert_acted([("show", ALL), ("draw", ALL), ("segment", ALL), ("join", 1)]).assert_ran([
        // Whether it shows what is computed of the log.
        ("log", 1),
        // Of both outputs it is asked what they show.
        ("files", 2),
        ("conflict", 1),
        ("shots", plan.runs),
        ("rendered", ALL),
        ("delivered", 1),
        ("one", 1),
    ]);
    let title = plan.edit("Ride", "Tour");
    title.assert_acted([("show", 1), ("draw", 1), ("segment", 2 * ALL), ("join", 1 + ALL)]);
    assert_eq!(title.count("rendered"), 2 * ALL);
}

#[test]
fn a_row_of_the_log_looks_into_the_clips_that_show_something_of_it() {
    let mut plan = Plan::done();
    let log = plan.log;
    let read = [("telemetry.import", 1), ("telemetry.clean", 1), ("choose", 1), ("show", ALL)];
    // Between two clips: it is seen in none.
    let outside = plan.replace(log, "outside.csv");
    outside.assert_acted(read).assert_not_run(["probe", "recordings", "signals"]);
    // The title asks for no log.
    assert_eq!((outside.count("rendered"), outside.count("delivered")), (ALL, 1));

    let inside = plan.replace(log, "inside.csv");
    assert_eq!((inside.count("rendered"), inside.count("delivered")), (ALL, 1));
    let [import, clean, choose, show] = read;
    inside.assert_acted([import, clean, choose, show, ("draw", 1), ("segment", 1), ("join", 1)]);
    assert!(inside.actions["segment"].contains("reel/front/a@10.0s/segment/0"), "{:?}", inside.actions["segment"]);
}

#[test]
fn replaced_footage_looks_into_its_own_clips() {
    let mut plan = Plan::done();
    let b = plan.files[1];
    // The same is seen in it, so the choice is not made again.
    let planned = plan.replace(b, "b.mp4, with another sound");
    let clips = B as usize / 2;
    planned.assert_not_run(["log"]).assert_acted([
        ("probe", 1),
        ("analyse", 1),
        ("segment", 2 * clips),
        ("sound", clips),
        ("mix", 1 + clips),
        ("join", 1 + clips),
    ]);
    assert_eq!((planned.count("probe"), planned.count("signals"), planned.count("rendered")), (1, 1, 2 * clips));
}

#[test]
fn other_music_looks_into_the_film_that_it_is_under() {
    let mut plan = Plan::done();
    let planned = plan.edit("one.wav", "two.wav");
    // The log is looked for among the files that the manifest names.
    planned.assert_ran([("recorded", 1), ("delivered", 1), ("one", 1)]).assert_acted([("mix", 1), ("join", 1)]);
    planned.assert_not_run(["rendered_run"]);
}

#[test]
fn a_renamed_output_looks_into_itself_and_asks_for_nothing() {
    let mut plan = Plan::done();
    let file = plan.edit("out/reel.mp4", "out/film.mp4");
    file.assert_ran([("files", 2), ("conflict", 1), ("delivered", 1), ("one", 1)]).assert_acted([]);
    file.assert_not_run(["rendered_run"]);
    // The name is part of what people are told of its clips.
    let name = plan.edit(r#""reel""#, r#""film""#);
    name.assert_acted([]).assert_not_run(["laid_out", "file_run"]);
    assert_eq!((name.count("rendered"), name.count("delivered")), (ALL, 1));
}

#[test]
fn a_pin_looks_into_what_was_not_shown_before() {
    let mut plan = Plan::done();
    let planned = plan.edit("pins: []", r#"pins: ["front/a@3s"]"#);
    let once = [("choose", 1), ("show", 1), ("draw", 1), ("segment", 2), ("sound", 1), ("mix", 2), ("join", 2)];
    planned.assert_acted(once).assert_ran([
        ("log", 1),
        ("signals", 2),
        ("weighed", 1),
        ("choice", 1),
        ("runs", 1),
        // Its run, for both outputs as they look.
        ("laid_out", 1),
        ("shots", 2),
        ("files", 2),
        ("file_run", 1),
        ("conflict", 1),
        // It alone; the film, and the files of its run.
        ("rendered", 2),
        ("delivered", 2),
        ("one", 2),
    ]);
    // What was chosen anyway looks the same where it is pinned.
    let same = plan.edit("pins: [", r#"pins: ["front/a@4s", "#);
    same.assert_acted([("choose", 1)]).assert_not_run(["rendered", "rendered_run", "delivered"]);
}

#[test]
fn another_tool_or_version_is_another_plan_in_which_the_rest_is_known() {
    let plan = Plan::done();
    let mut toolchain = Toolchain::default();
    let identity = Some(Digest::of(b"another x264"));
    toolchain.tools.insert(Tool::H264, ToolIdentity { name: String::new(), identity, problem: None });
    Plan::new(toolchain, plan.known.clone()).act().assert_acted([("segment", 2 * ALL)]);

    // As after another version of the analysis: nothing that it gave is known by its key.
    let known = plan.known.into_iter().filter(|(_, (kind, _))| *kind != "analyse").collect();
    Plan::new(Toolchain::default(), known).act().assert_acted([("analyse", 2)]);
}
