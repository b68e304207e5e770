//! snmalloc as a peer in the benchmark.
//!
//! Empty without the feature `shared`. With it the archive carries the allocator's own objects, and the one
//! function below.

#[cfg(feature = "shared")]
pub use snmalloc_sys as allocator;

#[cfg(feature = "shared")]
mod runtime {
    use core::ffi::{c_int, c_void};

    type Destructor = unsafe extern "C" fn(*mut c_void);

    unsafe extern "C" {
        fn __cxa_thread_atexit_impl(run: Destructor, object: *mut c_void, of: *mut c_void)
        -> c_int;
    }

    /// All that snmalloc wants of the C++ library: a destructor for the end of the thread, which the C library keeps. With the
    /// C++ library in its stead a second shared object would be loaded into every process that is measured.
    ///
    /// # Safety
    /// As the C++ ABI has it: `run` may be called with `object` when the calling thread ends, while the object of the handle
    /// `of` is loaded.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn __cxa_thread_atexit(
        run: Destructor,
        object: *mut c_void,
        of: *mut c_void,
    ) -> c_int {
        // SAFETY: the caller's promise; both functions have the same contract.
        unsafe { __cxa_thread_atexit_impl(run, object, of) }
    }
}
