//! Many threads at the process's allocator, for as long as is asked: `cargo xtask test --only stress`, or
//!
//! ```text
//! FANCY_STRESS_SECONDS=60 FANCY_STRESS_SEED=7 cargo test -p alloc-core --test stress
//! ```
//! Each episode is a number of threads that run random programs: all functions, all sizes, blocks that go from thread to
//! thread, threads that live for a moment, threads that only free, destructors that run after the allocator's own, a reclaimer
//! that looks every millisecond and is turned off and on, forks whose children work on. Contents are checked wherever a block
//! is met. When all threads have ended it is quiet: then every invariant is tested, and every count must come out even.
//!
//! Everything here that threads share is atomic, and threads are the system's own, so that it runs under ThreadSanitizer with
//! a standard library that is not instrumented.

mod blocks;
mod crowd;
mod fork;
mod random;
mod threads;

use std::time::{Duration, Instant};

use alloc_core::global::{self, Config};
use blocks::Block;
use crowd::Crowd;
use random::Random;

/// How long it takes unless `FANCY_STRESS_SECONDS` says otherwise.
const SECONDS: u64 = 5;
/// As many there are at least, however slow the machine.
const EPISODES: u32 = 8;
/// An episode takes less than a second; one that takes so long hangs. It is ended by SIGALRM.
const HANGS_AFTER_SECONDS: u32 = 600;

fn main() {
    if !is_asked_for() {
        return;
    }
    let seconds = number("FANCY_STRESS_SECONDS").unwrap_or(SECONDS);
    let seed = number("FANCY_STRESS_SEED").unwrap_or_else(|| {
        let since = std::time::UNIX_EPOCH.elapsed();
        since.map_or(1, |time| time.as_nanos() as u64)
    });
    println!("stress: FANCY_STRESS_SEED={seed} for {seconds} s");
    let (began, limit) = (Instant::now(), Duration::from_secs(seconds));
    let mut random = Random::new(seed);
    let mut episodes = 0;
    while episodes < EPISODES || began.elapsed() < limit {
        // SAFETY: sets a timer, whose signal ends the process.
        unsafe { libc::alarm(HANGS_AFTER_SECONDS) };
        let crowd = Crowd::random(&mut random);
        crowd.work(random.next());
        if let Err(reason) = comes_out_even() {
            panic!("episode {episodes} of seed {seed}, {crowd:?}: {reason}");
        }
        episodes += 1;
    }
    let stats = global::stats();
    println!(
        "stress: {episodes} episodes, {} blocks, {} forks, {} threads at once at most, {:.1} s",
        stats.alloc_calls,
        fork::count(),
        stats.heaps,
        began.elapsed().as_secs_f64()
    );
}

/// As the usual harness does: a name on the command line that is not this test's means that others are meant.
fn is_asked_for() -> bool {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let listed = args.iter().any(|arg| arg == "--list");
    let mut names = args.iter().filter(|arg| !arg.starts_with('-')).peekable();
    !listed && (names.peek().is_none() || names.any(|name| "stress".contains(name.as_str())))
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    match value.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{variable}={value}: a whole number is expected"),
    }
}

/// All threads have ended: blocks that wait for somebody are as they were left, nothing is lost, every header, link, list and
/// count is sound.
fn comes_out_even() -> Result<(), String> {
    if !global::configure(Config::default()) {
        return Err("the reclaimer can't be stopped".to_owned());
    }
    let sound = || global::validate().map_err(|broken| broken.to_string());
    sound()?;
    for block in blocks::waiting() {
        Block::take(block).free();
    }
    let stats = global::stats();
    if stats.alloc_calls != stats.free_calls {
        return Err(format!("blocks are lost or counted twice: {stats:?}"));
    }
    // What waits in this thread's cache and in the depot is counted as in use.
    global::trim();
    sound()?;
    let stats = global::stats();
    if stats.current_bytes != 0 || stats.large_blocks != 0 || stats.pooled_bytes != 0 {
        return Err(format!("bytes are in use when nothing is: {stats:?}"));
    }
    if stats.footprint_bytes > stats.arenas * (4 << 20) {
        return Err(format!("memory is lost: {stats:?}"));
    }
    Ok(())
}
