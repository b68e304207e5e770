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
/// The most that a bin's number may be on the scale.
const BINS: usize = 64;
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

/// Steps of the logarithmic scales in an octave: finer than an eye can tell.
const STEPS: u32 = 16;

/// The step of a value on a logarithmic scale, and the value where a step begins. Values of 32 bits and more are the last.
fn step(value: u64) -> usize {
    let value = u32::try_from(value.max(1)).unwrap_or(u32::MAX);
    let octave = value.ilog2();
    let within = (u64::from(value) * u64::from(STEPS)) >> octave;
    (octave * STEPS) as usize + within as usize - STEPS as usize
}

fn log2_of_step(step: usize) -> f64 {
    let (octave, within) = (step / STEPS as usize, step % STEPS as usize);
    octave as f64 + (1.0 + (within as f64 + 0.5) / f64::from(STEPS)).log2()
}

/// The colours of one mode, ready to be looked up: there may be a million blocks to paint.
pub struct Inks<'i> {
    palette: &'i Palette,
    mode: Mode,
    log: &'i Log,
    now: u32,
    /// For each value that blocks in use may have, the colour in four close shades: neighbours can be told apart by them, and
    /// a block keeps its own.
    in_use: Vec<[Colour; SHADES]>,
}

/// Shades of a block in use.
const SHADES: usize = 4;

impl<'i> Inks<'i> {
    /// The colours after `now` events of this log.
    pub fn new(palette: &'i Palette, mode: Mode, log: &'i Log, now: u32) -> Inks<'i> {
        let graded = |from: f64, most: f64| {
            let steps = 0..(u32::BITS * STEPS) as usize;
            (steps.map(|step| palette.graded(log2_of_step(step) - from, most))).collect()
        };
        let colours: Vec<Colour> = match mode {
            Mode::State => vec![palette.in_use],
            Mode::Size => graded(4.0, 16.0),
            Mode::Age => graded(0.0, (log.len().max(2) as f64).log2()),
            Mode::Thread => palette.threads.into_iter().chain([palette.none]).collect(),
            Mode::Class => {
                let bins = (0..=BINS).map(|bin| palette.graded(bin as f64, BINS as f64));
                // Far from the scale and from the colours of what is not in use: the legend names the same two.
                bins.chain([palette.threads[7], palette.threads[3]])
                    .collect()
            }
        };
        Inks {
            palette,
            mode,
            log,
            now,
            in_use: colours.into_iter().map(shades).collect(),
        }
    }

    /// The colour of headers.
    pub fn header(&self) -> Colour {
        self.palette.header
    }

    /// The colour of a part's payload.
    #[inline]
    pub fn of(&self, part: &Part) -> Colour {
        match part.state {
            State::InUse => {
                // The upper bits of a product with 2^64 divided by the golden ratio: they differ for neighbours.
                let shade = (part.payload / 8).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62;
                self.in_use[self.value(part)][shade as usize % SHADES]
            }
            State::Cached => self.palette.cached,
            State::Home => self.palette.home,
            State::Free => self.palette.free,
            State::Fresh => self.palette.fresh,
            State::Header => self.palette.header,
        }
    }

    /// Which of the colours for blocks in use.
    #[inline]
    fn value(&self, part: &Part) -> usize {
        match (self.mode, part.maker) {
            (Mode::State, _) => 0,
            (Mode::Size, _) => step(part.requested),
            (Mode::Age, maker) => step(u64::from(self.now.saturating_sub(maker.unwrap_or(0)))),
            (Mode::Thread, maker) => maker
                .and_then(|maker| self.log.releaser(maker))
                .map_or(THREADS, |thread| thread as usize % THREADS),
            (Mode::Class, _) => match part.bin {
                Some(bin) => (bin as usize).min(BINS),
                None if part.payload == part.position => BINS + 1,
                None => BINS + 2,
            },
        }
    }
}

fn shades(colour: Colour) -> [Colour; SHADES] {
    std::array::from_fn(|shade| {
        colour.map(|channel| (u16::from(channel) * (100 - 7 * shade as u16) / 100) as u8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_far_apart_on_the_scale_as_their_values() {
        for value in [
            1u64,
            2,
            3,
            7,
            16,
            17,
            100,
            4095,
            1 << 20,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let exact = (value.min(u64::from(u32::MAX)) as f64).log2();
            let near = log2_of_step(step(value));
            assert!((near - exact).abs() < 0.05, "{value}: {near} for {exact}");
        }
    }

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
