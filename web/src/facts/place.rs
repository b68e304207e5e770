//! What lies at a place of the heap, and what the fields of its header say.

use alloc_core::chunk::owner;
use serde::Serialize;

use super::{EventFacts, event};
use crate::error::SessionError;
use crate::map;
use crate::replay::{Field, State};
use crate::session::Session;

/// What lies at a place of the heap.
#[derive(Debug, Serialize)]
pub struct Place {
    /// The byte asked about.
    pub at: u64,
    /// First byte of the part that holds it.
    pub position: u64,
    /// Bytes of the part, its header included.
    pub bytes: u64,
    /// Bytes of its header.
    pub header_bytes: u64,
    /// The arena or span that it belongs to: its number, and where it begins.
    pub region: (u32, u64),
    /// Its state, a word of the page.
    pub state: &'static str,
    /// Bytes that the program asked for.
    pub requested: Option<u64>,
    /// Bytes that the program may use of it.
    pub given: Option<u64>,
    /// The bin of a small block.
    pub bin: Option<u32>,
    /// The fields of its header as they stand in memory.
    pub fields: Vec<FieldFacts>,
    /// The event that made it, for a block in use.
    pub made: Option<EventFacts>,
}

/// A field of a header.
#[derive(Debug, Serialize)]
pub struct FieldFacts {
    /// The position of its first byte, and how many it has.
    pub position: u64,
    /// Its width in bytes.
    pub bytes: u64,
    /// What it is called.
    pub name: &'static str,
    /// The number that stands there, in hexadecimal, and what it says.
    pub value: String,
    /// What it says.
    pub meaning: String,
}

/// A state in a word of the page.
fn state_word(state: State) -> &'static str {
    match state {
        State::Header => "header",
        State::InUse => "in use",
        State::Cached => "cached",
        State::Home => "free in its run",
        State::Free => "free",
        State::Fresh => "never used",
    }
}

/// What lies at byte `at` of the chosen heap; nothing where the heap has no memory.
///
/// # Errors
/// No heap was chosen.
pub fn place(session: &Session, pane: usize, at: u64) -> Result<Option<Place>, SessionError> {
    let view = session.panes().get(pane).ok_or(SessionError::NoHeap)?;
    let replay = view.replay();
    let Some(part) = map::part_at(replay, at) else {
        return Ok(None);
    };
    let in_use = part.state == State::InUse;
    // A span's header is a part of its own.
    let span = in_use && part.payload == part.position;
    let from = if span {
        part.region_position
    } else {
        part.position
    };
    let mut fields = Vec::new();
    replay.fields(
        from,
        part.position + part.bytes.min(64),
        &mut |whose, field| {
            if whose.position == part.position || (span && whose.position == part.region_position) {
                fields.push(field_facts(&field));
            }
        },
    );
    let end = part.position + part.bytes;
    Ok(Some(Place {
        at,
        position: part.position,
        bytes: part.bytes,
        header_bytes: part.payload.saturating_sub(part.position),
        region: (part.region, part.region_position),
        state: state_word(part.state),
        requested: in_use.then_some(part.requested),
        given: in_use.then(|| end - part.payload),
        bin: part.bin,
        fields,
        made: part.maker.and_then(|maker| event(session, maker)),
    }))
}

/// A number with its thousands parted.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

/// A field with what its number says.
pub fn field_facts(field: &Field) -> FieldFacts {
    let value = field.value;
    let nothing = if field.bytes == 8 {
        u64::MAX
    } else {
        u64::from(u32::MAX)
    };
    let word = value as u32;
    let heap = owner::heap(word);
    let meaning = match field.name {
        "size and flags" => {
            let usage = match value & 3 {
                0 => "free",
                1 => "in use",
                _ => "run",
            };
            format!("{} B, {usage}", grouped(value & !15))
        }
        "owner" => match owner::kind(word) {
            owner::SMALL => format!("small, heap {heap}"),
            owner::CHUNK => format!("chunk, heap {heap}"),
            owner::SPAN => format!("span, heap {heap}"),
            _ if word == owner::FREE => "free".to_string(),
            _ => "none".to_string(),
        },
        "asked mod 256" => value.to_string(),
        "place" => format!("{} B into its run", value * 16),
        "magic" => "arena".to_string(),
        "size before" | "asked" | "bytes" => format!("{} B", grouped(value)),
        "bin" | "capacity" | "home" | "heap" => value.to_string(),
        _ if value == 0 || value == nothing => "none".to_string(),
        _ => format!("at {value:#x}"),
    };
    FieldFacts {
        position: field.position,
        bytes: field.bytes,
        name: field.name,
        value: format!("{value:0width$x}", width = field.bytes as usize * 2),
        meaning,
    }
}
