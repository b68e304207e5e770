//! What tests of the page need: tapes, the server that a person would start, and a real browser.
//!
//! The tests are in `tests/`: they start the `heaptape` binary, open its page in headless Chromium, and do what a person
//! does. `HEAPTAPE_BIN` names another binary to test, `CHROMIUM` another browser.

pub mod browser;
pub mod figures;
pub mod hosting;
pub mod open;
pub mod server;
pub mod tapes;
