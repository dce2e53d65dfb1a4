//! Cases: what only some requests need, from trailers to other protocols, and bounds of routes.
//!
//! Not here: bodies (`bodies.rs`) and deadlines (`timeouts.rs`).

use super::super::client::{Client, End};
use super::super::features::TIME_LIMIT;
use super::{Case, Harness};
use crate::{CloseReason, ErrorContext, ErrorKind, Limit, Limits, Reject, Response, Server};

pub(super) const CASES: &[Case] = &[
    Case::new("trailers_come_with_the_body", trailers_come_with_the_body),
    Case::new("trailers_are_sent", trailers_are_sent),
    Case::new("trailers_of_an_echo", trailers_of_an_echo),
    Case::new("interim_responses", interim_responses),
    Case::new("no_interim_response_to_http_1_0", no_interim_response_to_http_1_0),
    Case::new("trace_is_off", trace_is_off),
    Case::new("trace_tells_no_secrets", trace_tells_no_secrets).with(with_trace),
    Case::new("a_route_takes_more", a_route_takes_more).with(tight),
    Case::new("a_route_takes_less", a_route_takes_less).with(tight),
    Case::new("a_route_changes_its_mind", a_route_changes_its_mind).with(tight),
    Case::new("a_body_too_large_that_was_dropped", a_body_too_large_dropped).with(tight),
    Case::new("a_page_that_is_no_page", a_page_that_is_no_page).with(with_odd_pages),
    Case::new("a_body_too_large_to_drain", a_body_too_large_to_drain),
    Case::new("a_handler_has_its_time", a_handler_has_its_time),
    Case::new("every_handler_has_its_time", every_handler_has_its_time).with(with_handler_timeout),
    Case::new("so_many_requests_and_no_more", so_many_requests_and_no_more).with(two_requests),
    Case::new("bare_lf", bare_lf).with(with_bare_lf),
    Case::new("no_bare_lf", no_bare_lf),
    Case::new("errors_have_pages_of_their_own", errors_have_pages).with(with_pages),
];

fn tight(server: Server) -> Server {
    server.limits(Limits::builder().max_body_bytes(1000).build().unwrap())
}

fn with_trace(server: Server) -> Server {
    server.allow_trace(true)
}

fn with_handler_timeout(server: Server) -> Server {
    server.timeouts(crate::Timeouts::default().with_handler(Some(TIME_LIMIT)))
}

fn two_requests(server: Server) -> Server {
    server.max_requests_per_connection(2)
}

/// Pages that tell what the hook was told.
fn with_pages(server: Server) -> Server {
    server.on_error(|context: &ErrorContext<'_>| {
        let target = context.request.map_or("nobody knows", |request| request.target());
        assert!(context.peer_addr.is_some());
        let page = Response::text(format!("{:?} at {target}", context.kind));
        context.status.map(|status| page.with_status(status))
    })
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn trailers_come_with_the_body(harness: &mut Harness) {
    let with = "5\r\nhello\r\n0\r\nA: b\r\nHost: evil\r\nc: d\r\n\r\n";
    for target in ["/trailers", "/trailers/later"] {
        for (body, seen) in [("0\r\n\r\n", "none"), (with, "A=b;c=d;")] {
            let mut client = harness.connect();
            // With the head, behind it, and bit by bit.
            client.send(format!("POST {target} HTTP/1.1\r\nHost: a\r\n{CHUNKED}\r\n{body}"));
            assert_eq!(client.response().text(), seen, "{target}");
            client.request(&format!("POST {target}"), CHUNKED);
            client.send(body);
            assert_eq!(client.response().text(), seen, "{target}");
            client.request(&format!("POST {target}"), CHUNKED);
            for byte in body.as_bytes() {
                client.send([*byte]);
            }
            assert_eq!(client.response().text(), seen, "{target}");
        }
    }
}

fn trailers_are_sent(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/trailers/sent");
    let trailers = [("X-Checksum".to_owned(), "1234".to_owned())];
    assert_eq!((response.text(), &response.trailers[..]), ("body".to_owned(), &trailers[..]));
    client.request("HEAD /trailers/sent", "");
    assert_eq!(client.response_to_head().trailers, []);
    assert_eq!(client.get("/").text(), "hello");
    client.send("GET /trailers/sent HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.text(), response.trailers.len()), ("body".to_owned(), 0));
}

fn trailers_of_an_echo(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /echo", CHUNKED);
    client.send("5\r\nhello\r\n0\r\nA: b\r\n\r\n");
    assert_eq!(client.response().text(), "hello");
    assert_eq!(client.get("/").text(), "hello");
}

fn interim_responses(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/hints");
    assert_eq!((response.text(), response.interim), ("done".to_owned(), vec![103, 102]));
    let response = client.get("/hints/now");
    assert_eq!(response.text(), "Ok(()) Err(WrongStatusClass)");
    assert_eq!(response.interim, [103]);
    assert!(client.get("/").interim.is_empty());
}

fn no_interim_response_to_http_1_0(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET /hints HTTP/1.0\r\n\r\n");
    assert!(client.response().interim.is_empty());
}

fn trace_is_off(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("TRACE /fields", "Cookie: a=b\r\n");
    assert_eq!(client.response().status, 501);
    assert_eq!(client.get("/").text(), "hello");
}

fn trace_tells_no_secrets(harness: &mut Harness) {
    let mut client = harness.connect();
    let secrets = "Cookie: a=b\r\nAUTHORIZATION: Basic x\r\nX-Api-Key: y\r\n";
    client.request("TRACE /a?b", &format!("{secrets}X-Seen: z\r\n"));
    let response = client.response();
    assert_eq!((response.status, response.field("content-type")), (200, Some("message/http")));
    assert_eq!(response.text(), "TRACE /a?b HTTP/1.1\r\nHost: test\r\nX-Seen: z\r\n\r\n");
    assert_eq!(client.get("/").text(), "hello");
}

/// Sends so many bytes in three ways and returns the statuses.
fn statuses(harness: &Harness, target: &str, len: usize) -> [u16; 3] {
    let body = "x".repeat(len);
    let sized = format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n");
    let chunked = format!("{len:x}\r\n{body}\r\n0\r\n\r\n");
    let ways: [&dyn Fn(&mut Client); 3] = [
        &|client| client.send(format!("{sized}{body}")),
        &|client| {
            client.send(&sized);
            client.send(&body);
        },
        &|client| {
            client.request(&format!("POST {target}"), CHUNKED);
            client.send(&chunked);
        },
    ];
    ways.map(|send| {
        let mut client = harness.connect();
        send(&mut client);
        let response = client.response();
        assert!(response.status != 200 || response.body.len() == len, "{target} {len}");
        response.status
    })
}

fn a_route_takes_more(harness: &mut Harness) {
    assert_eq!(statuses(harness, "/whole", 1000), [200; 3]);
    assert_eq!(statuses(harness, "/whole", 1001), [413; 3]);
    for target in ["/limit/more", "/limit/own"] {
        assert_eq!(statuses(harness, target, 1001), [200; 3], "{target}");
        assert_eq!(statuses(harness, target, 4000), [200; 3], "{target}");
        assert_eq!(statuses(harness, target, 4001), [413; 3], "{target}");
    }
    let mut client = harness.connect();
    client.request("POST /limit/more", "Content-Length: 4001\r\nExpect: 100-continue\r\n");
    let response = client.response();
    assert_eq!(
        (response.status, response.interim.len()),
        (413, 0),
        "before any of it is asked for"
    );
}

fn a_route_takes_less(harness: &mut Harness) {
    assert_eq!(statuses(harness, "/limit/less", 10), [200; 3]);
    assert_eq!(statuses(harness, "/limit/less", 11), [413; 3]);
}

fn a_route_changes_its_mind(harness: &mut Harness) {
    assert_eq!(statuses(harness, "/limit/nested", 4000), [200; 3], "the inner bound counts");
    assert_eq!(statuses(harness, "/limit/nested", 4001), [413; 3]);
    assert_eq!(statuses(harness, "/limit/echo", 10), [200; 3]);
    for behind in [false, true] {
        let mut client = harness.connect();
        client.request("POST /limit/echo", "Content-Length: 11\r\n");
        if behind {
            harness.connect().get("/");
        }
        client.send("x".repeat(11));
        assert_eq!(client.response().status, 413);
    }
    let mut client = harness.connect();
    client.request("POST /limit/late/a", "Content-Length: 11\r\nExpect: 100-continue\r\n");
    harness.wait_for("waiting", 1);
    harness.stage.open("a");
    let response = client.response();
    assert_eq!((response.status, response.interim.len()), (413, 0), "nobody waits for the other");
}

fn a_body_too_large_dropped(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /limit/dropped/a", "Content-Length: 2000\r\n");
    harness.wait_for("waiting", 1);
    client.send("x".repeat(2000));
    harness.stage.open("a");
    assert_eq!(client.response().text(), "not read");
}

/// What the hook returns can't be sent.
fn with_odd_pages(server: Server) -> Server {
    server.on_error(|context: &ErrorContext<'_>| {
        context.status.map(|_| Response::new(crate::StatusCode::CONTINUE))
    })
}

fn a_page_that_is_no_page(harness: &mut Harness) {
    for request in ["GET /failure", "GET /panic", "GET /a HTTP/1.1\r\nA : b\r\nX:"] {
        let mut client = harness.connect();
        client.request(request, "");
        assert_eq!(client.response().status, 500, "{request}");
    }
}

fn a_body_too_large_to_drain(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /ignore", "Content-Length: 100000\r\n");
    let response = client.response();
    assert!(response.status == 200 && response.closes(), "it says so beforehand");
    client.send("x".repeat(100_000));
    assert_eq!(client.end(), End::Closed);
    client.shut();
    harness.wait_for_close(CloseReason::Limit(Limit::DrainBytes));
}

fn a_handler_has_its_time(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /quick/a", "");
    harness.wait_for("waiting", 1);
    harness.pass(TIME_LIMIT * 2);
    assert_eq!(client.response().status, 503);
    harness.stage.open("b");
    assert_eq!(client.get("/quick/b").text(), "through", "the connection goes on");
}

fn every_handler_has_its_time(harness: &mut Harness) {
    let mut client = harness.connect();
    // One that waits for its body has no more time than any other.
    client.request("POST /late/a", "Content-Length: 5\r\n");
    harness.wait_for("waiting", 1);
    harness.pass(TIME_LIMIT * 2);
    assert_eq!(client.response().status, 503);
    harness.wait_for("late gone", 1);
    client.send("hello");
    assert_eq!(client.get("/").text(), "hello", "what is left of the body is dropped");
}

fn with_bare_lf(server: Server) -> Server {
    server.accept_bare_lf(true)
}

const BARE_LF: &str = "GET / HTTP/1.1\nHost: a\n\n";

fn bare_lf(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        client.send(BARE_LF);
        assert_eq!(client.response().text(), "hello");
    }
}

fn no_bare_lf(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send(BARE_LF);
    assert_eq!(client.response().status, 400);
}

fn so_many_requests_and_no_more(harness: &mut Harness) {
    let mut client = harness.connect();
    assert!(!client.get("/").closes());
    assert!(client.get("/").closes());
    assert_eq!(client.end(), End::Closed);
    client.shut();
    harness.wait_for_close(CloseReason::Limit(Limit::Requests));
}

fn errors_have_pages(harness: &mut Harness) {
    let page = |client: &mut Client| {
        let response = client.response();
        format!("{} {}", response.status, response.text())
    };
    let mut client = harness.connect();
    client.request("GET /failure", "");
    let expected = format!("502 {:?} at /failure", ErrorKind::Handler);
    assert_eq!(page(&mut client), expected);
    client.request("GET /panic/later", "");
    assert_eq!(page(&mut client), format!("500 {:?} at /panic/later", ErrorKind::Panic));
    let mut client = harness.connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    let kind = ErrorKind::Rejected(Reject::BadHost);
    assert_eq!(page(&mut client), format!("400 {kind:?} at nobody knows"));
    let mut client = harness.connect();
    client.request("POST /whole", "Content-Length: 9999999\r\n");
    let kind = ErrorKind::Limit(Limit::BodyBytes);
    assert_eq!(page(&mut client), format!("413 {kind:?} at /whole"));
    let mut client = harness.connect();
    client.request("GET /unfinished", "");
    assert!(client.try_response(false).is_err(), "it is too late for a page");
}
