//! Cases: requests and responses that nothing is wrong with.
//!
//! Not here: bodies in pieces (`bodies.rs`, `streams.rs`).

use std::time::Duration;

use super::super::client::{Client, End};
use super::super::site::MEGABYTE;
use super::{Case, Harness};
use crate::Server;

pub(super) const CASES: &[Case] = &[
    Case::new("plain_get", plain_get),
    Case::new("several_requests_on_one_connection", several_requests_on_one_connection),
    Case::new("http_1_0_closes", http_1_0_closes),
    Case::new("http_1_0_goes_on_if_asked", http_1_0_goes_on_if_asked),
    Case::new("sixteen_pipelined", sixteen_pipelined),
    Case::new("pipelined_with_bodies", pipelined_with_bodies),
    Case::new("byte_by_byte", byte_by_byte),
    Case::new("head", head),
    Case::new("not_found", not_found),
    Case::new("method_not_allowed", method_not_allowed),
    Case::new("fields_in_order_and_spelling", fields_in_order_and_spelling),
    Case::new("addresses", addresses),
    Case::new("cookies", cookies),
    Case::new("query", query),
    Case::new("the_request_asks_to_close", the_request_asks_to_close),
    Case::new("the_response_asks_to_close", the_response_asks_to_close),
    Case::new("pipelined_behind_a_close", pipelined_behind_a_close),
    Case::new("constants", constants),
    Case::new("types_of_responses", types_of_responses),
    Case::new("invalid_response_field", invalid_response_field),
    Case::new("a_future_that_is_not_send", a_future_that_is_not_send),
    Case::new("woken_from_another_thread", woken_from_another_thread),
    Case::new("woken_while_its_worker_spins", woken_from_another_thread).with(spinning),
    Case::new("many_connections", many_connections),
    Case::new("a_megabyte_that_is_not_copied", a_megabyte_that_is_not_copied),
    Case::new("large_bodies_pipelined", large_bodies_pipelined),
    Case::new("pipelined_before_an_end", pipelined_before_an_end),
];

fn plain_get(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/");
    assert_eq!((response.status, response.text()), (200, "hello".to_owned()));
    assert_eq!(response.field("content-length"), Some("5"));
    assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"));
    assert!(response.field("date").is_some_and(|date| date.ends_with(" GMT")));
    assert!(!response.closes());
}

fn several_requests_on_one_connection(harness: &mut Harness) {
    let mut client = harness.connect();
    for number in 0..20 {
        assert_eq!(client.get(&format!("/page/{number}")).text(), format!("page {number}"));
    }
    client.shut();
    assert_eq!(client.end(), End::Closed);
}

fn http_1_0_closes(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!(response.text(), "hello");
    assert!(response.closes());
    assert_eq!(client.end(), End::Closed);
}

fn http_1_0_goes_on_if_asked(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let response = client.response();
        assert_eq!(response.text(), "hello");
        assert_eq!(response.field("connection"), Some("keep-alive"));
    }
}

fn sixteen_pipelined(harness: &mut Harness) {
    let mut client = harness.connect();
    let requests: String =
        (0..16).map(|n| format!("GET /page/{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(requests);
    for number in 0..16 {
        assert_eq!(client.response().text(), format!("page {number}"));
    }
}

fn pipelined_with_bodies(harness: &mut Harness) {
    let mut client = harness.connect();
    let mut requests = Vec::new();
    for number in 0..8_usize {
        let target = ["/whole", "/echo", "/pieces", "/ignore"][number % 4];
        let body = "x".repeat(number * 100);
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        requests.extend_from_slice(head.as_bytes());
    }
    client.send(requests);
    for number in 0..8_usize {
        let body = "x".repeat(number * 100);
        let pieces = format!("{} bytes", body.len());
        let expected = [body.as_str(), &body, &pieces, "ignored"][number % 4];
        assert_eq!(client.response().text(), expected, "{number}");
    }
}

fn byte_by_byte(harness: &mut Harness) {
    let mut client = harness.connect();
    let request = b"POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for byte in request {
        client.send([*byte]);
        assert!(byte == &b'o' || client.has_nothing());
    }
    assert_eq!(client.response().text(), "hello");
}

fn head(harness: &mut Harness) {
    let mut client = harness.connect();
    for (target, length) in [("/", Some("5")), ("/megabyte", Some("1048576")), ("/numbers", None)] {
        client.request(&format!("HEAD {target}"), "");
        let response = client.response_to_head();
        assert_eq!((response.status, response.field("content-length")), (200, length), "{target}");
    }
    assert_eq!(client.get("/").text(), "hello");
}

fn not_found(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/nowhere");
    assert_eq!((response.status, response.text()), (404, "nothing here".to_owned()));
    assert_eq!(client.get("/").status, 200);
}

fn method_not_allowed(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("DELETE /", "");
    assert_eq!(client.response().status, 405);
    assert_eq!(client.get("/").status, 200);
}

fn fields_in_order_and_spelling(harness: &mut Harness) {
    let mut client = harness.connect();
    let fields = "X-Zebra: 1\r\nx-ant: 2\r\nACCEPT: *\r\nX-Zebra: 3\r\nEmpty:\r\n";
    client.request("GET /fields", fields);
    let expected = format!("Host: test\n{}", fields.replace("\r\n", "\n").replace("y:", "y: "));
    assert_eq!(client.response().text(), expected);
}

fn addresses(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/peer").text();
    let (peer, local) = response.split_once(' ').unwrap();
    assert_eq!(peer, client.local_addr().to_string());
    let other = harness.connect().get("/peer").text();
    let (other_peer, other_local) = other.split_once(' ').unwrap();
    assert_ne!(peer, other_peer);
    assert_eq!(local, other_local);
}

fn cookies(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /cookies", "Cookie: a=1; b=x y;c=\r\nCookie: d=\"4\"\r\n");
    assert_eq!(client.response().text(), "a=1;b=x y;c=;d=\"4\";");
}

fn query(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/query?a=1&b=%C3%A4+x&c").text(), "a=1;b=ä x;c=;");
    assert_eq!(client.get("/query").text(), "");
}

fn the_request_asks_to_close(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /", "Connection: close\r\n");
    let response = client.response();
    assert!(response.closes() && response.text() == "hello");
    assert_eq!(client.end(), End::Closed);
}

fn the_response_asks_to_close(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/bye");
    assert!(response.closes() && response.text() == "bye");
    assert_eq!(client.end(), End::Closed);
}

fn constants(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/text").field("content-type"), Some("text/plain; charset=utf-8"));
        let bytes = client.get("/bytes");
        assert_eq!(bytes.field("content-type"), Some("application/octet-stream"));
        assert_eq!((bytes.text(), client.get("/slice").text()), ("bytes".into(), "slice".into()));
        let teapot = client.get("/teapot");
        assert_eq!((teapot.status, teapot.field("content-length")), (418, Some("0")));
        let empty = client.get("/empty");
        assert_eq!((empty.status, empty.field("content-length")), (204, None));
    }
}

fn types_of_responses(harness: &mut Harness) {
    let mut client = harness.connect();
    let rows = [
        ("/unit", 200, ""),
        ("/pair", 201, "made"),
        ("/triple", 202, "taken"),
        ("/some", 200, "something"),
        ("/none", 404, "404 Not Found\n"),
        ("/good", 200, "good"),
        ("/bad", 409, "bad"),
        ("/broken", 500, "500 Internal Server Error\n"),
        ("/interim", 500, ""),
    ];
    for (target, status, text) in rows {
        let response = client.get(target);
        assert_eq!((response.status, response.text().as_str()), (status, text), "{target}");
        if target == "/triple" {
            assert_eq!((response.field("x-a"), response.field("x-b")), (Some("1"), Some("2")));
        }
    }
}

fn invalid_response_field(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.get("/invalid");
    assert_eq!((response.status, response.field("b")), (500, None));
    assert_eq!(client.get("/").status, 200);
}

fn a_future_that_is_not_send(harness: &mut Harness) {
    assert_eq!(harness.connect().get("/shared").text(), "not for other threads");
}

fn woken_from_another_thread(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..5 {
        assert_eq!(client.get("/thread").text(), "from a thread");
    }
}

fn spinning(server: Server) -> Server {
    server.spin(Duration::from_secs(3600))
}

fn many_connections(harness: &mut Harness) {
    let mut clients: Vec<_> = (0..30).map(|_| harness.connect()).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.request(&format!("GET /page/{number}-{round}"), "");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.response().text(), format!("page {number}-{round}"));
        }
        clients.truncate(10);
    }
}

fn a_megabyte_that_is_not_copied(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        let response = client.get("/megabyte");
        assert_eq!(response.field("content-length"), Some("1048576"));
        assert!(response.body == MEGABYTE);
    }
}

fn large_bodies_pipelined(harness: &mut Harness) {
    let mut client = harness.connect();
    for target in ["/megabyte", "/", "/megabyte", "/numbers", "/megabyte"] {
        client.request(&format!("GET {target}"), "");
    }
    for len in [1 << 20, 5, 1 << 20, 3890, 1 << 20] {
        assert_eq!(client.response().body.len(), len);
    }
}

/// There is no room for the next response before the one that is there was taken: all but the first
/// are held back when the end comes, in one piece with them if that can be.
fn pipelined_before_an_end(harness: &mut Harness) {
    for ends in [Client::shut, Client::cut] {
        let mut client = harness.connect();
        let targets = ["/megabyte", "/page/1", "/megabyte", "/numbers", "/page/2", "/megabyte"];
        client.send(
            targets.map(|target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).concat(),
        );
        ends(&mut client);
        for len in [1 << 20, 6, 1 << 20, 3890, 6, 1 << 20] {
            assert_eq!(client.response().body.len(), len);
        }
        assert_eq!(client.end(), End::Closed);
    }
    harness.wait_for("close: PeerClosed", 2);
}

/// What the peer had sent meanwhile must not turn the close into a reset, which may destroy the
/// response (RFC 9112 section 9.6).
fn pipelined_behind_a_close(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /bye", "");
    client.request("GET /", "");
    assert_eq!(client.response().text(), "bye");
    client.request("GET /", "");
    assert_eq!(client.end(), End::Closed);
}
