//! Chromium without a window: found, started, watched and ended.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;

use super::PATIENCE;
use super::page::Page;
use super::pipe::Pipe;

/// Names under which the browser is installed.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// How it is started.
const ARGS: [&str; 18] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Its sandbox needs user namespaces, which root in a container often lacks; it sees only pages made here.
    "--no-sandbox",
    "--window-size=1440,900",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    // Containers have little of the shared memory that it would take.
    "--disable-dev-shm-usage",
    // A page behind another is measured as one in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-ipc-flooding-protection",
    // Nothing of its own: no questions at the first start, no traffic, no keyring.
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--password-store=basic",
];

/// A shell that puts its own input and output where the browser has its pipes, and becomes the browser.
const BECOME: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null"#;

/// A browser; ends with this value.
pub struct Chromium {
    process: Child,
    pipe: Arc<Mutex<Pipe>>,
    /// What it keeps, removed after it.
    _profile: TempDir,
}

/// The browser's program: `CHROMIUM`, or one on the path.
///
/// # Errors
/// There is none; the text says how to install one.
pub fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Ok(PathBuf::from(path));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    found.context(
        "no Chromium on the path, and the page is tested in a real one; on Debian: apt-get install -y chromium; \
         or set CHROMIUM to its program",
    )
}

impl Chromium {
    /// Starts one.
    ///
    /// # Errors
    /// There is none, or it does not start.
    pub fn start() -> Result<Chromium> {
        let program = chromium()?;
        let profile = tempfile::tempdir()?;
        let ((its_input, to), (from, its_output)) = (std::io::pipe()?, std::io::pipe()?);
        let process = Command::new("sh")
            .args(["-c", BECOME, "sh"])
            .arg(&program)
            .args(ARGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::from(its_input))
            .stdout(Stdio::from(its_output))
            .spawn()
            .context("Chromium did not start")?;
        let chromium = Chromium {
            process,
            pipe: Arc::new(Mutex::new(Pipe::new(to, from, PATIENCE))),
            _profile: profile,
        };
        chromium
            .call("Browser.getVersion", json!({}))
            .with_context(|| format!("{} did not start", program.display()))?;
        Ok(chromium)
    }

    fn call(&self, method: &str, params: serde_json::Value) -> Result<serde_json::Value> {
        match self.pipe.lock() {
            Ok(mut pipe) => pipe.call(None, method, params),
            Err(_) => bail!("a call before this one panicked"),
        }
    }

    /// The largest memory of a page's process, in bytes: its proportional set size, as the kernel counts it.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn page_memory(&self) -> Result<u64> {
        let mut most = 0;
        for entry in std::fs::read_dir("/proc")? {
            let path = entry?.path();
            // Processes come and go while one looks; those that are gone have no memory.
            let Ok(command) = std::fs::read_to_string(path.join("cmdline")) else {
                continue;
            };
            if !command.contains("--type=renderer") || !descends(&path, self.process.id()) {
                continue;
            }
            let Ok(memory) = std::fs::read_to_string(path.join("smaps_rollup")) else {
                continue;
            };
            let pss = memory.lines().find_map(|line| {
                let kib = line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?;
                kib.trim().parse::<u64>().ok()
            });
            most = most.max(pss.unwrap_or(0) * 1024);
        }
        Ok(most)
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// It does not load.
    pub fn open(&self, url: &str) -> Result<Page> {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", attach)?;
        let session = attached["sessionId"].as_str().context("no session")?;
        let page = Page::new(Arc::clone(&self.pipe), session);
        page.load(url)?;
        Ok(page)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It puts its files in order and ends its children; one that hangs is killed.
        let asked = Instant::now();
        let closing = self.call("Browser.close", json!({})).is_ok();
        while closing && asked.elapsed() < Duration::from_secs(5) {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a process of `/proc` descends from another.
fn descends(process: &Path, ancestor: u32) -> bool {
    let parent = |path: &Path| {
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        line.trim().parse::<u32>().ok()
    };
    let mut at = process.to_path_buf();
    for _ in 0..16 {
        match parent(&at) {
            Some(pid) if pid == ancestor => return true,
            Some(pid) if pid > 1 => at = PathBuf::from(format!("/proc/{pid}")),
            _ => return false,
        }
    }
    false
}
