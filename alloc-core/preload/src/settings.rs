//! What the environment says, read once when the object is loaded.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `FANCY_RECLAIM` | `on` or `1`: the reclaimer runs; `off`, `0` or absent: it does not |
//! | `FANCY_RECLAIM_INTERVAL_MS` | how often it looks, in milliseconds; 1000 unless set |
//! | `FANCY_RECLAIM_THRESHOLD` | bytes that wait for reuse and may stay so: it gives back only what is beyond them; 0 |
//! | `FANCY_DECAY` | intervals that free memory stays before it goes back; 1 |
//! | `FANCY_STATS` | `1`: statistics on standard error when the program ends |
//!
//! A value that means nothing is told on standard error and counts as absent.

use core::ffi::{CStr, c_char};
use core::time::Duration;

use alloc_core::global::{self, Config, Reclaim};

use crate::text::say;

// Runs when the object is loaded, before the program's own constructors.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

extern "C" fn at_load() {
    // Handlers of fork that are registered first run last before it and first after it: those of others may allocate.
    global::prepare();
    let defaults = Config::default();
    let most = u64::from(u32::MAX);
    // All are read, so that a value that means nothing is told whether or not it would be used.
    let ms = number(c"FANCY_RECLAIM_INTERVAL_MS", 1, most).unwrap_or(1000);
    let threshold = number(c"FANCY_RECLAIM_THRESHOLD", 0, u64::MAX);
    let decay = number(c"FANCY_DECAY", 1, most).and_then(|intervals| u32::try_from(intervals).ok());
    let config = Config {
        reclaim: if switch(c"FANCY_RECLAIM") {
            Reclaim::On {
                interval: Duration::from_millis(ms),
            }
        } else {
            Reclaim::Off
        },
        threshold: threshold.unwrap_or(defaults.threshold),
        decay: decay.unwrap_or(defaults.decay),
    };
    if config != defaults && !global::configure(config) {
        say!("fancy: the reclaimer's thread could not be started; free memory stays\n");
    }
    if switch(c"FANCY_STATS") {
        // SAFETY: the function lives as long as the process: the object is never unloaded.
        unsafe { libc::atexit(at_end) };
    }
}

extern "C" fn at_end() {
    crate::print::stats();
}

fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: the name ends with a zero; what getenv returns lives until the program changes its environment, and is read
    // at once.
    unsafe {
        let value: *const c_char = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

fn refuse(name: &CStr, expected: &str) {
    say!(
        "fancy: {} is ignored: {expected} expected\n",
        name.to_str().unwrap_or("a variable")
    );
}

fn switch(name: &CStr) -> bool {
    match variable(name).map(CStr::to_bytes) {
        None | Some(b"" | b"0" | b"off" | b"no" | b"false") => false,
        Some(b"1" | b"on" | b"yes" | b"true") => true,
        Some(_) => {
            refuse(name, "on or off");
            false
        }
    }
}

fn number(name: &CStr, least: u64, most: u64) -> Option<u64> {
    let text = variable(name)?.to_str().ok();
    let parsed = text.and_then(|text| text.parse().ok());
    let fits = parsed.filter(|number| (least..=most).contains(number));
    if fits.is_none() {
        match (least, most) {
            (0, u64::MAX) => refuse(name, "a whole number"),
            (0, _) => refuse(name, "a smaller whole number"),
            (..) => refuse(name, "a whole number from 1 to 4294967295"),
        }
    }
    fits
}
