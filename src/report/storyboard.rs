//! The storyboard: one HTML page with a frame of every chosen and nearly
//! chosen moment, its scores, and the line to copy into the manifest that pins
//! or bans it. The loop in which a person makes the film theirs.
//!
//! The page stands alone: pictures are inside it, nothing is loaded from
//! anywhere (its own content policy forbids it), and its script only copies.

use std::fmt::Write;

use super::choice::{
    ONE, ban_line, has_score, is_shown, known, pin_line, range, seconds, share, summary, verdict, weight,
};
use crate::model::moment::{Candidate, ChoiceReport, NormalisedInput, Verdict};

/// By which a page is known as autocut's own, so that nothing else is
/// overwritten.
pub const MARK: &str = "<meta name=\"generator\" content=\"autocut storyboard\">";

const STYLE: &str = include_str!("storyboard.css");

/// Colours in the style sheet, used in turn.
const COLOURS: usize = 8;

/// Where copying is not allowed, the line stands selected to be copied by hand.
const SCRIPT: &str = "\
addEventListener('click', async event => {
  const button = event.target.closest('button');
  if (!button) return;
  const line = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(line.textContent);
    const label = button.textContent;
    button.textContent = 'copied';
    setTimeout(() => button.textContent = label, 1500);
  } catch {
    getSelection().selectAllChildren(line);
  }
});";

/// The page. `picture` gives the JPEG of a candidate's frame, `None` where
/// there is none.
pub fn storyboard(title: &str, report: &ChoiceReport, picture: &dyn Fn(&Candidate) -> Option<Vec<u8>>) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         {MARK}\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: storyboard</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p class=\"summary\">{}</p>\n",
        escaped(&summary(report)),
    );
    list(&mut page, "notes", report.notes.iter().map(|note| format!("<li>{}</li>", escaped(note))));
    list(&mut page, "inputs", report.inputs.iter().enumerate().map(|(index, input)| legend(index, input)));
    let shown = report.candidates.iter().filter(|one| is_shown(one)).count();
    let all = report.candidates.len();
    for (id, checked) in [("all", " checked"), ("in", ""), ("out", "")] {
        put(&mut page, format_args!("<input class=\"filter\" type=\"radio\" name=\"filter\" id=\"{id}\"{checked}>\n"));
    }
    put(
        &mut page,
        format_args!(
            "<div class=\"tabs\"><label for=\"all\">All <span>{all}</span></label>\
             <label for=\"in\">In the film <span>{shown}</span></label>\
             <label for=\"out\">Near-misses <span>{}</span></label></div>\n<main>\n",
            all - shown
        ),
    );
    if report.candidates.is_empty() {
        page.push_str("<p class=\"empty\">There is no moment to show.</p>\n");
    }
    for candidate in &report.candidates {
        card(&mut page, candidate, report, picture(candidate));
    }
    put(
        &mut page,
        format_args!(
            "</main>\n<footer>A bar shows how much a moment has of what an input asks for, the number what that adds \
             to the score. Paste lines into <code>moments: Moments(pins: [...], bans: [...])</code>.</footer>\n\
             <script>\n{SCRIPT}\n</script>\n</body>\n</html>\n"
        ),
    );
    page
}

/// Writing to a String cannot fail.
fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = page.write_fmt(text);
}

fn list(page: &mut String, class: &str, items: impl Iterator<Item = String>) {
    let items: String = items.collect();
    if !items.is_empty() {
        put(page, format_args!("<ul class=\"{class}\">{items}</ul>\n"));
    }
}

fn legend(index: usize, input: &NormalisedInput) -> String {
    let counts = match range(input) {
        Some((low, high)) => format!("{low} to {high}"),
        None => "no range".to_owned(),
    };
    format!(
        "<li style=\"--c:var(--c{})\"><b>{}</b>weight {} · {counts} · known for {} of the footage</li>",
        index % COLOURS,
        escaped(&input.name),
        weight(input),
        known(input),
    )
}

fn card(page: &mut String, candidate: &Candidate, report: &ChoiceReport, picture: Option<Vec<u8>>) {
    let moment = &candidate.moment;
    let (colour, badge) = match candidate.verdict {
        Verdict::Pinned => ("pin", "Pinned"),
        Verdict::Chosen => ("in", "Chosen"),
        Verdict::TooNear(_) => ("near", "Too near"),
        Verdict::NoRoom => ("room", "No room"),
        Verdict::Banned => ("ban", "Banned"),
    };
    let class = if is_shown(candidate) { "in" } else { "out" };
    let node = escaped(&moment.node());
    put(
        page,
        format_args!("<article class=\"{class}\" style=\"--v:var(--{colour})\" id=\"{node}\">\n<div class=\"frame\">"),
    );
    match picture {
        Some(jpeg) => put(
            page,
            format_args!(
                "<img alt=\"A frame of {node}\" loading=\"lazy\" src=\"data:image/jpeg;base64,{}\">",
                base64(&jpeg)
            ),
        ),
        None => page.push_str("<p>no picture</p>"),
    }
    let score = if has_score(candidate) { share(candidate.score) } else { String::new() };
    put(
        page,
        format_args!(
            "<span class=\"badge\">{badge}</span><span class=\"clock\">{} · {}</span></div>\n\
             <div class=\"body\"><header><h2>{}</h2><span class=\"score\" title=\"score\">{score}</span></header>\n\
             <p class=\"why\">{}</p>\n",
            moment.start,
            seconds(moment.length),
            escaped(&moment.recording),
            escaped(&sentence(&verdict(candidate))),
        ),
    );
    components(page, candidate, report);
    page.push_str("<div class=\"lines\">");
    // What the manifest says already needs no line: there it is to be taken out.
    if matches!(candidate.verdict, Verdict::Chosen | Verdict::TooNear(_) | Verdict::NoRoom) {
        line(page, "pin", &pin_line(moment, report.length));
    }
    if candidate.verdict == Verdict::Chosen {
        line(page, "ban", &ban_line(moment, report.length));
    }
    page.push_str("</div>\n</div>\n</article>\n");
}

/// One bar for each input.
fn components(page: &mut String, candidate: &Candidate, report: &ChoiceReport) {
    if report.inputs.is_empty() {
        return;
    }
    let parts = || report.inputs.iter().zip(&candidate.parts).enumerate();
    let weigh = |input: &NormalisedInput| f64::from(input.weight).abs();
    let weights: f64 = parts().filter(|(_, (_, part))| part.is_some()).map(|(_, (input, _))| weigh(input)).sum();
    page.push_str("<dl>");
    for (index, (input, part)) in parts() {
        let name = escaped(&input.name);
        put(page, format_args!("<dt title=\"{name}\">{name}</dt>"));
        match part {
            Some(part) => {
                let most = weigh(input) / weights.max(1.0) * ONE;
                let percent = (*part as f64 / most.max(1.0) * 100.0).clamp(0.0, 100.0);
                put(
                    page,
                    format_args!(
                        "<dd class=\"bar\"><i style=\"width:{percent:.0}%;--c:var(--c{})\"></i></dd><dd>{}</dd>",
                        index % COLOURS,
                        share(*part),
                    ),
                );
            }
            None => page.push_str("<dd class=\"bar unknown\" title=\"no value here\"></dd><dd>–</dd>"),
        }
    }
    page.push_str("</dl>\n");
}

fn line(page: &mut String, label: &str, text: &str) {
    let text = escaped(text);
    put(
        page,
        format_args!("<div class=\"line\"><code>{text}</code><button type=\"button\">copy {label}</button></div>\n"),
    );
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).chain(['.']).collect()
}

/// For element content and for attributes in double or single quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::model::Moment;

    fn report(recording: &str, verdict: Verdict) -> ChoiceReport {
        let moment = Moment {
            recording: recording.to_owned(),
            start: Timestamp::from_millis(192_000),
            length: Timestamp::from_millis(3_500),
            pinned: false,
        };
        let input = |name: &str| NormalisedInput { name: name.to_owned(), weight: 500, low: 0, high: 9, coverage: 900 };
        ChoiceReport {
            inputs: vec![input("speed"), input("motion")],
            candidates: vec![Candidate { moment, score: 400_000, parts: vec![Some(400_000), None], verdict }],
            considered: 1,
            length: Some(Timestamp::from_millis(3_500)),
            notes: vec!["a <b>note</b>".to_owned()],
        }
    }

    fn page(recording: &str, verdict: Verdict) -> String {
        storyboard("Sunday", &report(recording, verdict), &|_| Some(vec![0xff, 0xd8, 0xff]))
    }

    #[test]
    fn a_chosen_moment_has_the_lines_that_pin_and_ban_it() {
        let page = page("front/GX010012", Verdict::Chosen);
        assert_eq!(page.matches("<code>&quot;front/GX010012@192.0s&quot;,</code>").count(), 2);
        assert!(page.contains("copy pin") && page.contains("copy ban"));
        assert!(page.contains("data:image/jpeg;base64,/9j/"));
    }

    #[test]
    fn a_near_miss_has_only_the_line_that_pins_it() {
        let page = page("front/GX010012", Verdict::NoRoom);
        assert!(page.contains("copy pin") && !page.contains("copy ban"));
        assert!(page.contains("Left out: the total duration is full."));
    }

    /// An input without a value leaves its weight to the other: 0.4 of 1.
    #[test]
    fn bars_are_shares_of_what_an_input_can_give_here() {
        let page = page("front/GX010012", Verdict::Chosen);
        assert!(page.contains("width:40%"));
        assert!(page.contains("no value here"));
    }

    #[test]
    fn nothing_that_is_named_becomes_markup() {
        let name = "x/<script>alert('1')</script>\"&";
        for verdict in [Verdict::Chosen, Verdict::TooNear(name.to_owned()), Verdict::Pinned, Verdict::Banned] {
            let page = storyboard(name, &report(name, verdict), &|_| None);
            assert_eq!(page.matches("<script>").count(), 1);
            assert!(!page.contains("alert('1')") && !page.contains("<b>note"));
        }
    }

    #[test]
    fn nothing_is_loaded_from_anywhere() {
        let page = page("front/GX010012", Verdict::Chosen);
        for outside in ["http://", "https://", "url(", "@import", "src=\"/", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_report_of_nothing_is_still_a_page() {
        let page = storyboard("Sunday", &ChoiceReport::default(), &|_| None);
        assert!(page.contains("There is no moment to show.") && page.ends_with("</html>\n"));
    }

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_of_the_standard() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, text) in vectors.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), text);
        }
    }
}
