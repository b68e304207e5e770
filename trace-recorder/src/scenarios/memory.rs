//! Whether a scenario fits in memory, before it starts.

use super::Scenario;
use crate::RecordError;
use crate::runtime::raw::RawSlot;

/// What finishing takes besides, roughly: windows, waiting events, the blocks that live.
const FINISHING_BYTES: u64 = 600 << 20;

/// Events below this are no reason to look at the memory: any machine has room for them.
const FEW_EVENTS: u64 = 1 << 20;

/// Refuses a scenario that is expected to need more memory than is available.
pub(super) fn check(scenario: Scenario, live_bytes: u64, events: u64) -> Result<(), RecordError> {
    let Some(available) = available() else {
        return Ok(());
    };
    let capture = events.saturating_mul(size_of::<RawSlot>() as u64);
    let finishing = if events > FEW_EVENTS {
        FINISHING_BYTES
    } else {
        0
    };
    // The blocks are gone when the tape is made, so it is one or the other.
    let needed = capture.saturating_add(live_bytes.max(finishing));
    if needed <= available {
        return Ok(());
    }
    let (what, advice) = if live_bytes > capture {
        (
            format!("the live set of scenario {scenario}"),
            "fewer --threads, --ops or a smaller --ring make it smaller",
        )
    } else {
        (
            format!("recording {events} events of scenario {scenario}"),
            "fewer --threads or --ops make it shorter",
        )
    };
    Err(RecordError::Memory {
        what,
        needed,
        available,
        advice: advice.to_owned(),
    })
}

/// Memory that can be had without swapping, as the kernel estimates it and as this control group allows.
fn available() -> Option<u64> {
    let number = |path: &str| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    let free = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("MemAvailable:"))?;
            Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
        })?;
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(most, now)| most.saturating_sub(now));
    Some(group.map_or(free, |group| group.min(free)))
}

/// Lets the system allocator give back what the scenario freed, before the tape is made.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim may be called at any time by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_names_the_bytes() {
        assert!(check(Scenario::Basic, 1 << 10, 10).is_ok());
        let error = check(Scenario::EphemeralVisits, 591_052_800_000_000, 10)
            .unwrap_err()
            .to_string();
        assert!(error.contains("591052800000240"), "{error}");
    }
}
