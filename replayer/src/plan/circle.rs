//! Proof that the programs can run to their end: runs them with nothing but the waiting.
//!
//! Times that run forward make a circle impossible, so this is needed only where two threads touch a block at the same stamp.

use super::error::PlanError;
use super::layout::ThreadRow;
use super::op::{Kind, Op};
use super::{Advance, tell};

/// Operations after which it is asked whether anybody wants to know.
const ASK_AFTER: u32 = 1 << 20;

/// A thread that can never go on, and the shared slot it waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    pub thread: usize,
    pub slot: u32,
}

/// Runs all programs, each as far as it gets, until all are done or none gets further (Kahn's algorithm over the crossing blocks).
/// `None`: all came to their end.
///
/// # Errors
/// [`PlanError::Unwanted`] only.
pub(super) fn find(
    rows: &[ThreadRow],
    ops: &[Op],
    shared: usize,
    advance: Advance<'_>,
) -> Result<Option<Stuck>, PlanError> {
    const NOBODY: u32 = u32::MAX;
    let mut made = vec![false; shared];
    let mut waiting = vec![NOBODY; shared];
    let mut at: Vec<u64> = rows.iter().map(|row| row.first_op).collect();
    let mut ready: Vec<u32> = (0..rows.len() as u32).rev().collect();
    let mut until_asked = ASK_AFTER;
    while let Some(thread) = ready.pop() {
        let end = rows[thread as usize].first_op + rows[thread as usize].ops;
        let next = &mut at[thread as usize];
        while *next < end {
            until_asked -= 1;
            if until_asked == 0 {
                tell(advance, 0)?;
                until_asked = ASK_AFTER;
            }
            let op = ops[*next as usize];
            let slot = op.slot() as usize;
            if op.shared() {
                if op.kind().is_some_and(Kind::makes) {
                    made[slot] = true;
                    if waiting[slot] != NOBODY {
                        ready.push(waiting[slot]);
                    }
                } else if !made[slot] {
                    waiting[slot] = thread;
                    break;
                }
            }
            *next += 1;
        }
    }
    for (thread, row) in rows.iter().enumerate() {
        if at[thread] < row.first_op + row.ops {
            return Ok(Some(Stuck {
                thread,
                slot: ops[at[thread] as usize].slot(),
            }));
        }
    }
    Ok(None)
}
