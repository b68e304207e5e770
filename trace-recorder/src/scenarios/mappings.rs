//! Whether a scenario's threads fit into the mappings that a process may have.
//!
//! A thread takes four: its stack and the stack on which an overflow of the first is told, each with a guard page. When the
//! kernel has no more of them the standard library ends the process from within the new thread, and no code of ours can catch
//! that. So it is known before.

use super::Scenario;
use crate::RecordError;

/// Mappings of a thread that runs.
const OF_THREAD: u64 = 4;

/// Mappings of a thread that has ended and was not joined: its stack and the guard page.
const OF_ENDED: u64 = 2;

/// What is left for the allocator, the capture and the program itself.
const OTHERS: u64 = 1024;

/// Where the kernel tells how many mappings a process may have.
const LIMIT: &str = "/proc/sys/vm/max_map_count";

/// Refuses a scenario that may need more mappings than the kernel grants.
pub(super) fn check(scenario: Scenario, threads: u32) -> Result<(), RecordError> {
    let most = std::fs::read_to_string(LIMIT)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    most.map_or(Ok(()), |most| check_against(scenario, threads, most))
}

fn check_against(scenario: Scenario, threads: u32, most: u64) -> Result<(), RecordError> {
    let of_worker = match scenario {
        // A worker's next thread starts before the last one ends, and the crew lets one more wait to be joined.
        Scenario::Large => 2 * OF_THREAD + OF_ENDED,
        _ => OF_THREAD,
    };
    let needed = u64::from(threads) * of_worker + OTHERS;
    if needed <= most {
        return Ok(());
    }
    Err(RecordError::Mappings {
        threads,
        needed,
        most,
        fewer: most.saturating_sub(OTHERS) / of_worker,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux has unless somebody changed it.
    const USUAL: u64 = 65_530;

    #[test]
    fn what_does_not_fit_names_the_limit_and_a_number_that_does() {
        assert!(check_against(Scenario::Large, 4096, USUAL).is_ok());
        for scenario in Scenario::ALL {
            let error = check_against(scenario, 16_384, USUAL).unwrap_err();
            let RecordError::Mappings { fewer, .. } = error else {
                panic!("{error}");
            };
            assert!(check_against(scenario, fewer as u32, USUAL).is_ok());
            assert!(check_against(scenario, fewer as u32 + 1, USUAL).is_err());
            let text = error.to_string();
            for part in ["vm.max_map_count", "--threads", &fewer.to_string()] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
