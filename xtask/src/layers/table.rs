//! The one place that says who may import whom.
//!
//! A new package or a new folder of a package is entered here, in its place; one that is missing fails the check, and so
//! does an entry that no longer stands for anything.

/// Packages and the order of their folders.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Every package of the workspace.
    pub packages: &'static [Package],
}

/// What a package may import, and the order of its own layers.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name in Cargo.toml.
    pub name: &'static str,
    /// The packages of ours that it may import.
    pub imports: &'static [Import],
    /// The packages of ours that its tests may import beyond that.
    pub tests_import: &'static [&'static str],
    /// Its top-level modules, lowest first: each imports only those before it. `lib.rs` and `main.rs` stand above all.
    pub layers: &'static [&'static str],
}

/// One package that another may import, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    /// The imported package.
    pub package: &'static str,
    /// Its only top-level modules that may be named; empty means all.
    pub only: &'static [&'static str],
    /// Features of it that must be off; `default` means that default features must be off.
    pub without: &'static [&'static str],
}

impl Import {
    /// All of `package`.
    pub const fn all(package: &'static str) -> Self {
        Import {
            package,
            only: &[],
            without: &[],
        }
    }
}

impl Rules {
    /// The entry of the package `name`.
    pub fn package(&self, name: &str) -> Option<&'static Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

/// The project's rules.
pub const RULES: Rules = Rules {
    packages: &[
        Package {
            name: "alloc-core",
            imports: &[],
            tests_import: &[],
            layers: &[
                "base", "harden", "source", "chunk", "heap", "sandbox", "sync", "threaded",
                "global",
            ],
        },
        Package {
            name: "fancy-preload",
            imports: &[Import::all("alloc-core")],
            tests_import: &[],
            layers: &["text", "panic", "print", "family", "c_api", "settings"],
        },
        Package {
            name: "alloc-bench",
            // Any malloc, and none of ours by name.
            imports: &[],
            tests_import: &[],
            layers: &[
                "calls",
                "random",
                "counts",
                "blocks",
                "wheel",
                "queue",
                "workloads",
                "launch",
            ],
        },
        Package {
            name: "peer-jemalloc",
            imports: &[],
            tests_import: &[],
            layers: &[],
        },
        Package {
            name: "peer-mimalloc",
            imports: &[],
            tests_import: &[],
            layers: &[],
        },
        Package {
            name: "peer-snmalloc",
            imports: &[],
            tests_import: &[],
            layers: &[],
        },
        Package {
            name: "trace-format",
            imports: &[],
            tests_import: &[],
            layers: &[
                "sentence",
                "event",
                "source",
                "error",
                "header",
                "index",
                "histogram",
                "codec",
                "frame",
                "payload",
                "opcode",
                "counts",
                "columns",
                "decode",
                "encode",
                "chunk",
                "builder",
                "layout",
                "writer",
                "tape",
                "weigh",
                "merge",
                "live",
                "report",
                "continuity",
                "audit",
                "scan",
                "verify",
            ],
        },
        Package {
            name: "trace-capture",
            imports: &[],
            tests_import: &[],
            layers: &[
                "raw", "clock", "code", "sys", "layout", "control", "place", "store", "pages",
                "pen",
            ],
        },
        Package {
            name: "heaptape-preload",
            imports: &[Import::all("trace-capture")],
            tests_import: &[],
            layers: &[
                "tls", "boot", "real", "events", "threads", "exit", "process", "family", "exec",
                "variadic", "children", "mark",
            ],
        },
        Package {
            name: "trace-recorder",
            imports: &[Import::all("trace-capture"), Import::all("trace-format")],
            tests_import: &[],
            layers: &[
                "units",
                "events",
                "error",
                "runtime",
                "finish",
                "harvest",
                "recording",
                "scenarios",
                "salvage",
                "info",
                "foreign",
            ],
        },
        Package {
            name: "replayer",
            imports: &[Import::all("alloc-core"), Import::all("trace-format")],
            tests_import: &["trace-recorder"],
            layers: &[
                "results",
                "mapping",
                "plan",
                "engine",
                "allocators",
                "measure",
            ],
        },
        Package {
            name: "reports",
            // Charts are drawn from what results.json says, never from a run's insides.
            imports: &[Import {
                package: "replayer",
                only: &["results"],
                without: &[],
            }],
            tests_import: &[],
            layers: &[
                "units", "theme", "error", "read", "stats", "text", "scene", "canvas", "study",
                "charts", "render", "files", "page", "write",
            ],
        },
        Package {
            name: "web",
            // The browser has no operating system: the single-threaded core and the pure-Rust decoder.
            imports: &[
                Import {
                    package: "alloc-core",
                    only: &["base", "source", "chunk", "heap", "sandbox"],
                    without: &["default", "os"],
                },
                Import {
                    package: "trace-format",
                    only: &[],
                    without: &["native"],
                },
                // The lines over the events are drawn by the report's own code, on a canvas.
                Import {
                    package: "reports",
                    only: &["canvas", "charts", "theme", "scene"],
                    without: &["default", "files"],
                },
            ],
            tests_import: &[],
            layers: &[
                "error", "source", "policy", "times", "log", "overview", "replay", "glance",
                "timeline", "load", "preface", "view", "palette", "map", "session", "search",
                "facts", "panels", "chart", "page",
            ],
        },
        Package {
            name: "web-build",
            imports: &[],
            tests_import: &[],
            layers: &["error", "files", "compile", "bindings", "copy"],
        },
        Package {
            name: "web-tests",
            imports: &[Import::all("trace-format")],
            tests_import: &["web"],
            layers: &["hosting", "server", "browser", "open", "figures", "tapes"],
        },
        Package {
            name: "heaptape",
            imports: &[
                Import::all("alloc-core"),
                Import::all("trace-format"),
                Import::all("trace-recorder"),
                Import::all("replayer"),
                Import::all("reports"),
                Import::all("web-build"),
            ],
            tests_import: &[],
            layers: &[
                "progress",
                "shared_objects",
                "limits",
                "json",
                "elf",
                "table",
                "live",
                "server",
                "commands",
            ],
        },
        Package {
            name: "xtask",
            imports: &[Import::all("web-build")],
            tests_import: &[],
            layers: &[
                "process",
                "workspace",
                "layers",
                "web",
                "bench",
                "gallery",
                "test",
            ],
        },
    ],
};
