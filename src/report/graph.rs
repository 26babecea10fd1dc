//! The plan as text for programs that draw: DOT (Graphviz) and Mermaid.

use std::fmt::Write as _;

use crate::exec::diagram::{Diagram, Group, What};

/// As a graph of Graphviz.
pub fn dot(diagram: &Diagram) -> String {
    let mut text = String::from(
        "digraph autocut {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
    );
    for (index, each) in diagram.groups.iter().enumerate() {
        let label = lines(each).iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect::<Vec<_>>();
        let shape = match each.what {
            What::Source | What::Output => ", shape=note, style=filled",
            What::Unknown => ", style=\"rounded,dashed\"",
            What::Actions => "",
        };
        let _ = writeln!(text, "  n{index} [label=\"{}\"{shape}, fillcolor=\"{}\"];", label.join("\\n"), colour(each));
    }
    for arrow in &diagram.arrows {
        let style = if arrow.decides { " [style=dashed]" } else { "" };
        let _ = writeln!(text, "  n{} -> n{}{style};", arrow.from, arrow.to);
    }
    text.push_str("}\n");
    text
}

/// As a flowchart of Mermaid, which pages on code hosts draw by themselves.
pub fn mermaid(diagram: &Diagram) -> String {
    let mut text = String::from("flowchart LR\n");
    for (index, each) in diagram.groups.iter().enumerate() {
        // Entities by number, of which the first must be `#` itself.
        let escape = |line: &String| {
            line.replace('#', "#35;")
                .replace('"', "#quot;")
                .replace('<', "#lt;")
                .replace('>', "#gt;")
                .replace('`', "#96;")
        };
        let label = lines(each).iter().map(escape).collect::<Vec<_>>().join("<br>");
        let (open, close) = match each.what {
            What::Source | What::Output => ("[/", "/]"),
            What::Unknown => ("([", "])"),
            What::Actions => ("[", "]"),
        };
        let _ = writeln!(text, "  n{index}{open}\"{label}\"{close}");
    }
    for arrow in &diagram.arrows {
        let line = if arrow.decides { "-.->" } else { "-->" };
        let _ = writeln!(text, "  n{} {line} n{}", arrow.from, arrow.to);
    }
    for (class, matches) in CLASSES {
        let members = diagram.groups.iter().enumerate().filter(|(_, each)| class_of(each) == *class);
        let members: Vec<String> = members.map(|(index, _)| format!("n{index}")).collect();
        if !members.is_empty() {
            let _ = writeln!(text, "  classDef {class} fill:{matches},stroke:#555,color:#000");
            let _ = writeln!(text, "  class {} {class}", members.join(","));
        }
    }
    text
}

/// States and their colours: the names say it too, for those who see none.
const CLASSES: &[(&str, &str)] =
    &[("done", "#d8ecd8"), ("pending", "#ffe3a8"), ("file", "#eeeeee"), ("unknown", "#ffffff")];

fn class_of(each: &Group) -> &'static str {
    match (each.what, each.pending) {
        (What::Unknown, _) => "unknown",
        (_, 1..) => "pending",
        (What::Source, _) => "file",
        _ => "done",
    }
}

fn colour(each: &Group) -> &'static str {
    CLASSES.iter().find(|(class, _)| *class == class_of(each)).map_or("#ffffff", |(_, colour)| colour)
}

/// The lines of a box: what it is, and how much of it is to do.
fn lines(each: &Group) -> Vec<String> {
    let state = match (each.what, each.count, each.pending) {
        (What::Source | What::Unknown, ..) => None,
        (_, count, 0) if count > 1 => Some(format!("{count} done")),
        (_, 1, 1) => Some("to do".to_owned()),
        (_, count, pending) if pending > 0 => Some(format!("{pending} of {count} to do")),
        _ => None,
    };
    std::iter::once(each.label.clone()).chain(state).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::exec::diagram::Arrow;

    #[test]
    fn labels_cannot_break_out() {
        let odd = Group { label: "a \"b\" \\ #1 <c> `d`".into(), what: What::Actions, count: 3, pending: 1 };
        let file = Group { label: "f.mp4".into(), what: What::Source, count: 0, pending: 0 };
        let arrows =
            BTreeSet::from([Arrow { from: 1, to: 0, decides: false }, Arrow { from: 1, to: 0, decides: true }]);
        let diagram = Diagram { groups: vec![odd, file], arrows };
        let text = dot(&diagram);
        assert!(text.contains(r##"n0 [label="a \"b\" \\ #1 <c> `d`\n1 of 3 to do", fillcolor="#ffe3a8"];"##), "{text}");
        assert!(text.contains("n1 -> n0;\n  n1 -> n0 [style=dashed];"), "{text}");
        let text = mermaid(&diagram);
        assert!(text.contains("n0[\"a #quot;b#quot; \\ #35;1 #lt;c#gt; #96;d#96;<br>1 of 3 to do\"]"), "{text}");
        assert!(text.contains("n1[/\"f.mp4\"/]") && text.contains("n1 -.-> n0"), "{text}");
    }
}
