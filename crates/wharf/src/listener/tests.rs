//! Listening itself: what is bound, what is refused, what is left behind.
//!
//! Not here: serving (`tests/listeners.rs` beside the crate's sources).

use std::net::TcpStream;
#[cfg(target_os = "linux")]
use std::time::Duration;

use super::*;

fn open(addr: &str) -> Result<Listener> {
    let addr: ListenAddr = addr.parse().map_err(Error::InvalidAddr)?;
    Listener::open(&addr).map(|mut listeners| listeners.remove(0))
}

fn kind_of(opened: Result<Listener>) -> Option<io::ErrorKind> {
    match opened {
        Err(Error::Listen { source, .. }) => Some(source.kind()),
        _ => None,
    }
}

#[test]
fn a_taken_port_is_an_error_also_when_its_owner_has_siblings() {
    let first = open("127.0.0.1:0").unwrap();
    let taken = open(&first.addr().to_string());
    assert_eq!(kind_of(taken), Some(io::ErrorKind::AddrInUse));
}

#[cfg(target_os = "linux")]
#[test]
fn siblings_share_the_port() {
    let mut listener = open("127.0.0.1:0").unwrap();
    listener.open_siblings(3).unwrap();
    assert_eq!(listener.sockets.len(), 3);
    for socket in &listener.sockets {
        let addr = socket.local_addr().unwrap().as_socket();
        assert_eq!(addr, listener.addr().socket_addr());
    }
    let taken = open(&listener.addr().to_string());
    assert_eq!(kind_of(taken), Some(io::ErrorKind::AddrInUse));
}

#[cfg(unix)]
#[test]
fn a_port_is_shared_by_those_who_both_say_so() {
    let first = open("127.0.0.1:0?reuse_port=on").unwrap();
    let addr = first.addr().socket_addr().unwrap();
    assert_eq!(kind_of(open(&addr.to_string())), Some(io::ErrorKind::AddrInUse));
    open(&format!("{addr}?reuse_port=on")).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn accepted_sockets_poll_as_long_as_their_listener() {
    const MICROS: u32 = 50;
    let listener = open("127.0.0.1:0").unwrap();
    let set = listener.set_busy_poll(MICROS);
    let server = crate::Server::new("hello").busy_poll(Duration::from_micros(MICROS.into()));
    let started = server.listen("127.0.0.1:0").unwrap().start();
    if set.is_err() {
        // Where it takes a privilege that is missing, who asked for it is told.
        assert!(matches!(started, Err(Error::BusyPoll(_))), "{started:?}");
        return;
    }
    started.unwrap().stop();
    assert_eq!(accepted(&listener).1.busy_poll().unwrap(), MICROS);
}

#[test]
fn the_unspecified_v6_address_takes_v4_as_well_unless_that_is_not_wanted() {
    for (addr, takes_v4) in [("[::]:0", true), ("[::]:0?only_v6", false), (":0", true)] {
        let Ok(listener) = open(addr) else {
            // A machine without IPv6 can't show it.
            continue;
        };
        let port = listener.addr().socket_addr().unwrap().port();
        assert_eq!(TcpStream::connect(("127.0.0.1", port)).is_ok(), takes_v4, "{addr}");
    }
}

/// A connection to a listener: the client's end, and what was accepted.
#[cfg(target_os = "linux")]
fn accepted(listener: &Listener) -> (TcpStream, Socket) {
    let client = TcpStream::connect(listener.addr().socket_addr().unwrap()).unwrap();
    listener.sockets[0].set_nonblocking(false).unwrap();
    let (accepted, _) = listener.sockets[0].accept().unwrap();
    (client, accepted)
}

#[cfg(target_os = "linux")]
#[test]
fn the_defaults_are_what_is_said_of_them() {
    let listener = open("127.0.0.1:0").unwrap();
    let (_client, accepted) = accepted(&listener);
    assert!(accepted.tcp_nodelay().unwrap());
    assert!(accepted.keepalive().unwrap());
    assert_eq!(accepted.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
    assert!(listener.sockets[0].reuse_address().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn options_reach_the_sockets_that_they_are_for() {
    let addr: ListenAddr = "127.0.0.1:0".parse().unwrap();
    let addr = addr
        .backlog(7)
        .nodelay(false)
        .keepalive(Some(Duration::from_secs(11)))
        .receive_buffer(32 << 10)
        .send_buffer(40 << 10)
        .reuse_address(false)
        .fast_open(5)
        .defer_accept(Duration::from_secs(3));
    let same: ListenAddr = addr.to_string().parse().unwrap();
    assert_eq!(addr, same);
    let mut listener = Listener::open(&addr.defer_accept(Duration::ZERO)).unwrap().remove(0);
    listener.open_siblings(2).unwrap();
    for socket in &listener.sockets {
        assert!(!socket.reuse_address().unwrap());
        // The system gives twice as much, for its own needs.
        assert_eq!(socket.recv_buffer_size().unwrap(), 64 << 10);
    }
    listener.sockets.truncate(1);
    let (_client, socket) = accepted(&listener);
    assert!(!socket.tcp_nodelay().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(11));
    assert_eq!(socket.send_buffer_size().unwrap(), 80 << 10);
    let silent = open("127.0.0.1:0?keepalive=off").unwrap();
    assert!(!accepted(&silent).1.keepalive().unwrap());
}

#[rustfmt::skip]
const GOOD: &[(&str, &str)] = &[
    ("127.0.0.1:8080",                 "127.0.0.1:8080"),
    ("0.0.0.0:80",                     "0.0.0.0:80"),
    ("[::]:8080",                      "[::]:8080"),
    ("[::1]:0",                        "[::1]:0"),
    ("[fe80::1%3]:80",                 "[fe80::1%3]:80"),
    (":8080",                          ":8080"),
    ("*:8080",                         ":8080"),
    ("localhost:8080",                 "localhost:8080"),
    ("unix:/run/a b.sock",             "unix:/run/a b.sock"),
    ("unix:a.sock",                    "unix:a.sock"),
    ("unix:/a:b@c",                    "unix:/a:b@c"),
    ("unix:@name/with:all",            "unix:@name/with:all"),
    ("fd:3",                           "fd:3"),
    ("systemd:",                       "systemd:"),
    ("systemd:web.socket",             "systemd:web.socket"),
    ("127.0.0.1:80?",                  "127.0.0.1:80"),
    ("127.0.0.1:80?nodelay&backlog=1", "127.0.0.1:80?backlog=1&nodelay=on"),
    ("unix:/x?mode=660",               "unix:/x?mode=0660"),
    ("fd:3?keepalive=off",             "fd:3?keepalive=off"),
    ("[::]:80?only_v6=off",            "[::]:80?only_v6=off"),
    (":80?keepalive=5&reuse_port=on",  ":80?keepalive=5&reuse_port=on"),
];

#[rustfmt::skip]
const BAD: &[(&str, Malformed)] = &[
    ("localhost",             Malformed::NoPort),
    ("127.0.0.1",             Malformed::NoPort),
    ("8080",                  Malformed::NoPort),
    ("",                      Malformed::NoPort),
    ("[::1]",                 Malformed::NoPort),
    ("::1",                   Malformed::BareIpv6),
    ("::1:8080",              Malformed::BareIpv6),
    ("1:2:3:4:5:6:7:8:80",    Malformed::BareIpv6),
    ("[127.0.0.1]:80",        Malformed::Ipv6),
    ("[::1:80",               Malformed::Ipv6),
    (":",                     Malformed::Port),
    (":65536",                Malformed::Port),
    ("localhost:",            Malformed::Port),
    ("localhost:+80",         Malformed::Port),
    ("localhost:http",        Malformed::Port),
    ("http://localhost:80",   Malformed::Url),
    ("/run/x.sock",           Malformed::Url),
    ("unix:",                 Malformed::NoPath),
    ("unix:?mode=0660",       Malformed::NoPath),
    ("unix:@",                Malformed::NoPath),
    ("fd:",                   Malformed::Descriptor),
    ("fd:-1",                 Malformed::Descriptor),
    ("fd:4294967296",         Malformed::Descriptor),
    (":80?colour=red",        Malformed::UnknownOption),
    (":80?Backlog=1",         Malformed::UnknownOption),
    (":80?backlog=many",      Malformed::Value("backlog")),
    (":80?backlog",           Malformed::Value("backlog")),
    (":80?nodelay=yes",       Malformed::Value("nodelay")),
    (":80?keepalive=1.5",     Malformed::Value("keepalive")),
    ("unix:/x?mode=0888",     Malformed::Value("mode")),
    ("unix:/x?mode=01777",    Malformed::Value("mode")),
    (":80?mode=0660",         Malformed::Misfit("mode")),
    ("unix:@x?mode=0660",     Malformed::Misfit("mode")),
    ("unix:/x?nodelay=on",    Malformed::Misfit("nodelay")),
    ("fd:3?reuse_port=on",    Malformed::Misfit("reuse_port")),
    ("systemd:?only_v6=on",   Malformed::Misfit("only_v6")),
];

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, shown) in GOOD {
        let addr: ListenAddr = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(addr.to_string(), *shown);
        assert_eq!(shown.parse().as_ref(), Ok(&addr), "{text}");
    }
}

#[test]
fn what_can_not_be_read_is_named_with_the_reason() {
    for (text, reason) in BAD {
        let error = text.parse::<ListenAddr>().expect_err(text);
        assert_eq!((error.text(), error.reason()), (*text, *reason));
        let Err(refused) = crate::Server::new("hello").listen(*text) else { panic!("{text}") };
        assert!(refused.to_string().starts_with("can't listen on "), "{refused}");
        assert!(refused.to_string().contains(text), "{refused}");
    }
    let misfit = ListenAddr::from(([127, 0, 0, 1], 0)).mode(0o660);
    let Err(refused) = crate::Server::new("hello").listen(misfit) else { panic!("it fits") };
    assert!(matches!(refused, Error::InvalidAddr(_)), "{refused:?}");
}
