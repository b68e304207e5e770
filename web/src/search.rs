//! What a person may type to find something: `#event`, `0xaddress`, `size>4096`, a time, or a mark's name.

use serde::Serialize;

use crate::error::SessionError;
use crate::policy;
use crate::session::Session;
use crate::source::OpenTape;

/// Blocks that are listed.
const MOST: usize = 500;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Found {
    /// A position on the tape: right after an event.
    Event {
        /// The position.
        position: u32,
        /// The thread whose heap the event asks something of, where the event itself was asked for.
        heap: Option<u32>,
    },
    /// A place in the heap.
    Address {
        /// Its position in bytes.
        at: u64,
    },
    /// Live blocks of the chosen heap, largest first.
    Blocks {
        /// How many there are.
        count: usize,
        /// Their bytes asked for.
        bytes: u64,
        /// The first of them: position, bytes asked for, and the event that made it.
        blocks: Vec<(u64, u64, u32)>,
    },
    /// Nothing, and why.
    Nothing {
        /// What to do instead.
        reason: String,
    },
}

fn nothing(reason: impl Into<String>) -> Found {
    Found::Nothing {
        reason: reason.into(),
    }
}

/// Looks for `query` on the tape and in the chosen heap as it stands.
///
/// # Errors
/// No heap was chosen.
pub fn search(session: &Session, pane: usize, query: &str) -> Result<Found, SessionError> {
    let query = query.trim();
    let (first, end) = session.range();
    let event = |number: &str| number.replace(['_', ',', ' '], "").parse::<u32>().ok();
    if let Some(rest) = query.strip_prefix('#') {
        return Ok(match event(rest) {
            Some(number) if number >= first && number < end => Found::Event {
                position: number + 1,
                heap: heap_of(session, number),
            },
            Some(_) => nothing(format!(
                "the events here are #{first} to #{}",
                end.saturating_sub(1)
            )),
            None => nothing("an event is written as #1234"),
        });
    }
    if let Some(digits) = query
        .strip_prefix("0x")
        .or_else(|| query.strip_prefix("0X"))
    {
        return Ok(match u64::from_str_radix(&digits.replace('_', ""), 16) {
            Ok(at) => Found::Address { at },
            Err(_) => nothing("an address is written as 0x1f40"),
        });
    }
    if let Some((name, compare, value)) = comparison(query) {
        return blocks(session, pane, name, compare, value);
    }
    if let Some(ns) = time(query) {
        let position = session.log().first_from(ns).clamp(first, end);
        return Ok(Found::Event {
            position,
            heap: None,
        });
    }
    if let Some(number) = event(query) {
        return Ok(Found::Event {
            position: number.clamp(first, end),
            heap: None,
        });
    }
    let wanted = query.to_lowercase();
    let marks = session.marks().iter().filter_map(|&event| {
        let name = usize::try_from(session.log().get(event)?.value).ok()?;
        Some((event, session.tape().marks().get(name)?))
    });
    let mut found =
        marks.filter(|(_, name)| !wanted.is_empty() && name.to_lowercase().contains(&wanted));
    Ok(match found.next() {
        Some((event, _)) => Found::Event {
            position: event + 1,
            heap: None,
        },
        None => nothing("try #1234, 0x1f40, size>4096, age>10000, bin=4, 1.5ms, or a mark's name"),
    })
}

/// The heap that an event asks something of: that of the block which goes, or that of its own thread.
fn heap_of(session: &Session, event: u32) -> Option<u32> {
    let log = session.log();
    let entry = log.get(event)?;
    let released = entry.made_by.and_then(|maker| log.made(maker));
    let heap = match released {
        Some((maker, _)) if !entry.kind.makes_block() => maker,
        _ => entry.thread,
    };
    let touched = log.heaps().get(heap as usize)?;
    touched.events.binary_search(&event).ok().map(|_| heap)
}

/// `name`, comparison, value: `size>4K`.
fn comparison(query: &str) -> Option<(&str, &str, u64)> {
    let at = query.find(['<', '>', '='])?;
    let rest = &query[at..];
    let length = rest.len() - rest.trim_start_matches(['<', '>', '=']).len();
    let value = policy::size(&rest[length..])?;
    Some((query[..at].trim(), &rest[..length], value))
}

fn blocks(
    session: &Session,
    pane: usize,
    name: &str,
    compare: &str,
    value: u64,
) -> Result<Found, SessionError> {
    let view = session.panes().get(pane).ok_or(SessionError::NoHeap)?;
    let holds: fn(&u64, &u64) -> bool = match compare {
        ">" => u64::gt,
        ">=" | "=>" => u64::ge,
        "<" => u64::lt,
        "<=" | "=<" => u64::le,
        "=" | "==" => u64::eq,
        _ => return Ok(nothing("compare with <, <=, =, >= or >")),
    };
    if !["size", "age", "bin", "thread"].contains(&name) {
        return Ok(nothing(
            "size, age (in events), bin and thread (that frees it) can be compared",
        ));
    }
    let now = session.position();
    let mut found: Vec<(u64, u64, u32)> = Vec::new();
    view.replay().walk(&mut |part| {
        let Some(maker) = part.maker else { return };
        let of = match name {
            "size" => Some(part.requested),
            "age" => Some(u64::from(now.saturating_sub(maker))),
            "bin" => part.bin.map(u64::from),
            _ => session.log().releaser(maker).map(u64::from),
        };
        if of.is_some_and(|of| holds(&of, &value)) {
            found.push((part.payload, part.requested, maker));
        }
    });
    if found.is_empty() {
        return Ok(nothing("no live block of this heap is like that now"));
    }
    let bytes = found.iter().map(|(_, size, _)| size).sum();
    let count = found.len();
    found.sort_unstable_by_key(|&(position, size, _)| (std::cmp::Reverse(size), position));
    found.truncate(MOST);
    Ok(Found::Blocks {
        count,
        bytes,
        blocks: found,
    })
}

/// A time with its unit, in nanoseconds.
fn time(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "min" => 60e9,
        _ => return None,
    };
    let value: f64 = digits.parse().ok()?;
    (value >= 0.0).then_some((value * unit) as u64)
}

/// A number that tells tapes apart: made of the header, the totals and the index.
pub fn id(tape: &OpenTape) -> u64 {
    let mut id = 0xCBF2_9CE4_8422_2325;
    let mut add = |word: u64| {
        // One round of splitmix64 (Steele, Lea and Flood 2014) a word.
        id = (id ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        id ^= id >> 29;
    };
    let (header, totals) = (tape.header(), tape.totals());
    let words = [
        tape.len_bytes(),
        header.pid,
        header.started_unix_ns,
        totals.events,
        totals.peak_live_bytes,
        totals.duration_ns,
    ];
    words.into_iter().for_each(&mut add);
    for chunk in tape.chunks() {
        add(chunk.offset ^ chunk.start_ns.rotate_left(20));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_and_times_are_read() {
        assert_eq!(comparison("size>4K"), Some(("size", ">", 4096)));
        assert_eq!(comparison("age <= 10"), Some(("age", "<=", 10)));
        assert_eq!(comparison("size>big"), None);
        assert_eq!(time("1.5ms"), Some(1_500_000));
        assert_eq!(time("2 s"), Some(2_000_000_000));
        assert_eq!(time("12"), None);
    }
}
