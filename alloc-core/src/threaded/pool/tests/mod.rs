//! The stock against a model, and at work in real memory.

extern crate std;

use proptest::test_runner::Config;

mod at_work;
mod model;

/// So many cases of a property, unless `PROPTEST_CASES` says how many.
fn cases(usual: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|count| count.parse().ok());
    Config {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        ..Config::default()
    }
}
