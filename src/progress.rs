//! Progress of long work, on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar of `len` steps with a word on what is being done. Hidden unless standard error is a terminal; without colour
/// where `NO_COLOR` says so (the style has none).
pub fn bar(len: u64, message: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg:<32} {wide_bar} {percent:>3} %  {elapsed} of about {duration}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
    .progress_chars("█▉▊▋▌▍▎▏ ");
    // indicatif hides a bar by itself where the target is no terminal.
    ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr_with_hz(10))
        .with_style(style)
        .with_message(message.to_owned())
}

/// A bar of `len` bytes, or only a count of them where the length is not known (0). Shown where [`bar`] is.
pub fn bytes(len: u64, message: &str) -> ProgressBar {
    if len > 0 {
        return bar(len, message);
    }
    let style = ProgressStyle::with_template("{msg:<32} {bytes} in {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))
        .with_style(style)
        .with_message(message.to_owned())
}
