//! The completion backend alone: what a worker can't show.
//!
//! Where the system has no `io_uring`, the tests say so and pass. Here is the driver that they run,
//! and what is sent by it. Not here: the tests, by subject, in the files beside.

mod ends;
mod flow;
mod listeners;
mod release;
mod storage;
mod turns;

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;
use crate::driver::sim::PATIENCE;
use crate::driver::{Input, Released};

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
