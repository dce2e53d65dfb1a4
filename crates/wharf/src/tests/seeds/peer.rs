//! A simulated client at work: it does what its script says and reads every response strictly.
//!
//! Not here: what the script says (`script.rs`), and time (`mod.rs`).

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use super::super::client::End;
use super::super::response::{Reader, Response};
use super::script::{Kind, Script, Step};
use super::world::World;
use crate::driver::sim::SimClient;

/// One client.
pub(super) struct Peer {
    name: String,
    /// `None` once the client has gone.
    sim: Option<SimClient>,
    script: Script,
    reader: Reader,
    /// Bytes sent, and of the step at hand.
    sent: usize,
    sent_of_step: usize,
    responses: Vec<Response>,
    /// While the script pauses, and while the client does not read: until when.
    pauses_until: Option<Duration>,
    reads_at: Duration,
    end: Option<End>,
    /// A response has said that it is the last.
    told_to_close: bool,
    faulted: bool,
}

/// Its script, for somebody who looks at a failure.
impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Script { asks, steps, misbehaves, shuts, .. } = &self.script;
        writeln!(f, "{}: misbehaves {misbehaves}, shuts {shuts}", self.name)?;
        for ask in asks {
            writeln!(f, "  {ask}")?;
        }
        for step in steps {
            writeln!(f, "  {step}")?;
        }
        Ok(())
    }
}

impl Peer {
    pub(super) fn new(name: String, sim: SimClient, script: Script) -> Self {
        let reader = Reader::new(script.asks[0].is_head);
        Self {
            name,
            sim: Some(sim),
            script,
            reader,
            sent: 0,
            sent_of_step: 0,
            responses: Vec::new(),
            pauses_until: None,
            reads_at: Duration::ZERO,
            end: None,
            told_to_close: false,
            faulted: false,
        }
    }

    pub(super) const fn is_gone(&self) -> bool {
        self.sim.is_none()
    }

    /// When the client will do something even if nothing happens to it.
    pub(super) fn next_at(&self, now: Duration) -> Option<Duration> {
        if self.is_gone() {
            return None;
        }
        let reads_at = Some(self.reads_at).filter(|at| *at > now);
        [self.pauses_until, reads_at].into_iter().flatten().min()
    }

    /// Does what can be done now.
    pub(super) fn visit(&mut self, now: Duration) {
        self.read(now);
        while self.sim.is_some() && self.step(now) {
            self.script.steps.pop_front();
            self.sent_of_step = 0;
        }
        if self.end.is_some() {
            self.leave();
        }
    }

    /// Does a step, and says whether it is over.
    fn step(&mut self, now: Duration) -> bool {
        let Some(sim) = &mut self.sim else { return false };
        let done = self.responses.len();
        match self.script.steps.front() {
            None | Some(Step::Stay) => return false,
            Some(Step::Send(_)) if self.told_to_close => {}
            Some(Step::Send(bytes)) => {
                let rest = &bytes[self.sent_of_step..];
                if rest.is_empty() {
                    return true;
                }
                match sim.write(rest) {
                    Ok(len) => {
                        self.sent += len;
                        self.sent_of_step += len;
                        return self.sent_of_step == bytes.len();
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                    // The server has gone; what it has said before is still to be read.
                    Err(_) => self.script.steps = VecDeque::from([Step::Stay, Step::Stay]),
                }
            }
            Some(Step::Pause(pause)) => {
                let until = *self.pauses_until.get_or_insert(now + *pause);
                if now < until {
                    return false;
                }
                self.pauses_until = None;
            }
            Some(Step::Await(count)) => return done >= *count || self.told_to_close,
            Some(Step::AwaitContinue(number)) => {
                let is_asked = done == *number && !self.reader.response.interim.is_empty();
                return is_asked || done > *number;
            }
            Some(Step::Shut) => sim.shut(),
            Some(Step::Reset) => {
                self.faulted |= sim.was_faulted();
                if let Some(sim) = self.sim.take() {
                    sim.reset();
                }
            }
            Some(Step::Leave) => self.leave(),
        }
        true
    }

    fn leave(&mut self) {
        if let Some(sim) = self.sim.take() {
            self.faulted |= sim.was_faulted();
        }
    }

    /// Reads what there is, as often as the client's pace allows.
    fn read(&mut self, now: Duration) {
        let mut buffer = vec![0; self.script.read_bytes];
        while now >= self.reads_at && self.end.is_none() {
            let Some(sim) = &mut self.sim else { return };
            match sim.read(&mut buffer) {
                Ok(0) => self.end = Some(End::Closed),
                Ok(len) => {
                    self.reads_at = now + self.script.read_pause;
                    self.take_in(&buffer[..len]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.end = Some(End::Reset),
            }
        }
        if self.end == Some(End::Closed) && !self.reader.is_fresh() && self.reader.end() {
            self.finish_response();
        }
    }

    fn take_in(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            assert!(!self.told_to_close, "{}: bytes behind the last response", self.name);
            let used =
                self.reader.feed(bytes).unwrap_or_else(|what| panic!("{}: {what}", self.name));
            bytes = &bytes[used..];
            let done = self.responses.len();
            let asked = self.script.asks.get(done).is_some_and(|ask| ask.starts_at < self.sent);
            assert!(asked, "{}: a response to nothing", self.name);
            if self.reader.is_done() {
                self.finish_response();
            }
        }
    }

    fn finish_response(&mut self) {
        let next = self.script.asks.get(self.responses.len() + 1);
        let reader = Reader::new(next.is_some_and(|ask| ask.is_head));
        let response = std::mem::replace(&mut self.reader, reader).response;
        self.told_to_close |= response.closes();
        self.responses.push(response);
    }

    /// Checks what came against what was asked, and returns how many responses there were.
    pub(super) fn check(&self, world: &World) -> usize {
        for number in 0..self.script.asks.len() {
            self.check_ask(number, world);
        }
        if !self.faulted && !self.script.misbehaves {
            self.check_end();
        }
        self.responses.len()
    }

    fn check_ask(&self, number: usize, world: &World) {
        let (ask, name) = (&self.script.asks[number], &self.script.asks[number].id);
        let (calls, logged) = (world.calls(name), world.logged(name));
        // A handler that wants the whole body is not called before it has come.
        assert!(calls <= logged.len() && logged.len() <= 1, "{name}: {calls} calls, {logged:?}");
        let was_sent = self.sent >= ask.ends_at;
        let Some(response) = self.responses.get(number) else { return };
        let is_good = response.status == 200;
        assert!(was_sent || !is_good || !ask.needs_body(), "{name}: a success without its body");
        if is_good {
            assert_eq!(calls, 1, "{name}: not called");
            assert_eq!(response.field("x-id"), Some(name.as_str()), "{name}: another's response");
            assert!(
                response.body == ask.expected(),
                "{name}: {:?} {:?}",
                ask.kind,
                response.text()
            );
            // All of a declared length may have come before its producer has said that it ends.
            let has_length = matches!(ask.kind, Kind::Declared(_) | Kind::Echo);
            let is_over = logged[0].complete || has_length;
            assert!(is_over && logged[0].status == Some(200), "{name}: {logged:?}");
            assert!(!matches!(ask.kind, Kind::Abort(_)) || ask.is_head, "{name}: not aborted");
        }
        let may_fail = self.script.misbehaves || ask.kind == Kind::Panic;
        assert!(is_good || may_fail, "{name}: {}", response.status);
        let is_last_of_shut = self.script.shuts && number + 1 == self.script.asks.len();
        let may_close = ask.may_close() || is_last_of_shut || self.script.misbehaves;
        assert!(!response.closes() || may_close, "{name}: closed for no reason");
    }

    /// A connection that nothing was done to answers everything, up to a response that closes or
    /// is aborted.
    fn check_end(&self) {
        let (done, asks) = (self.responses.len(), &self.script.asks);
        let last = self.responses.last();
        let may_end = done == asks.len() || last.is_some_and(Response::closes);
        let sent = asks.iter().skip(done).filter(|ask| ask.starts_at < self.sent);
        let was_aborted = sent.clone().any(|ask| matches!(ask.kind, Kind::Abort(_)));
        assert!(
            may_end || was_aborted,
            "{}: {:?} behind {done} of {} responses, next {:?}",
            self.name,
            self.end,
            asks.len(),
            asks.get(done).map(|ask| (&ask.id, ask.kind))
        );
        assert!(was_aborted || self.end != Some(End::Reset), "{}: reset", self.name);
    }
}
