//! Was the machine ours while we measured? Compares what all processes used with what we and our workers did.

use trace_format::sentence::counted;

use super::governor::Governor;
use super::kernel::{Ticks, own_ns, throttle_count};

/// Others may use this share of the processors before it is said.
const OTHERS: f64 = 0.10;

/// The hypervisor may keep this share from us before it is said.
const STOLEN: f64 = 0.02;

/// The state of the machine when a measurement began.
pub struct Busy {
    ticks: Option<Ticks>,
    own_ns: Option<u64>,
    throttled: Option<u64>,
    governor: Governor,
}

impl Busy {
    /// As of now.
    pub fn begin() -> Busy {
        Busy {
            ticks: Ticks::now(),
            own_ns: own_ns(),
            throttled: throttle_count(),
            governor: Governor::now(),
        }
    }

    /// Reasons to doubt what was measured since, in sentences. What child processes used is ours once they are waited for.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if let (Some(before), Some(after), Some(own_before), Some(own)) =
            (self.ticks, Ticks::now(), self.own_ns, own_ns())
        {
            let all = after.all.saturating_sub(before.all) as f64;
            let own = own.saturating_sub(own_before) as f64 / 1e9 * after.per_second;
            let used = after.used.saturating_sub(before.used) as f64;
            let stolen = after.stolen.saturating_sub(before.stolen) as f64;
            doubts.extend(said(used, own, stolen, all));
        }
        if let (Some(before), Some(after)) = (self.throttled, throttle_count())
            && after > before
        {
            doubts.push(format!(
                "the processor slowed itself down {} because of heat",
                counted(after - before, "time")
            ));
        }
        doubts.extend(Governor::now().moved_since(&self.governor));
        doubts
    }
}

/// Sentences for ticks that all used, that we used, that the hypervisor took, out of `all`.
fn said(used: f64, own: f64, stolen: f64, all: f64) -> Vec<String> {
    let mut doubts = Vec::new();
    if all > 0.0 && (used - own) / all > OTHERS {
        let share = (used - own) / all * 100.0;
        doubts.push(format!(
            "other programs used {share:.0} % of the processors while this was measured"
        ));
    }
    if all > 0.0 && stolen / all > STOLEN {
        doubts.push(format!(
            "the hypervisor kept {:.0} % of the processors' time for others",
            stolen / all * 100.0
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_is_said() {
        assert!(said(100.0, 95.0, 1.0, 100.0).is_empty());
        assert!(said(0.0, 0.0, 0.0, 0.0).is_empty());
        assert!(said(100.0, 60.0, 0.0, 100.0)[0].contains("40 %"));
        assert!(said(90.0, 90.0, 5.0, 100.0)[0].contains("hypervisor kept 5 %"));
    }
}
