//! The recipes of docs/ci.md, taken from the page and run as they stand. Only
//! what a CI service does is done for it: checking out, keeping a cache, secrets.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something fails, and says what it skips"
)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use common::files::{copy_folder, digests_below};
use common::{Footage, Made, Project};

const MANIFEST: &str = r#"Project(
    version: 1,
    footage: { "front": "footage/*.mp4" },
    analysis: Analysis(rate: 4, width: 64),
    moments: Moments(length: "1s", total: "2s", gap: "1s", weights: {"motion": 0.5, "exposure": 0.5}),
    outputs: { "reel": Reel(file: "out/reel.mp4"), "clips": Clips(folder: "out/clips") },
)"#;

/// The code of the page in one language, block by block.
fn blocks(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let page = fs::read_to_string(page).unwrap();
    let fence = format!("\n```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// The block of a workflow that says `word`.
fn workflow(word: &str) -> String {
    let mut found = blocks("yaml").into_iter().filter(|block| block.contains(word));
    let block = found.next().unwrap_or_else(|| panic!("docs/ci.md shows no workflow with {word}"));
    assert!(found.next().is_none(), "docs/ci.md shows two workflows with {word}");
    block
}

/// What a workflow runs, step by step.
fn steps(workflow: &str) -> Vec<String> {
    let run = |line: &str| line.trim().strip_prefix("- run: ").map(str::to_owned);
    let steps: Vec<String> = workflow.lines().filter_map(run).collect();
    assert!(!steps.is_empty(), "it runs nothing: {workflow}");
    steps
}

/// The value of a field of a workflow.
fn field<'a>(workflow: &'a str, name: &str) -> &'a str {
    let line = workflow.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
    let value = line.unwrap_or_else(|| panic!("it has no {name}: {workflow}"));
    value.split(" #").next().unwrap().trim().trim_matches('"')
}

/// The project as someone works on it, with its lock.
fn project() -> Project {
    let project = Project::new();
    let footage = Footage { size: "64x64", rate: "10", seconds: 8, ..Footage::default() };
    project.footage("footage/a.mp4", &footage).write("autocut.ron", MANIFEST);
    project.ok(&["lock"]);
    project
}

/// What is under version control, on another machine.
fn checkout(project: &Project) -> Project {
    let clone = Project::new();
    for name in ["footage/a.mp4", "autocut.ron", "autocut.lock"] {
        clone.write(name, fs::read(project.path(name)).unwrap());
    }
    clone
}

/// A machine of a CI service on which autocut is installed.
struct Machine<'a> {
    project: Project,
    variables: Vec<(&'a str, String)>,
}

impl Machine<'_> {
    /// Runs a line of the page in a shell. `made.json` beside the project gets what
    /// a `make` says to programs.
    fn run(&self, line: &str) -> Output {
        let beside = self.project.path(".bin");
        fs::create_dir_all(&beside).unwrap();
        let program = env!("CARGO_BIN_EXE_autocut");
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in\nmake) exec '{program}' \"$@\" --json >.bin/made.json;;\n*) exec '{program}' \"$@\";;\nesac\n"
        );
        fs::write(beside.join("autocut"), script).unwrap();
        fs::set_permissions(beside.join("autocut"), fs::Permissions::from_mode(0o755)).unwrap();

        let mut command = Command::new("sh");
        for (name, value) in common::autocut().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let path = format!("{}:{}", beside.display(), std::env::var("PATH").unwrap());
        command.args(["-e", "-c", line]).env("PATH", path).env("CI", "true");
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.envs(variables).current_dir(self.project.path("")).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        let made = fs::read_to_string(self.project.path(".bin/made.json")).unwrap_or_default();
        assert!(output.status.success(), "{line}: {}\n{made}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the last `make` said.
    fn made(&self) -> Made {
        let file = self.project.path(".bin/made.json");
        let events = fs::read_to_string(&file).unwrap();
        fs::remove_file(file).unwrap();
        let events = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Made { code: 0, events, stderr: String::new() }
    }
}

#[test]
fn a_fresh_clone_runs_nothing_with_what_the_main_branch_shared() {
    let workflow = workflow("AUTOCUT_REMOTE");
    assert!(field(&workflow, "AUTOCUT_REMOTE").starts_with("s3://"), "{workflow}");
    // A folder takes the place of the bucket.
    let shared = tempfile::tempdir().unwrap();
    let remote = ("AUTOCUT_REMOTE", shared.path().display().to_string());
    let write = ("AUTOCUT_REMOTE_WRITE", field(&workflow, "AUTOCUT_REMOTE_WRITE").to_owned());

    let project = project();
    let main = Machine { project: checkout(&project), variables: vec![remote.clone(), write] };
    for step in steps(&workflow) {
        main.ok(&step);
    }
    // The lock pins the moments, so nothing is analysed and nothing chosen.
    main.made().assert_ran([("probe", 1), ("segment", 2), ("sound", 2), ("mix", 3), ("join", 3)]);

    // A pull request: it reads.
    let pull = Machine { project: checkout(&project), variables: vec![remote] };
    for step in steps(&workflow) {
        pull.ok(&step);
    }
    let made = pull.made();
    made.assert_ran([]);
    assert!(made.finished()["fetched"].as_u64().unwrap() > 0);
    let films = digests_below(&main.project.path("out"));
    assert_eq!(films.len(), 3);
    assert_eq!(digests_below(&pull.project.path("out")), films);

    // And what the page begins with, on the same machine.
    let script = blocks("sh").join("\n");
    assert!(script.contains("make --reproducible --locked") && script.contains("verify --rebuild"), "{script}");
    let text = pull.ok(&script);
    pull.made().assert_ran([]);
    assert!(text.contains("actions ran again") && text.contains("as the store has recorded it"), "{text}");
    assert_eq!(digests_below(&pull.project.path("out")), films);
}

#[test]
fn a_cached_store_leaves_only_the_outputs_to_be_joined() {
    let workflow = workflow("actions/cache");
    let project = project();
    let first = Machine { project: checkout(&project), variables: Vec::new() };
    for step in steps(&workflow) {
        first.ok(&step);
    }
    first.made().assert_ran([("probe", 1), ("segment", 2), ("sound", 2), ("mix", 3), ("join", 3)]);

    // The next run gets back what the workflow keeps, and its outputs are not that.
    let kept = field(&workflow, "path");
    let next = Machine { project: checkout(&project), variables: Vec::new() };
    copy_folder(&first.project.path(kept), &next.project.path(kept));
    for step in steps(&workflow) {
        next.ok(&step);
    }
    next.made().assert_ran([("join", 3)]);
    assert_eq!(digests_below(&next.project.path("out")), digests_below(&first.project.path("out")));
}

#[test]
fn what_the_lock_does_not_pin_stops_the_recipe() {
    let script = blocks("sh").join("\n");
    let project = project();
    project.edit("autocut.ron", "total: \"2s\"", "total: \"3s\"");
    let machine = Machine { project: checkout(&project), variables: Vec::new() };
    let output = machine.run(&script);
    assert_eq!(output.status.code(), Some(1));
    let errors = machine.made().errors();
    assert!(errors[0].contains("autocut.lock is out of date"), "{errors:?}");
    assert!(!machine.project.path("out").exists());
}
