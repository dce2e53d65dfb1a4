//! Streams of HTTP/2 that nobody brings to their end: each has a deadline, or an end of its own.
//!
//! Not here: what the protocol itself allows and forbids (`wharf-proto`).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use wharf::{Request, Response, Server, ServerHandle, Timeouts};

/// Only a guard against hanging for ever.
const PATIENCE: Duration = Duration::from_secs(5);
/// So short that it passes at once.
const SHORT: Duration = Duration::from_millis(50);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const GET: &[u8] = b"\x82\x86\x84\x41\x01a";
const POST: &[u8] = b"\x83\x86\x84\x41\x01a";
/// A POST of five bytes.
const POST_5: &[u8] = b"\x83\x86\x84\x41\x01a\x0f\x0d\x015";
const CONNECT: &[u8] = b"\x02\x07CONNECT\x41\x03a:1";

fn start(server: Server) -> (ServerHandle, SocketAddr) {
    let handle = server.listen("127.0.0.1:0").expect("a free port").start().expect("it starts");
    let addr = handle.local_addrs()[0];
    (handle, addr)
}

struct Client {
    stream: TcpStream,
}

type Frame = (u8, u8, u32, Vec<u8>);

impl Client {
    fn connect(addr: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is settable");
        let mut client = Self { stream };
        client.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("it is taken");
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        client.send(SETTINGS, 0, 0, &payload);
        client.send(SETTINGS, 1, 0, &[]);
        client
    }

    fn send(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let mut out =
            u32::try_from(payload.len()).expect("a short one").to_be_bytes()[1..].to_vec();
        out.extend_from_slice(&[kind, flags]);
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(payload);
        self.stream.write_all(&out).expect("it is taken");
    }

    fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.stream.read_exact(&mut head) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
            result => result.expect("a frame"),
        }
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload).expect("a whole frame");
        let id = u32::from_be_bytes(head[5..].try_into().expect("four bytes"));
        Some((head[3], head[4], id, payload))
    }

    /// The next frame that is what is waited for.
    fn until(&mut self, mut is_it: impl FnMut(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.next().expect("the connection goes on");
            if is_it(&frame) {
                return frame;
            }
        }
    }
}

fn is_end((kind, flags, ..): &Frame) -> bool {
    matches!(*kind, DATA | HEADERS) && flags & END_STREAM != 0
}

#[test]
fn a_connect_request_that_a_handler_answers_is_over_with_its_response() {
    let (_handle, addr) = start(Server::new("hello"));
    let mut client = Client::connect(addr, &[]);
    client.send(HEADERS, END_HEADERS, 1, CONNECT);
    client.until(|frame| is_end(frame) || frame.0 == RST_STREAM);
}

/// There are clients that send the end in a frame of its own, and take a reset for a failure.
#[test]
fn a_request_whose_end_alone_is_missing_is_not_reset_behind_its_response() {
    let (_handle, addr) = start(Server::new(async |request: Request| request.into_body()));
    let mut client = Client::connect(addr, &[]);
    client.send(HEADERS, END_HEADERS, 1, POST_5);
    client.send(DATA, 0, 1, b"hello");
    client.until(is_end);
    client.send(DATA, END_STREAM, 1, b"");
    client.send(HEADERS, END_HEADERS | END_STREAM, 3, GET);
    let frame = client.until(|frame| is_end(frame) || frame.0 == RST_STREAM);
    assert_eq!((frame.0 == RST_STREAM, frame.2), (false, 3));
}

#[test]
fn a_request_whose_end_alone_never_comes_is_reset_in_time() {
    let server = Server::new(async |request: Request| request.into_body());
    let (_handle, addr) = start(server.timeouts(Timeouts::default().with_linger(SHORT)));
    let mut client = Client::connect(addr, &[]);
    client.send(HEADERS, END_HEADERS, 1, POST_5);
    client.send(DATA, 0, 1, b"hello");
    client.until(is_end);
    assert_eq!(client.until(|frame| frame.0 == RST_STREAM).2, 1);
}

#[test]
fn the_end_of_a_response_needs_no_window() {
    let handler = |_: Request| {
        Response::stream(|mut writer| async move {
            for len in [16_384, 16_384, 16_384, 16_383] {
                writer.write(vec![b'x'; len]).await?;
            }
            writer.finish()
        })
    };
    let (_handle, addr) = start(Server::new(handler));
    let mut client = Client::connect(addr, &[]);
    client.send(HEADERS, END_HEADERS | END_STREAM, 1, GET);
    client.until(is_end);
}

#[test]
fn a_request_that_goes_on_behind_its_response_has_a_deadline() {
    let (keep, kept) = mpsc::sync_channel(10);
    let handler = move |request: Request| {
        let keep = keep.clone();
        async move {
            let _ = keep.send(request.into_body());
            "done"
        }
    };
    let timeouts = Timeouts::default().with_body(SHORT);
    let (_handle, addr) = start(Server::new(handler).timeouts(timeouts));
    let mut client = Client::connect(addr, &[]);
    client.send(HEADERS, END_HEADERS, 1, POST);
    client.until(is_end);
    client.until(|frame| frame.0 == RST_STREAM);
    drop(kept);
}

/// Of many large responses at once no more is in the output than is sent next, so that what is
/// asked for last and is more urgent does not wait behind a part of each.
#[test]
fn large_responses_wait_for_room_before_they_begin() {
    let (_handle, addr) = start(Server::new(|_: Request| vec![b'x'; 1 << 20]));
    let stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is settable");
    let mut client = Client { stream };
    let urgent = [GET, b"\x00\x08priority\x03u=0"].concat();
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let mut put = |kind: u8, flags: u8, id: u32, payload: &[u8]| {
        let len = u32::try_from(payload.len()).expect("a short one");
        out.extend_from_slice(&len.to_be_bytes()[1..]);
        out.extend_from_slice(&[kind, flags]);
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(payload);
    };
    // All windows are as large as can be.
    put(SETTINGS, 0, 0, b"\x00\x04\x7f\xff\xff\xff");
    put(WINDOW_UPDATE, 0, 0, &((1_u32 << 31) - 65_536).to_be_bytes());
    for number in 0..40 {
        put(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * number, GET);
    }
    put(HEADERS, END_HEADERS | END_STREAM, 81, &urgent);
    // One piece, so that all of it is there before anything is sent.
    client.stream.write_all(&out).expect("it is taken");
    let mut before = 0;
    client.until(|frame| {
        before += if frame.0 == DATA { frame.3.len() } else { 0 };
        frame.0 == DATA && frame.2 == 81
    });
    assert!(before < 200_000, "{before}");
}
