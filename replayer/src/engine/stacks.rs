//! Stacks for the replay's threads, mapped and touched before the clock runs.

use std::cell::Cell;

use super::processors;
use crate::mapping::{MapError, Region, page_size};

/// Bytes of a stack. The loop itself needs next to nothing; the C library keeps a thread's descriptor and thread-local storage at
/// the top, and allocators go some frames deep.
const BYTES: usize = 256 * 1024;

/// Of these, touched beforehand.
const TOUCHED: usize = 24 * 1024;

/// One stack a lane, with thread attributes that name it.
pub(super) struct Stacks {
    attributes: Vec<libc::pthread_attr_t>,
    running: Vec<Cell<Option<u32>>>,
    _region: Region,
}

impl Stacks {
    /// Stacks for so many lanes, each with a guard page at its low end.
    /// With `pin` each is for one processor, in turn.
    pub fn new(lanes: usize, pin: bool) -> Result<Stacks, MapError> {
        let processors = if pin {
            processors::allowed()
        } else {
            Vec::new()
        };
        let region = Region::anonymous("stacks", lanes.saturating_mul(BYTES), false)?;
        let mut attributes = Vec::with_capacity(lanes);
        for lane in 0..lanes {
            let offset = lane * BYTES;
            region.guard(offset)?;
            region.prefault(offset + BYTES - TOUCHED, TOUCHED);
            let mut with_stack = attributes_of(
                region.start().wrapping_add(offset + page_size()),
                BYTES - page_size(),
            )?;
            if !processors.is_empty() {
                let only = processors::only(processors[lane % processors.len()]);
                // SAFETY: the attributes are made, and the set lives through the call.
                unsafe {
                    libc::pthread_attr_setaffinity_np(
                        &mut with_stack,
                        size_of::<libc::cpu_set_t>(),
                        &only,
                    )
                };
            }
            attributes.push(with_stack);
        }
        Ok(Stacks {
            attributes,
            running: vec![Cell::new(None); lanes],
            _region: region,
        })
    }

    /// For each lane the thread that runs on it.
    pub fn running(&self) -> &[Cell<Option<u32>>] {
        &self.running
    }

    /// Attributes that put a thread on the lane's stack.
    pub fn of(&self, lane: usize) -> Option<&libc::pthread_attr_t> {
        self.attributes.get(lane)
    }
}

fn attributes_of(stack: *mut u8, bytes: usize) -> Result<libc::pthread_attr_t, MapError> {
    let mut attributes = std::mem::MaybeUninit::uninit();
    // SAFETY: init fills the attributes, on which setstack then works; stack..stack+bytes is mapped, writable and nobody else's.
    let failed = unsafe {
        match libc::pthread_attr_init(attributes.as_mut_ptr()) {
            0 => libc::pthread_attr_setstack(attributes.as_mut_ptr(), stack.cast(), bytes),
            error => error,
        }
    };
    if failed != 0 {
        return Err(MapError {
            what: "thread attributes",
            bytes: bytes as u64,
            error: std::io::Error::from_raw_os_error(failed),
        });
    }
    // SAFETY: pthread_attr_init succeeded.
    Ok(unsafe { attributes.assume_init() })
}

impl Drop for Stacks {
    fn drop(&mut self) {
        for attributes in &mut self.attributes {
            // SAFETY: made by pthread_attr_init and destroyed once, here.
            unsafe { libc::pthread_attr_destroy(attributes) };
        }
    }
}
