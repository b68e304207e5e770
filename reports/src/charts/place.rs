//! Places for the names of points so that no name covers another name or a point.

use super::sheet::Point;

/// A box: left, top, right, bottom; CSS pixels.
pub type Box4 = (f64, f64, f64, f64);

/// Where a name went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Left end.
    pub x: f64,
    /// Centre of its height.
    pub y: f64,
    /// How far from its point it had to go: beyond 0 it wants a leader line.
    pub ring: usize,
    /// Whether it found no place that is clear of lines: it wants a ground of its own.
    pub crossed: bool,
}

impl Placed {
    /// Two corners of the room that a name of this width takes.
    pub fn room(&self, width: f64) -> [Point; 2] {
        let (left, top, right, bottom) = claim(self, width);
        [(left, top + PADDING), (right, bottom - PADDING)]
    }
}

const HEIGHT: f64 = 15.0;
const PADDING: f64 = 2.0;

/// Rings around a point in which a name may avoid lines; beyond those a line is better than a long way.
const NEAR: usize = 3;
const FAR: usize = 24;

/// Puts each name (of this width) near its point, inside `frame`, clear of all points and of each other, and of `lines` where that is near:
/// first the eight places around the point, then further and further out. A name that finds no place gets `None`.
pub fn place(
    points: &[(Point, f64)],
    radius: f64,
    lines: &[Box4],
    frame: Box4,
) -> Vec<Option<Placed>> {
    let mut taken: Vec<Box4> = points
        .iter()
        .map(|((x, y), _)| (x - radius, y - radius, x + radius, y + radius))
        .collect();
    points
        .iter()
        .map(|&(at, width)| {
            let mut find = |rings: usize, avoid: &[Box4]| {
                let places = (0..rings).flat_map(|ring| {
                    around(at, width, radius + 4.0 + ring as f64 * 11.0).map(|(x, y)| Placed {
                        x,
                        y,
                        ring,
                        crossed: avoid.is_empty() && !lines.is_empty(),
                    })
                });
                for place in places {
                    let claim = claim(&place, width);
                    let inside = claim.0 >= frame.0
                        && claim.1 >= frame.1
                        && claim.2 <= frame.2
                        && claim.3 <= frame.3;
                    if inside && !taken.iter().chain(avoid).any(|t| overlap(*t, claim)) {
                        taken.push(claim);
                        return Some(place);
                    }
                }
                None
            };
            find(NEAR, lines).or_else(|| find(FAR, &[]))
        })
        .collect()
}

fn claim(place: &Placed, width: f64) -> Box4 {
    let half = HEIGHT / 2.0 + PADDING;
    (
        place.x - PADDING,
        place.y - half,
        place.x + width + PADDING,
        place.y + half,
    )
}

/// Right, left, above, below, then the corners; each the text's left end and centre height.
fn around((x, y): Point, width: f64, distance: f64) -> [Point; 8] {
    let corner = distance * 0.8;
    [
        (x + distance, y),
        (x - distance - width, y),
        (x - width / 2.0, y - distance - HEIGHT / 2.0),
        (x - width / 2.0, y + distance + HEIGHT / 2.0),
        (x + corner, y - corner),
        (x + corner, y + corner),
        (x - corner - width, y - corner),
        (x - corner - width, y + corner),
    ]
}

fn overlap(a: Box4, b: Box4) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_names_at_one_point_find_places_that_do_not_overlap() {
        let points = vec![((200.0, 150.0), 80.0); 16];
        let placed: Vec<Placed> = place(&points, 6.0, &[], (0.0, 0.0, 800.0, 300.0))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(placed.len(), 16);
        let boxes: Vec<Box4> = placed
            .iter()
            .map(|p| (p.x, p.y - 7.0, p.x + 80.0, p.y + 7.0))
            .collect();
        for (i, a) in boxes.iter().enumerate() {
            assert!(boxes[i + 1..].iter().all(|b| !overlap(*a, *b)));
        }
    }

    #[test]
    fn a_name_keeps_off_a_line_beside_its_point() {
        let line = (0.0, 149.0, 800.0, 151.0);
        let placed = place(
            &[((200.0, 150.0), 80.0)],
            6.0,
            &[line],
            (0.0, 0.0, 800.0, 300.0),
        );
        assert!(placed[0].is_some_and(|p| !overlap(claim(&p, 80.0), line)));
    }

    #[test]
    fn a_name_with_no_room_has_no_place() {
        assert_eq!(
            place(&[((5.0, 5.0), 80.0)], 4.0, &[], (0.0, 0.0, 40.0, 40.0)),
            [None]
        );
    }
}
