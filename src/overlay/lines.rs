//! A text template broken into lines that have room in the frame.
//!
//! Lines end at words. Where a single word has no room, the text is set
//! smaller, as far as it can still be read; what even then has none is cut and
//! ends with an ellipsis. Fields count as wide as their widest value, so that
//! lines break at the same words in every frame of a film.

use crate::overlay::shaping::Face;
use crate::overlay::style::{DASH, cap_height, shortened, text_width};
use crate::overlay::template::{Content, Piece, Template};

/// From one baseline to the next, in font sizes.
const LEADING: f64 = 1.35;

/// What stays free beside and above the text, in font sizes.
const PADDING: (f64, f64) = (0.62, 0.52);

const ELLIPSIS: &str = "\u{2026}";

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    /// The template's field of that number.
    Field(usize),
}

/// A template set in type.
#[derive(Debug)]
pub(crate) struct Lines {
    /// The font size in pixels.
    pub(crate) size: f64,
    pub(crate) rows: Vec<Vec<Part>>,
    /// Of the widest line.
    pub(crate) width: f64,
}

/// What fields and room there are.
struct Setter<'a> {
    contents: &'a [Content],
    size: f64,
    /// For text, without padding.
    width: f64,
    height: f64,
}

/// Something without a space in it, and the spaces before it.
#[derive(Default)]
struct Word {
    spaces: String,
    parts: Vec<Part>,
}

impl Lines {
    /// Sets `template` at `wanted` pixels, or down to `least` where that is too
    /// large, onto a plate that is at most as large as `room`. `contents` are
    /// those of the template's fields.
    pub(crate) fn fit(
        template: &Template,
        contents: &[Content],
        wanted: f64,
        least: f64,
        (room_width, room_height): (f64, f64),
    ) -> Lines {
        let lines: Vec<Vec<Word>> = template_words(template);
        let setter = |size: f64| Setter {
            contents,
            size,
            width: room_width - 2.0 * size * PADDING.0,
            height: room_height - 2.0 * size * PADDING.1,
        };
        let at_wanted = setter(wanted);
        let words = lines.iter().flatten();
        let widest = words.map(|word| at_wanted.width_of(&word.parts)).fold(0.0, f64::max) + 2.0 * wanted * PADDING.0;
        let mut size = (wanted * (room_width / widest).min(1.0)).max(least);
        let mut rows = setter(size).rows(&lines);
        while rows.len() > setter(size).most_rows() && size > least {
            size = (size * 0.94).max(least);
            rows = setter(size).rows(&lines);
        }
        let setter = setter(size);
        setter.cut(&mut rows);
        let width = rows.iter().map(|row| setter.width_of(row)).fold(0.0, f64::max);
        Lines { size, rows, width }
    }

    /// Width and height of the plate.
    pub(crate) fn outer(&self) -> (f64, f64) {
        let between = self.rows.len().saturating_sub(1) as f64 * self.size * LEADING;
        let height = cap_height(Face::Text, self.size) + between;
        (self.width + 2.0 * self.size * PADDING.0, height + 2.0 * self.size * PADDING.1)
    }

    /// Where a row starts on the plate: left end and baseline.
    pub(crate) fn start(&self, row: usize) -> (f64, f64) {
        let first = self.size * PADDING.1 + cap_height(Face::Text, self.size);
        (self.size * PADDING.0, first + row as f64 * self.size * LEADING)
    }
}

/// The words of each line. Spaces at a line's start stay, those at its end go.
fn template_words(template: &Template) -> Vec<Vec<Word>> {
    let mut number = 0;
    let mut words_of = |line: &Vec<Piece>| {
        let mut words: Vec<Word> = Vec::new();
        let mut word = Word::default();
        for piece in line {
            match piece {
                Piece::Field(_) => {
                    word.parts.push(Part::Field(number));
                    number += 1;
                }
                Piece::Literal(text) => {
                    for letter in text.chars() {
                        if !breaks(letter) {
                            add(&mut word.parts, &letter.to_string());
                        } else if word.parts.is_empty() {
                            word.spaces.push(letter);
                        } else {
                            words.push(std::mem::take(&mut word));
                            word.spaces.push(letter);
                        }
                    }
                }
            }
        }
        if !word.parts.is_empty() {
            words.push(word);
        }
        words
    };
    template.lines.iter().map(&mut words_of).collect()
}

/// Whether a line may end here. Not at spaces whose name says so.
fn breaks(letter: char) -> bool {
    letter.is_whitespace() && !matches!(letter, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Adds text to what ends with text.
fn add(parts: &mut Vec<Part>, more: &str) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push_str(more),
        _ if more.is_empty() => {}
        _ => parts.push(Part::Text(more.to_owned())),
    }
}

impl Setter<'_> {
    fn width_of(&self, parts: &[Part]) -> f64 {
        let width = |text: &str| text_width(Face::Text, text, self.size);
        let part = |part: &Part| match part {
            Part::Text(text) => width(text),
            Part::Field(number) => {
                let widest = self.contents.get(*number).into_iter().flat_map(|content| &content.widest);
                widest.map(|text| width(text)).fold(width(DASH), f64::max)
            }
        };
        parts.iter().map(part).sum()
    }

    /// The lines, broken where they have no room.
    fn rows(&self, lines: &[Vec<Word>]) -> Vec<Vec<Part>> {
        let mut rows = Vec::new();
        for line in lines {
            let mut row: Vec<Part> = Vec::new();
            for (index, word) in line.iter().enumerate() {
                let mut longer = row.clone();
                add(&mut longer, &word.spaces);
                word.parts.iter().for_each(|part| push(&mut longer, part));
                if index > 0 && self.width_of(&longer) > self.width {
                    rows.push(std::mem::take(&mut row));
                    row.clone_from(&word.parts);
                } else {
                    row = longer;
                }
            }
            rows.push(row);
        }
        rows
    }

    fn most_rows(&self) -> usize {
        let below = (self.height - cap_height(Face::Text, self.size)) / (self.size * LEADING);
        // `as` makes 0 of what is negative.
        below as usize + 1
    }

    /// Cuts off what has no room.
    fn cut(&self, rows: &mut Vec<Vec<Part>>) {
        if rows.len() > self.most_rows() {
            rows.truncate(self.most_rows());
            if let Some(last) = rows.last_mut() {
                add(last, ELLIPSIS);
            }
        }
        for row in rows {
            if self.width_of(row) > self.width {
                *row = self.shortened(row);
            }
        }
    }

    fn shortened(&self, row: &[Part]) -> Vec<Part> {
        let ellipsis = text_width(Face::Text, ELLIPSIS, self.size);
        let mut kept = Vec::new();
        let mut left = self.width;
        for part in row {
            let width = self.width_of(std::slice::from_ref(part));
            if width + ellipsis <= left {
                left -= width;
                kept.push(part.clone());
                continue;
            }
            let end = match part {
                Part::Text(text) => shortened(Face::Text, text, self.size, left),
                Part::Field(_) => ELLIPSIS.to_owned(),
            };
            add(&mut kept, if end.is_empty() { ELLIPSIS } else { &end });
            break;
        }
        kept
    }
}

fn push(parts: &mut Vec<Part>, part: &Part) {
    match part {
        Part::Text(text) => add(parts, text),
        Part::Field(_) => parts.push(part.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: f64 = 20.0;

    fn fit(text: &str, width: f64, height: f64) -> Lines {
        Lines::fit(&Template::parse(text).unwrap(), &[], 40.0, LEAST, (width, height))
    }

    fn rows(lines: &Lines) -> Vec<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field(number) => format!("{{{number}}}"),
        };
        lines.rows.iter().map(|row| row.iter().map(text).collect()).collect()
    }

    #[test]
    fn lines_break_at_words_and_have_room() {
        let text = "Over the pass before the first snow of the year\nand back";
        let lines = fit(text, 500.0, 900.0);
        assert_eq!(rows(&lines).join(" "), text.replace('\n', " "));
        assert!(lines.rows.len() > 2, "{lines:?}");
        assert_eq!(rows(&lines).last().unwrap(), "and back", "the author's own break stays");
        assert!(lines.outer().0 <= 500.0);
        assert_eq!(lines.size, 40.0);
    }

    #[test]
    fn what_has_room_stays_as_it_is_written() {
        assert_eq!(rows(&fit("  a  \u{b7}  b \n\nc", 500.0, 900.0)), ["  a  \u{b7}  b", "", "c"]);
    }

    #[test]
    fn a_field_is_not_torn_from_its_unit() {
        let lines = fit("{speed}\u{a0}km/h {power}W", 180.0, 900.0);
        assert_eq!(rows(&lines), ["{0}\u{a0}km/h", "{1}W"]);
    }

    #[test]
    fn a_long_word_shrinks_and_is_then_cut() {
        let lines = fit("Wintersporteln", 250.0, 900.0);
        assert_eq!(rows(&lines), ["Wintersporteln"]);
        assert!(lines.size < 40.0 && lines.size > LEAST, "{}", lines.size);
        let lines = fit("Donaudampfschifffahrtsgesellschaft", 250.0, 900.0);
        let [row] = rows(&lines).try_into().unwrap();
        assert!(row.starts_with("Donau") && row.ends_with('\u{2026}'), "{row}");
        assert_eq!(lines.size, LEAST);
        for lines in [lines, fit("{a}{b}{c}{d}{e}{f}{g}{h}{i}{j}{k}{l}{m}{n}{o}{p}{q}{r}{s}{t}{u}{v}", 250.0, 99.0)] {
            assert!(lines.outer().0 <= 250.0, "{lines:?}");
        }
    }

    #[test]
    fn too_many_lines_shrink_and_are_then_cut() {
        let lines = fit(&"word ".repeat(60), 300.0, 200.0);
        assert_eq!(lines.size, LEAST);
        assert!(lines.outer().0 <= 300.0 && lines.outer().1 <= 200.0, "{lines:?}");
        assert!(rows(&lines).last().unwrap().ends_with('\u{2026}'));
    }

    #[test]
    fn no_room_at_all_is_no_panic() {
        fit("a b", 0.0, 0.0);
        fit("{a} b", -5.0, -5.0);
    }
}
