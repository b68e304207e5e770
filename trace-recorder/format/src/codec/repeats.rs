//! Whether a payload is worth a search for repeated stretches, or has its order from nothing but how often each byte occurs.
//!
//! The search is most of the work of packing, and of unpacking what it found. In columns that look random it finds stretches
//! all the same, a few bytes long, and naming them takes more than the bytes' own codes would. So some places of each column
//! are looked at, and the search is left out where it could save next to nothing.

/// A repeated stretch takes about as many bits as this to name.
const REPEAT_BITS: f64 = 24.0;

/// Without the search a payload may become longer by one part in so many, by this estimate.
const WORTH: f64 = 16.0;

/// Every so many bytes a place is remembered.
const STEP: usize = 16;

/// Places of a column that are asked whether what stands there stood before.
const ASKED: usize = 64;

/// Places that are remembered at most, a power of two.
const SLOTS: usize = 1 << 13;

/// No place.
const NOTHING: u32 = u32::MAX;

/// Whether to search a payload whose columns end at `ends`.
pub(super) fn worth_searching(payload: &[u8], ends: &[usize]) -> bool {
    let mut places = vec![NOTHING; SLOTS];
    let (mut plain, mut searched) = (0.0, 0.0);
    let mut from = 0;
    for &to in ends {
        let column = payload.get(from..to).unwrap_or_default();
        from = to;
        let bits = bits_a_byte(column, &mut places);
        plain += bits.plain * column.len() as f64;
        searched += bits.searched * column.len() as f64;
    }
    plain > searched * (1.0 + 1.0 / WORTH)
}

/// What a byte of a column will take: without the search, and with it.
struct Bits {
    plain: f64,
    searched: f64,
}

fn bits_a_byte(column: &[u8], places: &mut [u32]) -> Bits {
    let entropy = entropy(column);
    if entropy == 0.0 {
        // Nothing, or one byte that stands for all.
        let (plain, searched) = (0.0, 0.0);
        return Bits { plain, searched };
    }
    // A Huffman code has no code shorter than a bit.
    let plain = entropy.max(1.0);
    // Shorter ones would save little.
    let stretch = ((2.0 * REPEAT_BITS / plain) as usize).max(STEP);
    let share = repeated(column, stretch, places);
    let searched = entropy * (1.0 - share) + plain / 4.0 * share;
    Bits { plain, searched }
}

/// Bits a byte that an entropy code takes at least.
fn entropy(column: &[u8]) -> f64 {
    let counts = crate::histogram::histogram(column);
    let shares = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f64 / column.len() as f64);
    shares.map(|share| -share * share.log2()).sum()
}

/// The share of places at which a stretch begins that stood before.
fn repeated(column: &[u8], stretch: usize, places: &mut [u32]) -> f64 {
    let apart = column.len() / (ASKED + 1);
    if apart < stretch + STEP {
        return 0.0;
    }
    places.fill(NOTHING);
    let (mut known, mut found) = (0, 0u32);
    for number in 1..=ASKED {
        let here = number * apart;
        while known < here {
            if let Some(slot) = slot(column, known) {
                places[slot] = known as u32;
            }
            known += STEP;
        }
        // Of so many places one is as far behind a remembered one as it was before.
        let is_found = (here..here + STEP).any(|at| {
            let before = slot(column, at).map_or(NOTHING, |slot| places[slot]);
            before != NOTHING && same(column, before as usize, at, stretch)
        });
        found += u32::from(is_found);
    }
    f64::from(found) / ASKED as f64
}

fn same(column: &[u8], one: usize, other: usize, len: usize) -> bool {
    let one = column.get(one..one + len);
    one.is_some() && one == column.get(other..other + len)
}

/// Where the place `at` is remembered, by the 16 bytes that stand there.
fn slot(column: &[u8], at: usize) -> Option<usize> {
    let bytes = column.get(at..)?.first_chunk::<16>()?;
    let word = u128::from_le_bytes(*bytes);
    let (low, high) = (word as u64, (word >> 64) as u64);
    let mixed = low.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ high.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    Some((mixed >> (u64::BITS - SLOTS.trailing_zeros())) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random bytes below `below`.
    fn random(len: usize, below: u64) -> Vec<u8> {
        let mut state = 1u64;
        (0..len)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as u8 % below as u8
            })
            .collect()
    }

    #[test]
    fn what_looks_random_is_not_searched() {
        for below in [2, 3, 10, 100, 255] {
            let column = random(65_536, below);
            assert!(!worth_searching(&column, &[column.len()]), "{below}");
        }
        assert!(!worth_searching(&[7; 65_536], &[65_536]));
        assert!(!worth_searching(&[], &[]));
        assert!(!worth_searching(&[1, 2, 3], &[1, 2, 3]));
    }

    #[test]
    fn what_comes_again_is_searched_however_far_apart() {
        for below in [2, 10, 255] {
            for period in [50, 777, 5003, 20_011] {
                let once = random(period, below);
                let column: Vec<u8> = once.iter().copied().cycle().take(65_536).collect();
                assert!(
                    worth_searching(&column, &[column.len()]),
                    "{below} {period}"
                );
            }
        }
        let mut rare = vec![0; 65_536];
        rare.iter_mut().step_by(1013).for_each(|byte| *byte = 1);
        assert!(worth_searching(&rare, &[rare.len()]));
    }

    #[test]
    fn columns_count_by_their_length() {
        let mut payload = random(60_000, 255);
        payload.extend(std::iter::repeat_n([1, 2, 3, 4], 1000).flatten());
        assert!(!worth_searching(&payload, &[60_000, 64_000]));
        payload.extend(std::iter::repeat_n([1, 2, 3, 4], 30_000).flatten());
        assert!(worth_searching(&payload, &[60_000, 184_000]));
    }
}
