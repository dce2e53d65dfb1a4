//! Where workers run, as their handlers see it.
//!
//! Not here: what the system makes of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use crate::sys::pinning::cpus_of_this_thread;
use crate::{Dispatch, Request, Server, StopSwitch, blocking};

/// A server that tells where it runs.
fn server(workers: usize) -> Server {
    let place = |_: Request| {
        format!("{}{:?}", thread::current().name().unwrap_or("none"), cpus_of_this_thread())
    };
    // Each new connection goes to another worker.
    let server = Server::new(place).workers(workers).dispatch(Dispatch::LeastConnections);
    server.listen("127.0.0.1:0").unwrap()
}

/// What the workers say, in order.
fn places(addr: SocketAddr, workers: usize) -> Vec<String> {
    let mut clients = Vec::new();
    let mut places = Vec::new();
    for _ in 0..workers {
        let mut client = TcpStream::connect(addr).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let (mut response, mut buffer) = (Vec::new(), [0; 4096]);
        while !response.ends_with(b"]") {
            let len = client.read(&mut buffer).unwrap();
            assert_ne!(len, 0, "it is closed");
            response.extend_from_slice(&buffer[..len]);
        }
        let response = String::from_utf8(response).unwrap();
        places.push(response.rsplit("\r\n").next().unwrap().to_owned());
        clients.push(client);
    }
    places.sort();
    places
}

#[test]
fn each_worker_stays_where_it_is_put_and_more_than_there_are_cores_share() {
    let allowed = cpus_of_this_thread();
    let workers = allowed.len().min(4) + 1;
    let handle = server(workers).pin_workers(true).start().unwrap();
    let expected = (0..workers).map(|worker| (worker, allowed[worker % allowed.len()]));
    let mut expected: Vec<_> =
        expected.map(|(worker, cpu)| format!("wharf-{worker}[{cpu}]")).collect();
    expected.sort();
    assert_eq!(places(handle.local_addrs()[0], workers), expected);
    assert_eq!(cpus_of_this_thread(), allowed, "who starts it is not pinned");
}

#[test]
fn nobody_is_pinned_who_did_not_ask_for_it() {
    let handle = server(2).start().unwrap();
    let expected = [0, 1].map(|worker| format!("wharf-{worker}{:?}", cpus_of_this_thread()));
    assert_eq!(places(handle.local_addrs()[0], 2), expected);
}

#[test]
fn who_calls_run_is_pinned_while_it_serves() {
    let (switch, (sender, receiver)) = (StopSwitch::new(), mpsc::channel());
    let server = server(2).pin_workers(true).stop_switch(&switch);
    let addr = server.local_addrs()[0];
    let thread = thread::Builder::new().name("caller".to_owned()).spawn(move || {
        let before = cpus_of_this_thread();
        server.run().unwrap();
        sender.send((before, cpus_of_this_thread())).unwrap();
    });
    let allowed = cpus_of_this_thread();
    let second = allowed[1 % allowed.len()];
    let expected = [format!("caller[{}]", allowed[0]), format!("wharf-1[{second}]")];
    assert_eq!(places(addr, 2), expected);
    switch.stop();
    let (before, after) = receiver.recv().unwrap();
    assert_eq!(before, after);
    thread.unwrap().join().unwrap();
}

#[test]
fn threads_for_handlers_that_block_run_where_the_server_may() {
    let allowed = cpus_of_this_thread();
    let place = blocking(|_: Request| format!("{:?}", cpus_of_this_thread()));
    let server = Server::new(place).workers(1).pin_workers(true).listen("127.0.0.1:0").unwrap();
    let handle = server.start().unwrap();
    assert_eq!(places(handle.local_addrs()[0], 1), [format!("{allowed:?}")]);
}
