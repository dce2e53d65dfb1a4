//! A server is exchanged for another again and again, and no client notices.
//!
//! Not here: hand-over between backends, and one that fails (`crates/wharf/tests/hand_over.rs`).

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test, also outside of its test functions")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How often a server is exchanged.
const HAND_OVERS: usize = 20;

/// How many requests each of the two addresses gets meanwhile, at least.
fn requests() -> usize {
    std::env::var("WHARF_HAND_OVER_REQUESTS").map_or(5_000, |count| count.parse().unwrap())
}

/// Each client has a connection of its own for each request, or one for several.
const CLIENTS: usize = 4;

/// How many requests a client sends on one connection.
const KEPT: usize = 3;

/// The command, until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if the process has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Has the clients come to an end when it is dropped, also if a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts a server; returns once it says where it listens.
fn start(directory: &Path) -> (Running, String) {
    let unix = format!("unix:{}", directory.join("site.sock").display());
    let mut child = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .args(["serve", "-q", "-l", "0", "-l", &unix, "-w", "2", "--hand-over"])
        .args([directory.join("next"), directory.join("site")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = lines.find_map(|line| {
        let addr = line.unwrap().trim().strip_prefix("http://")?.trim_end_matches('/').to_owned();
        Some(addr)
    });
    (Running(child), addr.unwrap())
}

/// Sends some requests on one connection. One that is told that it closes is closed.
fn ask(mut stream: impl Read + Write) -> io::Result<usize> {
    for sent in 1..=KEPT {
        stream.write_all(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")?;
        let mut response = Vec::new();
        while !response.ends_with(b"content") {
            let mut buffer = [0; 1000];
            match stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                len => response.extend_from_slice(&buffer[..len]),
            }
        }
        let response = String::from_utf8_lossy(&response).to_ascii_lowercase();
        assert!(response.starts_with("http/1.1 200 "), "{response}");
        if response.contains("connection: close") {
            return Ok(sent);
        }
    }
    Ok(KEPT)
}

fn directory() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hand_over");
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(path.join("site")).unwrap();
    fs::write(path.join("site/file"), "content").unwrap();
    path
}

#[test]
fn no_request_is_lost_while_servers_take_over_from_each_other() {
    let directory = directory();
    let socket = directory.join("site.sock");
    let (mut current, addr) = start(&directory);
    let is_over = AtomicBool::new(false);
    let answered = [AtomicUsize::new(0), AtomicUsize::new(0)];
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (addr, socket, is_over) = (&addr, &socket, &is_over);
            let answered = &answered[client % 2];
            scope.spawn(move || {
                let count = || answered.load(Ordering::Relaxed);
                while !is_over.load(Ordering::Relaxed) || count() < requests() {
                    let asked = match client % 2 {
                        0 => ask(TcpStream::connect(addr).unwrap()),
                        _ => ask(UnixStream::connect(socket).unwrap()),
                    };
                    let count = asked.unwrap_or_else(|error| {
                        is_over.store(true, Ordering::Relaxed);
                        panic!("client {client}: {error}")
                    });
                    answered.fetch_add(count, Ordering::Relaxed);
                }
            });
        }
        let over = Over(&is_over);
        for number in 1..=HAND_OVERS {
            let (next, same) = start(&directory);
            assert_eq!(addr, same);
            assert!(current.0.wait().unwrap().success(), "it ends by itself");
            current = next;
            // Each serves its part.
            let due = requests() * number / HAND_OVERS;
            while answered.iter().any(|count| count.load(Ordering::Relaxed) < due) {
                assert!(!is_over.load(Ordering::Relaxed), "a client has failed");
                thread::yield_now();
            }
        }
        drop(over);
    });
    let answered = answered.map(AtomicUsize::into_inner);
    eprintln!("{HAND_OVERS} hand-overs, {answered:?} requests answered");
    assert!(answered.iter().all(|count| *count >= requests()), "{answered:?}");
}
