//! The `heaptape` binary: found or built, and its server.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};

/// The binary under test: `HEAPTAPE_BIN`, or the workspace's own, brought up to date first.
///
/// # Errors
/// It can't be built; the text is cargo's.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BINARY
        .get_or_init(|| find().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!(error))
}

fn find() -> Result<PathBuf> {
    if let Some(path) = env::var_os("HEAPTAPE_BIN") {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("HEAPTAPE_BIN names {}, which is no file", path.display());
        }
        return Ok(path);
    }
    // This test lies in TARGET/PROFILE/deps; examples in TARGET/PROFILE/examples.
    let here = env::current_exe()?;
    let profile = here
        .ancestors()
        .nth(2)
        .context("this test lies in no target folder")?;
    let mut build = Command::new(
        env::var_os("CARGO")
            .as_deref()
            .unwrap_or(OsStr::new("cargo")),
    );
    build.current_dir(workspace()).args([
        "build",
        "--package",
        "heaptape",
        "--bin",
        "heaptape",
        "--target-dir",
    ]);
    build.arg(
        profile
            .parent()
            .context("the target folder has no parent")?,
    );
    if profile.file_name() == Some(OsStr::new("release")) {
        build.arg("--release");
    }
    let output = build.output().context("cargo could not be started")?;
    if !output.status.success() {
        bail!(
            "heaptape did not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(profile.join(format!("heaptape{}", env::consts::EXE_SUFFIX)))
}

/// The folder of the root `Cargo.toml`.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// A running `heaptape view --no-open`; ends with this value.
pub struct Server {
    child: Child,
    /// The address that it printed.
    pub url: String,
}

impl Server {
    /// Starts one, for a tape or for none.
    ///
    /// # Errors
    /// It can't be started, or prints no address.
    pub fn start(tape: Option<&Path>) -> Result<Server> {
        let mut command = Command::new(binary()?);
        command
            .args(["view", "--no-open"])
            .args(tape)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("heaptape could not be started")?;
        let mut url = String::new();
        let read = child
            .stdout
            .take()
            .map(|out| BufReader::new(out).read_line(&mut url));
        if !url.starts_with("http://127.0.0.1:") {
            let mut said = String::new();
            let _ = child.kill();
            if let Some(mut stderr) = child.stderr.take() {
                stderr.read_to_string(&mut said)?;
            }
            bail!("heaptape view printed {url:?} ({read:?}) for an address, and said: {said}");
        }
        Ok(Server {
            child,
            url: url.trim().to_string(),
        })
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; the code that it ended with.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&mut self) -> Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        self.url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap_or_default()
    }

    /// The path of the page, with the token: `/…/`.
    pub fn path(&self) -> String {
        let token = self
            .url
            .trim_start_matches("http://")
            .split('/')
            .nth(1)
            .unwrap_or_default();
        format!("/{token}/")
    }

    /// Sends one request as it stands and reads the whole answer: its head, and its body.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(String, Vec<u8>)> {
        let mut stream = TcpStream::connect(self.host())?;
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        stream.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .context("the answer has no head")?;
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        Ok((head, answer.split_off(end + 4)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
