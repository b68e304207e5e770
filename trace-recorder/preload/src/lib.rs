//! `libheaptape.so`: records what any dynamically linked program asks of its allocator.
//!
//! `heaptape record -o my.tape -- program` puts it into the program by `LD_PRELOAD` and names the recording's folder in
//! `HEAPTAPE_CAPTURE`. Every function of the malloc family calls the one that would have been called without it and
//! writes an event; `trace_capture` says how events are kept. The layers, lowest first:
//!
//! * [`tls`]: the calling thread's place, reached without a call;
//! * [`boot`]: a few blocks for the loader, until the real functions are known;
//! * [`real`]: the real functions;
//! * [`process`]: what makes the process a part of the recording, also after `fork`;
//! * [`threads`], [`family`], [`exit`], [`exec`] and [`variadic`], [`children`], [`mark`]: what a program calls.

mod tls;

mod boot;

mod real;

mod events;

mod process;

mod threads;

mod family;

mod exit;

mod exec;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod variadic;

mod children;

mod mark;
