//! Binding threads to processors.

use std::mem::MaybeUninit;

/// The processors that this process may use.
pub(super) fn allowed() -> Vec<usize> {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the pointer is to a set of the size that is given, zeroed, which is an empty set.
    let set = unsafe {
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) != 0 {
            return Vec::new();
        }
        set.assume_init()
    };
    (0..libc::CPU_SETSIZE as usize)
        // SAFETY: cpu < CPU_SETSIZE, the number of bits of the set.
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect()
}

/// A set of one processor.
pub(super) fn only(cpu: usize) -> libc::cpu_set_t {
    let set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: zeroed bits are an empty set, and `allowed` gave the number, so it is below CPU_SETSIZE.
    unsafe {
        let mut set = set.assume_init();
        libc::CPU_SET(cpu, &mut set);
        set
    }
}

/// Binds the calling thread. A processor that was taken away since is no harm: the thread stays where it is.
pub(super) fn bind_here(cpu: usize) {
    let set = only(cpu);
    // SAFETY: the set lives through the call.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) };
}
