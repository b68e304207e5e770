//! A standalone SVG as PNG, drawn by resvg: the two agree because one is made from the other.

use resvg::{tiny_skia, usvg};

/// Pixels of the PNG to a CSS pixel of the SVG.
const SCALE: f32 = 2.0;

/// Renders at two pixels to a CSS pixel.
///
/// # Errors
/// A sentence, where the SVG cannot be read or is too large to be drawn.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).map_err(|e| e.to_string())?;
    let side = |px: f32| (px * SCALE).ceil() as u32;
    let (width, height) = (side(tree.size().width()), side(tree.size().height()));
    let mut pixels = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| format!("no picture of {width} by {height} pixels"))?;
    resvg::render(
        &tree,
        tiny_skia::Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    pixels.encode_png().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_twice_as_large_as_the_svg() {
        let svg = r##"<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20" viewBox="0 0 120 80"><rect width="120" height="80" fill="#d55e00"/></svg>"##;
        let png = super::png(svg).unwrap_or_default();
        assert_eq!(&png[1..4], b"PNG");
        assert_eq!((png[19], png[23]), (60, 40));
        assert!(super::png("<svg").is_err());
    }
}
