//! Fewer points where a line has more than a picture can show.

use replayer::results::FootprintSample;

/// More points than this a line would not show.
const POINTS: usize = 120;

/// Fewer samples that keep each stretch's highest RSS, and the first and last.
pub fn thin(samples: &[FootprintSample]) -> Vec<FootprintSample> {
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|s| s.t_ns);
    if sorted.len() <= POINTS {
        return sorted;
    }
    let last = sorted.last().copied();
    let stretch = sorted.len().div_ceil(POINTS);
    let mut kept: Vec<FootprintSample> = sorted.first().copied().into_iter().collect();
    kept.extend(sorted.chunks(stretch).filter_map(|c| {
        c.iter()
            .max_by_key(|s| s.rss_bytes.max(s.live_bytes))
            .copied()
    }));
    kept.extend(last);
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_between_many_samples_stays() {
        let sample = |t_ns: u64| FootprintSample {
            t_ns,
            live_bytes: 1,
            rss_bytes: if t_ns == 7_777 { 99 } else { 2 },
        };
        let thinned = thin(&(0..10_000).map(sample).collect::<Vec<_>>());
        assert!(thinned.len() <= POINTS + 2);
        assert!(thinned.iter().any(|s| s.rss_bytes == 99));
        assert_eq!(
            (thinned[0].t_ns, thinned[thinned.len() - 1].t_ns),
            (0, 9_999)
        );
        assert!(thinned.windows(2).all(|w| w[0].t_ns < w[1].t_ns));
    }

    #[test]
    fn few_samples_stay_as_they_are() {
        assert!(thin(&[]).is_empty());
        assert_eq!(thin(&[FootprintSample::default(); 3]).len(), 3);
    }
}
