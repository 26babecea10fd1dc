//! `make --reproducible`: only engines that make the same bytes every time.
//! What others would make is refused before anything runs.

use crate::base::Diagnostic;
use crate::exec::workspace::Workspace;
use crate::graph::encoding;
use crate::manifest::manifest::OutputDecl;
use crate::model::ActionSpec;
use crate::model::engines::{ENGINES, Engine, varies};

/// What stands against making the outputs of these names (all where none is
/// named) reproducibly, as far as the manifest tells.
pub fn refusals(workspace: &Workspace, targets: &[String]) -> Vec<Diagnostic> {
    let wanted = |output: &&OutputDecl| targets.is_empty() || targets.contains(&output.name);
    let outputs = workspace.manifest.outputs.iter().filter(wanted);
    // Where no encoder works, planning says so.
    let encoder = |output: &OutputDecl| Some(encoding::rung(&workspace.db, &output.name).ok()?.name);
    outputs.filter_map(|output| refused_output(output, encoder(output)?, ENGINES)).collect()
}

fn refused_output(output: &OutputDecl, encoder: &str, table: &[Engine]) -> Option<Diagnostic> {
    let why = varies(encoder, table)?;
    Some(refusal(&format!("output {:?}", output.name), encoder, why).at(output.place.0.clone()))
}

/// The refusal of an action that is planned, if it uses an engine that varies.
pub fn refused(spec: &ActionSpec) -> Option<Diagnostic> {
    let engine = spec.engine()?;
    let why = varies(engine, ENGINES)?;
    Some(refusal(&format!("the kind {}", spec.kind().name), engine, why))
}

fn refusal(what: &str, engine: &str, why: &str) -> Diagnostic {
    Diagnostic::input(format!("{what} uses {engine}, which may make other bytes each time: {why}"))
        .note("only what can be made again to the byte is made with `--reproducible`, which is on where CI is set")
        .hint("name another encoder, or make it all the same with `--no-reproducible`")
}

/// Whether an environment in which the variable `CI` has this value is that of
/// continuous integration: set, and neither empty nor "false".
pub fn is_ci(value: Option<&std::ffi::OsStr>) -> bool {
    value.is_some_and(|value| !value.is_empty() && !value.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::deliver::encoders::RUNGS;
    use crate::exec::workspace::kinds;
    use crate::manifest;

    /// A reel and clips, as they are lowered from a manifest.
    fn outputs() -> Vec<OutputDecl> {
        let text = r#"Project(version: 1, footage: {"front": "*.mp4"},
            outputs: {"reel": Reel(file: "reel.mp4"), "clips": Clips(folder: "clips")})"#;
        let (manifest, problems) = manifest::load(Path::new("autocut.ron"), text, &kinds().as_kinds());
        manifest.unwrap_or_else(|| panic!("{problems:?}")).outputs
    }

    #[test]
    fn an_encoder_that_varies_is_refused_with_output_place_and_reason() {
        let table = [Engine { name: "libx264", deterministic: false, why: "its driver decides" }];
        let refused: Vec<_> = outputs().iter().filter_map(|output| refused_output(output, "libx264", &table)).collect();
        let messages: Vec<_> = refused.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                r#"output "reel" uses libx264, which may make other bytes each time: its driver decides"#,
                r#"output "clips" uses libx264, which may make other bytes each time: its driver decides"#
            ]
        );
        assert_eq!(refused[0].place.as_ref().unwrap().line, 2);
        assert_eq!(refused[0].tier.exit_code(), 1);
    }

    #[test]
    fn every_encoder_of_today_is_deterministic() {
        for rung in RUNGS {
            assert!(outputs().iter().all(|output| refused_output(output, rung.name, ENGINES).is_none()));
        }
    }

    #[test]
    fn ci_is_what_says_so() {
        let ci = |value: &str| is_ci(Some(value.as_ref()));
        assert!(ci("true") && ci("1") && ci("woodpecker"));
        assert!(!ci("false") && !ci("False") && !ci("") && !is_ci(None));
    }
}
