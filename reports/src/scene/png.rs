//! A standalone SVG as PNG, drawn by resvg: the two agree because one is made from the other.
//!
//! A chart has few colours, and their mixtures at the edges of letters. So the picture is stored with a palette, in about a fifth
//! of the bytes: the chart's own colours as they are, and of the mixtures those that an eye can tell apart.

use super::Paint;
use crate::theme::PAPER;
use plotters::style::RGBColor;
use resvg::{tiny_skia, usvg};
use std::collections::{HashMap, HashSet};

/// Pixels of the PNG to a CSS pixel of the SVG: sharp on a slide, and small enough to stand in the page as well.
const SCALE: f32 = 1.5;

/// Most colours of a palette.
const COLOURS: usize = 128;

/// The square of the distance below which a mixture stands for another; a colour of the chart stands for itself.
const NEAR: i32 = 2_500;

/// Red, green, blue, opacity.
type Rgba = [u8; 4];

/// Renders at one and a half pixels to a CSS pixel. `paints` are the colours that the picture is made of, on paper.
///
/// # Errors
/// A sentence, where the SVG cannot be read or is too large to be drawn.
pub fn png(svg: &str, paints: &[Paint]) -> Result<Vec<u8>, String> {
    let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).map_err(|e| e.to_string())?;
    let side = |px: f32| (px * SCALE).ceil() as u32;
    let (width, height) = (side(tree.size().width()), side(tree.size().height()));
    let mut picture = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| format!("no picture of {width} by {height} pixels"))?;
    resvg::render(
        &tree,
        tiny_skia::Transform::from_scale(SCALE, SCALE),
        &mut picture.as_mut(),
    );
    let pixels: Vec<Rgba> = picture
        .pixels()
        .iter()
        .map(|p| {
            let p = p.demultiply();
            [p.red(), p.green(), p.blue(), p.alpha()]
        })
        .collect();
    let paper = Paint {
        rgb: (0, 0, 0),
        alpha: 0.0,
    };
    let own: HashSet<Rgba> = paints.iter().chain([&paper]).map(on_paper).collect();
    encode(&pixels, &own, width, height).map_err(|e| e.to_string())
}

/// The colour of a paint on paper.
fn on_paper(paint: &Paint) -> Rgba {
    let RGBColor(r, g, b) = PAPER.light;
    let mix = |over: u8, under: u8| {
        let (over, under) = (f64::from(over), f64::from(under));
        (under + (over - under) * paint.alpha).round() as u8
    };
    [
        mix(paint.rgb.0, r),
        mix(paint.rgb.1, g),
        mix(paint.rgb.2, b),
        255,
    ]
}

fn encode(
    pixels: &[Rgba],
    own: &HashSet<Rgba>,
    width: u32,
    height: u32,
) -> Result<Vec<u8>, png::EncodingError> {
    let (palette, of) = palette(pixels, own);
    let indices: Vec<u8> = pixels
        .iter()
        .map(|p| of.get(p).copied().unwrap_or(0))
        .collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(
        palette
            .iter()
            .flat_map(|c| [c[0], c[1], c[2]])
            .collect::<Vec<u8>>(),
    );
    encoder.set_trns(palette.iter().map(|c| c[3]).collect::<Vec<u8>>());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&indices)?;
    writer.finish()?;
    Ok(out)
}

/// The colours to keep, and which of them stands for each colour of the picture. Kept are the chart's own, or near ones, as mixing
/// rounds, and of the others the commonest that are not hard to tell from one that is kept. Every other stands for its nearest.
fn palette(pixels: &[Rgba], own: &HashSet<Rgba>) -> (Vec<Rgba>, HashMap<Rgba, u8>) {
    let mut counts: HashMap<Rgba, u32> = HashMap::new();
    let mut last: Option<(Rgba, u32)> = None;
    // Neighbours are mostly alike: one look-up a run of them.
    for &pixel in pixels {
        match &mut last {
            Some((colour, n)) if *colour == pixel => *n += 1,
            _ => {
                if let Some((colour, n)) = last.replace((pixel, 1)) {
                    *counts.entry(colour).or_default() += n;
                }
            }
        }
    }
    if let Some((colour, n)) = last {
        *counts.entry(colour).or_default() += n;
    }
    let mut colours: Vec<(Rgba, u32)> = counts.into_iter().collect();
    let is_own = |colour: &Rgba| own.iter().any(|o| distance(o, colour) <= 3);
    colours.sort_by_cached_key(|(colour, n)| (!is_own(colour), std::cmp::Reverse(*n), *colour));
    let mine = colours.iter().take_while(|(c, _)| is_own(c)).count();
    let mut kept: Vec<Rgba> = Vec::with_capacity(COLOURS);
    for (i, (colour, _)) in colours.iter().enumerate() {
        let near = if i < mine { 0 } else { NEAR };
        if kept.len() < COLOURS && kept.iter().all(|k| distance(k, colour) > near) {
            kept.push(*colour);
        }
    }
    let nearest = |colour: &Rgba| {
        let best = (0..kept.len()).min_by_key(|i| distance(&kept[*i], colour));
        best.unwrap_or(0) as u8
    };
    let of = colours.iter().map(|(c, _)| (*c, nearest(c))).collect();
    (kept, of)
}

/// The square of the distance of two colours. No two colours have 0, so with 0 as the least distance every colour is kept.
fn distance(a: &Rgba, b: &Rgba) -> i32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_half_as_large_again_as_the_svg() {
        let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20" viewBox="0 0 120 80"><rect width="120" height="80" fill="#d55e00"/></svg>"##;
        let png = png(svg, &[]).unwrap_or_default();
        assert_eq!(&png[1..4], b"PNG");
        assert_eq!((png[19], png[23]), (45, 30));
        assert!(super::png("<svg", &[]).is_err());
    }

    #[test]
    fn the_chart_s_own_colours_are_kept_and_mixtures_stand_for_their_nearest() {
        let grey = |v: u8| [v, v, v, 255];
        let greys: Vec<Rgba> = (0..=255).map(grey).collect();
        let own: HashSet<Rgba> = [grey(100), grey(103), grey(255)].into();
        let (kept, of) = palette(&greys, &own);
        let shown = |v: u8| kept[of[&grey(v)] as usize];
        assert!(own.iter().all(|o| shown(o[0]) == *o), "{kept:?}");
        assert!((5..20).contains(&kept.len()), "{kept:?}");
        assert!(
            (0..=255).all(|v| distance(&shown(v), &grey(v)) <= NEAR),
            "{kept:?}"
        );
        let many: Vec<Rgba> = (0..=255).map(|v| [v, 255 - v, 7, 255]).collect();
        let (kept, of) = palette(&many, &many.iter().copied().collect());
        assert_eq!(
            (kept.len(), of.len()),
            (COLOURS, 256),
            "no more than there is room for"
        );
    }

    #[test]
    fn paper_stays_white_beside_a_colour_that_is_near_it() {
        let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" viewBox="0 0 40 40"><rect width="40" height="40" fill="#fff"/><circle cx="10" cy="10" r="6" fill="#e3e7ec"/></svg>"##;
        let grid = Paint {
            rgb: (0xE3, 0xE7, 0xEC),
            alpha: 1.0,
        };
        let file = png(svg, &[grid]).unwrap_or_default();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let palette = reader.info().palette.clone().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let at = |x: usize, y: usize| {
            let i = usize::from(pixels[y * 60 + x]) * 3;
            [palette[i], palette[i + 1], palette[i + 2]]
        };
        assert_eq!((at(50, 50), at(15, 15)), ([255; 3], [0xE3, 0xE7, 0xEC]));
    }

    #[test]
    fn a_paint_is_mixed_with_the_paper() {
        let paint = |rgb, alpha| on_paper(&Paint { rgb, alpha });
        assert_eq!(paint((0, 100, 255), 1.0), [0, 100, 255, 255]);
        assert_eq!(paint((0, 100, 255), 0.5), [128, 178, 255, 255]);
    }
}
