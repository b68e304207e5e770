//! Bytes that no tool wrote: an error or a sound tape, never a crash, and no memory out of proportion.

use super::support::{options, taken, written};
use proptest::prelude::*;
use trace_recorder::foreign::{ExportFormat, ImportFormat};

/// Takes bytes in either way; what comes of it can be written. In which format changes with every byte that is added.
pub fn survives(format: ImportFormat, bytes: &[u8]) {
    for skip_bad_lines in [false, true] {
        let mut options = options(format);
        options.skip_bad_lines = skip_bad_lines;
        if let Ok((tape, _)) = taken(bytes, &options) {
            written(
                &tape,
                ExportFormat::ALL[bytes.len() % ExportFormat::ALL.len()],
            );
        }
    }
}

/// Pieces of all the formats, so that lines come out that are nearly right.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "1",
        " ",
        ":",
        "\n",
        "malloc",
        "free",
        "realloc",
        "calloc",
        "memalign",
        "(",
        ")",
        "=",
        ",",
        "0x10",
        "0x20",
        "#1",
        "#2",
        "(nil)",
        "thread_done",
        "@ ",
        "+ ",
        "- ",
        "! ",
        "< ",
        "> ",
        "= Start\n",
        "c ",
        "v 1 3\n",
        "X ",
        "I ",
        "A\n",
        "18446744073709551615",
        "jemalloc_stats",
        "7f00",
        "\r\n",
        "0",
        "\u{fffd}",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes())
}

/// Sound lines of every text format, one of which is then changed.
const SOUND: [(ImportFormat, &str); 4] = [
    (
        ImportFormat::Logalloc,
        "1 1 malloc(32)=0x10\n1 2 calloc(1,148)=0x20\n1 1 realloc(0x10,64)=0x30\n1 1 memalign(256,240)=0x40\n1 1 free(0x30)\n",
    ),
    (
        ImportFormat::Android,
        "1: malloc 0x10 20 5 9\n2: calloc 0x20 2 4 7 9\n1: realloc 0x30 0x10 9 10 11\n1: thread_done 0x0\n2: free 0x30 12 13\n",
    ),
    (
        ImportFormat::Mtrace,
        "= Start\n@ ./a:(f+0x1)[0x2] + 0x10 0x20\n@ [0x2] < 0x10\n@ [0x2] > 0x20 0x30\n! 0x20 0x40\n- 0x20\n= End\n",
    ),
    (
        ImportFormat::Heaptrack,
        "v 10400 3\nX ./a\nI 1000 10\nt 1 0\n+ 20 1 7f00\nc a\n- 7f00\n",
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in ImportFormat::ALL {
            survives(format, &bytes);
        }
    }

    #[test]
    fn nearly_right_lines(bytes in nearly()) {
        for format in ImportFormat::ALL {
            survives(format, &bytes);
        }
    }

    #[test]
    fn changed_lines(
        which in 0..SOUND.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..4),
    ) {
        let (format, text) = SOUND[which];
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        survives(format, &bytes);
    }
}

#[test]
fn more_threads_than_a_tape_holds_are_an_error() {
    use std::fmt::Write;
    let mut text = String::new();
    for thread in 0..(1 << 19) + 1 {
        writeln!(text, "{thread}: malloc {:#x} 1", thread + 16).unwrap();
    }
    let error = taken(text.as_bytes(), &options(ImportFormat::Android))
        .unwrap_err()
        .to_string();
    assert!(error.contains("524288 threads"), "{error}");
}
