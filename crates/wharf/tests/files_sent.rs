//! Files as large bodies, which the system sends by itself: what a program is told when something
//! becomes of them meanwhile.
//!
//! Not here: what clients get (`src/tests/cases/on_disk.rs`), directories (`src/files/tests`).

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wharf::{Access, Body, ClosedConnection, Request, Response, Server, Ticker};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// More than sockets hold.
const LEN: u64 = 32 << 20;

/// Only a guard against hanging for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file of zeros.
fn file() -> Arc<File> {
    let name = format!("wharf-files-sent-{}-{:?}", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path);
    let file = file.expect("a place for temporary files");
    std::fs::remove_file(&path).expect("an open file can be removed");
    file.set_len(LEN).expect("a file can grow");
    Arc::new(file)
}

/// A server of one file, what it tells, and a client that has asked for the file and taken nothing.
struct Download {
    file: Arc<File>,
    ticker: Ticker,
    told: Arc<Mutex<Vec<String>>>,
    client: TcpStream,
}

impl Download {
    fn begin() -> Self {
        let (file, told) = (file(), Arc::<Mutex<Vec<String>>>::default());
        let (served, log, closes) = (Arc::clone(&file), Arc::clone(&told), Arc::clone(&told));
        let tell = |to: &Mutex<Vec<String>>, line: String| {
            to.lock().expect("nobody panics").push(line);
        };
        let site = move |_: Request| Response::from(Body::file_range(Arc::clone(&served), 0..LEN));
        let server = Server::new(site)
            .access_log(move |access: &Access<'_>| {
                let share = access.body_bytes * 10 / LEN;
                let failure = access.failure.map(ToString::to_string).unwrap_or_default();
                let is_complete = access.complete;
                tell(&log, format!("complete {is_complete}, {share} tenths {failure}"));
            })
            .on_close(move |closed: &ClosedConnection| {
                tell(&closes, format!("{:?}", closed.reason));
            });
        let server = server.listen("127.0.0.1:0").expect("a free port");
        let ticker = server.into_ticker().expect("it is made");
        let mut client = TcpStream::connect(ticker.local_addrs()[0]).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("a time that there is");
        client.write_all(REQUEST).expect("there is room");
        let mut download = Self { file, ticker, told, client };
        download.tick();
        download
    }

    /// Lets happen what can.
    fn tick(&mut self) {
        for _ in 0..100 {
            self.ticker.tick(Duration::ZERO).expect("it goes on");
        }
    }

    fn told(&self) -> String {
        self.told.lock().expect("nobody panics").join("; ")
    }

    /// Takes what is there, and the rest as it comes, until the end or so many bytes.
    fn take(&mut self, len: usize) -> Vec<u8> {
        let (mut taken, mut piece) = (Vec::new(), vec![0; 1 << 20]);
        self.client.set_nonblocking(true).expect("the system does it");
        while taken.len() < len {
            match self.client.read(&mut piece) {
                Ok(0) => break,
                Ok(len) => taken.extend_from_slice(&piece[..len]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => self.tick(),
                Err(error) => panic!("{error}"),
            }
        }
        taken
    }
}

/// What the system sends from the file is there once, and not copied.
#[test]
fn what_has_not_been_taken_is_still_in_the_file() {
    let mut download = Download::begin();
    download.file.write_all_at(&[b'x'; 1000], 0).expect("it can be written to");
    let mut answer = vec![0; 2000];
    download.client.read_exact(&mut answer).expect("it was sent");
    assert_eq!(answer.iter().filter(|byte| **byte == b'x').count(), 1000);
}

#[test]
fn a_whole_download_is_told_as_such() {
    let mut download = Download::begin();
    let whole = usize::try_from(LEN).expect("it fits");
    assert!(download.take(whole).len() >= whole);
    download.tick();
    assert_eq!(download.told(), "complete true, 10 tenths ");
}

/// The peer can tell by the length, and loses nothing that came before.
#[test]
fn a_file_that_is_cut_ends_its_connection_in_order() {
    let mut download = Download::begin();
    download.client.write_all(REQUEST).expect("there is room");
    download.tick();
    download.file.set_len(1).expect("a file can be cut");
    let taken = download.take(usize::MAX);
    assert!((taken.len() as u64) < LEN, "{}", taken.len());
    let heads = taken.windows(8).filter(|bytes| bytes == b"HTTP/1.1").count();
    assert_eq!(heads, 1, "what comes behind would be taken for the rest");
    download.client.shutdown(std::net::Shutdown::Both).expect("the system does it");
    download.tick();
    let told = download.told();
    assert!(told.starts_with("complete false, "), "{told}");
    assert!(told.contains("tenths file could not be read"), "{told}");
    assert!(told.ends_with("; Failed"), "{told}");
}

#[test]
fn of_a_file_whose_client_has_left_no_more_is_told_than_was_sent() {
    let mut download = Download::begin();
    socket2::SockRef::from(&download.client).set_linger(Some(Duration::ZERO)).expect("it does it");
    drop(std::mem::replace(
        &mut download.client,
        TcpStream::connect(download.ticker.local_addrs()[0]).expect("it listens"),
    ));
    download.tick();
    let told = download.told();
    let share = told.strip_prefix("complete false, ").and_then(|told| told.split(' ').next());
    let share: u64 = share.and_then(|share| share.parse().ok()).expect("it is told");
    assert!(share < 7 && told.ends_with("; Lost"), "{told}");
}
