//! Cases: handlers that block, and the pool of threads that they run on.
//!
//! Not here: the pool alone (`threads.rs`), and that nothing is received that they do not read
//! (`inside.rs`).

use std::time::Duration;

use super::super::client::{Client, End};
use super::super::response::Reader;
use super::super::site::{LARGE_BYTES, MEGABYTE};
use super::{Case, Harness};
use crate::{BlockingPool, Server};

/// How long a request waits for a thread where it waits in vain: 50 ms and three times as much.
const STEP: Duration = Duration::from_millis(50);

/// Longer than that, timers being rounded up.
const PASSES: Duration = Duration::from_millis(250);

pub(super) const CASES: &[Case] = &[
    Case::new("a_blocking_handler", a_blocking_handler),
    Case::new("a_blocking_handler_has_the_body", a_blocking_handler_has_the_body),
    Case::new("a_blocking_handler_with_a_bound", a_blocking_handler_with_a_bound),
    Case::new("ten_clients_on_five_blocking_threads", ten_clients_on_five).with(five_threads),
    Case::new("no_thread_and_no_room_to_wait", no_thread_and_no_room).with(no_queue),
    Case::new("no_thread_in_time", no_thread_in_time).with(short_wait),
    Case::new("a_thread_in_time", a_thread_in_time).with(one_thread),
    Case::new("a_blocking_handler_takes_too_long", takes_too_long).with(one_thread),
    Case::new("gone_while_a_blocking_handler_waits", gone_while_it_waits).with(one_thread),
    Case::new("gone_while_a_blocking_handler_runs", gone_while_it_runs).with(one_thread),
    Case::new("a_panic_of_a_blocking_handler", a_panic).with(one_thread),
    Case::new("a_large_upload_to_a_blocking_handler", a_large_upload),
    Case::new("a_blocking_handler_relays_a_body", relays_a_body),
    Case::new("a_blocking_producer_waits_for_its_client", a_producer_waits),
    Case::new("a_blocking_producer_without_a_client", a_producer_without_a_client),
    Case::new("a_blocking_producer_that_does_not_finish", a_producer_does_not_finish),
    Case::new("a_blocking_producer_of_another_handler", a_producer_of_another_handler),
    Case::new("a_head_from_a_blocking_producer", a_head_from_a_producer),
    Case::new("stopped_while_blocking_handlers_wait_and_run", stopped).with(left_alone),
];

fn pool(threads: usize) -> BlockingPool {
    BlockingPool::default().with_max_threads(threads)
}

fn five_threads(server: Server) -> Server {
    server.blocking_pool(pool(5))
}

fn one_thread(server: Server) -> Server {
    server.blocking_pool(pool(1))
}

fn no_queue(server: Server) -> Server {
    server.blocking_pool(pool(1).with_max_queued(0))
}

fn short_wait(server: Server) -> Server {
    server.blocking_pool(pool(1).with_first_wait(STEP).with_retry_interval(STEP).with_max_retry(3))
}

fn left_alone(server: Server) -> Server {
    server.blocking_pool(pool(1).with_stop_wait(Duration::ZERO))
}

fn a_blocking_handler(harness: &mut Harness) {
    let mut client = harness.connect();
    for _ in 0..3 {
        let name = client.get("/blocking/name").text();
        assert!(name.starts_with("wharf-block-"), "{name}");
        assert_eq!(client.get("/").text(), "hello");
    }
    // The worker serves others meanwhile.
    let mut waits = harness.connect();
    waits.request("GET /blocking/gate/a", "");
    waits.request("GET /", "");
    harness.wait_for("waiting", 1);
    assert_eq!(client.get("/").text(), "hello");
    harness.stage.open("a");
    assert_eq!(waits.response().text(), "through a");
    assert_eq!(waits.response().text(), "hello");
}

fn a_blocking_handler_has_the_body(harness: &mut Harness) {
    let mut client = harness.connect();
    for len in [0, 1, 1000, 200_000, 1 << 20] {
        assert_eq!(client.post("/blocking/whole", &MEGABYTE[..len]).body.len(), len);
    }
    let chunked = "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n";
    client.request("POST /blocking/whole", chunked);
    assert_eq!(client.bytes(25), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("5\r\nhello\r\n");
    client.send("0\r\n\r\n");
    assert_eq!(client.response().text(), "hello");
}

fn a_blocking_handler_with_a_bound(harness: &mut Harness) {
    for (len, status) in [(10, 200), (11, 413), (100_000, 413)] {
        let mut client = harness.connect();
        assert_eq!(client.post("/blocking/small", &MEGABYTE[..len]).status, status, "{len}");
    }
    let mut client = harness.connect();
    client.request("POST /blocking/whole", "Content-Length: 2000000\r\n");
    assert_eq!(client.response().status, 413);
}

fn ten_clients_on_five(harness: &mut Harness) {
    let mut clients: Vec<_> = (0..10).map(|_| harness.connect()).collect();
    for client in &mut clients {
        client.request("GET /blocking/gate/a", "");
    }
    harness.wait_for("asked", 10);
    harness.wait_for("waiting", 5);
    assert_eq!(harness.stage.count("waiting"), 5);
    harness.stage.open("a");
    for client in &mut clients {
        assert_eq!(client.response().text(), "through a");
    }
    assert_eq!(harness.stage.count("passed"), 10);
}

fn no_thread_and_no_room(harness: &mut Harness) {
    let (mut first, mut second) = (harness.connect(), harness.connect());
    first.request("GET /blocking/gate/a", "");
    harness.wait_for("waiting", 1);
    let refused = second.post("/blocking/gate/b", b"body");
    assert_eq!((refused.status, refused.field("retry-after")), (503, Some("6")));
    assert!(!refused.closes());
    assert_eq!(second.get("/").text(), "hello");
    harness.stage.open("a");
    assert_eq!(first.response().text(), "through a");
    assert_eq!(harness.stage.count("waiting"), 1, "what was refused is not run");
}

/// Who has the only thread, and who is behind.
fn one_runs_and_one_waits(harness: &Harness) -> (Client, Client) {
    let (mut first, mut second) = (harness.connect(), harness.connect());
    first.request("GET /blocking/gate/a", "");
    harness.wait_for("waiting", 1);
    second.request("GET /blocking/gate/b", "");
    harness.wait_for("asked", 2);
    (first, second)
}

fn no_thread_in_time(harness: &mut Harness) {
    let (mut first, mut second) = one_runs_and_one_waits(harness);
    harness.pass(PASSES);
    let refused = second.response();
    assert_eq!((refused.status, refused.field("retry-after")), (503, Some("1")));
    assert_eq!(second.get("/").text(), "hello");
    harness.stage.open("a");
    assert_eq!(first.response().text(), "through a");
    assert_eq!(second.get("/blocking/name").text(), "wharf-block-0");
    assert_eq!(harness.stage.count("waiting"), 1, "what was refused is not run");
}

fn a_thread_in_time(harness: &mut Harness) {
    let (mut first, mut second) = one_runs_and_one_waits(harness);
    harness.pass(PASSES);
    harness.stage.open("a");
    harness.wait_for("waiting", 2);
    // One that has begun has no deadline any more.
    harness.pass(Duration::from_secs(60));
    harness.stage.open("b");
    assert_eq!(first.response().text(), "through a");
    assert_eq!(second.response().text(), "through b");
}

fn takes_too_long(harness: &mut Harness) {
    let (mut runs, mut waits) = (harness.connect(), harness.connect());
    runs.request("GET /blocking/quick/a", "");
    harness.wait_for("waiting", 1);
    harness.pass(PASSES);
    let refused = runs.response();
    assert_eq!((refused.status, refused.field("retry-after")), (503, None));
    // The thread is busy for all that.
    waits.request("GET /blocking/quick/a", "");
    harness.pass(PASSES);
    assert_eq!(waits.response().status, 503);
    assert_eq!(harness.stage.count("waiting"), 1);
    harness.stage.open("a");
    assert_eq!(runs.get("/blocking/quick/a").text(), "through a");
    assert_eq!(harness.stage.count("waiting"), 2);
}

fn gone_while_it_waits(harness: &mut Harness) {
    let (mut first, second) = one_runs_and_one_waits(harness);
    second.reset();
    harness.wait_for_close(crate::CloseReason::Lost);
    harness.stage.open("a");
    assert_eq!(first.response().text(), "through a");
    assert_eq!(first.get("/blocking/name").text(), "wharf-block-0");
    assert_eq!(harness.stage.count("waiting"), 1, "nobody is left to run it for");
}

fn gone_while_it_runs(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /blocking/late/a", "Content-Length: 100\r\n");
    client.send("begun");
    harness.wait_for("waiting", 1);
    client.reset();
    harness.wait_for_close(crate::CloseReason::Lost);
    harness.stage.open("a");
    assert_eq!(harness.connect().get("/blocking/name").text(), "wharf-block-0");
    assert_eq!(harness.stage.count("read"), 0, "it is told that the body was cut off");
}

fn a_panic(harness: &mut Harness) {
    let (mut other, mut client) = (harness.connect(), harness.connect());
    assert_eq!(other.get("/blocking/name").text(), "wharf-block-0");
    let response = client.get("/blocking/panic");
    assert!(response.status == 500 && response.closes());
    assert_eq!(client.end(), End::Closed);
    assert_eq!(other.get("/blocking/name").text(), "wharf-block-0");
}

fn a_large_upload(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.stage.open("a");
    let len = 8 * MEGABYTE.len();
    let fields = format!("Content-Length: {len}\r\n");
    client.request("POST /blocking/late/a", &fields);
    for _ in 0..8 {
        client.send(MEGABYTE);
    }
    assert_eq!(client.response().text(), format!("{len} bytes"));
}

fn relays_a_body(harness: &mut Harness) {
    let mut client = harness.connect();
    let response = client.post("/blocking/relay", &MEGABYTE[..900_000]);
    assert_eq!(response.body.len(), 900_000);
    assert_eq!(client.get("/").text(), "hello");
}

fn a_producer_waits(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /blocking/large", "");
    let mut reader = Reader::new(false);
    for step in 1..=8 {
        let len = step * LARGE_BYTES / 8;
        client.read_until(&mut reader, |reader| reader.response.body.len() >= len).unwrap();
        // Sockets hold some megabytes between them; the server must not hold the rest.
        let ahead = harness.stage.count("produced").saturating_sub(reader.response.body.len());
        assert!(ahead <= 16 << 20, "{ahead} bytes ahead of the client");
    }
    client.read_until(&mut reader, Reader::is_done).unwrap();
    assert_eq!(reader.response.body.len(), LARGE_BYTES);
}

fn a_producer_without_a_client(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /blocking/large", "");
    client.read_until(&mut Reader::new(false), Reader::has_head).unwrap();
    client.reset();
    harness.wait_for("producer gone", 1);
    assert!(harness.stage.count("produced") < LARGE_BYTES);
}

fn a_producer_does_not_finish(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /blocking/unfinished", "");
    assert!(client.try_response(false).is_err());
}

fn a_producer_of_another_handler(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/blocking/elsewhere").status, 500);
    assert_eq!(client.get("/").text(), "hello");
}

fn a_head_from_a_producer(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("HEAD /blocking/large", "");
    assert_eq!(client.response_to_head().status, 200);
    assert_eq!(client.get("/blocking/name").status, 200);
    assert_eq!(harness.stage.count("produced"), 0);
}

fn stopped(harness: &mut Harness) {
    let (mut runs, mut waits) = (harness.connect(), harness.connect());
    runs.request("GET /blocking/gate/a", "");
    harness.wait_for("waiting", 1);
    waits.request("GET /blocking/gate/a", "");
    harness.wait_for("asked", 2);
    harness.stop();
    assert_eq!(runs.end(), End::Closed);
    assert_eq!(waits.end(), End::Closed);
    harness.stage.open("a");
    harness.wait_for("passed", 1);
    assert_eq!(harness.stage.count("waiting"), 1, "what waited is dropped");
}
