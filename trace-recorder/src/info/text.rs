//! An [`Info`] as text: a table of figures and two histograms. No colour.

use super::{Histogram, Info, Thread};
use crate::units::{bytes, counted, grouped, nanoseconds, percent};
use std::fmt::Write;

/// Histograms are drawn at least and at most this wide.
const BARS: std::ops::RangeInclusive<usize> = 10..=60;

/// Columns of a histogram's line besides the bar.
const BESIDES: usize = 46;

/// So many marks and threads are listed.
const LISTED: usize = 16;

/// Eighths of a block, to draw parts of one.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

impl Info {
    /// Text for a terminal that is `width` columns wide. Control characters in names are shown as `\u{..}`.
    pub fn render(&self, width: usize) -> String {
        let mut text = String::new();
        let mut line = |what: &str, value: String| {
            let _ = writeln!(text, "{what:<12} {value}");
        };
        line(
            "tape",
            format!("{}, made by {}", plain(&self.name), plain(&self.recorder)),
        );
        if !self.command.is_empty() {
            line("command", plain(&self.command.join(" ")));
        }
        for note in &self.notes {
            line("note", plain(note));
        }
        let ending = match &self.ending_reason {
            None => self.ending.to_owned(),
            Some(reason) => format!("{}: {}", self.ending, plain(reason)),
        };
        line("ending", ending);
        let per_event = self
            .bytes_per_event
            .map_or(String::new(), |b| format!(", {b:.2} bytes an event"));
        line("file", format!("{}{per_event}", bytes(self.tape_bytes)));
        let rate = self.events_per_second.map_or(String::new(), |r| {
            format!(", {} a second", grouped(r as u64))
        });
        let over = match self.clock {
            "order" => "; their times are not known, only their order: 1 ns an event".to_owned(),
            _ => format!(" in {}{rate}", nanoseconds(self.duration_ns)),
        };
        line("events", grouped(self.events) + &over);
        let (started, ended) = (
            self.threads.iter().filter(|t| t.started).count(),
            self.threads.iter().filter(|t| t.ended).count(),
        );
        line(
            "threads",
            format!(
                "{}; {} started and {} ended during the recording",
                grouped(self.threads.len() as u64),
                grouped(started as u64),
                grouped(ended as u64)
            ),
        );
        for mark in self.marks.iter().take(LISTED) {
            let times = match mark.count {
                1 => String::new(),
                count => format!(", {} times in all", grouped(count)),
            };
            let name = plain(&mark.name);
            line(
                "mark",
                format!("{name} after {}{times}", nanoseconds(mark.first_ns)),
            );
        }
        if self.marks.len() > LISTED {
            line(
                "mark",
                format!("… and {} more", grouped((self.marks.len() - LISTED) as u64)),
            );
        }
        line(
            "requested",
            format!("{} in all", bytes(self.requested_bytes)),
        );
        line(
            "peak live",
            format!(
                "{} ({}) after {}",
                bytes(self.peak_live_bytes),
                counted(self.peak_live_bytes, "byte"),
                nanoseconds(self.peak_live_ns)
            ),
        );
        let at_end = match self.live_blocks_at_end {
            0 => "nothing lives: every block was freed".to_owned(),
            blocks => format!(
                "{}, {}, never freed",
                counted(blocks, "block"),
                bytes(self.live_bytes_at_end)
            ),
        };
        line("at the end", at_end);
        let remote = match self.remote_share {
            None => "no block was released".to_owned(),
            Some(share) => format!(
                "{} of all releases, {:.1} %",
                grouped(self.remote_releases),
                share * 100.0
            ),
        };
        line("cross-thread", remote);
        text.push('\n');
        self.render_kinds(&mut text);
        self.render_threads(&mut text);
        self.render_columns(&mut text);
        histogram(&mut text, "sizes requested", &self.sizes, width, bytes);
        let (title, shown): (_, fn(u64) -> String) = match self.clock {
            "order" => ("lifetimes, in events", grouped),
            _ => ("lifetimes", nanoseconds),
        };
        histogram(&mut text, title, &self.lifetimes, width, shown);
        histogram(
            &mut text,
            "sizes of blocks that were never freed",
            &self.leaked_sizes,
            width,
            bytes,
        );
        text
    }

    /// The threads with most events.
    fn render_threads(&self, text: &mut String) {
        let mut threads: Vec<(usize, &Thread)> = self.threads.iter().enumerate().collect();
        threads.sort_by_key(|(number, thread)| (std::cmp::Reverse(thread.events), *number));
        let _ = writeln!(text, "\nthreads{}from … to", " ".repeat(55));
        for (number, thread) in threads.iter().take(LISTED) {
            let mut name: String = plain(&thread.name).chars().take(26).collect();
            if name.is_empty() {
                name = format!("thread {number}");
            }
            let _ = writeln!(
                text,
                "  {name:<26} {:>16} {:>8}   {} … {}",
                grouped(thread.events),
                percent(thread.events, self.events),
                nanoseconds(thread.start_ns),
                nanoseconds(thread.end_ns)
            );
        }
        if threads.len() > LISTED {
            let rest: u64 = threads[LISTED..]
                .iter()
                .map(|(_, thread)| thread.events)
                .sum();
            let name = format!("… and {} more", grouped((threads.len() - LISTED) as u64));
            let share = percent(rest, self.events);
            let _ = writeln!(text, "  {name:<26} {:>16} {share:>8}", grouped(rest));
        }
    }

    fn render_columns(&self, text: &mut String) {
        if self.columns.is_empty() {
            return;
        }
        let of = if self.chunks_weighed < self.chunks {
            format!(
                ", of {} of {}",
                grouped(self.chunks_weighed),
                counted(self.chunks, "chunk")
            )
        } else {
            String::new()
        };
        let _ = writeln!(text, "\nbytes an event on the tape, by column{of}");
        for column in self
            .columns
            .iter()
            .filter(|column| column.stored_bytes_per_event >= 0.0005)
        {
            let _ = writeln!(
                text,
                "  {:<26} {:>16.3} {:>8}   {:.3} unpacked",
                column.name,
                column.stored_bytes_per_event,
                percent_of(
                    column.stored_bytes_per_event,
                    self.columns
                        .iter()
                        .map(|it| it.stored_bytes_per_event)
                        .sum()
                ),
                column.plain_bytes_per_event,
            );
        }
    }

    fn render_kinds(&self, text: &mut String) {
        let k = &self.kinds;
        let _ = writeln!(text, "events by kind");
        for (name, count) in [
            ("malloc", k.malloc),
            ("calloc", k.calloc),
            ("aligned malloc", k.aligned_malloc),
            ("realloc", k.realloc),
            ("realloc of an older block", k.realloc_unknown),
            ("free", k.free),
            ("free of an older block", k.free_unknown),
            ("failed request", k.failed),
            ("thread start", k.thread_start),
            ("thread end", k.thread_end),
            ("fork", k.fork),
            ("mark", k.mark),
        ] {
            if count > 0 {
                let _ = writeln!(
                    text,
                    "  {name:<26} {:>16} {:>8}",
                    grouped(count),
                    percent(count, self.events)
                );
            }
        }
    }
}

fn percent_of(part: f64, whole: f64) -> String {
    format!("{:.1} %", part * 100.0 / whole)
}

fn histogram(
    text: &mut String,
    title: &str,
    histogram: &Histogram,
    width: usize,
    show: impl Fn(u64) -> String,
) {
    let buckets = histogram.buckets();
    let most = buckets.iter().map(|b| b.count).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    let bar_width = width
        .saturating_sub(BESIDES)
        .clamp(*BARS.start(), *BARS.end());
    let total = histogram.total();
    for bucket in buckets {
        let eighths = (u128::from(bucket.count) * (bar_width as u128 * 8))
            .div_ceil(u128::from(most)) as usize;
        let bar = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
        let range = if bucket.least == bucket.most {
            show(bucket.least)
        } else {
            format!("{} … {}", show(bucket.least), show(bucket.most))
        };
        let _ = writeln!(
            text,
            "  {range:>21} {:>13} {:>7} {bar}",
            grouped(bucket.count),
            percent(bucket.count, total)
        );
    }
}

/// Text from a tape, harmless to a terminal.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_keep_to_the_width() {
        let mut sizes = Histogram::default();
        for size in 0..5000 {
            sizes.add(size);
        }
        for width in [0, 40, 80, 120, 1000] {
            let mut text = String::new();
            histogram(&mut text, "sizes", &sizes, width, bytes);
            let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
            assert!(
                widest <= width.clamp(BESIDES + 10, BESIDES + 60),
                "{widest} of {width}:\n{text}"
            );
            assert!(text.contains('█'));
        }
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    }
}
