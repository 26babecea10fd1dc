//! What `autocut verify --rebuild` prints.

use serde_json::json;

use crate::base::Diagnostics;
use crate::exec::verify::difference::Part;
use crate::exec::verify::rebuild::{Culprit, Rebuilt, actions};
use crate::report::json;

/// The last words for people where nothing differs.
pub fn text(ran: usize, rebuilt: &Rebuilt) -> String {
    let mut text = format!("{} ran again", actions(ran));
    text.push_str(match rebuilt.unrecorded + rebuilt.varying {
        0 => ", each with the result as the store has recorded it\n",
        _ => "\n",
    });
    if rebuilt.unrecorded + rebuilt.varying > 0 {
        let equal = actions(rebuilt.equal);
        text.push_str(&format!("{equal} with the result as the store has recorded it\n"));
    }
    if rebuilt.unrecorded > 0 {
        let count = actions(rebuilt.unrecorded);
        text.push_str(&format!("{count} of which nothing was recorded: run `autocut make` first to compare them\n"));
    }
    if rebuilt.varying > 0 {
        let count = actions(rebuilt.varying);
        text.push_str(&format!("{count} not compared: their encoders may make other bytes each time\n"));
    }
    text
}

/// One JSON object, on one line. `problems` are those of the build and of the
/// comparison.
pub fn json(ran: usize, rebuilt: &Rebuilt, problems: &Diagnostics) -> String {
    let value = json!({
        "ran": ran,
        "equal": rebuilt.equal,
        "unrecorded": rebuilt.unrecorded,
        "varying": rebuilt.varying,
        "different": rebuilt.culprits.iter().map(culprit).collect::<Vec<_>>(),
        "problems": problems.0.iter().map(json::diagnostic).collect::<Vec<_>>(),
    });
    format!("{value}\n")
}

fn culprit(culprit: &Culprit) -> serde_json::Value {
    let parts = culprit.parts.iter().map(|part| {
        json!({
            "part": match part.part {
                Part::Value => "value".to_owned(),
                Part::Artifact(index) => format!("file {index}"),
            },
            "recorded": part.recorded.map(|digest| digest.to_string()),
            "rebuilt": part.rebuilt.map(|digest| digest.to_string()),
            "first": part.first,
        })
    });
    json!({
        "kind": culprit.action.spec.kind().name,
        "node": culprit.action.node,
        "key": culprit.action.key.to_string(),
        "parts": parts.collect::<Vec<_>>(),
        "kept": culprit.kept,
    })
}
