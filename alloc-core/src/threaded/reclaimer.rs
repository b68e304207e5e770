//! The background thread that returns to the system what is free.
//!
//! Each interval it sends home what the depot held in vain, takes in what waits in inboxes, gives the pages of chunks back
//! that were free for an interval, and the memory that waited in the pool for the decay's number of intervals. It takes a
//! home's lock for a few chunks at a time and only if nobody has it, so nobody waits for it long; with reclamation off
//! nobody pays for it.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;

use super::owner::send_home;
use super::pool::POOL;
use super::{depot, homes};
use crate::threaded::lock::Lock;

/// 0: no thread; 1: it runs; 2: it shall end.
static ORDER: AtomicU32 = AtomicU32::new(0);
static INTERVAL_NS: AtomicU64 = AtomicU64::new(0);
/// Bytes given back since the process began.
pub static RETURNED: AtomicU64 = AtomicU64::new(0);
static THREAD: Lock<Option<libc::pthread_t>> = Lock::new(None);

const RUN: u32 = 1;
const STOP: u32 = 2;

/// Starts the thread, or gives the running one another interval. `false`: the system has no thread to give.
pub fn start(interval: Duration) -> bool {
    let interval = interval.max(Duration::from_millis(1));
    INTERVAL_NS.store(
        u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX),
        Ordering::Relaxed,
    );
    let mut thread = THREAD.lock();
    if thread.is_some() {
        return true;
    }
    ORDER.store(RUN, Ordering::Release);
    let mut handle: libc::pthread_t = 0;
    // SAFETY: `body` takes no argument and lives as long as the program.
    let status = unsafe { libc::pthread_create(&mut handle, ptr::null(), body, ptr::null_mut()) };
    if status == 0 {
        *thread = Some(handle);
    }
    status == 0
}

/// Ends the thread and waits for that.
pub fn stop() {
    let Some(thread) = THREAD.lock().take() else {
        return;
    };
    ORDER.store(STOP, Ordering::Release);
    wake();
    // SAFETY: the handle is that of the thread that `start` made, joined once since it was taken out.
    unsafe { libc::pthread_join(thread, ptr::null_mut()) };
}

/// Whether the thread runs.
pub fn is_running() -> bool {
    THREAD.lock().is_some()
}

/// In the child of a `fork` the thread is not there; it is started again if it ran.
pub fn restart_in_child() {
    let ran = THREAD.lock().take().is_some();
    if ran {
        start(Duration::from_nanos(INTERVAL_NS.load(Ordering::Relaxed)));
    }
}

extern "C" fn body(_: *mut libc::c_void) -> *mut libc::c_void {
    while wait() {
        depot::expire(send_home);
        homes::each(|home| {
            home.visit();
            let bytes = home.purge(&mut discard);
            RETURNED.fetch_add(bytes, Ordering::Relaxed);
        });
        let bytes = POOL.reclaim();
        RETURNED.fetch_add(bytes, Ordering::Relaxed);
    }
    ptr::null_mut()
}

/// Gives the memory behind whole pages back; the pages stay, and are zero when they are touched again.
fn discard(start: NonNull<u8>, bytes: u64) {
    // SAFETY: the pages lie within memory that was mapped for arenas, and what they hold is not used any more.
    unsafe { libc::madvise(start.as_ptr().cast(), bytes as usize, libc::MADV_DONTNEED) };
}

/// Sleeps for the interval; `false`: the thread shall end.
#[cfg(target_os = "linux")]
fn wait() -> bool {
    let ns = INTERVAL_NS.load(Ordering::Relaxed);
    let time = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as _,
    };
    // SAFETY: the futex word is a static; the time is on this stack.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            ORDER.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            RUN,
            &raw const time,
        )
    };
    ORDER.load(Ordering::Acquire) == RUN
}

#[cfg(target_os = "linux")]
fn wake() {
    // SAFETY: the futex word is a static.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            ORDER.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        )
    };
}

/// Without a futex: short sleeps, so that an end is seen soon.
#[cfg(not(target_os = "linux"))]
fn wait() -> bool {
    let mut left = INTERVAL_NS.load(Ordering::Relaxed);
    while left > 0 && ORDER.load(Ordering::Acquire) == RUN {
        let nap = left.min(20_000_000);
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: nap as _,
        };
        // SAFETY: the time is on this stack.
        unsafe { libc::nanosleep(&raw const time, ptr::null_mut()) };
        left -= nap;
    }
    ORDER.load(Ordering::Acquire) == RUN
}

#[cfg(not(target_os = "linux"))]
fn wake() {}
