//! The session for the worker's JavaScript: numbers, strings of JSON, and bytes of pixels.
//!
//! Every call answers at once; what may take long takes a budget, so that the worker can tell how far it is.

mod bytes;

use std::sync::Arc;

use reports::canvas::{self, Mode as Theme};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::CanvasRenderingContext2d;

use bytes::Bytes;

use crate::chart::{self, Subject};
use crate::error::SessionError;
use crate::map::{self, Window};
use crate::palette::{Mode, Palette};
use crate::replay::Step;
use crate::session::Session;
use crate::source::{Blocks, Source};
use crate::{facts, panels, policy, search};

#[wasm_bindgen]
extern "C" {
    /// Tells the page of a defect in this module; the page shows it.
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

/// Runs when the module is loaded: a panic, which would be a defect, says where it happened before it ends the module.
#[wasm_bindgen(start)]
pub fn start() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|panic| console_error(&panic.to_string())));
}

fn thrown(error: SessionError) -> JsError {
    JsError::new(&error.to_string())
}

fn json<T: Serialize>(value: &T) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(JsError::from)
}

fn unknown(what: &str, name: &str) -> JsError {
    JsError::new(&format!("there is no {what} {name}"))
}

/// A tape opened; see `worker.js`.
#[wasm_bindgen(js_name = Session)]
pub struct PageSession {
    session: Session,
    measured: bool,
}

/// Errors are all of one kind: their texts say what is wrong, as those of the functions called do.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
#[wasm_bindgen(js_class = Session)]
impl PageSession {
    /// Opens the tape in `bytes`; reads its index only.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Bytes) -> Result<PageSession, JsError> {
        // Nothing here runs in two threads; the shared pointer is that of the native code.
        #[allow(clippy::arc_with_non_send_sync)]
        let source: Source = match bytes.in_memory() {
            true => Arc::new(bytes),
            false => Arc::new(Blocks::new(bytes)),
        };
        Session::open(source)
            .map(|session| PageSession {
                session,
                measured: false,
            })
            .map_err(thrown)
    }

    /// Begins to read the events from one to behind another.
    pub fn choose(&mut self, from: u32, to: u32) -> Result<(), JsError> {
        self.session.choose(from, to).map_err(thrown)
    }

    /// Begins to read the whole tape for its overview alone.
    pub fn scan(&mut self) {
        self.session.scan();
    }

    /// Reads up to `budget` further events; returns the share that is read.
    pub fn load(&mut self, budget: u32) -> f64 {
        self.session.load(budget)
    }

    /// The tape, as [`facts::Summary`].
    pub fn summary(&self) -> Result<String, JsError> {
        json(&facts::summary(&self.session))
    }

    /// Chooses a thread's heap; `policies` as [`policy::parse`] reads them, one or two, with `;` between them.
    pub fn select(&mut self, heap: u32, policies: &str) -> Result<(), JsError> {
        let policies: Result<Vec<_>, _> = policies.split(';').map(policy::parse).collect();
        self.session
            .select(heap, &policies.map_err(thrown)?)
            .map_err(thrown)
    }

    /// Replays up to `budget` events of the chosen heap for its timeline and key frames; returns the share done.
    pub fn survey(&mut self, budget: u32) -> Result<f64, JsError> {
        self.session.survey(budget as usize).map_err(thrown)
    }

    /// The same for the next of all heaps, for the timeline of all; returns the share of heaps done.
    #[wasm_bindgen(js_name = surveyAll)]
    pub fn survey_all(&mut self, budget: u32) -> Result<f64, JsError> {
        self.session.survey_all(budget as usize).map_err(thrown)
    }

    /// Goes to the state after the first `events` events.
    pub fn seek(&mut self, events: u32) -> Result<(), JsError> {
        self.session.seek(events).map_err(thrown)
    }

    /// The position `by` events of the chosen heap from `from`.
    pub fn step(&self, from: u32, by: i32) -> Result<u32, JsError> {
        self.session.step(from, i64::from(by)).map_err(thrown)
    }

    /// The position right after the next (or last) `coalesce`, `split`, new `arena` or `refusal` from `from`.
    pub fn find(&mut self, from: u32, what: &str, forward: bool) -> Result<Option<u32>, JsError> {
        let step = match what {
            "coalesce" => Step::Coalesce,
            "split" => Step::Split,
            "arena" => Step::Arena,
            "refusal" => Step::Refusal,
            _ => return Err(unknown("step", what)),
        };
        self.session.find(from, step, forward).map_err(thrown)
    }

    /// The position right after the first refused request, if any was.
    #[wasm_bindgen(js_name = firstFailure)]
    pub fn first_failure(&mut self) -> Result<Option<u32>, JsError> {
        self.session.first_failure().map_err(thrown)
    }

    /// The position at which all threads together hold the most.
    #[wasm_bindgen(js_name = peakOfAll)]
    pub fn peak_of_all(&self) -> u32 {
        panels::peak_of_all(&self.session)
    }

    /// The chosen heap as it stands in each pane (or, in part, as it stood a moment ago), as a list of [`facts::Standing`].
    pub fn standings(&self, quick: bool) -> Result<String, JsError> {
        json(&facts::standings(&self.session, quick).map_err(thrown)?)
    }

    /// An event, as [`facts::EventFacts`], or `null` beyond the last.
    pub fn event(&self, number: u32) -> Result<String, JsError> {
        json(&facts::event(&self.session, number))
    }

    /// What lies at a byte of the chosen heap, as [`facts::Place`], or `null` where it has no memory.
    pub fn place(&self, pane: usize, at: f64) -> Result<String, JsError> {
        json(&facts::place(&self.session, pane, at as u64).map_err(thrown)?)
    }

    /// The payload of the block in use behind `at`, or before it, in address order.
    pub fn neighbour(&self, pane: usize, at: f64, forward: bool) -> Result<Option<f64>, JsError> {
        let replay = self.pane(pane)?.replay();
        let found = map::neighbour(replay, at as u64, forward);
        Ok(found.map(|part| part.payload as f64))
    }

    /// The list `bins`, `free`, `arenas` or `threads`, as [`panels::List`]; `null` for another name.
    pub fn list(&self, pane: usize, name: &str) -> Result<String, JsError> {
        json(&panels::list(&self.session, pane, name).map_err(thrown)?)
    }

    /// Arenas and spans as of the last look at the heap, as a list of [`crate::glance::Region`].
    pub fn regions(&self, pane: usize) -> Result<String, JsError> {
        json(&self.pane(pane)?.last_glance().regions)
    }

    /// What a person typed, found: [`search::Found`].
    pub fn search(&self, pane: usize, query: &str) -> Result<String, JsError> {
        json(&search::search(&self.session, pane, query).map_err(thrown)?)
    }

    /// The fields of headers at the positions `from` to `to`, as a list of [`facts::FieldFacts`].
    pub fn fields(&self, pane: usize, from: f64, to: f64) -> Result<String, JsError> {
        let mut fields = Vec::new();
        let replay = self.pane(pane)?.replay();
        replay.fields(from as u64, to as u64, &mut |_, field| {
            fields.push(facts::field_facts(&field));
        });
        json(&fields)
    }

    /// The blocks in use at the positions `from` to `to`, as a list of payload, end, bytes asked for, and maker.
    pub fn blocks(&self, pane: usize, from: f64, to: f64) -> Result<String, JsError> {
        let (from, to) = (from as u64, to as u64);
        let mut blocks = Vec::new();
        self.pane(pane)?
            .replay()
            .walk_within(from, to, &mut |part| {
                let end = part.position + part.bytes;
                if let Some(maker) = part.maker.filter(|_| part.position < to && end > from) {
                    blocks.push((part.payload, end, part.requested, maker));
                }
            });
        json(&blocks)
    }

    /// The map of the chosen heap: four bytes a cell. `palette` as [`Palette::from_bytes`] reads it.
    #[allow(
        clippy::too_many_arguments,
        reason = "JavaScript has no structs to pass"
    )]
    pub fn paint(
        &self,
        pane: usize,
        from: f64,
        cell: f64,
        columns: u32,
        rows: u32,
        palette: &[u8],
        mode: &str,
        quick: bool,
    ) -> Result<Vec<u8>, JsError> {
        let palette = Palette::from_bytes(palette)
            .ok_or_else(|| unknown("palette of bytes", &palette.len().to_string()))?;
        let window = Window {
            from: from as u64,
            cell: (cell as u64).max(1).next_power_of_two(),
            columns: columns.min(8192),
            rows: rows.min(8192),
        };
        let mode = Mode::named(mode).ok_or_else(|| unknown("colouring", mode))?;
        let (log, now) = (self.session.log(), self.session.position());
        let view = self.pane(pane)?;
        Ok(map::paint(view, quick, log, now, window, &palette, mode))
    }

    /// The most address space that the chosen heap ever uses, in bytes.
    pub fn extent(&self, pane: usize) -> Result<f64, JsError> {
        Ok(self.pane(pane)?.extent() as f64)
    }

    /// Whether the chosen heap lives for a small part of the events only, so that charts of it can show that part alone.
    #[wasm_bindgen(js_name = isShort)]
    pub fn is_short(&self) -> Result<bool, JsError> {
        Ok(self.pane(0)?.life().is_some())
    }

    /// Draws a chart onto a 2D context that is scaled to CSS pixels; with `life`, of a heap's own life; returns where the curves stand: left, right, top and
    /// bottom, and the span of events.
    pub fn chart(
        &mut self,
        what: &str,
        life: bool,
        context: &CanvasRenderingContext2d,
        width: f64,
        height: f64,
        dark: bool,
    ) -> Result<Vec<f64>, JsError> {
        if !self.measured {
            canvas::measure_on(context);
            self.measured = true;
        }
        let subject = Subject::named(what).ok_or_else(|| unknown("chart", what))?;
        let chart = chart::chart(&self.session, subject, life);
        let (scene, plot) =
            chart::draw(&chart, width, height).ok_or_else(|| unknown("room for", what))?;
        canvas::paint(&scene, theme(dark), &mut &*context);
        let (from, to) = chart.span;
        Ok(vec![plot.x0, plot.x1, plot.y0, plot.y1, from, to])
    }

    /// A chart as an SVG file.
    pub fn svg(
        &mut self,
        what: &str,
        life: bool,
        width: f64,
        height: f64,
        dark: bool,
    ) -> Result<String, JsError> {
        let subject = Subject::named(what).ok_or_else(|| unknown("chart", what))?;
        let chart = chart::chart(&self.session, subject, life);
        let (scene, _) =
            chart::draw(&chart, width, height).ok_or_else(|| unknown("room for", what))?;
        Ok(chart::svg(&scene, width, height, theme(dark)))
    }

    /// The values of a chart's curves about one event, as a list of name and value.
    #[wasm_bindgen(js_name = chartAt)]
    pub fn chart_at(&self, what: &str, life: bool, event: f64) -> Result<String, JsError> {
        let subject = Subject::named(what).ok_or_else(|| unknown("chart", what))?;
        let chart = chart::chart(&self.session, subject, life);
        let value = |points: &[(f64, f64)]| {
            let next = points.partition_point(|(at, _)| *at < event);
            points
                .get(next.min(points.len().saturating_sub(1)))
                .map(|(_, value)| *value)
        };
        let values = chart
            .curves
            .iter()
            .filter_map(|curve| Some((curve.name.clone(), value(&curve.points)?)));
        json(&values.collect::<Vec<_>>())
    }

    /// The layout of the chosen heap in a pane as 16 hexadecimal digits.
    pub fn digest(&self, pane: usize) -> Result<String, JsError> {
        self.session
            .digest(pane)
            .map(|digest| format!("{digest:016x}"))
            .map_err(thrown)
    }

    /// Tests the invariants of the chosen heap; the first that is broken, or the empty string.
    pub fn broken(&self, pane: usize) -> Result<String, JsError> {
        Ok(self.pane(pane)?.replay().broken().unwrap_or_default())
    }
}

impl PageSession {
    fn pane(&self, pane: usize) -> Result<&crate::view::View, JsError> {
        self.session
            .panes()
            .get(pane)
            .ok_or_else(|| thrown(SessionError::NoHeap))
    }
}

fn theme(dark: bool) -> Theme {
    if dark { Theme::Dark } else { Theme::Light }
}
