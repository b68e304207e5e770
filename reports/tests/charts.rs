//! Every chart from every awkward result: nothing panics, no label is cut, no two labels overlap, no coordinate is off the canvas.

mod sample;

use reports::pictures;
use reports::scene::Shape;
use reports::study::Study;
use sample::boxes::check;

#[test]
fn nothing_overlaps_and_nothing_is_cut() {
    for (name, results) in sample::awkward() {
        let study = Study::new(&results);
        for picture in pictures(&study).unwrap() {
            let id = &picture.meta.id;
            check(&format!("{name}, {id}, alone"), &picture.alone);
            check(&format!("{name}, {id}, wide"), &picture.wide);
            check(&format!("{name}, {id}, narrow"), &picture.narrow);
            assert!(
                !picture.meta.title.contains("NaN") && !picture.meta.title.contains("inf"),
                "{name}: {}",
                picture.meta.title
            );
            assert!(picture.alone.labels().next().is_some());
        }
    }
}

#[test]
fn absent_data_is_said_and_does_not_vanish() {
    let all = sample::awkward();
    let of = |name: &str| &all.iter().find(|(n, _)| *n == name).unwrap().1;
    let words = |name: &str, id: &str| -> String {
        let study = Study::new(of(name));
        let pictures = pictures(&study).unwrap();
        let picture = pictures.iter().find(|p| p.meta.id == id).unwrap();
        picture
            .wide
            .labels()
            .map(|l| l.text.clone())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(
        words("missing fields", "latency-basic").contains("No latency was sampled on this tape.")
    );
    assert!(words("missing fields", "footprint-basic").contains("No run of this tape has samples"));
    assert!(words("missing fields", "peak-memory").contains("were not measured on this tape"));
    assert!(words("missing fields", "time-memory-basic").contains("No allocator has both"));
    assert!(words("without system", "elapsed-ratio").contains("No ratio: system was not measured"));
    assert!(words("refusing", "elapsed-ratio").contains("677,361,785 refused"));
    assert!(words("refusing", "elapsed-ratio").contains("1\u{a0}faulty run"));
}

/// A snapshot in numbers: dots of the ratio chart stand where the scale says.
#[test]
fn marks_stand_where_their_figures_are() {
    let results = sample::results(
        1,
        &sample::named(&[("system", 1.0, 1.0), ("fancy", 0.5, 1.0)]),
        5,
    );
    let mut results = results;
    for s in &mut results.summary {
        let r = if s.allocator == "system" { 1.0 } else { 0.5 };
        s.elapsed_ratio = Some(replayer::results::Ratio {
            median: r,
            low: r * 0.9,
            high: r * 1.1,
        });
    }
    let study = Study::new(&results);
    let pictures = pictures(&study).unwrap();
    let scene = &pictures[0].wide;
    let fancy = study.allocators[1].colour.light;
    let fancy = (fancy.0, fancy.1, fancy.2);
    let dot = scene.shapes.iter().find_map(|s| match s {
        Shape::Circle((x, y), 20, reports::scene::Ink::Fill(p)) if p.rgb == fancy => Some((*x, *y)),
        _ => None,
    });
    let label = |text: &str| scene.labels().find(|l| l.text == text).unwrap().clone();
    let (x, y) = dot.unwrap();
    let tick = label("0.5\u{a0}×");
    assert!(
        (f64::from(x) - (tick.x + tick.width / 2.0)).abs() <= 2.0,
        "the dot stands above its tick"
    );
    assert!(
        (f64::from(y) - label("fancy").bounds().bottom).abs() < 80.0,
        "and in its row"
    );
    assert_eq!(
        label("0.50\u{a0}× (0.45–0.55)").weight,
        reports::text::Weight::Regular
    );
    let right = label("0.50\u{a0}× (0.45–0.55)").bounds().right;
    assert!(
        (right - f64::from(scene.width)).abs() < 1.0,
        "figures end at the right edge"
    );
}

#[test]
fn titles_say_what_the_data_say() {
    let plain = |s: &str| s.replace('\u{a0}', " ");
    let titles = |results: &replayer::results::Results| -> Vec<String> {
        pictures(&Study::new(results))
            .unwrap()
            .iter()
            .map(|p| plain(&p.meta.title))
            .collect()
    };
    let mut two = sample::results(
        1,
        &sample::named(&[("system", 1.0, 1.0), ("fancy", 0.5, 0.5)]),
        5,
    );
    let set = |results: &mut replayer::results::Results, time: [f64; 3], memory: [f64; 3]| {
        for s in results
            .summary
            .iter_mut()
            .filter(|s| s.allocator == "fancy")
        {
            s.elapsed_ratio = Some(replayer::results::Ratio {
                median: time[0],
                low: time[1],
                high: time[2],
            });
            s.rss_ratio = Some(replayer::results::Ratio {
                median: memory[0],
                low: memory[1],
                high: memory[2],
            });
        }
    };
    set(&mut two, [0.4, 0.39, 0.42], [0.67, 0.66, 0.68]);
    assert_eq!(
        titles(&two)[0],
        "fancy is 2.50 × as fast as system on basic and 33 % smaller at its peak"
    );
    set(&mut two, [0.4, 0.39, 0.42], [1.2, 1.1, 1.3]);
    assert_eq!(
        titles(&two)[0],
        "fancy is 2.50 × as fast as system on basic but 20 % larger at its peak"
    );
    set(&mut two, [0.4, 0.39, 0.42], [1.02, 0.9, 1.3]);
    assert_eq!(
        titles(&two)[0],
        "fancy is 2.50 × as fast as system on basic at the same peak memory"
    );
    set(&mut two, [0.97, 0.91, 1.03], [1.0, 0.9, 1.1]);
    assert_eq!(
        titles(&two)[0],
        "No difference beyond noise on basic: fancy is at 0.97 × (0.91–1.03) of system’s time"
    );
    set(&mut two, [1.4, 1.2, 1.6], [1.0, 0.9, 1.1]);
    assert_eq!(
        titles(&two)[0],
        "No allocator is faster than system on basic"
    );
    for run in two.runs.iter_mut().filter(|r| r.allocator == "fancy") {
        run.failed = 3;
    }
    assert_eq!(
        titles(&two)[0],
        "Only system was measured on basic: nothing to compare"
    );
}
