//! Of a tape that is not whole, the rest; of what is no tape, an error.

use std::sync::Arc;

use anyhow::Result;
use web::error::SessionError;
use web::log::Kind;
use web::policy::Policy;
use web::session::Session;
use web_tests::tapes;

use super::surveyed;

#[test]
fn damage_in_a_chunk_costs_that_chunk_and_no_more() -> Result<()> {
    let mut bytes = tapes::mixed(40_000, 2, 5)?;
    let middle = bytes.len() / 4;
    bytes[middle] ^= 0x55;
    let session = surveyed(bytes, 0)?;
    let told = session.damage().join(" ");
    assert!(told.contains("byte") && told.contains("thread"), "{told}");
    // A chunk of these tapes has 5000 events at most.
    let loaded = session.log().end();
    assert!((35_000..40_000).contains(&loaded), "{loaded}");
    assert_eq!(session.view()?.replay().broken(), None);
    // What was made in the lost chunk is freed by events that are there.
    let unknown = (0..loaded).filter_map(|event| session.log().get(event));
    assert!(
        unknown
            .filter(|entry| entry.kind == Kind::FreeUnknown)
            .count()
            > 100
    );
    Ok(())
}

#[test]
fn a_cut_tape_shows_what_is_left_of_it() -> Result<()> {
    let bytes = tapes::mixed(40_000, 1, 5)?;
    let session = surveyed(bytes[..bytes.len() * 3 / 4].to_vec(), 0)?;
    assert!(
        session.damage().iter().any(|told| told.contains("cut")),
        "{:?}",
        session.damage()
    );
    let loaded = session.log().end();
    assert!((20_000..40_000).contains(&loaded), "{loaded}");
    Ok(())
}

#[test]
fn what_is_no_tape_or_no_thread_is_an_error() -> Result<()> {
    for bytes in [vec![], vec![0; 10], vec![0xFF; 100_000]] {
        assert!(matches!(
            Session::open(Arc::new(bytes)),
            Err(SessionError::Tape(_))
        ));
    }
    let mut session = Session::open(Arc::new(tapes::mixed(100, 1, 1)?))?;
    assert!(matches!(session.seek(1), Err(SessionError::NoHeap)));
    assert!(matches!(
        session.choose(100, 200),
        Err(SessionError::NoSuchRange { .. })
    ));
    assert!(matches!(
        session.choose(20, 10),
        Err(SessionError::NoSuchRange { .. })
    ));
    session.choose(0, 100)?;
    while session.load(10) < 1.0 {}
    assert!(matches!(
        session.select(7, &[Policy::DEFAULT]),
        Err(SessionError::NoSuchHeap { heap: 7, heaps: 1 })
    ));
    Ok(())
}
