//! An allocator that checks its caller: every block is where no other is, is freed once, and is freed at all; and a log of who asked
//! for what.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use replayer::engine::Calls;

use crate::common::Request;

#[derive(Default)]
struct State {
    /// Live blocks: address → size.
    live: BTreeMap<usize, usize>,
    /// What each thread asked for, by a number of the thread.
    log: BTreeMap<u64, Vec<Request>>,
    complaints: Vec<String>,
    /// Requests of a size that this divides are refused; 0: none is.
    refuse: usize,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);
static TURN: Mutex<()> = Mutex::new(());
static NEXT_THREAD: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static THREAD: Cell<u64> = const { Cell::new(0) };
}

pub const CALLS: Calls = Calls {
    malloc,
    calloc,
    aligned,
    realloc,
    free,
    begin: None,
    end: None,
};

/// One test's use of the allocator; others wait.
pub struct Checking {
    _turn: MutexGuard<'static, ()>,
}

impl Checking {
    pub fn begin(refuse: usize) -> Checking {
        let turn = TURN.lock().unwrap_or_else(|broken| broken.into_inner());
        *STATE.lock().unwrap() = Some(State {
            refuse,
            ..State::default()
        });
        Checking { _turn: turn }
    }

    /// What each thread asked for, in any order of threads. Panics on any complaint and on blocks that are left.
    pub fn end(self) -> Vec<Vec<Request>> {
        let state = STATE.lock().unwrap().take().unwrap();
        assert!(state.complaints.is_empty(), "{:#?}", state.complaints);
        assert!(
            state.live.is_empty(),
            "{} blocks are left",
            state.live.len()
        );
        state.log.into_values().collect()
    }
}

/// The stamp that a block's first and last bytes bear while it lives.
fn stamp(address: usize) -> u8 {
    (address >> 4) as u8 | 1
}

impl State {
    fn log(&mut self, request: Request) {
        let thread = THREAD.with(|thread| {
            if thread.get() == 0 {
                thread.set(NEXT_THREAD.fetch_add(1, Ordering::Relaxed));
            }
            thread.get()
        });
        self.log.entry(thread).or_default().push(request);
    }

    fn make(&mut self, align: usize, size: usize) -> *mut c_void {
        if self.refuse != 0 && size.is_multiple_of(self.refuse) {
            return std::ptr::null_mut();
        }
        // SAFETY: a valid alignment; room for the stamps behind the block.
        let block = unsafe { libc::memalign(align.max(16), size + 1) };
        let address = block as usize;
        let before = self
            .live
            .range(..address)
            .next_back()
            .is_some_and(|(&other, &len)| other + len > address);
        let behind = self
            .live
            .range(address..)
            .next()
            .is_some_and(|(&other, _)| other < address + size);
        if before || behind {
            self.complaints
                .push(format!("{address:#x} overlaps another block"));
        }
        self.live.insert(address, size);
        // SAFETY: the block has size + 1 bytes.
        unsafe { block.cast::<u8>().add(size).write(stamp(address)) };
        block
    }

    fn unmake(&mut self, block: *mut c_void) -> usize {
        let Some(size) = self.live.remove(&(block as usize)) else {
            self.complaints
                .push(format!("{block:?} is freed and is not there"));
            return 0;
        };
        // SAFETY: the block is live, so it has its stamp behind it.
        if unsafe { block.cast::<u8>().add(size).read() } != stamp(block as usize) {
            self.complaints.push(format!("{block:?} was overrun"));
        }
        size
    }
}

fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    act(STATE.lock().unwrap().as_mut().unwrap())
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    with(|state| {
        state.log(Request::Malloc(size));
        state.make(16, size)
    })
}

unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    with(|state| {
        state.log(Request::Calloc(count * size));
        state.make(16, count * size)
    })
}

unsafe extern "C" fn aligned(align: usize, size: usize) -> *mut c_void {
    with(|state| {
        state.log(Request::Aligned(size));
        state.make(align, size)
    })
}

unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    with(|state| {
        let old = state.live.get(&(block as usize)).copied().unwrap_or(0);
        state.log(Request::Realloc(old, size));
        let new = state.make(16, size);
        if !new.is_null() && !block.is_null() {
            state.unmake(block);
            // SAFETY: it came from memalign and is gone from the table.
            unsafe { libc::free(block) };
        }
        new
    })
}

unsafe extern "C" fn free(block: *mut c_void) {
    with(|state| {
        let size = state.unmake(block);
        state.log(Request::Free(size));
    });
    // Freed memory is kept from being used again for a moment by nobody: the table is what detects a second free.
    // SAFETY: it came from memalign; a second free was told above, and the test fails.
    unsafe { libc::free(block) };
}
