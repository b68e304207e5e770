//! The map's colours: by state, or for blocks in use by size, age, thread or size class.

use crate::log::Log;
use crate::replay::{Part, State};

/// A colour: red, green, blue, 0 to 255 each.
pub type Colour = [u8; 3];

/// What the colour of a block in use stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// That it is in use.
    #[default]
    State,
    /// How many bytes were asked for, on a logarithmic scale from 16 bytes to 1 MiB.
    Size,
    /// How many events ago it was made, on a logarithmic scale from 1 to all events that are loaded.
    Age,
    /// The thread that will release it.
    Thread,
    /// Its bin; chunks and spans have colours of their own.
    Class,
}

impl Mode {
    /// By its name on the page.
    pub fn named(name: &str) -> Option<Mode> {
        match name {
            "state" => Some(Mode::State),
            "size" => Some(Mode::Size),
            "age" => Some(Mode::Age),
            "thread" => Some(Mode::Thread),
            "class" => Some(Mode::Class),
            _ => None,
        }
    }
}

/// Stops of the scale.
const STOPS: usize = 6;
/// Colours of threads.
const THREADS: usize = 8;
/// Colours of a palette.
pub const COLOURS: usize = 7 + STOPS + THREADS;

/// The colours of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Blocks of the program.
    pub in_use: Colour,
    /// Small blocks that wait in the cache.
    pub cached: Colour,
    /// Small blocks that wait in their run.
    pub home: Colour,
    /// Free chunks.
    pub free: Colour,
    /// Memory that was never handed out.
    pub fresh: Colour,
    /// Headers of arenas, chunks, runs and blocks.
    pub header: Colour,
    /// Blocks in use without a value in the mode, such as those that nobody releases.
    pub none: Colour,
    /// From the least to the most.
    pub scale: [Colour; STOPS],
    /// Threads, by their number modulo these.
    pub threads: [Colour; THREADS],
}

impl Palette {
    /// Reads [`COLOURS`] colours of three bytes each, in the order of the fields; `None` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Palette> {
        if bytes.len() != COLOURS * 3 {
            return None;
        }
        let colour = |at: usize| [bytes[at * 3], bytes[at * 3 + 1], bytes[at * 3 + 2]];
        Some(Palette {
            in_use: colour(0),
            cached: colour(1),
            home: colour(2),
            free: colour(3),
            fresh: colour(4),
            header: colour(5),
            none: colour(6),
            scale: std::array::from_fn(|stop| colour(7 + stop)),
            threads: std::array::from_fn(|thread| colour(7 + STOPS + thread)),
        })
    }

    /// The colour of a part's payload after `now` events.
    pub fn of(&self, mode: Mode, part: &Part, log: &Log, now: u32) -> Colour {
        let colour = match part.state {
            State::InUse => match (mode, part.maker) {
                (Mode::State, _) => self.in_use,
                (Mode::Size, _) => self.graded(log2(part.requested) - 4.0, 16.0),
                (Mode::Age, Some(maker)) => {
                    let most = log2(log.len() as u64).max(1.0);
                    self.graded(log2(u64::from(now.saturating_sub(maker))), most)
                }
                (Mode::Thread, Some(maker)) => (log.releaser(maker))
                    .map_or(self.none, |thread| self.threads[thread as usize % THREADS]),
                (Mode::Class, _) => match part.bin {
                    Some(bin) => self.graded(f64::from(bin), 64.0),
                    None if part.payload == part.position => self.threads[1],
                    None => self.threads[0],
                },
                (_, None) => self.none,
            },
            State::Cached => self.cached,
            State::Home => self.home,
            State::Free => self.free,
            State::Fresh => self.fresh,
            State::Header => self.header,
        };
        match part.state {
            State::InUse => shade(colour, part.payload),
            _ => colour,
        }
    }

    /// The scale's colour at `value` of `most`.
    fn graded(&self, value: f64, most: f64) -> Colour {
        let at = (value / most).clamp(0.0, 1.0) * (STOPS - 1) as f64;
        let stop = (at as usize).min(STOPS - 2);
        let part = at - stop as f64;
        let (low, high) = (self.scale[stop], self.scale[stop + 1]);
        std::array::from_fn(|channel| {
            let (low, high) = (f64::from(low[channel]), f64::from(high[channel]));
            (low + (high - low) * part) as u8
        })
    }
}

fn log2(value: u64) -> f64 {
    f64::from(u32::try_from(value.max(1)).unwrap_or(u32::MAX)).log2()
}

/// Blocks come in four close shades, by their place, so that neighbours can be told apart and a block keeps its shade.
fn shade(colour: Colour, payload: u64) -> Colour {
    // The upper bits of a product with 2^64 divided by the golden ratio: they differ for neighbours.
    let shade = ((payload / 8).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62) as u16;
    colour.map(|channel| (u16::from(channel) * (100 - 7 * shade) / 100) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_from_its_first_to_its_last_colour() {
        let bytes: Vec<u8> = (0..COLOURS * 3).map(|at| at as u8 * 3).collect();
        assert!(Palette::from_bytes(&bytes[1..]).is_none());
        let Some(palette) = Palette::from_bytes(&bytes) else {
            panic!("it is one")
        };
        assert_eq!(palette.graded(-3.0, 16.0), palette.scale[0]);
        assert_eq!(palette.graded(16.0, 16.0), palette.scale[STOPS - 1]);
        assert_eq!(palette.graded(99.0, 16.0), palette.scale[STOPS - 1]);
    }
}
