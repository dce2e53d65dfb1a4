//! Heads at the very end of a page that no readable one follows, and at the start of one that none
//! precedes: a parser that reads one byte too many dies of it.
//!
//! The parser has no `unsafe` code of its own; this holds for what it is compiled to, and for the
//! libraries below it. Not here: whether what it understands is right (`wharf_proto::h1`).

use std::ffi::c_void;
use std::fs;
use std::path::Path;
use std::ptr::null_mut;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use wharf_proto::h1::{BodyLength, Connection, Event, Response};
use wharf_proto::{Headers, Limits, RequestHead};

/// A multiple of every size that pages have.
const PAGE_BYTES: usize = 64 << 10;

/// A readable page between two that are not.
struct Guarded {
    mapping: *mut c_void,
}

impl Guarded {
    fn new() -> Self {
        let (readable, anywhere) = (ProtFlags::READ | ProtFlags::WRITE, null_mut());
        // SAFETY: no address is asked for, so nothing that exists is mapped over.
        let mapping =
            unsafe { mmap_anonymous(anywhere, 3 * PAGE_BYTES, readable, MapFlags::PRIVATE) };
        let guarded = Self { mapping: mapping.unwrap() };
        for page in [guarded.mapping, guarded.mapping.wrapping_byte_add(2 * PAGE_BYTES)] {
            // SAFETY: the page is the mapping's first or last, to which nothing refers.
            unsafe { mprotect(page, PAGE_BYTES, MprotectFlags::empty()) }.unwrap();
        }
        guarded
    }

    fn readable(&mut self) -> &mut [u8] {
        let start = self.mapping.wrapping_byte_add(PAGE_BYTES).cast();
        // SAFETY: the page in the middle is mapped, readable, writable and zeroed until `self` is
        // dropped, and only reached through `self`, which is borrowed.
        unsafe { std::slice::from_raw_parts_mut(start, PAGE_BYTES) }
    }

    /// A copy of `bytes` that ends where the readable page ends.
    fn at_end(&mut self, bytes: &[u8]) -> &[u8] {
        let place = &mut self.readable()[PAGE_BYTES - bytes.len()..];
        place.copy_from_slice(bytes);
        place
    }

    /// A copy of `bytes` that begins where the readable page begins.
    fn at_start(&mut self, bytes: &[u8]) -> &[u8] {
        let place = &mut self.readable()[..bytes.len()];
        place.copy_from_slice(bytes);
        place
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: these are the pages that `new` mapped, and nothing refers to them any more.
        unsafe { munmap(self.mapping, 3 * PAGE_BYTES) }.unwrap();
    }
}

/// How the bytes come to the machine.
type Place = for<'g> fn(&'g mut Guarded, &[u8]) -> &'g [u8];

/// Receives `pieces` as they come, each where `place` puts it behind what is unread, answers each
/// request, and says what happened.
fn run(pieces: [&[u8]; 2], guarded: &mut Guarded, place: Place) -> String {
    let limits = Limits::default();
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let (mut unread, mut out, mut seen) = (Vec::new(), Vec::new(), String::new());
    for piece in pieces {
        unread.extend_from_slice(piece);
        loop {
            let input = place(guarded, &unread);
            let received = match connection.receive(input, &limits, &mut head) {
                Ok(received) => received,
                Err(reject) => return format!("{seen}{reject:?}"),
            };
            unread.drain(..received.consumed);
            let is_over = match received.event {
                Some(Event::Head { body }) => {
                    seen += &format!("{} {} {:?}\n", head.method(), head.target(), head.headers());
                    body == BodyLength::Known(0)
                }
                // Where the pieces of a body end depends on where those of the input do.
                Some(Event::Body(data)) => {
                    seen += &data.escape_ascii().to_string();
                    false
                }
                Some(Event::End) => true,
                None => break,
            };
            if is_over {
                let response = Response::new(http::StatusCode::OK, BodyLength::Known(0));
                connection.send_head(response, &Headers::new(), &mut out).unwrap();
                connection.send_end(&mut out).unwrap();
            }
        }
    }
    seen
}

/// One head for each turn that the parser can take; what the corpus lacks is here.
const HEADS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /index.html?a=b HTTP/1.1\r\nHost: www.example.com:8080\r\nAccept: */*\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "\r\nHEAD /0123456789abcdef HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n",
    "PUT /%7e HTTP/1.1\r\nhost:a%20b\r\nX_1: \ty\t\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nA: b\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "GET http://a/?b HTTP/1.1\r\nHost: a:80\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nCookie: \u{e4}=0123456789abcdef0123456789abcdef\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB: \r\nC:  d \r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nA: 0123456789abcdef0123456789abcde\x7f\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

fn check(name: &str, input: &[u8], guarded: &mut Guarded) {
    let whole = run([input, b""], guarded, Guarded::at_start);
    for place in [Guarded::at_end as Place, Guarded::at_start] {
        for cut in 0..=input.len() {
            let (first, second) = input.split_at(cut);
            assert_eq!(run([first, second], guarded, place), whole, "{name} cut at {cut}");
        }
    }
}

#[test]
fn no_byte_is_read_beyond_the_input() {
    let mut guarded = Guarded::new();
    for head in HEADS {
        check(head, head.as_bytes(), &mut guarded);
    }
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/h1_head");
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        check(&path.display().to_string(), &fs::read(&path).unwrap(), &mut guarded);
    }
}
