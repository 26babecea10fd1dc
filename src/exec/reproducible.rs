//! `make --reproducible`: only engines that make the same bytes every time.
//! What others would make is refused before anything runs.

use crate::base::Diagnostic;
use crate::exec::workspace::Workspace;
use crate::graph::{encoding, outputs};
use crate::manifest::manifest::OutputDecl;
use crate::model::ActionSpec;
use crate::model::engines::{ENGINES, varies};

/// What stands against making the outputs of these names (all where none is
/// named) reproducibly, as far as the manifest and the settings tell.
pub fn refusals(workspace: &Workspace, targets: &[String]) -> Vec<Diagnostic> {
    let wanted = |output: &&OutputDecl| targets.is_empty() || targets.contains(&output.name);
    let declared = workspace.manifest.outputs.iter().filter(wanted);
    let refused = |output: &OutputDecl| {
        let coded = outputs::settings(output)?.coded();
        encoding::rung(&workspace.db, &output.name, coded).err()
    };
    declared.filter_map(|output| Some(refused(output)?.at(output.place.0.clone()))).collect()
}

/// The refusal of an action that is planned, if it uses an engine that varies.
pub fn refused(spec: &ActionSpec) -> Option<Diagnostic> {
    let engine = spec.engine()?;
    let why = varies(engine, ENGINES)?;
    let kind = spec.kind().name;
    let problem = Diagnostic::input(format!("{kind} uses {engine}, which may make other bytes each time: {why}"));
    let problem = problem.note("`--reproducible`, which is on where CI is set, allows no such engine");
    Some(problem.hint("make it all the same with `--no-reproducible`"))
}

/// Whether an environment in which the variable `CI` has this value is that of
/// continuous integration: set, and neither empty nor "false".
pub fn is_ci(value: Option<&std::ffi::OsStr>) -> bool {
    value.is_some_and(|value| !value.is_empty() && !value.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::encoders::RUNGS;

    #[test]
    fn every_software_encoder_is_deterministic_and_no_hardware_is() {
        assert!(RUNGS.iter().all(|rung| varies(rung.name, ENGINES).is_some() == rung.session));
    }

    #[test]
    fn ci_is_what_says_so() {
        let ci = |value: &str| is_ci(Some(value.as_ref()));
        assert!(ci("true") && ci("1") && ci("woodpecker"));
        assert!(!ci("false") && !ci("False") && !ci("") && !is_ci(None));
    }
}
