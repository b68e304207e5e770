//! The lines over the events, drawn by the code of `reports`: on a canvas of the browser, or as an SVG file.

use std::fmt::Write as _;

use reports::canvas::{Canvas, Mode, Point};
use reports::charts::{Look, NamedCurve, PlotBox, Quantity, Timeline as Chart};
use reports::scene::Scene;
use reports::theme::{self, Colour};

use crate::overview;
use crate::session::Session;
use crate::timeline::{Buckets, Series};
use crate::view::View;

/// What a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Live bytes and footprint of the chosen heap, under the policy of each pane.
    Heap,
    /// Live bytes of all threads, and the footprint of their heaps as far as they were replayed.
    All,
    /// Events a second.
    Rate,
    /// Footprint under the second policy less that under the first.
    Footprint,
    /// Splits under the second policy less those under the first.
    Splits,
    /// Live bytes over the whole tape, as far as it was read.
    WholeLive,
    /// Events a second over the whole tape.
    WholeRate,
}

impl Subject {
    /// By its name on the page.
    pub fn named(name: &str) -> Option<Subject> {
        match name {
            "heap" => Some(Subject::Heap),
            "all" => Some(Subject::All),
            "rate" => Some(Subject::Rate),
            "footprint" => Some(Subject::Footprint),
            "splits" => Some(Subject::Splits),
            "whole-live" => Some(Subject::WholeLive),
            "whole-rate" => Some(Subject::WholeRate),
            _ => None,
        }
    }
}

fn curve(name: &str, colour: Colour, look: Look, points: Vec<(f64, f64)>) -> NamedCurve {
    NamedCurve {
        name: name.to_string(),
        colour,
        look,
        points,
    }
}

/// Colours of the allocator under its first and second policy.
fn two() -> [Colour; 2] {
    let colours = theme::allocators(["fancy", "jemalloc"]);
    [colours[0], colours[1]]
}

fn live(points: Vec<(f64, f64)>) -> NamedCurve {
    curve("live bytes", theme::LIVE, Look::Area(0.75), points)
}

/// A heap over the events that a chart shows: how they are grouped, and the values of the groups.
fn over<'s>(session: &'s Session, view: &'s View, life: bool) -> (&'s Buckets, &'s Series) {
    match view.life().filter(|_| life) {
        Some((buckets, series)) => (buckets, series),
        None => (session.timeline().buckets(), view.series()),
    }
}

/// The chart of a subject over the loaded events, or over the whole tape; with `life`, one of the chosen heap only over that
/// heap's life, if it is short.
pub fn chart(session: &Session, subject: Subject, life: bool) -> Chart {
    let timeline = session.timeline();
    let (mut first, mut end) = session.range();
    let of_heap = matches!(
        subject,
        Subject::Heap | Subject::Footprint | Subject::Splits
    );
    if let (true, Ok(view)) = (of_heap, session.view()) {
        (first, end) = over(session, view, life).0.span();
    }
    let whole = matches!(subject, Subject::WholeLive | Subject::WholeRate);
    let (mut up, mut curves) = (Quantity::Bytes, Vec::new());
    let [one, other] = two();
    match subject {
        Subject::Heap => {
            let panes = session.panes();
            if let Some(view) = panes.first() {
                let (buckets, series) = over(session, view, life);
                curves.push(live(buckets.points(series.live())));
            }
            let name = |pane: usize| match panes.len() {
                1 => "footprint".to_string(),
                _ => format!("footprint of pane {}", pane + 1),
            };
            for (pane, (view, colour)) in panes.iter().zip([one, other]).enumerate() {
                let (buckets, series) = over(session, view, life);
                let points = buckets.points(series.footprint());
                curves.push(curve(&name(pane), colour, Look::Line(1.75), points));
            }
        }
        Subject::All => {
            curves.push(live(timeline.points(timeline.live())));
            if timeline.surveyed() > 0 {
                let points = timeline.points(timeline.footprint());
                curves.push(curve("footprint", one, Look::Line(1.75), points));
            }
        }
        Subject::Rate | Subject::WholeRate => {
            up = Quantity::Count;
            let read = session.overview();
            // Until all of the tape was read, its index knows more.
            let points = match read.seen() >= session.events() || !whole {
                true => read.rates(),
                false => overview::rates(session.tape()),
            };
            curves.push(curve("events per second", other, Look::Line(1.5), points));
        }
        Subject::WholeLive => {
            curves.push(live(session.overview().live_points()));
            // The heaps were replayed for the range that is loaded.
            if timeline.surveyed() > 0 {
                let points = timeline.points(timeline.footprint());
                curves.push(curve("footprint", one, Look::Line(1.5), points));
            }
        }
        Subject::Footprint | Subject::Splits => {
            if let [one, second] = session.panes() {
                let of = |view: &View| {
                    let (buckets, series) = over(session, view, life);
                    buckets.points(match subject {
                        Subject::Footprint => series.footprint(),
                        _ => series.splits(),
                    })
                };
                let (points, second) = (of(one), of(second));
                let less = (points.into_iter().zip(second))
                    .map(|((at, one), (_, second))| (at, second - one))
                    .collect();
                let name = match subject {
                    Subject::Footprint => "footprint of pane 2 less that of pane 1",
                    _ => "splits of pane 2 less those of pane 1",
                };
                curves.push(curve(name, other, Look::Line(1.75), less));
            }
            if subject == Subject::Splits {
                up = Quantity::Count;
            }
        }
    }
    let marks = session.marks().iter().filter_map(|&event| {
        let number = usize::try_from(session.log().get(event)?.value).ok()?;
        Some((
            f64::from(event),
            session.tape().marks().get(number)?.clone(),
        ))
    });
    let mut marks: Vec<(f64, String)> = marks.collect();
    if of_heap {
        let heap = session.view().ok().map(View::heap);
        let end = heap.and_then(|heap| session.log().heaps().get(heap as usize)?.end);
        // Where it lies before the range, there is no place for it.
        marks.extend(end.map(|end| (f64::from(end.event), "its thread ends".to_string())));
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let span = match whole {
        true => (0.0, f64::from(session.events())),
        false => (f64::from(first), f64::from(end)),
    };
    Chart {
        across: Quantity::Count,
        span,
        up,
        curves,
        marks,
    }
}

/// Draws a chart at this size in CSS pixels. `None` when plotters refuses, which it never did.
pub fn draw(chart: &Chart, width: f64, height: f64) -> Option<(Scene, PlotBox)> {
    chart.draw(width.max(1.0), height.max(1.0)).ok()
}

/// The chart as an SVG file.
pub fn svg(scene: &Scene, width: f64, height: f64, mode: Mode) -> String {
    let mut file = SvgFile(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        reports::canvas::css(theme::PAPER, mode)
    ));
    reports::canvas::paint(scene, mode, &mut file);
    file.0 + "</svg>\n"
}

/// An SVG file as a canvas.
struct SvgFile(String);

impl SvgFile {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "{line}");
    }
}

fn points(points: &[Point]) -> String {
    let pairs = points.iter().map(|(x, y)| format!("{x:.2},{y:.2}"));
    pairs.collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Canvas for SvgFile {
    fn fill(&mut self, corners: &[Point], colour: &str) {
        let corners = points(corners);
        self.line(format_args!(
            r#"<polygon points="{corners}" fill="{colour}"/>"#
        ));
    }

    fn stroke(&mut self, line: &[Point], colour: &str, width: f64) {
        let line = points(line);
        self.line(format_args!(
            r#"<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="round"/>"#
        ));
    }

    fn fill_circle(&mut self, (x, y): Point, radius: f64, colour: &str) {
        self.line(format_args!(
            r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>"#
        ));
    }

    fn stroke_circle(&mut self, (x, y): Point, radius: f64, colour: &str, width: f64) {
        self.line(format_args!(
            r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#
        ));
    }

    fn text(&mut self, words: &str, (x, y): Point, font: &str, colour: &str) {
        let (words, font) = (escaped(words), escaped(font));
        self.line(format_args!(
            r#"<text x="{x:.2}" y="{y:.2}" style="font: {font}" fill="{colour}">{words}</text>"#
        ));
    }
}
