//! `import` and `export` through the command line, and `info` of what comes of them.

mod common;

use common::{Place, arg};
use serde_json::Value;
use std::process::{Command, Stdio};

const LOG: &str =
    "1 1 malloc(32)=0x10\n1 2 calloc(2,50)=0x20\n1 1 realloc(0x10,64)=0x30\n1 2 free(0x30)\n";

#[test]
fn a_log_comes_in_and_goes_out_again() {
    let place = Place::new();
    let log = place.write("a.log", LOG.as_bytes());
    let said = place
        .succeed(["import", "--from", "logalloc", arg(&log), "-o", "a.tape"])
        .out;
    assert!(
        said.contains("4 events of 2 threads from 4 lines"),
        "{said}"
    );
    assert!(
        said.contains("Times: not known") && said.contains("Threads: known"),
        "{said}"
    );
    place.succeed(["verify", "a.tape"]);
    let info: Value =
        serde_json::from_str(&place.succeed(["info", "a.tape", "--json"]).out).unwrap();
    assert_eq!(info["name"], "a.log");
    assert_eq!(
        (&info["events"], &info["clock"]),
        (&Value::from(4), &Value::from("order"))
    );
    assert!(
        info["notes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|note| note.as_str().unwrap().contains("Times: not known"))
    );
    for format in [
        "logalloc",
        "logalloc-munged",
        "android",
        "mtrace",
        "ops",
        "perfetto",
        "csv",
        "parquet",
    ] {
        let out = format!("a.{format}");
        let said = place
            .succeed(["export", "--to", format, "a.tape", "-o", &out])
            .out;
        assert!(said.contains("4 events"), "{said}");
        assert!(std::fs::metadata(place.path(&out)).unwrap().len() > 0);
    }
    for (format, file) in [
        ("logalloc", "a.logalloc"),
        ("logalloc", "a.logalloc-munged"),
        ("android", "a.android"),
        ("ops", "a.ops"),
    ] {
        place.succeed(["import", "--from", format, file, "-o", "b.tape"]);
        let again: Value =
            serde_json::from_str(&place.succeed(["info", "b.tape", "--json"]).out).unwrap();
        assert_eq!(
            (&again["events"], &again["peak_live_bytes"]),
            (&info["events"], &info["peak_live_bytes"]),
            "{format}"
        );
    }
}

#[test]
fn a_dash_is_standard_input_and_output() {
    let place = Place::new();
    let log = place.write("a.log", LOG.as_bytes());
    let line = "\"$0\" import --from logalloc - -o - < \"$1\" 2> err | \"$0\" export --to csv - -o - 2>> err | wc -l";
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).arg(common::program()).arg(&log);
    let output = shell
        .current_dir(place.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "5");
    let said = std::fs::read_to_string(place.path("err")).unwrap();
    assert!(said.contains("standard output: 4 events"), "{said}");
}

#[test]
fn a_bad_line_ends_it_unless_it_may_be_skipped() {
    let place = Place::new();
    let log = place.write("bad.log", format!("{LOG}1 1 malloc(oops)=0x1\n").as_bytes());
    let ended = place.run(["import", "--from", "logalloc", arg(&log), "-o", "bad.tape"]);
    assert_eq!(ended.code, 1);
    for wanted in ["bad.log", "line 5", "malloc(oops)", "--skip-bad-lines"] {
        assert!(ended.err.contains(wanted), "{wanted}: {}", ended.err);
    }
    assert!(!place.path("bad.tape").exists());
    let said = place
        .succeed([
            "import",
            "--skip-bad-lines",
            "--from",
            "logalloc",
            arg(&log),
            "-o",
            "bad.tape",
        ])
        .out;
    assert!(
        said.contains("lines that could not be read and are left out: 1"),
        "{said}"
    );
    let info = place.succeed(["info", "bad.tape"]).out;
    assert!(
        info.contains("salvaged") && info.contains("1 of 5 lines"),
        "{info}"
    );
}

#[test]
fn wrong_usage_is_two_and_names_the_flag() {
    let place = Place::new();
    let log = place.write("a.log", LOG.as_bytes());
    for args in [
        vec!["import", "--from", "elf", arg(&log), "-o", "x.tape"],
        vec!["import", arg(&log), "-o", "x.tape"],
        vec![
            "import",
            "--from",
            "mtrace",
            "--pid",
            "3",
            arg(&log),
            "-o",
            "x.tape",
        ],
        vec!["export", "--to", "elf", arg(&log), "-o", "x"],
    ] {
        let ended = place.run(&args);
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.err);
        assert!(ended.err.contains("--"), "{args:?}: {}", ended.err);
    }
    for args in [
        ["import", "--from", "logalloc", "none.log", "-o", "x.tape"],
        ["export", "--to", "csv", "none.tape", "-o", "x"],
    ] {
        let ended = place.run(args);
        assert_eq!(ended.code, 1);
        assert!(ended.err.contains(args[3]), "{}", ended.err);
    }
    let ended = place.run([
        "import",
        "--from",
        "logalloc",
        arg(&log),
        "-o",
        "no/such/x.tape",
    ]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("no/such/x.tape"), "{}", ended.err);
}

#[test]
fn a_recorded_tape_goes_out_in_every_format() {
    let place = Place::new();
    let tape = place.record("large", &["--threads", "3", "--ops", "300"]);
    for format in [
        "logalloc", "android", "mtrace", "ops", "perfetto", "csv", "parquet",
    ] {
        place.succeed([
            "export",
            "--to",
            format,
            arg(&tape),
            "-o",
            &format!("out.{format}"),
        ]);
    }
    let said = place
        .succeed(["export", "--to", "mtrace", arg(&tape), "-o", "out.mtrace"])
        .out;
    assert!(
        said.contains("not in mtrace") && said.contains("thread starts"),
        "{said}"
    );
    let trace: Value =
        serde_json::from_slice(&std::fs::read(place.path("out.perfetto")).unwrap()).unwrap();
    assert!(trace["traceEvents"].as_array().unwrap().len() > 10);
}
