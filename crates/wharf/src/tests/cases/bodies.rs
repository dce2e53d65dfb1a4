//! Cases: bodies of requests, taken, left unread, refused and held back.
//!
//! Not here: bodies of responses (`streams.rs`).

use super::super::client::{Client, End};
use super::super::response::{Reader, Response};
use super::{Case, Harness};
use crate::{Limits, Server};

pub(super) const CASES: &[Case] = &[
    Case::new("a_small_body", a_small_body),
    Case::new("a_large_body_whole", a_large_body_whole),
    Case::new("a_large_body_comes_with_its_head", a_large_body_comes_with_its_head),
    Case::new("a_large_body_echoed", a_large_body_echoed),
    Case::new("a_large_body_echoed_slowly", a_large_body_echoed_slowly),
    Case::new("chunks_echoed", chunks_echoed),
    Case::new("chunks_with_extensions_and_trailers", chunks_with_extensions_and_trailers),
    Case::new("a_body_in_pieces", a_body_in_pieces),
    Case::new("a_body_that_is_read_late", a_body_that_is_read_late),
    Case::new("a_body_read_on_another_thread", a_body_read_on_another_thread),
    Case::new("a_small_body_unread", a_small_body_unread),
    Case::new("a_large_body_unread", a_large_body_unread),
    Case::new("an_announced_body_over_the_limit", an_announced_body_over_the_limit).with(tight),
    Case::new("chunks_over_the_limit", chunks_over_the_limit).with(tight),
    Case::new("a_truncated_body", a_truncated_body),
    Case::new("a_truncated_body_that_nobody_reads", a_truncated_body_that_nobody_reads),
    Case::new("truncated_chunks", truncated_chunks),
    Case::new("a_bad_chunk", a_bad_chunk),
    Case::new("expectations_are_met_when_the_body_is_read", met_when_read),
    Case::new("expectations_are_met_for_a_relay", met_for_a_relay),
    Case::new("expectations_are_met_for_another_thread", met_for_another_thread),
    Case::new("expectations_are_not_met_for_nobody", not_met_for_nobody),
    Case::new("nothing_is_held_back_from_an_early_sender", nothing_held_back),
];

fn tight(server: Server) -> Server {
    server.limits(Limits::builder().max_body_bytes(1000).build().unwrap())
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + u8::try_from(at * 7 % 26).unwrap()).collect()
}

/// `body` in chunks of `size` bytes.
fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(size) {
        chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    chunks
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn a_small_body(harness: &mut Harness) {
    let mut client = harness.connect();
    for target in ["/whole", "/echo", "/elsewhere", "/relay"] {
        assert_eq!(client.post(target, b"hello").text(), "hello", "{target}");
        assert_eq!(client.post(target, b"").text(), "", "{target}");
    }
}

fn a_large_body_whole(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(200 << 10));
    for _ in 0..2 {
        assert!(client.post("/whole", &body).body == body);
    }
}

/// With what comes before and behind it, too, and over the bound of a route.
fn a_large_body_comes_with_its_head(harness: &mut Harness) {
    let mut client = harness.connect();
    for len in [47 << 10, 49 << 10, 64 << 10] {
        let body = pattern(len);
        for target in ["/whole", "/echo", "/relay", "/elsewhere"] {
            let head =
                format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n");
            let before = "GET /page/1 HTTP/1.1\r\nHost: a\r\n\r\n";
            let behind = "GET /page/2 HTTP/1.1\r\nHost: a\r\n\r\n";
            client.send([before.as_bytes(), head.as_bytes(), &body, behind.as_bytes()].concat());
            assert_eq!(client.response().text(), "page 1");
            assert!(client.response().body == body, "{target} {len}");
            assert_eq!(client.response().text(), "page 2");
        }
        assert_eq!(client.post("/limit/more", &body).status, 413, "{len}");
        client = harness.connect();
        client.request("POST /whole", CHUNKED);
        client.send(chunked(&body, len));
        assert!(client.response().body == body);
        client = harness.connect();
    }
}

fn a_large_body_echoed(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(200 << 10));
    for _ in 0..2 {
        let response = client.post("/echo", &body);
        assert!(response.body == body);
        assert_eq!(response.field("content-length"), Some("204800"), "it was announced");
    }
}

/// The body comes in pieces, and each piece has to come back before the next is sent.
fn a_large_body_echoed_slowly(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(100 << 10));
    client.request("POST /echo", CHUNKED);
    let mut reader = Reader::new(false);
    for (number, piece) in body.chunks(10 << 10).enumerate() {
        client.send([b"2800\r\n", piece, b"\r\n"].concat());
        let len = (number + 1) * (10 << 10);
        client.read_until(&mut reader, |reader| reader.response.body.len() >= len).unwrap();
    }
    client.send("0\r\n\r\n");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert!(reader.response.body == body);
}

fn chunks_echoed(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(50_000));
    for target in ["/whole", "/echo", "/relay"] {
        for size in [100, 4096, 50_000] {
            client.request(&format!("PUT {target}"), CHUNKED);
            client.send(chunked(&body, size));
            assert!(client.response().body == body, "{target} {size}");
        }
    }
}

fn chunks_with_extensions_and_trailers(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /whole", CHUNKED);
    client.send("5;a=b\r\nhello\r\n6 ; c=\"d\"\r\n world\r\n0;x\r\nX-Sum: 1\r\nY: z\r\n\r\n");
    let response = client.response();
    assert!(response.status == 400 || response.text() == "hello world", "{response:?}");
    let mut client = harness.connect();
    client.request("POST /whole", CHUNKED);
    client.send("5;a=b\r\nhello\r\n6;c=\"d\"\r\n world\r\n0;x\r\nX-Sum: 1\r\nY: z\r\n\r\n");
    assert_eq!(client.response().text(), "hello world");
    assert_eq!(client.get("/").text(), "hello");
}

fn a_body_in_pieces(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /pieces", "Content-Length: 30\r\n");
    for count in 1..=3 {
        client.send("0123456789");
        harness.wait_for("body bytes", count * 10);
    }
    assert_eq!(client.response().text(), "30 bytes");
}

/// The handler does not read for a while, so that the peer is held up, and nothing is lost.
fn a_body_that_is_read_late(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(300 << 10));
    client.request("POST /late/a", &format!("Content-Length: {}\r\n", body.len()));
    client.send(&body[..100 << 10]);
    harness.wait_for("waiting", 1);
    harness.stage.open("a");
    client.send(&body[100 << 10..]);
    assert!(client.response().body == body);
}

fn a_body_read_on_another_thread(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(300 << 10));
    assert!(client.post("/elsewhere", &body).body == body);
}

fn a_small_body_unread(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(60_000));
    for _ in 0..3 {
        assert_eq!(client.post("/ignore", &body).text(), "ignored");
        client.request("POST /ignore", CHUNKED);
        client.send(chunked(&body, 999));
        assert_eq!(client.response().text(), "ignored");
    }
    assert_eq!(client.get("/").text(), "hello");
}

/// More than is worth reading: the peer has its response, also while it still sends, and then the
/// connection ends.
fn a_large_body_unread(harness: &mut Harness) {
    let (mut client, body) = (harness.connect(), pattern(1 << 20));
    assert_eq!(client.post("/ignore", &body).text(), "ignored");
    assert_eq!(client.end(), End::Closed);
}

fn assert_refused(client: &mut Client, status: u16) {
    let response = client.response();
    assert_eq!(response.status, status);
    assert!(response.closes());
    assert_eq!(client.end(), End::Closed);
}

fn an_announced_body_over_the_limit(harness: &mut Harness) {
    for target in ["/whole", "/echo", "/pieces"] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), "Content-Length: 1001\r\n");
        assert_refused(&mut client, 413);
    }
    assert_eq!(harness.stage.count("body bytes"), 0);
    assert_eq!(harness.connect().post("/whole", &pattern(1000)).body, pattern(1000));
}

fn chunks_over_the_limit(harness: &mut Harness) {
    for target in ["/whole", "/pieces"] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), CHUNKED);
        client.send(chunked(&pattern(1200), 400));
        assert_refused(&mut client, 413);
    }
    let mut client = harness.connect();
    client.request("POST /echo", CHUNKED);
    client.send(chunked(&pattern(1200), 400));
    assert_failed(&client.try_response(false));
}

/// A response that has begun can't tell of a failure but by not being complete.
fn assert_failed(outcome: &Result<Response, End>) {
    if let Ok(response) = outcome {
        assert!(response.status >= 400, "a success: {response:?}");
    }
}

fn a_truncated_body(harness: &mut Harness) {
    for target in ["/whole", "/pieces", "/elsewhere"] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), "Content-Length: 100\r\n");
        client.send(pattern(99));
        client.shut();
        assert_refused(&mut client, 400);
    }
    for target in ["/echo", "/relay"] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), "Content-Length: 100\r\n");
        client.send(pattern(99));
        client.shut();
        let outcome = client.try_response(false);
        // A relay does not know that its source failed, unless it looks.
        assert!(target == "/relay" || outcome.is_err(), "{target} {outcome:?}");
    }
}

/// Its handler has dropped the body, and answers as it would have done.
fn a_truncated_body_that_nobody_reads(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /held/a", "Content-Length: 100\r\n");
    client.send("begun");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| reader.response.body == b"begun ").unwrap();
    client.shut();
    harness.wait_for("waiting", 1);
    harness.stage.open("a");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(reader.response.text(), "begun ended");
    assert_eq!(client.end(), End::Closed);
}

fn truncated_chunks(harness: &mut Harness) {
    let body = chunked(&pattern(100), 30);
    for len in [1, 5, 50, body.len() - 5, body.len() - 1] {
        let mut client = harness.connect();
        client.request("POST /whole", CHUNKED);
        client.send(&body[..len]);
        client.shut();
        assert_refused(&mut client, 400);
        let mut client = harness.connect();
        client.request("POST /echo", CHUNKED);
        client.send(&body[..len]);
        client.shut();
        assert_failed(&client.try_response(false));
    }
}

fn a_bad_chunk(harness: &mut Harness) {
    for bad in ["x\r\n", "5\r\nhelloX", "-1\r\n", "5\nhello\r\n", "fffffffffffffffff\r\n"] {
        let mut client = harness.connect();
        client.request("POST /whole", CHUNKED);
        client.send(format!("3\r\nabc\r\n{bad}"));
        assert_refused(&mut client, 400);
        let mut client = harness.connect();
        client.request("POST /echo", CHUNKED);
        client.send(format!("3\r\nabc\r\n{bad}"));
        assert_failed(&client.try_response(false));
    }
    assert_eq!(harness.connect().get("/").text(), "hello");
}

const EXPECT: &str = "Content-Length: 5\r\nExpect: 100-continue\r\n";

/// Sends a head, waits for 100 and only then sends the body.
fn ask_first(harness: &Harness, target: &str) -> Response {
    let mut client = harness.connect();
    client.request(&format!("POST {target}"), EXPECT);
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| !reader.response.interim.is_empty()).unwrap();
    client.send("hello");
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(client.get("/").text(), "hello", "the connection goes on");
    reader.response
}

fn met_when_read(harness: &mut Harness) {
    for (target, text) in [("/whole", "hello"), ("/echo", "hello"), ("/pieces", "5 bytes")] {
        let response = ask_first(harness, target);
        assert_eq!((response.interim, response.body), (vec![100], text.into()), "{target}");
    }
}

fn not_met_for_nobody(harness: &mut Harness) {
    for (target, status) in [("/ignore", 200), ("/anything", 202), ("/panic/later", 500)] {
        let mut client = harness.connect();
        client.request(&format!("POST {target}"), EXPECT);
        let response = client.response();
        assert_eq!((response.status, response.interim.len()), (status, 0), "{target}");
        assert!(response.closes(), "nobody knows whether the body will be sent");
        assert_eq!(client.end(), End::Closed);
    }
}

fn nothing_held_back(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send(format!("POST /whole HTTP/1.1\r\nHost: a\r\n{EXPECT}\r\nhello"));
    let response = client.response();
    assert_eq!((response.text(), response.interim.len()), ("hello".to_owned(), 0));
    assert_eq!(client.get("/").text(), "hello");
}

fn met_for_a_relay(harness: &mut Harness) {
    assert_eq!(ask_first(harness, "/relay").text(), "hello");
}

fn met_for_another_thread(harness: &mut Harness) {
    assert_eq!(ask_first(harness, "/elsewhere").text(), "hello");
}
