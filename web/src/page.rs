//! The session for JavaScript: numbers, strings of JSON, and bytes of pixels.
//!
//! Every call answers at once; what may take long takes a budget, so that the page can draw in between.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::error::SessionError;
use crate::facts;
use crate::map::{self, Palette, Window};
use crate::session::Session;

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

/// A tape opened; see `session.js`.
#[wasm_bindgen(js_name = Session)]
pub struct PageSession {
    session: Session,
}

#[wasm_bindgen(js_class = Session)]
impl PageSession {
    /// Opens the tape in `bytes`.
    ///
    /// # Errors
    /// It is no sound tape; the error's text says why.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: Vec<u8>) -> Result<PageSession, JsError> {
        Session::open(bytes)
            .map(|session| PageSession { session })
            .map_err(thrown)
    }

    /// Reads up to `budget` further events; returns the share that is read.
    pub fn load(&mut self, budget: u32) -> f64 {
        self.session.load(budget)
    }

    /// The tape, as [`facts::Summary`].
    ///
    /// # Errors
    /// It can't be put into JSON.
    pub fn summary(&self) -> Result<String, JsError> {
        json(&facts::summary(&self.session))
    }

    /// Chooses a thread's heap.
    ///
    /// # Errors
    /// There is no such thread, or no memory.
    pub fn select(&mut self, heap: u32) -> Result<(), JsError> {
        self.session.select(heap).map_err(thrown)
    }

    /// Replays up to `budget` events of the chosen heap for its timeline and key frames; returns the share done.
    ///
    /// # Errors
    /// No heap was chosen, or there is no memory.
    pub fn survey(&mut self, budget: u32) -> Result<f64, JsError> {
        self.session.survey(budget as usize).map_err(thrown)
    }

    /// The same for the next of all heaps, for the timeline of all; returns the share of heaps done.
    ///
    /// # Errors
    /// There is no memory.
    #[wasm_bindgen(js_name = surveyAll)]
    pub fn survey_all(&mut self, budget: u32) -> Result<f64, JsError> {
        self.session.survey_all(budget as usize).map_err(thrown)
    }

    /// Goes to the state after the first `events` events.
    ///
    /// # Errors
    /// No heap was chosen, or there is no memory.
    pub fn seek(&mut self, events: u32) -> Result<(), JsError> {
        self.session.seek(events).map_err(thrown)
    }

    /// The position `by` events of the chosen heap from `from`.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn step(&self, from: u32, by: i32) -> Result<u32, JsError> {
        self.session.step(from, i64::from(by)).map_err(thrown)
    }

    /// The position right after the chosen heap's peak of live bytes; 0 if it never has any.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn peak(&self) -> Result<u32, JsError> {
        let heap = self.session.view().map_err(thrown)?.heap();
        Ok(self
            .session
            .log()
            .peak(heap)
            .map_or(0, |(event, _)| event + 1))
    }

    /// The chosen heap as it stands, as [`facts::Standing`].
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn standing(&self) -> Result<String, JsError> {
        json(&facts::standing(&self.session).map_err(thrown)?)
    }

    /// An event, as [`facts::EventFacts`], or `null` beyond the last.
    ///
    /// # Errors
    /// It can't be put into JSON.
    pub fn event(&self, number: u32) -> Result<String, JsError> {
        json(&facts::event(&self.session, number))
    }

    /// What lies at a byte of the chosen heap, as [`facts::Place`], or `null` where it has no memory.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn place(&self, at: f64) -> Result<String, JsError> {
        json(&facts::place(&self.session, at as u64).map_err(thrown)?)
    }

    /// The map of the chosen heap: four bytes a cell. `palette` is 18 bytes, see [`Palette::from_bytes`].
    ///
    /// # Errors
    /// No heap was chosen, or the palette has another length.
    pub fn paint(
        &self,
        from: f64,
        cell: f64,
        columns: u32,
        rows: u32,
        palette: &[u8],
    ) -> Result<Vec<u8>, JsError> {
        let palette =
            Palette::from_bytes(palette).ok_or_else(|| JsError::new("a palette has 18 bytes"))?;
        let window = Window {
            from: from as u64,
            cell: (cell as u64).max(1),
            columns,
            rows,
        };
        let view = self.session.view().map_err(thrown)?;
        Ok(map::paint(view.replay(), window, &palette))
    }

    /// The most address space that the chosen heap ever uses, in bytes.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn extent(&self) -> Result<f64, JsError> {
        Ok(self.session.view().map_err(thrown)?.extent() as f64)
    }

    /// Events in a bucket of the timelines.
    #[wasm_bindgen(js_name = bucketWidth)]
    pub fn bucket_width(&self) -> u32 {
        self.session.timeline().width()
    }

    /// Live bytes of each bucket: of all heaps, or of the chosen one.
    ///
    /// # Errors
    /// The chosen one is wanted, and none was chosen.
    pub fn live(&self, all: bool) -> Result<Vec<f64>, JsError> {
        let bytes = match all {
            true => self.session.timeline().live(),
            false => self.session.view().map_err(thrown)?.series().live(),
        };
        Ok(bytes.iter().map(|&bytes| bytes as f64).collect())
    }

    /// Footprint of each bucket: of all heaps that were surveyed, or of the chosen one.
    ///
    /// # Errors
    /// The chosen one is wanted, and none was chosen.
    pub fn footprint(&self, all: bool) -> Result<Vec<f64>, JsError> {
        let bytes = match all {
            true => self.session.timeline().footprint(),
            false => self.session.view().map_err(thrown)?.series().footprint(),
        };
        Ok(bytes.iter().map(|&bytes| bytes as f64).collect())
    }

    /// The layout of the chosen heap as 16 hexadecimal digits.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn digest(&self) -> Result<String, JsError> {
        self.session
            .digest()
            .map(|digest| format!("{digest:016x}"))
            .map_err(thrown)
    }

    /// Tests the invariants of the chosen heap; the first that is broken, or the empty string.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn broken(&self) -> Result<String, JsError> {
        Ok(self
            .session
            .view()
            .map_err(thrown)?
            .replay()
            .broken()
            .unwrap_or_default())
    }
}
