//! What the digests in an action's specification are of: files of the project,
//! or what other actions of the plan made.

use crate::base::Digest;
use crate::exec::explain::basis::{Basis, Origin};
use crate::exec::survey::Known;
use crate::exec::workspace::Workspace;
use crate::graph::{FileInput, moments};
use crate::model::{ActionKey, ActionSpec, PlannedAction};

/// Knows which action made an artifact.
pub trait Makers {
    /// Its node and key.
    fn maker(&self, digest: Digest) -> Option<(&str, ActionKey)>;
}

impl Makers for Known {
    fn maker(&self, digest: Digest) -> Option<(&str, ActionKey)> {
        Known::maker(self, digest).map(|action| (action.node.as_str(), action.key))
    }
}

/// Everything on which an action rests.
pub fn provenance(workspace: &Workspace, makers: &dyn Makers, action: &PlannedAction) -> Basis {
    let origin = |digest: &Digest| origin_of(workspace, makers, *digest).map(|origin| (*digest, origin));
    let rest = |digest: &Digest| origin(digest).map(|(digest, origin)| (origin, digest));
    let mut rests: Vec<_> = action.packs.iter().filter_map(rest).collect();
    match &action.spec {
        ActionSpec::Choose(_) => rests.extend(footage(workspace)),
        ActionSpec::Show(_)
        | ActionSpec::Segment(_)
        | ActionSpec::Copy(_)
        | ActionSpec::CopySound(_)
        | ActionSpec::Proxy(_)
        | ActionSpec::Sound(_)
        | ActionSpec::Mix(_)
        | ActionSpec::Join(_) => rests.extend(choice(workspace).as_ref().and_then(rest)),
        _ => {}
    }
    Basis {
        origins: action.spec.inputs().iter().filter_map(origin).collect(),
        rests,
        ..Basis::of(&action.spec, &workspace.toolchain)
    }
}

/// Where content comes from, as far as the plan knows.
pub fn origin_of(workspace: &Workspace, makers: &dyn Makers, digest: Digest) -> Option<Origin> {
    if let Some((node, key)) = makers.maker(digest) {
        return Some(Origin::Made(node.to_owned(), key));
    }
    let file = workspace.files_of(digest).first().copied()?;
    Some(Origin::File(workspace.name_of(file)))
}

/// The report on the choice of moments, which stands for the choice.
fn choice(workspace: &Workspace) -> Option<Digest> {
    let choice = moments::choice(&workspace.db, workspace.project);
    choice.value.as_ref().and_then(|choice| choice.report)
}

/// Every file that moments are chosen from.
fn footage(workspace: &Workspace) -> Vec<(Origin, Digest)> {
    let files = workspace.project.files(&workspace.db).iter().flatten();
    let known = |file: &FileInput| Some((Origin::File(workspace.name_of(*file)), file.state(&workspace.db).digest()?));
    files.filter_map(known).collect()
}
