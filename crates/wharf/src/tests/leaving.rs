//! Handlers without a client, and a drain that they hear of, in virtual time.
//!
//! Not here: what a client sees of it (`cases`).

use std::sync::Arc;
use std::time::Duration;

use super::inside::{read, ticked};
use super::site::{Stage, site};
use crate::{Limit, Request, Response, Server, StopSwitch};

const POST: &[u8] = b"POST /rule/default/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

#[test]
fn no_more_handlers_than_are_allowed_go_on_without_a_client() {
    const MAX: usize = 1024;
    let stage = Arc::new(Stage::default());
    let mut server = ticked(Server::new(site(&stage)));
    for _ in 0..=MAX {
        let mut client = server.net.connect().unwrap();
        client.write(POST).unwrap();
        server.settle();
        client.reset();
    }
    server.settle();
    let stats = server.workers[0].stats();
    assert_eq!((stats.connections, stats.orphans), (0, MAX as u64));
    assert_eq!(stats.reached(Limit::Orphans), 1);
    assert_eq!(stage.count("handler gone"), 1);
    stage.open("a");
    server.settle();
    assert_eq!(stage.count("handler finished"), MAX);
    assert_eq!(server.workers[0].stats().orphans, 0);
}

#[test]
fn a_drain_waits_for_handlers_without_a_client() {
    for is_in_time in [true, false] {
        let (stage, switch) = (Arc::new(Stage::default()), StopSwitch::new());
        let mut server = ticked(Server::new(site(&stage)).stop_switch(&switch));
        let mut client = server.net.connect().unwrap();
        client.write(POST).unwrap();
        server.settle();
        client.reset();
        server.settle();
        switch.drain(Duration::from_secs(10));
        server.settle();
        let now = Some(server.net.instant(server.net.time()));
        assert!(server.tick(now), "it is waited for");
        if is_in_time {
            stage.open("a");
            server.settle();
        } else {
            let deadline = server.net.instant(server.net.time() + Duration::from_secs(11));
            while server.tick(Some(deadline)) {}
        }
        assert_eq!(stage.count("handler finished"), usize::from(is_in_time));
        assert_eq!(stage.count("handler gone"), 1);
    }
}

#[test]
fn a_drain_is_told_before_and_after_it_has_begun() {
    let (stage, switch) = (Arc::new(Stage::default()), StopSwitch::new());
    let late = |request: Request| Response::text(request.draining().is_set().to_string());
    let site = site(&stage).get("/late", late);
    let mut server = ticked(Server::new(site).stop_switch(&switch));
    let (mut early, mut idle) = (server.net.connect().unwrap(), server.net.connect().unwrap());
    early.write(b"GET /drained HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    idle.write(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    server.settle();
    assert!(read(&mut idle).ends_with("false"));
    assert!(!read(&mut early).contains("drained"));
    switch.drain(Duration::from_secs(10));
    server.settle();
    assert!(read(&mut early).contains("drained"));
    idle.write(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    server.settle();
    assert!(read(&mut idle).ends_with("true"));
}
