//! How quick the page is: `cargo run -p web-tests --example speed -- TAPE…` opens each tape in Chromium and prints what
//! opening, seeking and playing take, and what memory.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use web_tests::figures;

fn main() -> Result<()> {
    for tape in env::args_os().skip(1).map(PathBuf::from) {
        println!("{}\n{}", tape.display(), figures::of_tape(&tape)?);
    }
    Ok(())
}
