//! The page's files, embedded in the binary by `build.rs`.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Why this binary has no page, with what to do; `None` when it has one.
pub fn missing() -> Option<&'static str> {
    MISSING
}

/// Answers with the file at `path` below the page's root; the empty path is its first page.
pub fn file(path: &str) -> Response {
    let path = if path.is_empty() { "index.html" } else { path };
    match FILES.iter().find(|(name, _)| *name == path) {
        Some((name, bytes)) => ([(header::CONTENT_TYPE, mime(name))], *bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "no such file in the page\n").into_response(),
    }
}

/// The media type by the name's ending; those that the page has. WebAssembly must have its own, or the browser refuses
/// to compile it while it loads.
fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

/// A file name as one part of a path: everything but unreserved characters is escaped (RFC 3986, section 2.3).
pub fn percent_encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_one_part_of_a_path() {
        assert_eq!(
            percent_encode("my tape/é?.tape"),
            "my%20tape%2F%C3%A9%3F.tape"
        );
    }

    #[test]
    fn the_module_has_the_type_that_browsers_ask_for() {
        assert_eq!(mime("wasm/web_bg.wasm"), "application/wasm");
        assert_eq!(mime("app.js"), "text/javascript; charset=utf-8");
    }
}
