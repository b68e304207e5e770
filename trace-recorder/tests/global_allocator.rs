//! A whole program recorded through its global allocator.

use std::alloc::{Layout, System};
use std::hint::black_box;
use trace_format::{EventKind, Tape, totals_of, verify};
use trace_recorder::{RecordError, RecordingAlloc, RecordingOptions};

#[global_allocator]
static ALLOCATOR: RecordingAlloc<System> = RecordingAlloc::new(System);

/// One test: recordings of a global allocator catch what other tests do at the same time.
#[test]
fn a_program_is_recorded() {
    let before = black_box(Box::new([1u8; 77]));

    let recording = ALLOCATOR.record().unwrap();
    assert!(matches!(
        ALLOCATOR.record(),
        Err(RecordError::AlreadyRecording)
    ));
    recording.mark("work");
    let mut vector: Vec<u64> = Vec::with_capacity(10);
    black_box(&mut vector).extend(0..10);
    vector.reserve_exact(90);
    drop(before);
    let sent = std::thread::Builder::new()
        .name("maker".into())
        .spawn(|| {
            let layout = Layout::from_size_align(640, 64).unwrap();
            // SAFETY: the layout is not empty, and each block is freed, once, with the layout that it has.
            unsafe {
                // A compiler may leave out a block that nobody looks at.
                let block = black_box(std::alloc::alloc(layout));
                let block = black_box(std::alloc::realloc(block, layout, 1280));
                std::alloc::dealloc(block, Layout::from_size_align(1280, 64).unwrap());
            }
            vec![0u8; 12_345]
        })
        .unwrap()
        .join()
        .unwrap();
    drop(sent);
    recording.mark("rest");
    let refused = Vec::<u8>::new().try_reserve_exact(isize::MAX as usize);
    assert!(refused.is_err());
    drop(vector);
    let mut tape = Vec::new();
    let options = RecordingOptions {
        name: "global".into(),
        ..Default::default()
    };
    let recorded = recording
        .finish_to(&mut tape, &options, &|_, _, _| ())
        .unwrap();

    // Nothing is caught any more, and the next recording is another one.
    drop(black_box(vec![1u8; 100]));
    let again = ALLOCATOR.record().unwrap();
    drop(black_box(vec![1u8; 4321]));
    let mut second = Vec::new();
    again
        .finish_to(&mut second, &options, &|_, _, _| ())
        .unwrap();

    assert!(verify(&tape).sound);
    let tape = Tape::open(tape).unwrap();
    assert_eq!(tape.totals().events, recorded.events);
    assert_eq!(totals_of(&tape, |_, _| ()).unwrap(), *tape.totals());
    assert_eq!(tape.marks(), ["work", "rest"]);
    let thread = |name: &str| tape.threads().iter().position(|t| t.name == name);
    let kinds = |thread: usize| -> Vec<EventKind> {
        let chunks = tape.chunks_of(thread as u32);
        chunks
            .iter()
            .flat_map(|&c| tape.decode(c).unwrap().events)
            .map(|e| e.kind)
            .collect()
    };
    let maker = thread("maker").unwrap();
    assert!(tape.threads()[maker].started && tape.threads()[maker].ended);
    let made = kinds(maker);
    assert!(made.contains(&EventKind::AlignedMalloc {
        size: 640,
        align_log2: 6
    }));
    assert!(made.contains(&EventKind::AlignedMalloc {
        size: 1280,
        align_log2: 6
    }));
    assert!(made.contains(&EventKind::Calloc { size: 12_345 }));

    // The thread of this test was there before, so its start is not on the tape.
    let main = (0..tape.threads().len())
        .find(|t| kinds(*t).contains(&EventKind::Malloc { size: 80 }))
        .unwrap();
    assert!(!tape.threads()[main].started);
    let main_kinds = kinds(main);
    assert_eq!(main_kinds[0], EventKind::Mark { name: 0 });
    assert!(
        main_kinds.contains(&EventKind::FreeUnknown),
        "the box from before"
    );
    assert!(main_kinds.contains(&EventKind::Failed {
        size: isize::MAX as u64
    }));
    assert!(
        main_kinds
            .iter()
            .any(|k| matches!(k, EventKind::Realloc { size: 800, .. }))
    );
    let foreign = |k: &EventKind| k.releases().is_some_and(|b| b.thread == maker as u32);
    assert!(
        main_kinds.iter().any(foreign),
        "what the thread made is freed here"
    );

    let second = Tape::open(second).unwrap();
    let chunk = second.decode(0).unwrap();
    assert!(
        chunk
            .events
            .iter()
            .any(|e| e.kind == EventKind::Malloc { size: 4321 })
    );
    assert!(
        !chunk
            .events
            .iter()
            .any(|e| e.kind == EventKind::Malloc { size: 100 })
    );
}
