//! In steady state a request over HTTP/2 allocates nothing, be it alone on its connection, one of
//! 32, or with a body: counted, not timed.
//!
//! Not here: HTTP/1.1 (`allocations.rs`), and the same over TLS (`tls_allocations.rs`).

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use wharf::{Backend, Error, Request, Response, Router, Server, Ticker};

/// Rounds before counting starts: pools and buffers reach their size, and so do the tables of
/// fields, into which each request puts its authority anew.
const WARM_UP: usize = 400;

/// Rounds that are counted.
const COUNTED: usize = 100;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `/` and `/echo` of the authority `a`, spelt out.
const GET: &[u8] = b"\x82\x86\x84\x41\x01a";
const POST: &[u8] = b"\x83\x86\x44\x05/echo\x41\x01a";

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8], out: &mut Vec<u8>) {
    let len = u32::try_from(payload.len()).expect("a short one").to_be_bytes();
    out.extend_from_slice(&len[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A client that makes room for all that it is sent.
struct Client {
    socket: TcpStream,
    next_id: u32,
    input: Vec<u8>,
}

impl Client {
    fn connect(addr: std::net::SocketAddr) -> Self {
        let socket = TcpStream::connect(addr).expect("the server listens");
        socket.set_nonblocking(true).expect("a socket can be non-blocking");
        let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        frame(4, 0, 0, &[], &mut out);
        frame(4, 1, 0, &[], &mut out);
        frame(8, 0, 0, &0x7000_0000_u32.to_be_bytes(), &mut out);
        let mut client = Self { socket, next_id: 1, input: Vec::new() };
        client.socket.write_all(&out).expect("it is short");
        client
    }

    /// Sends so many requests in one piece.
    fn ask(&mut self, count: usize, body: &[u8]) {
        let mut out = Vec::new();
        for _ in 0..count {
            let (block, end) = if body.is_empty() { (GET, END_STREAM) } else { (POST, 0) };
            frame(HEADERS, END_HEADERS | end, self.next_id, block, &mut out);
            if !body.is_empty() {
                frame(DATA, END_STREAM, self.next_id, body, &mut out);
            }
            self.next_id += 2;
        }
        self.socket.write_all(&out).expect("it is short");
    }

    /// How many responses have ended that have come by now.
    fn read(&mut self) -> usize {
        let mut buffer = [0; 64 << 10];
        match self.socket.read(&mut buffer) {
            Ok(0) => panic!("the server has gone"),
            Ok(len) => self.input.extend_from_slice(&buffer[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        let mut ended = 0;
        while let Some(head) = self.input.first_chunk::<9>() {
            let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let is_end = matches!(head[3], DATA | HEADERS) && head[4] & END_STREAM != 0;
            if self.input.len() < 9 + len {
                break;
            }
            ended += usize::from(is_end);
            self.input.drain(..9 + len);
        }
        ended
    }
}

/// Ticks until the client has so many responses. Returns how often the ticks allocated.
fn serve(ticker: &mut Ticker, client: &mut Client, responses: usize) -> u64 {
    let (mut allocations, mut ended) = (0, 0);
    while ended < responses {
        let info = allocation_counter::measure(|| {
            ticker.tick(Duration::from_millis(100)).expect("the loop runs");
        });
        allocations += info.count_total;
        ended += client.read();
    }
    allocations
}

/// Each second has another date, for which the table of fields may have to grow.
fn dated(response: Response) -> Response {
    response.with_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
}

fn count_on(backend: Backend) {
    let site = Router::new()
        .get("/", |_: Request| dated(Response::text("Hello, world!\n")))
        .post("/echo", |request: Request| dated(Response::from(request.into_body())));
    let server = Server::new(site).backend(backend).listen("127.0.0.1:0").expect("a free port");
    let addr = server.local_addrs()[0];
    let mut ticker = match server.into_ticker() {
        Ok(ticker) => ticker,
        Err(error @ Error::Backend(_)) => return eprintln!("skipped on {backend:?}: {error}"),
        Err(error) => panic!("{error}"),
    };
    let mut clients: Vec<_> = (0..4).map(|_| Client::connect(addr)).collect();
    for (name, count, body) in [
        ("plain", 1, 0),
        ("32 at a time", 32, 0),
        ("1 KiB posted", 1, 1024),
        // A body that is cut by the end of a buffer comes through a channel, which is allocated.
        ("1 KiB posted, 8 at a time", 8, 1024),
        ("plain again", 1, 0),
    ] {
        let body = vec![b'x'; body];
        let mut allocations = 0;
        for round in 0..WARM_UP + COUNTED {
            let client = &mut clients[round % 4];
            client.ask(count, &body);
            let counted = serve(&mut ticker, client, count);
            allocations += if round < WARM_UP { 0 } else { counted };
        }
        assert_eq!(allocations, 0, "{name}: allocations in {COUNTED} rounds, {backend:?}");
    }
}

#[test]
fn a_request_over_http2_allocates_nothing_in_steady_state() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        count_on(backend);
    }
}
