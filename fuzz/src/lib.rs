//! What the fuzz targets check of the bytes they are given.

use trace_format::{Tape, totals_of, verify};
use trace_recorder::foreign::{ExportFormat, ImportFormat, ImportOptions, export, import};

/// Takes `bytes` in as a trace. What comes of it must be a sound tape whose totals are those of its events, and which the
/// exports can write.
pub fn trace(format: ImportFormat, bytes: &[u8]) {
    for skip_bad_lines in [false, true] {
        let options = ImportOptions {
            format,
            name: String::new(),
            skip_bad_lines,
            process: None,
        };
        let mut out = Vec::new();
        if import(bytes, &mut out, &options, &|_| ()).is_err() {
            continue;
        }
        assert!(verify(&out).sound);
        let Ok(tape) = Tape::open(out) else {
            panic!("a sound tape opens");
        };
        assert_eq!(totals_of(&tape, |_, _| ()).ok(), Some(*tape.totals()));
        // One of them, for speed; which one changes with every byte that is added.
        let format = ExportFormat::ALL[bytes.len() % ExportFormat::ALL.len()];
        assert!(export(&tape, format, &mut Vec::new(), &|_| ()).is_ok());
    }
}

/// Reads `bytes` as a tape in every way there is.
pub fn tape(bytes: &[u8]) {
    let sound = verify(bytes).sound;
    match Tape::open(bytes.to_vec()) {
        Ok(tape) => {
            let events = tape.merged().take_while(Result::is_ok).count() as u64;
            assert!(!sound || events <= tape.totals().events);
            let _ = trace_recorder::info(&tape);
        }
        Err(error) => assert!(!sound, "{error}"),
    }
    if let Ok((tape, _)) = Tape::scan(bytes.to_vec()) {
        let _ = tape.merged().take_while(Result::is_ok).count();
    }
}
