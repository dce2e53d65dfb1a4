//! One connection: the batch it is sending and the responses it waits for.
//!
//! Not here: when to begin the next batch or to dial again, which `load.rs` decides.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::response::{Expect, Progress};
use crate::{Fault, Outcome};

/// A server that takes longer to accept or to answer its first request is not working.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to `address` with a blocking socket that gives up reading after some seconds.
///
/// # Errors
///
/// When nobody accepts in time.
pub fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, DIAL_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DIAL_TIMEOUT))?;
    stream.set_write_timeout(Some(DIAL_TIMEOUT))?;
    Ok(stream)
}

/// What is sent in one go, and what comes back.
#[derive(Debug)]
pub(crate) struct Batch {
    /// `requests` requests in a row.
    pub(crate) bytes: Vec<u8>,
    pub(crate) requests: u64,
    /// What each response is like.
    pub(crate) expect: Expect,
    /// Whether the server closes behind the last response.
    pub(crate) ends: bool,
}

/// What all connections of a load send and expect.
#[derive(Debug)]
pub(crate) struct Batches {
    pub(crate) usual: Batch,
    /// What each connection ends with after so many batches, the last included.
    pub(crate) last: Option<(u64, Batch)>,
}

/// What a connection has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// More has to come.
    Waiting,
    /// The batch is answered, and the connection can be used again.
    Answered(Instant),
    /// The batch is answered, and the server has closed as it was asked to.
    Ended(Instant),
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    progress: Progress,
    /// Responses still to come.
    outstanding: u64,
    /// Whether all that is missing is the server's end of the stream.
    is_ending: bool,
    /// Bytes of the batch written so far.
    sent: usize,
    /// Batches begun.
    begun: u64,
    batch_at: Instant,
}

impl Connection {
    /// Takes over a `stream` on which nothing is in flight.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            progress: Progress::default(),
            outstanding: 0,
            is_ending: false,
            sent: 0,
            begun: 0,
            batch_at: Instant::now(),
        })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.outstanding > 0 || self.is_ending
    }

    /// Begins to send the next batch, which is said to have been due `at`; the one before must be
    /// answered.
    pub(crate) fn begin(&mut self, batches: &Batches, at: Instant) -> Result<(), Fault> {
        debug_assert!(!self.is_busy(), "a batch begins when the one before is answered");
        self.begun += 1;
        self.outstanding = self.batch(batches).requests;
        self.sent = 0;
        self.batch_at = at;
        self.send(batches)
    }

    /// Writes what is left of the batch, as far as the socket takes it.
    pub(crate) fn send(&mut self, batches: &Batches) -> Result<(), Fault> {
        let batch = self.batch(batches);
        while self.outstanding > 0 && self.sent < batch.bytes.len() {
            match self.stream.write(&batch.bytes[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what has arrived, using `input` as a buffer, and records it in `outcome`.
    pub(crate) fn receive(
        &mut self,
        batches: &Batches,
        input: &mut [u8],
        outcome: &mut Outcome,
    ) -> Result<Moved, Fault> {
        let batch = self.batch(batches);
        let mut moved = Moved::Waiting;
        loop {
            let received = match self.stream.read(input) {
                Ok(0) => return self.end(),
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(moved),
                Err(error) => return Err(error.into()),
            };
            let responses = self.progress.feed(batch.expect, &batch.bytes, &input[..received])?;
            self.outstanding = self.outstanding.checked_sub(responses).ok_or(Fault::Surplus)?;
            if self.outstanding == 0 && !self.progress.is_between() {
                return Err(Fault::Surplus);
            }
            if responses > 0 {
                let now = Instant::now();
                outcome.record_responses(responses, now - self.batch_at);
                if self.outstanding == 0 {
                    self.is_ending = batch.ends;
                    moved = if batch.ends { Moved::Waiting } else { Moved::Answered(now) };
                }
            }
            // A short read means that the socket is empty; asking again would cost a call.
            if received < input.len() {
                return Ok(moved);
            }
        }
    }

    /// The server's end of the stream: what was asked for, or too early.
    pub(crate) fn end(&mut self) -> Result<Moved, Fault> {
        if !self.is_ending {
            return Err(Fault::Closed);
        }
        self.is_ending = false;
        Ok(Moved::Ended(Instant::now()))
    }

    /// The batch that was begun last.
    fn batch<'b>(&self, batches: &'b Batches) -> &'b Batch {
        match &batches.last {
            Some((number, last)) if self.begun >= *number => last,
            Some(_) | None => &batches.usual,
        }
    }
}
