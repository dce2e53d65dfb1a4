//! Who may use whom: foreign crates by file, modules by module; and where there may be unsafe code.
//! Edit these when the design moves.

/// Where a foreign crate may be named: its name in paths, and the beginnings of allowed files.
///
/// A crate without a row may be named anywhere.
pub(super) const FOREIGN_CRATES: &[(&str, &[&str])] = &[
    ("bytes", &["crates/wharf-proto/src/", "crates/wharf/src/"]),
    ("calloop", &["crates/wharf/examples/"]),
    ("clap", &["crates/wharf-cli/src/args.rs"]),
    ("futures_io", &["crates/wharf/src/stream/futures_io.rs"]),
    ("http", &["crates/wharf-proto/src/", "crates/wharf/src/"]),
    ("httpdate", &["crates/wharf/src/files/"]),
    ("io_uring", &["crates/wharf/src/sys/"]),
    ("libc", &["crates/wharf/src/sys/"]),
    ("matchit", &["crates/wharf/src/router/"]),
    ("mime_guess", &["crates/wharf/src/files/"]),
    (
        "mio",
        &[
            "crates/wharf/examples/mio_loop.rs",
            "crates/wharf/src/driver/mio/",
            "crates/wharf/src/sys/",
            "crates/wharf/tests/ticker.rs",
        ],
    ),
    ("percent_encoding", &["crates/wharf/src/percent.rs"]),
    ("rcgen", &["crates/wharf/src/tls/self_signed.rs", "crates/wharf/src/tls/tests/"]),
    ("rustix", &["crates/wharf/src/sys/"]),
    // A folder, for what is said with its types does not fit in one file.
    (
        "rustls",
        &[
            "crates/wharf/src/conn/secure/tests.rs",
            "crates/wharf/src/tests/secure.rs",
            "crates/wharf/src/tls/engine/",
            "crates/wharf/src/tls/tests/",
            "crates/wharf/tests/kinds/tls.rs",
            "crates/wharf/tests/tls_allocations.rs",
        ],
    ),
    ("rustls_pki_types", &["crates/wharf/src/tls/"]),
    ("signal_hook", &["crates/wharf/src/signals.rs"]),
    (
        "socket2",
        &[
            "crates/wharf/src/driver/listening.rs",
            "crates/wharf/src/driver/mio/",
            "crates/wharf/src/driver/uring/",
            "crates/wharf/src/listener/",
        ],
    ),
    (
        "tokio",
        &[
            "crates/wharf-proto/tests/h2_client.rs",
            "crates/wharf/examples/",
            "crates/wharf/src/server/runtime.rs",
            "crates/wharf/src/stream/tokio_io.rs",
            "crates/wharf/tests/tokio.rs",
        ],
    ),
    (
        "wharf_scan",
        &[
            "crates/wharf-proto/src/h1/lines.rs",
            "crates/wharf-proto/src/head.rs",
            "crates/wharf-proto/src/headers.rs",
            "crates/wharf-proto/src/scan.rs",
        ],
    ),
];

/// Where there may be unsafe code: the beginnings of allowed files.
pub(super) const UNSAFE_CODE: &[&str] = &[
    // Calls a rival in C.
    "bench/pico/src/",
    // Text that is known to be text.
    "crates/wharf-scan/src/ascii.rs",
    // Vector instructions.
    "crates/wharf-scan/src/neon.rs",
    "crates/wharf-scan/src/sse2.rs",
    // The system.
    "crates/wharf/src/sys/",
];

/// What the protocol machines must not name, for they do no I/O and know no clock.
pub(super) const NOT_IN_PROTO: &[&str] = &[
    "core::net",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// The modules of `wharf` that a module may use.
pub(super) enum Uses {
    /// These top-level modules and nothing else of the crate.
    Only(&'static [&'static str]),
    /// Anything but these modules and what is in them.
    AllBut(&'static [&'static str]),
}

/// Top-level modules of `wharf`, and what they may use. A module without a row may use all.
pub(super) const MODULES: &[(&[&str], Uses)] = &[
    (&["sys"], Uses::Only(&["sys"])),
    (&["timer"], Uses::Only(&["timer"])),
    (&["sync"], Uses::Only(&["sync"])),
    // Jobs may be anything.
    (&["threads"], Uses::Only(&["sync", "threads"])),
    (&["driver"], Uses::Only(&["config", "driver", "output", "peer", "pool", "service", "sys"])),
    // Which backend runs is decided by the worker.
    (&["conn"], Uses::AllBut(&["driver::epoll", "driver::mio", "driver::sim", "driver::uring"])),
    (
        &["body", "handler", "request", "response"],
        Uses::AllBut(&["conn", "driver", "server", "worker"]),
    ),
    // These use what a user could use, so that users can write their own.
    (
        &["files", "router"],
        Uses::AllBut(&["conn", "driver", "pool", "server", "sys", "timer", "worker"]),
    ),
];
