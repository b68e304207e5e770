//! Whether a scenario fits in memory and on the disk, before it starts.

use super::Scenario;
use crate::RecordError;
use crate::runtime::folder::may_take;
use std::path::Path;

/// What finishing takes, roughly: windows, waiting events, the blocks that live.
const FINISHING_BYTES: u64 = 600 << 20;

/// Events below this are no reason to look at the memory: any machine has room for them.
const FEW_EVENTS: u64 = 1 << 20;

/// Bytes of the capture for an event: mostly one word, and some of what a thread prepares is never used.
const CAPTURE_BYTES: u64 = 11;

/// Refuses a scenario that is expected to need more memory than is available, or more room on the disk of its capture.
pub(super) fn check(
    scenario: Scenario,
    live_bytes: u64,
    events: u64,
    folder: &Path,
) -> Result<(), RecordError> {
    let finishing = if events > FEW_EVENTS {
        FINISHING_BYTES
    } else {
        0
    };
    // The blocks are gone when the tape is made, so it is one or the other.
    let needed = live_bytes.max(finishing);
    if let Some(available) = available().filter(|&available| needed > available) {
        return Err(RecordError::Memory {
            what: format!("the live set of scenario {scenario}"),
            needed,
            available,
            advice: "fewer --threads, --ops or a smaller --ring make it smaller".to_owned(),
        });
    }
    let needed = events.saturating_mul(CAPTURE_BYTES);
    let disk = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let disk = disk.unwrap_or(Path::new("."));
    match may_take(disk).filter(|&available| needed > available) {
        Some(available) => Err(RecordError::Disk {
            what: format!("recording {events} events of scenario {scenario}"),
            disk: disk.to_owned(),
            needed,
            available,
            advice:
                "fewer --threads or --ops make it shorter, and -o may name a file on a larger disk"
                    .to_owned(),
        }),
        None => Ok(()),
    }
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
        let folder = std::env::temp_dir().join("x.capture");
        assert!(check(Scenario::Basic, 1 << 10, 10, &folder).is_ok());
        let error = check(Scenario::EphemeralVisits, 591_052_800_000_000, 10, &folder)
            .unwrap_err()
            .to_string();
        assert!(error.contains("591052800000000"), "{error}");
        let error = check(Scenario::Ephemeral, 1, 1 << 50, &folder)
            .unwrap_err()
            .to_string();
        assert!(error.contains(&(11u64 << 50).to_string()), "{error}");
    }
}
