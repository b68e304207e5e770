//! What these tests share.

use trace_format::{
    BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, Tape, TapeWriter, totals_of,
    verify,
};
use trace_recorder::foreign::{
    ExportFormat, Exported, ForeignError, ImportFormat, ImportOptions, Imported, export, import,
};

/// Options without anything special.
pub fn options(format: ImportFormat) -> ImportOptions {
    ImportOptions {
        format,
        name: "test".into(),
        skip_bad_lines: false,
        process: None,
    }
}

/// Takes a trace in with `options`. The tape must be sound and causal, and its totals those of its events.
pub fn taken(
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<(Tape<Vec<u8>>, Imported), ForeignError> {
    let mut out = Vec::new();
    let imported = import(bytes, &mut out, options, &|_| ())?;
    assert_eq!(imported.bytes, out.len() as u64);
    let report = verify(&out);
    assert!(report.sound, "{report}");
    let tape = Tape::open(out).unwrap();
    assert_eq!(totals_of(&tape, |_, _| ()).unwrap(), *tape.totals());
    assert_eq!(tape.totals().live(), imported.live);
    assert_eq!(tape.totals().events, imported.events);
    Ok((tape, imported))
}

/// Takes a sound trace in.
pub fn tape(format: ImportFormat, text: impl AsRef<[u8]>) -> Tape<Vec<u8>> {
    taken(text.as_ref(), &options(format)).unwrap().0
}

/// Writes a tape out.
pub fn written(tape: &Tape<Vec<u8>>, format: ExportFormat) -> (Vec<u8>, Exported) {
    let mut out = Vec::new();
    let exported = export(tape, format, &mut out, &|_| ()).unwrap();
    assert_eq!(exported.bytes, out.len() as u64);
    (out, exported)
}

/// All events in causal order, with their threads.
pub fn events(tape: &Tape<Vec<u8>>) -> Vec<(u32, Event)> {
    tape.merged()
        .map(|merged| merged.map(|it| (it.thread, it.event)).unwrap())
        .collect()
}

/// What happened, without times.
pub fn kinds(tape: &Tape<Vec<u8>>) -> Vec<(u32, EventKind)> {
    events(tape)
        .into_iter()
        .map(|(thread, event)| (thread, event.kind))
        .collect()
}

pub fn block(thread: u32, index: u64) -> BlockId {
    BlockId { thread, index }
}

/// A tape of these events, which must be causal; marks 0 to 2 are `begin`, `"middle", and so on` and `end`.
pub fn recorded(threads: &[Vec<Event>], clock: Clock) -> Tape<Vec<u8>> {
    let write = |live: LiveTotals| {
        let header = Header {
            recorder: "test".into(),
            name: "made up".into(),
            command: vec![],
            pid: 4711,
            started_unix_ns: 0,
            clock,
            page_size: 4096,
            pointer_width: 64,
            notes: vec!["A note.".into()],
        };
        let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
        for mark in ["begin", "\"middle\", and so on", "end"] {
            writer.mark(mark);
        }
        for (thread, events) in (0u32..).zip(threads) {
            writer.thread(thread, 100 + u64::from(thread), &format!("worker {thread}"));
            for events in events.chunks(50) {
                writer.write_chunk(thread, events).unwrap();
            }
        }
        Tape::open(writer.finish(Ending::Complete, live).unwrap()).unwrap()
    };
    let live = totals_of(&write(LiveTotals::default()), |_, _| ())
        .unwrap()
        .live();
    write(live)
}
