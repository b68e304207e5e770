//! A standalone SVG as PNG, drawn by resvg: the two agree because one is made from the other.
//!
//! A chart has few colours, and their mixtures at the edges of letters. So the picture is stored with a palette, in about a third
//! of the bytes.

use resvg::{tiny_skia, usvg};
use std::collections::HashMap;

/// Pixels of the PNG to a CSS pixel of the SVG: sharp on a slide, and small enough to stand in the page as well.
const SCALE: f32 = 1.5;

/// Most colours of a palette.
const COLOURS: usize = 128;

/// Red, green, blue, opacity.
type Rgba = [u8; 4];

/// Renders at one and a half pixels to a CSS pixel.
///
/// # Errors
/// A sentence, where the SVG cannot be read or is too large to be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
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
    encode(&pixels, width, height).map_err(|e| e.to_string())
}

fn encode(pixels: &[Rgba], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let (palette, of) = palette(pixels);
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

/// The colours to keep, and which of them stands for each colour of the picture. The commonest are kept; one that is hard to
/// tell from a commoner one is not. Every other stands for its nearest.
fn palette(pixels: &[Rgba]) -> (Vec<Rgba>, HashMap<Rgba, u8>) {
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
    colours.sort_unstable_by_key(|(colour, n)| (std::cmp::Reverse(*n), *colour));
    let near = if colours.len() > COLOURS { 100 } else { 0 };
    let mut kept: Vec<Rgba> = Vec::with_capacity(COLOURS);
    for (colour, _) in &colours {
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
        let png = png(svg).unwrap_or_default();
        assert_eq!(&png[1..4], b"PNG");
        assert_eq!((png[19], png[23]), (45, 30));
        assert!(super::png("<svg").is_err());
    }

    #[test]
    fn few_colours_are_kept_as_they_are_and_many_stand_for_their_nearest() {
        let few: Vec<Rgba> = (0..128).map(|i| [i, 7, 9, 255]).collect();
        let (kept, of) = palette(&few);
        assert_eq!(kept.len(), COLOURS);
        assert!(few.iter().all(|c| kept[of[c] as usize] == *c));
        let many: Vec<Rgba> = (0..4096u32)
            .map(|i| {
                [
                    (i >> 8) as u8 * 16,
                    (i >> 4) as u8 % 16 * 16,
                    i as u8 % 16 * 16,
                    255,
                ]
            })
            .collect();
        let (kept, of) = palette(&many);
        assert_eq!((kept.len(), of.len()), (COLOURS, 4096));
        // The first of equals in their order: of red 0, green up to 112.
        assert_eq!(kept[of[&[0, 112, 240, 255]] as usize], [0, 112, 240, 255]);
        assert_eq!(kept[of[&[240, 240, 240, 255]] as usize], [0, 112, 240, 255]);
    }
}
