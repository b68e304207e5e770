//! What everything else stands on: alignment, size classes and bins, the bitmap of classes, errors.

pub mod align;
pub mod bitmap;
pub mod class;
pub mod error;
pub mod medium;
#[cfg(feature = "os")]
pub mod stop;
