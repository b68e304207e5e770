//! The replay behind the page, natively: any way to an event leads to the same heap.

use anyhow::{Result, ensure};
use web::error::SessionError;
use web::facts;
use web::map::{self, Palette, Window};
use web::session::Session;
use web_tests::tapes;

fn surveyed(bytes: Vec<u8>, heap: u32) -> Result<Session> {
    let mut session = Session::open(bytes)?;
    while session.load(777) < 1.0 {}
    session.select(heap)?;
    while session.survey(999)? < 1.0 {}
    Ok(session)
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
        digests.push(straight.digest()?);
    }
    for number in 0..stops.len() {
        let at = number * 29 % stops.len();
        jumping.seek(stops[at])?;
        assert_eq!(jumping.digest()?, digests[at], "at event {}", stops[at]);
        assert_eq!(jumping.view()?.replay().broken(), None);
    }
    let (_, frames) = jumping.view()?.frames();
    assert!(frames > 10, "{frames} key frames");
    Ok(())
}

#[test]
fn nothing_is_refused_and_the_sums_agree() -> Result<()> {
    let mut session = surveyed(tapes::mixed(30_000, 1, 3)?, 0)?;
    let (peak, most) = session.log().peak(0).unwrap_or_default();
    session.seek(peak + 1)?;
    let standing = facts::standing(&session)?;
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
            let place = facts::place(&session, position)?;
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
    let replay = session.view()?.replay();
    let palette = Palette::from_bytes(&[7; 18]);
    let Some(palette) = palette else {
        anyhow::bail!("18 bytes are a palette")
    };
    let rows = (replay.top() / 4096) as u32 + 2;
    let pixels = map::paint(
        replay,
        Window {
            from: 0,
            cell: 64,
            columns: 64,
            rows,
        },
        &palette,
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
fn damage_in_a_chunk_leaves_what_comes_before() -> Result<()> {
    let mut bytes = tapes::mixed(40_000, 1, 5)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let mut session = surveyed(bytes, 0)?;
    assert!(
        session
            .damage()
            .is_some_and(|damage| damage.contains("after event")),
        "{:?}",
        session.damage()
    );
    let loaded = session.log().len();
    assert!(loaded > 5000 && loaded < 40_000, "{loaded}");
    session.seek(loaded)?;
    assert_eq!(session.view()?.replay().broken(), None);
    Ok(())
}

#[test]
fn what_is_no_tape_or_no_thread_is_an_error() -> Result<()> {
    for bytes in [vec![], vec![0; 10], vec![0xFF; 100_000]] {
        assert!(matches!(Session::open(bytes), Err(SessionError::Tape(_))));
    }
    let mut session = Session::open(tapes::mixed(100, 1, 1)?)?;
    assert!(matches!(session.seek(1), Err(SessionError::NoHeap)));
    while session.load(10) < 1.0 {}
    assert!(matches!(
        session.select(7),
        Err(SessionError::NoSuchHeap { heap: 7, heaps: 1 })
    ));
    Ok(())
}
