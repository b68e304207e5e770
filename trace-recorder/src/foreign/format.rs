//! The formats by name.

use std::fmt;
use std::str::FromStr;

/// A format that can be taken in.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ImportFormat {
    /// Firefox logalloc, raw or munged.
    Logalloc,
    /// Android's malloc debug records, as memory_replay reads them.
    Android,
    /// glibc's mtrace.
    Mtrace,
    /// heaptrack, raw, version 1 to 3.
    Heaptrack,
    /// WebKit MallocBench's operations.
    Ops,
}

/// A format that can be written.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// Firefox logalloc with addresses, as Firefox writes it.
    Logalloc,
    /// Firefox logalloc as its replay tool reads it: `#n` for addresses.
    LogallocMunged,
    /// Android's malloc debug records, as memory_replay reads them.
    Android,
    /// glibc's mtrace.
    Mtrace,
    /// WebKit MallocBench's operations.
    Ops,
    /// Trace events in JSON, for Perfetto and Chrome.
    Perfetto,
    /// One row an event, as text.
    Csv,
    /// One row an event, in columns.
    Parquet,
}

impl ImportFormat {
    /// All of them, in the order of the help.
    pub const ALL: [ImportFormat; 5] = [
        ImportFormat::Logalloc,
        ImportFormat::Android,
        ImportFormat::Mtrace,
        ImportFormat::Heaptrack,
        ImportFormat::Ops,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ImportFormat::Logalloc => "logalloc",
            ImportFormat::Android => "android",
            ImportFormat::Mtrace => "mtrace",
            ImportFormat::Heaptrack => "heaptrack",
            ImportFormat::Ops => "ops",
        }
    }

    /// What it is, for a sentence.
    pub fn title(self) -> &'static str {
        match self {
            ImportFormat::Logalloc => "Firefox logalloc",
            ImportFormat::Android => "Android memory_replay",
            ImportFormat::Mtrace => "glibc mtrace",
            ImportFormat::Heaptrack => "heaptrack raw",
            ImportFormat::Ops => "WebKit MallocBench",
        }
    }
}

impl ExportFormat {
    /// All of them, in the order of the help.
    pub const ALL: [ExportFormat; 8] = [
        ExportFormat::Logalloc,
        ExportFormat::LogallocMunged,
        ExportFormat::Android,
        ExportFormat::Mtrace,
        ExportFormat::Ops,
        ExportFormat::Perfetto,
        ExportFormat::Csv,
        ExportFormat::Parquet,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Logalloc => "logalloc",
            ExportFormat::LogallocMunged => "logalloc-munged",
            ExportFormat::Android => "android",
            ExportFormat::Mtrace => "mtrace",
            ExportFormat::Ops => "ops",
            ExportFormat::Perfetto => "perfetto",
            ExportFormat::Csv => "csv",
            ExportFormat::Parquet => "parquet",
        }
    }
}

/// The formats' names for a sentence.
fn names(all: impl Iterator<Item = &'static str>) -> String {
    all.collect::<Vec<_>>().join(", ")
}

impl FromStr for ImportFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = ImportFormat::ALL;
        all.into_iter().find(|it| it.name() == name).ok_or_else(|| {
            format!(
                "no such format; there are {}",
                names(all.iter().map(|it| it.name()))
            )
        })
    }
}

impl FromStr for ExportFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = ExportFormat::ALL;
        all.into_iter().find(|it| it.name() == name).ok_or_else(|| {
            format!(
                "no such format; there are {}",
                names(all.iter().map(|it| it.name()))
            )
        })
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for format in ImportFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        for format in ExportFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "elf".parse::<ImportFormat>().unwrap_err();
        assert!(error.contains("logalloc"), "{error}");
    }
}
