//! What `autocut verify` prints.

use serde_json::json;

use crate::base::Tier;
use crate::exec::verify::objects::Checked;
use crate::report::json;
use crate::store::space::size;

/// The last words for people; the problems are told before.
pub fn text(checked: &Checked) -> String {
    let found = &checked.found;
    let wrong = checked.problems.0.iter().filter(|problem| problem.tier > Tier::Warning).count();
    let verdict = match wrong {
        0 => "all sound".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        more => format!("{more} things are wrong"),
    };
    let mut text = format!(
        "checked {} objects ({}), {} results and {} outputs: {verdict}\n",
        found.objects,
        size(found.bytes),
        found.results,
        found.outputs,
    );
    if found.unreferenced.objects > 0 {
        let (objects, bytes) = (found.unreferenced.objects, size(found.unreferenced.bytes));
        text.push_str(&format!("{objects} objects ({bytes}) belong to no result; `autocut gc` removes them\n"));
    }
    text
}

/// One JSON object, on one line.
pub fn json(checked: &Checked) -> String {
    let found = &checked.found;
    let problems: Vec<_> = checked.problems.0.iter().map(json::diagnostic).collect();
    let value = json!({
        "objects": found.objects,
        "bytes": found.bytes,
        "results": found.results,
        "outputs": found.outputs,
        "corrupt": found.corrupt.iter().map(|damaged| damaged.artifact.digest.to_string()).collect::<Vec<_>>(),
        "changed": found.changed,
        "absent": found.absent,
        "unreferenced": {"objects": found.unreferenced.objects, "bytes": found.unreferenced.bytes},
        "problems": problems,
    });
    format!("{value}\n")
}
