//! Results as a table for the terminal.

use replayer::results::{AllocatorInfo, Ratio, Results, Run, Summary, TapeSummary};
use reports::study::display_names;
use trace_recorder::units::{bytes, counted, grouped, nanoseconds};

/// One table a tape and number of workers: a row an allocator, medians over its runs; below each, what makes it doubtful.
pub fn render(results: &Results) -> String {
    let mut text = String::new();
    let names = Names::of(&results.allocators);
    for tape in &results.tapes {
        for threads in numbers_of_workers(results, tape) {
            let part = Part {
                results,
                names: &names,
                tape,
                threads,
            };
            text.push_str(&part.header());
            let names = results.allocators.iter().map(|a| a.name.as_str());
            let rows: Vec<Vec<String>> = std::iter::once(titles())
                .chain(names.map(|name| part.row(name)))
                .collect();
            text.push_str(&aligned(&rows));
            text.push_str(&part.notes());
            text.push('\n');
        }
    }
    for info in &results.allocators {
        for note in &info.notes {
            text.push_str(&format!("note: {}: {note}\n", names.short(&info.name)));
        }
    }
    if let Some(partial) = &results.partial {
        text.push_str(&format!("Not all was measured: {partial}\n"));
    }
    text
}

/// What allocators are called in tables and sentences.
pub struct Names<'r> {
    pairs: Vec<(&'r str, &'r str)>,
}

impl<'r> Names<'r> {
    /// The file's name in place of `preload:/long/path`, where that is clear.
    pub fn of(allocators: &'r [AllocatorInfo]) -> Names<'r> {
        let ids: Vec<&str> = allocators.iter().map(|a| a.name.as_str()).collect();
        let short = display_names(&ids);
        Names {
            pairs: ids.into_iter().zip(short).collect(),
        }
    }

    /// The name of one of them.
    pub fn short<'n>(&self, id: &'n str) -> &'n str
    where
        'r: 'n,
    {
        let pair = self.pairs.iter().find(|(known, _)| *known == id);
        pair.map_or(id, |(_, short)| short)
    }
}

/// What an allocator alone is called: the file's name in place of `preload:/long/path`.
pub fn short_name(id: &str) -> &str {
    display_names(&[id]).first().copied().unwrap_or(id)
}

/// The numbers of workers with which a tape was replayed, in the order measured; at least one, so that a tape without runs is told of.
fn numbers_of_workers(results: &Results, tape: &TapeSummary) -> Vec<Option<u32>> {
    let mut numbers = Vec::new();
    let summaries = results.summary.iter().filter(|s| s.tape == tape.name);
    let faults = results.faults.iter().filter(|f| f.tape == tape.name);
    for threads in summaries
        .map(|s| s.threads)
        .chain(faults.map(|f| f.threads))
    {
        if !numbers.contains(&threads) {
            numbers.push(threads);
        }
    }
    if numbers.is_empty() {
        numbers.push(None);
    }
    numbers
}

/// One tape with one number of workers.
#[derive(Clone, Copy)]
struct Part<'r> {
    results: &'r Results,
    names: &'r Names<'r>,
    tape: &'r TapeSummary,
    threads: Option<u32>,
}

impl<'r> Part<'r> {
    fn runs(self) -> impl Iterator<Item = &'r Run> {
        self.results
            .runs
            .iter()
            .filter(move |run| run.tape == self.tape.name && run.threads == self.threads)
    }

    fn summaries(self) -> Vec<&'r Summary> {
        self.results
            .summary
            .iter()
            .filter(|s| s.tape == self.tape.name && s.threads == self.threads)
            .collect()
    }

    fn header(self) -> String {
        let tape = self.tape;
        let ops = tape.mallocs + tape.frees + tape.reallocs;
        let repetitions = self.runs().map(|run| run.repetition).max().unwrap_or(0);
        let harness = self
            .runs()
            .find_map(|run| run.harness_ns_per_op)
            .map_or(String::new(), |ns| {
                format!(", harness {ns:.1} ns an operation")
            });
        let folded = self.threads.map_or(String::new(), |n| {
            format!(" on {}", counted(u64::from(n), "worker"))
        });
        let mut text = format!(
            "{}: {}{folded}, {} ({}, {} by another thread), median of {repetitions}{harness}\n",
            tape.name,
            counted(u64::from(tape.threads), "thread"),
            counted(ops, "operation"),
            counted(tape.reallocs, "realloc"),
            tape.remote_frees
                .map_or("? frees".to_owned(), |n| counted(n, "free")),
        );
        if let (Some(ns), Some(size)) = (tape.plan_ns, tape.plan_bytes) {
            let windows = tape
                .plan_windows
                .map_or(String::new(), |n| format!(", run in {n} windows"));
            text.push_str(&format!(
                "  planned in {}, {} ({:.1} bytes an operation){windows}\n",
                nanoseconds(ns),
                bytes(size),
                size as f64 / ops.max(1) as f64
            ));
        }
        text
    }

    fn row(self, allocator: &str) -> Vec<String> {
        let runs: Vec<&Run> = self.runs().filter(|r| r.allocator == allocator).collect();
        let summaries = self.summaries();
        let summary = summaries.iter().find(|s| s.allocator == allocator);
        let middle = |measure: fn(&Run) -> Option<u64>| -> Option<u64> {
            let values: Vec<f64> = runs
                .iter()
                .filter_map(|run| measure(run))
                .map(|value| value as f64)
                .collect();
            replayer::measure::median(&values).map(|value| value.round() as u64)
        };
        let tell = |value: Option<u64>, how: fn(u64) -> String| value.map_or("-".to_owned(), how);
        // Never a median: a run with failures must not hide behind two without.
        let failed = runs.iter().map(|run| run.failed).max();
        vec![
            self.names.short(allocator).to_owned(),
            tell(middle(|run| Some(run.elapsed_ns)), nanoseconds),
            tell(middle(|run| Some(run.mallocs)), grouped),
            tell(middle(|run| Some(run.frees)), grouped),
            tell(failed, grouped),
            tell(middle(|run| run.peak_live_bytes), bytes),
            tell(middle(|run| run.peak_rss_bytes), bytes),
            ratio(summary.and_then(|s| s.elapsed_ratio)),
            ratio(summary.and_then(|s| s.rss_ratio)),
        ]
    }

    /// Warnings, those of every allocator once; and the reasons of runs that gave nothing.
    fn notes(self) -> String {
        let summaries = self.summaries();
        let mut text = String::new();
        let everywhere = |warning: &String| {
            summaries.len() > 1 && summaries.iter().all(|s| s.warnings.contains(warning))
        };
        if let Some(first) = summaries.first() {
            for warning in first.warnings.iter().filter(|w| everywhere(w)) {
                text.push_str(&format!("  note: {warning}\n"));
            }
        }
        for summary in &summaries {
            for warning in summary.warnings.iter().filter(|w| !everywhere(w)) {
                text.push_str(&format!(
                    "  note: {}: {warning}\n",
                    self.names.short(&summary.allocator)
                ));
            }
        }
        for fault in self
            .results
            .faults
            .iter()
            .filter(|fault| fault.tape == self.tape.name && fault.threads == self.threads)
        {
            let when = when(fault.repetition);
            text.push_str(&format!(
                "  failed: {}, {when}: {}\n",
                self.names.short(&fault.allocator),
                fault.reason
            ));
        }
        text
    }
}

/// The run of a repetition in words; 0 is what stands before all.
pub fn when(repetition: u32) -> String {
    match repetition {
        0 => "before the first run".to_owned(),
        n => format!("run {n}"),
    }
}

fn titles() -> Vec<String> {
    [
        "allocator",
        "elapsed",
        "alloc calls",
        "free calls",
        "failed",
        "peak live",
        "peak RSS",
        "time × system",
        "RSS × system",
    ]
    .map(str::to_owned)
    .into()
}

/// `0.53 (0.50–0.55)`
pub fn ratio(ratio: Option<Ratio>) -> String {
    ratio.map_or("-".to_owned(), |r| {
        format!("{:.2} ({:.2}–{:.2})", r.median, r.low, r.high)
    })
}

/// First column to the left, the others to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| {
            rows.iter()
                .filter_map(|row| row.get(c))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (number, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let fill = " ".repeat(width - cell.chars().count());
            line.push_str(&if number == 0 {
                format!("{cell}{fill}")
            } else {
                format!("  {fill}{cell}")
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use replayer::results::{Fault, Machine, SCHEMA};

    #[test]
    fn a_table_has_a_row_an_allocator_and_says_what_failed() {
        let run = |allocator: &str, elapsed_ns, failed| Run {
            tape: "t".into(),
            allocator: allocator.into(),
            repetition: 1,
            elapsed_ns,
            mallocs: 1_000,
            frees: 1_000,
            failed,
            peak_rss_bytes: Some(2048),
            ..Run::default()
        };
        let info = |name: &str| AllocatorInfo {
            name: name.into(),
            ..AllocatorInfo::default()
        };
        let summary = |name: &str, warnings: &[&str]| Summary {
            tape: "t".into(),
            allocator: name.into(),
            elapsed_ratio: Some(Ratio {
                median: 0.5,
                low: 0.4,
                high: 0.6,
            }),
            rss_ratio: None,
            warnings: warnings.iter().map(|&w| w.to_owned()).collect(),
            ..Summary::default()
        };
        let results = Results {
            schema: SCHEMA,
            machine: Machine::default(),
            tapes: vec![TapeSummary {
                name: "t".into(),
                threads: 2,
                mallocs: 1_000,
                frees: 1_000,
                ..TapeSummary::default()
            }],
            allocators: vec![info("system"), info("x"), info("gone")],
            runs: vec![run("system", 2_000_000, 0), run("x", 1_000_000, 7)],
            summary: vec![
                summary("system", &["busy"]),
                summary("x", &["busy", "odd"]),
                summary("gone", &["busy"]),
            ],
            faults: vec![Fault {
                tape: "t".into(),
                allocator: "gone".into(),
                repetition: 1,
                reason: "it crashed".into(),
                ..Fault::default()
            }],
            ..Results::default()
        };
        let text = render(&results);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("t: 2 threads, 2,000 operations"),
            "{text}"
        );
        assert!(
            lines[3].contains("x ")
                && lines[3].contains("1.00 ms")
                && lines[3].contains(" 7 ")
                && lines[3].contains("0.50 (0.40–0.60)"),
            "{text}"
        );
        assert!(
            lines[4].contains("gone") && lines[4].contains(" - "),
            "{text}"
        );
        assert_eq!(
            lines[5..8],
            [
                "  note: busy",
                "  note: x: odd",
                "  failed: gone, run 1: it crashed"
            ],
            "{text}"
        );
        let ends: Vec<usize> = lines[1..4]
            .iter()
            .map(|line| line.chars().count())
            .collect();
        assert!(ends[0] >= ends[1], "{text}");
    }
}
