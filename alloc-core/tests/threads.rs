//! The allocator of a whole process, used as its global allocator: many threads, frees by others, ends of threads, fork.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use alloc_core::Fancy;
use alloc_core::global::{self, Config, Reclaim, stats};

#[global_allocator]
static ALLOCATOR: Fancy = Fancy::new();

/// Tests that look at the whole process's numbers come one after the other.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A block that knows what it should hold.
struct Stamped(Vec<u64>);

impl Stamped {
    fn new(stamp: u64, words: usize) -> Stamped {
        Stamped(vec![stamp; words])
    }

    fn check(&self) {
        assert!(
            self.0.windows(2).all(|w| w[0] == w[1]),
            "a block was written by somebody else"
        );
    }
}

fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn blocks_go_around_a_ring_of_threads() {
    let _alone = alone();
    const THREADS: usize = 6;
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..THREADS).map(|_| mpsc::channel::<Stamped>()).unzip();
    thread::scope(|scope| {
        for (index, inbox) in receivers.into_iter().enumerate() {
            let to = senders[(index + 1) % THREADS].clone();
            scope.spawn(move || {
                let mut seed = index as u64 + 1;
                let mut kept: Vec<Stamped> = Vec::new();
                for round in 0..4000u64 {
                    let random = next(&mut seed);
                    let words = match random % 100 {
                        0 => 200_000,
                        1..10 => 3000,
                        _ => random as usize / 128 % 120 + 2,
                    };
                    let block = Stamped::new(random ^ round, words);
                    if random.is_multiple_of(3) {
                        let _ = to.send(block);
                    } else {
                        kept.push(block);
                    }
                    if kept.len() > 200 {
                        kept.swap_remove(random as usize / 7 % 200).check();
                    }
                    while let Ok(block) = inbox.try_recv() {
                        block.check();
                    }
                }
                kept.iter().for_each(Stamped::check);
            });
        }
        drop(senders);
    });
}

#[test]
fn heaps_of_ended_threads_are_used_again() {
    let _alone = alone();
    let wave = || {
        thread::scope(|scope| {
            for index in 0..8u64 {
                scope.spawn(move || {
                    let mut seed = index + 1;
                    let blocks: Vec<_> = (0..3000)
                        .map(|_| Stamped::new(next(&mut seed), next(&mut seed) as usize % 400 + 2))
                        .collect();
                    blocks.iter().for_each(Stamped::check);
                });
            }
        });
    };
    (0..3).for_each(|_| wave());
    let before = stats();
    (0..30).for_each(|_| wave());
    let after = stats();
    assert!(
        after.heaps <= before.heaps + 8,
        "heaps pile up: {} then {}",
        before.heaps,
        after.heaps
    );
    let grown = after.footprint_bytes.saturating_sub(before.footprint_bytes);
    assert!(
        grown <= before.footprint_bytes / 2 + (16 << 20),
        "memory piles up: {before:?} then {after:?}"
    );
}

#[test]
fn frees_by_others_reach_a_thread_that_ended() {
    let _alone = alone();
    let blocks: Vec<Stamped> = (0..4)
        .flat_map(|index| {
            thread::spawn(move || {
                (0..2000)
                    .map(|n| Stamped::new(n ^ index, 50))
                    .collect::<Vec<_>>()
            })
            .join()
            .expect("no panic")
        })
        .collect();
    blocks.iter().for_each(Stamped::check);
    let before = stats();
    drop(blocks);
    let after = stats();
    assert!(
        before.current_bytes - after.current_bytes > 8000 * 300,
        "{before:?} then {after:?}"
    );
    assert_eq!(after.failed, before.failed);
}

#[test]
fn every_alignment_and_size_is_served() {
    let _alone = alone();
    for log2 in 0..=16 {
        for size in [0usize, 1, 8, 100, 1016, 1017, 5000, 70_000, 600_000] {
            let layout = Layout::from_size_align(size.max(1), 1 << log2).expect("a layout");
            // SAFETY: the layout has a size; the block is used within it and freed once.
            unsafe {
                let block = ALLOCATOR.alloc_zeroed(layout);
                assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()));
                assert!(
                    std::slice::from_raw_parts(block, layout.size())
                        .iter()
                        .all(|b| *b == 0)
                );
                block.write_bytes(0xAB, layout.size());
                let grown = ALLOCATOR.realloc(block, layout, layout.size() * 3);
                assert!(grown.addr().is_multiple_of(layout.align()));
                assert!(
                    std::slice::from_raw_parts(grown, layout.size())
                        .iter()
                        .all(|b| *b == 0xAB)
                );
                let layout =
                    Layout::from_size_align(layout.size() * 3, layout.align()).expect("a layout");
                ALLOCATOR.dealloc(grown, layout);
            }
        }
    }
}

#[test]
fn reclamation_returns_arenas_that_are_free() {
    let _alone = alone();
    let interval = Duration::from_millis(50);
    assert!(global::configure(Config {
        reclaim: Reclaim::On { interval },
        ..Config::default()
    }));
    assert!(global::reclaims());
    let before = stats();
    let blocks: Vec<Box<[u8]>> = (0..2000)
        .map(|n| vec![n as u8; 30_000].into_boxed_slice())
        .collect();
    let full = stats();
    assert!(full.current_bytes > before.current_bytes + 50_000_000);
    drop(blocks);
    let end = Instant::now() + Duration::from_secs(20);
    let is_back = |now: &global::Stats| {
        now.reclaimed_bytes > before.reclaimed_bytes
            && now.footprint_bytes <= before.footprint_bytes + (8 << 20)
    };
    while !is_back(&stats()) {
        assert!(Instant::now() < end, "nothing came back: {:?}", stats());
        thread::sleep(interval);
    }
    assert!(global::configure(Config::default()));
    assert!(!global::reclaims());
}

#[test]
fn destructors_of_thread_locals_may_free_and_allocate() {
    let _alone = alone();
    thread_local!(static LATE: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) });
    struct Late(String);
    impl Drop for Late {
        fn drop(&mut self) {
            let text = format!("{} and {}", self.0, "x".repeat(300));
            assert_eq!(text.len(), self.0.len() + 305);
        }
    }
    thread_local!(static LATER: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });
    for _ in 0..20 {
        thread::spawn(|| {
            LATE.with_borrow_mut(|v| v.extend((0..100).map(|n| n.to_string())));
            LATER.with_borrow_mut(|l| *l = Some(Late("late".repeat(20))));
        })
        .join()
        .expect("no panic");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_fork_of_a_threaded_program_can_allocate() {
    let _alone = alone();
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for index in 0..3u64 {
            let stop = &stop;
            scope.spawn(move || {
                let mut seed = index + 1;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let blocks: Vec<_> = (0..50)
                        .map(|_| vec![1u8; next(&mut seed) as usize % 60_000])
                        .collect();
                    drop(blocks);
                }
            });
        }
        for _ in 0..40 {
            // SAFETY: the child only allocates, frees and ends without running the parent's destructors.
            unsafe {
                let child = libc::fork();
                if child == 0 {
                    let sum: usize = (1..2000usize).map(|n| vec![0u8; n].len()).sum();
                    libc::_exit(if sum == 1999 * 1000 { 0 } else { 1 });
                }
                assert!(child > 0);
                let mut status = 0;
                let end = Instant::now() + Duration::from_secs(20);
                while libc::waitpid(child, &mut status, libc::WNOHANG) == 0 {
                    if Instant::now() > end {
                        libc::kill(child, libc::SIGKILL);
                        panic!("the child of a fork hangs");
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                assert_eq!(status, 0, "the child of a fork failed");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
