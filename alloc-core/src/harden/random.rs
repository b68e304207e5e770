//! A secret of the process, and random numbers for places. They make a layout that can't be foretold; they are no
//! cryptography: who reads many links can compute the secret.

use core::sync::atomic::{AtomicU64, Ordering};

/// What links are XORed with; 0: not made yet.
static SECRET: AtomicU64 = AtomicU64::new(0);
/// The state of the numbers.
static STATE: AtomicU64 = AtomicU64::new(0);

/// The step of splitmix64 (Steele, Lea and Flood, 2014).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The secret; 0 before [`begin`].
#[inline(always)]
pub fn secret() -> u64 {
    SECRET.load(Ordering::Relaxed)
}

/// Makes the secret, once.
#[cold]
pub fn begin() {
    if secret() != 0 {
        return;
    }
    let [secret, state] = from_the_system();
    // Whoever is first: links may already stand under it.
    if SECRET
        .compare_exchange(0, secret | 1, Ordering::Relaxed, Ordering::Relaxed)
        .is_ok()
    {
        STATE.fetch_add(state, Ordering::Relaxed);
    }
}

/// A number below `limit`, which is not 0.
pub fn below(limit: u64) -> u64 {
    if secret() == 0 {
        begin();
    }
    let state = STATE.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    let mixed = (state ^ secret() ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let mixed = mixed ^ (mixed >> 31);
    // The upper half of a product is below the limit, and as good as even for limits this small.
    ((u128::from(mixed) * u128::from(limit)) >> 64) as u64
}

/// Two random words.
fn from_the_system() -> [u64; 2] {
    let mut words = [0u64; 2];
    let bytes = size_of_val(&words);
    // SAFETY: the buffer is as long as said. errno is kept: malloc must not change it when it succeeds.
    let got = unsafe {
        let errno = *libc::__errno_location();
        let got = libc::getrandom(words.as_mut_ptr().cast(), bytes, libc::GRND_NONBLOCK);
        *libc::__errno_location() = errno;
        got
    };
    if got != bytes as isize {
        // Early at boot: the kernel gave every process sixteen random bytes.
        // SAFETY: the auxiliary vector's entry is 0 or leads to sixteen bytes.
        unsafe {
            let given = libc::getauxval(libc::AT_RANDOM) as *const [u64; 2];
            if !given.is_null() {
                words = given.read_unaligned();
            }
        }
    }
    words
}
