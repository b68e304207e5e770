//! Stacks for the replay's threads, mapped and touched before the clock runs.

use crate::mapping::{MapError, Region, page_size};

/// Bytes of a stack. The loop itself needs next to nothing; the C library keeps a thread's descriptor and thread-local storage at
/// the top, and allocators go some frames deep.
const BYTES: usize = 256 * 1024;

/// Of these, touched beforehand.
const TOUCHED: usize = 24 * 1024;

/// One stack a lane, with thread attributes that name it.
pub(super) struct Stacks {
    attributes: Vec<libc::pthread_attr_t>,
    _region: Region,
}

impl Stacks {
    /// Stacks for so many lanes, each with a guard page at its low end.
    pub fn new(lanes: usize) -> Result<Stacks, MapError> {
        let region = Region::anonymous("stacks", lanes.saturating_mul(BYTES), false)?;
        let mut attributes = Vec::with_capacity(lanes);
        for lane in 0..lanes {
            let offset = lane * BYTES;
            region.guard(offset)?;
            region.prefault(offset + BYTES - TOUCHED, TOUCHED);
            attributes.push(attributes_of(
                region.start().wrapping_add(offset + page_size()),
                BYTES - page_size(),
            )?);
        }
        Ok(Stacks {
            attributes,
            _region: region,
        })
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
