//! The results as text.

use std::fmt::Write as _;

use super::results::{Kind, Results, Role, Workload};
use super::summary::{Figure, compare, comparisons, names, overall, spread};
use super::targets::verdicts;

/// Everything: the allocators, time, memory, instructions, and the targets.
pub fn text(results: &Results) -> String {
    let mut text = String::new();
    heading(&mut text, results);
    let time = "Time (loops: nanoseconds a pair; programs: seconds from start to end), median";
    figures(&mut text, results, Figure::Time, time);
    figures(
        &mut text,
        results,
        Figure::Memory,
        "Memory (the kernel's peak RSS, MiB), median",
    );
    figures(
        &mut text,
        results,
        Figure::Processor,
        "Processor time (program and kernel, seconds), median",
    );
    instructions(&mut text, results);
    judged(&mut text, results);
    prices(&mut text, results);
    text
}

fn heading(text: &mut String, results: &Results) {
    let machine = &results.machine;
    let _ = writeln!(
        text,
        "{} × {}, Linux {}, transparent huge pages: {}",
        machine.processors, machine.processor, machine.kernel, machine.transparent_huge_pages
    );
    for (name, value) in &machine.environment {
        let _ = writeln!(text, "{name}={value}");
    }
    for allocator in &results.allocators {
        let _ = writeln!(text, "  {:<18} {}", allocator.name, allocator.version);
    }
}

/// One table: a row a workload, a column an allocator, then the best peer and how fancy stands to it.
fn figures(text: &mut String, results: &Results, figure: Figure, title: &str) {
    let ours = names(&results.allocators, &[Role::Ours]);
    let peers = names(&results.allocators, &[Role::Peer]);
    let _ = writeln!(text, "\n{title}");
    let wide = width(results);
    let _ = write!(text, "{:<19}", "");
    for allocator in &results.allocators {
        let _ = write!(text, "{:>wide$}", allocator.name);
    }
    let _ = writeln!(text, "  {:<10}{:>8}  rounds", "best peer", "ratio");
    for workload in &results.workloads {
        // A loop's processor time is its time.
        if figure == Figure::Processor && workload.kind == Kind::Loop {
            continue;
        }
        let _ = write!(text, "{:<19}", workload.name);
        for allocator in &results.allocators {
            let _ = write!(text, "{:>wide$}", cell(workload, &allocator.name, figure));
        }
        if let Some(subject) = ours.first()
            && let Some(one) = compare(workload, subject, &peers, figure)
        {
            let (low, high) = one.range;
            let _ = write!(
                text,
                "  {:<10.10}{:>8.2}  {low:.2}…{high:.2}",
                one.best, one.ratio
            );
        }
        text.push('\n');
    }
}

/// How wide a column of an allocator is.
fn width(results: &Results) -> usize {
    let names = results
        .allocators
        .iter()
        .map(|one| one.name.chars().count());
    names.max().unwrap_or(0).max(8) + 2
}

fn cell(workload: &Workload, allocator: &str, figure: Figure) -> String {
    match spread(workload, allocator, figure) {
        Some((median, _)) => match (figure, workload.kind) {
            (Figure::Memory, _) => format!("{median:.1}"),
            (Figure::Time, Kind::Loop) => format!("{median:.2}"),
            (Figure::Time | Figure::Processor, _) => format!("{median:.3}"),
        },
        None if workload.failures.contains_key(allocator) => "failed".to_owned(),
        None => "–".to_owned(),
    }
}

fn instructions(text: &mut String, results: &Results) {
    let counted: Vec<&Workload> = results
        .workloads
        .iter()
        .filter(|workload| !workload.instructions.is_empty())
        .collect();
    let wide = width(results);
    if !counted.is_empty() {
        let _ = writeln!(
            text,
            "\nInstructions a pair, call and loop included (callgrind)"
        );
        for workload in counted {
            let _ = write!(text, "{:<19}", workload.name);
            for allocator in &results.allocators {
                let count = workload.instructions.get(&allocator.name);
                let count = count.map_or("–".to_owned(), |count| format!("{count:.1}"));
                let _ = write!(text, "{count:>wide$}");
            }
            text.push('\n');
        }
    }
    if let Some(why) = &results.instructions_missing {
        let _ = writeln!(text, "\nInstructions are missing: {why}");
    }
    for workload in &results.workloads {
        for (allocator, how) in &workload.failures {
            let _ = writeln!(text, "\n{}, {allocator}: {how}", workload.name);
        }
    }
}

fn judged(text: &mut String, results: &Results) {
    let peers = names(&results.allocators, &[Role::Peer]);
    let everyone = names(&results.allocators, &[Role::Peer, Role::Guest]);
    for (place, subject) in names(&results.allocators, &[Role::Ours])
        .into_iter()
        .enumerate()
    {
        let verdicts = verdicts(results, subject, &peers);
        if place == 0 && !verdicts.is_empty() {
            let _ = writeln!(text, "\nTargets of {subject}, against {}", peers.join(", "));
            for verdict in verdicts {
                let _ = writeln!(
                    text,
                    "  {:<34}{:>8.2}  at most {:>5.2}  {:<17} {}",
                    verdict.what,
                    verdict.figure,
                    verdict.target,
                    verdict.word(),
                    verdict.note
                );
            }
            failed(text, results, subject);
        } else {
            means(text, results, subject, &peers, "the best of the peers");
        }
        if everyone.len() > peers.len() {
            means(
                text,
                results,
                subject,
                &everyone,
                "the best of all others here",
            );
        }
    }
}

/// What the variants of fancy cost: each to fancy itself, over the programs.
fn prices(text: &mut String, results: &Results) {
    let ours = names(&results.allocators, &[Role::Ours]);
    let Some((first, variants)) = ours.split_first().filter(|(_, more)| !more.is_empty()) else {
        return;
    };
    let _ = writeln!(
        text,
        "\nPrice of the variants, to {first}: geometric means over the programs"
    );
    for variant in variants {
        means(text, results, variant, &[first], first);
    }
}

/// Says what the means leave out.
fn failed(text: &mut String, results: &Results, subject: &str) {
    let failed = results
        .workloads
        .iter()
        .filter(|workload| workload.failures.contains_key(subject));
    let failed: Vec<&str> = failed.map(|workload| workload.name.as_str()).collect();
    if !failed.is_empty() {
        let _ = writeln!(
            text,
            "  {subject} failed, and the means leave out: {}",
            failed.join(", ")
        );
    }
}

/// One line: the geometric means and the worst of `subject` against `peers`.
fn means(text: &mut String, results: &Results, subject: &str, peers: &[&str], whom: &str) {
    let over = |figure| overall(&comparisons(results, subject, peers, figure));
    if let (Some(time), Some(memory)) = (over(Figure::Time), over(Figure::Memory)) {
        let _ = writeln!(
            text,
            "  {subject} to {whom}: time {:.2} (worst {:.2}, {}), memory {:.2} (worst {:.2}, {})",
            time.mean, time.worst.0, time.worst.1, memory.mean, memory.worst.0, memory.worst.1
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, run, workload};
    use super::*;

    #[test]
    fn a_table_has_every_figure() {
        let mut pair = workload(
            "pair",
            Kind::Loop,
            &[
                ("fancy", &[run(1.0, 2, Some(2.5))]),
                ("glibc", &[run(1.0, 2, Some(5.0))]),
            ],
        );
        pair.instructions.insert("fancy".to_owned(), 37.0);
        let mut program = workload(
            "large",
            Kind::Program,
            &[
                ("fancy", &[run(1.25, 300, None)]),
                ("glibc", &[run(1.0, 200, None)]),
                ("guest", &[run(0.5, 200, None)]),
            ],
        );
        program
            .failures
            .insert("mimalloc".to_owned(), "took more than 120 s".to_owned());
        let text = text(&results(vec![pair, program]));
        for part in [
            "pair                     2.50      5.00         –         –  glibc         0.50  0.50…0.50",
            "large                   1.250     1.000    failed     0.500  glibc         1.25  1.25…1.25",
            "large                   300.0     200.0    failed     200.0  glibc         1.50  1.50…1.50",
            "pair                     37.0         –",
            "large, mimalloc: took more than 120 s",
            "instructions a pair                  37.00  at most 42.00  met",
            "programs, time: worst                 1.25  at most  1.20  missed by 4 %     large",
            "fancy to the best of all others here: time 2.50",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn a_mean_says_what_it_leaves_out() {
        let mut one = workload("a", Kind::Program, &[("glibc", &[run(1.0, 1, None)])]);
        one.failures
            .insert("fancy".to_owned(), "signal 6".to_owned());
        let runs = [run(1.0, 1, None)];
        let other = workload("b", Kind::Program, &[("fancy", &runs), ("glibc", &runs)]);
        let text = text(&results(vec![one, other]));
        assert!(text.contains("the means leave out: a\n"), "{text}");
    }

    #[test]
    fn an_empty_table_is_no_panic() {
        assert!(text(&results(Vec::new())).contains("mimalloc"));
    }
}
