//! The calling thread's heap: found, made, and left when the thread ends.
//!
//! A thread points to a vacant owner until its first slow request, and again after its end has begun, so malloc and free
//! need no check of their own: the vacant one's cache is empty and its key matches no block.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{fork, tls};
use crate::threaded::home::Home;
use crate::threaded::manager::{self, ENDED, NOBODY};
use crate::threaded::owner::Owner;

/// The calling thread's owner; vacant if it has none (only read it then).
#[inline(always)]
pub fn get() -> *mut Owner {
    tls::get()
}

/// The calling thread's owner, made or adopted if need be. `None`: the thread's end has begun, or memory ended.
#[inline]
pub fn attach() -> Option<*mut Owner> {
    let current = get();
    if is_vacant(current) {
        begin(current)
    } else {
        Some(current)
    }
}

#[cold]
fn begin(current: *mut Owner) -> Option<*mut Owner> {
    if is_ended(current) {
        return None;
    }
    prepare();
    let owner = manager::adopt()?;
    tls::set(owner);
    if let Some(key) = exit_key() {
        // May allocate: the owner is already there.
        // SAFETY: the key was made by `exit_key`.
        unsafe { libc::pthread_setspecific(key, owner.cast()) };
    }
    Some(owner)
}

/// Sees to it that a fork finds all locks free; to be called before the process's first lock is taken.
#[inline]
pub fn prepare() {
    if !fork::is_registered() {
        register();
    }
}

#[cold]
fn register() {
    let current = get();
    // What the registration may allocate is served as at a thread's end, or it would lead back here.
    if is_vacant(current) {
        tls::set(ENDED.pointer());
    }
    fork::register();
    tls::set(current);
}

/// The home that the calling thread takes from, if it has one.
pub fn home() -> Option<&'static Home> {
    let owner = get();
    // SAFETY: the owner is the calling thread's, and no other reference to it is alive.
    (!is_vacant(owner)).then(|| unsafe { (*owner).home() })?
}

/// In the child of a `fork`: nobody else is at the calling thread's owner.
pub fn reset_turn() {
    let owner = get();
    if !is_vacant(owner) {
        // SAFETY: owners are never freed.
        unsafe { (*owner).reset_turn() };
    }
}

/// Whether this owner is one of the two that own nothing.
#[inline]
pub fn is_vacant(owner: *mut Owner) -> bool {
    ptr::eq(owner, NOBODY.pointer()) || is_ended(owner)
}

/// Whether the calling thread's end has begun.
fn is_ended(owner: *mut Owner) -> bool {
    ptr::eq(owner, ENDED.pointer())
}

/// Does something with a heap of which the calling thread is the owner just for that: for threads whose end has begun,
/// whose other destructors may still allocate.
pub fn borrow<T>(work: impl FnOnce(&Owner) -> T) -> Option<T> {
    let owner = manager::adopt()?;
    // SAFETY: adopted: no other thread uses it until it is abandoned below.
    unsafe {
        let answer = work(&*owner);
        manager::leave(owner);
        Some(answer)
    }
}

/// The key whose destructor tells the end of a thread; `None` when the system has no more keys: heaps are then not
/// handed on, which costs memory and nothing else.
fn exit_key() -> Option<libc::pthread_key_t> {
    // 0: not made; otherwise the key plus 1.
    static KEY: AtomicU32 = AtomicU32::new(0);
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return Some(known as libc::pthread_key_t - 1);
    }
    // Without a lock, which a fork at this moment would leave taken: of two threads that make a key one gives its own back.
    let mut made: libc::pthread_key_t = 0;
    // SAFETY: the destructor lives as long as the program; a key that is deleted is known to nobody.
    unsafe {
        if libc::pthread_key_create(&mut made, Some(at_exit)) != 0 {
            return None;
        }
        match KEY.compare_exchange(0, made as u32 + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(made),
            Err(other) => {
                libc::pthread_key_delete(made);
                Some(other as libc::pthread_key_t - 1)
            }
        }
    }
}

unsafe extern "C" fn at_exit(owner: *mut libc::c_void) {
    tls::set(ENDED.pointer());
    // SAFETY: the value is the owner that `attach` set for this thread, which does not use it any more.
    unsafe { manager::leave(owner.cast()) };
}
