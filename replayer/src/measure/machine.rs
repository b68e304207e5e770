//! The machine that measures, from `/proc` and `/sys`.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::governor::Governor;
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
    let governor = Governor::now();
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
        governor: governor.name,
        frequency_hz: governor
            .now_khz
            .map(|khz| khz * 1000)
            .or_else(|| read("/proc/cpuinfo").and_then(|info| frequency(&info))),
        hypervisor: read("/proc/cpuinfo")
            .filter(|info| {
                info.lines().any(|line| {
                    line.starts_with("flags") && line.split_whitespace().any(|f| f == "hypervisor")
                })
            })
            .map(|_| read("/sys/hypervisor/type").unwrap_or_else(|| "yes".to_owned())),
        load: read("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok()),
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

/// The first processor's frequency in hertz.
fn frequency(info: &str) -> Option<u64> {
    let line = info.lines().find(|line| line.starts_with("cpu MHz"))?;
    let mhz: f64 = line.split_once(':')?.1.trim().parse().ok()?;
    Some((mhz * 1e6) as u64)
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
        assert_eq!(frequency("cpu MHz\t\t: 2500.500\n"), Some(2_500_500_000));
        assert_eq!(chosen("always [madvise] never").as_deref(), Some("madvise"));
        assert!(machine().cores > 0);
    }
}
