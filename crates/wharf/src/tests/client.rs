//! A client that waits for what it asks for, on a real or a simulated connection.
//!
//! Where the server is ticked, waiting is ticking it. Ten seconds of real time without anything are
//! taken for a hang. Not here: how responses are read (`response.rs`).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::harness::Stepper;
use super::http2::frame;
use super::response::{Reader, Response};
use crate::driver::sim::{PATIENCE, SimClient};

/// How long a read or write of a real socket blocks before the other direction has its turn.
const TURN: Duration = Duration::from_millis(5);

/// So many turns without anything are taken for the end of what happens by itself.
pub(super) const VAIN_TURNS: usize = 20;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server closed its sending side.
    Closed,
    /// The server reset the connection.
    Reset,
    /// The server closed its sending side without saying so before, where that has to be said.
    Truncated,
    /// The server said something that is not allowed there, or that the session failed.
    Failed,
}

pub(super) enum Wire {
    Tcp(TcpStream),
    Sim(SimClient),
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Sim(client) => client.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Sim(client) => client.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What stands between a client and its connection.
pub(super) trait Layer {
    /// Whether nothing can be said so far.
    fn is_handshaking(&self) -> bool;

    /// Takes some of `bytes`, once all that it took before is sent.
    fn write(&mut self, wire: &mut Wire, bytes: &[u8]) -> io::Result<usize>;

    /// Sends what it took.
    fn flush(&mut self, wire: &mut Wire) -> io::Result<()>;

    /// Reads what was said; zero bytes are an end that was announced.
    fn read(&mut self, wire: &mut Wire, buffer: &mut [u8]) -> io::Result<usize>;

    /// Says that nothing more will be sent.
    fn shut(&mut self, wire: &mut Wire);
}

/// One connection to the server.
pub(super) struct Client {
    wire: Wire,
    layer: Option<Box<dyn Layer>>,
    /// Who has to be ticked for anything to happen.
    stepper: Option<Stepper>,
    /// What came and was not looked at.
    input: Vec<u8>,
    end: Option<End>,
}

impl Client {
    pub(super) fn over_tcp(addr: SocketAddr, stepper: Option<Stepper>) -> Self {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        if stepper.is_some() {
            stream.set_nonblocking(true).unwrap();
        } else {
            stream.set_read_timeout(Some(TURN)).unwrap();
            stream.set_write_timeout(Some(TURN)).unwrap();
        }
        Self { wire: Wire::Tcp(stream), layer: None, stepper, input: Vec::new(), end: None }
    }

    pub(super) const fn over_sim(client: SimClient, stepper: Option<Stepper>) -> Self {
        Self { wire: Wire::Sim(client), layer: None, stepper, input: Vec::new(), end: None }
    }

    /// The same with a layer, whose first words are said.
    pub(super) fn through(mut self, mut layer: Box<dyn Layer>) -> Self {
        layer.flush(&mut self.wire).expect("the first words are few");
        self.layer = Some(layer);
        self
    }

    /// Waits until something can be said, or nothing ever can.
    pub(super) fn shake_hands(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.end.is_none() && self.layer.as_ref().is_some_and(|layer| layer.is_handshaking())
        {
            if !self.take_in() {
                self.pause(deadline);
            }
        }
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        match &self.wire {
            Wire::Tcp(stream) => stream.local_addr().unwrap(),
            Wire::Sim(client) => client.local_addr(),
        }
    }

    /// Sends all of `bytes`, and takes in what comes meanwhile. A server that is gone is not
    /// minded: what it said before is still to be read.
    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let (mut bytes, mut deadline) = (bytes.as_ref(), Instant::now() + PATIENCE);
        loop {
            let written = if bytes.is_empty() { self.flush() } else { self.write(bytes) };
            match written {
                Ok(_) if bytes.is_empty() => return,
                Ok(len) => {
                    bytes = &bytes[len..];
                    deadline = Instant::now() + PATIENCE;
                }
                Err(error) if is_not_yet(&error) => {
                    self.take_in();
                    self.pause(deadline);
                }
                Err(_) => return,
            }
        }
    }

    /// Sends bytes past what stands between the client and its connection.
    #[cfg(feature = "tls-self-signed")]
    pub(super) fn send_plainly(&mut self, bytes: &[u8]) {
        let layer = self.layer.take();
        self.send(bytes);
        self.layer = layer;
    }

    /// Sends a request without a body, with these lines behind the request line.
    pub(super) fn request(&mut self, line: &str, fields: &str) {
        self.send(format!("{line} HTTP/1.1\r\nHost: test\r\n{fields}\r\n"));
    }

    /// The response to a GET.
    pub(super) fn get(&mut self, target: &str) -> Response {
        self.request(&format!("GET {target}"), "");
        self.response()
    }

    /// The response to a POST with a body of known length.
    pub(super) fn post(&mut self, target: &str, body: &[u8]) -> Response {
        let fields = format!("Content-Length: {}\r\n", body.len());
        self.request(&format!("POST {target}"), &fields);
        self.send(body);
        self.response()
    }

    /// Says that nothing more will be sent.
    pub(super) fn shut(&mut self) {
        if let Some(layer) = &mut self.layer {
            layer.shut(&mut self.wire);
            // It may still have what the connection did not take before.
            self.send([]);
        }
        self.cut();
    }

    /// Closes the sending side, and says nothing about it.
    pub(super) fn cut(&mut self) {
        match &mut self.wire {
            Wire::Tcp(stream) => match stream.shutdown(Shutdown::Write) {
                // The server has broken it off, for what was said last.
                Err(error) if error.kind() == ErrorKind::NotConnected => {}
                done => done.unwrap(),
            },
            Wire::Sim(client) => client.shut(),
        }
    }

    /// Breaks the connection off.
    pub(super) fn reset(self) {
        match self.wire {
            Wire::Tcp(stream) => {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            }
            Wire::Sim(client) => client.reset(),
        }
    }

    /// The next response.
    ///
    /// # Panics
    ///
    /// If there is none, or not all of it.
    pub(super) fn response(&mut self) -> Response {
        self.try_response(false).unwrap_or_else(|end| panic!("no response but {end:?}"))
    }

    /// The response to a HEAD.
    pub(super) fn response_to_head(&mut self) -> Response {
        self.try_response(true).unwrap_or_else(|end| panic!("no response but {end:?}"))
    }

    /// The next response, or the end of the connection if that comes before the response's.
    pub(super) fn try_response(&mut self, is_head: bool) -> Result<Response, End> {
        let mut reader = Reader::new(is_head);
        self.read_until(&mut reader, Reader::is_done)?;
        Ok(reader.response)
    }

    /// Reads until `is_enough`.
    pub(super) fn read_until(
        &mut self,
        reader: &mut Reader,
        is_enough: impl Fn(&Reader) -> bool,
    ) -> Result<(), End> {
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let used =
                reader.feed(&self.input).unwrap_or_else(|what| panic!("garbage: {what:.200}"));
            self.input.drain(..used);
            match self.end {
                _ if is_enough(reader) => return Ok(()),
                Some(End::Closed) if reader.end() => return Ok(()),
                Some(end) => return Err(end),
                None => {}
            }
            if self.take_in() {
                deadline = Instant::now() + PATIENCE;
            } else {
                self.pause(deadline);
            }
        }
    }

    /// Reads raw bytes until so many have come, and takes them.
    pub(super) fn bytes(&mut self, len: usize) -> String {
        let deadline = Instant::now() + PATIENCE;
        while self.input.len() < len {
            let (end, come) = (self.end, self.input.len());
            assert!(end.is_none(), "{end:?} behind {come}: {:.200}", self.input.escape_ascii());
            if !self.take_in() {
                self.pause(deadline);
            }
        }
        self.input.drain(..len).map(char::from).collect()
    }

    /// The next frame of HTTP/2, or the end of the connection: type, flags, stream, and payload.
    pub(super) fn frame(&mut self) -> Result<(u8, u8, u32, Vec<u8>), End> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(frame) = frame::take(&mut self.input) {
                return Ok(frame);
            }
            if let Some(end) = self.end {
                return Err(end);
            }
            if !self.take_in() {
                self.pause(deadline);
            }
        }
    }

    /// Lets the server have what was sent, where it is ticked.
    pub(super) fn let_it_look(&self) {
        if let Some(stepper) = &self.stepper {
            stepper.step();
        }
    }

    /// Waits for the end of the connection, before which nothing may come.
    pub(super) fn end(&mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        while self.end.is_none() {
            if !self.take_in() {
                self.pause(deadline);
            }
        }
        assert!(self.input.is_empty(), "not expected: {}", self.input.escape_ascii());
        self.end.expect("it was waited for")
    }

    /// Waits for the end of the connection, whatever comes before.
    pub(super) fn try_end(&mut self) -> End {
        let mut deadline = Instant::now() + PATIENCE;
        while self.end.is_none() {
            self.input.clear();
            if self.take_in() {
                deadline = Instant::now() + PATIENCE;
            } else {
                self.pause(deadline);
            }
        }
        self.end.expect("it was waited for")
    }

    /// Sends on until the server's end turns out to be gone.
    pub(super) fn wait_for_reset(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.write(b"x").is_ok() {
            self.pause(deadline);
        }
    }

    /// Whether nothing has come so far. Says nothing of what is on its way.
    pub(super) fn has_nothing(&mut self) -> bool {
        self.take_in();
        self.input.is_empty() && self.end.is_none()
    }

    /// Sends pieces until nothing more is taken for a while, or so many bytes were. Says how many.
    pub(super) fn send_until_stuck(&mut self, piece: &[u8], at_most: usize) -> usize {
        let (mut taken, mut vain) = (0, 0);
        while taken < at_most && vain < VAIN_TURNS {
            match self.write(piece) {
                Ok(len) => (taken, vain) = (taken + len, 0),
                Err(error) if is_not_yet(&error) => vain += 1,
                Err(error) => panic!("{error}"),
            }
            if vain > 0 {
                self.pause(Instant::now() + PATIENCE);
            }
        }
        taken
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            None => self.wire.write(bytes),
            Some(layer) => layer.write(&mut self.wire, bytes),
        }
    }

    fn flush(&mut self) -> io::Result<usize> {
        match &mut self.layer {
            None => Ok(0),
            Some(layer) => layer.flush(&mut self.wire).map(|()| 0),
        }
    }

    /// Reads once, and says whether anything came.
    fn take_in(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        let mut buffer = [0; 16 << 10];
        let read = match &mut self.layer {
            None => self.wire.read(&mut buffer),
            Some(layer) => layer.read(&mut self.wire, &mut buffer),
        };
        match read {
            Ok(0) => self.end = Some(End::Closed),
            Ok(len) => self.input.extend_from_slice(&buffer[..len]),
            Err(error) if is_not_yet(&error) => return false,
            Err(error) => {
                self.end = Some(match error.kind() {
                    ErrorKind::UnexpectedEof => End::Truncated,
                    ErrorKind::InvalidData => End::Failed,
                    _ => End::Reset,
                });
            }
        }
        true
    }

    /// Lets the server do something.
    fn pause(&self, deadline: Instant) {
        assert!(Instant::now() < deadline, "nothing happens");
        match (&self.stepper, &self.wire) {
            (Some(stepper), _) => stepper.step(),
            (None, Wire::Sim(client)) => client.wait(TURN),
            (None, Wire::Tcp(_)) => {}
        }
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
