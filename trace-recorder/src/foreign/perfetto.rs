//! Trace events in JSON, which ui.perfetto.dev and chrome://tracing open: counters of what lives, a slice for each thread,
//! and instants for marks, forks and refused requests.
//!
//! A trace with each request would be too large to open. So counters are sampled: in each of at most 20,000 spans of time
//! the largest value is kept and the last, so that no peak is lost.
//! Source: "Trace Event Format", the Chromium project; times are microseconds.

use super::error::ForeignError;
use super::names::Numbers;
use super::sink::{Live, Sink};
use serde_json::{Value, json};
use std::io::Write;
use trace_format::{EventKind, MergedEvent, ReadAt, Tape, ThreadInfo};

/// Spans of time that counters are sampled in.
const SPANS: u64 = 20_000;

/// Most instants that are written.
const INSTANTS: u64 = 20_000;

/// Writes trace events.
pub(super) struct Trace<'t, W: Write> {
    out: W,
    threads: &'t [ThreadInfo],
    marks: &'t [String],
    numbers: Numbers,
    pid: u64,
    first: bool,
    /// Length of a span, and the one that is going on.
    span_ns: u64,
    span: Option<Span>,
    instants: u64,
}

/// What happened within a span of time.
#[derive(Copy, Clone, Debug)]
struct Span {
    number: u64,
    events: u64,
    /// The moment of most live bytes, and the last.
    most: (u64, Live),
    last: (u64, Live),
}

impl<'t, W: Write> Trace<'t, W> {
    pub fn new<S: ReadAt>(tape: &'t Tape<S>, mut out: W) -> Result<Self, ForeignError> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")
            .map_err(ForeignError::Write)?;
        let header = tape.header();
        let mut trace = Trace {
            out,
            threads: tape.threads(),
            marks: tape.marks(),
            numbers: Numbers::new(tape.threads()),
            pid: header.pid.max(1),
            first: true,
            span_ns: tape.totals().duration_ns / SPANS + 1,
            span: None,
            instants: 0,
        };
        let pid = trace.pid;
        trace.put(&json!({ "ph": "M", "name": "process_name", "pid": pid, "args": { "name": header.name } }))?;
        for (number, info) in (0u32..).zip(tape.threads()) {
            trace.thread(number, info)?;
        }
        trace.running()?;
        Ok(trace)
    }

    /// The name and the life of a thread.
    fn thread(&mut self, number: u32, info: &ThreadInfo) -> Result<(), ForeignError> {
        let (pid, tid) = (self.pid, self.numbers.of(number, self.threads));
        let name = match info.name.as_str() {
            "" => format!("thread {number}"),
            name => name.to_owned(),
        };
        let thread = |what: &str, args: Value| json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": args });
        self.put(&thread("thread_name", json!({ "name": name })))?;
        self.put(&thread(
            "thread_sort_index",
            json!({ "sort_index": number }),
        ))?;
        if info.events == 0 {
            return Ok(());
        }
        self.put(&json!({
            "ph": "X", "name": name, "cat": "thread", "pid": pid, "tid": tid,
            "ts": micros(info.start_ns), "dur": micros(info.end_ns.saturating_sub(info.start_ns)),
            "args": { "events": info.events, "allocations": info.allocations },
        }))
    }

    /// How many threads there are, over time.
    fn running(&mut self) -> Result<(), ForeignError> {
        let mut steps: Vec<(u64, i64)> = Vec::new();
        for info in self.threads.iter().filter(|info| info.events > 0) {
            steps.push((info.start_ns, 1));
            steps.push((info.end_ns, -1));
        }
        // At one time the ends come last, so that a thread of one event is seen.
        steps.sort_by_key(|&(ns, step)| (ns, -step));
        let mut running = 0;
        for (ns, step) in steps {
            running += step;
            self.counter("threads", ns, json!({ "threads": running }))?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, ns: u64, args: Value) -> Result<(), ForeignError> {
        let pid = self.pid;
        self.put(&json!({ "ph": "C", "name": name, "pid": pid, "ts": micros(ns), "args": args }))
    }

    fn put(&mut self, event: &Value) -> Result<(), ForeignError> {
        let separator: &[u8] = if self.first { b"\n" } else { b",\n" };
        self.first = false;
        self.out.write_all(separator).map_err(ForeignError::Write)?;
        serde_json::to_writer(&mut self.out, event)
            .map_err(|error| ForeignError::Write(error.into()))
    }

    /// Writes the span that is going on.
    fn close_span(&mut self) -> Result<(), ForeignError> {
        let Some(span) = self.span.take() else {
            return Ok(());
        };
        let rate = span.events as f64 * 1e9 / self.span_ns as f64;
        self.counter(
            "events a second",
            span.number * self.span_ns,
            json!({ "events": rate.round() }),
        )?;
        let moments = [
            Some(span.most),
            (span.last != span.most).then_some(span.last),
        ];
        for (ns, live) in moments.into_iter().flatten() {
            self.counter("live bytes", ns, json!({ "bytes": live.bytes }))?;
            self.counter("live blocks", ns, json!({ "blocks": live.blocks }))?;
        }
        Ok(())
    }

    /// Writes an instant; false when there are too many.
    fn instant(
        &mut self,
        event: &MergedEvent,
        name: &str,
        scope: &str,
        args: Value,
    ) -> Result<bool, ForeignError> {
        self.instants += 1;
        if self.instants > INSTANTS {
            return Ok(false);
        }
        let (pid, tid) = (self.pid, self.numbers.of(event.thread, self.threads));
        let ts = micros(event.event.time_ns);
        self.put(&json!({
            "ph": "i", "name": name, "cat": "heaptape", "s": scope, "pid": pid, "tid": tid, "ts": ts, "args": args,
        }))?;
        Ok(true)
    }
}

impl<W: Write> Sink for Trace<'_, W> {
    fn event(
        &mut self,
        event: &MergedEvent,
        live: Live,
    ) -> Result<Option<&'static str>, ForeignError> {
        let ns = event.event.time_ns;
        let number = ns / self.span_ns;
        if self.span.is_some_and(|span| span.number != number) {
            self.close_span()?;
        }
        let now = (ns, live);
        let span = self.span.get_or_insert(Span {
            number,
            events: 0,
            most: now,
            last: now,
        });
        span.events += 1;
        span.last = now;
        if live.bytes > span.most.1.bytes {
            span.most = now;
        }
        let written = match event.event.kind {
            EventKind::Mark { name } => {
                let name = self.marks.get(name as usize).map_or("", String::as_str);
                self.instant(event, name, "p", json!({}))?
            }
            EventKind::Fork { child_pid } => {
                self.instant(event, "fork", "p", json!({ "child": child_pid }))?
            }
            EventKind::Failed { size } => {
                self.instant(event, "refused request", "t", json!({ "bytes": size }))?
            }
            _ => true,
        };
        Ok((!written).then_some("marks, forks and refused requests beyond the first 20,000"))
    }

    fn end(mut self: Box<Self>) -> Result<(), ForeignError> {
        self.close_span()?;
        self.out.write_all(b"\n]}\n").map_err(ForeignError::Write)?;
        self.out.flush().map_err(ForeignError::Write)
    }
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1000.0
}
