//! Workers that are asked while they have other things to do, or can't answer.
//!
//! Not here: what they tell of each connection (`cases/inspection.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use super::client::{Client, End};
use crate::driver::Key;
use crate::driver::sim::{PATIENCE, Random};
use crate::worker::Control;
use crate::{ConnectionId, ConnectionState, Request, Response, Router, Server, ServerHandle};

/// A server with a handler that blocks its worker until it is let go.
struct Blocked {
    handle: ServerHandle,
    entered: Receiver<()>,
    release: Sender<()>,
}

fn blocked(workers: usize) -> Blocked {
    let (enter, entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let gate = Mutex::new((enter, released));
    let site = Router::new().get("/", "hello").get("/block", move |_: Request| {
        let gate = gate.lock().unwrap();
        gate.0.send(()).unwrap();
        // The test is over if nobody lets it go.
        let _ = gate.1.recv_timeout(PATIENCE);
        "released"
    });
    let server = Server::new(site).workers(workers).dispatch(crate::Dispatch::LeastConnections);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    Blocked { handle, entered, release }
}

#[test]
fn a_worker_that_is_blocked_is_named_and_the_others_answer() {
    let Blocked { handle, entered, release } = blocked(2);
    let addr = handle.local_addrs()[0];
    let mut clients = [Client::over_tcp(addr, None), Client::over_tcp(addr, None)];
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "hello");
    }
    let before = handle.connections();
    assert_eq!((before.list.len(), &*before.silent_workers), (2, &[][..]));
    let of = |client: &Client| {
        before.list.iter().find(|one| one.peer_addr == client.local_addr()).unwrap().id
    };
    let (stuck, free) = (of(&clients[0]), of(&clients[1]));
    assert_ne!(stuck.worker(), free.worker());
    // The one that accepts must remain free, or the other connection could be anywhere.
    clients[0].request("GET /block", "");
    entered.recv_timeout(PATIENCE).unwrap();
    let during = handle.connections();
    assert_eq!(during.silent_workers, [stuck.worker()]);
    assert_eq!(during.list.iter().map(|one| one.id).collect::<Vec<_>>(), [free]);
    assert!(!handle.kill(stuck), "not before its worker can");
    assert!(handle.kill(free));
    release.send(()).unwrap();
    clients[0].try_end();
    let after = handle.connections();
    assert!(after.list.is_empty() && after.silent_workers.is_empty(), "{after}");
}

/// Nobody sleeps for it, and the others go on: those who answer mind the time.
#[test]
fn a_handler_is_told_of_a_worker_that_is_blocked() {
    type Slot = Mutex<Option<Arc<dyn Control>>>;
    let (slot, (enter, entered)) = (Arc::<Slot>::default(), mpsc::channel());
    let (release, released) = mpsc::channel::<()>();
    let (asked, dying) = (Arc::clone(&slot), Arc::clone(&slot));
    let gate = Mutex::new((enter, released));
    let site = Router::new()
        .get("/", "hello")
        .get("/block", move |_: Request| {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            let _ = gate.1.recv_timeout(PATIENCE);
            "released"
        })
        .get("/connections", move |r: Request| {
            let (control, own) = (asked.lock().unwrap().clone().unwrap(), r.connection_id());
            async move {
                let connections = control.connections().await;
                let other = ConnectionId::new(own.worker(), Key { index: 99, generation: 9 });
                assert!(!control.kill(other).await);
                let silent = connections.silent_workers;
                format!("{} {silent:?}", connections.list.iter().any(|one| one.id == own))
            }
        })
        .get("/die", move |r: Request| {
            let control = dying.lock().unwrap().clone().unwrap();
            async move { control.kill(r.connection_id()).await.to_string() }
        });
    let server = Server::new(site).workers(2).dispatch(crate::Dispatch::LeastConnections);
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    let addr = handle.local_addrs()[0];
    let mut clients = [Client::over_tcp(addr, None), Client::over_tcp(addr, None)];
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "hello");
    }
    *slot.lock().unwrap() = Some(handle.control());
    assert_eq!(clients[1].get("/connections").text(), "true []");
    let list = handle.connections().list;
    let stuck = list.iter().find(|one| one.peer_addr == clients[0].local_addr()).unwrap().id;
    clients[0].request("GET /block", "");
    entered.recv_timeout(PATIENCE).unwrap();
    let expected = format!("true [{}]", stuck.worker());
    assert_eq!(clients[1].get("/connections").text(), expected);
    release.send(()).unwrap();
    assert_eq!(clients[0].response().text(), "released");
    clients[1].request("GET /die", "");
    assert_eq!(clients[1].end(), End::Closed);
    // It would keep itself.
    *slot.lock().unwrap() = None;
}

#[test]
fn a_handler_that_asks_is_told_not_to_block() {
    let slot: Arc<Mutex<Option<Arc<ServerHandle>>>> = Arc::default();
    let asked = Arc::clone(&slot);
    let server = Server::new(move |_: Request| {
        let handle = asked.lock().unwrap().clone();
        let ask = AssertUnwindSafe(|| handle.map(|handle| handle.connections()));
        let panic = catch_unwind(ask);
        Response::text(if panic.is_err() { "refused" } else { "answered" })
    });
    let handle = Arc::new(server.workers(1).listen("127.0.0.1:0").unwrap().start().unwrap());
    *slot.lock().unwrap() = Some(Arc::clone(&handle));
    let mut client = Client::over_tcp(handle.local_addrs()[0], None);
    assert_eq!(client.get("/").text(), "refused");
    *slot.lock().unwrap() = None;
}

#[test]
fn a_server_that_is_over_has_no_connections() {
    let handle = Server::new("hello").listen("127.0.0.1:0").unwrap().start().unwrap();
    let mut client = Client::over_tcp(handle.local_addrs()[0], None);
    assert_eq!(client.get("/").text(), "hello");
    let id = handle.connections().list[0].id;
    handle.stop();
    assert!(handle.wait(Some(PATIENCE)));
    let connections = handle.connections();
    assert!(connections.list.is_empty() && connections.silent_workers.is_empty());
    assert!(!handle.kill(id));
}

/// Who asks sees connections come and go and kills some of them, and nobody is ever answered with
/// less than all of a response that looks complete.
#[test]
fn connections_are_listed_and_killed_while_they_come_and_go() {
    const CLIENTS: u64 = 4;
    const ROUNDS: usize = 60;
    let site = Router::new().get("/", "hello").get("/stream", |_: Request| {
        Response::stream(async |mut writer| {
            for _ in 0..50 {
                writer.write("0123456789").await?;
                super::site::yield_once().await;
            }
            writer.finish()
        })
    });
    let server = Server::new(site).workers(2).listen("127.0.0.1:0").unwrap();
    let handle = Arc::new(server.start().unwrap());
    let addr = handle.local_addrs()[0];
    let are_done = Arc::new(AtomicBool::new(false));
    let killer = {
        let (handle, are_done) = (Arc::clone(&handle), Arc::clone(&are_done));
        thread::spawn(move || {
            let (mut random, mut killed) = (Random::new(7), 0);
            while !are_done.load(Ordering::Relaxed) {
                for one in handle.connections().list {
                    let request = one.request.as_ref().map(|request| &*request.target);
                    assert!(matches!(request, None | Some("/stream")), "{one}");
                    assert!(one.state != ConnectionState::Handling || request.is_some());
                    killed += usize::from(random.below(8) == 0 && handle.kill(one.id));
                }
            }
            killed
        })
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|seed| {
            thread::spawn(move || {
                let mut random = Random::new(seed);
                for _ in 0..ROUNDS {
                    let mut client = Client::over_tcp(addr, None);
                    while random.below(4) > 0 {
                        let (target, len) =
                            if random.below(2) == 0 { ("/", 5) } else { ("/stream", 500) };
                        client.request(&format!("GET {target}"), "");
                        // It may have been killed.
                        let Ok(response) = client.try_response(false) else { break };
                        assert_eq!(response.text().len(), len);
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    are_done.store(true, Ordering::Relaxed);
    let killed = killer.join().unwrap();
    let stats = handle.stats();
    assert_eq!(stats.closed(crate::CloseReason::Killed), killed as u64);
    assert_eq!(stats.workers().iter().map(|one| one.requests).sum::<u64>(), stats.requests);
    assert!(stats.workers()[1].thread.as_deref() == Some("wharf-1"), "{stats}");
}
