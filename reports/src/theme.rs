//! The one theme: colours, and which allocator wears which.
//!
//! The allocators' colours follow Okabe and Ito, so that people with a colour-vision deficiency can tell them apart,
//! and Tol's "muted" scheme beyond those. No chart relies on colour alone: rows and points carry names.
//! Every colour has a light and a dark form. A chart draws with the light form; whoever writes the picture out
//! finds the [`Colour`] again by it ([`by_light`]), so no two may share a light form.

use plotters::style::RGBColor;

/// A colour of the theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    /// The name of the CSS variable, without the dashes.
    pub name: &'static str,
    /// On a light page, and what charts draw with.
    pub light: RGBColor,
    /// On a dark page.
    pub dark: RGBColor,
}

const fn colour(name: &'static str, light: u32, dark: u32) -> Colour {
    Colour {
        name,
        light: rgb(light),
        dark: rgb(dark),
    }
}

const fn rgb(hex: u32) -> RGBColor {
    RGBColor((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The page.
pub const PAPER: Colour = colour("paper", 0xFFFFFF, 0x14171D);
/// Text and marks that matter.
pub const INK: Colour = colour("ink", 0x1B2230, 0xE8EBF0);
/// Secondary text.
pub const MUTED: Colour = colour("muted", 0x5B6573, 0xA3ACB9);
/// Grid lines.
pub const GRID: Colour = colour("grid", 0xE3E7EC, 0x2C323C);
/// The line that everything is compared with.
pub const REFERENCE: Colour = colour("reference", 0x9AA4B1, 0x6F7A89);
/// Panels behind tables and rows.
pub const WASH: Colour = colour("wash", 0xF4F6F8, 0x1D222A);
/// Live bytes: what the program asked for, whatever the allocator.
pub const LIVE: Colour = colour("live", 0xC3CCD7, 0x4B5664);
/// Something went wrong.
pub const WARN: Colour = colour("warn", 0xB00020, 0xFF7A85);

const NAMED: [(&str, Colour); 8] = [
    ("system", colour("a-system", 0x3B4252, 0xD3DAE6)),
    ("fancy", colour("a-fancy", 0xD55E00, 0xFF8A3D)),
    (
        "fancy-reclaim",
        colour("a-fancy-reclaim", 0xE69F00, 0xF5BD41),
    ),
    ("jemalloc", colour("a-jemalloc", 0x0072B2, 0x4AA8E0)),
    ("mimalloc", colour("a-mimalloc", 0x009E73, 0x2CC99B)),
    ("snmalloc", colour("a-snmalloc", 0xCC79A7, 0xE39CC4)),
    ("rpmalloc", colour("a-rpmalloc", 0x56B4E9, 0x8FD0F5)),
    ("null", colour("a-null", 0x8A93A0, 0x8C96A5)),
];

const OTHERS: [Colour; 8] = [
    colour("b-1", 0x332288, 0x8F86E0),
    colour("b-2", 0x117733, 0x5DBB79),
    colour("b-3", 0xAA4499, 0xD07CC2),
    colour("b-4", 0x882255, 0xD0608F),
    colour("b-5", 0x999933, 0xC9C95C),
    colour("b-6", 0x44AA99, 0x7BD3C5),
    colour("b-7", 0x661100, 0xC4725F),
    colour("b-8", 0x6699CC, 0xA6C8EC),
];

/// Colours for these allocators, in their order. A known name always gets the same colour;
/// the others (such as `preload:…`) take theirs from a cycle, in the order in which they come.
pub fn allocators<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Colour> {
    let mut strangers = OTHERS.iter().cycle();
    names
        .into_iter()
        .map(
            |name| match NAMED.iter().find(|(known, _)| *known == name) {
                Some((_, colour)) => *colour,
                None => strangers.next().copied().unwrap_or(INK),
            },
        )
        .collect()
}

/// Every colour of the theme.
pub fn all() -> impl Iterator<Item = Colour> {
    [PAPER, INK, MUTED, GRID, REFERENCE, WASH, LIVE, WARN]
        .into_iter()
        .chain(NAMED.iter().map(|(_, colour)| *colour))
        .chain(OTHERS)
}

/// The colour whose light form this is.
pub fn by_light(light: (u8, u8, u8)) -> Option<Colour> {
    all().find(|colour| hex_parts(colour.light) == light)
}

/// A colour in CSS: `#d55e00`.
pub fn hex(colour: RGBColor) -> String {
    let (r, g, b) = hex_parts(colour);
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn hex_parts(RGBColor(r, g, b): RGBColor) -> (u8, u8, u8) {
    (r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_colours_share_a_light_form_or_a_name() {
        let count = all().count();
        assert_eq!(
            all().map(|c| hex(c.light)).collect::<HashSet<_>>().len(),
            count
        );
        assert_eq!(all().map(|c| c.name).collect::<HashSet<_>>().len(), count);
    }

    #[test]
    fn an_allocator_keeps_its_colour_whatever_stands_beside_it() {
        let all = allocators(["system", "preload:/a.so", "fancy", "preload:/b.so"]);
        assert_eq!(all[2], allocators(["fancy"])[0]);
        assert_ne!(all[1], all[3]);
        assert_eq!(allocators((0..40).map(|_| "x")).len(), 40);
    }

    #[test]
    fn text_colours_keep_contrast_with_the_page() {
        // Relative luminance and contrast after WCAG 2.
        let channel = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        let luminance =
            |RGBColor(r, g, b)| 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
        let contrast = |a, b| {
            let (a, b): (f64, f64) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for text in [INK, MUTED, WARN] {
            assert!(contrast(text.light, PAPER.light) >= 4.5, "{}", text.name);
            assert!(contrast(text.dark, PAPER.dark) >= 4.5, "{}", text.name);
        }
    }
}
