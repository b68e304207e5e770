//! Breaking off the recording of a scenario. It can be made again at any time, so nothing of it stays; recordings of programs are
//! another matter, see `program`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use trace_recorder::runtime::FOLDER_SUFFIX;

/// Ends this process if `stop` is set, with exit code 1, and removes what the recording has made so far.
///
/// To be called now and then while a scenario is recorded. Its threads go on until the process is gone, on files without names.
pub fn if_asked(stop: &AtomicBool) {
    if !stop.load(Ordering::Relaxed) {
        return;
    }
    for folder in capture_folders() {
        let _ = std::fs::remove_dir_all(folder);
    }
    for file in unfinished_tapes() {
        let _ = std::fs::remove_file(file);
    }
    eprintln!("heaptape: interrupted; nothing of the recording is kept");
    std::process::exit(1);
}

/// Folders of recordings of which this process has files mapped.
fn capture_folders() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    folders_in(&maps)
}

fn folders_in(maps: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = maps
        .lines()
        // proc(5): address, rights, offset, device and inode, then the path, which may have spaces.
        .filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])))
        .filter_map(Path::parent)
        .filter(|folder| folder.to_string_lossy().ends_with(FOLDER_SUFFIX))
        .map(Path::to_owned)
        .collect();
    folders.dedup();
    folders
}

/// Files that this process writes and that would have become tapes.
fn unfinished_tapes() -> Vec<PathBuf> {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    open.flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(".heaptape-") && name.ends_with(".partial")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_recordings_are_found() {
        let maps = "\
7f00-7f10 rw-s 00000000 fe:00 12   /tmp/a b.tape.capture/1.events
7f10-7f20 rw-s 00001000 fe:00 12   /tmp/a b.tape.capture/1.events
7f20-7f30 r-xp 00000000 fe:00 12   /usr/lib/libc.so.6
7f30-7f40 rw-p 00000000 00:00 0    [heap]
";
        assert_eq!(folders_in(maps), [Path::new("/tmp/a b.tape.capture")]);
        assert!(unfinished_tapes().is_empty());
    }
}
