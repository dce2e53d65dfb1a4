//! Attacks on HTTP/2, and what has to become of them.
//!
//! Not here: what is sent (`http2_units.rs`), and attacks that need nothing of HTTP/2 (`http1.rs`).

use super::{Attack, Fate, Unit, http2_units as units};

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "legal",
        about: "requests like those of honest clients, to compare attacks with",
        fate: Fate::Borne,
        unit: Unit::Bytes(units::legal),
        ..Attack::USUAL
    },
    Attack {
        name: "rapid-reset",
        about: "requests that are given up at once (CVE-2023-44487)",
        unit: Unit::Bytes(units::rapid_reset),
        ..Attack::USUAL
    },
    Attack {
        name: "rapid-reset-deaf",
        about: "the same, and goes on when told to go",
        fate: Fate::Calm,
        is_deaf: true,
        unit: Unit::Bytes(units::rapid_reset),
        ..Attack::USUAL
    },
    Attack {
        name: "made-reset-zero",
        about: "streams that the server has to reset: a window that grows by 0 (CVE-2025-8671)",
        unit: Unit::Bytes(units::made_reset_zero),
        ..Attack::USUAL
    },
    Attack {
        name: "made-reset-overflow",
        about: "the same by a window that grows too large",
        unit: Unit::Bytes(units::made_reset_overflow),
        ..Attack::USUAL
    },
    Attack {
        name: "made-reset-length",
        about: "the same by a body that is longer than announced",
        unit: Unit::Bytes(units::made_reset_length),
        ..Attack::USUAL
    },
    Attack {
        name: "made-reset-closed",
        about: "the same by DATA behind the end of a request",
        unit: Unit::Bytes(units::made_reset_closed),
        ..Attack::USUAL
    },
    Attack {
        name: "made-reset-priority",
        about: "the same by a PRIORITY frame on itself",
        unit: Unit::Bytes(units::made_reset_priority),
        ..Attack::USUAL
    },
    Attack {
        name: "bad-head",
        about: "requests without what a request has to have",
        unit: Unit::Bytes(units::bad_head),
        ..Attack::USUAL
    },
    Attack {
        name: "continuation-tiny",
        about: "a head that does not end, a byte in each CONTINUATION (CVE-2024-27316)",
        unit: Unit::Bytes(units::continuation_tiny),
        ..Attack::USUAL
    },
    Attack {
        name: "continuation-empty",
        about: "a head that does not end, nothing in each CONTINUATION",
        unit: Unit::Bytes(units::continuation_empty),
        ..Attack::USUAL
    },
    Attack {
        name: "continuation-large",
        about: "a head that does not end, 16 KiB in each CONTINUATION",
        unit: Unit::Bytes(units::continuation_large),
        ..Attack::USUAL
    },
    Attack {
        name: "continuation-slow",
        about: "200 heads of which a frame comes now and then",
        connections: 200,
        rate: Some(100.0),
        fate: Fate::Any,
        held_kib: 48,
        unit: Unit::Bytes(units::continuation_tiny),
        ..Attack::USUAL
    },
    Attack {
        name: "settings",
        about: "SETTINGS",
        unit: Unit::Bytes(units::settings),
        ..Attack::USUAL
    },
    Attack {
        name: "settings-ack",
        about: "acknowledgements of SETTINGS that nobody sent",
        unit: Unit::Bytes(units::settings_ack),
        ..Attack::USUAL
    },
    Attack { name: "ping", about: "PING", unit: Unit::Bytes(units::ping), ..Attack::USUAL },
    Attack {
        name: "ping-deaf",
        about: "PING, and the answers are not read (CVE-2019-9512)",
        reads: false,
        is_deaf: true,
        // They are, but who does not read may not learn of it.
        fate: Fate::Any,
        unit: Unit::Bytes(units::ping),
        ..Attack::USUAL
    },
    Attack {
        name: "ping-ack",
        about: "acknowledgements of PINGs that nobody sent",
        unit: Unit::Bytes(units::ping_ack),
        ..Attack::USUAL
    },
    Attack {
        name: "empty-data",
        about: "DATA without data that does not end (CVE-2019-9518)",
        unit: Unit::Bytes(units::empty_data),
        ..Attack::USUAL
    },
    Attack {
        name: "padding",
        about: "DATA that is padding alone",
        unit: Unit::Bytes(units::padding),
        ..Attack::USUAL
    },
    Attack {
        name: "empty-headers",
        about: "HEADERS without fields",
        unit: Unit::Bytes(units::empty_headers),
        ..Attack::USUAL
    },
    Attack {
        name: "window-update",
        about: "a window that grows by 1",
        unit: Unit::Bytes(units::window_update),
        ..Attack::USUAL
    },
    Attack {
        name: "priority",
        about: "PRIORITY, which means nothing",
        unit: Unit::Bytes(units::priority),
        ..Attack::USUAL
    },
    Attack {
        name: "priority-update",
        about: "PRIORITY_UPDATE of streams that may come",
        fate: Fate::Cut,
        unit: Unit::Bytes(units::priority_update),
        ..Attack::USUAL
    },
    Attack {
        name: "closed-reset",
        about: "RST_STREAM of a stream that is over",
        unit: Unit::Bytes(units::closed_reset),
        ..Attack::USUAL
    },
    Attack {
        name: "closed-data",
        about: "DATA on a stream that is over, which may have been on its way",
        fate: Fate::Any,
        unit: Unit::Bytes(units::closed_data),
        ..Attack::USUAL
    },
    Attack {
        name: "unknown",
        about: "frames of a type that nobody knows",
        unit: Unit::Bytes(units::unknown),
        ..Attack::USUAL
    },
    Attack { name: "goaway", about: "GOAWAY", unit: Unit::Bytes(units::goaway), ..Attack::USUAL },
    Attack {
        name: "hpack-bomb",
        about: "a field of 4,000 bytes named thousands of times in 16 KiB (CVE-2016-6581)",
        rate: Some(200.0),
        unit: Unit::Bytes(units::hpack_bomb),
        ..Attack::USUAL
    },
    Attack {
        name: "huge-list",
        about: "heads of 48 KiB in four frames",
        rate: Some(500.0),
        unit: Unit::Bytes(units::huge_list),
        ..Attack::USUAL
    },
    Attack {
        name: "window-one",
        about: "large responses of which each takes a byte at a time (CVE-2019-9511)",
        fate: Fate::Any,
        held_kib: 1280,
        open: units::open_with_window_1,
        unit: Unit::Bytes(units::window_one),
        ..Attack::USUAL
    },
    Attack {
        name: "window-zero",
        about: "large responses that have no window, for ever",
        connections: 16,
        rate: Some(800.0),
        fate: Fate::Any,
        held_kib: 1280,
        open: units::open_with_window_0,
        unit: Unit::Bytes(units::window_zero),
        ..Attack::USUAL
    },
    Attack {
        name: "stalled-reader",
        about: "large responses that have all windows and are not read (CVE-2019-9517)",
        connections: 16,
        rate: Some(800.0),
        reads: false,
        fate: Fate::Any,
        held_kib: 1280,
        open: units::open_with_large_windows,
        unit: Unit::Bytes(units::window_zero),
        ..Attack::USUAL
    },
    Attack {
        name: "unacknowledged",
        about: "requests of one who never acknowledges SETTINGS",
        rate: Some(2000.0),
        fate: Fate::Borne,
        unit: Unit::Bytes(units::legal),
        ..Attack::USUAL
    },
    Attack {
        name: "hoard",
        about: "100 requests each whose bodies never come",
        connections: 16,
        rate: Some(800.0),
        fate: Fate::Any,
        held_kib: 512,
        unit: Unit::Bytes(units::hoard),
        ..Attack::USUAL
    },
    Attack {
        name: "refused-streams",
        about: "more requests at a time than are allowed",
        held_kib: 512,
        unit: Unit::Bytes(units::refused_streams),
        ..Attack::USUAL
    },
];
