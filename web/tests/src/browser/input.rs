//! Keys, pointer and fingers, as the browser gets them from the system.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::page::Page;

/// The keys that have a name, and the number that Windows gave each, by which pages and the browser itself know them.
const NAMED: [(&str, u32); 9] = [
    ("Enter", 13),
    ("Escape", 27),
    ("PageUp", 33),
    ("PageDown", 34),
    ("End", 35),
    ("Home", 36),
    ("ArrowLeft", 37),
    ("ArrowUp", 38),
    ("ArrowRight", 39),
];

/// The bit of the shift key among those that are held.
const SHIFT: u32 = 8;

impl Page {
    /// Presses a key: a character, with shift held for a capital letter, or one by its name.
    ///
    /// # Errors
    /// There is no such key.
    pub fn press(&self, key: &str) -> Result<()> {
        let mut letters = key.chars();
        let (code, text) = match (letters.next(), letters.next()) {
            // Of other characters the numbers are those of other keys: that of a full stop is Delete's.
            (Some(letter), None) if letter.is_ascii_alphanumeric() || letter == ' ' => {
                (letter.to_ascii_uppercase() as u32, Some(key))
            }
            (Some(_), None) => (0, Some(key)),
            _ => {
                let named = NAMED.iter().find(|(name, _)| *name == key);
                let (_, code) = named.with_context(|| format!("there is no key {key}"))?;
                (*code, (key == "Enter").then_some("\r"))
            }
        };
        let shift = key.len() == 1 && key.starts_with(|letter: char| letter.is_ascii_uppercase());
        let modifiers = if shift { SHIFT } else { 0 };
        let mut down = json!({
            "type": if text.is_some() { "keyDown" } else { "rawKeyDown" },
            "key": key,
            "windowsVirtualKeyCode": code,
            "modifiers": modifiers,
        });
        let mut up = down.clone();
        up["type"] = json!("keyUp");
        if let Some(text) = text {
            down["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", down)?;
        self.call("Input.dispatchKeyEvent", up).map(drop)
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// There is none, or it is not shown.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.wait(&format!("document.querySelector({selector:?})"))?;
        let (x, y): (f64, f64) = self.eval(&format!(
            "(() => {{
                const one = document.querySelector({selector:?});
                one.scrollIntoViewIfNeeded();
                const {{ x, y, width, height }} = one.getBoundingClientRect();
                if (width === 0) throw new Error('it is not shown');
                return [x + width / 2, y + height / 2];
            }})()"
        ))?;
        self.click_at(x, y)
    }

    /// Moves the pointer to a place in the window, in CSS pixels.
    ///
    /// # Errors
    /// The page is gone.
    pub fn point(&self, x: f64, y: f64) -> Result<()> {
        self.mouse("mouseMoved", x, y, 0)
    }

    /// Clicks at a place in the window.
    ///
    /// # Errors
    /// The page is gone.
    pub fn click_at(&self, x: f64, y: f64) -> Result<()> {
        self.point(x, y)?;
        self.mouse("mousePressed", x, y, 1)?;
        self.mouse("mouseReleased", x, y, 1)
    }

    fn mouse(&self, what: &str, x: f64, y: f64, clicks: u32) -> Result<()> {
        let button = if clicks > 0 { "left" } else { "none" };
        let event = json!({ "type": what, "x": x, "y": y, "button": button, "clickCount": clicks });
        self.call("Input.dispatchMouseEvent", event).map(drop)
    }

    /// Fingers go down, along these places one after another, and up. Each place has one point for each finger.
    ///
    /// # Errors
    /// The page is gone.
    pub fn touch(&self, places: &[&[(f64, f64)]]) -> Result<()> {
        let event = |what: &str, fingers: &[(f64, f64)]| -> Result<()> {
            let points: Vec<Value> = (fingers.iter().enumerate())
                .map(|(id, (x, y))| json!({ "x": x, "y": y, "id": id }))
                .collect();
            let event = json!({ "type": what, "touchPoints": points });
            self.call("Input.dispatchTouchEvent", event).map(drop)
        };
        let (first, rest) = places.split_first().context("no place to touch")?;
        event("touchStart", first)?;
        for place in rest {
            // As long as a finger takes for some millimetres: what happens at once is no gesture.
            sleep(Duration::from_millis(15));
            event("touchMove", place)?;
        }
        event("touchEnd", &[])
    }
}
