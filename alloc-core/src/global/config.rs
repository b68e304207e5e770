//! What may be set while a program runs.

use core::time::Duration;

use crate::threaded::{fork, reclaimer};

/// Whether free memory goes back to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reclaim {
    /// What was once used stays, and is reused before more is asked for. Costs nothing.
    #[default]
    Off,
    /// A background thread gives back arenas that were all free for a whole interval.
    On {
        /// How often it looks; at least a millisecond.
        interval: Duration,
    },
}

impl Reclaim {
    /// On, with the interval of the seed's allocator: a second.
    pub const EVERY_SECOND: Reclaim = Reclaim::On {
        interval: Duration::from_secs(1),
    };
}

/// The settings of the process's allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Config {
    /// See [`Reclaim`]; off unless set.
    pub reclaim: Reclaim,
}

/// Sets the configuration; may be called at any time, by any thread. `false`: the reclaimer's thread could not be started.
pub fn configure(config: Config) -> bool {
    match config.reclaim {
        Reclaim::Off => {
            reclaimer::stop();
            true
        }
        Reclaim::On { interval } => {
            fork::register();
            reclaimer::start(interval)
        }
    }
}

/// Whether the reclaimer runs.
pub fn reclaims() -> bool {
    reclaimer::is_running()
}
