//! What decides the shape of a plan.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which order of events a replay keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Each thread's own, that of a block's making and its release by another thread, and roughly that of all: no thread gets ahead
    /// of the others by more than a small part of the tape. So what was alive at once in the recording is so in the replay.
    #[default]
    Thread,
    /// Each thread's own, and that of a block's making and its release by another thread. Else the threads run as they like.
    Edges,
    /// That of all events, on one thread.
    Total,
}

/// How fast a replay goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// As fast as it can.
    #[default]
    Asap,
    /// No request before its recorded time.
    Recorded,
}

/// What decides the shape of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// The order that is kept. [`Order::Total`] is one worker.
    pub order: Order,
    /// Whether the plan holds the recorded times: eight more bytes an operation.
    pub pace: Pace,
    /// Onto how many workers the tape's threads are folded; `None`: each has a thread of its own.
    pub threads: Option<u32>,
    /// How many bytes of operations may lie in memory at once; a longer plan lies on disk and is run in windows. `None`: half of
    /// what the machine has available.
    pub memory: Option<u64>,
    /// How many events a beat has, about, where [`Order::Thread`] is kept; `None`: so many as suit the tape. The fewer, the further
    /// abreast the threads stay, and the more often one waits for another.
    pub beat_events: Option<u64>,
}

impl PlanOptions {
    /// The workers that the threads are folded onto, if they are.
    pub(super) fn workers(&self) -> Option<u32> {
        match self.order {
            Order::Total => Some(1),
            Order::Thread | Order::Edges => self.threads,
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(name: &str) -> Result<Order, String> {
        match name {
            "thread" => Ok(Order::Thread),
            "edges" => Ok(Order::Edges),
            "total" => Ok(Order::Total),
            other => Err(format!(
                "`{other}` is no order; choose thread, edges or total"
            )),
        }
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(name: &str) -> Result<Pace, String> {
        match name {
            "asap" => Ok(Pace::Asap),
            "recorded" => Ok(Pace::Recorded),
            other => Err(format!("`{other}` is no pace; choose asap or recorded")),
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Order::Thread => "thread",
            Order::Edges => "edges",
            Order::Total => "total",
        })
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Pace::Asap => "asap",
            Pace::Recorded => "recorded",
        })
    }
}
