//! A chunked request body through wharf's machine, and through httparse, which only reads sizes.
//!
//! Not here: bodies that arrive in pieces.

use std::hint::black_box;

use httparse::{Status, parse_chunk_size};
use wharf_proto::h1::{Connection, Event};
use wharf_proto::{Limits, RequestHead};

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fn body(chunks: usize, bytes: usize) -> Vec<u8> {
    let chunk = [format!("{bytes:x}\r\n").as_bytes(), &vec![b'x'; bytes], b"\r\n"].concat();
    [&chunk.repeat(chunks)[..], b"0\r\n\r\n"].concat()
}

pub(crate) fn wharf(chunks: usize, bytes: usize) -> Box<dyn FnMut()> {
    let body = body(chunks, bytes);
    let (limits, mut head) = (Limits::default(), RequestHead::default());
    let mut begun = Connection::new();
    begun.receive(HEAD, &limits, &mut head).expect("the head is good");
    Box::new(move || {
        let mut connection = begun.clone();
        let (mut rest, mut received_bytes) = (black_box(&body[..]), 0);
        loop {
            let received = connection.receive(rest, &limits, &mut head).expect("it is good");
            rest = &rest[received.consumed..];
            match received.event {
                Some(Event::Body(piece)) => received_bytes += piece.len(),
                Some(Event::End) => break,
                Some(Event::Head { .. }) | None => panic!("the body is whole"),
            }
        }
        assert_eq!(received_bytes, chunks * bytes);
    })
}

pub(crate) fn httparse(chunks: usize, bytes: usize) -> Box<dyn FnMut()> {
    let body = body(chunks, bytes);
    Box::new(move || {
        let (mut rest, mut received_bytes) = (black_box(&body[..]), 0);
        loop {
            let Ok(Status::Complete((size_bytes, size))) = parse_chunk_size(rest) else {
                panic!("the body is whole");
            };
            let size = usize::try_from(size).expect("it is in memory");
            if size == 0 {
                break;
            }
            received_bytes += size;
            rest = &rest[size_bytes + size + 2..];
        }
        assert_eq!(received_bytes, chunks * bytes);
    })
}
