//! Processes of a recorded program that go on when the first one has ended: servers that went to the background, and helpers.

use std::path::Path;

use trace_recorder::runtime::CONTROL_NAME;

/// The processes that have the control page of the recording in `folder` mapped, besides this one. Those of other users can't
/// be seen.
pub fn of(folder: &Path) -> Vec<u32> {
    let page = folder.join(CONTROL_NAME);
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = processes.flatten().filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        (number != std::process::id()).then_some(number)
    });
    let mut found: Vec<u32> = numbers
        .filter(|number| {
            std::fs::read_to_string(format!("/proc/{number}/maps"))
                .is_ok_and(|maps| maps_file(&maps, &page))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Whether a process with these mappings has a file mapped.
fn maps_file(maps: &str, file: &Path) -> bool {
    // proc(5): address, rights, offset, device and inode, then the path, which may have spaces.
    maps.lines()
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .any(|path| path == file)
}

/// What is told of processes that go on and are not waited for.
pub fn told(name: &str, survivors: &[u32]) -> String {
    const MOST: usize = 8;
    let mut numbers: Vec<String> = survivors.iter().take(MOST).map(u32::to_string).collect();
    if survivors.len() > MOST {
        numbers.push("…".to_owned());
    }
    let run = match survivors.len() {
        1 => format!("1 process of {name} still runs"),
        more => format!("{more} processes of {name} still run"),
    };
    format!(
        "{run} ({}) and what comes from here on is not recorded; with --wait recording goes on until all have ended",
        numbers.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_found_by_its_file() {
        let maps = "\
7f00-7f10 rw-s 00000000 fe:00 12   /tmp/a b.tape.capture/control
7f20-7f30 r-xp 00000000 fe:00 12   /usr/lib/libc.so.6
7f30-7f40 rw-p 00000000 00:00 0    [heap]
";
        assert!(maps_file(maps, Path::new("/tmp/a b.tape.capture/control")));
        assert!(!maps_file(maps, Path::new("/tmp/b.tape.capture/control")));
        assert!(of(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn many_are_not_all_named() {
        let told = told("make", &(1..20).collect::<Vec<u32>>());
        assert!(
            told.starts_with("19 processes of make still run (1, 2, 3, 4, 5, 6, 7, 8, …) "),
            "{told}"
        );
    }
}
