//! A server's life as its program sees it: states, hooks, switches, waiting, the end.
//!
//! Not here: what clients see of a drain (`src/tests/cases/drain.rs`).

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use wharf::{
    Dispatch, Error, Request, Router, Server, ServerState, ShutdownPort, StatusCode, StopSwitch,
    Stopped,
};

/// More than any test takes.
const LONG: Duration = Duration::from_secs(30);

fn hello() -> Server {
    Server::new("hello").listen("127.0.0.1:0").expect("a free port")
}

fn get(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("an answer");
    response
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no panic").push(what.into());
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }

    /// A server that writes down all that it tells of its life.
    fn server(&self, workers: usize) -> Server {
        let at = |what: &'static str| {
            let diary = self.clone();
            move || diary.note(what)
        };
        let [start, stop] = ["worker starts", "worker stops"].map(|what| {
            let diary = self.clone();
            move |_index: usize| diary.note(what)
        });
        let [first, second] = ["stop 1", "stop 2"].map(at);
        let close = at("close");
        hello()
            .workers(workers)
            .on_start(at("start 1"))
            .on_start(at("start 2"))
            .on_ready(at("ready"))
            .on_stop(move |_| first())
            .on_stop(move |_| second())
            .on_stop(|_| panic::resume_unwind(Box::new("as asked for")))
            .on_worker_start(start)
            .on_worker_stop(stop)
            .on_close(move |_| close())
    }
}

const LIFE: [&str; 8] =
    ["start 1", "start 2", "worker starts", "ready", "close", "worker stops", "stop 2", "stop 1"];

#[test]
fn a_life_in_the_background() {
    let diary = Diary::default();
    let handle = diary.server(1).start().unwrap();
    assert_eq!(diary.read(), LIFE[..4], "it is ready when it has been started");
    let mut stream = TcpStream::connect(handle.local_addrs()[0]).unwrap();
    assert!(get(&mut stream).ends_with("hello"));
    drop(stream);
    assert!(handle.drain(LONG).is_clean());
    assert_eq!(diary.read(), LIFE);
    drop(handle);
    assert_eq!(diary.read(), LIFE, "all of it once");
}

#[test]
fn a_life_on_the_calling_thread() {
    let diary = Diary::default();
    let switch = StopSwitch::new();
    let server = diary.server(1).stop_switch(&switch);
    let addr = server.local_addrs()[0];
    let client = thread::spawn(move || {
        let response = get(&mut TcpStream::connect(addr).unwrap());
        switch.drain(LONG);
        response
    });
    server.run().unwrap();
    assert!(client.join().unwrap().ends_with("hello"));
    assert_eq!(diary.read(), LIFE);
}

#[test]
fn a_life_in_ticks() {
    let diary = Diary::default();
    let mut ticker = diary.server(1).into_ticker().unwrap();
    assert_eq!(ticker.state(), ServerState::Running);
    let addr = ticker.local_addrs()[0];
    let switch = ticker.stop_switch();
    let client = thread::spawn(move || {
        let response = get(&mut TcpStream::connect(addr).unwrap());
        switch.drain(LONG);
        response
    });
    while ticker.tick(Duration::from_millis(10)).unwrap() {}
    assert!(client.join().unwrap().ends_with("hello"));
    assert_eq!((ticker.state(), ticker.report().is_clean()), (ServerState::Stopped, true));
    assert_eq!(ticker.next_deadline(), None);
    assert!(!ticker.tick(Duration::ZERO).unwrap(), "it is over for good");
    assert_eq!(diary.read(), LIFE);
}

/// A way to run a server and to end it.
type Way = (&'static str, fn(Server));

#[test]
fn every_way_to_the_end_passes_every_hook() {
    let ways: [Way; 9] = [
        ("stopped", |server| {
            let handle = server.start().unwrap();
            handle.stop();
            assert!(handle.wait(None));
        }),
        ("drained", |server| assert!(server.start().unwrap().drain(LONG).is_clean())),
        ("dropped", |server| drop(server.start().unwrap())),
        ("stopped by its own switch", |server| {
            let handle = server.start().unwrap();
            handle.stop_switch().stop();
            handle.join().unwrap();
        }),
        ("drained by a shared switch", |server| {
            let switch = StopSwitch::new();
            let handle = server.stop_switch(&switch).start().unwrap();
            switch.drain(LONG);
            assert!(handle.wait(None));
        }),
        ("stopped before it is run", |server| {
            let switch = StopSwitch::new();
            switch.stop();
            server.stop_switch(&switch).run().unwrap();
        }),
        ("ended by its shutdown port", |server| {
            let port = ShutdownPort::loopback(0).unwrap();
            let addr = port.local_addr();
            let handle = server.shutdown_port(port).start().unwrap();
            ask_port(addr, "");
            assert!(handle.wait(None));
        }),
        ("ticked to its end", |server| {
            let mut ticker = server.into_ticker().unwrap();
            ticker.stop_switch().stop();
            while ticker.tick(LONG).unwrap() {}
        }),
        ("dropped with its ticker", |server| drop(server.into_ticker().unwrap())),
    ];
    for (name, way) in ways {
        let diary = Diary::default();
        way(diary.server(2));
        let mut entries = diary.read();
        assert_eq!(entries.drain(..2).collect::<Vec<_>>(), LIFE[..2], "{name}");
        assert_eq!(entries.split_off(entries.len() - 2), ["stop 2", "stop 1"], "{name}");
        entries.sort_unstable();
        let between = ["ready", "worker starts", "worker starts", "worker stops", "worker stops"];
        assert_eq!(entries, between, "{name}");
    }
}

/// Whoever comes while the server is not ready yet waits with the system, and is served then.
#[test]
fn nobody_is_served_before_the_server_is_ready() {
    let (diary, early) = (Diary::default(), Arc::new(Mutex::new(None)));
    let [starts, readies, handles] = [(); 3].map(|()| diary.clone());
    let handler = move |_: Request| {
        handles.note("request");
        "hello"
    };
    let server = Server::new(handler).workers(1).listen("127.0.0.1:0").unwrap();
    let (addr, slot) = (server.local_addrs()[0], Arc::clone(&early));
    let server = server.on_start(move || {
        let mut stream = TcpStream::connect(addr).expect("it listens");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        *slot.lock().unwrap() = Some(stream);
        starts.note("start");
    });
    let server = server.on_ready(move || readies.note("ready"));
    let _handle = server.start().unwrap();
    let mut response = String::new();
    let mut stream = early.lock().unwrap().take().expect("it was connected");
    stream.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("hello"), "{response}");
    assert_eq!(diary.read(), ["start", "ready", "request"]);
}

#[test]
fn a_tick_serves_on_the_calling_thread_and_nothing_happens_between_two() {
    let caller = thread::current().id();
    let handler = move |_: Request| {
        assert_eq!(thread::current().id(), caller);
        "hello"
    };
    let mut ticker = Server::new(handler).listen("127.0.0.1:0").unwrap().into_ticker().unwrap();
    let addr = ticker.local_addrs()[0];
    let mut clients = [(); 3].map(|()| TcpStream::connect(addr).unwrap());
    for client in &mut clients {
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        client.set_nonblocking(true).unwrap();
    }
    let stats = ticker.stats();
    assert_eq!((stats.accepted, stats.workers()[0].thread.as_deref()), (0, None));
    assert!(clients.iter_mut().all(|client| client.read(&mut [0]).is_err()));
    while ticker.stats().requests < 3 {
        ticker.tick(LONG).unwrap();
    }
    for client in &mut clients {
        client.set_nonblocking(false).unwrap();
        let mut start = [0; 12];
        client.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
    }
}

#[test]
fn each_address_has_its_own_port_and_all_are_served() {
    let mut server = hello().listen("127.0.0.1:0").unwrap();
    if TcpListener::bind("[::1]:0").is_ok() {
        server = server.listen("[::1]:0").unwrap();
    }
    let addrs = server.local_addrs();
    let mut ports: Vec<u16> = addrs.iter().map(SocketAddr::port).collect();
    let handle = server.workers(2).start().unwrap();
    assert_eq!(handle.local_addrs(), addrs);
    for addr in addrs {
        assert!(get(&mut TcpStream::connect(addr).unwrap()).ends_with("hello"));
    }
    let count = ports.len();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() == count && !ports.contains(&0), "{ports:?}");
}

/// What a load balancer asks, and what a program knows, while new connections are still accepted.
#[test]
fn a_lame_duck_is_not_ready() {
    let ready = |r: Request| {
        let is_leaving = r.draining().is_set();
        if is_leaving { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    };
    let site = Router::new().get("/ready", ready).get("/", "hello");
    let server = Server::new(site).workers(1).lame_duck(LONG).listen("127.0.0.1:0").unwrap();
    let handle = server.start().unwrap();
    let addr = handle.local_addrs()[0];
    let ask = |target: &str| {
        let mut stream = TcpStream::connect(addr).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut response = vec![0; 4096];
        let len = stream.read(&mut response).unwrap();
        String::from_utf8_lossy(&response[..len]).into_owned()
    };
    let before = ask("/ready");
    assert!(before.starts_with("HTTP/1.1 200") && !before.contains("Connection: close"));
    handle.stop_switch().drain(2 * LONG);
    for (target, status) in [("/ready", "503"), ("/", "200"), ("/ready", "503")] {
        let during = ask(target);
        assert!(during.starts_with(&format!("HTTP/1.1 {status}")), "{during}");
        assert!(during.contains("Connection: close"), "{during}");
        assert_eq!((handle.state(), handle.is_running()), (ServerState::Draining, false));
    }
}

#[test]
fn every_worker_has_a_life() {
    let diary = Diary::default();
    for dispatch in [Dispatch::PerWorkerListener, Dispatch::LeastConnections] {
        let server = diary.server(3).dispatch(dispatch);
        let handle = server.start().unwrap();
        handle.stop();
        assert!(handle.wait(None));
        let count = |what| diary.read().iter().filter(|entry| *entry == what).count();
        assert_eq!([count("worker starts"), count("worker stops"), count("ready")], [3, 3, 1]);
        diary.0.lock().unwrap().clear();
    }
}

#[test]
fn a_ticker_that_is_dropped_is_at_its_end() {
    let diary = Diary::default();
    drop(diary.server(2).into_ticker().unwrap());
    assert_eq!(diary.read().iter().filter(|entry| *entry == "stop 1").count(), 1);
}

#[test]
fn states_follow_each_other() {
    let server = Server::new(async |_: Request| std::future::pending::<()>().await);
    assert_eq!(server.state(), ServerState::Built);
    let server = server.listen("127.0.0.1:0").unwrap();
    assert_eq!(server.state(), ServerState::Bound);
    let handle = server.workers(1).start().unwrap();
    assert!(handle.is_running());
    let mut stream = TcpStream::connect(handle.local_addrs()[0]).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while handle.stats().requests == 0 {
        thread::yield_now();
    }
    handle.stop_switch().drain(LONG);
    assert_eq!(handle.state(), ServerState::Draining);
    assert!(!handle.is_running() && !handle.wait(Some(Duration::ZERO)));
    handle.stop();
    assert!(handle.wait(None) && handle.wait(Some(Duration::ZERO)), "again and again");
    assert_eq!(handle.state(), ServerState::Stopped);
    assert_eq!(handle.report().cut, 1);
}

/// Construction takes no port, and a bound server that is dropped gives its own back.
#[test]
fn a_server_that_is_not_run_holds_nothing() {
    let probe = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = probe.local_addr().unwrap();
    let _built = Server::new("hello");
    drop(probe);
    let bound = Server::new("hello").on_stop(|_| panic!("it never ran")).listen(addr).unwrap();
    drop(bound);
    drop(TcpListener::bind(addr).unwrap());
}

#[test]
fn a_switch_ends_all_servers_that_share_it() {
    let switch = StopSwitch::new();
    let handles = [(); 3].map(|()| hello().workers(2).stop_switch(&switch).start().unwrap());
    // A switch of one alone leaves the others.
    handles[0].stop_switch().stop();
    assert!(handles[0].wait(None));
    assert!(handles[1].is_running() && !switch.is_used());
    let clones: Vec<_> = (0..4).map(|_| switch.clone()).collect();
    thread::scope(|scope| {
        for clone in &clones {
            scope.spawn(|| clone.drain(LONG));
        }
    });
    assert!(handles.iter().all(|handle| handle.wait(None)));
    // Whoever has it afterwards is over at once.
    let late = hello().stop_switch(&switch).start().unwrap();
    assert!(late.wait(None));
}

#[test]
fn a_handler_ends_its_server() {
    let switch = StopSwitch::new();
    let used = switch.clone();
    let handler = move |_: Request| {
        used.drain(LONG);
        "bye"
    };
    let server = Server::new(handler).stop_switch(&switch).listen("127.0.0.1:0").unwrap();
    let handle = server.start().unwrap();
    let mut stream = TcpStream::connect(handle.local_addrs()[0]).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("bye") && response.contains("Connection: close"), "{response}");
    drop(stream);
    assert!(handle.wait(None));
    assert!(handle.report().is_clean());
}

/// The last of a server is held by one of its own handlers.
#[test]
fn a_handler_drops_its_server() {
    let (slot, (gone, went)) = (Arc::new(Mutex::new(None)), mpsc::channel());
    let own = Arc::clone(&slot);
    let handler = move |_: Request| {
        drop(own.lock().unwrap().take());
        "bye"
    };
    let server = Server::new(handler).workers(1).listen("127.0.0.1:0").unwrap();
    let handle = server.on_stop(move |_| gone.send(()).unwrap()).start().unwrap();
    let addr = handle.local_addrs()[0];
    *slot.lock().unwrap() = Some(handle);
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    went.recv_timeout(LONG).unwrap();
}

#[test]
fn dropping_a_handle_stops_and_detaching_does_not() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let [first, second] = [(); 2].map(|()| Arc::clone(&stopped));
    let count = |count: Arc<AtomicUsize>| move || _ = count.fetch_add(1, Ordering::SeqCst);
    let [first, second] = [first, second].map(count);
    let handle = hello().on_stop(move |_| first()).start();
    drop(handle.unwrap());
    assert_eq!(stopped.load(Ordering::SeqCst), 1);
    let handle = hello().on_stop(move |_| second()).start();
    let handle = handle.unwrap();
    let (addr, switch, stopping) =
        (handle.local_addrs()[0], handle.stop_switch(), pin_to_thread(handle.stopped()));
    handle.detach();
    assert!(get(&mut TcpStream::connect(addr).unwrap()).ends_with("hello"));
    switch.stop();
    stopping.join().unwrap();
    assert_eq!(stopped.load(Ordering::SeqCst), 2);
}

/// Waits for a future on a thread of its own.
fn pin_to_thread<F>(future: F) -> thread::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    thread::spawn(move || {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            thread::park();
        }
    })
}

/// A program can't wait for a worker that waits for the program.
#[test]
fn a_worker_that_is_blocked_does_not_keep_a_drain_for_ever() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let handler = move |_: Request| {
        let _ = blocked.lock().unwrap().recv();
        "late"
    };
    let handle = Server::new(handler).workers(1).listen("127.0.0.1:0").unwrap().start().unwrap();
    let mut stream = TcpStream::connect(handle.local_addrs()[0]).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while handle.stats().requests == 0 {
        thread::yield_now();
    }
    let report = handle.drain(Duration::from_millis(1));
    assert_eq!(report.blocked_workers, 1);
    assert!(!report.is_clean());
    drop(release);
    assert!(handle.wait(Some(LONG)));
    assert_eq!(handle.report().blocked_workers, 0);
}

/// Asks the port to end its server, with these bytes.
fn ask_port(addr: SocketAddr, token: &str) {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.write_all(token.as_bytes()).expect("it is sent");
    // A peer that is closed before it was read is reset.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read(&mut [0]);
}

#[test]
fn a_connection_to_the_shutdown_port_is_enough() {
    for mode in ["start", "tick"] {
        let port = ShutdownPort::loopback(0).unwrap();
        let addr = port.local_addr();
        assert!(addr.ip().is_loopback());
        let server = hello().shutdown_port(port);
        if mode == "tick" {
            let mut ticker = server.into_ticker().unwrap();
            ask_port(addr, "");
            while ticker.tick(Duration::from_millis(10)).unwrap() {}
        } else {
            let handle = server.start().unwrap();
            ask_port(addr, "");
            assert!(handle.wait(None) && handle.wait(None), "twice");
        }
        // Its thread has given the port up, or is about to.
        while TcpListener::bind(addr).is_err() {
            thread::yield_now();
        }
    }
}

#[test]
fn a_shutdown_port_minds_its_token_and_its_predicate() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let port = ShutdownPort::bind("127.0.0.1:0").unwrap().token("sesame").only_if(move |peer| {
        assert!(peer.ip().is_loopback());
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => false,
            1 => panic::resume_unwind(Box::new("as asked for")),
            _ => true,
        }
    });
    let addr = port.local_addr();
    let handle = hello().shutdown_port(port.drain(Duration::ZERO)).start().unwrap();
    for wrong in ["", "\n", "sesam", "sesamf\n", "sesames", "sesame!\n", "SESAME"] {
        ask_port(addr, wrong);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    for right in ["sesame", "sesame\n"] {
        ask_port(addr, right);
        assert!(handle.is_running(), "it was not to be");
    }
    ask_port(addr, "sesame\nand more");
    assert!(handle.wait(None));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

/// A secret that was not set must not open the door.
#[test]
fn a_shutdown_port_with_an_empty_token_opens_for_nobody() {
    let port = ShutdownPort::loopback(0).unwrap().token("");
    let addr = port.local_addr();
    let handle = hello().shutdown_port(port).start().unwrap();
    for said in ["", "\n", "x"] {
        ask_port(addr, said);
    }
    assert!(handle.is_running());
}

#[test]
fn a_shutdown_port_that_is_taken_is_an_error_at_once() {
    let port = ShutdownPort::loopback(0).unwrap();
    let taken = ShutdownPort::bind(port.local_addr());
    assert!(matches!(taken, Err(Error::Listen { .. })), "{taken:?}");
}

#[test]
fn a_shutdown_port_does_not_outlive_a_server_that_fails_before_it_runs() {
    let port = ShutdownPort::loopback(0).expect("a free port");
    let addr = port.local_addr();
    let server = hello().shutdown_port(port).on_start(|| panic::resume_unwind(Box::new("no")));
    assert!(panic::catch_unwind(AssertUnwindSafe(|| server.start())).is_err());
    let deadline = Instant::now() + LONG;
    while TcpStream::connect(addr).is_ok() {
        assert!(Instant::now() < deadline, "its thread goes on");
        thread::yield_now();
    }
}

#[test]
fn whoever_waits_for_the_end_no_longer_is_forgotten() {
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    let handle = hello().start().expect("started");
    let counts: Vec<_> = (0..3).map(|_| Arc::new(Count(AtomicUsize::new(0)))).collect();
    let mut kept = handle.stopped();
    let polled = |stopped: &mut Stopped, count: &Arc<Count>| {
        let waker = Waker::from(Arc::clone(count));
        Pin::new(stopped).poll(&mut Context::from_waker(&waker))
    };
    assert!(polled(&mut handle.stopped(), &counts[0]).is_pending());
    assert!(polled(&mut kept, &counts[1]).is_pending());
    assert!(polled(&mut kept, &counts[2]).is_pending());
    // What a waker holds is held no longer than somebody waits with it.
    assert_eq!(counts.iter().map(Arc::strong_count).collect::<Vec<_>>(), [1, 1, 2]);
    handle.stop();
    assert!(handle.wait(Some(LONG)));
    handle.join().expect("no failure");
    assert_eq!([0, 1, 2].map(|at| counts[at].0.load(Ordering::Relaxed)), [0, 0, 1]);
    assert!(polled(&mut kept, &counts[0]).is_ready());
}
