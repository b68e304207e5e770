//! A tape's file, as the results tell it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};
use trace_format::{ReadAt, Tape};

use crate::results::TapeSummary;

/// SHA-256 of a file, in hexadecimal; `None` if `stop` was set meanwhile.
pub(super) fn sha256(path: &Path, stop: &AtomicBool) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => hash.update(&buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digest = hash.finalize();
    Ok(Some(
        digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

/// The tape's own name, or its file's; with a number behind it if another tape of the results has it already.
pub(super) fn unique_name(name: &str, path: &Path, others: &[TapeSummary]) -> String {
    let name = if name.is_empty() {
        path.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    } else {
        name.to_owned()
    };
    let taken = |name: &str| others.iter().any(|other| other.name == name);
    if !taken(&name) {
        return name;
    }
    (2u64..)
        .map(|number| format!("{name} ({number})"))
        .find(|name| !taken(name))
        .unwrap_or(name)
}

/// What the tape says of itself.
pub(super) fn summary<S: ReadAt>(tape: &Tape<S>, name: String, sha256: String) -> TapeSummary {
    let (totals, header) = (tape.totals(), tape.header());
    TapeSummary {
        name,
        sha256,
        threads: tape.threads().len() as u32,
        events: totals.events,
        mallocs: totals.mallocs,
        frees: totals.frees,
        reallocs: totals.reallocs,
        peak_live_bytes: totals.peak_live_bytes,
        duration_ns: totals.duration_ns,
        remote_frees: Some(totals.remote_frees),
        file_bytes: Some(tape.len_bytes()),
        command: (!header.command.is_empty()).then(|| header.command.join(" ")),
        ..TapeSummary::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            sha256(&path, &AtomicBool::new(false)).unwrap().as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        assert_eq!(sha256(&path, &AtomicBool::new(true)).unwrap(), None);
    }

    #[test]
    fn names_are_unique() {
        let named = |name: &str| TapeSummary {
            name: name.into(),
            ..TapeSummary::default()
        };
        let path = Path::new("/x/my.tape");
        assert_eq!(unique_name("", path, &[]), "my");
        assert_eq!(unique_name("a", path, &[named("b")]), "a");
        assert_eq!(
            unique_name("a", path, &[named("a"), named("a (2)")]),
            "a (3)"
        );
    }
}
