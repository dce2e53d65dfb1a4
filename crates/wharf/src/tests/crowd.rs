//! Many clients at once, each on a thread of its own, against several workers: what only happens
//! when things happen at the same time.
//!
//! Not here: what one client can show (`cases`), and what is to be repeated (`seeds`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use super::client::Client;
use super::harness::{self, plan};
use super::site::{Stage, site};
use crate::driver::sim::{Faults, Pace, Random, SimNet};
use crate::{Backend, Dispatch, Server, ServerHandle, StopSwitch};

const CLIENTS: u64 = 4;
const CONNECTIONS: usize = 15;

/// Asks for this and that on several connections, one of which is broken off.
fn chat(seed: u64, connect: impl Fn() -> Client) {
    let mut random = Random::new(seed);
    let body: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for _ in 0..CONNECTIONS {
        let mut client = connect();
        for _ in 0..random.below(12) {
            match random.below(8) {
                0 => assert_eq!(client.get("/").text(), "hello"),
                1 => assert_eq!(client.get("/thread").text(), "from a thread"),
                2 => assert_eq!(client.get("/shared").text(), "not for other threads"),
                3 => assert_eq!(client.get("/numbers").body.len(), 3890),
                4 => assert_eq!(client.get("/from-thread").body.len(), 1_000_000),
                5 => assert!(client.post("/elsewhere", &body).body == body),
                6 => assert!(client.post("/echo", &body).body == body),
                _ => assert!(client.post("/relay", &body).body == body),
            }
        }
        if random.one_in(2) {
            client.request("GET /thread", "");
            client.request("GET /from-thread", "");
            client.reset();
        }
    }
}

fn crowd(connect: impl Fn() -> Client + Sync) {
    thread::scope(|scope| {
        for seed in 0..CLIENTS {
            let connect = &connect;
            scope.spawn(move || chat(seed, connect));
        }
    });
}

fn on_sockets(dispatch: Dispatch, backend: Backend) {
    let server = Server::new(site(&Arc::new(Stage::default()))).workers(2).dispatch(dispatch);
    let server = server.backend(backend);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    let addr: SocketAddr = handle.local_addrs()[0];
    crowd(|| Client::over_tcp(addr, None));
}

#[test]
fn a_crowd_on_listeners_of_their_own() {
    on_sockets(Dispatch::PerWorkerListener, Backend::Epoll);
}

#[test]
fn a_crowd_that_is_handed_over() {
    on_sockets(Dispatch::LeastConnections, Backend::Epoll);
}

#[test]
fn a_crowd_on_rings_of_their_own() {
    if harness::Backend::Uring.is_here() {
        on_sockets(Dispatch::PerWorkerListener, Backend::IoUring);
        on_sockets(Dispatch::LeastConnections, Backend::IoUring);
    }
}

#[test]
fn a_crowd_on_a_simulated_net() {
    let faults = Faults { short_read: 3, short_write: 3, disorder: true, ..Faults::default() };
    let net = SimNet::new(Pace::Threaded, 0, faults);
    let switch = StopSwitch::new();
    let server = Server::new(site(&Arc::new(Stage::default()))).stop_switch(&switch);
    let plans = plan(&net, server, 2, true);
    let handle = ServerHandle::start(plans).unwrap();
    crowd(|| Client::over_sim(net.connect().unwrap(), None));
    drop(handle);
    assert_eq!(net.open_connections(), 0);
}
