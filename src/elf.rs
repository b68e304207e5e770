//! Why a program could not be recorded, as far as its file tells.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The file that the system starts for `program`: looked for in `PATH` unless it names a folder.
pub fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 || program.is_absolute() {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// A sentence's end that says why the recorder can't get into the program at `path`; `None` if its file shows nothing.
pub fn why_not(path: &Path) -> Option<&'static str> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.permissions().mode() & 0o6000 != 0 {
        return Some(
            "it is set-user-ID or set-group-ID, and the loader takes no recorder into such programs",
        );
    }
    let mut head = [0u8; 64];
    (&file).read_exact(&mut head).ok()?;
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    // ELF, gABI 4.1: e_ident[4] is the class, 2 for 64 bits; e_ident[5] the byte order, 1 for little-endian.
    let (own_class, own_order) = (
        if cfg!(target_pointer_width = "64") {
            2
        } else {
            1
        },
        if cfg!(target_endian = "little") { 1 } else { 2 },
    );
    if head[4] != own_class || head[5] != own_order {
        return Some(
            "it is made for another kind of machine than the recorder (32 bits, for example)",
        );
    }
    if head[4] != 2 || head[5] != 1 {
        return None;
    }
    let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let table = u64::from_le_bytes(head[32..40].try_into().ok()?);
    let (entry_bytes, entries) = (u64::from(word(54)), u64::from(word(56)));
    for number in 0..entries {
        let mut kind = [0u8; 4];
        let at = table.checked_add(number.checked_mul(entry_bytes)?)?;
        file.read_exact_at(&mut kind, at).ok()?;
        // PT_INTERP: the program asks for the loader.
        if u32::from_le_bytes(kind) == 3 {
            return None;
        }
    }
    Some("it is statically linked, so there is no loader that could take the recorder in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_dynamically_linked() {
        let own = std::env::current_exe().unwrap();
        assert_eq!(why_not(&own), None);
        assert_eq!(why_not(Path::new("/no/such/file")), None);
        let sh = find(Path::new("sh")).unwrap();
        assert!(sh.is_absolute(), "{sh:?}");
        assert_eq!(find(Path::new("no-such-program-anywhere")), None);
    }
}
