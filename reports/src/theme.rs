//! The one theme: colours, and which allocator wears which.
//!
//! The allocators' colours follow Okabe and Ito, so that people with a colour-vision deficiency can tell them apart; those beyond
//! were searched for by computer, as far from these and from each other as they can be for such readers (the test below measures
//! it). No chart relies on colour alone: rows, plots and points carry names.
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
/// The tape itself, which is no allocator's.
pub const TAPE: Colour = colour("tape", 0x5B4B8A, 0xB7A8E6);
/// Something went wrong.
pub const WARN: Colour = colour("warn", 0xB00020, 0xFF7A85);

const NAMED: [(&str, Colour); 8] = [
    ("system", colour("a-system", 0x3B4252, 0xD3DAE6)),
    ("fancy", colour("a-fancy", 0xD55E00, 0xFF8A3D)),
    (
        "fancy-reclaim",
        colour("a-fancy-reclaim", 0xE69F00, 0xFACB47),
    ),
    ("jemalloc", colour("a-jemalloc", 0x0072B2, 0x4AA8E0)),
    ("mimalloc", colour("a-mimalloc", 0x009E73, 0x2CC99B)),
    ("snmalloc", colour("a-snmalloc", 0xCC79A7, 0xE39CC4)),
    ("rpmalloc", colour("a-rpmalloc", 0x56B4E9, 0x8FD0F5)),
    ("null", colour("a-null", 0x8A93A0, 0x8C96A5)),
];

const OTHERS: [Colour; 8] = [
    colour("b-1", 0x494C24, 0xF4F6D5),
    colour("b-2", 0x1313AE, 0x5F5FF2),
    colour("b-3", 0x97B361, 0xCBE892),
    colour("b-4", 0x3B1117, 0xD22D43),
    colour("b-5", 0x5A49CA, 0x7F70E1),
    colour("b-6", 0xAE138F, 0xB24D9E),
    colour("b-7", 0x837E3F, 0xECDD13),
    colour("b-8", 0xB6357A, 0xBF6997),
];

/// Colours for these allocators, in their order. A known name always gets the same colour; another (such as `preload:…`) has one
/// by its name, so that it is the same in every report, unless a stranger before it has that one: then the next that is free.
pub fn allocators<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Colour> {
    let mut taken = [0usize; OTHERS.len()];
    let mut stranger = |name: &str| {
        let least = taken.iter().copied().min().unwrap_or(0);
        let first = spread(name);
        let places = (0..OTHERS.len()).map(|i| (first + i) % OTHERS.len());
        let free = places.clone().find(|i| taken[*i] == least);
        let at = free.unwrap_or(first);
        taken[at] += 1;
        OTHERS[at]
    };
    names
        .into_iter()
        .map(
            |name| match NAMED.iter().find(|(known, _)| *known == name) {
                Some((_, colour)) => *colour,
                None => stranger(name),
            },
        )
        .collect()
}

/// A place among the strangers' colours by the name's letters (FNV-1a).
fn spread(name: &str) -> usize {
    let hash = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (hash % OTHERS.len() as u64) as usize
}

/// Every colour of the theme.
pub fn all() -> impl Iterator<Item = Colour> {
    [PAPER, INK, MUTED, GRID, REFERENCE, WASH, LIVE, TAPE, WARN]
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

    /// A channel of sRGB as light.
    fn linear(channel: u8) -> f64 {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    }

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
        assert_eq!(all[1], allocators(["preload:/a.so"])[0]);
        let eight: Vec<String> = (0..8).map(|i| format!("preload:/{i}.so")).collect();
        let eight = allocators(eight.iter().map(String::as_str));
        assert_eq!(
            eight.iter().map(|c| c.name).collect::<HashSet<_>>().len(),
            8
        );
        assert_ne!(all[1], all[3]);
        assert_eq!(allocators((0..40).map(|_| "x")).len(), 40);
    }

    /// How two colours look to somebody without one of the three kinds of cones: the simulation of Viénot, Brettel and Mollon
    /// (1999) for the red and green ones, then the distance in CIE L*a*b* (1976).
    #[test]
    fn allocators_differ_for_colour_blind_readers() {
        let times = |m: &[[f64; 3]; 3], v: [f64; 3]| {
            m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
        };
        let normal = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let protan = [
            [0.11238, 0.88762, 0.0],
            [0.11238, 0.88762, 0.0],
            [0.00401, -0.00401, 1.0],
        ];
        let deutan = [
            [0.29275, 0.70725, 0.0],
            [0.29275, 0.70725, 0.0],
            [-0.02234, 0.02234, 1.0],
        ];
        let to_xyz = [
            [0.4124, 0.3576, 0.1805],
            [0.2126, 0.7152, 0.0722],
            [0.0193, 0.1192, 0.9505],
        ];
        let lab = |rgb: [f64; 3]| {
            let xyz = times(&to_xyz, rgb);
            let f = |t: f64| {
                if t > 0.008856 {
                    t.cbrt()
                } else {
                    7.787 * t + 16.0 / 116.0
                }
            };
            let (x, y, z) = (f(xyz[0] / 0.9505), f(xyz[1]), f(xyz[2] / 1.089));
            [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
        };
        let forms: [fn(&Colour) -> RGBColor; 2] = [|c| c.light, |c| c.dark];
        for form in forms {
            for sight in [normal, protan, deutan] {
                let seen = |c: &Colour| {
                    let RGBColor(r, g, b) = form(c);
                    lab(times(&sight, [linear(r), linear(g), linear(b)]))
                };
                // `null` is grey on purpose.
                let all: Vec<Colour> = NAMED[..7].iter().map(|n| n.1).chain(OTHERS).collect();
                for (i, one) in all.iter().enumerate() {
                    for other in &all[i + 1..] {
                        let (p, q) = (seen(one), seen(other));
                        let distance = (0..3).map(|k| (p[k] - q[k]).powi(2)).sum::<f64>().sqrt();
                        assert!(
                            distance > 12.0,
                            "{} and {}: {distance:.1}",
                            one.name,
                            other.name
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn text_colours_keep_contrast_with_the_page() {
        // Relative luminance and contrast after WCAG 2.
        let luminance =
            |RGBColor(r, g, b)| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
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
