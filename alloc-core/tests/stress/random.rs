//! Numbers that look random, for one thread.

/// The state; never 0.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        // Seeds that differ little begin far apart (the finisher of SplitMix64).
        let mixed = (seed ^ seed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        Random((mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB) | 1)
    }

    /// xorshift64 (Marsaglia, 2003).
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 32) as usize * end) >> 32
    }

    /// Whether something happens that happens once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Bytes of a block: mostly small, now and then of every kind.
    pub fn size(&mut self) -> usize {
        match self.below(200) {
            0 => (512 << 10) + self.below(1 << 20),
            1..8 => (32 << 10) + self.below(200 << 10),
            8..50 => 1017 + self.below(31 << 10),
            _ => self.below(1017),
        }
    }
}
