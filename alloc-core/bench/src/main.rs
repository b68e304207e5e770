//! The workloads of `cargo xtask bench`: each in a process of its own, with whatever malloc LD_PRELOAD gives it.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`calls`] | malloc, calloc, realloc and free through the dynamic linker |
//! | [`random`] | seeded numbers and sizes |
//! | [`counts`] | what was done |
//! | [`blocks`], [`wheel`] | blocks that are touched, checked and freed |
//! | [`queue`] | a bounded queue between threads |
//! | [`workloads`] | the workloads, and the list of them |
//! | [`launch`] | one of them in its own process, measured from outside |

mod calls;

mod random;

mod counts;

mod blocks;
mod wheel;

mod queue;

mod workloads;

mod launch;

use std::process::ExitCode;

use workloads::{Kind, Scale, Workload};

const HELP: &str = "\
alloc-bench: workloads for allocators, for `cargo xtask bench`

Usage:
  alloc-bench list                                         every workload: name, kind, what it does
  alloc-bench run WORKLOAD [OPTIONS]                       runs it in this process and prints its counts
  alloc-bench measure [--preload OBJECT] WORKLOAD [OPTIONS]  runs it in a process of its own, and measures that

Options:
  --scale FACTOR   how much is done: 1 takes one to four seconds [default: 1]
  --pairs N        the loops do N pairs of malloc and free, whatever the scale
  --seconds N      the process ends itself after N seconds, as one that hangs [default: 300]

Examples:
  LD_PRELOAD=target/release/libfancy.so alloc-bench run larson --scale 0.1
  alloc-bench measure --preload target/release/libfancy.so ephemeral-512

The exit code is 0 when every block was served, whole and freed, 1 when not, 2 when the command was wrong.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((word, [])) if word == "list" => {
            for Workload {
                name, kind, about, ..
            } in &workloads::ALL
            {
                let kind = if *kind == Kind::Loop {
                    "loop"
                } else {
                    "program"
                };
                println!("{name}\t{kind}\t{about}");
            }
            ExitCode::SUCCESS
        }
        Some((word, rest)) if word == "run" => match Request::parse(rest) {
            Ok(request) => run(&request),
            Err(error) => usage(&error),
        },
        Some((word, rest)) if word == "measure" => measure(rest),
        Some((word, _)) if word == "--help" || word == "-h" || word == "help" => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Some((word, _)) => usage(&format!("`{word}` is no command")),
        None => usage("no command"),
    }
}

fn usage(error: &str) -> ExitCode {
    eprintln!("error: {error}\n\n{HELP}");
    ExitCode::from(2)
}

/// A workload and how much of it.
struct Request {
    workload: &'static Workload,
    scale: Scale,
    seconds: u32,
}

impl Request {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut words = words.iter();
        let name = words.next().ok_or("no workload is named")?;
        let workload = workloads::find(name)
            .ok_or_else(|| format!("there is no workload `{name}`: see `alloc-bench list`"))?;
        let mut request = Request {
            workload,
            scale: Scale {
                factor: 1.0,
                pairs: None,
            },
            seconds: 300,
        };
        while let Some(option) = words.next() {
            let value = words.next().map(String::as_str).unwrap_or_default();
            let wrong = || format!("{option} takes a number, and not `{value}`");
            match option.as_str() {
                "--scale" => {
                    let factor = value
                        .parse()
                        .ok()
                        .filter(|factor| *factor > 0.0 && *factor <= 1000.0);
                    request.scale.factor = factor.ok_or_else(wrong)?;
                }
                "--pairs" => request.scale.pairs = Some(value.parse().map_err(|_| wrong())?),
                "--seconds" => request.seconds = value.parse().map_err(|_| wrong())?,
                _ => return Err(format!("`{option}` is no option")),
            }
        }
        Ok(request)
    }
}

fn run(request: &Request) -> ExitCode {
    // SAFETY: alarm has no precondition; the signal it sends ends a process that does not handle it.
    unsafe { libc::alarm(request.seconds) };
    let counts = (request.workload.run)(request.scale);
    println!(
        "{{\"workload\":\"{}\",\"malloc\":\"{}\",\"counts\":{counts}}}",
        request.workload.name,
        calls::provider().replace(['"', '\\'], "?"),
    );
    match counts.complaint() {
        None => ExitCode::SUCCESS,
        Some(complaint) => {
            eprintln!("error: {}: {complaint}", request.workload.name);
            ExitCode::FAILURE
        }
    }
}

fn measure(words: &[String]) -> ExitCode {
    let (preload, rest) = match words {
        [option, object, rest @ ..] if option == "--preload" => (Some(object.as_str()), rest),
        _ => (None, words),
    };
    if let Err(error) = Request::parse(rest) {
        return usage(&error);
    }
    match launch::measure(rest, preload) {
        Ok(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
