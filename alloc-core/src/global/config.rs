//! What may be set while a program runs.

use core::time::Duration;

use super::current;
use crate::sync::lock::Lock;
use crate::threaded::pool::POOL;
use crate::threaded::reclaimer;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// See [`Reclaim`]; off unless set.
    pub reclaim: Reclaim,
    /// Bytes that may wait for reuse without going back, however long. 0 unless set.
    pub threshold: u64,
    /// Whole intervals that free memory waits before it goes back: 1 unless set, at least 1.
    pub decay: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            reclaim: Reclaim::Off,
            threshold: 0,
            decay: 1,
        }
    }
}

/// Held for a copy only, and by `fork`.
static CONFIG: Lock<Option<Config>> = Lock::new(None);

/// The configuration in force.
pub fn config() -> Config {
    current::prepare();
    CONFIG.lock().unwrap_or_default()
}

/// Sets the configuration; may be called at any time, by any thread. `false`: the reclaimer's thread could not be started.
pub fn configure(config: Config) -> bool {
    current::prepare();
    *CONFIG.lock() = Some(config);
    // Decay is told in intervals, the pool counts rounds; half an interval passes on the way to it.
    let rounds = u64::from(config.decay.max(1)) * reclaimer::ROUNDS - reclaimer::ROUNDS / 2;
    POOL.keep(config.threshold, u32::try_from(rounds).unwrap_or(u32::MAX));
    match config.reclaim {
        Reclaim::Off => {
            reclaimer::stop();
            true
        }
        Reclaim::On { interval } => reclaimer::start(interval),
    }
}

/// Takes the lock, for `fork`.
pub(super) fn seize() {
    CONFIG.seize();
}

/// Frees the lock.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub(super) unsafe fn release() {
    // SAFETY: the caller's promise.
    unsafe { CONFIG.release() };
}

/// Whether the reclaimer runs.
pub fn reclaims() -> bool {
    current::prepare();
    reclaimer::is_running()
}
