//! In steady state a request over TLS allocates what the engine does for its two records, and
//! nothing else, over HTTP/2 as well: counted, not timed.
//!
//! Not here: requests without TLS (`allocations.rs`, `h2_allocations.rs`), and the engine alone.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use wharf::{Backend, Certificate, Error, Request, Response, Server, Ticker, Tls};

/// Rounds before counting starts: pools and buffers reach their size, and so does HTTP/2's table of
/// fields, into which each request puts its authority anew.
const WARM_UP: usize = 400;

/// Rounds that are counted.
const COUNTED: u64 = 100;

/// What the engine allocates for each record, whichever way it goes.
const PER_RECORD: u64 = 1;

/// What is asked over a connection, and when that is answered.
#[derive(Debug)]
enum Spoken {
    Http1,
    Http2 { next_id: u32 },
}

impl Spoken {
    const ALL: [Self; 2] = [Self::Http1, Self::Http2 { next_id: 1 }];

    const fn protocol(&self) -> &[u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 { .. } => b"h2",
        }
    }

    /// The next request, with what stands before the first.
    fn ask(&mut self) -> Vec<u8> {
        let Self::Http2 { next_id } = self else {
            return b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
        };
        let mut out = Vec::new();
        if *next_id == 1 {
            // SETTINGS of ours, their acknowledgement of the server's, and a large window for all.
            out.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            out.extend_from_slice(b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0");
            out.extend_from_slice(b"\0\0\x04\x08\0\0\0\0\0\x70\0\0\0");
        }
        // GET, https and `/`, of the authority `a`, spelt out.
        out.extend_from_slice(b"\0\0\x06\x01\x05");
        out.extend_from_slice(&next_id.to_be_bytes());
        out.extend_from_slice(b"\x82\x87\x84\x41\x01a");
        *next_id += 2;
        out
    }

    /// Whether a response has come in full.
    fn is_answered(&self, mut response: &[u8]) -> bool {
        let Self::Http2 { .. } = self else { return response.ends_with(b"hello") };
        while let Some(head) = response.first_chunk::<9>() {
            let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let Some(rest) = response.get(9 + len..) else { return false };
            if matches!(head[3], 0 | 1) && head[4] & 1 != 0 {
                return true;
            }
            response = rest;
        }
        false
    }
}

fn client(certificate: &Certificate, spoken: &Spoken) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.der())).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![spoken.protocol().to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::new(config), name).expect("a configuration")
}

/// Asks, and ticks until the client has all of the response. Returns how often the ticks allocated.
fn serve(
    ticker: &mut Ticker,
    socket: &mut TcpStream,
    session: &mut ClientConnection,
    spoken: &mut Spoken,
) -> u64 {
    session.writer().write_all(&spoken.ask()).expect("it is small");
    let (mut allocations, mut response) = (0, Vec::new());
    while !spoken.is_answered(&response) {
        while session.wants_write() {
            session.write_tls(socket).expect("it is small");
        }
        let info = allocation_counter::measure(|| {
            ticker.tick(Duration::from_millis(10)).expect("the loop runs");
        });
        allocations += info.count_total;
        match session.read_tls(socket) {
            Ok(len) => assert_ne!(len, 0, "the server has gone"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        session.process_new_packets().expect("the server speaks TLS");
        read_all(session, &mut response);
    }
    allocations
}

fn read_all(session: &mut ClientConnection, response: &mut Vec<u8>) {
    match session.reader().read_to_end(response) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => panic!("{error}"),
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn count_on(backend: Backend, mut spoken: Spoken) -> io::Result<()> {
    let certificate = Certificate::self_signed(["localhost"]).expect("a certificate");
    let tls = Tls::new(certificate.clone());
    // Each second has another date, for which the table of fields may have to grow.
    let answer =
        |_: Request| Response::text("hello").with_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let server = Server::new(answer).backend(backend).listen_tls("127.0.0.1:0", tls);
    let server = server.expect("a free port");
    let addr = server.local_addrs()[0];
    let mut ticker = match server.into_ticker() {
        Ok(ticker) => ticker,
        Err(error @ Error::Backend(_)) => {
            eprintln!("skipped on {backend:?}: {error}");
            return Ok(());
        }
        Err(error) => panic!("{error}"),
    };
    let mut socket = TcpStream::connect(addr)?;
    socket.set_nonblocking(true)?;
    let mut session = client(&certificate, &spoken);
    for _ in 0..WARM_UP {
        serve(&mut ticker, &mut socket, &mut session, &mut spoken);
    }
    let mut allocations = 0;
    for _ in 0..COUNTED {
        allocations += serve(&mut ticker, &mut socket, &mut session, &mut spoken);
    }
    assert_eq!(
        allocations,
        2 * PER_RECORD * COUNTED,
        "in {COUNTED} rounds, {backend:?}, {spoken:?}"
    );
    Ok(())
}

#[test]
fn a_request_over_tls_allocates_what_the_engine_does() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        for spoken in Spoken::ALL {
            count_on(backend, spoken).expect("a connection");
        }
    }
}
