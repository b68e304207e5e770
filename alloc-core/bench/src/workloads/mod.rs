//! The workloads, a file each, and the list of them.
//!
//! Each is a fixed amount of work, decided by the scale and a fixed seed, so that two allocators get the same requests.
//! Where threads race for blocks (`mstress`, `producer`, `queue`) the order differs between runs and the counts don't, or
//! hardly.

mod batches;
mod cfrac;
mod churn;
mod ephemeral;
mod espresso;
mod glibc_thread;
mod grow;
mod idle;
mod large;
mod larson;
mod mstress;
mod pair;
mod producer;
mod queue;

use std::thread;

use crate::counts::Counts;

/// How much a run does.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// 1 is the full form, of one to four seconds with the C library's malloc on two cores.
    pub factor: f64,
    /// For the loops: this many pairs instead of what the factor says.
    pub pairs: Option<u64>,
}

impl Scale {
    /// `full` repetitions at factor 1, in proportion elsewhere, and at least `least`.
    pub fn times(&self, full: u64, least: u64) -> u64 {
        ((full as f64 * self.factor).round() as u64).max(least)
    }
}

/// What a workload is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One thread, nothing but malloc and free of 64 bytes: nanoseconds a pair.
    Loop,
    /// A program: the process's time and memory.
    Program,
}

/// One workload.
pub struct Workload {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What it is compared by.
    pub kind: Kind,
    /// What it does, in a line.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(Scale) -> Counts,
}

const fn timed(name: &'static str, about: &'static str, run: fn(Scale) -> Counts) -> Workload {
    let kind = Kind::Loop;
    Workload {
        name,
        kind,
        about,
        run,
    }
}

const fn program(name: &'static str, about: &'static str, run: fn(Scale) -> Counts) -> Workload {
    let kind = Kind::Program;
    Workload {
        name,
        kind,
        about,
        run,
    }
}

/// All of them, in the order in which they are shown.
pub const ALL: [Workload; 18] = [
    timed("pair", "malloc and free of 64 B, at once", pair::run),
    timed(
        "lifo",
        "1,000 blocks of 64 B, the last freed first",
        batches::lifo,
    ),
    timed(
        "fifo",
        "1,000 blocks of 64 B, the first freed first",
        batches::fifo,
    ),
    timed(
        "random",
        "1,000 blocks of 64 B, freed in random order",
        batches::random,
    ),
    program(
        "glibc-thread",
        "2 threads replace random blocks of 4 B to 32 KiB",
        glibc_thread::run,
    ),
    program(
        "larson",
        "threads replace blocks of 8 B to 1 KB, end, and leave them to successors",
        larson::run,
    ),
    program(
        "mstress",
        "8 threads of mixed lifetimes exchange blocks, in rounds",
        mstress::run,
    ),
    program(
        "cfrac",
        "1 thread, numbers of 8 to 72 B that live for a moment",
        cfrac::run,
    ),
    program(
        "espresso",
        "1 thread, sets of 16 to 512 B built up and dropped",
        espresso::run,
    ),
    program(
        "ephemeral-8",
        "8 threads, 16 B to 6.8 KB, gone after up to 50,000 operations",
        ephemeral::eight,
    ),
    program(
        "ephemeral-512",
        "512 threads, 16 B to 32 KiB, gone after 50 to 2,000 operations",
        ephemeral::many,
    ),
    program(
        "ephemeral-512-ring",
        "512 threads, 16 B to 6.8 KB, gone after up to 5,000 operations",
        ephemeral::ring,
    ),
    program(
        "producer",
        "2 threads only allocate, 2 only free, in batches of 4,096",
        producer::run,
    ),
    program(
        "queue",
        "4 producers and 2 consumers of messages over a short queue",
        queue::run,
    ),
    program(
        "grow",
        "vectors that double, texts that grow by small steps, among other blocks",
        grow::run,
    ),
    program("large", "blocks of 5 to 25 MB, 20 at a time", large::run),
    program(
        "churn",
        "threads that start, allocate, end, and leave blocks to successors",
        churn::run,
    ),
    program(
        "idle",
        "200 threads that each allocate a little and wait for the others",
        idle::run,
    ),
];

/// The workload `name`.
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

/// Runs `work` in `count` threads, numbered from 0, that all exist before the first is waited for; the sum of their counts.
fn in_threads(count: u64, work: impl Fn(u64) -> Counts + Sync) -> Counts {
    let work = &work;
    let mut counts = Counts::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        for thread in threads {
            counts += joined(thread.join());
        }
    });
    counts
}

/// What a thread counted; its panic goes on here.
fn joined(result: thread::Result<Counts>) -> Counts {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for workload in &ALL {
            let same = ALL.iter().filter(|other| other.name == workload.name);
            assert_eq!(same.count(), 1, "{}", workload.name);
        }
    }
}
