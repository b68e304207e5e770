//! What a workload did, counted by itself.

use std::fmt;
use std::ops::AddAssign;

/// The counts of one thread or of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks that were got by malloc or calloc.
    pub allocated: u64,
    /// Blocks that were freed.
    pub freed: u64,
    /// Calls of realloc on a block.
    pub resized: u64,
    /// Bytes asked for, by all of these.
    pub bytes: u64,
    /// Requests that were answered with null.
    pub refused: u64,
    /// Blocks whose marks were not what was written there.
    pub damaged: u64,
    /// Nanoseconds that the loop of a loop workload took, by its own monotonic clock.
    pub loop_nanoseconds: u64,
    /// Pairs of malloc and free in that time.
    pub loop_pairs: u64,
}

impl Counts {
    /// What is wrong with a finished run, if anything: a request refused, a block damaged or still there.
    pub fn complaint(&self) -> Option<String> {
        let wrong = self.refused > 0 || self.damaged > 0 || self.allocated != self.freed;
        wrong.then(|| {
            format!(
                "{} requests were refused, {} blocks were damaged, {} blocks were allocated and {} freed",
                self.refused, self.damaged, self.allocated, self.freed
            )
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.allocated += other.allocated;
        self.freed += other.freed;
        self.resized += other.resized;
        self.bytes += other.bytes;
        self.refused += other.refused;
        self.damaged += other.damaged;
        self.loop_nanoseconds += other.loop_nanoseconds;
        self.loop_pairs += other.loop_pairs;
    }
}

/// One JSON object; every field is a whole number.
impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{{\"allocated\":{},\"freed\":{},\"resized\":{},\"bytes\":{},\"refused\":{},\"damaged\":{},\
             \"loop_nanoseconds\":{},\"loop_pairs\":{}}}",
            self.allocated,
            self.freed,
            self.resized,
            self.bytes,
            self.refused,
            self.damaged,
            self.loop_nanoseconds,
            self.loop_pairs
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_left_is_a_complaint() {
        let mut counts = Counts {
            allocated: 2,
            freed: 1,
            ..Counts::default()
        };
        assert!(counts.complaint().unwrap().contains("2 blocks"));
        counts += Counts {
            freed: 1,
            ..Counts::default()
        };
        assert_eq!(counts.complaint(), None);
    }
}
