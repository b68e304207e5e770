//! Chromium without a window, and what a person does in it.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headless_chrome::browser::tab::point::Point;
use headless_chrome::protocol::cdp::{Emulation, Page as PageDomain};
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long anything on the page may take. A loaded machine is slow; a hanging page is slower.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names under which the browser is installed.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// A browser; ends with this value.
pub struct Chromium {
    browser: Browser,
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
        let args = [
            "--hide-scrollbars",
            "--disable-dev-shm-usage",
            "--force-color-profile=srgb",
        ];
        let browser = Browser::new(LaunchOptions {
            path: Some(chromium()?),
            headless: true,
            // Its sandbox needs user namespaces, which root in a container often lacks; it sees only pages made here.
            sandbox: false,
            window_size: Some((1440, 900)),
            idle_browser_timeout: PATIENCE,
            args: args.iter().map(OsStr::new).collect(),
            ..LaunchOptions::default()
        })
        .context("Chromium did not start")?;
        Ok(Chromium { browser })
    }

    /// The largest memory of a page's process, in bytes: its proportional set size, as the kernel counts it.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn page_memory(&self) -> Result<u64> {
        let own = self
            .browser
            .get_process_id()
            .context("the browser has no process")?;
        let mut most = 0;
        for entry in std::fs::read_dir("/proc")? {
            let path = entry?.path();
            // Processes come and go while one looks; those that are gone have no memory.
            let Ok(command) = std::fs::read_to_string(path.join("cmdline")) else {
                continue;
            };
            if !command.contains("--type=renderer") || !descends(&path, own) {
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
        let tab = self.browser.new_tab()?;
        tab.set_default_timeout(PATIENCE);
        // A page behind another is given no frames to draw.
        tab.bring_to_front()?;
        tab.navigate_to(url)?.wait_until_navigated()?;
        Ok(Page { tab })
    }
}

/// Whether a process of `/proc` descends from another.
fn descends(process: &std::path::Path, ancestor: u32) -> bool {
    let parent = |path: &std::path::Path| {
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

/// An open page.
pub struct Page {
    tab: Arc<Tab>,
}

impl Page {
    /// The value of a JavaScript expression, awaited.
    ///
    /// # Errors
    /// It throws, or its value is of another type.
    pub fn eval<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let wrapped = format!(
            "(async () => {{ try {{ return JSON.stringify({{ value: (await ({expression})) ?? null }}); }} \
             catch (error) {{ return JSON.stringify({{ error: String(error?.stack ?? error) }}); }} }})()"
        );
        let answer = self
            .tab
            .evaluate(&wrapped, true)
            .with_context(|| format!("evaluating {expression}"))?;
        let text = answer
            .value
            .as_ref()
            .and_then(Value::as_str)
            .with_context(|| format!("{expression}: {answer:?}"))?;
        let mut value: Value = serde_json::from_str(text)?;
        if let Some(error) = value.get("error") {
            bail!("{expression} failed: {error}");
        }
        serde_json::from_value(value["value"].take())
            .with_context(|| format!("{expression}: {text}"))
    }

    /// Runs a JavaScript expression, awaited, whatever its value.
    ///
    /// # Errors
    /// It throws.
    pub fn run(&self, expression: &str) -> Result<()> {
        self.eval::<Value>(&format!("Promise.resolve({expression}).then(() => null)"))
            .map(drop)
    }

    /// Waits until an expression is true.
    ///
    /// # Errors
    /// It stays false; the text says what the page shows then.
    pub fn wait(&self, expression: &str) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.eval::<bool>(&format!("!!({expression})"))? {
                return Ok(());
            }
            sleep(Duration::from_millis(30));
        }
        let shows: String = self.eval("document.body.innerText.slice(0, 2000)")?;
        bail!("{expression} did not become true; the page shows:\n{shows}")
    }

    /// Waits until a tape is shown.
    ///
    /// # Errors
    /// None is; the text says what the page shows.
    pub fn wait_ready(&self) -> Result<()> {
        self.wait(
            "document.documentElement.dataset.state === 'ready' && globalThis.heaptape?.standing",
        )
    }

    /// The text of the message that the page shows, or nothing.
    ///
    /// # Errors
    /// The page is gone.
    pub fn message(&self) -> Result<String> {
        self.eval("document.getElementById('alert').hidden ? '' : document.getElementById('alert').innerText")
    }

    /// Presses a key, with shift held if so wanted.
    ///
    /// # Errors
    /// There is no such key.
    pub fn press(&self, key: &str) -> Result<()> {
        self.tab.press_key(key).map(drop)
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// There is none.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.tab.wait_for_element(selector)?.click().map(drop)
    }

    /// Moves the pointer to a place in the window, in CSS pixels.
    ///
    /// # Errors
    /// The page is gone.
    pub fn point(&self, x: f64, y: f64) -> Result<()> {
        self.tab.move_mouse_to_point(Point { x, y }).map(drop)
    }

    /// Clicks at a place in the window.
    ///
    /// # Errors
    /// The page is gone.
    pub fn click_at(&self, x: f64, y: f64) -> Result<()> {
        self.tab.click_point(Point { x, y }).map(drop)
    }

    /// Drops a file with these bytes on the page, as a person drags one there.
    ///
    /// # Errors
    /// The page is gone.
    pub fn drop_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let name = serde_json::to_string(name)?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.run(&format!(
            "(() => {{
                const bytes = Uint8Array.from('{digits}'.match(/../g) ?? [], (two) => parseInt(two, 16));
                const transfer = new DataTransfer();
                transfer.items.add(new File([bytes], {name}));
                for (const type of ['dragenter', 'dragover', 'drop']) {{
                    document.body.dispatchEvent(new DragEvent(type, {{ dataTransfer: transfer, bubbles: true, cancelable: true }}));
                }}
            }})()"
        ))
    }

    /// Waits for so many milliseconds of the page's time.
    ///
    /// # Errors
    /// The page is gone.
    pub fn pause(&self, ms: u32) -> Result<()> {
        self.run(&format!("new Promise((done) => setTimeout(done, {ms}))"))
    }

    /// Chooses a file in a file input.
    ///
    /// # Errors
    /// There is no such input, or the path is no text.
    pub fn choose_file(&self, selector: &str, path: &std::path::Path) -> Result<()> {
        let path = path.to_str().context("the path is no text")?;
        self.tab
            .wait_for_element(selector)?
            .set_input_files(&[path])
            .map(drop)
    }

    /// Light or dark.
    ///
    /// # Errors
    /// The page is gone.
    pub fn theme(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let feature = Emulation::MediaFeature {
            name: "prefers-color-scheme".to_string(),
            value: value.to_string(),
        };
        self.tab.call_method(Emulation::SetEmulatedMedia {
            media: None,
            features: Some(vec![feature]),
        })?;
        Ok(())
    }

    /// The window's size in CSS pixels.
    ///
    /// # Errors
    /// The page is gone.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.tab.call_method(Emulation::SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        })?;
        Ok(())
    }

    /// What the window shows, as PNG.
    ///
    /// # Errors
    /// The page is gone.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        self.shoot(None)
    }

    /// What the window shows of the box of an element, as PNG.
    ///
    /// # Errors
    /// There is no such element, or the page is gone.
    pub fn screenshot_of(&self, selector: &str) -> Result<Vec<u8>> {
        let [x, y, width, height]: [f64; 4] = self.eval(&format!(
            "(() => {{ const {{ x, y, width, height }} = document.querySelector({selector:?}).getBoundingClientRect(); return [x, y, width, Math.min(height, innerHeight - y)]; }})()"
        ))?;
        self.shoot(Some(PageDomain::Viewport {
            x,
            y,
            width,
            height,
            scale: 1.0,
        }))
    }

    fn shoot(&self, clip: Option<PageDomain::Viewport>) -> Result<Vec<u8>> {
        let format = PageDomain::CaptureScreenshotFormatOption::Png;
        self.tab.capture_screenshot(format, None, clip, true)
    }
}
