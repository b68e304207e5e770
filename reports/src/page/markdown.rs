//! `summary.md`: the answer and its table, for a pull request.

use crate::study::{Advice, Cell, Diff, Study, Verdict, plural, tape_finding};
use crate::units::{UNKNOWN, bytes, count, nanos, percent, times, times_with_interval};
use std::fmt::Write;

/// Text within a line of Markdown: what would begin markup or a cell is escaped.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '\\' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' | '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Of one measurement.
pub fn summary(study: &Study<'_>, advice: &Advice) -> String {
    let mut out = format!("## {}\n", plain(&advice.headline));
    if !advice.points.is_empty() {
        out.push('\n');
        for point in &advice.points {
            let _ = writeln!(out, "- {}", plain(point));
        }
    }
    for tape in &study.tapes {
        let _ = write!(
            out,
            "\n**{}** – {}.\n\n\
             | allocator | elapsed | × system (95 %) | alloc calls | free calls | failed | peak live | peak RSS | × system (95 %) |\n\
             | :-- | --: | --: | --: | --: | --: | --: | --: | --: |\n",
            plain(tape.name),
            plain(&tape_finding(tape))
        );
        for cell in &tape.cells {
            out.push_str(&row(cell));
        }
    }
    let warnings = study.results.warnings.iter();
    for warning in warnings.chain(&study.results.partial) {
        let _ = write!(out, "\n> ⚠ {}\n", plain(warning));
    }
    let _ = write!(out, "\n{}\n", plain(&study.provenance()));
    out
}

fn row(cell: &Cell<'_>) -> String {
    if cell.runs.is_empty() {
        let why = cell.reservation().unwrap_or_else(|| "not measured".into());
        return format!("| {} | {} | | | | | | | |\n", plain(cell.name), plain(&why));
    }
    let shown = |value: Option<crate::stats::Spread>, how: fn(f64) -> String| {
        value.map_or_else(|| UNKNOWN.to_owned(), |s| how(s.median))
    };
    let ratio = |e: Option<crate::study::Estimate>| match e {
        None => UNKNOWN.to_owned(),
        Some(e) if cell.is_baseline() || e.verdict() == Verdict::Single => times(e.median),
        Some(e) => times_with_interval(e.median, e.low, e.high),
    };
    let calls = |of: fn(&replayer::results::Run) -> u64| {
        count(cell.runs.iter().map(|r| of(r)).max().unwrap_or(0))
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        plain(cell.name),
        shown(cell.elapsed, nanos),
        ratio(cell.time),
        calls(|r| r.mallocs),
        calls(|r| r.frees),
        calls(|r| r.failed),
        shown(cell.live, bytes),
        shown(cell.rss, bytes),
        ratio(cell.memory),
    )
}

/// Of measurements side by side.
pub fn diff(diff: &Diff<'_>, headline: &str) -> String {
    let mut out = format!("## {}\n", plain(headline));
    for note in diff.notes() {
        let _ = write!(out, "\n> ⚠ {}\n", plain(&note));
    }
    for after in &diff.after {
        let _ = write!(
            out,
            "\n**{}** against **{}**, {}:\n\n\
             | tape | allocator | time: new over old (95 %) | peak RSS: new over old (95 %) | |\n\
             | :-- | :-- | --: | --: | :-- |\n",
            plain(&after.label),
            plain(&diff.before),
            after.basis.words()
        );
        for change in &after.changes {
            let cell = |shift: &Option<crate::study::Shift>| {
                shift.map_or_else(
                    || UNKNOWN.to_owned(),
                    |s| times_with_interval(s.ratio.median, s.ratio.low, s.ratio.high),
                )
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                plain(&change.tape),
                plain(&change.allocator),
                cell(&change.time),
                cell(&change.memory),
                plain(&change.words())
            );
        }
        if !after.differences.is_empty() {
            let _ = write!(out, "\nWhat is not the same: {}.\n", {
                let all: Vec<String> = after
                    .differences
                    .iter()
                    .map(|d| plain(&d.to_string()))
                    .collect();
                all.join("; ")
            });
        }
    }
    let _ = write!(
        out,
        "\nBeyond noise means that the 95 % interval excludes 1 and the change is at least {}. {}\n",
        percent(crate::study::WORTH),
        plural(
            diff.after.iter().map(|a| a.changes.len()).sum(),
            "comparison"
        )
    );
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_name_becomes_markup() {
        assert_eq!(super::plain("a|b*c\n<d>"), "a\\|b\\*c \\<d\\>");
    }
}
