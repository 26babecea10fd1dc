//! The kind `proxy`: a stretch of footage, small and quick to decode, as a file
//! that is read like any footage.

use autocut::base::{Diagnostic, Digest};
use autocut::model::protocol::{Invocation, Produced};
use autocut::model::specs::{JoinSpec, ProxySpec};

use crate::av::Skip;
use crate::films::Films;
use crate::invocation::Progress;
use crate::{join, render};

/// Makes the file `joined` in the scratch folder.
pub(crate) fn proxy(
    spec: &ProxySpec,
    invocation: &Invocation,
    films: &mut Films,
    progress: Progress,
) -> Result<Produced, Diagnostic> {
    let pictures = &spec.pictures;
    // A smaller picture hides what this leaves out.
    let mut rendered = render::render(pictures, invocation, films, Skip::LoopFilterOfUnreferenced, progress)?;
    let segment = rendered.files.pop().ok_or_else(|| Diagnostic::bug("a segment without a file"))?;
    let name = Digest::of(b"the only segment");
    let join = JoinSpec {
        format: pictures.format,
        segments: vec![name],
        sound: None,
        container: "mp4".to_owned(),
        chapters: Vec::new(),
        title: None,
        date: None,
        location: None,
    };
    let inputs = [(name, segment.clone())].into_iter().collect();
    let joining = Invocation { inputs, packs: Vec::new(), ..invocation.clone() };
    let joined = join::join(&join, &joining, &mut |_, _| Ok(()))?;
    // It would be taken for a second artifact, and is as large.
    std::fs::remove_file(&segment)
        .map_err(|error| Diagnostic::environment(format!("cannot remove {}: {error}", segment.display())))?;
    Ok(Produced { warnings: rendered.warnings, ..joined })
}
