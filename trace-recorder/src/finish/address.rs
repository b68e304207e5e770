//! Spreading addresses over lanes and tables. Addresses come from the recorded program, which can only slow down its own
//! recording by choosing them badly.

use std::hash::Hasher;

/// Spreads an address over all bits: multiply, and fold the two halves of the product.
#[inline(always)]
pub(super) fn hash(address: u64) -> u64 {
    let product = u128::from(address) * 0xD6E8_FEB8_6659_FD93;
    product as u64 ^ (product >> 64) as u64
}

/// The lane, of 2^`bits`, that an address belongs to. It says nothing of the address's [`hash`].
#[inline(always)]
pub(super) fn lane_of(address: u64, bits: u32) -> usize {
    (address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
}

/// [`hash`], for the maps of the standard library.
#[derive(Default, Debug)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, address: u64) {
        self.0 = hash(address);
    }
}
