//! Attackers: connections that send one attack at a steady rate, and connect again when they are
//! cut.
//!
//! Not here: what they send (`catalogue/`), waiting for events (`run.rs`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::Result;
use wire::frame::{self, kind};
use wire::{Link, Transport};

use crate::catalogue::{Attack, Pen, Speaks, Unit};
use crate::run::register;

/// What is sent at a time before honest clients have their turn: on one connection, and in all.
const UNITS_AT_ONCE: u32 = 16;
const BYTES_AT_ONCE: usize = 16 << 10;

/// What may wait on one connection for a server that does not read.
const MAX_BACKLOG: usize = 64 << 10;

/// Rates are not made up for what was missed for longer than this.
const MAX_DEBT: Duration = Duration::from_millis(10);

/// All attackers of a server.
#[derive(Debug)]
pub(crate) struct Attackers {
    attack: &'static Attack,
    address: SocketAddr,
    transport: Transport,
    first_key: u64,
    slots: Vec<Option<Attacker>>,
    next: usize,
    units: Rate,
    dials: Rate,
    tally: Tally,
}

#[derive(Debug)]
struct Attacker {
    link: Link,
    pen: Pen,
    input: Vec<u8>,
}

/// What became of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: u64,
    pub(crate) refused: u64,
    pub(crate) units: u64,
    pub(crate) bytes: u64,
    /// Connections that the server ended, by how.
    pub(crate) cuts: BTreeMap<String, u64>,
    /// Streams that ended well, and streams that the server reset.
    pub(crate) answers: u64,
    pub(crate) resets: u64,
    /// The most connections that were open at a time.
    pub(crate) open: u64,
}

/// So many a second, evenly.
#[derive(Clone, Copy, Debug)]
struct Rate {
    interval: Duration,
    due: Instant,
}

impl Rate {
    fn new(per_second: f64, now: Instant) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / per_second), due: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        if self.due > now {
            return false;
        }
        self.due = self.due.max(now.checked_sub(MAX_DEBT).unwrap_or(now)) + self.interval;
        true
    }
}

impl Attackers {
    pub(crate) fn new(
        attack: &'static Attack,
        address: SocketAddr,
        transport: Transport,
        first_key: usize,
        (units, dials): (f64, f64),
    ) -> Self {
        let now = Instant::now();
        Self {
            attack,
            address,
            transport,
            first_key: first_key as u64,
            slots: (0..attack.connections).map(|_| None).collect(),
            next: 0,
            units: Rate::new(attack.rate.unwrap_or(units), now),
            dials: Rate::new(dials.max(attack.connections as f64 / 2.0), now),
            tally: Tally::default(),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Sends a part of what is due, on one connection.
    pub(crate) fn step(&mut self, epoll: &OwnedFd, now: Instant) -> Result<()> {
        let key = self.next;
        self.next = (self.next + 1) % self.slots.len();
        if self.slots[key].is_none() && self.dials.take(now) {
            self.connect(epoll, key)?;
        }
        let Some(attacker) = &mut self.slots[key] else { return Ok(()) };
        if attacker.link.backlog() > MAX_BACKLOG {
            return Ok(());
        }
        let (before, mut units) = (attacker.link.out().len(), 0);
        // Of a slow attack each connection sends a unit at a time.
        let at_once = if self.attack.rate.is_some() { 1 } else { UNITS_AT_ONCE };
        while units < at_once
            && attacker.link.out().len() < before + BYTES_AT_ONCE
            && self.units.take(now)
        {
            attacker.send_unit(self.attack.unit);
            units += 1;
        }
        if units == 0 {
            return Ok(());
        }
        self.tally.units += u64::from(units);
        self.tally.bytes += (attacker.link.out().len() - before) as u64;
        if attacker.link.flush().is_err() {
            self.look(key, true);
        }
        Ok(())
    }

    fn connect(&mut self, epoll: &OwnedFd, key: usize) -> Result<()> {
        let Ok(mut link) = Link::dial(self.address, &self.transport) else {
            self.tally.refused += 1;
            return Ok(());
        };
        link.reset_at_end()?;
        if !self.attack.reads {
            link.set_receive_buffer(4096)?;
        }
        register(epoll, self.first_key + key as u64, &link)?;
        (self.attack.open)(link.out());
        self.slots[key] = Some(Attacker { link, pen: Pen::new(), input: Vec::new() });
        self.tally.connections += 1;
        let open = self.slots.iter().flatten().count() as u64;
        self.tally.open = self.tally.open.max(open);
        Ok(())
    }

    /// Something has happened on a connection: the server says something, or has closed.
    pub(crate) fn on_event(&mut self, key: u64, has_ended: bool) {
        let Ok(key) = usize::try_from(key - self.first_key) else { return };
        let Some(attacker) = self.slots.get_mut(key).and_then(Option::as_mut) else { return };
        // Whoever does not read is heard of when its handshake is over.
        let reads = self.attack.reads || attacker.link.is_handshaking();
        let is_broken = attacker.link.flush().is_err();
        if reads || has_ended || is_broken {
            self.look(key, has_ended || is_broken);
        }
    }

    /// Reads what has come. One that ignores GOAWAY goes on until it is closed.
    fn look(&mut self, key: usize, has_ended: bool) {
        let Some(attacker) = self.slots[key].as_mut() else { return };
        let received = attacker.link.receive(&mut attacker.input);
        let mut goaway = None;
        if self.attack.speaks == Speaks::Http2 {
            goaway = attacker.read(&mut self.tally);
        } else if self.attack.speaks == Speaks::Hello && !attacker.input.is_empty() {
            // That was all that was wanted: the server has done its part.
            goaway = Some("answered".to_owned());
        } else {
            attacker.input.clear();
        }
        let how = match (goaway, received) {
            (Some(code), _) if !self.attack.is_deaf => code,
            (Some(code), Ok(true) | Err(_)) => code,
            (_, Ok(true)) => "closed".to_owned(),
            (_, Err(_)) => "reset".to_owned(),
            (_, Ok(false)) if has_ended => "reset".to_owned(),
            _ => return,
        };
        *self.tally.cuts.entry(how).or_default() += 1;
        self.slots[key] = None;
    }
}

impl Attacker {
    fn send_unit(&mut self, unit: Unit) {
        match unit {
            Unit::Bytes(write) => write(&mut self.pen, self.link.out()),
            // Not before the handshake is over.
            Unit::NewKeys => drop(self.link.update_keys()),
        }
        self.pen.number += 1;
    }

    /// Reads frames, and returns how the server ends the connection, if it does.
    fn read(&mut self, tally: &mut Tally) -> Option<String> {
        let (mut at, mut code) = (0, None);
        while let Some((frame, len)) = frame::first(&self.input[at..]) {
            at += len;
            tally.answers += u64::from(frame.ends_stream());
            tally.resets += u64::from(frame.kind == kind::RST_STREAM);
            code = frame.goaway_code().or(code);
        }
        self.input.drain(..at);
        code.map(|code| match code {
            11 => "calm".to_owned(),
            code => format!("goaway {code}"),
        })
    }
}
