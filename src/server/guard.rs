//! Who is let in, and what every answer carries.

use std::fmt;
use std::io;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A secret in the address: 128 random bits, as hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one, from the system's random source.
    ///
    /// # Errors
    ///
    /// The system has no random source.
    pub fn random() -> io::Result<Token> {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Token(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It names another machine.
    ForeignHost,
    /// It is neither GET nor HEAD.
    Method,
    /// It lacks the token. Says no more than any wrong path does.
    NotFound,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::ForeignHost => (
                StatusCode::FORBIDDEN,
                "heaptape answers only to 127.0.0.1 and localhost\n",
            )
                .into_response(),
            Refusal::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                [(header::ALLOW, "GET, HEAD")],
                "only GET and HEAD\n",
            )
                .into_response(),
            Refusal::NotFound => (StatusCode::NOT_FOUND, "nothing here\n").into_response(),
        }
    }
}

/// The path below the token, if the request may be answered.
///
/// # Errors
///
/// The reason for which it may not.
pub fn admit<'r>(request: &'r Request, token: &Token, port: u16) -> Result<&'r str, Refusal> {
    let hosts: Vec<_> = request.headers().get_all(header::HOST).iter().collect();
    let [host] = hosts[..] else {
        return Err(Refusal::ForeignHost);
    };
    let own = |host: &str| {
        ["127.0.0.1", "localhost"]
            .iter()
            // A browser leaves out the port that is usual for the web.
            .any(|name| host == format!("{name}:{port}") || (port == 80 && host == *name))
    };
    if !host.to_str().is_ok_and(own) {
        return Err(Refusal::ForeignHost);
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Err(Refusal::Method);
    }
    let path = request
        .uri()
        .path()
        .strip_prefix('/')
        .ok_or(Refusal::NotFound)?;
    path.strip_prefix(token.0.as_str())
        .and_then(|rest| rest.strip_prefix('/'))
        .ok_or(Refusal::NotFound)
}

/// The page runs its own code only, talks to its own server only, and nothing is kept in a cache: a page of
/// yesterday's version with a server of today would be a surprise.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds what every answer carries.
pub fn add_headers(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(method: Method, path: &str, hosts: &[&str]) -> Request {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        for host in hosts {
            request.headers_mut().append(
                header::HOST,
                HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("")),
            );
        }
        request
    }

    #[test]
    fn only_own_hosts_and_the_token_get_in() -> io::Result<()> {
        let token = Token::random()?;
        assert_eq!(token.to_string().len(), 32);
        let page = format!("/{token}/app.js");
        let good = request(Method::GET, &page, &["127.0.0.1:80"]);
        assert_eq!(admit(&good, &token, 80), Ok("app.js"));
        let good = request(Method::HEAD, &page, &["localhost:80"]);
        assert_eq!(admit(&good, &token, 80), Ok("app.js"));
        assert_eq!(
            admit(&request(Method::GET, &page, &["localhost"]), &token, 80),
            Ok("app.js")
        );
        for hosts in [
            &[][..],
            &["evil.example:80"],
            &["127.0.0.1:81"],
            &["127.0.0.1:"],
            &["127.0.0.1:80", "evil.example"],
        ] {
            assert_eq!(
                admit(&request(Method::GET, &page, hosts), &token, 80),
                Err(Refusal::ForeignHost),
                "{hosts:?}"
            );
        }
        let good = request(Method::GET, &page, &["127.0.0.1"]);
        assert_eq!(admit(&good, &token, 8080), Err(Refusal::ForeignHost));
        let host = &["localhost:80"];
        assert_eq!(
            admit(&request(Method::POST, &page, host), &token, 80),
            Err(Refusal::Method)
        );
        for path in [
            "/",
            "/app.js",
            &format!("/{token}"),
            &format!("/{token}x/app.js"),
        ] {
            assert_eq!(
                admit(&request(Method::GET, path, host), &token, 80),
                Err(Refusal::NotFound),
                "{path}"
            );
        }
        Ok(())
    }
}
