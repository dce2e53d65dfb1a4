//! Cases: files as bodies.
//!
//! Not here: bodies that are made piece by piece (`streams.rs`), directories (`files/tests`).

use super::super::client::End;
use super::super::on_disk::{KEPT_BYTES, pattern};
use super::super::response::Reader;
use super::{Case, Harness};

pub(super) const CASES: &[Case] = &[
    Case::new("a_file", a_file),
    Case::new("the_last_response_is_a_file", the_last_response_is_a_file),
    Case::new("the_rest_of_a_file", the_rest_of_a_file),
    Case::new("an_empty_file", an_empty_file),
    Case::new("a_file_that_is_too_short_can_be_told", a_file_that_is_too_short),
    Case::new("a_file_that_is_cut_can_be_told", a_file_that_is_cut),
    Case::new("ranges_of_one_file_pipelined", ranges_of_one_file_pipelined),
    Case::new("a_file_is_taken_slowly", a_file_is_taken_slowly),
    Case::new("a_client_leaves_in_the_middle_of_a_file", a_client_leaves),
];

fn a_file(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..2 {
        let response = client.get("/file");
        assert_eq!(response.field("content-length"), Some("200000"));
        assert!(response.body == pattern(200_000));
    }
    client.request("HEAD /file", "");
    assert_eq!(client.response_to_head().field("content-length"), Some("200000"));
    assert_eq!(client.get("/").text(), "hello");
}

fn the_last_response_is_a_file(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /file", "Connection: close\r\n");
    assert!(client.response().body == pattern(200_000));
    assert_eq!(client.end(), End::Closed);
}

fn the_rest_of_a_file(harness: &mut Harness) {
    assert!(harness.connect().get("/file/rest").body == pattern(200_000)[150_001..]);
}

fn an_empty_file(harness: &mut Harness) {
    let mut client = harness.connect();
    for target in ["/file/empty", "/file/range/7/7", "/file/range/9/7"] {
        let response = client.get(target);
        assert_eq!((response.field("content-length"), response.body.len()), (Some("0"), 0));
    }
}

fn a_file_that_is_too_short(harness: &mut Harness) {
    for target in ["/file/short", "/file/range/1048570/1048580"] {
        let mut client = harness.connect();
        client.request(&format!("GET {target}"), "");
        assert!(client.try_response(false).is_err());
    }
}

/// More of it was announced than sockets hold, and the rest is gone before it can be sent.
fn a_file_that_is_cut(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /file/cut/a", "");
    let mut reader = Reader::new(false);
    client.read_until(&mut reader, |reader| !reader.response.body.is_empty()).unwrap();
    harness.stage.open("a");
    harness.wait_for("cut", 1);
    assert!(client.read_until(&mut reader, Reader::is_done).is_err());
    assert_eq!(harness.connect().get("/").text(), "hello");
}

fn ranges_of_one_file_pipelined(harness: &mut Harness) {
    const RANGES: &[(usize, usize)] =
        &[(0, 1), (1, 300_000), (299_999, 300_001), (70_001, 1 << 20), (0, 16_385), (5, 5)];
    let whole = pattern(KEPT_BYTES);
    let mut clients = [harness.connect(), harness.connect()];
    for client in &mut clients {
        for (from, to) in RANGES {
            client.request(&format!("GET /file/range/{from}/{to}"), "");
            client.request("GET /", "");
        }
    }
    for &(from, to) in RANGES {
        for client in &mut clients {
            assert!(client.response().body == whole[from..to], "{from}..{to}");
            assert_eq!(client.response().text(), "hello");
        }
    }
}

/// More than sockets hold; meanwhile others are served, also from the same file.
fn a_file_is_taken_slowly(harness: &mut Harness) {
    const TIMES: usize = 8;
    let whole = pattern(KEPT_BYTES);
    let (mut slow, mut other) = (harness.connect(), harness.connect());
    for _ in 0..TIMES {
        slow.request("GET /file/range/0/1048576", "");
    }
    assert!(other.get("/file/range/1000/900000").body == whole[1000..900_000]);
    for _ in 0..TIMES {
        assert!(slow.response().body == whole);
        assert_eq!(other.get("/").text(), "hello");
    }
}

fn a_client_leaves(harness: &mut Harness) {
    for _ in 0..3 {
        let mut client = harness.connect();
        client.request("GET /file/range/0/1048576", "");
        let mut reader = Reader::new(false);
        client.read_until(&mut reader, |reader| !reader.response.body.is_empty()).unwrap();
        drop(client);
        assert_eq!(harness.connect().get("/").text(), "hello");
    }
}
