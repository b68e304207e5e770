//! The five functions of an allocator, as pointers: the only way in which the engine reaches any of them.

use std::ffi::c_void;

/// An allocator's functions. All have the contracts of their namesakes in C.
///
/// Our own allocator goes through the same pointers as the others, and the engine hides the pointers from the optimiser, so that
/// none is inlined.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    /// malloc(size)
    pub malloc: unsafe extern "C" fn(usize) -> *mut c_void,
    /// calloc(count, size)
    pub calloc: unsafe extern "C" fn(usize, usize) -> *mut c_void,
    /// aligned_alloc(alignment, size); the size need not be a multiple of the alignment.
    pub aligned: unsafe extern "C" fn(usize, usize) -> *mut c_void,
    /// realloc(block, size), never called with size 0.
    pub realloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    /// free(block), never called with null.
    pub free: unsafe extern "C" fn(*mut c_void),
    /// Called by each thread before its first request, for allocators that want to be told.
    pub begin: Option<unsafe extern "C" fn()>,
    /// Called by each thread after its last request.
    pub end: Option<unsafe extern "C" fn()>,
}
