//! A flood of garbage over real sockets: random bytes, cut and damaged requests, resets, half
//! closes and slow fragments. A good client is served all the while, no answer is a 500, and when
//! the flood is over nothing of it is left: no descriptor and no memory.
//!
//! The long one is run by hand; the seed is printed, and can be given to see the same again:
//! `WHARF_FLOOD_SEED=1 cargo test --release -p wharf --test flood -- --ignored --nocapture`.
//!
//! Slow fragments need real pauses, of a few milliseconds. Not here: floods that the simulated
//! network can show as well (`crates/wharf/src/tests/`).

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "the seed is told, for the flood to be repeated")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;
use wharf::{
    BodyError, CloseReason, Http2Error, Limit, Reject, Request, Response, Router, Server,
    ServerHandle, Timeouts,
};

/// How many connections the flood has open at once.
const THREADS: u64 = 16;
/// So many addresses are listened on: closed connections keep their ports for a minute, and each
/// address has ports of its own.
const ADDRS: u8 = 8;
/// No answer may take longer. Only a guard against hanging for ever.
const PATIENCE: Duration = Duration::from_secs(20);
/// Every deadline of the server's, so that what the flood leaves hanging ends soon.
const DEADLINE: Duration = Duration::from_millis(500);
/// The allocator may keep this much more than it kept after the warm-up. It has arenas for the
/// flood's own threads, too.
const MAX_GROWTH_KIB: usize = 8192;

/// SplitMix64: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// What the flood starts from. Some of it is wrong as it is.
const REQUESTS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /large HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /stream HTTP/1.0\r\n\r\n",
    b"HEAD /stream HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nAccept: */*\r\n\r\n",
    b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello worldGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nand no more",
    b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
    b"POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nffffffffffffffffff\r\n",
    b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    b"",
];

/// What is sent over one connection.
fn garbage(random: &mut Random) -> Vec<u8> {
    let mut bytes = REQUESTS[random.below(REQUESTS.len())].to_vec();
    match random.below(8) {
        0 => {
            let count = random.below(2000);
            return random.bytes(count);
        }
        1 => {
            // A head that is longer than any limit.
            bytes = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
            for _ in 0..random.below(5000) {
                bytes.extend_from_slice(b"Field: of twenty-six bytes\r\n");
            }
        }
        2 | 3 => bytes.truncate(random.below(bytes.len() + 1)),
        4 | 5 => {
            for _ in 0..=random.below(3) {
                if !bytes.is_empty() {
                    let place = random.below(bytes.len());
                    bytes[place] ^= 1 << random.below(8);
                }
            }
        }
        6 => {
            let place = random.below(bytes.len() + 1);
            let count = random.below(10);
            let more = random.bytes(count);
            bytes.splice(place..place, more);
        }
        _ => {}
    }
    bytes
}

/// How a connection ends, and what came back where that was looked at.
fn attack(addr: SocketAddr, random: &mut Random) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let bytes = garbage(random);
    let mut answer = Vec::new();
    // One of several: whole, in fragments, in slow fragments.
    let (pieces, pause) = match random.below(20) {
        0 => (1 + random.below(10), Duration::from_millis(2)),
        1..=4 => (1 + random.below(4), Duration::ZERO),
        _ => (1, Duration::ZERO),
    };
    for piece in bytes.chunks(bytes.len().div_ceil(pieces).max(1)) {
        stream.write_all(piece)?;
        thread::sleep(pause);
    }
    match random.below(8) {
        // A reset at once, after some of the answer, or after a half-close.
        0..=2 => SockRef::from(&stream).set_linger(Some(Duration::ZERO))?,
        3 => {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            stream.set_read_timeout(Some(Duration::from_millis(5)))?;
            let mut some = [0; 100];
            let count = stream.read(&mut some)?;
            answer.extend_from_slice(&some[..count]);
        }
        4 => {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            stream.shutdown(Shutdown::Write)?;
        }
        // The peer of an orderly one reads all that comes, up to the close.
        5 | 6 => {
            stream.shutdown(Shutdown::Write)?;
            stream.read_to_end(&mut answer)?;
        }
        // Closed without a look, which is a reset where something has come.
        _ => {}
    }
    Ok(answer)
}

fn site() -> Router {
    let upload = async |mut request: Request| {
        let mut count = 0;
        while let Some(piece) = request.body_mut().chunk().await? {
            count += piece.len();
        }
        Ok::<_, BodyError>(format!("{count}\n"))
    };
    let stream = |_: Request| {
        Response::stream(async |mut writer| {
            for _ in 0..100 {
                writer.write(vec![b'x'; 1000]).await?;
            }
            writer.finish()
        })
    };
    Router::new()
        .get("/", "hello")
        .get("/large", |_: Request| vec![b'x'; 200_000])
        .get("/stream", stream)
        .post("/upload", upload)
        .post("/echo", async |request: Request| request.into_body())
}

/// How often each status came. Panics at an answer that nothing of the above may have.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<u16, usize>>);

impl Tally {
    fn count(&self, answer: &[u8]) {
        // Less is what a reset left of it.
        let Some(line) = answer.get(..13) else { return };
        // The preface of HTTP/2 is answered with SETTINGS (RFC 9113 section 3.4).
        if line.starts_with(b"\0\0") && line[3] == 4 {
            return;
        }
        let line = str::from_utf8(line).expect("a status line is ASCII");
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest[..3].parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("not a status line: {line:?}"));
        assert!(status != 500 && status < 506, "{line}");
        *self.0.lock().expect("nobody panics with it").entry(status).or_default() += 1;
    }
}

struct Flood {
    seed: u64,
    handle: ServerHandle,
    tally: Tally,
    sent: AtomicUsize,
}

impl Flood {
    fn start(seed: u64) -> Self {
        let timeouts = Timeouts::default()
            .with_head(DEADLINE)
            .with_body(DEADLINE)
            .with_write(DEADLINE)
            .with_idle(DEADLINE)
            .with_linger(DEADLINE);
        let mut server = Server::new(site()).workers(2).timeouts(timeouts);
        for last in 1..=ADDRS {
            server = server.listen(SocketAddr::from(([127, 0, 0, last], 0))).expect("a free port");
        }
        let handle = server.start().expect("it starts");
        Self { seed, handle, tally: Tally::default(), sent: AtomicUsize::new(0) }
    }

    /// Sends garbage until `total` connections have been there, and serves a good client besides.
    fn run_to(&self, total: usize) {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let good = scope.spawn(|| self.good_client(&over));
            let threads: Vec<_> =
                (0..THREADS).map(|index| scope.spawn(move || self.send(total, index))).collect();
            let ended: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
            over.store(true, Ordering::Relaxed);
            let served = good.join().expect("the good client is served");
            assert!(ended.iter().all(Result::is_ok), "seed {}", self.seed);
            println!("{total} connections, {served} good requests besides");
        });
    }

    fn send(&self, total: usize, index: u64) {
        let addrs = self.handle.local_addrs();
        let start = self.sent.load(Ordering::Relaxed) as u64;
        let mut random = Random(self.seed ^ (start << 32) ^ (index << 24));
        while self.sent.fetch_add(1, Ordering::Relaxed) < total {
            // A reset or a close by the server is an answer, too.
            if let Ok(answer) = attack(addrs[random.below(addrs.len())], &mut random) {
                self.tally.count(&answer);
            }
        }
        self.sent.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many requests were answered rightly, which all have to be.
    fn good_client(&self, over: &AtomicBool) -> usize {
        let mut count = 0;
        while !over.load(Ordering::Relaxed) {
            let mut stream = TcpStream::connect(self.handle.local_addrs()[0]).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
            let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            stream.write_all(request).expect("it is sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it is answered");
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
            count += 1;
            thread::sleep(Duration::from_millis(2));
        }
        count
    }

    /// Waits until as few descriptors are open as before the flood, and every connection that was
    /// accepted has ended for some reason.
    fn settle(&self, descriptors: usize) {
        let deadline = Instant::now() + PATIENCE;
        while open_descriptors() > descriptors || !self.has_ended() {
            let left = open_descriptors().saturating_sub(descriptors);
            let stats = self.handle.stats();
            assert!(Instant::now() < deadline, "{left}, {stats:?}, seed {}", self.seed);
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn has_ended(&self) -> bool {
        let stats = self.handle.stats();
        let reasons = [
            CloseReason::PeerClosed,
            CloseReason::Lost,
            CloseReason::Finished,
            CloseReason::Rejected(Reject::BadField),
            CloseReason::Limit(Limit::Head),
            CloseReason::Failed,
            CloseReason::Tls,
            CloseReason::Http2(Http2Error::BadPreface),
        ];
        let ended: u64 = reasons.map(|reason| stats.closed(reason)).iter().sum();
        stats.connections == 0 && ended == stats.accepted
    }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()).expect("it has this line");
    number.parse().expect("it is a number")
}

/// Compares the memory after `total` connections with that after `warm_up`.
fn flood(warm_up: usize, total: usize) {
    // They count the same descriptors.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

    let seed = std::env::var("WHARF_FLOOD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    let flood = Flood::start(seed);
    let descriptors = open_descriptors();
    flood.run_to(warm_up);
    flood.settle(descriptors);
    let before = resident_kib();
    flood.run_to(total);
    flood.settle(descriptors);
    let after = resident_kib();
    println!("resident: {before} KiB after the warm-up, {after} KiB in the end");
    println!("statuses: {:?}", flood.tally.0.lock().expect("nobody panics with it"));
    assert!(after < before + MAX_GROWTH_KIB, "{before} KiB became {after}, seed {seed}");
    flood.handle.stop();
    flood.handle.join().expect("no worker was lost");
}

#[test]
fn nothing_is_left_of_6000_connections_of_garbage() {
    flood(2_000, 6_000);
}

#[test]
#[ignore = "a long one; run by hand, see the header"]
fn nothing_is_left_of_200000_connections_of_garbage() {
    flood(20_000, 200_000);
}
