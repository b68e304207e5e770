//! Who decides how fast the processors run, and whether that changed while we measured (`/sys/devices/system/cpu`).

use std::fs;
use std::path::Path;

/// Where the kernel tells.
const PROCESSORS: &str = "/sys/devices/system/cpu";

/// A bound of the frequency that moved by less than this share is the same.
const SAME: f64 = 0.01;

/// What decides the processors' speed at one moment. Empty on machines that do not say, as most virtual ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Governor {
    /// The governor's name; of the first processor that has one.
    pub name: Option<String>,
    /// The highest frequency that is allowed, kHz, over all processors.
    pub most_khz: Option<u64>,
    /// The first processor's frequency, kHz.
    pub now_khz: Option<u64>,
    /// Whether processors may run faster than their rating for a while.
    pub boost: Option<bool>,
}

impl Governor {
    /// As of now.
    pub fn now() -> Governor {
        Governor::under(Path::new(PROCESSORS))
    }

    fn under(processors: &Path) -> Governor {
        let read = |path: &Path| Some(fs::read_to_string(path).ok()?.trim().to_owned());
        let mut folders: Vec<_> = fs::read_dir(processors)
            .map(|entries| {
                entries
                    .flatten()
                    .map(|entry| entry.path().join("cpufreq"))
                    .filter(|path| path.is_dir())
                    .collect()
            })
            .unwrap_or_default();
        folders.sort();
        let first = |name: &str| folders.iter().find_map(|folder| read(&folder.join(name)));
        let numbers = |name: &str| {
            folders
                .iter()
                .filter_map(|folder| read(&folder.join(name))?.parse::<u64>().ok())
                .collect::<Vec<_>>()
        };
        let no_turbo = read(&processors.join("intel_pstate/no_turbo")).map(|text| text == "0");
        Governor {
            name: first("scaling_governor"),
            most_khz: numbers("scaling_max_freq").into_iter().max(),
            now_khz: numbers("scaling_cur_freq").into_iter().next(),
            boost: read(&processors.join("cpufreq/boost"))
                .map(|text| text == "1")
                .or(no_turbo),
        }
    }

    /// What moved since `before`, in sentences.
    pub fn moved_since(&self, before: &Governor) -> Vec<String> {
        let mut moved = Vec::new();
        if let (Some(then), Some(now)) = (&before.name, &self.name)
            && then != now
        {
            moved.push(format!(
                "the frequency governor changed from {then} to {now} while this was measured"
            ));
        }
        if let (Some(then), Some(now)) = (before.most_khz, self.most_khz)
            && (then as f64 - now as f64).abs() > SAME * then as f64
        {
            moved.push(format!(
                "the highest frequency allowed moved from {} to {} MHz while this was measured",
                then / 1000,
                now / 1000
            ));
        }
        if let (Some(then), Some(now)) = (before.boost, self.boost)
            && then != now
        {
            let what = if now { "on" } else { "off" };
            moved.push(format!(
                "frequency boost was switched {what} while this was measured"
            ));
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(Governor::under(dir.path()), Governor::default());
        write("cpu0/cpufreq/scaling_governor", "performance\n");
        write("cpu0/cpufreq/scaling_max_freq", "3000000\n");
        write("cpu0/cpufreq/scaling_cur_freq", "2900000\n");
        write("cpu1/cpufreq/scaling_max_freq", "3000000\n");
        write("intel_pstate/no_turbo", "0\n");
        let before = Governor::under(dir.path());
        assert_eq!(before.name.as_deref(), Some("performance"));
        assert_eq!(
            (before.now_khz, before.boost),
            (Some(2_900_000), Some(true))
        );
        assert!(Governor::under(dir.path()).moved_since(&before).is_empty());
        write("cpu0/cpufreq/scaling_governor", "powersave\n");
        write("cpu0/cpufreq/scaling_max_freq", "2000000\n");
        write("cpu1/cpufreq/scaling_max_freq", "2000000\n");
        write("intel_pstate/no_turbo", "1\n");
        let moved = Governor::under(dir.path()).moved_since(&before);
        assert!(
            moved[0].contains("from performance to powersave"),
            "{moved:?}"
        );
        assert!(moved[1].contains("from 3000 to 2000 MHz"), "{moved:?}");
        assert!(moved[2].contains("switched off"), "{moved:?}");
    }
}
