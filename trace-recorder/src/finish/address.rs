//! Spreading addresses over partitions and hash tables.

use std::hash::Hasher;

/// The partition, of 2^`bits`, that an address belongs to.
#[inline]
pub(super) fn partition_of(address: u64, bits: u32) -> usize {
    (address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - bits)) as usize
}

/// Hashes an address: multiply, and fold the two halves of the product. Addresses come from the recorded program, which can only slow down its own recording by choosing them badly.
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
        let product = u128::from(address) * 0xD6E8_FEB8_6659_FD93;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}
