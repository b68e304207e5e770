//! A page with a tape, as most tests begin.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use tempfile::TempDir;

use crate::browser::{Chromium, Page};
use crate::server::Server;

/// A page, and all that keeps it alive.
pub struct Open {
    /// The page.
    pub page: Page,
    /// Its browser.
    pub browser: Chromium,
    _server: Server,
    folder: TempDir,
}

impl Open {
    /// The page that `heaptape view` opens for a tape of these bytes, or without one; as soon as it is loaded.
    ///
    /// # Errors
    /// The server or the browser does not start.
    pub fn of(bytes: Option<&[u8]>) -> Result<Open> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("test.tape");
        if let Some(bytes) = bytes {
            fs::write(&path, bytes)?;
        }
        let server = Server::start(bytes.map(|_| path.as_path()))?;
        let browser = Chromium::start()?;
        let page = browser.open(&server.url)?;
        Ok(Open {
            page,
            browser,
            _server: server,
            folder,
        })
    }

    /// The page with this tape, once that is shown.
    ///
    /// # Errors
    /// As there, or the tape is not shown.
    pub fn ready(bytes: &[u8]) -> Result<Open> {
        let open = Open::of(Some(bytes))?;
        open.page.wait_ready()?;
        Ok(open)
    }

    /// How many events of the tape are behind what is shown.
    ///
    /// # Errors
    /// The page is gone.
    pub fn position(&self) -> Result<u64> {
        self.page.eval("heaptape.position")
    }

    /// A file beside the tape.
    ///
    /// # Errors
    /// It can't be written.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes)?;
        Ok(path)
    }
}
