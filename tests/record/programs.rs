//! Real programs, recorded, verified and replayed without a failed request.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Place, arg, program};
use crate::workshop::read;

/// Takes some minutes: `cargo xtask test --long` runs it. `tests/real-programs.sh` names what is not installed.
#[test]
#[ignore = "takes minutes; cargo xtask test --long runs it"]
fn real_programs() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real-programs.sh");
    let status = Command::new("bash")
        .arg(script)
        .env("HEAPTAPE", program())
        .stdin(Stdio::null())
        .status()
        .expect("bash can be started");
    assert!(status.success(), "{status}");
}

/// heaptape records itself.
#[test]
fn the_recorder_is_recorded() {
    let place = Place::new();
    let inner = place.path("inner.tape");
    let outer = place.path("outer.tape");
    let own = program();
    place.succeed([
        "record",
        "-o",
        arg(&outer),
        "--",
        arg(&own),
        "record",
        "-o",
        arg(&inner),
        "--scenario",
        "basic",
        "--scale",
        "small",
    ]);
    assert!(read(&inner).totals().events > 1000);
    assert!(read(&outer).totals().events > 1000);
}
