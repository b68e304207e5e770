//! The comparison as a table, for the terminal or in Markdown.

use replayer::results::Results;
use trace_recorder::units::{bytes, nanoseconds};

use super::compare::{Compared, Row};
use crate::table::aligned;

/// Two ratios, or two sizes, that differ by no more than this share are said to agree.
const AGREE: f64 = 0.10;

/// A table, and below it what it says.
pub fn render(results: &Results, compared: &Compared, markdown: bool) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(titles())
        .chain(compared.rows.iter().map(cells))
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
    for line in lines(results, compared) {
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
        "differ by",
    ]
    .map(str::to_owned)
    .into()
}

fn cells(row: &Row) -> Vec<String> {
    let tell = |value: Option<f64>, how: fn(u64) -> String| {
        value.map_or("-".to_owned(), |v| how(v.round() as u64))
    };
    let ratio = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.2}"));
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:+.0} %", v * 100.0));
    vec![
        row.allocator.clone(),
        tell(row.live_ns, nanoseconds),
        tell(row.replay_ns, nanoseconds),
        ratio(row.live_ratio),
        ratio(row.replay_ratio),
        ratio(row.predicted_ratio),
        percent(time_error(row)),
        tell(row.live_rss, bytes),
        tell(row.replay_rss, bytes),
        percent(memory_error(row)),
    ]
}

/// How far the predicted ratio is from the live one.
fn time_error(row: &Row) -> Option<f64> {
    difference(row.live_ratio, row.predicted_ratio)
}

/// How far replayed memory is from live memory.
fn memory_error(row: &Row) -> Option<f64> {
    difference(row.live_rss, row.replay_rss)
}

fn difference(live: Option<f64>, replayed: Option<f64>) -> Option<f64> {
    let (live, replayed) = live.zip(replayed)?;
    (live > 0.0).then(|| replayed / live - 1.0)
}

fn lines(results: &Results, compared: &Compared) -> Vec<String> {
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
    let outside = |error: fn(&Row) -> Option<f64>| -> Vec<&str> {
        compared
            .rows
            .iter()
            .filter(|row| error(row).is_some_and(|e| e.abs() > AGREE))
            .map(|row| row.allocator.as_str())
            .collect()
    };
    for (what, outside) in [
        ("Time ratios", outside(time_error)),
        ("Peak memory", outside(memory_error)),
    ] {
        lines.push(if outside.is_empty() {
            format!("{what}: all within 10 %.")
        } else {
            format!("{what}: beyond 10 % for {}.", outside.join(", "))
        });
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
            lines.push(format!("{}: {note}", allocator.name));
        }
    }
    for warning in &results.warnings {
        lines.push(format!("Note: {warning}"));
    }
    for fault in &results.faults {
        lines.push(format!(
            "Failed: {}, run {}: {}",
            fault.allocator, fault.repetition, fault.reason
        ));
    }
    lines
}
