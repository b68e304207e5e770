//! What everything else stands on: alignment, size classes, the bin bitmap, errors.

pub mod align;
pub mod bitmap;
pub mod class;
pub mod error;
#[cfg(feature = "os")]
pub mod stop;
