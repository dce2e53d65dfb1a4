//! TLS end to end: who a client is, which certificate it gets, what is agreed on, and crowds that
//! only begin. Each server ends with no connection left.
//!
//! All by what any program can use. Not here: handshakes and sessions by themselves (the files
//! beside), and every way to run a server (`tests/cases/secure.rs`).

mod client;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use self::client::{Client, PATIENCE, Running, identity};
use super::harness::{Authority, Issued, VERSIONS};
use crate::{
    ClientAuth, CloseReason, Dispatch, ErrorKind as Kind, Limit, Request, Server, Timeouts, Tls,
    TlsConfigError, TlsError, TlsVersion,
};

/// More than any test takes.
const LONG: Duration = Duration::from_secs(3600);

/// Tells a client who it is.
#[expect(clippy::needless_pass_by_value, reason = "handlers take requests by value")]
fn who(request: Request) -> String {
    let tls = request.tls().expect("it is spoken");
    match &tls.client {
        Some(client) => client.common_name.clone().unwrap_or_default(),
        None => "nobody".to_owned(),
    }
}

#[test]
fn a_client_is_known_to_each_request_by_its_certificate() {
    use ClientAuth::{None as Unasked, Optional, Required};
    let (authority, stranger) = (Authority::new("authority"), Authority::new("another authority"));
    let good = identity(&authority, "Nadia", |_| {});
    let foreign = identity(&stranger, "Mallory", |_| {});
    let expired = identity(&authority, "Otto", |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let unknown = TlsError::InvalidClientCertificate("".into());
    let missing = TlsError::NoClientCertificate;
    for (name, auth, identity, expected) in [
        ("not asked, has one", Unasked, Some(&good), Ok("nobody")),
        ("may, none", Optional, None, Ok("nobody")),
        ("may, has one", Optional, Some(&good), Ok("Nadia")),
        ("may, has a foreign one", Optional, Some(&foreign), Err(&unknown)),
        ("may, has one that has expired", Optional, Some(&expired), Err(&unknown)),
        ("must, none", Required, None, Err(&missing)),
        ("must, has one", Required, Some(&good), Ok("Nadia")),
        ("must, has a foreign one", Required, Some(&foreign), Err(&unknown)),
        ("must, has one that has expired", Required, Some(&expired), Err(&unknown)),
    ] {
        let tls = authority.issue(&["localhost"]).tls();
        let tls = tls.client_auth(auth, authority.pem()).unwrap();
        let running = Running::over_tls(Server::new(who), tls);
        let mut failed = 0;
        for version in VERSIONS {
            for protocol in ["http/1.1", "h2"] {
                let config = authority.client(version, &[protocol], identity);
                let answer = || {
                    let mut client = Client::connect(running.addr, &config, "localhost")?;
                    let answers = [client.get("/")?, client.get("/")?];
                    client.close();
                    Ok::<_, io::Error>(answers)
                };
                let answers = answer();
                match expected {
                    Ok(who) => assert_eq!(answers.unwrap(), [who; 2], "{name}, {protocol}"),
                    Err(error) => {
                        assert!(answers.is_err(), "{name}, {version:?}, {protocol}");
                        failed += 1;
                        let is_counted = |stats: &crate::Stats| stats.tls_failed(error) == failed;
                        running.wait_until(name, is_counted);
                    }
                }
            }
        }
        running.end();
    }
}

/// Which worker it is, whether the session goes on, and who the client is.
fn resumed(request: Request) -> String {
    let worker = request.worker_state::<u32>().expect("it is given");
    let is_resumed = request.tls().is_some_and(|tls| tls.is_resumed);
    format!("{worker} {is_resumed} {}", who(request))
}

#[test]
fn sessions_go_on_at_every_worker_with_who_the_client_is() {
    let authority = Authority::new("authority");
    let nadia = identity(&authority, "Nadia", |_| {});
    let tls = authority.issue(&["localhost"]).tls();
    let tls = tls.client_auth(ClientAuth::Optional, authority.pem()).unwrap();
    for version in VERSIONS {
        for identity in [None, Some(&nadia)] {
            let workers = AtomicU32::new(0);
            let server = Server::new(resumed)
                .workers(2)
                .dispatch(Dispatch::LeastConnections)
                .with_worker_state(move || workers.fetch_add(1, Ordering::Relaxed));
            let running = Running::over_tls(server, tls.clone());
            let config = authority.client(version, &["http/1.1"], identity);
            let mut clients = Vec::new();
            let mut answers = Vec::new();
            for _ in 0..8 {
                let mut client = Client::connect(running.addr, &config, "localhost").unwrap();
                answers.push(client.get("/").unwrap());
                clients.push(client);
            }
            let who = if identity.is_some() { "Nadia" } else { "nobody" };
            assert!(answers[0].ends_with(&format!("false {who}")), "{answers:?}");
            for worker in 0..2 {
                let expected = format!("{worker} true {who}");
                assert!(answers[1..].contains(&expected), "{version:?}: {answers:?}");
            }
            assert!(answers[1..].iter().all(|answer| answer.contains("true")), "{answers:?}");
            let stats = running.handle.stats();
            assert_eq!((stats.handshakes, stats.resumptions), (8, 7));
            clients.into_iter().for_each(Client::close);
            running.end();
        }
    }
}

#[test]
fn a_client_gets_the_certificate_for_the_name_that_it_asks_for() {
    let authority = Authority::new("authority");
    let pair = |names: &[&str]| authority.issue(names).pair();
    let first = pair(&["first.example", "127.0.0.1"]);
    let others = [pair(&["*.b.example", "b.example"]), pair(&["www.b.example"])];
    let several =
        others.iter().fold(Tls::new(first.clone()), |tls, one| tls.certificate(one.clone()));
    let handler = |request: Request| {
        let name = &request.tls().expect("it is spoken").server_name;
        name.as_deref().unwrap_or("none").to_owned()
    };
    let lax = Running::over_tls(Server::new(handler), several.clone());
    let strict = Running::over_tls(Server::new(handler), several.refuse_unknown_names());
    let config = authority.client(TlsVersion::Tls13, &[], None);
    for (name, told, expected) in [
        ("first.example", "first.example", Some(&first)),
        ("b.example", "b.example", Some(&others[0])),
        ("x.b.example", "x.b.example", Some(&others[0])),
        ("WWW.b.example", "www.b.example", Some(&others[1])),
        ("127.0.0.1", "none", Some(&first)),
        ("x.www.b.example", "", None),
        ("c.example", "", None),
    ] {
        for running in [&lax, &strict] {
            let connected = Client::connect(running.addr, &config, name);
            let Some(expected) = expected else {
                assert!(connected.is_err(), "{name}");
                continue;
            };
            let mut client = connected.unwrap();
            let shown = client.stream.conn.peer_certificates().unwrap()[0].to_vec();
            assert_eq!(shown, expected.der(), "{name}");
            assert_eq!(client.get("/").unwrap(), told, "{name}");
            client.close();
        }
    }
    // Who gets the first certificate all the same refuses it.
    lax.wait_until("alerts", |stats| stats.tls_failed(&TlsError::Alert("".into())) == 2);
    strict.wait_until("names", |stats| stats.tls_failed(&TlsError::UnknownName) == 2);
    lax.end();
    strict.end();
}

/// Two files that are removed in the end.
struct Pair([std::path::PathBuf; 2]);

impl Pair {
    fn new(issued: &Issued) -> Self {
        let path = |kind| {
            let name = format!("wharf-tls-load-{}-{kind}.pem", std::process::id());
            std::env::temp_dir().join(name)
        };
        let pair = Self([path("certificate"), path("key")]);
        pair.write(&issued.certificate, &issued.key);
        pair
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(&self.0[0], certificate).unwrap();
        fs::write(&self.0[1], key).unwrap();
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for path in &self.0 {
            let _is_gone = fs::remove_file(path);
        }
    }
}

#[test]
fn certificates_are_exchanged_under_load_and_no_request_is_lost() {
    const ROUNDS: usize = 30;
    let authority = Authority::new("authority");
    let issued = [authority.issue(&["localhost"]), authority.issue(&["localhost"])];
    let files = Pair::new(&issued[0]);
    let tls = Tls::from_pem_files(&files.0[0], &files.0[1]).unwrap();
    let running = Running::over_tls(Server::new("hello").workers(2), tls.clone());
    let der = |issued: &Issued| issued.pair().der().to_vec();
    let is_over = AtomicBool::new(false);
    let requests = AtomicU32::new(0);
    thread::scope(|scope| {
        let clients = ["http/1.1", "h2"].map(|protocol| {
            let (authority, running, is_over, requests) =
                (&authority, &running, &is_over, &requests);
            scope.spawn(move || {
                // One stays, and others come and go.
                let config = authority.client(TlsVersion::Tls13, &[protocol], None);
                let mut stays = Client::connect(running.addr, &config, "localhost").unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    let config = authority.client(TlsVersion::Tls13, &[protocol], None);
                    let mut comes = Client::connect(running.addr, &config, "localhost").unwrap();
                    assert_eq!([comes.get("/").unwrap(), stays.get("/").unwrap()], ["hello"; 2]);
                    comes.close();
                    requests.fetch_add(1, Ordering::Relaxed);
                }
                stays.close();
            })
        });
        for (round, next) in issued.iter().cycle().skip(1).take(ROUNDS).enumerate() {
            let before = requests.load(Ordering::Relaxed);
            files.write(&next.certificate, &next.key);
            tls.reload().unwrap();
            let other = &issued[round % 2];
            files.write(&other.certificate, &next.key);
            assert!(matches!(tls.reload(), Err(TlsConfigError::KeyMismatch { .. })));
            assert_eq!(tls.certificates()[0].der(), der(next), "what was good stays");
            while requests.load(Ordering::Relaxed) == before {
                assert!(!clients.iter().all(ScopedJoinHandle::is_finished), "nobody asks");
                thread::yield_now();
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let config = authority.client(TlsVersion::Tls13, &[], None);
    let client = Client::connect(running.addr, &config, "localhost").unwrap();
    let shown = client.stream.conn.peer_certificates().unwrap()[0].to_vec();
    assert_eq!(shown, der(&issued[ROUNDS % 2]));
    client.close();
    running.end();
}

#[test]
fn a_version_of_http_is_agreed_on_or_none_is() {
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).tls();
    let handler = |request: Request| format!("{:?}", request.version());
    let both = Running::over_tls(Server::new(handler), tls.clone());
    let one = Running::over_tls(Server::new(handler).http2(false), tls);
    for (offered, of_both, of_one) in [
        (&["h2", "http/1.1"][..], Some("HTTP/2.0"), Some("HTTP/1.1")),
        (&["http/1.1", "h2"], Some("HTTP/2.0"), Some("HTTP/1.1")),
        (&["h2"], Some("HTTP/2.0"), None),
        (&["http/1.1"], Some("HTTP/1.1"), Some("HTTP/1.1")),
        (&["imap", "http/1.1"], Some("HTTP/1.1"), Some("HTTP/1.1")),
        (&["imap"], None, None),
        (&[], Some("HTTP/1.1"), Some("HTTP/1.1")),
    ] {
        for (running, expected) in [(&both, of_both), (&one, of_one)] {
            for version in VERSIONS {
                let config = authority.client(version, offered, None);
                let connected = Client::connect(running.addr, &config, "localhost");
                assert_eq!(connected.is_ok(), expected.is_some(), "{offered:?}, {version:?}");
                if let (Ok(mut client), Some(expected)) = (connected, expected) {
                    assert_eq!(client.get("/").unwrap(), expected, "{offered:?}, {version:?}");
                    client.close();
                }
            }
        }
    }
    both.wait_until("two", |stats| stats.tls_failed(&TlsError::NoSharedProtocol) == 2);
    one.wait_until("four", |stats| stats.tls_failed(&TlsError::NoSharedProtocol) == 4);
    both.end();
    one.end();
}

/// The first that a client says.
fn hello(authority: &Authority, version: TlsVersion) -> Vec<u8> {
    let config = authority.client(version, &["h2", "http/1.1"], None);
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(config, name).unwrap();
    let mut hello = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut hello).unwrap();
    }
    hello
}

#[test]
fn who_speaks_tls_where_it_is_not_spoken_is_closed_for_that_reason() {
    let (sender, told) = mpsc::channel();
    let errors = sender.clone();
    let server = Server::new("hello")
        .on_close(move |closed| sender.send(format!("{:?}", closed.reason)).unwrap())
        .on_error(move |context| {
            if let Kind::Rejected(_) = context.kind {
                errors.send("rejected".to_owned()).unwrap();
            }
            None
        });
    let running = Running::start(server.listen("127.0.0.1:0").unwrap());
    for version in VERSIONS {
        let mut client = TcpStream::connect(running.addr).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(&hello(&Authority::new("any"), version)).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", answer.escape_ascii());
        drop(client);
        let told = [told.recv_timeout(PATIENCE).unwrap(), told.recv_timeout(PATIENCE).unwrap()];
        assert_eq!(told, ["rejected".to_owned(), format!("{:?}", CloseReason::Tls)]);
    }
    running.end();
}

/// Connections that begin handshakes, or say nothing at all, and go on no further.
fn crowd(running: &Running, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let begin = || {
        let mut client = TcpStream::connect(running.addr).unwrap();
        client.write_all(bytes).unwrap();
        client
    };
    (0..count).map(|_| begin()).collect()
}

#[test]
fn a_thousand_that_only_begin_leave_room_for_who_goes_on() {
    const BOUND: usize = 100;
    let authority = Authority::new("authority");
    let config = authority.client(TlsVersion::Tls13, &["h2"], None);
    let server = Server::new("hello").workers(1).max_handshakes(BOUND);
    let server = server.timeouts(Timeouts::default().with_handshake(LONG).with_first_byte(LONG));
    let running = Running::over_tls(server, authority.issue(&["localhost"]).tls());
    let hello = hello(&authority, TlsVersion::Tls13);
    let mut crowds = Vec::new();
    for _ in 0..10 {
        crowds.extend(crowd(&running, 50, &hello[..100]));
        crowds.extend(crowd(&running, 50, b""));
        let mut client = Client::connect(running.addr, &config, "localhost").unwrap();
        assert_eq!(client.get("/").unwrap(), "hello");
        client.close();
    }
    // Those that said nothing hold no more than any connection.
    let cut = 500 - BOUND as u64;
    running.wait_until("those that began first are cut", |stats| {
        stats.reached(Limit::Handshakes) >= cut
    });
    let stats = running.handle.stats();
    assert!((cut..=cut + 10).contains(&stats.reached(Limit::Handshakes)), "{stats}");
    assert_eq!((stats.handshakes, stats.reached(Limit::Handshake)), (10, 0));
    drop(crowds);
    running.end();
}

#[test]
fn a_thousand_that_only_begin_are_gone_when_their_time_is_over() {
    const COUNT: usize = 500;
    let authority = Authority::new("authority");
    let server = Server::new("hello").workers(1);
    let server = server.timeouts(Timeouts::default().with_handshake(Duration::from_millis(500)));
    let running = Running::over_tls(server, authority.issue(&["localhost"]).tls());
    let begun = crowd(&running, COUNT, &hello(&authority, TlsVersion::Tls13)[..100]);
    let silent = crowd(&running, COUNT, b"");
    running.wait_until("all are cut", |stats| {
        stats.reached(Limit::Handshake) == 2 * COUNT as u64 && stats.connections == 0
    });
    for mut client in begun.into_iter().chain(silent) {
        let end = client.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    }
    running.end();
}
