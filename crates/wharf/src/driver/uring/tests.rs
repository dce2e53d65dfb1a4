//! The completion backend alone: what a worker can't show.
//!
//! Where the system has no `io_uring`, the tests say so and pass.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use bytes::Bytes;

use super::*;
use crate::driver::sim::PATIENCE;
use crate::driver::{Combined, Input, Released};

/// Very few and very small buffers, and queues that are soon full.
const TINY: Sizes = Sizes { requests: 4, completions: 8, buffers: 2, buffer_bytes: 64 };

/// A driver, and what was received and sent by it.
struct Rig {
    driver: UringDriver,
    addr: SocketAddr,
    deadline: Instant,
    keys: Vec<Key>,
    received: Vec<(Key, Vec<u8>)>,
    ended: Vec<Key>,
    failed: Vec<Key>,
    sent: Vec<Sent>,
    released: Vec<Released>,
    accept_errors: usize,
}

impl Rig {
    fn new(sizes: Sizes) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Those who wait for it are more than the library's own backlog takes.
        SockRef::from(&listener).listen(1000).unwrap();
        let addr = listener.local_addr().unwrap();
        if let Err(error) = UringDriver::check() {
            eprintln!("skipped: io_uring can't be used here: {error}");
            return None;
        }
        Some(Self {
            driver: UringDriver::with_sizes(vec![listener.into()], sizes).unwrap(),
            addr,
            deadline: Instant::now() + PATIENCE,
            keys: Vec::new(),
            received: Vec::new(),
            ended: Vec::new(),
            failed: Vec::new(),
            sent: Vec::new(),
            released: Vec::new(),
            accept_errors: 0,
        })
    }

    /// Does what there is to do.
    fn turn(&mut self, until: Option<Instant>) {
        assert!(Instant::now() < self.deadline, "nothing happens");
        self.driver.wait(until).unwrap();
        let mut accepted = Vec::new();
        while let Some(completion) = self.driver.next() {
            match completion {
                Completion::Accepted(Accepted { socket, .. }) => accepted.push(socket),
                Completion::AcceptFailed { .. } => self.accept_errors += 1,
                Completion::Received { key, input: Input { bytes: [], .. } } => {
                    self.ended.push(key);
                }
                Completion::Received { key, input: Input { bytes, .. } } => {
                    match self.received.iter_mut().find(|(received, _)| *received == key) {
                        Some((_, all)) => all.extend_from_slice(bytes),
                        None => self.received.push((key, bytes.to_vec())),
                    }
                }
                Completion::Failed { key, .. } => self.failed.push(key),
                Completion::Sent(sent) => self.sent.push(sent),
                Completion::Released(released) => self.released.push(released),
            }
        }
        for socket in accepted {
            self.keys.push(self.driver.adopt(socket).unwrap());
        }
    }

    fn turn_until(&mut self, is_enough: impl Fn(&Self) -> bool) {
        while !is_enough(self) {
            self.turn(Some(self.driver.now() + Duration::from_millis(20)));
        }
    }

    /// Some turns in which nothing is expected.
    fn idle(&mut self) {
        for _ in 0..5 {
            self.turn(Some(Instant::now() + Duration::from_millis(1)));
        }
    }

    /// A client, and the key of its connection.
    fn connect(&mut self) -> (TcpStream, Key) {
        let client = TcpStream::connect(self.addr).unwrap();
        client.set_nodelay(true).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let count = self.keys.len();
        self.turn_until(|rig| rig.keys.len() > count);
        (client, self.keys[count])
    }

    fn received(&self, key: Key) -> &[u8] {
        self.received.iter().find(|(received, _)| *received == key).map_or(&[], |(_, all)| all)
    }
}

fn output(bytes: &[u8]) -> Output {
    let mut output = Output::default();
    output.buffer.extend_from_slice(bytes);
    output
}

/// Bytes that are not the same everywhere.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8 ^ at >> 16).to_le_bytes()[0]).collect()
}

/// Writes what a socket takes at once.
fn flood(client: &mut TcpStream, bytes: &[u8]) -> usize {
    client.set_nonblocking(true).unwrap();
    let mut len = 0;
    while len < bytes.len() {
        match client.write(&bytes[len..]) {
            Ok(written) => len += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    client.set_nonblocking(false).unwrap();
    len
}

fn reset(client: TcpStream) {
    SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
}

/// Memory of the program's that says when it is let go of.
struct Owner(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

fn owned(len: usize) -> (Output, Arc<AtomicUsize>) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut output = output(b"head ");
    output.set_tail(Bytes::from_owner(Owner(pattern(len), Arc::clone(&dropped))));
    (output, dropped)
}

/// More than sockets take at once.
const LARGE: usize = 16 << 20;

fn echo(sizes: Sizes, clients: usize, len: usize) {
    let Some(mut rig) = Rig::new(sizes) else { return };
    let data = pattern(len);
    let mut clients: Vec<_> = (0..clients).map(|_| rig.connect()).collect();
    for (client, _) in &mut clients {
        client.write_all(&data).unwrap();
    }
    rig.turn_until(|rig| rig.keys.iter().all(|key| rig.received(*key).len() == len));
    for (_, key) in &clients {
        assert!(rig.driver.send(*key, &mut output(rig.received(*key)), Behind::More).is_pending());
    }
    rig.turn_until(|rig| rig.sent.len() == clients.len());
    for (client, _) in &mut clients {
        let mut back = vec![0; len];
        client.read_exact(&mut back).unwrap();
        assert!(back == data);
    }
    assert!(rig.sent.iter().all(|sent| sent.result.is_ok() && sent.output.is_empty()));
    assert_eq!(rig.accept_errors, 0);
}

#[test]
fn many_connections_are_served_in_the_same_turns() {
    echo(SIZES, 300, 5000);
}

#[test]
fn a_lack_of_buffers_and_of_room_in_the_queues_delays_and_loses_nothing() {
    echo(TINY, 40, 3000);
}

#[test]
fn a_driver_belongs_to_the_thread_that_waits_first() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (lend, lent) = mpsc::channel::<Rig>();
    let (give_back, given_back) = mpsc::channel();
    let owner = thread::spawn(move || {
        let (mut client, key) = rig.connect();
        client.write_all(b"hello").unwrap();
        rig.turn_until(|rig| rig.received(key) == b"hello");
        lend.send(rig).unwrap();
        // Dropped by another thread, it could not take anything back, and would free nothing.
        drop::<Rig>(given_back.recv().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    });
    let mut rig = lent.recv().unwrap();
    assert!(rig.driver.wait(Some(Instant::now())).is_err());
    give_back.send(rig).unwrap();
    owner.join().unwrap();
}

#[test]
fn a_driver_that_was_never_used_closes_its_listeners_wherever_it_is_dropped() {
    let Some(rig) = Rig::new(SIZES) else { return };
    let addr = rig.addr;
    thread::spawn(move || drop(rig)).join().unwrap();
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn a_wait_ends_when_another_thread_says_so_or_time_is_up() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    for _ in 0..100 {
        let unpark = rig.driver.unpark();
        let waker = thread::spawn(move || unpark.unpark());
        rig.turn(None);
        waker.join().unwrap();
    }
    let unpark = rig.driver.unpark();
    unpark.unpark();
    rig.turn(None);
    let until = Instant::now() + Duration::from_millis(10);
    while rig.driver.now() < until {
        rig.turn(Some(until));
    }
    drop(rig);
    unpark.unpark();
}

#[test]
fn the_descriptor_is_readable_when_there_is_something_to_do() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    rig.driver.watch().unwrap();
    let mut combined = Combined::new([&rig.driver].into_iter()).unwrap();
    let mut wait = |rig: &Rig, what: &str| {
        combined.wait(Some(rig.deadline)).unwrap();
        assert!(Instant::now() < rig.deadline, "{what} is not noticed");
    };
    rig.driver.submit();
    let mut client = TcpStream::connect(rig.addr).unwrap();
    wait(&rig, "a connection");
    rig.turn_until(|rig| !rig.keys.is_empty());
    let key = rig.keys[0];
    for round in 1..=100 {
        rig.driver.submit();
        let mut writer = client.try_clone().unwrap();
        let writer = thread::spawn(move || writer.write_all(b"x").unwrap());
        wait(&rig, "a byte");
        writer.join().unwrap();
        rig.turn_until(|rig| rig.received(key).len() == round);
        rig.driver.submit();
        let unpark = rig.driver.unpark();
        let waker = thread::spawn(move || unpark.unpark());
        wait(&rig, "a wake-up");
        waker.join().unwrap();
        rig.turn(Some(rig.driver.now()));
    }
    assert!(rig.driver.send(key, &mut output(b"hello"), Behind::More).is_pending());
    rig.driver.submit();
    client.read_exact(&mut [0; 5]).unwrap();
    wait(&rig, "the end of a send");
    rig.turn_until(|rig| !rig.sent.is_empty());
}

#[test]
fn half_a_connection_goes_on() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    client.write_all(b"all").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    rig.turn_until(|rig| !rig.ended.is_empty());
    rig.idle();
    assert_eq!((rig.received(key), rig.ended.len()), (&b"all"[..], 1), "the end comes once");
    assert!(rig.driver.send(key, &mut output(b"still there"), Behind::More).is_pending());
    rig.turn_until(|rig| !rig.sent.is_empty());
    client.read_exact(&mut [0; 11]).unwrap();
    assert!(rig.failed.is_empty());
    reset(client);
    rig.turn_until(|rig| rig.failed == [key]);
    rig.idle();
    assert_eq!(rig.failed.len(), 1, "a failure comes once");
}

#[test]
fn the_other_half_goes_on_as_well() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    assert!(rig.driver.send(key, &mut output(b"the last word"), Behind::More).is_pending());
    rig.driver.shutdown_send(key);
    let mut last = String::new();
    client.read_to_string(&mut last).unwrap();
    assert_eq!(last, "the last word");
    client.write_all(b"or not").unwrap();
    drop(client);
    rig.turn_until(|rig| rig.ended == [key]);
    assert_eq!(rig.received(key), b"or not");
}

#[test]
fn a_reset_is_noticed_whether_or_not_anything_is_received() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (client, first) = rig.connect();
    reset(client);
    rig.turn_until(|rig| rig.failed == [first]);
    let (mut client, second) = rig.connect();
    rig.driver.set_receiving(second, false);
    rig.idle();
    client.write_all(b"unheard").unwrap();
    rig.idle();
    assert!(rig.received(second).is_empty());
    reset(client);
    rig.turn_until(|rig| rig.failed == [first, second]);
}

#[test]
fn a_close_says_what_it_was_told_to_say() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    assert!(rig.driver.send(key, &mut output(b"bye"), Behind::More).is_pending());
    assert!(rig.driver.close(key, Close::Graceful).is_none());
    assert!(matches!(
        rig.driver.send(key, &mut output(b"more"), Behind::More),
        Poll::Ready(Err(_))
    ));
    rig.driver.submit();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bye", "what was sent before is delivered");
    let (mut client, key) = rig.connect();
    rig.driver.close(key, Close::Reset);
    rig.driver.submit();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn the_last_bytes_go_with_the_end_whatever_the_peer_has_sent() {
    for is_closed in [false, true] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        client.set_nonblocking(true).unwrap();
        let mut last = output(b"bye");
        assert!(matches!(rig.driver.send(key, &mut last, Behind::End), Poll::Ready(Ok(()))));
        assert!(last.is_empty());
        let nothing = client.read(&mut [0; 10]);
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        if is_closed {
            client.write_all(b"\r\n").unwrap();
            rig.driver.close(key, Close::Graceful);
        } else {
            rig.driver.shutdown_send(key);
        }
        rig.driver.submit();
        client.set_nonblocking(false).unwrap();
        let mut bytes = [0; 3];
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"bye");
    }
}

#[test]
fn what_is_being_sent_is_kept_until_the_kernel_is_through_with_it() {
    for how in [Close::Graceful, Close::Reset] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        let (mut output, dropped) = owned(LARGE);
        assert!(rig.driver.send(key, &mut output, Behind::More).is_pending());
        rig.driver.submit();
        client.read_exact(&mut [0; 1000]).unwrap();
        assert!(rig.driver.close(key, how).is_none(), "the kernel has it");
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        // Its place may be another's by then.
        let (_other, other_key) = rig.connect();
        assert!(other_key.index == key.index && other_key.generation != key.generation);
        rig.turn_until(|rig| !rig.sent.is_empty());
        let sent = rig.sent.pop().unwrap();
        assert!(sent.key == key && sent.result.is_err() && !sent.output.is_empty());
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        drop(sent);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        let end = io::copy(&mut client, &mut io::sink());
        assert_eq!(end.is_err(), how == Close::Reset);
    }
}

#[test]
fn places_behind_the_last_connection_are_freed_while_the_kernel_is_not_through_with_them() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let mut clients: Vec<_> = (0..20).map(|_| rig.connect()).collect();
    rig.idle();
    let (_, last) = clients[19];
    let (mut output, dropped) = owned(LARGE);
    assert!(rig.driver.send(last, &mut output, Behind::More).is_pending());
    // The kernel receives from all of them, and has more by the time they are closed.
    for (client, _) in &mut clients {
        client.write_all(b"hello").unwrap();
    }
    for (_, key) in clients.iter().filter(|(_, key)| key.index != 4) {
        rig.driver.close(*key, Close::Reset);
    }
    rig.driver.shrink();
    assert_eq!((rig.driver.slots.len(), rig.driver.free.len()), (5, 4));
    rig.turn_until(|rig| !rig.sent.is_empty());
    let sent = rig.sent.pop().unwrap();
    assert!(sent.key == last && sent.result.is_err());
    drop((sent, output));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    let (_, kept) = clients[4];
    rig.turn_until(|rig| rig.received(kept) == b"hello");
    let again: Vec<_> = (0..20).map(|_| rig.connect()).collect();
    assert!(again.iter().any(|(_, key)| key.index == last.index));
    assert!(again.iter().all(|(_, key)| clients.iter().all(|(_, before)| before != key)));
}

#[test]
fn a_large_output_is_sent_as_fast_as_it_is_taken() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    let (mut output, dropped) = owned(LARGE);
    assert_eq!(rig.driver.untaken(key), 0);
    assert!(rig.driver.send(key, &mut output, Behind::More).is_pending());
    let mut untaken = rig.driver.untaken(key);
    assert_eq!(untaken, LARGE as u64 + 5);
    rig.idle();
    assert!(rig.sent.is_empty() && rig.driver.untaken(key) > LARGE as u64 / 2);
    let (mut got, mut piece) = (Vec::new(), vec![0; 100_000]);
    while got.len() < LARGE + 5 {
        let len = client.read(&mut piece).unwrap();
        got.extend_from_slice(&piece[..len]);
        rig.turn(Some(rig.driver.now()));
        assert!(rig.driver.untaken(key) <= untaken);
        untaken = rig.driver.untaken(key);
    }
    assert!(got.starts_with(b"head ") && got[5..] == pattern(LARGE));
    rig.turn_until(|rig| rig.sent.len() == 1);
    assert!(rig.sent[0].result.is_ok() && rig.driver.untaken(key) == 0);
    rig.sent.clear();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn bulk_shares_a_turn_and_what_is_small_does_not_wait_for_it() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let mut clients: Vec<_> = (0..8).map(|_| rig.connect()).collect();
    let (mut hasty, small) = rig.connect();
    for (_, key) in &clients {
        assert!(rig.driver.send(*key, &mut owned(1 << 20).0, Behind::More).is_pending());
    }
    assert!(rig.driver.send(small, &mut output(b"small"), Behind::More).is_pending());
    rig.driver.submit();
    hasty.read_exact(&mut [0; 5]).unwrap();
    let all = 8 * (5 + (1 << 20));
    let untaken: u64 = clients.iter().map(|(_, key)| rig.driver.untaken(*key)).sum();
    assert!(untaken >= all - BULK_BYTES as u64, "{untaken} of {all} bytes are left");
    assert!(rig.driver.has_more(), "nobody waits while some of it could be sent");
    for _ in 0..8 {
        rig.turn(Some(rig.driver.now()));
    }
    for (client, key) in &mut clients {
        client.read_exact(&mut [0; 5]).unwrap();
        assert!(rig.driver.untaken(*key) < 5 + (1 << 20), "each has its turn");
    }
    // What waits for its turn comes back at once.
    let unsent: Vec<_> =
        clients.iter().map(|(_, key)| rig.driver.close(*key, Close::Reset)).collect();
    assert!(unsent.iter().flatten().count() > 0);
    assert_eq!(rig.driver.untaken(clients[0].1), 0);
    rig.turn_until(|rig| rig.sent.len() + unsent.iter().flatten().count() == 9);
    rig.turn(Some(rig.driver.now()));
    assert!(!rig.driver.has_more());
}

#[test]
fn a_connection_that_does_not_receive_slows_its_peer_down() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    rig.driver.set_receiving(key, false);
    let data = pattern(LARGE);
    let mut len = 0;
    loop {
        let more = flood(&mut client, &data[len..]);
        len += more;
        rig.idle();
        if more == 0 {
            break;
        }
    }
    assert!(len < LARGE && rig.received(key).is_empty(), "{len} bytes were taken");
    // Told to go on and to stop again in turn, it loses nothing and mixes nothing up.
    let mut receiving = false;
    while rig.received(key).len() < LARGE {
        receiving = !receiving;
        rig.driver.set_receiving(key, receiving);
        let before = rig.received(key).len();
        rig.turn(Some(rig.driver.now()));
        assert!(receiving || rig.received(key).len() == before);
        assert!(rig.received(key).len() - before <= 64 << 10, "others have their turn");
        len += flood(&mut client, &data[len..]);
    }
    assert!(rig.received(key) == data);
    rig.driver.set_receiving(key, false);
    drop(client);
    rig.idle();
    assert!(rig.ended.is_empty());
    rig.driver.set_receiving(key, true);
    rig.turn_until(|rig| rig.ended == [key]);
}

#[test]
fn nothing_is_accepted_while_that_is_not_wanted() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    rig.idle();
    rig.driver.set_accepting(false);
    let _clients: Vec<_> = (0..200).map(|_| TcpStream::connect(rig.addr).unwrap()).collect();
    rig.idle();
    assert!(rig.keys.is_empty() && !rig.driver.has_more());
    rig.driver.set_accepting(true);
    let mut before = 0;
    while before < 200 {
        rig.turn(Some(rig.deadline));
        assert!(rig.keys.len() - before <= 64, "others have their turn");
        before = rig.keys.len();
    }
    rig.driver.close_listeners();
    rig.turn(Some(rig.driver.now()));
    assert!(TcpStream::connect(rig.addr).is_err());
    assert_eq!(rig.accept_errors, 0);
}

#[test]
fn a_driver_that_is_dropped_takes_everything_back() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut sending, sending_key) = rig.connect();
    let (mut paused, paused_key) = rig.connect();
    let (mut idle, _) = rig.connect();
    let (mut leaving, leaving_key) = rig.connect();
    let (mut output, dropped) = owned(LARGE);
    assert!(rig.driver.send(sending_key, &mut output, Behind::More).is_pending());
    rig.driver.set_receiving(paused_key, false);
    rig.idle();
    flood(&mut paused, &pattern(LARGE));
    let (mut second, second_dropped) = owned(LARGE);
    assert!(
        rig.driver.send(paused_key, &mut second, Behind::More).is_pending(),
        "it is not submitted before the end"
    );
    rig.driver.release(leaving_key);
    let mut waiting = TcpStream::connect(rig.addr).unwrap();
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let addr = rig.addr;
    drop(rig);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(second_dropped.load(Ordering::Relaxed), 1);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert_eq!(leaving.read(&mut [0]).unwrap(), 0);
    // All of them are closed, also the one that nobody was told of.
    for client in [&mut sending, &mut paused, &mut waiting] {
        let read = io::copy(client, &mut io::sink());
        assert!(read.map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |_| true));
    }
    assert!(TcpStream::connect(addr).is_err());
}

/// What the kernel says of it may come when nothing is accepted any more.
#[test]
fn a_listener_that_was_shut_down_is_told_of_once_and_closed() {
    for pauses in [false, true] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        rig.idle();
        let twin = TcpStream::from(rig.driver.duplicate_listeners().unwrap().remove(0));
        twin.shutdown(Shutdown::Both).unwrap();
        rig.driver.wait(None).unwrap();
        rig.driver.set_accepting(!pauses);
        rig.turn_until(|rig| rig.accept_errors > 0);
        rig.driver.set_accepting(true);
        rig.idle();
        assert_eq!((rig.accept_errors, rig.driver.has_listeners()), (1, false));
    }
}

/// What a connection of which so much was received is released with, and its client's end.
fn released(rig: &mut Rig, key: Key) -> Released {
    rig.driver.release(key);
    rig.turn_until(|rig| !rig.released.is_empty() || !rig.failed.is_empty());
    let released = rig.released.pop().expect("it is not broken");
    assert!(released.key == key && rig.released.is_empty());
    assert!(rig.driver.close(key, Close::Reset).is_none(), "it is not the driver's any more");
    released
}

/// Both ways still lead from one end to the other, and nobody else has the socket: its end comes
/// through when it is dropped.
fn assert_usable(mut client: TcpStream, mut socket: TcpStream) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"ping").unwrap();
    let mut bytes = [0; 4];
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"ping");
    socket.write_all(b"pong").unwrap();
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"pong");
    drop(socket);
    assert_eq!(client.read(&mut bytes).unwrap(), 0);
}

#[test]
fn a_released_connection_is_a_socket_like_any_other() {
    for is_receiving in [true, false] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        client.write_all(b"hello").unwrap();
        rig.turn_until(|rig| rig.received(key) == b"hello");
        rig.driver.set_receiving(key, is_receiving);
        rig.idle();
        let Released { socket, unread, .. } = released(&mut rig, key);
        assert!(unread.is_empty());
        assert_usable(client, socket);
        // Its place is another's.
        let (mut client, other) = rig.connect();
        assert!(other.index == key.index && other != key);
        client.write_all(b"other").unwrap();
        rig.turn_until(|rig| rig.received(other) == b"other");
        rig.idle();
        assert!(!rig.driver.has_more() && rig.ended.is_empty() && rig.failed.is_empty());
    }
}

#[test]
fn a_connection_can_be_released_before_the_kernel_was_told_of_it() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (ours, _key) = rig.connect();
    let (client, mut pair) = (TcpStream::connect(rig.addr).unwrap(), None);
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    while pair.is_none() {
        rig.driver.wait(Some(rig.deadline)).unwrap();
        let Some(Completion::Accepted(Accepted { socket, .. })) = rig.driver.next() else {
            continue;
        };
        pair = Some(rig.driver.adopt(socket).unwrap());
    }
    let Released { socket, unread, .. } = released(&mut rig, pair.unwrap());
    assert!(unread.is_empty());
    assert_usable(client, socket);
    drop(ours);
}

#[test]
fn what_a_released_connection_has_received_and_not_delivered_goes_along() {
    for sizes in [SIZES, TINY] {
        let Some(mut rig) = Rig::new(sizes) else { return };
        let (mut client, key) = rig.connect();
        // More than is delivered in a turn, so that some is held, and some of it is delivered.
        let data = pattern(LARGE);
        let len = flood(&mut client, &data);
        rig.turn_until(|rig| !rig.received(key).is_empty());
        let Released { mut socket, unread, .. } = released(&mut rig, key);
        let mut all = rig.received(key).to_vec();
        all.extend_from_slice(&unread);
        let read = all.len();
        all.resize(len, 0);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.read_exact(&mut all[read..]).unwrap();
        assert!(all == data[..len]);
        assert_usable(client, socket);
    }
}

#[test]
fn what_comes_while_a_connection_is_released_is_found_in_one_place_or_the_other() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let data = pattern(1 << 20);
    for _ in 0..50 {
        let (client, key) = rig.connect();
        let mut writer = client.try_clone().unwrap();
        let bytes = data.clone();
        let writer = thread::spawn(move || {
            writer.write_all(&bytes).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        rig.turn_until(|rig| !rig.received(key).is_empty());
        let Released { mut socket, unread, .. } = released(&mut rig, key);
        let mut all = rig.received(key).to_vec();
        all.extend_from_slice(&unread);
        socket.read_to_end(&mut all).unwrap();
        assert!(all == data);
        writer.join().unwrap();
        rig.received.clear();
    }
    assert!(rig.ended.is_empty() && rig.failed.is_empty());
}

#[test]
fn an_end_that_has_come_is_found_again_by_whoever_reads_from_the_released_socket() {
    for is_receiving in [true, false] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        rig.driver.set_receiving(key, is_receiving);
        rig.idle();
        rig.driver.release(key);
        client.write_all(b"all").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let Released { mut socket, mut unread, .. } = released(&mut rig, key);
        socket.read_to_end(&mut unread).unwrap();
        assert_eq!(unread, b"all");
        socket.write_all(b"still there").unwrap();
        client.read_exact(&mut [0; 11]).unwrap();
        assert!(rig.ended.is_empty());
    }
}

#[test]
fn a_connection_that_breaks_while_it_is_released_fails_or_its_socket_tells() {
    for is_receiving in [true, false] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (client, key) = rig.connect();
        rig.driver.set_receiving(key, is_receiving);
        rig.idle();
        rig.driver.release(key);
        reset(client);
        rig.turn_until(|rig| rig.released.len() + rig.failed.len() == 1);
        match rig.released.pop() {
            None => assert!(rig.driver.close(key, Close::Graceful).is_none()),
            Some(mut released) => assert!(released.socket.read(&mut [0]).is_err()),
        }
        rig.idle();
        assert!(rig.released.is_empty() && rig.failed.len() <= 1 && !rig.driver.has_more());
    }
}

#[test]
fn a_connection_that_is_closed_while_it_is_released_is_closed() {
    for turns in 0..3 {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        rig.idle();
        rig.driver.release(key);
        for _ in 0..turns {
            rig.driver.wait(Some(rig.driver.now())).unwrap();
        }
        assert!(rig.driver.close(key, Close::Graceful).is_none());
        rig.driver.submit();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        rig.idle();
        assert!(rig.released.is_empty());
    }
}
