//! A driver that runs a program of requests against a heap and a model of it, for every test that needs one.
#![allow(dead_code, reason = "each test file uses a part")]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use alloc_core::base::align::PAGE;
use alloc_core::heap::Heap;
use alloc_core::source::{Acquired, MemorySource, Region};

/// So many cases of a property, unless `PROPTEST_CASES` says how many.
pub fn cases(usual: u32) -> proptest::test_runner::Config {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    proptest::test_runner::Config {
        cases: asked.unwrap_or(usual),
        ..Default::default()
    }
}

/// Programs of at most so many requests, unless `HEAP_TEST_LENGTH` says how many: under Miri each takes long.
pub fn length(usual: usize) -> usize {
    let asked = std::env::var("HEAP_TEST_LENGTH")
        .ok()
        .and_then(|n| n.parse().ok());
    asked.unwrap_or(usual).max(2)
}

/// A region of the test's own memory.
pub struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

impl Memory {
    pub fn new(bytes: usize) -> Memory {
        let layout = Layout::from_size_align(bytes, PAGE as usize).expect("a layout");
        // SAFETY: the layout has a size.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory");
        Memory { start, layout }
    }

    pub fn region(&self) -> Region {
        // SAFETY: the memory is this one's alone; tests drop their heaps first.
        unsafe { Region::new(self.start, self.layout.size() as u64) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// A region that knows which of its memory was never handed out, and so is zero still.
pub struct Fresh {
    region: Region,
    used_to: usize,
}

impl Fresh {
    pub fn new(memory: &Memory) -> Fresh {
        Fresh {
            region: memory.region(),
            used_to: 0,
        }
    }

    pub fn base(&self) -> NonNull<u8> {
        self.region.base()
    }
}

// SAFETY: every piece of memory is the region's.
unsafe impl MemorySource for Fresh {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        let got = self.region.acquire(bytes, align)?;
        let start = got.start.as_ptr().addr();
        let zeroed = start >= self.used_to;
        self.used_to = self.used_to.max(start + got.bytes as usize);
        Some(Acquired { zeroed, ..got })
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        // SAFETY: the caller's promise.
        unsafe { self.region.release(start, bytes) }
    }
}

/// One request. Blocks are named by a number modulo those that are live.
#[derive(Clone, Debug)]
pub enum Op {
    Malloc(usize),
    Calloc(usize),
    Aligned(u8, usize),
    Realloc(usize, usize),
    Free(usize),
    EmptyCache,
}

struct Block {
    start: NonNull<u8>,
    len: usize,
    seed: u8,
}

impl Block {
    fn fill(&self) {
        for i in 0..self.len {
            // SAFETY: the heap gave us `len` bytes.
            unsafe { self.start.add(i).write(self.seed.wrapping_add(i as u8)) }
        }
    }

    fn verify(&self, len: usize) {
        for i in 0..self.len.min(len) {
            // SAFETY: as above.
            let byte = unsafe { self.start.add(i).read() };
            assert_eq!(
                byte,
                self.seed.wrapping_add(i as u8),
                "byte {i} of a block of {} changed",
                self.len
            );
        }
    }
}

/// Runs requests and checks each answer: alignment, zeros, contents kept (which overlap would break).
pub struct Driver<'h, S: MemorySource> {
    pub heap: &'h mut Heap<S>,
    live: Vec<Block>,
    seed: u8,
    pub refused: u64,
}

impl<'h, S: MemorySource> Driver<'h, S> {
    pub fn new(heap: &'h mut Heap<S>) -> Self {
        Driver {
            heap,
            live: Vec::new(),
            seed: 1,
            refused: 0,
        }
    }

    fn keep(&mut self, start: Option<NonNull<u8>>, len: usize, align: usize) {
        let Some(start) = start else {
            self.refused += 1;
            return;
        };
        assert_eq!(
            start.as_ptr().addr() % align,
            0,
            "a block of {len} is not aligned to {align}"
        );
        // SAFETY: the block is in use.
        assert!(unsafe { self.heap.usable_size(start) } >= len);
        self.seed = self.seed.wrapping_add(7);
        let block = Block {
            start,
            len,
            seed: self.seed,
        };
        block.fill();
        self.live.push(block);
    }

    pub fn run(&mut self, op: &Op) {
        match *op {
            Op::Malloc(size) => {
                let got = self.heap.malloc(size);
                self.keep(got, size, 16);
            }
            Op::Calloc(size) => {
                let got = self.heap.calloc(size);
                if let Some(start) = got {
                    // SAFETY: the heap gave us `size` bytes.
                    let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), size) };
                    assert!(
                        bytes.iter().all(|b| *b == 0),
                        "calloc of {size} is not zero"
                    );
                }
                self.keep(got, size, 16);
            }
            Op::Aligned(log2, size) => {
                let align = 1usize << log2;
                let got = self.heap.aligned(align, size);
                self.keep(got, size, align.max(16));
            }
            Op::Realloc(which, size) if !self.live.is_empty() => {
                let index = which % self.live.len();
                let old = self.live.swap_remove(index);
                // SAFETY: the block is live, and forgotten when a new one is there.
                match unsafe { self.heap.realloc(old.start, size) }.expect("no misuse") {
                    Some(start) => {
                        Block {
                            start,
                            len: size,
                            seed: old.seed,
                        }
                        .verify(old.len);
                        self.keep(Some(start), size, 16);
                    }
                    None => {
                        self.refused += 1;
                        old.verify(old.len);
                        self.live.push(old);
                    }
                }
            }
            Op::Free(which) if !self.live.is_empty() => {
                let index = which % self.live.len();
                let old = self.live.swap_remove(index);
                old.verify(old.len);
                // SAFETY: the block is live and forgotten.
                unsafe { self.heap.free(old.start) }.expect("no misuse");
            }
            Op::EmptyCache => self.heap.empty_cache(),
            Op::Realloc(..) | Op::Free(_) => {}
        }
    }

    pub fn free_all(&mut self) {
        while !self.live.is_empty() {
            self.run(&Op::Free(0));
        }
    }

    pub fn live(&self) -> (u64, u64) {
        (
            self.live.len() as u64,
            self.live.iter().map(|b| b.len as u64).sum(),
        )
    }
}
