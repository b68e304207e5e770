//! How large a report is, and what it takes to make one. Alone in its file, since the processor time is that of the whole process.

mod sample;

use reports::write_report;

/// What the process has had of the processors; the time on the clock is not less than a part of it, and says nothing on a busy machine.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    // User and system time, in ticks of which a second has 100.
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

#[test]
fn three_tapes_and_eight_allocators() {
    let dir = tempfile::tempdir().unwrap();
    let results = sample::full();
    let before = processor_seconds();
    let written = write_report(&results, dir.path()).unwrap();
    let took = processor_seconds() - before;
    assert_eq!(written.charts.len(), 3 + 3 * 5);
    let mut bytes = std::fs::metadata(&written.index).unwrap().len();
    for chart in &written.charts {
        let (svg, png) = (
            std::fs::read(&chart.svg).unwrap(),
            std::fs::read(&chart.png).unwrap(),
        );
        assert!(png.starts_with(b"\x89PNG"), "{}", chart.id);
        let svg = String::from_utf8(svg).unwrap();
        assert!(
            svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>") && !svg.contains("<text"),
            "{}",
            chart.id
        );
        assert!(
            svg.contains(&format!("<title>{}</title>", chart.title)),
            "{}",
            chart.id
        );
        bytes += (svg.len() + png.len()) as u64;
    }
    assert!(bytes < 4_500_000, "{bytes} bytes");
    // Without optimisation the PNGs alone take longer; the limit is for what people run.
    let limit = if cfg!(debug_assertions) { 240.0 } else { 5.0 };
    assert!(took < limit, "{took} s");
}
