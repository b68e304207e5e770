//! The tape itself: how large its blocks are, how long they live, and both together. No allocator has a part in it.

use super::buckets::{Buckets, Unit};
use super::heat::Heat;
use super::table::{Table, figure};
use super::{Meta, Titled};
use crate::study::{Tape, list};
use crate::units::{bytes, count, nanos, percent};
use replayer::results::{ProfileCell, TapeProfile};

/// The chart of one tape.
pub fn chart(tape: &Tape<'_>) -> Titled<Heat> {
    let profile = tape.info.and_then(|t| t.profile.as_ref());
    let profile = profile.filter(|p| p.cells.iter().any(|c| c.2 > 0));
    let unit = match profile {
        Some(TapeProfile { timed: false, .. }) => Unit::Steps,
        _ => Unit::Time,
    };
    let meta = Meta {
        id: format!("blocks-{}", tape.slug),
        title: profile.map_or_else(
            || format!("The sizes and lifetimes of the blocks of {} are not in the results", tape.name),
            |p| title(tape.name, p, unit),
        ),
        subtitle: format!("Blocks of the tape by requested size and by {}, both by powers of two. Tape {}{}.", unit.lifetime(), tape.name, facts(tape)),
        caption: "Strong bars are shares of all blocks, pale ones shares of all bytes asked for. In the map a darker cell holds more blocks, each step down in strength a tenth as many; \
                  the last column is of blocks that the tape never frees. Small and short-lived blocks are what caches of a thread serve; large and long-lived ones decide about footprint."
            .to_owned(),
    };
    let plot = Heat {
        sizes: buckets(profile, |c| Some(c.0)),
        lifetimes: buckets(profile, |c| c.1),
        cells: profile.map_or_else(Vec::new, |p| p.cells.clone()),
        unit,
    };
    Titled {
        meta,
        data: data(tape, profile),
        plot,
    }
}

fn facts(tape: &Tape<'_>) -> String {
    let facts = tape.facts();
    if facts.is_empty() {
        facts
    } else {
        format!(": {facts}")
    }
}

/// Blocks and bytes by one of the two; what has no bucket (never freed) stands apart.
fn buckets(profile: Option<&TapeProfile>, of: fn(&ProfileCell) -> Option<u64>) -> Buckets {
    let mut all = Buckets::default();
    for cell in profile.iter().flat_map(|p| &p.cells) {
        all.add(of(cell), cell.2, cell.3);
    }
    all
}

/// The end of the bucket below which this share of the blocks lies; `None` where it lies among those without an end.
fn quantile(profile: &TapeProfile, share: f64, of: fn(&ProfileCell) -> Option<u64>) -> Option<u64> {
    let mut all: Vec<(u64, u64)> = profile
        .cells
        .iter()
        .map(|c| (of(c).unwrap_or(u64::MAX), c.2))
        .collect();
    all.sort_unstable();
    let total: u128 = all.iter().map(|(_, n)| u128::from(*n)).sum();
    let mut seen = 0u128;
    for (from, blocks) in all {
        seen += u128::from(blocks);
        if seen as f64 >= share * total as f64 {
            return (from < u64::MAX).then(|| from.saturating_mul(2).max(1));
        }
    }
    None
}

fn title(name: &str, profile: &TapeProfile, unit: Unit) -> String {
    let mut parts = Vec::new();
    if let Some(size) = quantile(profile, 0.9, |c| Some(c.0)) {
        parts.push(format!(
            "nine blocks in ten are smaller than {}",
            bytes(size as f64)
        ));
    }
    let life = |ends: u64| match unit {
        Unit::Time => nanos(ends as f64),
        Unit::Steps => format!("{} steps", count(ends)),
    };
    match quantile(profile, 0.5, |c| c.1) {
        Some(ends) => parts.push(format!("half live less than {}", life(ends))),
        None => {
            let (total, kept) = profile.cells.iter().fold((0.0, 0.0), |(total, kept), c| {
                let blocks = c.2 as f64;
                (
                    total + blocks,
                    kept + if c.1.is_none() { blocks } else { 0.0 },
                )
            });
            parts.push(format!("{} are never freed", percent(kept / total)));
        }
    }
    format!("On {name} {}", list(&parts))
}

fn data(tape: &Tape<'_>, profile: Option<&TapeProfile>) -> Table {
    let mut table = Table::new(&[
        "tape",
        "size_from_bytes",
        "lifetime_from",
        "lifetime_unit",
        "blocks",
        "bytes",
    ]);
    for ProfileCell(size, lifetime, blocks, bytes) in profile.iter().flat_map(|p| &p.cells) {
        let timed = profile.is_some_and(|p| p.timed);
        table.rows.push(vec![
            tape.name.to_owned(),
            size.to_string(),
            figure(lifetime.map(|l| l as f64)),
            if timed { "ns" } else { "steps" }.to_owned(),
            blocks.to_string(),
            bytes.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_comes_from_the_cells() {
        let cells = vec![
            ProfileCell(16, Some(1024), 60, 60 * 20),
            ProfileCell(64, Some(1 << 20), 32, 32 * 70),
            ProfileCell(4096, None, 8, 8 * 5000),
        ];
        let mut profile = TapeProfile { timed: true, cells };
        let plain = |s: String| s.replace('\u{a0}', " ");
        assert_eq!(
            plain(title("t", &profile, Unit::Time)),
            "On t nine blocks in ten are smaller than 128 B and half live less than 2.05 µs"
        );
        profile.cells[2].2 = 1000;
        assert_eq!(
            plain(title("t", &profile, Unit::Steps)),
            "On t nine blocks in ten are smaller than 8 KiB and 92 % are never freed"
        );
    }
}
