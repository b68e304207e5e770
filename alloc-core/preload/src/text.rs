//! Lines on standard error that need no allocation.

use core::fmt::{self, Write};

/// A text on the stack; what does not fit is cut.
pub struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl Text {
    /// No text yet.
    pub const fn new() -> Text {
        Text {
            bytes: [0; 1024],
            len: 0,
        }
    }

    /// Writes it to standard error.
    pub fn print(&self) {
        // SAFETY: the buffer holds `len` bytes.
        unsafe { libc::write(2, self.bytes.as_ptr().cast(), self.len) };
    }
}

impl Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let take = s.len().min(self.bytes.len() - self.len);
        self.bytes[self.len..self.len + take].copy_from_slice(&s.as_bytes()[..take]);
        self.len += take;
        Ok(())
    }
}

/// Prints one line, formatted like `format!`.
macro_rules! say {
    ($($part:tt)*) => {{
        let mut text = $crate::text::Text::new();
        let _ = core::fmt::Write::write_fmt(&mut text, format_args!($($part)*));
        text.print();
    }};
}
pub(crate) use say;
