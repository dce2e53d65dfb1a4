//! One keep-alive connection: the batch it is sending and the responses it waits for.
//!
//! Not here: when to begin the next batch, which `load.rs` decides.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::response::Progress;
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

/// What all connections of a load send and expect.
#[derive(Debug)]
pub(crate) struct Batch {
    /// `requests` requests in a row.
    pub(crate) bytes: Vec<u8>,
    pub(crate) requests: u64,
    /// The length of each response.
    pub(crate) response_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    progress: Progress,
    /// Responses still to come.
    outstanding: u64,
    /// Bytes of the batch written so far.
    sent: usize,
    batch_at: Instant,
}

impl Connection {
    /// Takes over a `stream` on which nothing is in flight.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let batch_at = Instant::now();
        Ok(Self { stream, progress: Progress::default(), outstanding: 0, sent: 0, batch_at })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.outstanding > 0
    }

    /// Begins to send `batch`; the one before must be answered.
    pub(crate) fn begin(&mut self, batch: &Batch, now: Instant) -> Result<(), Fault> {
        debug_assert!(!self.is_busy(), "a batch begins when the one before is answered");
        self.outstanding = batch.requests;
        self.sent = 0;
        self.batch_at = now;
        self.send(batch)
    }

    /// Writes what is left of the batch, as far as the socket takes it.
    pub(crate) fn send(&mut self, batch: &Batch) -> Result<(), Fault> {
        while self.is_busy() && self.sent < batch.bytes.len() {
            match self.stream.write(&batch.bytes[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what has arrived, using `input` as a buffer, and records it in `outcome`.
    ///
    /// Returns the time of the last response if it completed the batch.
    pub(crate) fn receive(
        &mut self,
        batch: &Batch,
        input: &mut [u8],
        outcome: &mut Outcome,
    ) -> Result<Option<Instant>, Fault> {
        let mut complete_at = None;
        loop {
            let received = match self.stream.read(input) {
                Ok(0) => return Err(Fault::Closed),
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(complete_at),
                Err(error) => return Err(error.into()),
            };
            let responses = self.progress.feed(batch.response_bytes, &input[..received])?;
            self.outstanding = self.outstanding.checked_sub(responses).ok_or(Fault::Surplus)?;
            if !self.is_busy() && !self.progress.is_between() {
                return Err(Fault::Surplus);
            }
            if responses > 0 {
                let now = Instant::now();
                outcome.record_responses(responses, now - self.batch_at);
                complete_at = (!self.is_busy()).then_some(now);
            }
            // A short read means that the socket is empty; asking again would cost a call.
            if received < input.len() {
                return Ok(complete_at);
            }
        }
    }
}
