//! In steady state a request over TLS allocates what the engine does for its two records, and
//! nothing else: counted, not timed.
//!
//! Not here: requests without TLS (`allocations.rs`), and the engine alone.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use wharf::{Backend, Certificate, Error, Server, Ticker, Tls};

/// Rounds before counting starts: pools and buffers reach their size.
const WARM_UP: usize = 20;

/// Rounds that are counted.
const COUNTED: u64 = 100;

/// What the engine allocates for each record, whichever way it goes.
const PER_RECORD: u64 = 1;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn client(certificate: &Certificate) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.der())).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::new(config), name).expect("a configuration")
}

/// Ticks until the client has all of a response. Returns how often the ticks allocated.
fn serve(ticker: &mut Ticker, socket: &mut TcpStream, session: &mut ClientConnection) -> u64 {
    let (mut allocations, mut response) = (0, Vec::new());
    while !response.ends_with(b"hello") {
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
fn count_on(backend: Backend) -> io::Result<()> {
    let certificate = Certificate::self_signed(["localhost"]).expect("a certificate");
    let tls = Tls::new(certificate.clone());
    let server = Server::new("hello").backend(backend).listen_tls("127.0.0.1:0", tls);
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
    let mut session = client(&certificate);
    for _ in 0..WARM_UP {
        session.writer().write_all(REQUEST)?;
        serve(&mut ticker, &mut socket, &mut session);
    }
    let mut allocations = 0;
    for _ in 0..COUNTED {
        session.writer().write_all(REQUEST)?;
        allocations += serve(&mut ticker, &mut socket, &mut session);
    }
    assert_eq!(allocations, 2 * PER_RECORD * COUNTED, "in {COUNTED} rounds, {backend:?}");
    Ok(())
}

#[test]
fn a_request_over_tls_allocates_what_the_engine_does() {
    for backend in [Backend::Epoll, Backend::IoUring] {
        count_on(backend).expect("a connection");
    }
}
