//! The page's style sheet: written once by hand, with the theme's colours put in as CSS variables.

use crate::theme;
use std::fmt::Write;

/// Everything that stands in the page's `<style>`.
pub fn css() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut classes = String::new();
    for colour in theme::all() {
        let name = colour.name;
        let _ = write!(light, "--{name}:{};", theme::hex(colour.light));
        let _ = write!(dark, "--{name}:{};", theme::hex(colour.dark));
        let _ = write!(
            classes,
            ".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name});fill:none}}"
        );
    }
    format!(
        ":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         @media print{{:root{{color-scheme:light;{light}}}}}\n{classes}\n{}",
        include_str!("page.css")
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_colour_has_both_forms_and_its_classes() {
        let css = super::css();
        assert_eq!(css.matches("--a-fancy:#").count(), 3, "light, dark, print");
        assert!(css.contains(".f-ink{fill:var(--ink)}") && css.contains("@media print"));
        assert!(!css.contains("url(") && !css.contains("@import") && !css.contains('<'));
    }
}
