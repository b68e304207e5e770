//! Writes a tape made of a seed: `cargo run -p web-tests --example mixed -- FILE [EVENTS] [THREADS]`.

use std::env;
use std::fs;

use anyhow::{Context, Result};
use web_tests::tapes;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let file = args
        .next()
        .context("usage: mixed FILE [EVENTS] [THREADS]")?;
    let events = args.next().map_or(Ok(100_000), |text| text.parse())?;
    let threads = args.next().map_or(Ok(1), |text| text.parse())?;
    fs::write(file, tapes::mixed(events, threads, 1)?)?;
    Ok(())
}
