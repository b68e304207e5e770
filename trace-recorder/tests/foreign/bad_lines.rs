//! Traces with lines that are not of the format, and files that are cut.

use super::support::{options, taken};
use trace_format::Ending;
use trace_recorder::foreign::{ForeignError, ImportFormat};

#[test]
fn a_packed_trace_that_was_cut_is_an_error_or_ends_there() {
    let text = "+ 20 1 7f00\n- 7f00\n".repeat(200_000);
    let packed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let cut = &packed[..packed.len() / 2];
    let mut options = options(ImportFormat::Heaptrack);
    let error = taken(cut, &options).unwrap_err();
    assert!(matches!(error, ForeignError::Read { .. }), "{error}");
    options.skip_bad_lines = true;
    let (tape, imported) = taken(cut, &options).unwrap();
    assert!(imported.cut && imported.events > 1000);
    assert!(matches!(tape.ending(), Ending::Salvaged { .. }));
}

#[test]
fn half_a_realloc_names_its_line() {
    for (text, line) in [
        ("+ 0x1 0x1\n< 0x1\n- 0x1\n", 2),
        ("< 0x1\n", 1),
        ("= Start\n> 0x1 0x1\n", 2),
    ] {
        let error = taken(text.as_bytes(), &options(ImportFormat::Mtrace)).unwrap_err();
        assert!(
            matches!(error, ForeignError::Line { number, .. } if number == line),
            "{error}"
        );
    }
}

#[test]
fn a_bad_line_is_named_or_counted() {
    let text = "1: malloc 0x10 8\n\n1: malloc 0x20\nnonsense \u{1b}[2J\n1: free 0x10\n";
    let mut options = options(ImportFormat::Android);
    let error = taken(text.as_bytes(), &options).unwrap_err().to_string();
    assert!(
        error.contains("line 3") && error.contains("1: malloc 0x20"),
        "{error}"
    );
    assert!(error.contains("--skip-bad-lines"), "{error}");
    options.skip_bad_lines = true;
    let (tape, imported) = taken(text.as_bytes(), &options).unwrap();
    assert_eq!((imported.bad, imported.units), (2, 5));
    assert_eq!(
        imported
            .first_bad
            .iter()
            .map(|bad| bad.number)
            .collect::<Vec<_>>(),
        [3, 4]
    );
    assert!(!imported.first_bad[1].text.contains('\u{1b}'));
    let Ending::Salvaged { reason } = tape.ending() else {
        panic!("{:?}", tape.ending());
    };
    assert!(
        reason.contains("2 of 5 lines") && reason.contains('3'),
        "{reason}"
    );
}

#[test]
fn line_numbers_hold_beyond_the_first_piece() {
    let mut text = "1: malloc 0x10 8\n1: free 0x10\n".repeat(200_000);
    text.push_str("oops\n");
    let error = taken(text.as_bytes(), &options(ImportFormat::Android))
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 400001"), "{error}");
}

#[test]
fn a_trace_of_another_kind_is_recognised() {
    let error = taken(
        b"186: malloc 0xb6038060 20\n",
        &options(ImportFormat::Logalloc),
    )
    .unwrap_err();
    assert!(error.to_string().contains("--from android"), "{error}");
    let mut options = options(ImportFormat::Logalloc);
    options.skip_bad_lines = true;
    assert!(matches!(
        taken(b"some\nprose\n", &options),
        Err(ForeignError::NotOne { count: 2, .. })
    ));
    assert!(matches!(taken(b"", &options), Err(ForeignError::Empty)));
    let interpreted = b"v 10400 3\ns 3 abc\na 10 1\n+ 0\n";
    let error = taken(
        interpreted,
        &super::support::options(ImportFormat::Heaptrack),
    )
    .unwrap_err();
    assert!(error.to_string().contains("heaptrack --raw"), "{error}");
}
