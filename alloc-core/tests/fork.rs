//! fork while other threads make the process's first requests and set its reclaimer: the child finds no lock taken.
//!
//! The allocator is used by the functions of `global` here, and by nothing else, so that its first request falls among the
//! threads and not before them. Each round is a process of its own.
#![cfg(target_os = "linux")]

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alloc_core::global::{self, Config, Reclaim};

static GO: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);
/// Threads that make their first request.
const BEGINNERS: usize = 3;

type Body = extern "C" fn(*mut libc::c_void) -> *mut libc::c_void;

fn spawn(body: Body) -> libc::pthread_t {
    let mut thread = 0;
    // SAFETY: the body takes no argument and lives as long as the program.
    let status = unsafe { libc::pthread_create(&mut thread, ptr::null(), body, ptr::null_mut()) };
    assert_eq!(status, 0);
    thread
}

fn join(thread: libc::pthread_t) {
    // SAFETY: a thread of `spawn`, joined once.
    assert_eq!(unsafe { libc::pthread_join(thread, ptr::null_mut()) }, 0);
}

fn use_all_kinds() {
    for size in [10, 700, 9000, 90_000, 900_000] {
        let block = global::malloc(size);
        assert!(!block.is_null());
        // SAFETY: the block has so many bytes, and is freed once.
        unsafe {
            block.write_bytes(1, size);
            global::free(block);
        }
    }
}

extern "C" fn begins(_: *mut libc::c_void) -> *mut libc::c_void {
    while !GO.load(Ordering::Acquire) {
        std::hint::spin_loop();
    }
    use_all_kinds();
    ptr::null_mut()
}

fn set(interval_ms: u64) {
    let reclaim = match interval_ms {
        0 => Reclaim::Off,
        ms => Reclaim::On {
            interval: Duration::from_millis(ms),
        },
    };
    assert!(global::configure(Config {
        reclaim,
        ..global::config()
    }));
}

extern "C" fn sets(_: *mut libc::c_void) -> *mut libc::c_void {
    while !GO.load(Ordering::Acquire) {
        std::hint::spin_loop();
    }
    for n in 0.. {
        if STOP.load(Ordering::Relaxed) {
            break;
        }
        set(n % 3);
    }
    ptr::null_mut()
}

/// Has the settings' lock nearly all the time.
extern "C" fn asks(_: *mut libc::c_void) -> *mut libc::c_void {
    while !GO.load(Ordering::Acquire) {
        std::hint::spin_loop();
    }
    while !STOP.load(Ordering::Relaxed) {
        std::hint::black_box(global::config());
    }
    ptr::null_mut()
}

/// Runs a process that does this, and waits for it; one that hangs is ended by an alarm.
fn process(seconds: u32, body: impl FnOnce()) {
    // SAFETY: the child does what a test may, and ends without the parent's destructors.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::alarm(seconds);
            body();
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert_eq!(status, 0, "a child ended with status {status:#x}");
    }
}

fn program(forks: u32) {
    let mut threads: Vec<_> = (0..BEGINNERS).map(|_| spawn(begins)).collect();
    threads.extend([spawn(sets), spawn(asks)]);
    GO.store(true, Ordering::Release);
    for _ in 0..forks {
        process(30, || {
            set(5);
            use_all_kinds();
            join(spawn(begins));
            global::validate().expect("a sound heap");
            set(0);
        });
    }
    STOP.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(join);
    global::validate().expect("a sound heap");
}

#[test]
fn a_fork_among_first_requests_leaves_no_lock_taken() {
    for round in 0..40 {
        // A panic in a child must not run on into the harness: its status says enough.
        process(90, || {
            let sound = std::panic::catch_unwind(|| program(1 + round % 4 * 4));
            // SAFETY: ends the child.
            unsafe { libc::_exit(if sound.is_ok() { 0 } else { 1 }) }
        });
    }
}
