//! The web server of `heaptape view`: the page and one tape, to this machine's own browser and to nobody else.
//!
//! Every address lies below a random token that only the person who started the server is shown, and a request whose
//! `Host` header names another machine is refused, so that a page on the web can't reach it by rebinding a name.

mod guard;
mod page;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tower_http::services::ServeFile;

pub use guard::Token;
pub use page::missing as page_missing;

/// Path of the tape below the token, before its file name.
const TAPE: &str = "tape/";

/// What is served.
struct Site {
    token: Token,
    port: u16,
    tape: Option<PathBuf>,
}

/// A server that listens and does not answer yet.
pub struct Server {
    listener: TcpListener,
    site: Arc<Site>,
}

impl Server {
    /// Listens on the loopback address at `port` (0: any free one) for the page and, if given, one tape.
    ///
    /// # Errors
    ///
    /// The port is taken or not allowed, or the system gives no random bytes.
    pub async fn bind(port: u16, tape: Option<&Path>) -> io::Result<Server> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let port = listener.local_addr()?.port();
        let site = Site {
            token: Token::random()?,
            port,
            tape: tape.map(Path::to_path_buf),
        };
        Ok(Server {
            listener,
            site: Arc::new(site),
        })
    }

    /// The address to open.
    pub fn url(&self) -> String {
        let Site { token, port, tape } = &*self.site;
        let query = match tape {
            Some(tape) => format!("?tape={TAPE}{}", page::percent_encode(&file_name(tape))),
            None => String::new(),
        };
        format!("http://127.0.0.1:{port}/{token}/{query}")
    }

    /// Answers until `stop` is ready.
    ///
    /// # Errors
    ///
    /// The listening socket broke.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let app = Router::new().fallback(answer).with_state(self.site);
        // Not a graceful shutdown: it would wait for every connection that the browser keeps open.
        tokio::select! {
            ended = axum::serve(self.listener, app) => ended,
            () = stop => Ok(()),
        }
    }
}

fn file_name(tape: &Path) -> String {
    tape.file_name().map_or_else(
        || "tape".to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let mut response = match guard::admit(&request, &site.token, site.port) {
        Ok(path) => {
            let path = path.to_string();
            if path.starts_with(TAPE) {
                tape(&site, &path, request).await
            } else {
                page::file(&path)
            }
        }
        Err(refusal) => refusal.into_response(),
    };
    guard::add_headers(response.headers_mut());
    response
}

/// The tape, or the range of it that was asked for.
async fn tape(site: &Site, path: &str, request: Request) -> Response {
    let named = site
        .tape
        .as_deref()
        .filter(|tape| path == format!("{TAPE}{}", page::percent_encode(&file_name(tape))));
    let Some(tape) = named else {
        return (StatusCode::NOT_FOUND, "no such tape here\n").into_response();
    };
    match ServeFile::new(tape).try_call(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            // Whatever the file is called, the browser is not to run it.
            let kind = HeaderValue::from_static("application/octet-stream");
            if response.status().is_success() {
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            response
        }
        Err(error) => {
            let text = format!("{} can't be read any more: {error}\n", tape.display());
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
