//! Real programs, recorded, verified and replayed without a failed request. What is not installed is named.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Place, arg, program};
use crate::workshop::{children, read};

/// Whether a program is installed; says so if not.
fn is_there(name: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {name}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("NOT TESTED: {name} is not installed");
    }
    found
}

/// Records `command` of a shell, verifies all tapes and replays them.
fn record_and_replay(place: &Place, name: &str, command: &str) {
    let tape = place.path(&format!("{name}.tape"));
    let ended = place.run(["record", "-o", arg(&tape), "--", "bash", "-c", command]);
    assert_eq!(ended.code, 0, "{name}: {}\n{}", ended.out, ended.err);
    let mut tapes = children(place, name);
    tapes.push(tape);
    let (mut events, mut sizes) = (0, [0.0; 2]);
    for path in &tapes {
        let here = read(path).totals().events;
        events += here;
        for (sum, size) in sizes.iter_mut().zip(bytes_an_event(place, path)) {
            *sum += size * here as f64;
        }
        replay(place, path);
    }
    let [with, without] = sizes.map(|sum| sum / events as f64);
    println!(
        "| {name} | {} | {events} | {with:.2} | {without:.2} |",
        tapes.len()
    );
    assert!(events > 10_000, "{name}: {events}");
}

/// Bytes that an event takes on a tape, all in all and without what its times take.
fn bytes_an_event(place: &Place, tape: &Path) -> [f64; 2] {
    let told = place.succeed(["info", arg(tape), "--json"]);
    let info: serde_json::Value = serde_json::from_str(&told.out).expect("info in JSON");
    let all = info["bytes_per_event"].as_f64().expect("bytes an event");
    let columns = info["columns"].as_array().expect("columns");
    let times = columns.iter().find(|column| column["name"] == "times");
    let times = times.and_then(|times| times["stored_bytes_per_event"].as_f64());
    [all, all - times.expect("a column of times")]
}

fn replay(place: &Place, tape: &Path) {
    let json = place.path("results.json");
    place.succeed([
        "replay",
        arg(tape),
        "-a",
        "system",
        "-n",
        "1",
        "--json",
        arg(&json),
    ]);
    let text = std::fs::read_to_string(&json).expect("results");
    let results: serde_json::Value = serde_json::from_str(&text).expect("results in JSON");
    let runs = results["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1);
    let recorded = read(tape).totals().failed;
    let failed = runs[0]["failed"]
        .as_u64()
        .expect("a count of failed requests");
    assert!(
        failed <= recorded,
        "{}: {failed} failed, {recorded} while recording",
        tape.display()
    );
}

/// Takes a minute or two: `cargo xtask test --long` runs it. With `--nocapture` it prints the table of real programs in
/// `docs/tape-format.md`.
#[test]
#[ignore = "takes minutes; cargo xtask test --long runs it"]
fn real_programs() {
    let place = Place::new();
    place.write(
        "threads.py",
        b"import threading, json\n\
          def work(n):\n\
          \x20   kept = []\n\
          \x20   for i in range(20000):\n\
          \x20       kept.append(json.dumps({'n': i, 'text': 'x' * (i % 700)}))\n\
          \x20       if len(kept) > 500: kept.pop(0)\n\
          threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n\
          [t.start() for t in threads]; [t.join() for t in threads]\n",
    );
    place.write(
        "program.cpp",
        b"#include <map>\n#include <regex>\n#include <string>\n#include <vector>\n\
          int main() { std::map<std::string, std::vector<int>> m; m[\"a\"].push_back(1);\n\
          return std::regex_match(\"aab\", std::regex(\"a+b\")) ? 0 : (int)m.size(); }\n",
    );
    if is_there("python3") {
        record_and_replay(&place, "python", "python3 threads.py");
    }
    if is_there("g++") {
        record_and_replay(&place, "gcc", "g++ -O2 -o program program.cpp && ./program");
    }
    if is_there("git") {
        let root = env!("CARGO_MANIFEST_DIR");
        record_and_replay(
            &place,
            "git",
            &format!(
                "git init -q r && cd r && cp -r {root}/src . && git add . && \
                 git -c user.name=a -c user.email=b commit -qm first && git log --stat && git repack -adq && git fsck"
            ),
        );
    }
    if is_there("sqlite3") {
        record_and_replay(
            &place,
            "sqlite",
            "sqlite3 x.db 'create table t(a integer primary key, b text); with recursive c(x) as \
             (select 1 union all select x+1 from c where x<100000) insert into t select x, hex(randomblob(20)) from c; \
             select count(*), max(b) from t;'",
        );
    }
    if is_there("redis-server") && is_there("redis-benchmark") && is_there("redis-cli") {
        record_and_replay(
            &place,
            "redis",
            "redis-server --unixsocket $PWD/r.sock --port 0 --save '' --daemonize no > redis.log & server=$!; \
             for i in $(seq 100); do redis-cli -s $PWD/r.sock ping >/dev/null 2>&1 && break; sleep 0.1; done; \
             redis-benchmark -s $PWD/r.sock -q -n 20000 -c 20 -t set,get,lpush,lrange_100,hset; \
             redis-cli -s $PWD/r.sock shutdown nosave; wait $server",
        );
    }
    record_and_replay(
        &place,
        "pipeline",
        // The shell's own loop asks for most; the tools around it for some hundred blocks each.
        "seq 1 20000 | sort -R | while read n; do echo $n; done | sort -n | uniq | awk '{s+=$1} END {print s}' | tee sum",
    );
    assert_eq!(
        std::fs::read_to_string(place.path("sum"))
            .expect("a sum")
            .trim(),
        "200010000"
    );
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
