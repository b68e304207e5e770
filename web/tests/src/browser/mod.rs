//! Chromium without a window, and what a person does in it.

mod chromium;
mod input;
mod page;
mod pipe;

use std::time::Duration;

pub use chromium::{Chromium, chromium};
pub use page::Page;

/// How long anything on the page may take. A loaded machine is slow; a hanging page is slower.
const PATIENCE: Duration = Duration::from_secs(60);
