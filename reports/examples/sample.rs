//! Draws the report of a sample, to look at while working on the charts:
//! `cargo run --release -p reports --example sample -- DIR [NAME OF AN AWKWARD SAMPLE, OR RESULTS.json]`.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or("which folder?")?;
    let name = args.next().unwrap_or_else(|| "full".to_owned());
    let samples = sample::awkward();
    let read = Path::new(&name);
    let from_file = if read.extension().is_some_and(|e| e == "json") {
        Some(("file", reports::read_results(read)?))
    } else {
        None
    };
    let (_, results) = samples
        .iter()
        .chain(&from_file)
        .find(|(n, _)| *n == name || *n == "file")
        .ok_or_else(|| {
            format!(
                "no sample {name:?}; there are {:?}",
                samples.iter().map(|s| s.0).collect::<Vec<_>>()
            )
        })?;
    let begun = std::time::Instant::now();
    let written = reports::write_report(results, Path::new(&dir))?;
    println!(
        "{} ({:?})\n{}",
        written.index.display(),
        begun.elapsed(),
        written.headline
    );
    Ok(())
}
