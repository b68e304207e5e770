//! All homes, and which one a thread takes from.
//!
//! ```text
//! invariant: home number n stands at place n - 1; homes are never freed, so a reference to one stays good
//! invariant: homes <= bound() = 4 for each processor, at least 4, at most MAX_HOMES
//! ```
//! As long as there are no more threads than that each has a home to itself, so that two threads meet at a lock only where
//! one frees what the other allocated. A home that a thread left is taken before a new one is made: its memory is warm.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::home::Home;
use crate::base::align::PAGE;
use crate::base::error::Broken;
use crate::harden;
use crate::heap::HeapId;
use crate::heap::invariants::Among;
use crate::source::{MemorySource, Mmap};
use crate::sync::atomic::pause;
use crate::sync::lock::Lock;
use crate::sync::table::Table;

/// The most homes there can be.
pub const MAX_HOMES: usize = 64;
/// Homes for each processor.
const PER_PROCESSOR: usize = 4;

static TABLE: Table<Home, MAX_HOMES> = Table::new();
/// Held by whoever chooses or makes a home.
static CHOOSING: Lock<()> = Lock::new(());

/// The home of this number.
#[inline]
pub fn find(number: u32) -> Option<&'static Home> {
    TABLE.find(number)
}

/// Shows every home.
pub fn each(show: impl FnMut(&'static Home)) {
    TABLE.iter().for_each(show);
}

/// Tests the invariants of every home, `among` those who may have blocks of them.
///
/// # Errors
/// [`Broken`] names the first that does not hold.
pub fn check(among: Among) -> Result<(), Broken> {
    TABLE.iter().try_for_each(|home| home.check(among))
}

/// A home for a thread that begins; [`Home::leave`] when it ends. `None`: memory ended.
///
/// Nobody waits here but for the very first home: where many threads begin at once, one that loses its processor while it
/// holds a lock would hold up all the others.
pub fn choose() -> Option<&'static Home> {
    let mut claim = |home: &&Home| {
        let users = &home.users;
        users
            .compare_exchange(0, 1, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
    };
    if let Some(home) = TABLE.iter().find(&mut claim) {
        return Some(home);
    }
    let made = add(bound());
    let home = match made {
        Some(home) => home,
        None => match TABLE
            .iter()
            .min_by_key(|home| home.users.load(Ordering::Relaxed))
        {
            Some(quietest) => quietest,
            None => first()?,
        },
    };
    home.users.fetch_add(1, Ordering::SeqCst);
    Some(home)
}

/// Another home, if there are fewer than `most` and nobody else makes one.
fn add(most: usize) -> Option<&'static Home> {
    if TABLE.count() as usize >= most {
        return None;
    }
    let _guard = CHOOSING.try_lock()?;
    // SAFETY: under the lock.
    unsafe { TABLE.add(make) }
}

/// The first home, which somebody else may be making.
fn first() -> Option<&'static Home> {
    let _guard = CHOOSING.lock();
    match TABLE.find(1) {
        Some(home) => Some(home),
        // SAFETY: under the lock.
        None => unsafe { TABLE.add(make) },
    }
}

/// Does something with the arenas of a home, `first` if nobody else is there at the moment, else of one that is free now.
/// Any home can serve any thread, so no thread waits while another home is free; and where the holders of all of them have
/// lost their processors, which many threads on few processors lead to, there is soon one more. Who has to wait waits for
/// any: the holder of a certain one may be the last to get its processor back (`basic`, whose 64 threads share two, gave up
/// its processor 3,000 times before, for 60 waits).
pub fn with_any<T>(
    first: &'static Home,
    mut work: impl FnMut(&mut crate::heap::arenas::Arenas<super::pool::FromPool>) -> T,
) -> T {
    if let Some(done) = first.try_with(&mut work) {
        return done;
    }
    let mut spins = 0;
    loop {
        if let Some(done) = TABLE.iter().find_map(|home| home.try_with(&mut work)) {
            return done;
        }
        // Once: more homes than threads that are in one at the same time hold memory for nothing.
        if spins == 0
            && let Some(done) = add(MAX_HOMES).and_then(|home| home.try_with(&mut work))
        {
            return done;
        }
        pause(&mut spins);
    }
}

fn make(number: u32) -> Option<&'static Home> {
    // Before the first block of a home links to another.
    harden::begin();
    let bytes = (size_of::<Home>() as u64).next_multiple_of(PAGE);
    let got = Mmap.acquire(bytes, PAGE)?;
    let home = got.start.cast::<MaybeUninit<Home>>();
    let number = HeapId::new(number)?;
    // SAFETY: the mapping is fresh, ours, long enough, and aligned to a page; it is never given back.
    Some(unsafe { (*home.as_ptr()).write(Home::new(number)) })
}

/// How many homes this process may have.
fn bound() -> usize {
    static BOUND: AtomicUsize = AtomicUsize::new(0);
    match BOUND.load(Ordering::Relaxed) {
        0 => {
            let bound = (PER_PROCESSOR * processors()).clamp(PER_PROCESSOR, MAX_HOMES);
            BOUND.store(bound, Ordering::Relaxed);
            bound
        }
        bound => bound,
    }
}

/// Processors that this process may run on; 1 if the system does not say. Must not allocate.
#[cfg(target_os = "linux")]
fn processors() -> usize {
    // SAFETY: the set is a plain array of bits that the system fills.
    unsafe {
        let mut set: libc::cpu_set_t = core::mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) != 0 {
            return 1;
        }
        libc::CPU_COUNT(&set).max(1) as usize
    }
}

/// Processors of the machine. Must not allocate.
#[cfg(not(target_os = "linux"))]
fn processors() -> usize {
    // SAFETY: a question.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// Takes the locks, for `fork`: no home is in the middle of a change then.
pub fn seize() {
    CHOOSING.seize();
    each(Home::seize);
}

/// Frees the locks.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub unsafe fn release() {
    // SAFETY: the caller's promise; no home was made since `seize`.
    unsafe {
        each(|home| home.release());
        CHOOSING.release();
    }
}

/// In the child of a `fork` there is one thread: `home`, its own, has one user, the others none.
pub fn keep_user(home: Option<&Home>) {
    each(|other| {
        let mine = home.is_some_and(|home| core::ptr::eq(home, other));
        other.users.store(u32::from(mine), Ordering::SeqCst);
    });
}
