//! Where this process's events go.

use trace_capture::Store;

/// This process's events.
pub static STORE: Store = Store::new();
