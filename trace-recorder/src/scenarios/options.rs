//! What a scenario may be told, and what becomes of it.

use super::{Scenario, basic, ephemeral, ephemeral_visits, large};
use crate::RecordError;

/// How much a scenario does, where nothing else is said.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum Scale {
    /// A second or less on any machine, for tests.
    Small,
    /// The main job's.
    #[default]
    Default,
    /// As many operations as in the paper that the scenarios come from.
    Paper,
}

impl std::str::FromStr for Scale {
    type Err = String;

    fn from_str(name: &str) -> Result<Scale, String> {
        match name {
            "small" => Ok(Scale::Small),
            "default" => Ok(Scale::Default),
            "paper" => Ok(Scale::Paper),
            _ => Err(format!(
                "no scale is called {name:?}; there are small, default, paper"
            )),
        }
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Scale::Small => "small",
            Scale::Default => "default",
            Scale::Paper => "paper",
        })
    }
}

/// What a scenario is told. `None` leaves it to the scenario and the scale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScenarioOptions {
    /// Threads that run at once.
    pub threads: Option<u32>,
    /// Operations of each thread.
    pub ops: Option<u64>,
    /// Slots: of the shared array (`basic`), of each thread's timing wheel (`ephemeral`) or ring (`ephemeral-visits`), of each thread (`large`).
    pub ring: Option<u64>,
    /// Seed of all generators.
    pub seed: u64,
    /// Defaults of the others.
    pub scale: Scale,
    /// Shortest and longest time to live, both included; of the two ephemeral scenarios.
    pub ttl: Option<(u64, u64)>,
}

impl Default for ScenarioOptions {
    fn default() -> Self {
        ScenarioOptions {
            threads: None,
            ops: None,
            ring: None,
            seed: 1,
            scale: Scale::Default,
            ttl: None,
        }
    }
}

/// A scenario's parameters, complete and checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The scenario.
    pub scenario: Scenario,
    /// Threads that run at once.
    pub threads: u32,
    /// Operations of each thread (of `large`: of each thread with its successors).
    pub ops: u64,
    /// See [`ScenarioOptions::ring`].
    pub ring: u64,
    /// Seed of all generators.
    pub seed: u64,
    /// Shortest and longest time to live, if the scenario has one.
    pub ttl: Option<(u64, u64)>,
}

/// Threads, operations and slots of a scenario at a scale.
pub(super) struct Defaults {
    pub threads: u32,
    pub ops: u64,
    pub ring: u64,
}

/// More threads than this are a slip of the finger.
const MOST_THREADS: u32 = 16_384;

/// More operations of one thread than this do not end.
const MOST_OPS: u64 = 1 << 40;

/// More slots than this do not fit in memory.
const MOST_SLOTS: u64 = 1 << 28;

pub(super) fn plan(scenario: Scenario, options: &ScenarioOptions) -> Result<Plan, RecordError> {
    let wrong = |flag, why: String| Err(RecordError::Option { flag, why });
    let (defaults, ttl) = match scenario {
        Scenario::Basic => (basic::defaults(options.scale), None),
        Scenario::Ephemeral => (ephemeral::defaults(options.scale), Some(ephemeral::TTL)),
        Scenario::EphemeralVisits => (
            ephemeral_visits::defaults(options.scale),
            Some(ephemeral::TTL),
        ),
        Scenario::Large => (large::defaults(options.scale), None),
    };
    let plan = Plan {
        scenario,
        threads: options.threads.unwrap_or(defaults.threads),
        ops: options.ops.unwrap_or(defaults.ops),
        ring: options.ring.unwrap_or(defaults.ring),
        seed: options.seed,
        ttl: ttl.map(|ttl| options.ttl.unwrap_or(ttl)),
    };
    if ttl.is_none() && options.ttl.is_some() {
        return wrong(
            "--ttl",
            format!("scenario {scenario} has no time to live; ephemeral and ephemeral-visits have"),
        );
    }
    if plan.threads == 0 || plan.threads > MOST_THREADS {
        return wrong(
            "--threads",
            format!("{} is not between 1 and {MOST_THREADS}", plan.threads),
        );
    }
    let least_ops = if scenario == Scenario::Large {
        large::GENERATIONS
    } else {
        1
    };
    if plan.ops < least_ops || plan.ops > MOST_OPS {
        return wrong(
            "--ops",
            format!("{} is not between {least_ops} and {MOST_OPS}", plan.ops),
        );
    }
    if plan.ring == 0 || plan.ring > MOST_SLOTS {
        return wrong(
            "--ring",
            format!("{} is not between 1 and {MOST_SLOTS}", plan.ring),
        );
    }
    if let Some((least, most)) = plan.ttl {
        if least == 0 || least > most {
            return wrong(
                "--ttl",
                format!("{least}..{most} is no range of at least 1; an example is 50..2000"),
            );
        }
        if scenario == Scenario::Ephemeral && plan.ring <= most {
            return wrong(
                "--ring",
                format!(
                    "{} slots do not exceed the longest time to live, {most}; give at least {}",
                    plan.ring,
                    most + 1
                ),
            );
        }
    }
    Ok(plan)
}

impl Plan {
    /// The command line that records the same.
    pub(super) fn command(&self) -> Vec<String> {
        let mut words: Vec<String> = ["heaptape", "record", "--scenario", self.scenario.name()]
            .map(str::to_owned)
            .to_vec();
        let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
        flag("--threads", self.threads.to_string());
        flag("--ops", self.ops.to_string());
        flag("--ring", self.ring.to_string());
        if let Some((least, most)) = self.ttl {
            flag("--ttl", format!("{least}..{most}"));
        }
        flag("--seed", self.seed.to_string());
        words
    }

    pub(super) fn notes(&self) -> Vec<String> {
        vec![format!(
            "scenario {}: {}",
            self.scenario,
            self.scenario.describe()
        )]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag_of(scenario: Scenario, options: ScenarioOptions) -> &'static str {
        match plan(scenario, &options) {
            Err(RecordError::Option { flag, .. }) => flag,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nonsense_names_its_flag() {
        let plain = ScenarioOptions::default;
        assert_eq!(
            flag_of(
                Scenario::Basic,
                ScenarioOptions {
                    threads: Some(0),
                    ..plain()
                }
            ),
            "--threads"
        );
        assert_eq!(
            flag_of(
                Scenario::Basic,
                ScenarioOptions {
                    threads: Some(u32::MAX),
                    ..plain()
                }
            ),
            "--threads"
        );
        assert_eq!(
            flag_of(
                Scenario::Basic,
                ScenarioOptions {
                    ops: Some(0),
                    ..plain()
                }
            ),
            "--ops"
        );
        assert_eq!(
            flag_of(
                Scenario::Large,
                ScenarioOptions {
                    ops: Some(7),
                    ..plain()
                }
            ),
            "--ops"
        );
        assert_eq!(
            flag_of(
                Scenario::Basic,
                ScenarioOptions {
                    ring: Some(0),
                    ..plain()
                }
            ),
            "--ring"
        );
        assert_eq!(
            flag_of(
                Scenario::Basic,
                ScenarioOptions {
                    ttl: Some((1, 2)),
                    ..plain()
                }
            ),
            "--ttl"
        );
        assert_eq!(
            flag_of(
                Scenario::Ephemeral,
                ScenarioOptions {
                    ttl: Some((3, 2)),
                    ..plain()
                }
            ),
            "--ttl"
        );
        assert_eq!(
            flag_of(
                Scenario::Ephemeral,
                ScenarioOptions {
                    ttl: Some((0, 2)),
                    ..plain()
                }
            ),
            "--ttl"
        );
        assert_eq!(
            flag_of(
                Scenario::Ephemeral,
                ScenarioOptions {
                    ring: Some(2000),
                    ..plain()
                }
            ),
            "--ring"
        );
        assert!(
            plan(
                Scenario::Ephemeral,
                &ScenarioOptions {
                    ring: Some(2001),
                    ..plain()
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn the_main_job() {
        let sizes = |s| {
            let p = plan(s, &ScenarioOptions::default()).unwrap();
            (p.threads, p.ops, p.ring)
        };
        assert_eq!(sizes(Scenario::Basic), (64, 20_000, 100_000));
        assert_eq!(sizes(Scenario::Ephemeral), (512, 10_000, 4_096));
        assert_eq!(sizes(Scenario::Large), (512, 2_000, 1_000));
        for scenario in [Scenario::Basic, Scenario::Ephemeral, Scenario::Large] {
            let paper = ScenarioOptions {
                scale: Scale::Paper,
                ..Default::default()
            };
            assert_eq!(plan(scenario, &paper).unwrap().ops, 1_000_000);
        }
    }

    #[test]
    fn names_go_there_and_back() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        assert!(
            "nonsense"
                .parse::<Scenario>()
                .unwrap_err()
                .contains("ephemeral-visits")
        );
    }
}
