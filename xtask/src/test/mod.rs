//! `cargo xtask test`: named steps in order, each timed; the first failure ends it and says how to repeat that step.

pub mod allocator;
pub mod fuzz;
pub mod nightly;
pub mod steps;
pub mod tools;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// What the steps work with.
#[derive(Clone, Debug)]
pub struct Context {
    /// The repository.
    pub workspace: Workspace,
    /// Whether the long forms were asked for.
    pub long: bool,
}

/// One step.
#[derive(Clone, Copy)]
pub struct Step {
    /// The name for `--only`.
    pub name: &'static str,
    /// What it checks, in a line.
    pub about: &'static str,
    /// Whether it runs only with `--long` (or when it is named).
    pub long: bool,
    /// The step itself.
    pub run: fn(&Context) -> Result<Done>,
}

/// How much of a step was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Done {
    /// Everything.
    Whole,
    /// What this machine can do; the summary says what is missing.
    Without(&'static str),
}

/// The list of steps, as `--list` prints it.
pub fn list(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let only = if step.long { " (only with --long)" } else { "" };
        let _ = writeln!(text, "{:<10} {}{only}", step.name, step.about);
    }
    text
}

/// Runs the steps in `only`, or all when it is empty, and prints a summary.
///
/// # Errors
/// When a name is no step's, or a step fails.
pub fn run(context: &Context, steps: &[Step], only: &[String]) -> Result<()> {
    for name in only {
        if !steps.iter().any(|step| step.name == name) {
            bail!("there is no step `{name}`: `cargo xtask test --list` names them");
        }
    }
    let chosen = |step: &Step| {
        if only.is_empty() {
            context.long || !step.long
        } else {
            only.iter().any(|name| name == step.name)
        }
    };
    let total = steps.iter().filter(|step| chosen(step)).count();
    let began = Instant::now();
    let mut outcomes = Vec::new();
    for step in steps {
        if !chosen(step) {
            outcomes.push((step, Outcome::NotAsked));
            continue;
        }
        let number = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome != Outcome::NotAsked)
            .count()
            + 1;
        println!("\n=== {number}/{total} {}: {}", step.name, step.about);
        let start = Instant::now();
        let result = (step.run)(context);
        let time = start.elapsed();
        let done = match result {
            Ok(done) => done,
            Err(error) => {
                println!("=== {} FAILED after {}", step.name, seconds(time));
                outcomes.push((step, Outcome::Failed(time)));
                print!("\n{}", summary(&outcomes, began.elapsed()));
                let long = if context.long { " --long" } else { "" };
                bail!(
                    "step `{}` failed: {error:#}\n  the step alone: cargo xtask test{long} --only {}",
                    step.name,
                    step.name
                );
            }
        };
        println!("=== {} passed in {}", step.name, seconds(time));
        outcomes.push((step, Outcome::Passed(time, done)));
    }
    print!("\n{}", summary(&outcomes, began.elapsed()));
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Passed(Duration, Done),
    Failed(Duration),
    NotAsked,
}

fn summary(outcomes: &[(&Step, Outcome)], whole: Duration) -> String {
    let mut text = String::from("summary\n");
    for (step, outcome) in outcomes {
        let said = match outcome {
            Outcome::Passed(time, Done::Whole) => format!("passed  {:>9}", seconds(*time)),
            Outcome::Passed(time, Done::Without(what)) => {
                format!("passed  {:>9}  WITHOUT {what}", seconds(*time))
            }
            Outcome::Failed(time) => format!("FAILED  {:>9}", seconds(*time)),
            Outcome::NotAsked if step.long => "not run: only with --long".to_owned(),
            Outcome::NotAsked => "not run: not among --only".to_owned(),
        };
        let _ = writeln!(text, "  {:<10} {said}", step.name);
    }
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, it)| wanted(it)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed(..)));
    let short = count(|outcome| matches!(outcome, Outcome::Passed(_, Done::Without(_))));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let _ = writeln!(
        text,
        "steps: {passed} passed{}, {failed} failed, in {}",
        match short {
            0 => String::new(),
            _ => format!(" ({short} of them not whole)"),
        },
        seconds(whole)
    );
    text
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 4] = [
        Step {
            name: "one",
            about: "passes",
            long: false,
            run: |_| Ok(Done::Whole),
        },
        Step {
            name: "two",
            about: "fails",
            long: false,
            run: |_| bail!("exit status: 3\n  to repeat it: false"),
        },
        Step {
            name: "three",
            about: "is never reached after a failure",
            long: false,
            run: |_| Ok(Done::Whole),
        },
        Step {
            name: "four",
            about: "is long, and fails",
            long: true,
            run: |_| bail!("long"),
        },
    ];

    fn context(long: bool) -> Context {
        Context {
            workspace: Workspace::at("."),
            long,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_failure_ends_the_run_and_says_how_to_repeat_it() {
        let error = run(&context(false), &STEPS, &[]).unwrap_err().to_string();
        assert!(error.contains("step `two` failed"), "{error}");
        assert!(error.contains("to repeat it: false"), "{error}");
        assert!(error.contains("cargo xtask test --only two"), "{error}");
    }

    #[test]
    fn only_the_named_steps_run() {
        run(&context(false), &STEPS, &names(&["one", "three"])).unwrap();
        // A long step that is named runs without --long.
        assert!(run(&context(false), &STEPS, &names(&["four"])).is_err());
    }

    #[test]
    fn a_name_that_is_no_step_is_an_error() {
        let error = run(&context(false), &STEPS, &names(&["none"])).unwrap_err();
        assert!(error.to_string().contains("`none`"), "{error}");
    }

    #[test]
    fn the_summary_names_what_did_not_run() {
        let text = summary(
            &[
                (
                    &STEPS[0],
                    Outcome::Passed(Duration::from_millis(1500), Done::Whole),
                ),
                (
                    &STEPS[1],
                    Outcome::Passed(Duration::from_millis(10), Done::Without("half of it")),
                ),
                (&STEPS[2], Outcome::NotAsked),
                (&STEPS[3], Outcome::NotAsked),
            ],
            Duration::from_secs(2),
        );
        assert!(text.contains("1.5 s\n"), "{text}");
        assert!(text.contains("WITHOUT half of it\n"), "{text}");
        assert!(text.contains("not among --only"), "{text}");
        assert!(text.contains("only with --long"), "{text}");
        assert!(
            text.contains("2 passed (1 of them not whole), 0 failed"),
            "{text}"
        );
    }

    #[test]
    fn steps_have_names_of_their_own() {
        let mut names: Vec<&str> = steps::ALL.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), steps::ALL.len());
    }
}
