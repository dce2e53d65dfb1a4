//! What connections hold that have nothing to do.
//!
//! Not here: what requests allocate (`tests/allocations.rs`, `tests/h2_allocations.rs`).

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use wharf_proto::h2::PREFACE;

use super::frames::{ack, get, settings};
use super::harness::SimTicker;
use super::inside::ticked;
use super::site::{Stage, site};
use crate::Server;
use crate::driver::sim::SimClient;

/// As many as a connection keeps the storage of.
const BURST: u32 = 32;

/// Has so many requests under way at a time, and returns by how much that lets the server grow, in
/// bytes.
fn burst(server: &mut SimTicker, client: &mut SimClient, stage: &Stage, first_id: u32) -> i64 {
    let requests = (0..BURST).flat_map(|n| get(first_id + 2 * n, &format!("/gate/{first_id}")));
    client.write(&requests.collect::<Vec<_>>()).unwrap();
    let grown = measure(|| {
        server.settle();
        stage.open(&first_id.to_string());
        server.settle();
    });
    while client.read(&mut [0; 64 << 10]).is_ok_and(|len| len > 0) {}
    grown.bytes_current
}

/// By how much the server grows while nothing happens.
fn rest(server: &mut SimTicker) -> i64 {
    measure(|| server.pass(Duration::from_secs(2))).bytes_current
}

#[test]
fn a_connection_of_http2_keeps_what_a_burst_has_left_for_a_while() {
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    let mut client = server.net.connect().unwrap();
    client.write(&[&PREFACE[..], &settings(&[]), &ack()].concat()).unwrap();
    let mut first_ids = (1..).step_by(2 * BURST as usize);
    let mut burst = |server: &mut SimTicker| {
        burst(server, &mut client, &stage, first_ids.next().expect("numbers are many"))
    };
    // What the worker keeps for all connections is there from now on.
    burst(&mut server);
    rest(&mut server);
    let grown = burst(&mut server);
    assert!(grown > 10_000, "{grown} bytes are left by a burst");
    let grown_again = burst(&mut server);
    assert!(grown_again < 2_000, "{grown_again} bytes more are left by another behind it");
    let kept = grown + grown_again + rest(&mut server);
    assert!(kept < 3_000, "{kept} bytes are kept");
}
