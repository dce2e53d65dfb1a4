//! In steady state a request allocates nothing: counted, not timed.
//!
//! The server is ticked on the test's own thread, so that the counter sees the server and, between
//! the counted ticks, not the client. A streamed body allocates by the response, not by the piece.
//! Not here: pieces that other threads write, which are queued.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use wharf::{
    Backend, BoxError, Error, Io, Protocol, Request, Response, Router, Server, Service, StopSwitch,
    Stream, Ticker,
};

/// Rounds before counting starts: pools and buffers reach their size.
const WARM_UP: usize = 20;

/// Rounds that are counted.
const COUNTED: usize = 100;

struct Case {
    name: &'static str,
    /// What one client sends in one round.
    request: Vec<u8>,
    responses: usize,
    /// How often one round may allocate.
    allocations: u64,
}

impl Case {
    const fn new(name: &'static str, request: Vec<u8>, responses: usize) -> Self {
        Self { name, request, responses, allocations: 0 }
    }
}

fn cases() -> Vec<Case> {
    let plain = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    let browser = "GET /user/42?tab=posts HTTP/1.1\r\nHost: www.example.com\r\n\
        Connection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"140\"\r\nsec-ch-ua-mobile: ?0\r\n\
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n\
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
        Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\
        Referer: https://www.example.com/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
        Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef; theme=dark\r\n\r\n";
    let mut post = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n".to_vec();
    post.extend_from_slice(&[b'x'; 1024]);
    let mut chunked =
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n".to_vec();
    chunked.extend_from_slice(&[b'x'; 1024]);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let ready = b"GET /async HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let missing = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n";
    let stream = b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    // The channel, and the future that writes to it.
    let streamed = Case { allocations: 2, ..Case::new("100 pieces streamed", stream, 1) };
    vec![
        Case::new("plain", plain.clone(), 1),
        Case::new("16 pipelined", plain.repeat(16), 16),
        Case::new("a browser's headers", browser.into(), 1),
        Case::new("an asynchronous handler that is ready", ready, 1),
        Case::new("1 KiB posted", post, 1),
        Case::new("1 KiB posted in a chunk", chunked, 1),
        Case::new("plain on a connection of its own", plain, 1),
        Case::new("no such page, formatted", missing.to_vec(), 1),
        streamed,
    ]
}

fn site() -> Router {
    Router::new()
        .get("/", |_: Request| "Hello, world!\n")
        .get("/user/{id}", |request: Request| match request.param("id") {
            Some("42") => "known\n",
            _ => "unknown\n",
        })
        .get("/async", async |_: Request| "ready\n")
        .get("/stream", |_: Request| {
            Response::stream(async |mut writer| {
                for _ in 0..100 {
                    writer.write("a piece of a streamed response").await?;
                }
                writer.finish()
            })
        })
        .post("/echo", |request: Request| request.into_body())
        .fallback("nothing here\n")
}

/// Ticks until `client` has its responses. Returns how often the ticks allocated.
fn serve(ticker: &mut Ticker, client: &mut TcpStream, responses: usize) -> u64 {
    let mut buffer = vec![0; 64 << 10];
    let (mut allocations, mut len) = (0, 0);
    loop {
        let info = allocation_counter::measure(|| {
            ticker.tick(Duration::from_secs(5)).expect("the loop runs");
        });
        allocations += info.count_total;
        match client.read(&mut buffer[len..]) {
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("the server has gone: {error}"),
        }
        let heads = buffer[..len].windows(9).filter(|at| at == b"HTTP/1.1 ").count();
        let ends = buffer[..len].ends_with(b"\n") || buffer[..len].ends_with(b"x");
        if heads == responses && ends {
            return allocations;
        }
    }
}

/// Counts on a backend, unless the system does not have it.
fn count_on(backend: Backend) {
    let server = Server::new(site()).backend(backend).listen("127.0.0.1:0").expect("a free port");
    let addr = server.local_addrs()[0];
    let mut ticker = match server.into_ticker() {
        Ok(ticker) => ticker,
        Err(error @ Error::Backend(_)) => return eprintln!("skipped on {backend:?}: {error}"),
        Err(error) => panic!("{error}"),
    };
    let mut clients: Vec<TcpStream> = (0..4)
        .map(|_| {
            let client = TcpStream::connect(addr).expect("the server listens");
            client.set_nonblocking(true).expect("a socket can be non-blocking");
            client
        })
        .collect();
    for case in cases() {
        let mut allocations = 0;
        for round in 0..WARM_UP + COUNTED {
            let count = clients.len();
            let client = &mut clients[round % count];
            client.write_all(&case.request).expect("the request is small");
            let counted = serve(&mut ticker, client, case.responses);
            allocations += if round < WARM_UP { 0 } else { counted };
        }
        let allowed = case.allocations * COUNTED as u64;
        let name = case.name;
        assert_eq!(allocations, allowed, "{name}: allocations in {COUNTED} rounds, {backend:?}");
    }
}

#[test]
fn a_request_allocates_nothing_in_steady_state() {
    count_on(Backend::Epoll);
}

#[test]
fn a_request_allocates_nothing_in_steady_state_where_the_kernel_has_the_buffers() {
    count_on(Backend::IoUring);
}

struct Echo;

impl Protocol for Echo {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        io.write(bytes);
        Ok(bytes.len())
    }
}

/// Every way in which the worker serves a connection of another protocol than HTTP.
fn echoes() -> [(&'static str, Service); 3] {
    let stream = async |mut stream: Stream| -> io::Result<()> {
        let mut buffer = [0; 512];
        loop {
            match stream.read(&mut buffer).await? {
                0 => return Ok(()),
                len => stream.write_all(&buffer[..len]).await?,
            }
        }
    };
    let readable = |(): &mut (), bytes: &[u8], io: &mut Io<'_>| {
        io.write(bytes);
        Ok::<_, BoxError>(())
    };
    [
        ("a protocol", Service::protocol(|| Echo)),
        ("a function called with what comes", Service::on_readable(|| (), readable)),
        ("a handler over a stream", Service::tcp(stream)),
    ]
}

#[test]
fn an_echo_allocates_nothing_in_steady_state() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        for (name, service) in echoes() {
            let server = Server::with(service).backend(backend).listen("127.0.0.1:0");
            let server = server.expect("a free port");
            let addr = server.local_addrs()[0];
            let Ok(mut ticker) = server.into_ticker() else {
                eprintln!("skipped on {backend:?}");
                continue;
            };
            let mut client = TcpStream::connect(addr).expect("the server listens");
            client.set_nonblocking(true).expect("a socket can be non-blocking");
            let mut allocations = 0;
            for round in 0..WARM_UP + COUNTED {
                client.write_all(&[b'x'; 1024]).expect("it is small");
                let counted = take_back(&mut ticker, &mut client, 1024);
                allocations += if round < WARM_UP { 0 } else { counted };
            }
            assert_eq!(allocations, 0, "{name}: allocations in {COUNTED} rounds, {backend:?}");
        }
    }
}

/// Ticks until so many bytes have come back. Returns how often the ticks allocated.
fn take_back(ticker: &mut Ticker, client: &mut TcpStream, bytes: usize) -> u64 {
    let (mut allocations, mut len) = (0, 0);
    while len < bytes {
        let info = allocation_counter::measure(|| {
            ticker.tick(Duration::from_secs(5)).expect("the loop runs");
        });
        allocations += info.count_total;
        match client.read(&mut [0; 2048]) {
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("the server has gone: {error}"),
        }
    }
    allocations
}

/// So that both may be called where nothing may be waited for, as in a signal handler.
#[test]
fn a_switch_is_used_without_allocating() {
    let switch = StopSwitch::new();
    let handle = Server::new("hello").workers(2).stop_switch(&switch).listen("127.0.0.1:0");
    let handle = handle.and_then(Server::start).expect("it starts");
    let counted = allocation_counter::measure(|| {
        switch.drain(Duration::from_secs(60));
        switch.stop();
    });
    assert_eq!(counted.count_total, 0);
    assert!(handle.wait(None));
}
