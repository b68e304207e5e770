//! Threads by the system's own functions, which ThreadSanitizer knows.

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A thread that was started.
pub struct Thread(libc::pthread_t);

impl Thread {
    /// Starts a thread that does this. A panic in it ends the process.
    pub fn start(work: impl FnOnce() + Send + 'static) -> Thread {
        type Work = Box<dyn FnOnce() + Send>;
        extern "C" fn body(work: *mut libc::c_void) -> *mut libc::c_void {
            // SAFETY: the pointer is that of the box below, handed over once.
            let work = unsafe { Box::from_raw(work.cast::<Work>()) };
            work();
            ptr::null_mut()
        }
        let work: *mut Work = Box::into_raw(Box::new(Box::new(work)));
        let mut thread = 0;
        // SAFETY: the body lives as long as the program, and takes the box.
        let status = unsafe { libc::pthread_create(&mut thread, ptr::null(), body, work.cast()) };
        assert_eq!(status, 0, "no thread to be had");
        Thread(thread)
    }

    pub fn join(self) {
        // SAFETY: a thread that was started, joined once.
        assert_eq!(unsafe { libc::pthread_join(self.0, ptr::null_mut()) }, 0);
    }
}

/// How often what is to be done at a thread's end is done.
pub const ROUNDS: u32 = 2;

/// What is left to be done at the end of a thread: told which round it is, from 1 to [`ROUNDS`].
type Work = Box<dyn FnMut(u32)>;

/// Has this done at the end of the calling thread, among the destructors of its own values: the second round at least comes
/// after the allocator's own.
pub fn at_end(work: impl FnMut(u32) + 'static) {
    set((0, Box::new(work)));
}

fn set(work: (u32, Work)) {
    let work = Box::into_raw(Box::new(work));
    // SAFETY: the key stays; the destructor takes the box.
    assert_eq!(unsafe { libc::pthread_setspecific(key(), work.cast()) }, 0);
}

unsafe extern "C" fn destroy(work: *mut libc::c_void) {
    // SAFETY: the pointer is that of the box in `set`, handed over once.
    let (rounds, mut work) = *unsafe { Box::from_raw(work.cast::<(u32, Work)>()) };
    work(rounds + 1);
    if rounds + 1 < ROUNDS {
        set((rounds + 1, work));
    }
}

/// The key whose destructor is [`destroy`].
fn key() -> libc::pthread_key_t {
    // 0: not made; otherwise the key plus 1.
    static KEY: AtomicU32 = AtomicU32::new(0);
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return known - 1;
    }
    let mut made = 0;
    // SAFETY: the destructor lives as long as the program; a key that is deleted is known to nobody.
    unsafe {
        assert_eq!(libc::pthread_key_create(&mut made, Some(destroy)), 0);
        match KEY.compare_exchange(0, made + 1, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(other) => {
                libc::pthread_key_delete(made);
                other - 1
            }
        }
    }
}
