//! An open page: what it says, what it shows, and what is put into it.

use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::PATIENCE;
use super::pipe::Pipe;

/// An open page.
pub struct Page {
    pipe: Arc<Mutex<Pipe>>,
    session: String,
}

impl Page {
    pub(super) fn new(pipe: Arc<Mutex<Pipe>>, session: &str) -> Page {
        Page {
            pipe,
            session: session.to_string(),
        }
    }

    /// The result of a method of the protocol.
    pub(super) fn call(&self, method: &str, params: Value) -> Result<Value> {
        match self.pipe.lock() {
            Ok(mut pipe) => pipe.call(Some(&self.session), method, params),
            Err(_) => bail!("a call before this one panicked"),
        }
    }

    /// Goes to an address and waits until what is there is loaded.
    pub(super) fn load(&self, url: &str) -> Result<()> {
        // A page behind another is given no frames to draw.
        self.call("Page.bringToFront", json!({}))?;
        let gone = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = gone.get("errorText") {
            bail!("{url}: {error}");
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // While one document follows another, neither answers.
            let state = "document.readyState === 'complete' && location.href !== 'about:blank'";
            if self.eval(state).unwrap_or(false) {
                return Ok(());
            }
            sleep(Duration::from_millis(10));
        }
        bail!("{url} did not load")
    }

    /// The value of a JavaScript expression, awaited.
    ///
    /// # Errors
    /// It throws, or its value is of another type.
    pub fn eval<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let wrapped = format!(
            "(async () => {{ try {{ return JSON.stringify({{ value: (await ({expression})) ?? null }}); }} \
             catch (error) {{ return JSON.stringify({{ error: String(error?.stack ?? error) }}); }} }})()"
        );
        let evaluate =
            json!({ "expression": wrapped, "awaitPromise": true, "returnByValue": true });
        let answer = self
            .call("Runtime.evaluate", evaluate)
            .with_context(|| format!("evaluating {expression}"))?;
        let text = answer["result"]["value"]
            .as_str()
            .with_context(|| format!("{expression}: {answer}"))?;
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
        let find = json!({ "expression": format!("document.querySelector({selector:?})") });
        let found = self.call("Runtime.evaluate", find)?;
        let input = found["result"]["objectId"]
            .as_str()
            .with_context(|| format!("there is no {selector}"))?;
        let files = json!({ "files": [path], "objectId": input });
        self.call("DOM.setFileInputFiles", files).map(drop)
    }

    /// Light or dark.
    ///
    /// # Errors
    /// The page is gone.
    pub fn theme(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        let media = json!({ "features": features });
        self.call("Emulation.setEmulatedMedia", media).map(drop)
    }

    /// The window's size in CSS pixels.
    ///
    /// # Errors
    /// The page is gone.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.screen(width, height, false)
    }

    /// A telephone of this size in CSS pixels: with fingers, and a page that is as wide as it says to be.
    ///
    /// # Errors
    /// The page is gone.
    pub fn telephone(&self, width: u32, height: u32) -> Result<()> {
        self.screen(width, height, true)
    }

    fn screen(&self, width: u32, height: u32, mobile: bool) -> Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        let touch = json!({ "enabled": mobile, "maxTouchPoints": 5 });
        self.call("Emulation.setTouchEmulationEnabled", touch)
            .map(drop)
    }

    /// What the window shows, as PNG.
    ///
    /// # Errors
    /// The page is gone.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        self.shoot(json!({ "format": "png" }))
    }

    /// What the window shows of the box of an element, as PNG.
    ///
    /// # Errors
    /// There is no such element, or the page is gone.
    pub fn screenshot_of(&self, selector: &str) -> Result<Vec<u8>> {
        let [x, y, width, height]: [f64; 4] = self.eval(&format!(
            "(() => {{ const {{ x, y, width, height }} = document.querySelector({selector:?}).getBoundingClientRect(); return [x, y, width, Math.min(height, innerHeight - y)]; }})()"
        ))?;
        let clip = json!({ "x": x, "y": y, "width": width, "height": height, "scale": 1 });
        self.shoot(json!({ "format": "png", "clip": clip }))
    }

    fn shoot(&self, what: Value) -> Result<Vec<u8>> {
        let shot = self.call("Page.captureScreenshot", what)?;
        let text = shot["data"].as_str().context("no picture")?;
        Ok(STANDARD.decode(text)?)
    }
}
