//! The replay behind the page, natively: any way to an event leads to the same heap.

mod damage;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use web::facts;
use web::map::{self, Window};
use web::palette::{COLOURS, Mode, Palette};
use web::policy::{self, Policy};
use web::replay::Step;
use web::session::Session;
use web_tests::tapes;

/// A tape of which these events are loaded, with a heap surveyed.
fn part(bytes: Vec<u8>, heap: u32, from: u32, to: u32) -> Result<Session> {
    let mut session = Session::open(Arc::new(bytes))?;
    session.choose(from, to)?;
    while session.load(777) < 1.0 {}
    session.select(heap, &[Policy::DEFAULT])?;
    while session.survey(999)? < 1.0 {}
    Ok(session)
}

fn surveyed(bytes: Vec<u8>, heap: u32) -> Result<Session> {
    part(bytes, heap, 0, u32::MAX)
}

#[test]
fn seeking_back_and_forth_gives_the_heap_of_a_straight_replay() -> Result<()> {
    const EVENTS: u32 = 40_000;
    let bytes = tapes::mixed(u64::from(EVENTS), 2, 1)?;
    let mut straight = surveyed(bytes.clone(), 1)?;
    let mut jumping = surveyed(bytes, 1)?;
    // Every 613th event in order, and the same events in an order that jumps: 613 and 65 have no common factor.
    let stops: Vec<u32> = (0..=65).map(|stop| stop * 613).collect();
    let mut digests = Vec::new();
    for &stop in &stops {
        straight.seek(stop)?;
        ensure!(
            straight.view()?.replay().broken().is_none(),
            "{:?} at {stop}",
            straight.view()?.replay().broken()
        );
        digests.push(straight.digest(0)?);
    }
    for number in 0..stops.len() {
        let at = number * 29 % stops.len();
        jumping.seek(stops[at])?;
        assert_eq!(jumping.digest(0)?, digests[at], "at event {}", stops[at]);
        assert_eq!(jumping.view()?.replay().broken(), None);
    }
    let (_, frames) = jumping.view()?.frames();
    assert!(frames > 10, "{frames} key frames");
    Ok(())
}

#[test]
fn nothing_is_refused_and_the_sums_agree() -> Result<()> {
    let mut session = surveyed(tapes::mixed(30_000, 1, 3)?, 0)?;
    let (peak, most) = session.log().heaps()[0].peak.context("a peak")?;
    session.seek(peak + 1)?;
    let standing = facts::standings(&session, false)?.remove(0);
    assert_eq!((standing.refused, standing.requested_bytes), (0, most));
    assert_eq!(session.view()?.series().live().iter().max(), Some(&most));
    let replay = session.view()?.replay();
    assert_eq!(replay.footprint(), standing.footprint_bytes);
    assert_eq!(
        standing.alloc_calls - standing.free_calls,
        standing.live_blocks as u64
    );
    // The walk shows every byte that the heap has, once.
    let (mut in_use, mut requested, mut parts) = (0, 0, Vec::new());
    replay.walk(&mut |part| {
        parts.push((part.position, part.bytes));
        if part.state == web::replay::State::InUse {
            in_use += 1;
            requested += part.requested;
        }
    });
    parts.sort_unstable();
    assert!(
        parts.is_sorted_by(|one, next| one.0 + one.1 <= next.0),
        "no two parts overlap"
    );
    let bytes: u64 = parts.iter().map(|part| part.1).sum();
    assert_eq!(
        (bytes, in_use, requested),
        (standing.footprint_bytes, standing.live_blocks, most)
    );
    Ok(())
}

#[test]
fn every_live_block_is_found_on_the_map() -> Result<()> {
    let mut session = surveyed(tapes::mixed(5000, 1, 9)?, 0)?;
    session.seek(3000)?;
    let mut checked = 0;
    for maker in 0..3000 {
        let Some(event) = facts::event(&session, maker) else {
            continue;
        };
        if let Some(position) = event.position {
            let place = facts::place(&session, 0, position)?;
            let found = place
                .as_ref()
                .and_then(|place| place.made.as_ref())
                .map(|made| made.event);
            assert_eq!(found, Some(maker), "{place:?}");
            assert_eq!(place.and_then(|place| place.requested), event.size);
            checked += 1;
        }
    }
    assert_eq!(checked, session.view()?.replay().live_blocks());
    Ok(())
}

#[test]
fn the_map_draws_all_memory_and_nothing_else() -> Result<()> {
    let mut session = surveyed(tapes::mixed(5000, 1, 9)?, 0)?;
    session.seek(5000)?;
    let view = session.view()?;
    let replay = view.replay();
    let palette = Palette::from_bytes(&[7; COLOURS * 3]).context("so many bytes are a palette")?;
    let rows = (replay.top() / 4096) as u32 + 2;
    let pixels = map::paint(
        view,
        false,
        session.log(),
        5000,
        Window {
            from: 0,
            cell: 64,
            columns: 64,
            rows,
        },
        &palette,
        Mode::Age,
    );
    assert_eq!(pixels.len(), 64 * rows as usize * 4);
    let covered: u64 = pixels
        .chunks(4)
        .map(|pixel| u64::from(pixel[3] == 255) * 64)
        .sum();
    assert!(
        covered.abs_diff(replay.footprint()) < 4096,
        "{covered} of {}",
        replay.footprint()
    );
    assert!(pixels.ends_with(&[0, 0, 0, 0]), "nothing beyond the heap");
    Ok(())
}

#[test]
fn a_range_has_the_heaps_of_the_whole_tape() -> Result<()> {
    let bytes = tapes::mixed(20_000, 3, 8)?;
    for heap in 0..3 {
        let mut whole = surveyed(bytes.clone(), heap)?;
        for (from, to) in [(0, 5000), (1, 9000), (7000, 12_000), (19_999, 20_000)] {
            let mut some = part(bytes.clone(), heap, from, to)?;
            assert_eq!(some.log().len(), (to - from) as usize);
            for position in [to, from, (from + to) / 2, from + (to - from) / 3, to - 1] {
                whole.seek(position)?;
                some.seek(position)?;
                assert_eq!(
                    some.digest(0)?,
                    whole.digest(0)?,
                    "{from}..{to} at {position}"
                );
                assert_eq!(some.view()?.replay().broken(), None);
                // What is known of the blocks is the same, too, also of those from before the range.
                let replay = some.view()?.replay();
                let mut makers = Vec::new();
                replay.walk(&mut |part| makers.extend(part.maker));
                for maker in makers {
                    let (one, other) = (some.log().get(maker), whole.log().get(maker));
                    let (one, other) =
                        (one.context("in the range")?, other.context("on the tape")?);
                    assert_eq!(
                        (one.value, one.thread, one.kind),
                        (other.value, other.thread, other.kind)
                    );
                    let later = other.released_by.filter(|&by| by < to);
                    assert_eq!(one.released_by, later, "maker {maker} of {from}..{to}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn when_a_thread_has_ended_its_heap_has_no_cache_and_shrinks_to_nothing() -> Result<()> {
    const END: u32 = 9000;
    let bytes = tapes::ending(16_000, 12, u64::from(END))?;
    let mut session = surveyed(bytes.clone(), 1)?;
    let heap = session.log().heaps()[1].clone();
    let end = heap.end.context("the thread ends")?;
    assert_eq!(end.event, END);
    session.seek(END)?;
    let before = facts::standings(&session, false)?.remove(0);
    assert!(!before.ended && before.cached_bytes > 0, "{before:?}");
    session.seek(END + 1)?;
    let after = facts::standings(&session, false)?.remove(0);
    assert!(after.ended && after.cached_bytes == 0, "{after:?}");
    assert_eq!(after.live_blocks as u64, end.blocks);
    assert_eq!(after.requested_bytes, end.bytes);
    assert_eq!(
        (before.live_blocks, before.requested_bytes),
        (after.live_blocks, after.requested_bytes),
        "an end frees nothing"
    );
    // What the other thread frees goes straight home, until nothing is left.
    let last = *heap.events.last().context("it has events")?;
    for position in [END + 1, END + 50, (END + last) / 2, last + 1] {
        session.seek(position)?;
        let replay = session.view()?.replay();
        assert_eq!(replay.broken(), None, "at {position}");
        assert_eq!(replay.stats().cached_bytes, 0, "at {position}");
        assert!((1..64).all(|bin| replay.bin(bin).cached == 0));
    }
    assert_eq!(session.view()?.replay().footprint(), 0);
    assert_eq!(session.log().heaps()[0].end, None);
    // A range that begins later knows that it had ended.
    let mut later = part(bytes, 1, END + 40, 16_000)?;
    for position in [END + 40, END + 90, last + 1] {
        session.seek(position)?;
        later.seek(position)?;
        assert_eq!(later.digest(0)?, session.digest(0)?, "at {position}");
    }
    assert_eq!(later.log().heaps()[1].end, Some(end));
    Ok(())
}

#[test]
fn a_short_life_has_a_chart_of_its_own() -> Result<()> {
    let session = surveyed(tapes::ending(60_000, 3, 9000)?, 1)?;
    let (buckets, series) = session.view()?.life().context("it lives shortly")?;
    let heap = &session.log().heaps()[1];
    let (from, to) = buckets.span();
    let (first, last) = (heap.events[0], heap.events[heap.events.len() - 1]);
    // What the other thread frees after its end is not a part of it.
    assert!(from <= first && (8900..9240).contains(&to), "{from} {to}");
    assert!(last > 9300, "others free the rest later: {last}");
    assert_eq!(series.live().len(), buckets.count());
    // The same heights as those of the whole tape, seen from nearer.
    let most = |values: &[u64]| values.iter().copied().max();
    let whole = session.view()?.series();
    assert_eq!(most(series.live()), most(whole.live()));
    assert_eq!(most(series.footprint()), most(whole.footprint()));
    assert_eq!(most(series.live()), Some(heap.peak_live_bytes));
    // A thread that has nothing more to do waits for the program's end; the chart does not.
    let waits = surveyed(tapes::waiting(40_000, 900)?, 1)?;
    let (from, to) = waits.view()?.life().context("it asks for little")?.0.span();
    assert!(from == 0 && (1800..2000).contains(&to), "{from} {to}");
    let end = waits.log().heaps()[1].end.context("it ends")?;
    assert_eq!(end.event, 39_999);
    let long = surveyed(tapes::ending(60_000, 3, 9000)?, 0)?;
    assert!(long.view()?.life().is_none());
    Ok(())
}

#[test]
fn steps_are_found_on_and_back() -> Result<()> {
    let mut session = surveyed(tapes::mixed(40_000, 2, 4)?, 0)?;
    // Where it happens, by looking at every event.
    for step in [Step::Coalesce, Step::Split, Step::Arena] {
        let (mut places, mut now) = (Vec::new(), 0);
        let events = session.log().heaps()[0].events.clone();
        for event in events {
            session.seek(event + 1)?;
            let steps = session.view()?.replay().steps()[step as usize];
            if steps > now {
                places.push(event + 1);
            }
            now = steps;
        }
        assert!(places.len() > 3, "{step:?}");
        for from in [0, 1, 500, 12_345, 33_333, 40_000] {
            let next = places.iter().copied().find(|&at| at > from);
            assert_eq!(
                session.find(from, step, true)?,
                next,
                "{step:?} from {from}"
            );
            // Where one stands is itself no answer.
            session.seek(from)?;
            let last = places
                .iter()
                .copied()
                .rfind(|&at| at < session.step(from, 0).unwrap_or(0).max(1));
            assert_eq!(
                session.find(from, step, false)?,
                last,
                "{step:?} before {from}"
            );
        }
    }
    assert_eq!(session.find(0, Step::Refusal, true)?, None);
    // A question that finds nothing leaves the heap where it is shown.
    session.seek(12_345)?;
    let shown = session.digest(0)?;
    assert_eq!(session.first_failure()?, None);
    assert_eq!((session.digest(0)?, session.position()), (shown, 12_345));
    Ok(())
}

#[test]
fn policies_change_the_heap_and_every_heap_is_sound() -> Result<()> {
    let bytes = tapes::mixed(20_000, 2, 6)?;
    let texts = [
        "",
        "coalesce=off",
        "fit=first",
        "bins=0",
        "bins=128,run=1024",
        "cache=64,limit=64",
        "arena=4M",
        "span=64K,most=64K",
    ];
    let mut digests = std::collections::HashSet::new();
    let mut session = surveyed(bytes, 1)?;
    for text in texts {
        session.select(1, &[Policy::DEFAULT, policy::parse(text)?])?;
        while session.survey(5000)? < 1.0 {}
        for position in [20_000, 3000, 11_111] {
            session.seek(position)?;
            let standings = facts::standings(&session, false)?;
            assert_eq!(standings[1].refused, 0, "{text}");
            assert_eq!(
                standings[0].requested_bytes, standings[1].requested_bytes,
                "{text}"
            );
            for view in session.panes() {
                assert_eq!(view.replay().broken(), None, "{text} at {position}");
            }
        }
        digests.insert(session.digest(1)?);
    }
    assert_eq!(
        digests.len(),
        texts.len(),
        "each policy has a layout of its own"
    );
    Ok(())
}
