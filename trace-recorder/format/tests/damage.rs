//! Damage is found, wherever it is, and what is left is read.

mod common;

use common::{events_of, frames, header, small_events, small_tape};
use proptest::prelude::*;
use trace_format::{Ending, LiveTotals, Tape, TapeError, TapeWriter, verify};

#[test]
fn a_flip_of_any_byte_is_found() {
    let sound = small_tape();
    let report = verify(&sound);
    assert!(report.sound, "{report}");
    assert!(
        report.to_string().starts_with("sound: 300 events in "),
        "{report}"
    );
    for at in 0..sound.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut bytes = sound.clone();
            bytes[at] ^= flip;
            let report = verify(&bytes);
            assert!(!report.sound, "byte {at} with {flip:#x}");
            let text = report.to_string();
            assert!(
                text.contains("at byte ") && text.contains("readable"),
                "{text}"
            );
            // One flip costs one chunk at most, unless it takes the way to all of them.
            assert!(
                report.chunks_readable + 1 >= frames(&sound).len() as u64 - 5,
                "byte {at}: {text}"
            );
            let (tape, damages) = Tape::scan(bytes).unwrap();
            assert!(!damages.is_empty(), "byte {at}");
            assert_eq!(tape.totals().events, report.events_readable);
            assert!(tape.merged().all(|merged| merged.is_ok()));
        }
    }
}

#[test]
fn a_cut_at_any_length_is_found() {
    let sound = small_tape();
    for len in 0..sound.len() {
        let bytes = &sound[..len];
        let report = verify(bytes);
        assert!(!report.sound, "cut to {len}");
        assert!(Tape::open(bytes).is_err());
        if len >= 16 {
            let (tape, damages) = Tape::scan(bytes).unwrap();
            assert!(!damages.is_empty());
            assert_eq!(tape.totals().events, report.events_readable);
        }
    }
}

#[test]
fn anything_more_or_twice_is_found() {
    let sound = small_tape();
    for more in [
        &b"\0"[..],
        b"HTFR",
        &[0; 64],
        &sound[sound.len() - 32..],
        &sound[..],
    ] {
        let bytes = [&sound[..], more].concat();
        let report = verify(&bytes);
        assert!(!report.sound);
        assert_eq!(report.events_readable, 300, "{report}");
    }
    let places = frames(&sound);
    let whole = |number: usize| sound[places[number]..places[number + 1]].to_vec();
    // Each frame left out, doubled, or swapped with the next: every checksum is good.
    for number in 0..places.len() - 1 {
        let (before, behind) = (&sound[..places[number]], &sound[places[number + 1]..]);
        assert!(
            !verify(&[before, behind].concat()).sound,
            "frame {number} left out"
        );
        assert!(
            !verify(&[before, &whole(number), &whole(number), behind].concat()).sound,
            "frame {number} doubled"
        );
        if number + 2 < places.len() {
            let behind = &sound[places[number + 2]..];
            assert!(
                !verify(&[before, &whole(number + 1), &whole(number), behind].concat()).sound,
                "frame {number} swapped"
            );
        }
    }
}

#[test]
fn the_sentence_names_the_chunk_its_events_and_what_is_left() {
    let mut bytes = small_tape();
    let place = frames(&bytes)[3];
    bytes[place + 70] ^= 1;
    let report = verify(&bytes);
    let info = Tape::open(bytes.clone()).unwrap().chunks()[2];
    let last = info.first_event + u64::from(info.events) - 1;
    let wanted = format!(
        "damaged: chunk 2 (thread {}, events {}–{last}) at byte {}: checksum does not match\n9 of 10 chunks readable, {} of 300 events",
        info.thread,
        info.first_event,
        grouped(place),
        300 - info.events,
    );
    assert_eq!(report.to_string(), wanted);
    let error = Tape::open(bytes)
        .unwrap()
        .decode(2)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("chunk 2 (thread") && error.contains("checksum does not match"),
        "{error}"
    );
}

fn grouped(number: usize) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1000, number % 1000)
    }
}

#[test]
fn a_tape_whose_writer_died_is_read_up_to_there() {
    let mut bytes = Vec::new();
    {
        let mut writer = TapeWriter::new(&mut bytes, &header()).unwrap();
        writer.write_chunk(1, &small_events()[1][..50]).unwrap();
        drop(writer);
    }
    let error = Tape::open(bytes.clone()).unwrap_err();
    assert!(matches!(error, TapeError::NoFooter { .. }), "{error}");
    let (tape, damages) = Tape::scan(bytes).unwrap();
    assert_eq!(damages.len(), 1);
    assert!(matches!(tape.ending(), Ending::Salvaged { .. }));
    assert_eq!(events_of(&tape)[1], small_events()[1][..50]);
    assert!(!tape.is_whole());
}

#[test]
fn a_lost_chunk_leaves_the_others_in_order() {
    let sound = small_tape();
    let places = frames(&sound);
    let whole = Tape::open(sound.clone()).unwrap();
    let chunks = whole.chunks();
    for lost in 0..chunks.len() {
        // Without the lists and the footer, which would name the lost chunk.
        let behind = places[chunks.len() + 1];
        let bytes = [&sound[..places[lost + 1]], &sound[places[lost + 2]..behind]].concat();
        let (tape, damages) = Tape::scan(bytes).unwrap();
        assert_eq!(tape.chunks().len(), chunks.len() - 1);
        let goes_on = chunks[lost + 1..]
            .iter()
            .any(|chunk| chunk.thread == chunks[lost].thread);
        let told = damages
            .iter()
            .any(|damage| damage.what.contains("are missing before this chunk"));
        assert_eq!(told, goes_on, "chunk {lost}: {damages:?}");
        for (number, info) in tape.chunks().iter().enumerate() {
            let first = info.first_event as usize;
            let wanted = &small_events()[info.thread as usize][first..first + info.events as usize];
            assert_eq!(tape.decode(number).unwrap().events, wanted);
        }
        assert!(tape.merged().all(|merged| merged.is_ok()));
    }
}

#[test]
fn totals_that_are_not_true_are_found() {
    let events = small_events();
    let mut bytes = common::write(&events, 40, 2);
    // The footer's first bytes: ending (one byte), then events, mallocs and so on as varints.
    let footer = *frames(&bytes).last().unwrap();
    bytes[footer + 64 + 1 + 3] ^= 1;
    common::seal(&mut bytes, footer);
    let report = verify(&bytes);
    assert!(report.to_string().contains("totals"), "{report}");
}

#[test]
fn other_files_are_not_called_damaged_tapes() {
    for bytes in [
        &b""[..],
        b"hello",
        b"\x7fELF and much more of that",
        &[0; 5000],
    ] {
        assert!(matches!(Tape::open(bytes), Err(TapeError::NotATape)));
        assert!(matches!(Tape::scan(bytes), Err(TapeError::NotATape)));
        let report = verify(bytes);
        assert!(
            !report.sound && report.to_string().contains("not a tape"),
            "{report}"
        );
    }
    let writer = TapeWriter::new(Vec::new(), &header()).unwrap();
    let bytes = writer
        .finish(
            Ending::Died {
                reason: "killed by signal 9".into(),
            },
            LiveTotals::default(),
        )
        .unwrap();
    assert!(verify(&bytes).to_string().contains("killed by signal 9"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn garbage_is_an_error(mut garbage in prop::collection::vec(any::<u8>(), 0..2000), prefix in 0usize..700) {
        let sound = small_tape();
        let mut bytes = sound[..prefix].to_vec();
        bytes.append(&mut garbage);
        prop_assert!(!verify(&bytes).sound);
        prop_assert!(Tape::open(&bytes[..]).is_err());
        let _ = Tape::scan(&bytes[..]);
    }

    #[test]
    fn many_flips_are_found(flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..40)) {
        let sound = small_tape();
        let mut bytes = sound.clone();
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        prop_assert_eq!(verify(&bytes).sound, bytes == sound);
    }
}
