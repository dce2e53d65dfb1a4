//! The loop over all connections of a load.
//!
//! Not here: repeating runs or comparing servers (the `compare` tool), one connection
//! (`connection.rs`). A connection at fault stays closed and is counted.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::connection::{Batch, Batches, Connection, Moved, dial};
use crate::request::Then;
use crate::response::{Answer, Expect};
use crate::schedule::Schedule;
use crate::{Fault, Outcome, Payload, Request};

/// How long after its end a run waits for responses before it calls them missing.
const GRACE: Duration = Duration::from_secs(2);

/// How long after its end an open loop sends what was due before it. What is left then says that
/// the server does not keep up.
const BACKLOG: Duration = Duration::from_secs(1);

/// Holds the responses to any sensible batch, so that one read takes them all.
const RECEIVE_BYTES: usize = 64 * 1024;

/// Wake-ups taken per `epoll_wait`.
const MAX_EVENTS: usize = 1024;

/// What a load is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// Connections open at a time.
    pub connections: usize,
    /// Requests per write; 1 means no pipelining, and an echo knows no other.
    pub depth: usize,
    /// What is asked.
    pub request: Request,
    /// Requests after which a connection asks the server to close, and is replaced by a new one.
    /// `None` keeps connections for ever. Goes with a depth of 1 alone, and not with an echo.
    pub per_connection: Option<NonZeroU64>,
}

/// Connections to one server, ready to send.
#[derive(Debug)]
pub struct Load {
    address: SocketAddr,
    epoll: OwnedFd,
    slots: Vec<Slot>,
    batches: Batches,
    input: Vec<u8>,
    /// Connections with responses to come; never more than there are connections.
    busy: usize,
    /// Connections that a schedule may use, the one that has waited longest first.
    free: VecDeque<usize>,
}

/// A place for a connection.
#[derive(Debug)]
enum Slot {
    Open(Connection),
    /// The server has closed when it was asked to; the next batch dials anew.
    Closed,
    GivenUp,
}

/// What begins a batch once the one before is answered.
#[derive(Debug)]
enum Pace {
    /// Each answer the next batch, until then.
    Closed { deadline: Instant },
    /// When it is due; but no longer than until then.
    Open { schedule: Schedule, deadline: Instant },
}

impl Load {
    /// Opens all connections of `plan` and has one request answered on each. Where connections
    /// are replaced, one is opened to learn what the server answers, and closed again.
    ///
    /// # Errors
    ///
    /// When one of them fails: a server that does not hold the connections is not measured.
    pub fn open(plan: &Plan) -> Result<Self, Fault> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (slots, batches) = match plan.per_connection {
            None => open_all(plan, &epoll)?,
            Some(requests) => {
                let slots = (0..plan.connections).map(|_| Slot::Closed).collect();
                (slots, learn(plan, requests)?)
            }
        };
        Ok(Self {
            address: plan.address,
            epoll,
            slots,
            batches,
            input: vec![0; RECEIVE_BYTES],
            busy: 0,
            free: VecDeque::new(),
        })
    }

    /// Keeps every connection busy for `duration`, then waits for what is in flight.
    ///
    /// # Errors
    ///
    /// When the system refuses to wait for events. Connections at fault are no error of the run:
    /// they are counted in the outcome.
    pub fn run(&mut self, duration: Duration) -> Result<Outcome, Fault> {
        let start = Instant::now();
        let mut outcome = Outcome::new();
        let mut pace = Pace::Closed { deadline: start + duration };
        for key in 0..self.slots.len() {
            self.begin(key, start, &mut outcome);
        }
        self.drive(&mut pace, start + duration + GRACE, &mut outcome)?;
        outcome.elapsed = start.elapsed();
        Ok(outcome)
    }

    /// Sends `per_second` requests at even distances for `duration`, whether or not the server
    /// keeps up, then waits for what is in flight. Latency counts from the time at which a request
    /// was due, so that one that had to wait for a free connection is not taken for a fast one.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_at(&mut self, per_second: f64, duration: Duration) -> Result<Outcome, Fault> {
        let start = Instant::now();
        let mut outcome = Outcome::new();
        let batches_per_second = per_second / self.batches.usual.requests as f64;
        let mut pace = Pace::Open {
            schedule: Schedule::new(start, batches_per_second, duration),
            deadline: start + duration + BACKLOG,
        };
        self.free = (0..self.slots.len())
            .filter(|&key| !matches!(self.slots[key], Slot::GivenUp))
            .collect();
        self.begin_due(&mut pace, &mut outcome);
        self.drive(&mut pace, start + duration + BACKLOG + GRACE, &mut outcome)?;
        let Pace::Open { schedule, .. } = pace else { unreachable!("a pace stays what it is") };
        outcome.unsent = schedule.left() * self.batches.usual.requests;
        outcome.elapsed = start.elapsed();
        Ok(outcome)
    }

    /// Goes on until nothing is in flight and nothing more will begin, or until `end`.
    fn drive(&mut self, pace: &mut Pace, end: Instant, outcome: &mut Outcome) -> Result<(), Fault> {
        let mut events = Vec::with_capacity(MAX_EVENTS);
        while self.busy > 0 || self.waits_for(pace) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.give_up_stalled(outcome);
                break;
            }
            let timeout = match pace {
                Pace::Closed { .. } => left,
                // Sleeping would wake up late by more than a request takes.
                Pace::Open { .. } => Duration::ZERO,
            };
            events.clear();
            let timeout = Timespec::try_from(timeout).expect("a run's length fits a timespec");
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let key = usize::try_from(event.data.u64()).expect("keys come from a usize");
                self.on_event(key, event.flags, pace, outcome);
            }
            self.begin_due(pace, outcome);
        }
        Ok(())
    }

    /// Whether batches are still to be due, and a connection to send them.
    fn waits_for(&self, pace: &Pace) -> bool {
        match pace {
            Pace::Closed { .. } => false,
            Pace::Open { schedule, deadline } => {
                let is_over = schedule.left() == 0 || Instant::now() >= *deadline;
                !is_over && !self.free.is_empty()
            }
        }
    }

    /// Begins what is due by now, as long as there are free connections.
    fn begin_due(&mut self, pace: &mut Pace, outcome: &mut Outcome) {
        let Pace::Open { schedule, deadline } = pace else { return };
        let now = Instant::now();
        while now < *deadline
            && let Some(&key) = self.free.front()
            && let Some(at) = schedule.take(now)
        {
            self.free.pop_front();
            self.begin(key, at, outcome);
        }
    }

    /// Begins a batch that was due `at`, on a new connection if need be.
    fn begin(&mut self, key: usize, at: Instant, outcome: &mut Outcome) {
        let begun = match &mut self.slots[key] {
            Slot::Open(connection) => connection.begin(&self.batches, at),
            Slot::Closed => self.replace(key, at),
            Slot::GivenUp => return,
        };
        match begun {
            Ok(()) => self.busy += 1,
            Err(fault) => self.give_up(key, fault, outcome),
        }
    }

    fn replace(&mut self, key: usize, at: Instant) -> Result<(), Fault> {
        // Blocking, because a connection on loopback is made while the call lasts.
        let stream = std::net::TcpStream::connect(self.address)?;
        let mut connection = Connection::new(stream)?;
        connection.begin(&self.batches, at)?;
        register(&self.epoll, key, &connection)?;
        self.slots[key] = Slot::Open(connection);
        Ok(())
    }

    fn on_event(
        &mut self,
        key: usize,
        flags: epoll::EventFlags,
        pace: &Pace,
        outcome: &mut Outcome,
    ) {
        let Slot::Open(connection) = &mut self.slots[key] else { return };
        // Taken out of the count first and put back last, so that a fault in between is right
        // whatever the connection had already received.
        self.busy -= usize::from(connection.is_busy());
        let has_ended = flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP);
        let moved = connection
            .send(&self.batches)
            .and_then(|()| connection.receive(&self.batches, &mut self.input, outcome))
            .and_then(|moved| match moved {
                // The server's end of the stream may have arrived behind a short read.
                Moved::Waiting | Moved::Answered(_) if has_ended => connection.end(),
                moved => Ok(moved),
            });
        let now = match moved {
            Ok(Moved::Waiting) => return self.busy += usize::from(connection.is_busy()),
            Ok(Moved::Answered(now)) => now,
            Ok(Moved::Ended(now)) => {
                self.slots[key] = Slot::Closed;
                now
            }
            Err(fault) => return self.give_up(key, fault, outcome),
        };
        match pace {
            Pace::Closed { deadline } if now < *deadline => self.begin(key, now, outcome),
            Pace::Closed { .. } => {}
            Pace::Open { .. } => self.free.push_back(key),
        }
    }

    /// Closes a connection that is not among the busy ones and counts why.
    fn give_up(&mut self, key: usize, fault: Fault, outcome: &mut Outcome) {
        self.slots[key] = Slot::GivenUp;
        outcome.record_fault(fault);
    }

    fn give_up_stalled(&mut self, outcome: &mut Outcome) {
        self.busy = 0;
        for key in 0..self.slots.len() {
            if matches!(&self.slots[key], Slot::Open(connection) if connection.is_busy()) {
                self.give_up(key, Fault::Stalled, outcome);
            }
        }
    }
}

/// Opens connections that are kept, and learns what the server answers on them.
fn open_all(plan: &Plan, epoll: &OwnedFd) -> Result<(Vec<Slot>, Batches), Fault> {
    let request = plan.request.bytes(plan.address, Then::KeepAlive);
    let mut slots = Vec::with_capacity(plan.connections);
    let mut expected = None;
    for key in 0..plan.connections {
        let mut stream = dial(plan.address)?;
        let answer = plan.request.exchange(&mut stream, plan.address, Then::KeepAlive)?;
        let expect = expect(&plan.request, &answer);
        if *expected.get_or_insert(expect) != expect {
            return Err(Fault::Uneven);
        }
        let connection = Connection::new(stream)?;
        register(epoll, key, &connection)?;
        slots.push(Slot::Open(connection));
    }
    let usual = Batch {
        bytes: request.repeat(plan.depth),
        requests: plan.depth as u64,
        expect: expected.unwrap_or(Expect::Bytes(0)),
        ends: false,
    };
    Ok((slots, Batches { usual, last: None }))
}

/// Learns what the server answers on connections that end after so many requests.
fn learn(plan: &Plan, requests: NonZeroU64) -> Result<Batches, Fault> {
    let mut stream = dial(plan.address)?;
    let mut batch = |then| -> Result<Batch, Fault> {
        let bytes = plan.request.bytes(plan.address, then);
        let answer = plan.request.exchange(&mut stream, plan.address, then)?;
        let (expect, ends) = match then {
            Then::KeepAlive => (expect(&plan.request, &answer), false),
            // With the fields that say so, whose length nobody has promised.
            Then::Close => (Expect::BodyBytes(answer.body_bytes), true),
        };
        Ok(Batch { bytes, requests: 1, expect, ends })
    };
    Ok(Batches {
        usual: batch(Then::KeepAlive)?,
        last: Some((requests.get(), batch(Then::Close)?)),
    })
}

/// How responses like `answer` are recognised: where they are chunked, how many bytes the chunks
/// take is up to the moment.
fn expect(request: &Request, answer: &Answer) -> Expect {
    match request.payload {
        Payload::Echo(_) => Expect::Same,
        _ if answer.is_chunked => Expect::BodyBytes(answer.body_bytes),
        _ => Expect::Bytes(answer.bytes),
    }
}

/// Edge-triggered, so that interest in both directions costs nothing while idle.
fn register(epoll: &OwnedFd, key: usize, connection: &Connection) -> rustix::io::Result<()> {
    let interest = epoll::EventFlags::IN
        | epoll::EventFlags::OUT
        | epoll::EventFlags::RDHUP
        | epoll::EventFlags::ET;
    epoll::add(epoll, connection.stream(), epoll::EventData::new_u64(key as u64), interest)
}
