//! Heads of HTTP/2 through wharf's decoder and encoder: those of a browser, and plain responses.
//!
//! Not here: frames, and what is made of the fields.

use std::hint::black_box;
use std::ops::ControlFlow;

use wharf_proto::h2::hpack::{Decoded, Decoder, Encoder, Fields, Outcome};

/// The first request of a browser: 18 fields of 616 bytes, all put into the table but two, strings
/// in the Huffman code. The same fields as in `head.rs`, the cookie in pieces.
const FIRST: &[u8] = include_bytes!("browser.hpack");

/// The same request again.
const AGAIN: &[u8] = b"\x82\xcd\x87\xcc\xcb\xca\xc9\xc8\xc7\xc6\xc5\xc4\xc3\xc2\xc1\xc0\xbf\xbe";

/// The same with another path, as browsers send it: in the Huffman code, and not indexed.
const OTHER_PATH: &[u8] =
    b"\x82\xcd\x87\x04\x8f\x60\x76\x24\xc4\xa0\xa8\x60\x40\x13\x8c\x0e\xa3\xa6\x72\xd9\
    \xcb\xca\xc9\xc8\xc7\xc6\xc5\xc4\xc3\xc2\xc1\xc0\xbf\xbe";

/// A minimal taker: it notes where fields are.
#[derive(Default)]
struct Taken {
    block: Vec<u8>,
    fields: Vec<Decoded>,
}

impl Fields for Taken {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        self.fields.push(field);
        ControlFlow::Continue(())
    }
}

impl Taken {
    fn take(&mut self, decoder: &mut Decoder, block: &[u8]) {
        self.block.clear();
        self.fields.clear();
        assert_eq!(decoder.decode(black_box(block), self), Ok(Outcome::Complete));
        assert_eq!(black_box(&self.fields).len(), 18);
    }
}

/// On a new connection each time, whose table has to be allocated.
pub(crate) fn first() -> Box<dyn FnMut()> {
    let mut taken = Taken::default();
    Box::new(move || taken.take(&mut Decoder::new(65_536), FIRST))
}

pub(crate) fn again() -> Box<dyn FnMut()> {
    behind_the_first(AGAIN)
}

pub(crate) fn other_path() -> Box<dyn FnMut()> {
    behind_the_first(OTHER_PATH)
}

fn behind_the_first(block: &'static [u8]) -> Box<dyn FnMut()> {
    let (mut decoder, mut taken) = (Decoder::new(65_536), Taken::default());
    taken.take(&mut decoder, FIRST);
    Box::new(move || taken.take(&mut decoder, block))
}

/// The same response each time.
pub(crate) fn respond() -> Box<dyn FnMut()> {
    let (mut encoder, mut out) = (Encoder::new(), Vec::new());
    Box::new(move || {
        out.clear();
        let mut block = encoder.block(&mut out);
        block.status(black_box(200));
        for (name, value) in black_box(RESPONSE) {
            block.field(name, value);
        }
        black_box(&out);
    })
}

/// The same response with another length each time.
pub(crate) fn respond_length() -> Box<dyn FnMut()> {
    let (mut encoder, mut out) = (Encoder::new(), Vec::new());
    let mut length = 100_000_u32;
    Box::new(move || {
        out.clear();
        length += 1;
        let digits = length.to_string();
        let mut block = encoder.block(&mut out);
        block.status(black_box(200));
        for (name, value) in &black_box(RESPONSE)[..3] {
            block.field(name, value);
        }
        block.field(b"content-length", digits.as_bytes());
        black_box(&out);
    })
}

const RESPONSE: [(&[u8], &[u8]); 4] = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"server", b"wharf"),
    (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT"),
    (b"content-length", b"13"),
];
