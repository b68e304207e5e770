//! The settings of a heap as text, such as `coalesce=off,fit=first`: what the page's form and its address hold.
//!
//! | setting | values |
//! | --- | --- |
//! | `fit` | `good`, `best`, `first`: which of the free chunks is taken |
//! | `coalesce` | `on`, `off`: whether a freed chunk merges with its free neighbours |
//! | `bins` | bytes: requests up to this come from bins of small blocks; 0 to 1016 |
//! | `run` | bytes: how long a run of small blocks may be |
//! | `arena` | bytes: the first arena; later ones grow up to `most` |
//! | `most` | bytes: the largest arena |
//! | `span` | bytes: requests above this have memory of their own |
//! | `cache` | bytes: how much of a bin's blocks the cache keeps at least |
//! | `limit` | bytes: how far that limit grows |

use alloc_core::heap::Fit;
pub use alloc_core::heap::policy::Policy;

use crate::error::SessionError;

/// The default's settings with those of `text` in their place.
///
/// # Errors
/// A setting is none, or its value is.
pub fn parse(text: &str) -> Result<Policy, SessionError> {
    let mut policy = Policy::DEFAULT;
    for setting in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let wrong = |reason| SessionError::Policy {
            setting: setting.to_string(),
            reason,
        };
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| wrong("it lacks a value, as in fit=first"))?;
        let bytes =
            || size(value).ok_or_else(|| wrong("its value is no size, such as 4096 or 64K"));
        match (name, value) {
            ("fit", "good") => policy.fit = Fit::Good,
            ("fit", "best") => policy.fit = Fit::Best,
            ("fit", "first") => policy.fit = Fit::First,
            ("fit", _) => return Err(wrong("its value is good, best or first")),
            ("coalesce", "on") => policy.coalesce = true,
            ("coalesce", "off") => policy.coalesce = false,
            ("coalesce", _) => return Err(wrong("its value is on or off")),
            ("bins", _) => policy.small_max = bytes()?,
            ("run", _) => policy.run_bytes = bytes()?,
            ("arena", _) => policy.first_arena = bytes()?,
            ("most", _) => policy.max_arena = bytes()?,
            ("span", _) => policy.span_threshold = bytes()?,
            ("cache", _) => policy.cache_floor = bytes()?,
            ("limit", _) => policy.cache_ceiling = bytes()?,
            _ => {
                return Err(wrong(
                    "there are fit, coalesce, bins, run, arena, most, span, cache and limit",
                ));
            }
        }
    }
    Ok(policy)
}

/// Every setting of a policy, and its value as [`parse`] reads it.
pub fn settings(policy: &Policy) -> [(&'static str, String); 9] {
    let fit = match policy.fit {
        Fit::Good => "good",
        Fit::Best => "best",
        Fit::First => "first",
    };
    let coalesce = if policy.coalesce { "on" } else { "off" };
    [
        ("fit", fit.to_string()),
        ("coalesce", coalesce.to_string()),
        ("bins", policy.small_max.to_string()),
        ("run", policy.run_bytes.to_string()),
        ("arena", policy.first_arena.to_string()),
        ("most", policy.max_arena.to_string()),
        ("span", policy.span_threshold.to_string()),
        ("cache", policy.cache_floor.to_string()),
        ("limit", policy.cache_ceiling.to_string()),
    ]
}

/// A size in bytes, with K, M or G for the powers of 1024.
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    digits
        .replace('_', "")
        .parse::<u64>()
        .ok()?
        .checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_what_they_name_and_nothing_else() -> Result<(), SessionError> {
        assert_eq!(parse("")?, Policy::DEFAULT);
        let policy = parse("coalesce=off, fit=first,bins=0,arena=1M,cache=64")?;
        let expected = Policy {
            coalesce: false,
            fit: Fit::First,
            small_max: 0,
            first_arena: 1 << 20,
            cache_floor: 64,
            ..Policy::DEFAULT
        };
        assert_eq!(policy, expected);
        for bad in [
            "fit",
            "fit=worst",
            "coalesce=1",
            "arena=big",
            "colour=red",
            "arena=99999999999999G",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(size("4 KiB"), Some(4096));
        let text = settings(&policy).map(|(name, value)| format!("{name}={value}"));
        assert_eq!(parse(&text.join(","))?, policy);
        Ok(())
    }
}
