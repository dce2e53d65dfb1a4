//! What the attacks are: what a connection begins with, what it goes on with, and what has to
//! become of it.
//!
//! `http2.rs` and `http1.rs` list them; `http2_units.rs` and `http1.rs` have one function for each
//! kind of unit. Not here: when units are sent (`attackers.rs`).

mod http1;
mod http2;
mod http2_units;

use anyhow::{Context, Result};
use wire::Version;

/// One attack.
#[derive(Debug)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) speaks: Speaks,
    /// How many attack at a time.
    pub(crate) connections: usize,
    /// Units per second in all, where it is not the command line that says it: slow attacks.
    pub(crate) rate: Option<f64>,
    /// Whether the attackers read what the server says.
    pub(crate) reads: bool,
    /// Whether they go on when they are told to go.
    pub(crate) is_deaf: bool,
    pub(crate) fate: Fate,
    /// What a connection may make the server hold, in KiB.
    pub(crate) held_kib: u32,
    /// What a connection begins with.
    pub(crate) open: fn(&mut Vec<u8>),
    /// What it goes on with.
    pub(crate) unit: Unit,
}

/// What is attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
    /// TLS, of which nothing but the first message is ever sent, in cleartext.
    Hello,
}

/// What attackers send again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Bytes(fn(&mut Pen, &mut Vec<u8>)),
    /// Messages of TLS that change its keys.
    NewKeys,
}

/// What has to become of attackers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are told `ENHANCE_YOUR_CALM`.
    Calm,
    /// They are cut, however that is said.
    Cut,
    /// They are not cut: what they do is their right, and costs no more than it should.
    Borne,
    /// A deadline may come or not: what counts is what they make the server hold.
    Any,
}

/// What one connection has come to.
#[derive(Debug)]
pub(crate) struct Pen {
    /// Units that were sent before.
    pub(crate) number: u64,
    next_stream: u32,
}

impl Pen {
    pub(crate) const fn new() -> Self {
        Self { number: 0, next_stream: 1 }
    }

    /// The number of a new stream.
    fn stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }
}

impl Attack {
    /// What most attacks have in common.
    const USUAL: Self = Self {
        name: "",
        about: "",
        speaks: Speaks::Http2,
        connections: 4,
        rate: None,
        reads: true,
        is_deaf: false,
        fate: Fate::Calm,
        held_kib: 128,
        open: http2_units::open,
        unit: Unit::Bytes(http2_units::ping),
    };

    /// Which version honest clients speak beside it.
    pub(crate) const fn honest(&self) -> Version {
        match self.speaks {
            Speaks::Http1 => Version::Http1,
            Speaks::Http2 | Speaks::Hello => Version::Http2,
        }
    }

    pub(crate) const fn needs_tls(&self) -> bool {
        matches!(self.speaks, Speaks::Hello) || matches!(self.unit, Unit::NewKeys)
    }
}

pub(crate) fn all() -> impl Iterator<Item = &'static Attack> {
    http2::ATTACKS.iter().chain(http1::ATTACKS)
}

pub(crate) fn named(names: &str) -> Result<Vec<&'static Attack>> {
    let find = |name: &str| {
        let found = all().find(|attack| attack.name == name);
        found.with_context(|| format!("there is no attack {name:?}; --list shows them"))
    };
    names.split(',').map(find).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wire::frame;

    use super::*;

    #[test]
    fn names_are_unique_and_attacks_send_something() {
        let names: BTreeSet<&str> = all().map(|attack| attack.name).collect();
        assert_eq!(names.len(), all().count());
        for attack in all() {
            let Unit::Bytes(unit) = attack.unit else { continue };
            let (mut pen, mut out) = (Pen::new(), Vec::new());
            (attack.open)(&mut out);
            for _ in 0..3 {
                let before = out.len();
                unit(&mut pen, &mut out);
                pen.number += 1;
                assert!(out.len() > before || attack.speaks == Speaks::Hello, "{}", attack.name);
            }
        }
    }

    #[test]
    fn attacks_on_http2_are_made_of_whole_frames() {
        for attack in all().filter(|attack| attack.speaks == Speaks::Http2) {
            let Unit::Bytes(unit) = attack.unit else { continue };
            let (mut pen, mut out) = (Pen::new(), Vec::new());
            for _ in 0..200 {
                unit(&mut pen, &mut out);
                pen.number += 1;
            }
            let mut rest = &out[..];
            while let Some((_, len)) = frame::first(rest) {
                rest = &rest[len..];
            }
            assert!(rest.is_empty(), "{}", attack.name);
        }
    }
}
