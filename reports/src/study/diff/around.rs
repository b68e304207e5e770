//! What is not the same around two measurements: machine, system, versions, settings, tapes.

use replayer::results::Results;

/// Something around the measurement that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What.
    pub what: String,
    /// The first's.
    pub before: String,
    /// The other's.
    pub after: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} → {}", self.what, self.before, self.after)
    }
}

/// Whether times may be compared as they are. Another kernel or C library is a difference to be measured, another processor is not.
pub(super) fn same_machine(a: &Results, b: &Results) -> bool {
    let key = |r: &Results| {
        (
            r.machine.cpu.clone(),
            r.machine.cores,
            r.machine.memory_bytes,
            r.machine.hypervisor.clone(),
        )
    };
    key(a) == key(b)
}

/// Everything that is known and differs.
pub(super) fn differences(old: &Results, new: &Results) -> Vec<Difference> {
    let mut out = Vec::new();
    let mut compare = |what: String, before: Option<String>, after: Option<String>| {
        if before != after {
            let said = |v: Option<String>| v.unwrap_or_else(|| "unknown".to_owned());
            out.push(Difference {
                what,
                before: said(before),
                after: said(after),
            });
        }
    };
    let (a, b) = (&old.machine, &new.machine);
    compare("processor".into(), a.cpu.clone(), b.cpu.clone());
    compare(
        "processors in use".into(),
        Some(a.cores.to_string()),
        Some(b.cores.to_string()),
    );
    let size = |bytes: Option<u64>| bytes.map(|b| crate::units::bytes(b as f64));
    compare("memory".into(), size(a.memory_bytes), size(b.memory_bytes));
    compare("kernel".into(), a.kernel.clone(), b.kernel.clone());
    compare("C library".into(), a.libc.clone(), b.libc.clone());
    compare(
        "transparent huge pages".into(),
        a.thp.clone(),
        b.thp.clone(),
    );
    compare("governor".into(), a.governor.clone(), b.governor.clone());
    compare(
        "hypervisor".into(),
        a.hypervisor.clone(),
        b.hypervisor.clone(),
    );
    compare("heaptape".into(), a.heaptape.clone(), b.heaptape.clone());
    let settings = |r: &Results| {
        r.replay.as_ref().map(|s| {
            format!(
                "touch {}, order {}, pace {}{}",
                s.touch,
                s.order,
                s.pace,
                if s.pinned { ", pinned" } else { "" }
            )
        })
    };
    compare("replay".into(), settings(old), settings(new));
    for x in &old.allocators {
        let Some(y) = new.allocators.iter().find(|y| y.name == x.name) else {
            continue;
        };
        compare(
            format!("version of {}", x.name),
            x.version.clone(),
            y.version.clone(),
        );
        compare(
            format!("settings of {}", x.name),
            Some(x.settings.join(" ")),
            Some(y.settings.join(" ")),
        );
    }
    for x in &old.tapes {
        let Some(y) = new.tapes.iter().find(|y| y.name == x.name) else {
            continue;
        };
        let short = |sha: &str| Some(sha.chars().take(12).collect::<String>());
        compare(
            format!("tape {}", x.name),
            short(&x.sha256),
            short(&y.sha256),
        );
    }
    out
}
