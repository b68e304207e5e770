//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::results::Settings;
use super::tapes;

/// What to measure.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Something else than fancy beside its peers.
    #[command(subcommand)]
    pub other: Option<Other>,
    /// Repetitions that count; one more comes first, to warm up [default: 5, or 2 with --quick]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repetitions: Option<u32>,
    /// How much a workload does: 1 takes up to four seconds a run [default: 1, or 0.2 with --quick]
    #[arg(long, value_name = "FACTOR", value_parser = scale)]
    pub scale: Option<f64>,
    /// A short run, for a first look: under two minutes, without guests, noisier
    #[arg(long)]
    pub quick: bool,
    /// Only these workloads, or the groups `loops` and `programs`
    #[arg(long, value_name = "WORKLOADS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Only these allocators; NAME=FILE takes any shared object that has a malloc
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',')]
    pub allocators: Vec<String>,
    /// The folder of bench.json [default: bench in the target folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keeps what bench.json has of workloads that are not measured now
    #[arg(long)]
    pub add: bool,
    /// Counts no instructions
    #[arg(long)]
    pub no_instructions: bool,
    /// Builds nothing and takes what was built before
    #[arg(long)]
    pub built: bool,
}

/// Something else.
#[derive(Subcommand, Clone, Debug)]
pub enum Other {
    /// Replays the three scenarios with the released program and more repetitions
    #[command(after_help = "Examples:
  cargo xtask bench tapes
  cargo xtask bench tapes --scale small --repetitions 3
  cargo xtask bench tapes --allocators system,fancy,mimalloc --out target/bench-fancy

Records basic, ephemeral and large anew, runs `heaptape compare` on them and prints its table;
DIR/results.json holds every run, DIR/index.html the report. Close other programs before.")]
    Tapes(tapes::Settings),
    /// Prints the table of an earlier run again
    #[command(after_help = "Examples:
  cargo xtask bench show
  cargo xtask bench show target/bench-old/bench.json")]
    Show {
        /// The results [default: bench.json in the target folder's bench]
        file: Option<PathBuf>,
    },
}

/// The help's last part.
pub const AFTER_HELP: &str = "Examples:
  cargo xtask bench                               everything: all workloads, five rounds
  cargo xtask bench --quick                       a first look
  cargo xtask bench --only loops,larson -n 9
  cargo xtask bench --only large --add            measures one again, keeps the rest
  cargo xtask bench -a fancy,mimalloc,fancy-old=/tmp/libfancy.so
  cargo xtask bench show                          the last table again
  cargo xtask bench tapes                         the scenarios, replayed

Allocators: fancy, fancy-reclaim (with its background thread), glibc, jemalloc, mimalloc, snmalloc, and what the
machine has of tcmalloc, mimalloc and jemalloc. Every run is a process of its own; DIR/bench.json holds them all.
docs/bench.md says how to read the table. Close other programs before.

The exit code is 0 when all was measured, whatever the figures, 1 when a run of fancy failed, 2 when the command was wrong.";

fn scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.0001..=100.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0.0001 to 100 is expected".to_owned()),
    }
}

impl Arguments {
    /// How often and how much, with what is not said filled in.
    pub fn settings(&self) -> Settings {
        let (repetitions, scale) = if self.quick { (2, 0.2) } else { (5, 1.0) };
        Settings {
            repetitions: self.repetitions.unwrap_or(repetitions),
            scale: self.scale.unwrap_or(scale),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parsed(words: &[&str]) -> Result<Arguments, clap::Error> {
        Line::try_parse_from([&["bench"], words].concat()).map(|line| line.arguments)
    }

    #[test]
    fn quick_is_a_default_and_no_more() {
        let settings = parsed(&["--quick", "-n", "7"]).unwrap().settings();
        assert_eq!((settings.repetitions, settings.scale), (7, 0.2));
        let settings = parsed(&["--scale", "0.5"]).unwrap().settings();
        assert_eq!((settings.repetitions, settings.scale), (5, 0.5));
    }

    #[test]
    fn lists_are_divided_by_commas() {
        let arguments = parsed(&["--only", "loops,larson", "-a", "fancy,old=/a/b.so"]).unwrap();
        assert_eq!(arguments.only, ["loops", "larson"]);
        assert_eq!(arguments.allocators, ["fancy", "old=/a/b.so"]);
    }

    #[test]
    fn nonsense_is_wrong_usage() {
        for words in [
            ["-n", "0"],
            ["--scale", "nan"],
            ["--scale", "0"],
            ["--only", "pair"],
        ] {
            assert_eq!(parsed(&words).is_err(), words[0] != "--only", "{words:?}");
        }
        assert!(parsed(&["--quick", "tapes"]).is_err());
        assert!(matches!(
            parsed(&["tapes", "--scale", "small"]).unwrap().other,
            Some(Other::Tapes(_))
        ));
    }
}
