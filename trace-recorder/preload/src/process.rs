//! What makes this process a part of the recording.

use crate::events::STORE;
use crate::{exit, threads, tls};
use core::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use trace_capture::clock::{self, Clock};
use trace_capture::control::{CONTROL_BYTES, Control, EVENTS_SUFFIX, FOLDER_VARIABLE};
use trace_capture::raw::Raw;
use trace_capture::sys::{self, File, KeptErrno};
use trace_capture::{Local, Settings};

/// Nothing is known yet: the first event finds out.
static UNDECIDED: Control = Control::fixed(true);

/// This process is not recorded.
static OFF: Control = Control::fixed(false);

static CONTROL: AtomicPtr<Control> = AtomicPtr::new((&raw const UNDECIDED).cast_mut());

/// Recording was off when the program began, so threads may be older than it.
static LATE: AtomicBool = AtomicBool::new(false);

/// A recording was open in this process or the one that it was forked of.
static OPENED: AtomicBool = AtomicBool::new(false);

const PATH_BYTES: usize = libc::PATH_MAX as usize;

/// The recording's folder, ended by a zero.
static FOLDER: [AtomicU8; PATH_BYTES] = [const { AtomicU8::new(0) }; PATH_BYTES];

#[inline(always)]
fn control() -> &'static Control {
    // SAFETY: one of the statics above, or a mapping that `decide` made for good.
    unsafe { &*CONTROL.load(Ordering::Relaxed) }
}

/// Whether requests are recorded right now.
#[inline(always)]
pub fn is_on() -> bool {
    control().is_on()
}

/// Whether this process belongs to a recording, be it on or off.
pub fn is_followed() -> bool {
    let control = control();
    !core::ptr::eq(control, &UNDECIDED) && !core::ptr::eq(control, &OFF)
}

/// Whether the recording that this process belongs to has ended for good, while the process goes on.
pub fn is_over() -> bool {
    control().is_over()
}

/// Writes an event of a block, of the calling thread.
#[inline(always)]
pub fn record(raw: Raw) {
    match tls::local() {
        // A thread that has not joined has no room.
        Some(local) if local.has_room() && STORE.is_open_for(local) => STORE.record(local, raw),
        local => record_slowly(local, &[raw]),
    }
}

/// Writes the two events of a realloc, with nothing of a signal handler between them.
pub fn record_both(first: Raw, second: Raw) {
    match tls::local() {
        Some(local) if local.has_room() && STORE.is_open_for(local) => {
            STORE.record_both(local, first, second);
        }
        local => record_slowly(local, &[first, second]),
    }
}

#[cold]
#[inline(never)]
fn record_slowly(local: Option<&Local>, events: &[Raw]) {
    let _errno = KeptErrno::keep();
    match local {
        Some(local) if ready() => {
            let before = local.session();
            match *events {
                [raw] => STORE.record(local, raw),
                [first, second] => STORE.record_both(local, first, second),
                _ => {}
            }
            if local.session() != before {
                threads::watch();
            }
        }
        Some(_) => {}
        None => STORE.lose(),
    }
}

/// Writes an event of the calling thread that is of no block, by `write`.
pub fn write_other(write: impl FnOnce(&Local)) {
    let _errno = KeptErrno::keep();
    if !is_on() || !ready() {
        return;
    }
    if let Some(local) = tls::local() {
        let before = local.session();
        write(local);
        if local.session() != before {
            threads::watch();
        }
    }
}

/// Opens the process's file if that has not been done. False if this process is not recorded now.
pub fn ready() -> bool {
    if STORE.is_fresh() {
        open();
    }
    is_on()
}

fn open() {
    if core::ptr::eq(control(), &UNDECIDED) {
        decide();
    }
    let control = control();
    if !control.is_on() {
        LATE.store(true, Ordering::Relaxed);
        return;
    }
    let pid = sys::process();
    if control.alone.load(Ordering::Relaxed) != 0 {
        let first =
            control
                .first_pid
                .compare_exchange(0, pid, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err_and(|first| first != pid) {
            turn_off();
            return;
        }
    }
    let forked = OPENED.load(Ordering::Relaxed);
    let mut alone = [0; 2];
    let late = if forked {
        sys::threads(&mut alone) > 1
    } else {
        LATE.load(Ordering::Relaxed)
    };
    let mut path = Text::default();
    path.push(folder(&mut [0; PATH_BYTES]));
    path.push(b"/");
    path.number(pid, 10);
    path.push(b"-");
    path.number(clock::before(), 16);
    path.push(EVENTS_SUFFIX.as_bytes());
    let opened = path.as_c_str().is_some_and(|path| {
        let settings = Settings {
            path,
            control,
            late,
            forked,
        };
        STORE.open(&settings).is_ok()
    });
    if opened {
        OPENED.store(true, Ordering::Relaxed);
    } else {
        complain();
        turn_off();
    }
}

/// Finds out whether this process is part of a recording.
fn decide() {
    let found = find_folder() && map_control();
    if !found {
        turn_off();
        return;
    }
    threads::prepare();
    exit::prepare();
}

fn turn_off() {
    CONTROL.store((&raw const OFF).cast_mut(), Ordering::Release);
}

fn map_control() -> bool {
    let mut path = Text::default();
    path.push(folder(&mut [0; PATH_BYTES]));
    path.push(b"/");
    path.push(trace_capture::control::CONTROL_NAME.as_bytes());
    let mapped = path.as_c_str().and_then(|path| {
        let file = File::open(path, libc::O_RDWR).ok()?;
        file.map(CONTROL_BYTES).ok()
    });
    let Some(page) = mapped else {
        complain();
        return false;
    };
    // SAFETY: a mapping of CONTROL_BYTES that stays for good; a `Control` is all atomics, valid with any bytes.
    let page = unsafe { &*page.cast::<Control>() };
    if !page.is_sound() {
        complain();
        return false;
    }
    let clock = Clock::from_code(page.clock.load(Ordering::Relaxed));
    clock::choose(clock.unwrap_or(Clock::Monotonic));
    CONTROL.store(core::ptr::from_ref(page).cast_mut(), Ordering::Release);
    true
}

/// Keeps the folder that the environment names. False if it names none, as that of a program which begins when its parents'
/// recording is over.
fn find_folder() -> bool {
    let mut name = Text::default();
    name.push(FOLDER_VARIABLE.as_bytes());
    // SAFETY: a text that ends with a zero; nobody changes the environment before the program's first request.
    let value = name
        .as_c_str()
        .map(|name| unsafe { libc::getenv(name.as_ptr()) });
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return false;
    };
    // SAFETY: getenv's answer ends with a zero.
    let value = unsafe { CStr::from_ptr(value) }.to_bytes();
    if value.len() >= PATH_BYTES {
        return false;
    }
    for (place, byte) in FOLDER.iter().zip(value) {
        place.store(*byte, Ordering::Relaxed);
    }
    !value.is_empty()
}

/// The recording's folder, copied into `buffer`.
pub fn folder(buffer: &mut [u8; PATH_BYTES]) -> &[u8] {
    for (to, from) in buffer.iter_mut().zip(&FOLDER) {
        *to = from.load(Ordering::Relaxed);
    }
    let len = buffer.iter().position(|&byte| byte == 0).unwrap_or(0);
    buffer.get(..len).unwrap_or_default()
}

/// Says once, on standard error, that this process can't be recorded.
fn complain() {
    let mut text = Text::default();
    text.push(b"heaptape: process ");
    text.number(sys::process(), 10);
    text.push(b" cannot write to the recording's folder ");
    text.push(folder(&mut [0; PATH_BYTES]));
    text.push(b" and is not recorded\n");
    // SAFETY: the text is valid for its length.
    unsafe { libc::write(2, text.bytes.as_ptr().cast(), text.len) };
}

/// A short text that is put together without allocating.
struct Text {
    bytes: [u8; PATH_BYTES],
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Text {
            bytes: [0; PATH_BYTES],
            len: 0,
        }
    }
}

impl Text {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // The last byte stays zero.
            if self.len + 1 < PATH_BYTES
                && let Some(place) = self.bytes.get_mut(self.len)
            {
                *place = byte;
                self.len += 1;
            }
        }
    }

    fn number(&mut self, number: u64, base: u64) {
        let mut digits = [0u8; 20];
        let (mut rest, mut count) = (number, 0);
        while let Some(place) = digits.get_mut(count) {
            let digit = (rest % base) as u8;
            *place = if digit < 10 {
                b'0' + digit
            } else {
                b'a' + digit - 10
            };
            count += 1;
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        for digit in digits.iter().take(count).rev() {
            self.push(&[*digit]);
        }
    }

    fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.bytes).ok()
    }
}
