//! The tape's bytes as JavaScript has them.

use trace_format::{ReadAt, ReadError};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The bytes of a file or of an address, read at once and only where they are wanted; see `source.js`.
    pub type Bytes;

    /// How many there are.
    #[wasm_bindgen(method, getter)]
    fn length(this: &Bytes) -> f64;

    /// Whether all of them are in memory, so that reading few is as quick as reading many.
    #[wasm_bindgen(method, getter, js_name = inMemory)]
    pub fn in_memory(this: &Bytes) -> bool;

    /// So many of them, from there on.
    #[wasm_bindgen(method, catch)]
    fn read(this: &Bytes, from: f64, count: f64) -> Result<Vec<u8>, JsValue>;
}

impl ReadAt for Bytes {
    fn len(&self) -> u64 {
        self.length() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wrong = |reason: String| ReadError::Io {
            offset,
            error: std::io::Error::other(reason),
        };
        let got = self
            .read(offset as f64, buf.len() as f64)
            .map_err(|error| wrong(js_text(&error)))?;
        if got.len() != buf.len() {
            return Err(wrong(format!(
                "{} bytes came instead of {}; the file has changed",
                got.len(),
                buf.len()
            )));
        }
        buf.copy_from_slice(&got);
        Ok(())
    }
}

fn js_text(error: &JsValue) -> String {
    match error.dyn_ref::<js_error::Error>() {
        Some(error) => error.message(),
        None => "the browser does not say why".to_string(),
    }
}

/// The one thing of JavaScript's own errors that is needed.
mod js_error {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        pub type Error;
        #[wasm_bindgen(method, getter)]
        pub fn message(this: &Error) -> String;
    }
}
