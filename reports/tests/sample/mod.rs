//! Results as a measurement would give them, from a seed; for tests only.

#![allow(dead_code)]

pub mod boxes;

use replayer::results::*;

/// A small generator (SplitMix64), so that a sample is the same each time.
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// About 1, within `part` of it.
    fn near(&mut self, part: f64) -> f64 {
        1.0 + part * (2.0 * (self.next() >> 11) as f64 / (1u64 << 53) as f64 - 1.0)
    }
}

/// Time and memory over system's, per allocator of the default set and more.
pub const ALLOCATORS: [(&str, f64, f64); 8] = [
    ("system", 1.0, 1.0),
    ("fancy", 0.41, 0.68),
    ("fancy-reclaim", 0.45, 0.61),
    ("jemalloc", 0.58, 0.72),
    ("mimalloc", 0.43, 0.83),
    ("snmalloc", 0.49, 0.95),
    ("rpmalloc", 0.52, 1.32),
    ("null", 0.06, 0.02),
];

/// Name, threads, mallocs, peak live bytes, system's seconds.
pub const TAPES: [(&str, u32, u64, u64, f64); 3] = [
    ("basic", 64, 384_310, 106_954_752, 0.71),
    ("ephemeral", 512, 5_120_000, 1_211_105_280, 3.84),
    ("large", 512, 1_024_000, 2_469_606_195, 2.17),
];

/// A whole measurement: these tapes and allocators, this many repetitions.
pub fn results(tapes: usize, allocators: &[(String, f64, f64)], repetitions: u32) -> Results {
    let mut random = Random(7);
    let mut out = Results {
        schema: SCHEMA,
        machine: Machine {
            cpu: Some("AMD EPYC 7763 64-Core Processor".into()),
            cores: 2,
            memory_bytes: Some(24 << 30),
            kernel: Some("Linux 6.12.8".into()),
            thp: Some("madvise".into()),
            libc: Some("glibc 2.41".into()),
            page_size: Some(4096),
            started_unix_ns: Some(1_773_500_940_000_000_000),
            heaptape: Some("0.1.0".into()),
            ..Machine::default()
        },
        tapes: Vec::new(),
        allocators: allocators
            .iter()
            .map(|(name, ..)| AllocatorInfo {
                name: name.clone(),
                version: Some("1.2.3".into()),
                reached_by: "linked".into(),
                settings: vec![],
                ..AllocatorInfo::default()
            })
            .collect(),
        runs: Vec::new(),
        summary: Vec::new(),
        faults: Vec::new(),
        ..Results::default()
    };
    for &(name, threads, mallocs, live, seconds) in &TAPES[..tapes] {
        out.tapes.push(TapeSummary {
            name: name.into(),
            sha256: "5f16".repeat(16),
            threads,
            events: mallocs * 2,
            mallocs,
            frees: mallocs,
            reallocs: if name == "large" { 51_200 } else { 0 },
            peak_live_bytes: live,
            duration_ns: (seconds * 2e9) as u64,
            remote_frees: Some(mallocs / 10),
            leaked_blocks: Some(1_025),
            file_bytes: Some(mallocs * 3),
            command: Some(format!("heaptape record -o {name}.tape --scenario {name}")),
            plan_ns: Some(812_000_000),
            plan_bytes: Some(mallocs * 16),
            profile: Some(profile(&mut random, mallocs)),
            ..TapeSummary::default()
        });
        for repetition in 1..=repetitions {
            for (allocator, time, memory) in allocators {
                out.runs.push(run(
                    &mut random,
                    name,
                    mallocs,
                    live,
                    seconds,
                    repetition,
                    allocator,
                    *time,
                    *memory,
                ));
            }
        }
        for (allocator, ..) in allocators {
            out.summary.push(Summary {
                tape: name.into(),
                allocator: allocator.clone(),
                elapsed_ratio: ratio(&out.runs, name, allocator, |r| Some(r.elapsed_ns)),
                rss_ratio: ratio(&out.runs, name, allocator, |r| r.peak_rss_bytes),
                warnings: if allocator == "jemalloc" && name == "basic" {
                    vec!["The repetitions differ by more than 10 %: the machine was busy.".into()]
                } else {
                    vec![]
                },
                ..Summary::default()
            });
        }
    }
    out
}

/// The default: three tapes, eight allocators, five repetitions.
pub fn full() -> Results {
    results(3, &named(&ALLOCATORS), 5)
}

pub fn named(of: &[(&str, f64, f64)]) -> Vec<(String, f64, f64)> {
    of.iter()
        .map(|(n, t, m)| ((*n).to_owned(), *t, *m))
        .collect()
}

/// Paired to system; from the second least to the second most, as an interval of five is about.
fn ratio(runs: &[Run], tape: &str, allocator: &str, of: fn(&Run) -> Option<u64>) -> Option<Ratio> {
    let all = |name: &str| {
        runs.iter()
            .filter(|r| r.tape == tape && r.allocator == name)
            .filter_map(of)
            .map(|v| v as f64)
            .collect::<Vec<_>>()
    };
    let mut pairs: Vec<f64> = all(allocator)
        .iter()
        .zip(all("system"))
        .map(|(a, b)| a / b)
        .collect();
    pairs.sort_by(f64::total_cmp);
    let end = usize::from(pairs.len() > 4);
    Some(Ratio {
        median: *pairs.get(pairs.len() / 2)?,
        low: *pairs.get(end)?,
        high: *pairs.get(pairs.len().checked_sub(1 + end)?)?,
    })
}

/// Sizes around 128 B and 4 KiB; the larger live longer.
fn profile(random: &mut Random, mallocs: u64) -> TapeProfile {
    let mut cells = Vec::new();
    for size in 4..18u32 {
        for life in 8..32u32 {
            let bell = |at: f64, mid: f64, width: f64| (-((at - mid) / width).powi(2)).exp();
            let size_of = bell(f64::from(size), 7.0, 1.8) + 0.04 * bell(f64::from(size), 13.0, 2.0);
            let share = size_of * bell(f64::from(life), 14.0 + f64::from(size) * 0.6, 3.5);
            let blocks = (share * mallocs as f64 * 0.05 * random.near(0.3)) as u64;
            if blocks > 0 {
                cells.push(ProfileCell(
                    1 << size,
                    Some(1 << life),
                    blocks,
                    (blocks * 3) << (size - 1),
                ));
            }
        }
        let kept = mallocs / 40_000 / u64::from(size);
        if kept > 0 {
            cells.push(ProfileCell(1 << size, None, kept, (kept * 3) << (size - 1)));
        }
    }
    cells.sort_unstable_by_key(|c| (c.0, c.1.is_none(), c.1));
    TapeProfile { timed: true, cells }
}

#[allow(clippy::too_many_arguments)]
fn run(
    random: &mut Random,
    tape: &str,
    mallocs: u64,
    live: u64,
    seconds: f64,
    repetition: u32,
    allocator: &str,
    time: f64,
    memory: f64,
) -> Run {
    let elapsed = seconds * time * random.near(0.06) * 1e9;
    let rss = live as f64 * 1.55 * memory * random.near(0.02);
    let null = allocator == "null";
    let percentiles = |p50: f64, random: &mut Random| Percentiles {
        p50: (p50 * time * random.near(0.1)) as u64,
        p90: (p50 * 2.2 * time * random.near(0.1)) as u64,
        p99: (p50 * 9.0 * time * random.near(0.1)) as u64,
        p999: (p50 * 120.0 * time * random.near(0.1)) as u64,
        max: (p50 * 60_000.0 * time * random.near(0.5)) as u64,
        samples: Some(mallocs / 64),
    };
    let steps = 400;
    let footprint = (0..=steps)
        .map(|i| {
            let part = f64::from(i) / f64::from(steps);
            let shape = (part * 6.0).min(1.0)
                * if part > 0.93 {
                    (1.0 - part) / 0.07
                } else {
                    1.0 - 0.12 * (part * 25.0).sin().powi(2)
                };
            let kept = shape.max(if part > 0.93 && !allocator.ends_with("reclaim") {
                0.8
            } else {
                0.0
            });
            FootprintSample {
                t_ns: (elapsed * part) as u64,
                live_bytes: (live as f64 * shape) as u64,
                rss_bytes: (rss * kept * random.near(0.01)).max(0.0) as u64,
            }
        })
        .collect();
    Run {
        tape: tape.into(),
        allocator: allocator.into(),
        repetition,
        elapsed_ns: elapsed as u64,
        user_ns: Some((elapsed * 1.3) as u64),
        sys_ns: Some((elapsed * 0.4) as u64),
        ops: mallocs * 2,
        mallocs,
        frees: mallocs,
        reallocs: if tape == "large" { 51_200 } else { 0 },
        failed: 0,
        sync_wait_ns: Some((elapsed * 0.05) as u64),
        harness_ns_per_op: Some(18.4),
        peak_live_bytes: Some(live),
        peak_rss_bytes: Some(if null { 1 << 20 } else { rss as u64 }),
        minor_faults: Some(301_223),
        major_faults: Some(0),
        latency_ns: Some(Latencies {
            malloc: Some(percentiles(64.0, random)),
            free: Some(percentiles(48.0, random)),
            realloc: (tape == "large").then(|| percentiles(190.0, random)),
        }),
        footprint: if null { vec![] } else { footprint },
        time: Some(TimeSplit {
            allocator_ns: (elapsed * 0.9) as u64,
            kernel_ns: (elapsed * 0.35 * memory) as u64,
            wait_ns: (seconds * 5e7) as u64,
            harness_ns: (seconds * 2e8) as u64,
        }),
        ..Run::default()
    }
}

/// One tape with 1, 2, 4 and 8 workers and with threads of its own; system gains least.
pub fn scaling(allocators: &[(String, f64, f64)], repetitions: u32) -> Results {
    let mut out = results(1, allocators, repetitions);
    let (runs, summary) = (out.runs.clone(), out.summary.clone());
    for workers in [1u32, 2, 4, 8] {
        out.runs.extend(runs.iter().cloned().map(|mut run| {
            let gain = f64::from(workers).powf(if run.allocator == "system" { 0.3 } else { 0.8 });
            run.elapsed_ns = (run.elapsed_ns as f64 * 6.0 / gain) as u64;
            run.threads = Some(workers);
            run
        }));
        out.summary.extend(summary.iter().cloned().map(|mut s| {
            s.threads = Some(workers);
            s
        }));
    }
    out
}

/// Every field that a measurement may have.
pub fn told() -> Results {
    let mut out = full();
    out.replay = Some(ReplaySettings {
        touch: "pages".into(),
        order: "thread".into(),
        pace: "recorded".into(),
        pinned: true,
        sample_every: None,
        repetitions: 5,
        budget_ns: Some(60_000_000_000),
        timeout_ns: Some(600_000_000_000),
        memory_limit_bytes: Some(8 << 30),
    });
    out.partial = Some("interrupted after 97 of 120 runs".into());
    out.warnings = vec!["other programs used 14 % of the processors".into()];
    out.machine.governor = Some("schedutil".into());
    out.machine.frequency_hz = Some(3_212_000_000);
    out.machine.load = Some(0.42);
    for s in &mut out.summary {
        s.cpu_ratio = s.elapsed_ratio;
    }
    for r in &mut out.runs {
        r.allocator_stats = [("mapped_bytes", 123 << 20), ("arenas", 65)]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    }
    out.live = ["system", "fancy"]
        .into_iter()
        .flat_map(|allocator| {
            (1..=3).map(move |repetition| LiveRun {
                program: "./server".into(),
                allocator: allocator.into(),
                repetition,
                elapsed_ns: 2_000_000_000 + u64::from(repetition) * 1_000_000,
                user_ns: 3_000_000_000,
                peak_rss_bytes: 300 << 20,
                exit_code: i32::from(repetition == 3),
                ..LiveRun::default()
            })
        })
        .collect();
    out
}

/// The pictures' files without their pixels, which take longer than all else.
pub fn unpainted(pictures: &[reports::Pictures]) -> Vec<reports::Files> {
    let of = |p: &reports::Pictures| reports::Files {
        svg: p.file(),
        png: Vec::new(),
        csv: p.data.csv(),
    };
    pictures.iter().map(of).collect()
}

/// Results that a chart might stumble over, each with a name.
pub fn awkward() -> Vec<(&'static str, Results)> {
    let sixteen: Vec<(String, f64, f64)> = named(&ALLOCATORS)
        .into_iter()
        .chain((1..=8).map(|i| (format!("preload:/opt/allocators/build-{i}/release/lib/liballocator-with-a-long-name-{i}.so.2"), 0.3 + 0.1 * f64::from(i), 0.8)))
        .collect();
    let mut all = vec![
        ("full", full()),
        ("one", results(1, &named(&ALLOCATORS[..1]), 5)),
        ("two", results(1, &named(&ALLOCATORS[..2]), 5)),
        ("sixteen", results(3, &sixteen, 3)),
        ("single repetition", results(2, &named(&ALLOCATORS[..5]), 1)),
        ("without system", results(2, &named(&ALLOCATORS[1..4]), 3)),
        (
            "all level",
            results(
                3,
                &named(&[
                    ("system", 1.0, 1.0),
                    ("fancy", 1.0, 1.0),
                    ("jemalloc", 1.01, 1.0),
                ]),
                5,
            ),
        ),
        (
            "huge",
            results(
                2,
                &named(&[
                    ("system", 1.0, 1.0),
                    ("fancy", 1e6, 1e3),
                    ("jemalloc", 1e-6, 1e-3),
                ]),
                3,
            ),
        ),
    ];
    all.push(("scaling", scaling(&named(&ALLOCATORS), 5)));
    all.push(("all that can be told", told()));
    all.push(("scaling of sixteen", scaling(&sixteen, 1)));
    let mut level = full();
    for s in &mut level.summary {
        s.elapsed_ratio = Some(Ratio {
            median: 1.0,
            low: 0.9,
            high: 1.1,
        });
        s.rss_ratio = Some(Ratio {
            median: 1.0,
            low: 0.9,
            high: 1.1,
        });
    }
    all.push(("intervals around 1", level));
    let mut none = full();
    none.runs.clear();
    for s in &mut none.summary {
        (s.elapsed_ratio, s.rss_ratio) = (None, None);
    }
    none.faults = vec![Fault {
        tape: "basic".into(),
        allocator: "fancy".into(),
        repetition: 0,
        reason: "killed by SIGSEGV".into(),
        ..Fault::default()
    }];
    all.push(("no successes", none));
    let mut bare = full();
    for r in &mut bare.runs {
        *r = Run {
            tape: r.tape.clone(),
            allocator: r.allocator.clone(),
            repetition: r.repetition,
            elapsed_ns: r.elapsed_ns,
            ..Run::default()
        };
    }
    for s in &mut bare.summary {
        s.rss_ratio = None;
    }
    (bare.machine, bare.tapes, bare.allocators) = (Machine::default(), vec![], vec![]);
    all.push(("missing fields", bare));
    let mut zero = full();
    for r in &mut zero.runs {
        (r.elapsed_ns, r.peak_live_bytes, r.peak_rss_bytes) = (0, Some(0), Some(0));
        r.latency_ns = Some(Latencies {
            malloc: Some(Percentiles::default()),
            ..Latencies::default()
        });
        r.footprint = vec![FootprintSample::default(); 3];
    }
    for s in &mut zero.summary {
        (s.elapsed_ratio, s.rss_ratio) = (Some(Ratio::default()), Some(Ratio::default()));
    }
    all.push(("zeros", zero));
    let mut nan = full();
    for s in &mut nan.summary {
        s.elapsed_ratio = Some(Ratio {
            median: f64::NAN,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        });
        s.rss_ratio = Some(Ratio {
            median: 0.5,
            low: f64::NAN,
            high: f64::INFINITY,
        });
    }
    for r in &mut nan.runs {
        r.harness_ns_per_op = Some(f64::NAN);
        (r.elapsed_ns, r.peak_rss_bytes) = (u64::MAX, Some(u64::MAX));
    }
    for t in &mut nan.tapes {
        let life = [None, Some(0), Some(1 << 63)];
        let cells = life.map(|l| ProfileCell(1 << 63, l, u64::MAX, u64::MAX));
        t.profile = Some(TapeProfile {
            timed: false,
            cells: cells.to_vec(),
        });
    }
    all.push(("not numbers", nan));
    let mut refusing = full();
    for r in refusing.runs.iter_mut().filter(|r| r.allocator == "fancy") {
        r.failed = 135_472_357;
    }
    refusing.faults = vec![Fault {
        tape: "large".into(),
        allocator: "snmalloc".into(),
        repetition: 3,
        reason: "no sign of life for 60 s".into(),
        ..Fault::default()
    }];
    all.push(("refusing", refusing));
    let long = "a-service-with-a-very-long-name--and<tags>&\"quotes\"'-that-goes-on-and-on-and-on-for-longer-than-anybody-would-like-to-read";
    let mut names = full();
    let rename = |s: &mut String, from: &str, to: &str| {
        if s == from {
            *s = to.to_owned();
        }
    };
    for t in &mut names.tapes {
        rename(&mut t.name, "ephemeral", long);
    }
    names
        .runs
        .iter_mut()
        .for_each(|r| rename(&mut r.tape, "ephemeral", long));
    names
        .summary
        .iter_mut()
        .for_each(|r| rename(&mut r.tape, "ephemeral", long));
    all.push(("long names", names));
    let empty = Results {
        schema: SCHEMA,
        machine: Machine::default(),
        tapes: vec![],
        allocators: vec![],
        runs: vec![],
        summary: vec![],
        faults: vec![],
        ..Results::default()
    };
    all.push(("empty", empty));
    all
}
