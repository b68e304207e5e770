//! Small traces by hand, and what must be on their tapes.

use super::support::{block, events, kinds, options, taken, tape};
use std::io::Write;
use trace_format::Clock;
use trace_format::EventKind::{self, *};
use trace_recorder::foreign::{ImportFormat, Oddities};

fn free(thread: u32, index: u64) -> EventKind {
    Free {
        block: block(thread, index),
    }
}

#[test]
fn the_example_of_firefox_s_readme() {
    let text = "18545 18545 malloc(32)=0x7f90495120e0\n18545 18545 calloc(1,148)=0x7f9049537480\n\
        18545 18545 realloc(0x7f90495120e0,64)=0x7f9049536680\n18545 18545 posix_memalign(256,240)=0x7f9049583300\n\
        18545 18545 jemalloc_stats()\n18545 18545 free(0x7f9049536680)\n";
    let munged = "1 1 malloc(32)=#1\n1 1 calloc(1,148)=#2\n1 1 realloc(#1,64)=#1\n1 1 posix_memalign(256,240)=#3\n\
        1 1 jemalloc_stats()\n1 1 free(#1)\n";
    let wanted = [
        Malloc { size: 32 },
        Calloc { size: 148 },
        Realloc {
            old: block(0, 0),
            size: 64,
        },
        AlignedMalloc {
            size: 240,
            align_log2: 8,
        },
        Mark { name: 0 },
        free(0, 2),
    ];
    for text in [text, munged] {
        let tape = tape(ImportFormat::Logalloc, text);
        assert_eq!(kinds(&tape), wanted.map(|kind| (0, kind)));
        assert_eq!(tape.marks(), ["jemalloc_stats"]);
        assert_eq!(tape.header().clock, Clock::Order);
        assert!(
            tape.header()
                .notes
                .iter()
                .any(|note| note.contains("Times: not known"))
        );
        let times: Vec<_> = events(&tape)
            .iter()
            .map(|(_, event)| event.time_ns)
            .collect();
        assert_eq!(times, [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn names_are_used_again_over_threads() {
    let text = "1 1 malloc(1)=#1\n1 2 free(#1)\n1 3 malloc(2)=#1\n1 1 free(#1)\n1 1 malloc(3)=#1\n";
    let tape = tape(ImportFormat::Logalloc, text);
    let wanted = [
        (0, Malloc { size: 1 }),
        (1, free(0, 0)),
        (2, Malloc { size: 2 }),
        (0, free(2, 0)),
        (0, Malloc { size: 3 }),
    ];
    assert_eq!(kinds(&tape), wanted);
    assert_eq!(tape.totals().live_blocks_at_end, 1);
    let numbers: Vec<_> = tape.threads().iter().map(|thread| thread.os_tid).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_log_without_threads_says_so() {
    let tape = tape(
        ImportFormat::Logalloc,
        "7 malloc(42)=0x40\n7 malloc(24)=0x30\r\n\n7 free(0x40)",
    );
    assert_eq!(
        kinds(&tape),
        [
            (0, Malloc { size: 42 }),
            (0, Malloc { size: 24 }),
            (0, free(0, 0))
        ]
    );
    assert!(
        tape.header()
            .notes
            .iter()
            .any(|note| note.contains("Threads: not known"))
    );
    assert_eq!(tape.header().pid, 7);
}

#[test]
fn null_is_no_block() {
    let text = "1 1 realloc(0x0,10)=0x10\n1 1 realloc(0x10,0)=0x0\n1 1 free(0x0)\n1 1 malloc(99)=0x0\n\
        1 1 malloc(5)=0x10\n1 1 realloc(0x10,1000000)=0x0\n1 1 free(0x10)\n1 1 realloc((nil),0)=0x20\n";
    let (tape, imported) = taken(text.as_bytes(), &options(ImportFormat::Logalloc)).unwrap();
    let wanted = [
        Malloc { size: 10 },
        free(0, 0),
        Failed { size: 99 },
        Malloc { size: 5 },
        Failed { size: 1_000_000 },
        free(0, 1),
        Malloc { size: 0 },
    ];
    assert_eq!(kinds(&tape), wanted.map(|kind| (0, kind)));
    assert_eq!(
        imported.oddities,
        Oddities {
            null_frees: 1,
            ..Oddities::default()
        }
    );
}

#[test]
fn a_lost_free_is_put_where_the_address_is_given_out_again() {
    let text = "1: malloc 0x10 100\n2: malloc 0x10 50\n1: free 0x10\n1: free 0x10\n";
    let (tape, imported) = taken(text.as_bytes(), &options(ImportFormat::Android)).unwrap();
    let wanted = [
        (0, Malloc { size: 100 }),
        (1, free(0, 0)),
        (1, Malloc { size: 50 }),
        (0, free(1, 0)),
        (0, FreeUnknown),
    ];
    assert_eq!(kinds(&tape), wanted);
    let odd = Oddities {
        lost_frees: 1,
        unknown_releases: 1,
        ..Oddities::default()
    };
    assert_eq!(imported.oddities, odd);
    assert_eq!(
        (
            imported.live.peak_live_bytes,
            imported.live.live_blocks_at_end
        ),
        (100, 0)
    );
}

#[test]
fn a_realloc_that_is_told_of_late_takes_nobody_s_block() {
    // Thread 1 moved its block from 0x10 to 0x20. Before that line was written, thread 2 was given 0x10.
    let text = "1 1 malloc(8)=0x10\n1 2 malloc(9)=0x10\n1 1 realloc(0x10,16)=0x20\n1 2 free(0x10)\n1 1 free(0x20)\n";
    let (tape, imported) = taken(text.as_bytes(), &options(ImportFormat::Logalloc)).unwrap();
    let wanted = [
        (0, Malloc { size: 8 }),
        (1, free(0, 0)),
        (1, Malloc { size: 9 }),
        (0, Malloc { size: 16 }),
        (1, free(1, 0)),
        (0, free(0, 1)),
    ];
    assert_eq!(kinds(&tape), wanted);
    assert_eq!(
        imported.oddities,
        Oddities {
            late_reallocs: 1,
            ..Oddities::default()
        }
    );
}

#[test]
fn blocks_older_than_the_trace_are_marked() {
    let tape = tape(
        ImportFormat::Android,
        "1: free 0x10\n1: realloc 0x30 0x20 7\n1: free 0x30\n",
    );
    let wanted = [FreeUnknown, ReallocUnknown { size: 7 }, free(0, 0)];
    assert_eq!(kinds(&tape), wanted.map(|kind| (0, kind)));
}

#[test]
fn one_process_of_several_is_taken() {
    let text = "5 1 malloc(1)=0x10\n6 1 malloc(2)=0x10\n6 1 free(0x10)\n5 1 free(0x10)\n";
    let (first, imported) = taken(text.as_bytes(), &options(ImportFormat::Logalloc)).unwrap();
    assert_eq!(kinds(&first), [(0, Malloc { size: 1 }), (0, free(0, 0))]);
    assert_eq!(imported.other_processes.get(&6), Some(&2));
    let mut options = options(ImportFormat::Logalloc);
    options.process = Some(6);
    let (second, _) = taken(text.as_bytes(), &options).unwrap();
    assert_eq!(kinds(&second), [(0, Malloc { size: 2 }), (0, free(0, 0))]);
    assert_eq!(second.header().pid, 6);
    options.process = Some(9);
    let error = taken(text.as_bytes(), &options).unwrap_err().to_string();
    assert!(error.contains('9') && error.contains("5, 6"), "{error}");
}

#[test]
fn android_s_times_are_kept_and_the_order_is_the_file_s() {
    let text = "1: malloc 0x10 8 1000 1010\n2: free 0x10 1005 1020\n2: malloc 0x20 1 2000 2500\n1: thread_done 0x0 2600\n";
    let (tape, imported) = taken(text.as_bytes(), &options(ImportFormat::Android)).unwrap();
    let times: Vec<_> = events(&tape)
        .iter()
        .map(|(_, event)| event.time_ns)
        .collect();
    // A free is stamped before it ran: 1005 lies before the malloc's end, and is raised.
    assert_eq!(times, [0, 1, 1490, 1590]);
    assert_eq!(imported.oddities.raised_times, 1);
    assert_eq!(tape.header().clock, Clock::Monotonic);
    assert!(tape.threads()[0].ended);
    assert!(
        !tape
            .header()
            .notes
            .iter()
            .any(|note| note.contains("Times"))
    );
}

#[test]
fn a_thread_number_that_comes_again_is_a_new_thread() {
    let tape = tape(
        ImportFormat::Android,
        "1: malloc 0x10 8\n1: thread_done 0x0\n1: free 0x10\n",
    );
    assert_eq!(
        kinds(&tape),
        [(0, Malloc { size: 8 }), (0, ThreadEnd), (1, free(0, 0))]
    );
}

#[test]
fn mtrace_s_two_lines_are_one_realloc() {
    let text = "= Start\n@ ./a:[0x1] + 0x10 0x8\n@ ./a:(f+0x2)[0x1] < 0x10\n@ ./a:[0x1] > 0x20 0x10\n! 0x20 0xffff\n\
        + (nil) 0x99\n- 0x20\n= End\n";
    let tape = tape(ImportFormat::Mtrace, text);
    let wanted = [
        Malloc { size: 8 },
        Realloc {
            old: block(0, 0),
            size: 16,
        },
        Failed { size: 0xffff },
        Failed { size: 0x99 },
        free(0, 1),
    ];
    assert_eq!(kinds(&tape), wanted.map(|kind| (0, kind)));
}

#[test]
fn heaptrack_s_clock_command_and_page_are_kept() {
    let text = "v 10400 3\nx 4 /a/b\nX ./b -v\nI 1000 5e2991\nt 1 0\n+ 20 1 7f00\nc a\n+ 10 1 7f20\n- 7f00\nR 1\nc 14\n- 7f20\n";
    let tape = tape(ImportFormat::Heaptrack, text);
    let told: Vec<_> = events(&tape)
        .iter()
        .map(|(_, event)| (event.time_ns, event.kind))
        .collect();
    let wanted = [
        (0, Malloc { size: 32 }),
        (10_000_000, Malloc { size: 16 }),
        (10_000_000, free(0, 0)),
        (20_000_000, free(0, 1)),
    ];
    assert_eq!(told, wanted);
    assert_eq!(tape.header().command, ["./b -v"]);
    assert_eq!(tape.header().page_size, 4096);
}

/// `python3 -c` with a program of several lines: heaptrack writes it as it is.
#[test]
fn heaptrack_s_command_may_have_line_ends() {
    let text = "v 10400 3\nx 1 p\nX p -c import a\nA = 5\nfor a in b:\n    + 1\nI 1000 5\n+ 20 1 7f00\n- 7f00\n";
    let tape = tape(ImportFormat::Heaptrack, text);
    assert_eq!(kinds(&tape), [(0, Malloc { size: 32 }), (0, free(0, 0))]);
    // Behind the command such a line is none.
    let broken = text.replace("7f00\n- ", "7f00\nfor a in b:\n- ");
    let error = taken(broken.as_bytes(), &options(ImportFormat::Heaptrack)).unwrap_err();
    assert!(error.to_string().contains("line 9"), "{error}");
}

#[test]
fn packed_traces_are_unpacked() {
    let text = "v 10400 3\n+ 20 1 7f00\n- 7f00\n".as_bytes();
    let plain = kinds(&tape(ImportFormat::Heaptrack, text));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(text).unwrap();
    for packed in [gz.finish().unwrap(), zstd::encode_all(text, 3).unwrap()] {
        assert_eq!(kinds(&tape(ImportFormat::Heaptrack, &packed)), plain);
    }
}

#[test]
fn records_of_mallocbench() {
    let record = |operation: u32, thread: u16, align: u16, slot: u64, size: u64| {
        let mut bytes = operation.to_le_bytes().to_vec();
        bytes.extend(thread.to_le_bytes());
        bytes.extend(align.to_le_bytes());
        bytes.extend(slot.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes
    };
    let mut bytes = [
        record(0, 0, 0, 0, 100),
        record(3, 5, 6, 1, 64),
        record(2, 5, 0, 0, 200),
        record(1, 0, 0, 1, 0),
        record(0, 0, 0, 1, 7),
    ]
    .concat();
    let wanted = [
        (0, Malloc { size: 100 }),
        (
            1,
            AlignedMalloc {
                size: 64,
                align_log2: 6,
            },
        ),
        (
            1,
            Realloc {
                old: block(0, 0),
                size: 200,
            },
        ),
        (0, free(1, 0)),
        (0, Malloc { size: 7 }),
    ];
    assert_eq!(kinds(&tape(ImportFormat::Ops, &bytes)), wanted);
    bytes.extend([1, 2, 3]);
    let error = taken(&bytes, &options(ImportFormat::Ops))
        .unwrap_err()
        .to_string();
    assert!(error.contains("record 6"), "{error}");
}
