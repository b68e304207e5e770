//! The command line of `cargo xtask`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use xtask::process::Usage;
use xtask::test::{Context, steps};
use xtask::workspace::Workspace;
use xtask::{bench, gallery, layers, test, web};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

const EXAMPLES: &str = "Examples:
  cargo xtask test
  cargo xtask layers
  cargo xtask web --out public
  cargo xtask bench --quick";

#[derive(Subcommand)]
enum Task {
    /// Runs all checks and tests, and installs what they need
    #[command(after_help = "Examples:
  cargo xtask test                       everything that a change must pass
  cargo xtask test --only format clippy  two of the steps
  cargo xtask test --list                the names of the steps
  cargo xtask test --long                and what takes longer

The exit code is 0 when every step passed, 1 when one failed, 2 when the command was wrong.")]
    Test {
        /// Also runs what takes many minutes
        #[arg(long)]
        long: bool,
        /// Runs only these steps, in the usual order
        #[arg(long, value_name = "STEP", num_args = 1.., value_parser = step_name)]
        only: Vec<String>,
        /// Prints the steps and runs none
        #[arg(long)]
        list: bool,
    },
    /// Builds the page into a folder that any web server can host
    #[command(after_help = "Examples:
  cargo xtask web
  cargo xtask web --out public && python3 -m http.server --directory public")]
    Web {
        /// The folder; what it held before is replaced [default: web in the target folder]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Measures fancy beside other allocators: time, memory, instructions
    #[command(after_help = bench::arguments::AFTER_HELP)]
    Bench(bench::arguments::Arguments),
    /// Makes the pictures of docs/ anew: charts of a measurement, and screenshots of the page
    #[command(after_help = "Examples:
  cargo xtask gallery                        measures on this machine, a few minutes
  cargo xtask gallery --results report/results.json
  cargo xtask gallery --results report/results.json --no-browser")]
    Gallery {
        /// Draws the figures of an earlier measurement
        #[arg(long, value_name = "results.json")]
        results: Option<PathBuf>,
        /// How much the scenarios of a new measurement do
        #[arg(long, value_name = "SCALE", default_value = "default", value_parser = ["small", "default", "paper"])]
        scale: String,
        /// Leaves the screenshots as they are
        #[arg(long)]
        no_browser: bool,
    },
    /// Checks that imports run down only and that every file is in the build
    #[command(after_help = "Examples:
  cargo xtask layers

Packages: xtask/src/layers/table.rs says which package may import which, and the order of the folders in each.
A file of more than 400 lines is named, one of more than 700 fails; so do todo!, unimplemented!, dbg!,
and a file that no target reaches.")]
    Layers,
}

fn step_name(text: &str) -> Result<String, String> {
    if steps::ALL.iter().any(|step| step.name == text) {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = steps::ALL.iter().map(|step| step.name).collect();
    Err(format!("the steps are: {}", names.join(", ")))
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.is::<Usage>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test { list: true, .. } => {
            print!("{}", test::list(&steps::ALL));
            Ok(())
        }
        Task::Test { long, only, .. } => {
            test::run(&Context { workspace, long }, &steps::ALL, &only)
        }
        Task::Web { out } => {
            let out = out.unwrap_or_else(|| workspace.target().join("web"));
            web::run(&workspace, &out)
        }
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
        Task::Gallery {
            results,
            scale,
            no_browser,
        } => {
            let options = gallery::Options {
                results,
                scale,
                no_browser,
            };
            gallery::run(&workspace, &options)
        }
        Task::Layers => layers::run(workspace.root()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_task_has_an_example() {
        for task in Cli::command().get_subcommands_mut() {
            let help = task.render_long_help().to_string();
            assert!(
                help.contains("Examples:\n  cargo xtask"),
                "{}: {help}",
                task.get_name()
            );
        }
    }

    #[test]
    fn a_step_that_is_not_there_is_wrong_usage() {
        let wrong = Cli::try_parse_from(["cargo xtask", "test", "--only", "nothing"]);
        assert!(wrong.is_err());
        assert!(Cli::try_parse_from(["cargo xtask", "test", "--only", "format", "clippy"]).is_ok());
    }
}
