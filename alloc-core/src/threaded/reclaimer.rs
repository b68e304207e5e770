//! The background thread that returns to the system what is free.
//!
//! Each interval it sends home what the depot held in vain, takes in what waits in inboxes, gives the pages of chunks back
//! that were free for an interval, and the memory that waited in the pool for the decay's number of intervals. It takes a
//! home's lock for a few chunks at a time and only if nobody has it, so nobody waits for it long; with reclamation off
//! nobody pays for it.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use super::owner::Owner;
use super::pool::POOL;
use super::ways_home::send_home;
use super::{depot, homes, manager, process};
use crate::sync::lock::Lock;
use crate::sync::order::{Order, Started};

static ORDER: Order<libc::pthread_t> = Order::new();
static INTERVAL_NS: AtomicU64 = AtomicU64::new(0);
/// Bytes given back since the process began.
pub static RETURNED: AtomicU64 = AtomicU64::new(0);
/// Held while owners are looked through; by `fork` as well.
static ROUND: Lock<()> = Lock::new(());

/// Rounds of an interval: what is free passes a few places on its way back to the system, each a round long, and all of
/// it shall be back within two intervals.
pub const ROUNDS: u64 = 4;

/// Starts the thread, or gives the running one another interval. `false`: the system has no thread to give.
pub fn start(interval: Duration) -> bool {
    let interval = interval.max(Duration::from_millis(1));
    INTERVAL_NS.store(
        u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX),
        Ordering::Relaxed,
    );
    let started = ORDER.start(make);
    manager::set_thrifty(started != Started::Not);
    if started == Started::Before {
        // It may be asleep for what the interval was before.
        wake();
    }
    started != Started::Not
}

/// The thread of this turn.
fn make(turn: u32) -> Option<libc::pthread_t> {
    let argument = ptr::without_provenance_mut(turn as usize);
    let mut handle: libc::pthread_t = 0;
    // The program's signals are its own threads' to take: this one blocks all, from its first instruction on.
    // SAFETY: the sets are plain data that the calls fill; `body` takes a number and lives as long as the program.
    let status = unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) =
            (core::mem::zeroed(), core::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let status = libc::pthread_create(&mut handle, ptr::null(), body, argument);
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        status
    };
    (status == 0).then_some(handle)
}

/// Ends the thread and waits for that.
pub fn stop() {
    let Some(thread) = ORDER.stop() else {
        return;
    };
    manager::set_thrifty(false);
    wake();
    // SAFETY: the handle is that of the thread that `start` made, joined once since it was taken out.
    unsafe { libc::pthread_join(thread, ptr::null_mut()) };
}

/// Whether the thread runs.
pub fn is_running() -> bool {
    ORDER.is_on()
}

/// Waits for the end of a start, and of a look through the owners, for `fork`.
pub fn seize() {
    ORDER.seize();
    ROUND.seize();
}

/// Lets them go on.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub unsafe fn release() {
    // SAFETY: the caller's promise.
    unsafe {
        ROUND.release();
        ORDER.release();
    }
}

/// In the child of a `fork` the thread is not there; it is started again if it ran.
pub fn restart_in_child() {
    if ORDER.stop().is_some() {
        start(Duration::from_nanos(INTERVAL_NS.load(Ordering::Relaxed)));
    }
}

extern "C" fn body(turn: *mut libc::c_void) -> *mut libc::c_void {
    let turn = turn.addr() as u32;
    while wait(turn) {
        if process::is_left_alone() {
            // The program's last thread has ended: with this one the process ends.
            break;
        }
        {
            let _guard = ROUND.lock();
            manager::each(Owner::retire_idle);
        }
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

/// Sleeps for a round; `false`: the thread of this turn shall end.
#[cfg(target_os = "linux")]
fn wait(turn: u32) -> bool {
    let ns = INTERVAL_NS.load(Ordering::Relaxed) / ROUNDS;
    let time = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as _,
    };
    // SAFETY: the futex word is a static; the time is on this stack.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            ORDER.address(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            turn,
            &raw const time,
        )
    };
    ORDER.stands(turn)
}

/// Wakes all that sleep: a thread that shall end and the next one may both be there.
#[cfg(target_os = "linux")]
fn wake() {
    // SAFETY: the futex word is a static.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            ORDER.address(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            libc::c_int::MAX,
        )
    };
}

/// Without a futex: short sleeps, so that an end is seen soon.
#[cfg(not(target_os = "linux"))]
fn wait(turn: u32) -> bool {
    let mut left = INTERVAL_NS.load(Ordering::Relaxed) / ROUNDS;
    while left > 0 && ORDER.stands(turn) {
        let nap = left.min(20_000_000);
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: nap as _,
        };
        // SAFETY: the time is on this stack.
        unsafe { libc::nanosleep(&raw const time, ptr::null_mut()) };
        left -= nap;
    }
    ORDER.stands(turn)
}

#[cfg(not(target_os = "linux"))]
fn wake() {}
