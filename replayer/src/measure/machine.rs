//! The machine that measures, from `/proc` and `/sys`.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::allocators::libc_version;
use crate::mapping::page_size;
use crate::results::Machine;

/// What can be told of this machine, now.
pub fn machine() -> Machine {
    let read = |path: &str| {
        fs::read_to_string(path)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    Machine {
        cpu: read("/proc/cpuinfo").and_then(|info| cpu_model(&info)),
        cores: cores(),
        memory_bytes: read("/proc/meminfo").and_then(|info| memory(&info)),
        kernel: read("/proc/sys/kernel/ostype")
            .zip(read("/proc/sys/kernel/osrelease"))
            .map(|(os, release)| format!("{os} {release}")),
        thp: read("/sys/kernel/mm/transparent_hugepage/enabled").and_then(|text| chosen(&text)),
        libc: libc_version(),
        page_size: Some(page_size() as u64),
        started_unix_ns: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|t| u64::try_from(t.as_nanos()).ok()),
        heaptape: Some(env!("CARGO_PKG_VERSION").to_owned()),
    }
}

/// Processors that this process may use.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u32)
}

fn cpu_model(info: &str) -> Option<String> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory(info: &str) -> Option<u64> {
    let rest = info
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    rest.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// The word in brackets.
fn chosen(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_kernel_are_read() {
        assert_eq!(
            cpu_model("vendor_id\t: X\nmodel name\t: Some CPU @ 2 GHz\n").as_deref(),
            Some("Some CPU @ 2 GHz")
        );
        assert_eq!(
            memory("MemTotal:        2048 kB\nMemFree: 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(chosen("always [madvise] never").as_deref(), Some("madvise"));
        assert!(machine().cores > 0);
    }
}
