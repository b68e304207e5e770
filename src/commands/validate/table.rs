//! The comparison as a table, for the terminal or in Markdown.

use replayer::results::Results;
use trace_recorder::units::{bytes, nanoseconds};

use super::compare::{Compared, Row};
use crate::table::{Names, aligned, when};

/// Two ratios, or two sizes, that differ by no more than this share are said to agree.
const AGREE: f64 = 0.10;

/// A table, and below it what it says.
pub fn render(results: &Results, compared: &Compared, markdown: bool) -> String {
    let names = Names::of(&results.allocators);
    let rows: Vec<Vec<String>> = std::iter::once(titles())
        .chain(compared.rows.iter().map(|row| cells(row, &names)))
        .collect();
    let mut text = String::new();
    if markdown {
        for (number, row) in rows.iter().enumerate() {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
            if number == 0 {
                let line = vec!["---"; row.len()].join(" | ");
                text.push_str(&format!("| {line} |\n"));
            }
        }
        text.push('\n');
    } else {
        text.push_str(&aligned(&rows));
    }
    let bullet = if markdown { "- " } else { "  " };
    for line in lines(results, compared, &names) {
        text.push_str(&format!("{bullet}{line}\n"));
    }
    text
}

fn titles() -> Vec<String> {
    [
        "allocator",
        "live",
        "replayed",
        "live × system",
        "replayed × system",
        "predicted",
        "differ by",
        "live memory",
        "replayed memory",
        "predicted",
        "differ by",
    ]
    .map(str::to_owned)
    .into()
}

fn cells(row: &Row, names: &Names<'_>) -> Vec<String> {
    let tell = |value: Option<f64>, how: fn(u64) -> String| {
        value.map_or("-".to_owned(), |v| how(v.max(0.0).round() as u64))
    };
    let ratio = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.2}"));
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:+.0} %", v * 100.0));
    vec![
        names.short(&row.allocator).to_owned(),
        tell(row.live_ns, nanoseconds),
        tell(row.replay_ns, nanoseconds),
        ratio(row.live_ratio),
        ratio(row.replay_ratio),
        ratio(row.predicted_ratio),
        percent(time_error(row)),
        tell(row.live_rss, bytes),
        tell(row.replay_rss, bytes),
        tell(row.predicted_rss, bytes),
        percent(memory_error(row)),
    ]
}

/// How far the predicted ratio is from the live one.
fn time_error(row: &Row) -> Option<f64> {
    difference(row.live_ratio, row.predicted_ratio)
}

/// How far the predicted memory is from the live one.
fn memory_error(row: &Row) -> Option<f64> {
    difference(row.live_rss, row.predicted_rss)
}

fn difference(live: Option<f64>, replayed: Option<f64>) -> Option<f64> {
    let (live, replayed) = live.zip(replayed)?;
    (live > 0.0).then(|| replayed / live - 1.0)
}

/// Whether what is predicted lies between the least and the most of the live runs.
fn inside(predicted: Option<f64>, range: Option<(f64, f64)>) -> bool {
    let both = predicted.zip(range);
    both.is_some_and(|(predicted, (least, most))| (least..=most).contains(&predicted))
}

/// What is compared: its name, how far the two are apart, whether the live runs are so among themselves, and how far those are.
struct Measure {
    name: &'static str,
    error: fn(&Row) -> Option<f64>,
    inside: fn(&Row) -> bool,
    range: fn(&Row) -> Option<(f64, f64)>,
    tell: fn(f64) -> String,
}

const MEASURES: [Measure; 2] = [
    Measure {
        name: "Time ratios",
        error: time_error,
        inside: |row| inside(row.predicted_ratio, row.live_ratio_range),
        range: |row| row.live_ratio_range,
        tell: |ratio| format!("{ratio:.2}"),
    },
    Measure {
        name: "Peak memory",
        error: memory_error,
        inside: |row| inside(row.predicted_rss, row.live_rss_range),
        range: |row| row.live_rss_range,
        tell: |value| bytes(value as u64),
    },
];

fn lines(results: &Results, compared: &Compared, names: &Names<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(share) = compared.share {
        lines.push(if share <= 1.0 {
            format!(
                "Under system the replay takes {:.0} % of the live time; the rest is the program's own work. A replayed ratio r predicts 1 − {share:.2} × (1 − r).",
                share * 100.0
            )
        } else {
            format!(
                "Under system the replay takes {share:.2} times as long as the program itself."
            )
        });
    }
    if let Some(own) = compared.own_memory.filter(|&own| own > 0.0) {
        lines.push(format!(
            "In the middle of the allocators the program has {} more than its replay: stacks, variables and the like, which are added to every replay.",
            bytes(own as u64)
        ));
    }
    for measure in MEASURES {
        let those = |choose: &dyn Fn(&Row) -> bool| -> Vec<String> {
            let beyond = compared
                .rows
                .iter()
                .filter(|row| (measure.error)(row).is_some_and(|e| e.abs() > AGREE));
            beyond
                .filter(|row| choose(row))
                .map(|row| names.short(&row.allocator).to_owned())
                .collect()
        };
        let outside = those(&|row| !(measure.inside)(row));
        let spread = those(&|row| (measure.inside)(row));
        let mut line = if outside.is_empty() && spread.is_empty() {
            format!("{}: all within 10 %.", measure.name)
        } else if outside.is_empty() {
            format!(
                "{}: all within 10 %, or as far apart as the live runs are among themselves: {}.",
                measure.name,
                spread.join(", ")
            )
        } else {
            format!("{}: beyond 10 % for {}.", measure.name, outside.join(", "))
        };
        if !outside.is_empty() && !spread.is_empty() {
            line.push_str(&format!(
                " Beyond, but no further than the live runs are among themselves: {}.",
                spread.join(", ")
            ));
        }
        lines.push(line);
        let wide: Vec<String> = compared
            .rows
            .iter()
            .filter_map(|row| Some((row, (measure.range)(row)?)))
            .filter(|(_, (least, most))| most - least > 2.0 * AGREE * most)
            .map(|(row, (least, most))| {
                format!(
                    "{} {} to {}",
                    names.short(&row.allocator),
                    (measure.tell)(least),
                    (measure.tell)(most)
                )
            })
            .collect();
        if !wide.is_empty() {
            lines.push(format!(
                "The live runs differ among themselves: {}.",
                wide.join(", ")
            ));
        }
    }
    let cpu: Vec<String> = compared
        .rows
        .iter()
        .filter_map(|row| {
            let (live, predicted) = row.live_cpu_ratio.zip(row.predicted_cpu_ratio)?;
            let name = names.short(&row.allocator);
            Some(format!("{name} {live:.2} and {predicted:.2}"))
        })
        .collect();
    if let Some(own) = compared.own_cpu_ns.filter(|_| !cpu.is_empty()) {
        lines.push(format!(
            "Processor time × system, live and predicted with {} of the program's own: {}.",
            nanoseconds(own as u64),
            cpu.join(", ")
        ));
    }
    for (what, rank) in [
        ("time", compared.time_rank),
        ("memory", compared.memory_rank),
    ] {
        if let Some(rank) = rank {
            lines.push(format!("Rank correlation of {what}: {rank:.2}."));
        }
    }
    for allocator in &results.allocators {
        for note in &allocator.notes {
            lines.push(format!("{}: {note}", names.short(&allocator.name)));
        }
    }
    for warning in &results.warnings {
        lines.push(format!("Note: {warning}"));
    }
    for fault in &results.faults {
        lines.push(format!(
            "Failed: {}, {}: {}",
            names.short(&fault.allocator),
            when(fault.repetition),
            fault.reason
        ));
    }
    lines
}
