//! The count against servers that are known to answer right, wrong, and not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use loadgen::{Headers, Load, Plan, Request};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const TWO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\
    HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const RUN: Duration = Duration::from_millis(50);

/// What a server does after having answered one request well.
#[derive(Clone, Copy)]
enum Then {
    AnswerWell,
    Answer(&'static [u8]),
    Close,
    /// Answers well, and leaves the connection open even if asked to close it.
    Stay,
}

/// Serves on threads that end with the test's process; returns the address and the number of
/// requests served.
fn serve(then: Then) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound");
    let served = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&served);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("clients wait to be accepted");
            let count = Arc::clone(&count);
            thread::spawn(move || answer(stream, then, &count));
        }
    });
    (address, served)
}

/// Answers one request at a time, which is what makes pipelined batches arrive in pieces, and
/// closes when asked to.
fn answer(mut stream: TcpStream, then: Then, served: &AtomicU64) {
    let mut request = Vec::new();
    let mut first = true;
    let mut byte = [0];
    while let Ok(1) = stream.read(&mut byte) {
        request.push(byte[0]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let response = match then {
            Then::Answer(response) if !first => response,
            Then::Close if !first => return,
            Then::AnswerWell | Then::Answer(_) | Then::Close | Then::Stay => GOOD,
        };
        first = false;
        served.fetch_add(1, Ordering::Relaxed);
        let is_last = request.ends_with(b"Connection: close\r\n\r\n");
        let closes = is_last && !matches!(then, Then::Stay);
        if stream.write_all(response).is_err() || closes {
            return;
        }
        request.clear();
    }
}

fn plan(address: SocketAddr, depth: usize) -> Plan {
    let request = Request { headers: Headers::Browser, ..Request::get("/") };
    Plan { address, connections: 3, depth, request, per_connection: None }
}

#[test]
fn every_response_is_counted_and_none_is_left_in_flight() {
    for depth in [1, 16] {
        let (address, served) = serve(Then::AnswerWell);
        let mut load = Load::open(&plan(address, depth)).unwrap();
        let mut counted = 3; // One exchange on each connection when it was opened.
        for _ in 0..3 {
            let outcome = load.run(RUN).unwrap();
            assert_eq!((outcome.errors, outcome.bad_statuses), (0, 0));
            assert_eq!(outcome.latency_ns.len(), outcome.responses);
            counted += outcome.responses;
            assert_eq!(served.load(Ordering::Relaxed), counted, "depth {depth}");
        }
        assert!(counted > 3 * 3, "depth {depth}: nothing happened");
    }
}

#[test]
fn faults_are_counted_per_connection_by_their_kind() {
    for (then, bad_statuses, errors, fault) in [
        (Then::Answer(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"), 3, 0, "not 200"),
        (Then::Answer(TWO), 0, 3, "more bytes"),
        // One byte longer than the first response; the byte reads as the start of a second.
        (Then::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi!"), 0, 3, "not an HTTP/1.1"),
        (Then::Answer(b"oh"), 0, 3, "not an HTTP/1.1"),
        (Then::Close, 0, 3, "closed"),
    ] {
        let (address, _) = serve(then);
        let outcome = Load::open(&plan(address, 1)).unwrap().run(RUN).unwrap();
        assert_eq!((outcome.bad_statuses, outcome.errors), (bad_statuses, errors), "{fault}");
        let first = outcome.first_fault.expect("there was one").to_string();
        assert!(first.contains(fault), "{first} is not {fault}");
    }
}

#[test]
fn a_silent_server_ends_the_run_all_the_same() {
    let (address, _) = serve(Then::Answer(b""));
    let outcome = Load::open(&plan(address, 1)).unwrap().run(RUN).unwrap();
    assert_eq!((outcome.responses, outcome.errors), (0, 3));
}

#[test]
fn connections_are_replaced_after_so_many_requests() {
    for requests in [1, 10] {
        let (address, served) = serve(Then::AnswerWell);
        let per_connection = NonZeroU64::new(requests);
        let mut load = Load::open(&Plan { per_connection, ..plan(address, 1) }).unwrap();
        let mut counted = 2; // With and without a close, when the answers were learned.
        for _ in 0..3 {
            let outcome = load.run(RUN).unwrap();
            assert_eq!((outcome.errors, outcome.bad_statuses), (0, 0), "{requests}");
            counted += outcome.responses;
            assert_eq!(served.load(Ordering::Relaxed), counted, "{requests} per connection");
        }
        assert!(counted > 3 * 3, "{requests} per connection: nothing happened");
    }
}

#[test]
fn a_server_that_does_not_close_when_asked_is_at_fault() {
    let (address, _) = serve(Then::Stay);
    let per_connection = NonZeroU64::new(1);
    let mut load = Load::open(&Plan { per_connection, ..plan(address, 1) }).unwrap();
    let outcome = load.run(RUN).unwrap();
    assert_eq!((outcome.responses, outcome.errors), (3, 3));
    assert!(outcome.first_fault.unwrap().to_string().contains("missing"));
}

#[test]
fn chunked_responses_count_by_the_length_of_their_bodies() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        1\r\nh\r\n1\r\ni\r\n0\r\n\r\n";
    let (address, _) = serve(Then::Answer(CHUNKED));
    let per_connection = NonZeroU64::new(1);
    let load = Load::open(&Plan { per_connection, ..plan(address, 1) });
    // Learned from the second answer, which is the chunked one; GOOD has a body as long.
    let outcome = load.unwrap().run(RUN).unwrap();
    assert_eq!((outcome.errors, outcome.bad_statuses), (0, 0));
    assert!(outcome.responses > 0);
}

#[test]
fn an_open_loop_sends_what_is_due_and_counts_waiting_as_latency() {
    let (address, served) = serve(Then::AnswerWell);
    let mut load = Load::open(&plan(address, 1)).unwrap();
    let outcome = load.run_at(1000.0, RUN).unwrap();
    assert_eq!((outcome.responses, outcome.unsent, outcome.errors), (50, 0, 0));
    assert_eq!(served.load(Ordering::Relaxed), 3 + 50);

    // Far more than three connections can carry: most are due long before they are sent.
    let outcome = load.run_at(100_000_000.0, Duration::from_micros(10)).unwrap();
    assert_eq!(outcome.responses + outcome.unsent, 1000);
    let median = Duration::from_nanos(outcome.latency_ns.value_at_quantile(0.5));
    assert!(median > outcome.elapsed / 4, "{median:?} of {:?}", outcome.elapsed);
}
