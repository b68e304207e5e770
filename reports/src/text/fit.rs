//! Text made to fit: broken into lines, or shortened.

use super::{Weight, width};

/// Breaks at spaces so that no line is wider than `most`; a word that is wider on its own is cut into pieces.
/// No-break spaces hold.
pub fn wrap(text: &str, size: f64, weight: Weight, most: f64) -> Vec<String> {
    let fits = |line: &str| width(line, size, weight) <= most;
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split([' ', '\n', '\t']).filter(|w| !w.is_empty()) {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if fits(&longer) {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if line.chars().count() > 1 && !fits(&line) {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Leaves out the middle where the text is wider than `most`: `preload:/op…loc.so.2`. The end of a path says more than
/// its middle, so the end keeps more.
pub fn ellipsis(text: &str, size: f64, weight: Weight, most: f64) -> String {
    if width(text, size, weight) <= most {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    for kept in (0..chars.len()).rev() {
        let head = kept / 3;
        let tail = kept - head;
        let short: String = chars[..head]
            .iter()
            .chain(&['…'])
            .chain(&chars[chars.len() - tail..])
            .collect();
        if width(&short, size, weight) <= most {
            return short;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        let text = "fancy is 2.4 × as fast as system on ephemeral and averyveryverylongwordwithoutanyspaceinit smaller";
        let lines = wrap(text, 12.0, Weight::Regular, 90.0);
        assert!(lines.len() > 3);
        assert!(
            lines
                .iter()
                .all(|l| width(l, 12.0, Weight::Regular) <= 90.0),
            "{lines:?}"
        );
        let squeeze = |s: &str| s.replace(' ', "");
        assert_eq!(squeeze(&lines.concat()), squeeze(text));
        assert!(wrap("", 12.0, Weight::Regular, 90.0).is_empty());
        assert_eq!(wrap("abc", 12.0, Weight::Regular, 0.0).len(), 3);
    }

    #[test]
    fn shortened_text_fits_and_keeps_its_end() {
        let name = "preload:/opt/some/where/very/deep/lib/libjemalloc.so.2";
        let short = ellipsis(name, 12.0, Weight::Regular, 100.0);
        assert!(width(&short, 12.0, Weight::Regular) <= 100.0);
        assert!(
            short.starts_with("pre") && short.contains('…') && short.ends_with(".so.2"),
            "{short}"
        );
        assert_eq!(ellipsis("fancy", 12.0, Weight::Regular, 100.0), "fancy");
        assert_eq!(ellipsis(name, 12.0, Weight::Regular, 0.0), "");
    }
}
