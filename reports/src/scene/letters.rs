//! The letters and lines of text of SVG pictures: each is drawn once, and referred to wherever it stands again.

use super::Label;
use crate::text::{self, Glyph, Weight};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The letters and lines of text that some pictures use. Both are numbered as they come, so that what was written before stays
/// true when more are added.
#[derive(Debug, Default)]
pub struct Letters {
    glyphs: BTreeMap<Glyph, usize>,
    lines: BTreeMap<(String, Weight), usize>,
}

impl Letters {
    /// Writes a reference to the label's line; `attributes` are its paint's. The line stands in [`Letters::definitions`].
    pub(super) fn refer(&mut self, out: &mut String, label: &Label, attributes: &str) {
        self.gather(label);
        let next = self.lines.len();
        let number = *self
            .lines
            .entry((label.text.clone(), label.weight))
            .or_insert(next);
        let _ = write!(
            out,
            "<use href=\"#t{number}\" transform=\"{}\"{attributes}/>",
            transform(label)
        );
    }

    /// Writes the label's line in its place, for a picture where no other line is like it.
    pub(super) fn write(&mut self, out: &mut String, label: &Label, attributes: &str) {
        self.gather(label);
        let _ = write!(out, "<g transform=\"{}\"{attributes}>", transform(label));
        self.write_line(out, &label.text, label.weight);
        out.push_str("</g>");
    }

    fn gather(&mut self, label: &Label) {
        for placed in text::lay_out(&label.text, label.weight).0 {
            if !text::glyph_path(placed.glyph).is_empty() {
                let next = self.glyphs.len();
                self.glyphs.entry(placed.glyph).or_insert(next);
            }
        }
    }

    fn write_line(&self, out: &mut String, words: &str, weight: Weight) {
        for placed in text::lay_out(words, weight).0 {
            let Some(number) = self.glyphs.get(&placed.glyph) else {
                continue;
            };
            let _ = if placed.x == 0.0 {
                write!(out, "<use href=\"#{}\"/>", name(*number))
            } else {
                write!(
                    out,
                    "<use href=\"#{}\" x=\"{:.0}\"/>",
                    name(*number),
                    placed.x
                )
            };
        }
    }

    /// `<defs>` with every letter and every line that is referred to.
    pub fn definitions(&self) -> String {
        let mut out = String::from("<defs>");
        for (glyph, number) in &self.glyphs {
            let outline = text::glyph_path(*glyph);
            let _ = write!(out, "<path id=\"{}\" d=\"{outline}\"/>", name(*number));
        }
        for ((words, weight), number) in &self.lines {
            let _ = write!(out, "<g id=\"t{number}\">");
            self.write_line(&mut out, words, *weight);
            out.push_str("</g>");
        }
        out.push_str("</defs>");
        out
    }
}

/// Where the label's line goes, and how large.
fn transform(label: &Label) -> String {
    let scale = short(label.size / text::OUTLINE_UNITS, 4);
    format!(
        "translate({} {})scale({scale})",
        short(label.x, 1),
        short(label.y, 1)
    )
}

/// With at most this many decimals, and none that say nothing.
fn short(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.strip_prefix("0.")
        .map_or_else(|| text.to_owned(), |fraction| format!(".{fraction}"))
}

/// A letter's id: one letter for the first 52, two for the next 2,704, and so on. Lines have a digit in theirs.
fn name(number: usize) -> String {
    const DIGITS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let digit = char::from(DIGITS[number % 52]);
    match number / 52 {
        0 => digit.to_string(),
        more => format!("{}{digit}", name(more - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_short_and_each_is_another() {
        assert_eq!(
            (name(0), name(51), name(52)),
            ("a".into(), "Z".into(), "aa".into())
        );
        let names: HashSet<String> = (0..4000).map(name).collect();
        assert_eq!(names.len(), 4000);
        assert!((0..2756).all(|n| name(n).len() <= 2));
    }

    #[test]
    fn numbers_say_no_more_than_they_must() {
        let all = [0.0, 0.25, 12.0, 12.34, -0.5].map(|v| short(v, 1));
        assert_eq!(all, ["0", ".2", "12", "12.3", "-0.5"]);
    }
}
