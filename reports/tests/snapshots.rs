//! The numbers of every chart, as they stand in its SVG: what is written where, which marks stand where. Not its pixels: another
//! rounding of a letter is no change, another place of a figure is.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p reports --test snapshots` writes them anew; look at the difference before you keep it.

mod sample;

use reports::scene::{Ink, Paint, Scene, Shape, UNITS_PER_PX};
use reports::study::{Diff, Study};
use reports::{Pictures, pictures};
use std::fmt::Write;
use std::path::Path;

/// CSS pixels that a number may differ by.
const TOLERANCE: f64 = 0.6;

fn describe(picture: &Pictures) -> String {
    let scene: &Scene = &picture.alone;
    let px = |v: i32| f64::from(v) / UNITS_PER_PX;
    let hex = |Paint { rgb: (r, g, b), .. }: &Paint| format!("#{r:02x}{g:02x}{b:02x}");
    let ink = |ink: &Ink| match ink {
        Ink::Fill(paint) => format!("fill {}", hex(paint)),
        Ink::Stroke(paint, width) => format!(
            "stroke {} {:.2}",
            hex(paint),
            f64::from(*width) / UNITS_PER_PX
        ),
    };
    let mut out = format!(
        "{}\n{}\n{}\n",
        picture.meta.title, picture.meta.subtitle, picture.meta.caption
    );
    let _ = writeln!(
        out,
        "size {:.1} {:.1}",
        px(scene.width as i32),
        px(scene.height as i32)
    );
    for shape in &scene.shapes {
        let _ = match shape {
            Shape::Label(l) => writeln!(
                out,
                "text {:.1} {:.1} {}",
                l.x / UNITS_PER_PX,
                l.y / UNITS_PER_PX,
                l.text
            ),
            Shape::Rect(a, b, i) => writeln!(
                out,
                "rect {:.1} {:.1} {:.1} {:.1} {}",
                px(a.0),
                px(a.1),
                px(b.0),
                px(b.1),
                ink(i)
            ),
            Shape::Circle(c, r, i) => writeln!(
                out,
                "circle {:.1} {:.1} {:.1} {}",
                px(c.0),
                px(c.1),
                f64::from(*r) / UNITS_PER_PX,
                ink(i)
            ),
            Shape::Path(p, i) => {
                let _ = write!(out, "path {}", ink(i));
                // Ends, and every twentieth point between: enough to notice a change, few enough to read.
                for (n, (x, y)) in p.iter().enumerate() {
                    if n % 20 == 0 || n + 1 == p.len() {
                        let _ = write!(out, " {:.1} {:.1}", px(*x), px(*y));
                    }
                }
                writeln!(out)
            }
        };
    }
    out
}

fn compare(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}: UPDATE_SNAPSHOTS=1 writes it", path.display()));
    let (kept, now): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
    assert_eq!(
        kept.len(),
        now.len(),
        "{name}: other shapes than before; see the head of this test"
    );
    for (line, (a, b)) in kept.iter().zip(&now).enumerate() {
        let (x, y): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
        let same = x.len() == y.len()
            && x.iter()
                .zip(&y)
                .all(|(x, y)| match (x.parse::<f64>(), y.parse::<f64>()) {
                    (Ok(x), Ok(y)) => (x - y).abs() <= TOLERANCE,
                    _ => x == y,
                });
        assert!(same, "{name}, line {}: was\n  {a}\nand is\n  {b}", line + 1);
    }
}

#[test]
fn charts_of_a_measurement() {
    let few = sample::named(&sample::ALLOCATORS[..4]);
    let results = sample::scaling(&few, 5);
    let study = Study::new(&results);
    let all = pictures(&study).unwrap();
    assert_eq!(all.len(), 3 + 6, "each kind of chart once");
    for picture in &all {
        compare(&picture.meta.id, &describe(picture));
    }
}

#[test]
fn charts_of_a_comparison() {
    let few = sample::named(&sample::ALLOCATORS[..4]);
    let old = sample::results(1, &few, 5);
    let mut new = old.clone();
    for run in new.runs.iter_mut().filter(|r| r.allocator == "fancy") {
        run.elapsed_ns = run.elapsed_ns * 13 / 10;
    }
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    for picture in reports::diff_pictures(&diff).unwrap() {
        compare(&picture.meta.id, &describe(&picture));
    }
}
