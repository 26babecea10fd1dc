//! `autocut graph`.

use crate::cli::args::{Args, By, Graph, GraphFormat};
use crate::cli::setup;
use crate::exec::diagram::{self, Grouping};
use crate::exec::explain::inquiry;
use crate::report::{graph, listing};

pub(super) fn run(args: &Args, wanted: &Graph) -> u8 {
    let mut workspace = match setup::look(args) {
        Ok(workspace) => workspace,
        Err(refused) => return refused.code,
    };
    if let Err(problems) = workspace.check_targets(&wanted.outputs) {
        return setup::tell(&problems);
    }
    if let Err(problem) = inquiry::look_at_changed_files(&mut workspace) {
        return setup::tell(&problem.into());
    }
    let grouping = wanted.by.map(|by| match by {
        By::Kind => Grouping::Kind,
        By::Clip => Grouping::Clip,
        By::Action => Grouping::Action,
    });
    let diagram = diagram::diagram(&workspace, &wanted.outputs, grouping);
    let text = match wanted.format {
        GraphFormat::Dot => graph::dot(&diagram),
        GraphFormat::Mermaid => graph::mermaid(&diagram),
    };
    listing::print_text(&text);
    0
}
