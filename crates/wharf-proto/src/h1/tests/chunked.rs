//! Chunked bodies: sizes, extensions, trailers and their limits (RFC 9112 section 7.1).

use super::{Case, Table, show_body};
use crate::{Limits, Reject};

/// Rows are chunked bodies.
fn table() -> Table {
    Table {
        limits: Limits::default(),
        before: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        behind: "",
        view: show_body,
    }
}

#[rustfmt::skip]
const SIZES: &[Case<'static>] = &[
    Case { name: "7.1: no chunk but the last",      input: b"0\r\n\r\n",                         expect: Ok("chunked:") },
    Case { name: "7.1: one chunk",                  input: b"5\r\nhello\r\n0\r\n\r\n",           expect: Ok("chunked:hello") },
    Case { name: "7.1: three chunks",               input: b"1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", expect: Ok("chunked:abcdef") },
    Case { name: "7.1: capital digits",             input: b"A\r\n0123456789\r\n0\r\n\r\n",      expect: Ok("chunked:0123456789") },
    Case { name: "7.1: small digits",               input: b"a\r\n0123456789\r\n0\r\n\r\n",      expect: Ok("chunked:0123456789") },
    Case { name: "7.1: two digits",                 input: b"1f\r\n0123456789012345678901234567890\r\n0\r\n\r\n", expect: Ok("chunked:0123456789012345678901234567890") },
    Case { name: "7.1: leading zeros",              input: b"000000000000000000005\r\nhello\r\n0\r\n\r\n", expect: Ok("chunked:hello") },
    Case { name: "7.1: many zeros are the last",    input: b"0000\r\n\r\n",                      expect: Ok("chunked:") },
    Case { name: "7.1: data may be line ends",      input: b"4\r\n\r\n\r\n\r\n0\r\n\r\n",        expect: Ok("chunked:\\r\\n\\r\\n") },
    Case { name: "7.1: data may look like the last", input: b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",      expect: Ok("chunked:0\\r\\n\\r\\n") },
    Case { name: "7.1: no size",                    input: b"\r\nhello\r\n0\r\n\r\n",            expect: Err(Reject::BadChunk) },
    Case { name: "7.1: no hexadecimal digit",       input: b"g\r\nhello\r\n0\r\n\r\n",           expect: Err(Reject::BadChunk) },
    Case { name: "7.1: prefix",                     input: b"0x5\r\nhello\r\n0\r\n\r\n",         expect: Err(Reject::BadChunk) },
    Case { name: "7.1: suffix",                     input: b"5h\r\nhello\r\n0\r\n\r\n",          expect: Err(Reject::BadChunk) },
    Case { name: "7.1: plus",                       input: b"+5\r\nhello\r\n0\r\n\r\n",          expect: Err(Reject::BadChunk) },
    Case { name: "7.1: minus",                      input: b"-5\r\nhello\r\n0\r\n\r\n",          expect: Err(Reject::BadChunk) },
    Case { name: "7.1: underscore",                 input: b"0_5\r\nhello\r\n0\r\n\r\n",         expect: Err(Reject::BadChunk) },
    Case { name: "7.1: blank before",               input: b" 5\r\nhello\r\n0\r\n\r\n",          expect: Err(Reject::BadChunk) },
    Case { name: "7.1: blank behind",               input: b"5 \r\nhello\r\n0\r\n\r\n",          expect: Err(Reject::BadChunk) },
    Case { name: "7.1: bare LF behind the size",    input: b"5\nhello\r\n0\r\n\r\n",             expect: Err(Reject::BadChunk) },
    Case { name: "7.1: bare CR behind the size",    input: b"5\rhello\r\n0\r\n\r\n",             expect: Err(Reject::BadChunk) },
    Case { name: "7.1: CR CR LF behind the size",   input: b"5\r\r\nhello\r\n0\r\n\r\n",         expect: Err(Reject::BadChunk) },
    Case { name: "7.1: bare LF behind the data",    input: b"5\r\nhello\n0\r\n\r\n",             expect: Err(Reject::BadChunk) },
    Case { name: "7.1: bare CR behind the data",    input: b"5\r\nhello\r0\r\n\r\n",             expect: Err(Reject::BadChunk) },
    Case { name: "7.1: nothing behind the data",    input: b"5\r\nhello0\r\n\r\n",               expect: Err(Reject::BadChunk) },
    Case { name: "7.1: more data than said",        input: b"4\r\nhello\r\n0\r\n\r\n",           expect: Err(Reject::BadChunk) },
    Case { name: "7.1: less data than said",        input: b"6\r\nhello\r\n0\r\n\r\n",           expect: Err(Reject::BadChunk) },
    Case { name: "7.1: empty line between chunks",  input: b"5\r\nhello\r\n\r\n0\r\n\r\n",       expect: Err(Reject::BadChunk) },
    Case { name: "7.1: beyond 64 bits",             input: b"10000000000000000\r\nhello",        expect: Err(Reject::BadChunk) },
    Case { name: "7.1: wraps to five",              input: b"10000000000000005\r\nhello\r\n0\r\n\r\n", expect: Err(Reject::BadChunk) },
    Case { name: "7.1: 64 bits",                    input: b"ffffffffffffffff\r\nhello",         expect: Err(Reject::BodyTooLarge) },
    Case { name: "7.1: 32 bits",                    input: b"ffffffff\r\nhello",                 expect: Err(Reject::BodyTooLarge) },
    Case { name: "7.1: the next would wrap",        input: b"5\r\nhello\r\nfffffffffffffffb\r\n", expect: Err(Reject::BodyTooLarge) },
];

#[test]
fn sizes() {
    table().check(SIZES);
}

#[rustfmt::skip]
const EXTENSIONS: &[Case<'static>] = &[
    Case { name: "7.1.1: name",                     input: b"5;a\r\nhello\r\n0\r\n\r\n",         expect: Ok("chunked:hello") },
    Case { name: "7.1.1: name and value",           input: b"5;a=b\r\nhello\r\n0\r\n\r\n",       expect: Ok("chunked:hello") },
    Case { name: "7.1.1: quoted value",             input: b"5;a=\"b;\\\" c\"\r\nhello\r\n0\r\n\r\n", expect: Ok("chunked:hello") },
    Case { name: "7.1.1: two",                      input: b"5;a=b;c\r\nhello\r\n0\r\n\r\n",     expect: Ok("chunked:hello") },
    Case { name: "7.1.1: blanks behind semicolon",  input: b"5; \ta = b\r\nhello\r\n0\r\n\r\n",  expect: Ok("chunked:hello") },
    Case { name: "7.1.1: on the last chunk",        input: b"0;a=b\r\n\r\n",                     expect: Ok("chunked:") },
    Case { name: "7.1.1: looks like a size",        input: b"1;5\r\na\r\n0\r\n\r\n",             expect: Ok("chunked:a") },
    Case { name: "7.1.1: blank before semicolon",   input: b"5 ;a\r\nhello\r\n0\r\n\r\n",        expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: without semicolon",        input: b"5a=b\r\nhello\r\n0\r\n\r\n",        expect: Err(Reject::BadChunk) },
    Case { name: "11.2: bare LF in it",             input: b"5;a\nb\r\nhello\r\n0\r\n\r\n",      expect: Err(Reject::BadChunk) },
    Case { name: "11.2: bare CR in it",             input: b"5;a\rb\r\nhello\r\n0\r\n\r\n",      expect: Err(Reject::BadChunk) },
    Case { name: "11.2: bare LF behind semicolon",  input: b"5;\nhello\r\n0\r\n\r\n",            expect: Err(Reject::BadChunk) },
    Case { name: "11.2: quoted line end",           input: b"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: NUL in it",                input: b"5;a\0\r\nhello\r\n0\r\n\r\n",       expect: Err(Reject::BadChunk) },
];

#[test]
fn extensions() {
    table().check(EXTENSIONS);
}

#[rustfmt::skip]
const EXTENSION_GRAMMAR: &[Case<'static>] = &[
    Case { name: "7.1.1: white space everywhere",  input: b"5; a = b\t;\tc\t\r\nhello\r\n0\r\n\r\n", expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: white space inside",      input: b"5; a = b\t;\tc\r\nhello\r\n0\r\n\r\n", expect: Ok("chunked:hello") },
    Case { name: "7.1.1: name and value",          input: b"5;a=b\r\nhello\r\n0;c=d\r\n\r\n",   expect: Ok("chunked:hello") },
    Case { name: "7.1.1: quoted, with a pair",     input: b"5;a=\"b;\\\"c\r\nhello\r\n0\r\n\r\n", expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: quoted, closed",          input: b"5;a=\"b;\\\"c\"\r\nhello\r\n0\r\n\r\n", expect: Ok("chunked:hello") },
    Case { name: "7.1.1: quoted, then another",    input: b"5;a=\"b\";c\r\nhello\r\n0\r\n\r\n", expect: Ok("chunked:hello") },
    Case { name: "7.1.1: text behind a quote",     input: b"5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: no name",                 input: b"5;\r\nhello\r\n0\r\n\r\n",         expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: no name but a value",     input: b"5;=b\r\nhello\r\n0\r\n\r\n",       expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: no value",                input: b"5;a=\r\nhello\r\n0\r\n\r\n",       expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: bracket in a name",       input: b"5;bad[=x\r\nhello\r\n0\r\n\r\n",   expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: two names",               input: b"5;a b\r\nhello\r\n0\r\n\r\n",      expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: white space alone",       input: b"5 \r\nhello\r\n0\r\n\r\n",         expect: Err(Reject::BadChunk) },
    Case { name: "7.1.1: bare CR in a quote",      input: b"5;a=\"\rb\"\r\nhello\r\n0\r\n\r\n", expect: Err(Reject::BadChunk) },
];

#[test]
fn extensions_keep_to_their_grammar() {
    table().check(EXTENSION_GRAMMAR);
}

#[rustfmt::skip]
const TRAILERS: &[Case<'static>] = &[
    Case { name: "7.1.2: one",                      input: b"0\r\nA: b\r\n\r\n",                 expect: Ok("chunked:/A=b") },
    Case { name: "7.1.2: two behind data",          input: b"5\r\nhello\r\n0\r\nA: b\r\nc:\r\n\r\n", expect: Ok("chunked:hello/A=b c=") },
    Case { name: "9110 6.5.1: they are dropped",      input: b"0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\nExpect: c\r\n\r\n", expect: Ok("chunked:") },
    Case { name: "7.1.2: blank before the colon",   input: b"0\r\nA : b\r\n\r\n",                expect: Err(Reject::BadField) },
    Case { name: "7.1.2: no colon",                 input: b"0\r\nA\r\n\r\n",                    expect: Err(Reject::BadField) },
    Case { name: "7.1.2: folded",                   input: b"0\r\nA: b\r\n c\r\n\r\n",           expect: Err(Reject::BadField) },
    Case { name: "7.1.2: bare LF",                  input: b"0\r\nA: b\n\r\n",                   expect: Err(Reject::BadField) },
    Case { name: "7.1.2: bare LF at the end",       input: b"0\r\n\n",                           expect: Err(Reject::BadField) },
    Case { name: "7.1.2: bare CR at the end",       input: b"0\r\n\rA",                          expect: Err(Reject::BadField) },
    Case { name: "9110 6.5.1: others are kept",     input: b"0\r\nA: b\r\ncookie: c\r\nIf-Match: d\r\nE: f\r\n\r\n", expect: Ok("chunked:/A=b E=f") },
    Case { name: "9530 2: a digest is known late",  input: b"0\r\nContent-Digest: sha-256=:a:\r\n\r\n", expect: Ok("chunked:/Content-Digest=sha-256=:a:") },
    Case { name: "11.2: a request is no trailer",   input: b"0\r\nGET / HTTP/1.1\r\n\r\n",       expect: Err(Reject::BadField) },
    Case { name: "7.1: bare LF behind the last",    input: b"0\n\r\n",                           expect: Err(Reject::BadChunk) },
];

#[test]
fn trailers() {
    table().check(TRAILERS);
}

#[test]
fn a_body_may_be_as_long_as_the_limit() {
    let mut table = table();
    table.limits.max_body_bytes = 5;
    table.check(&[
        Case {
            name: "9110 15.5.14: at the limit",
            input: b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            expect: Ok("chunked:hello"),
        },
        Case {
            name: "9110 15.5.14: beyond the limit",
            input: b"2\r\nhe\r\n4\r\n",
            expect: Err(Reject::BodyTooLarge),
        },
    ]);
}

#[test]
fn an_extension_may_be_as_long_as_the_limit() {
    let mut table = table();
    table.limits.max_chunk_extension_bytes = 3;
    table.check(&[
        Case {
            name: "7.1.1: at the limit, in each chunk",
            input: b"5;abc\r\nhello\r\n0;abc\r\n\r\n",
            expect: Ok("chunked:hello"),
        },
        Case {
            name: "7.1.1: beyond the limit",
            input: b"5;abcd\r\nhello\r\n",
            expect: Err(Reject::ChunkOverhead),
        },
    ]);
}

#[test]
fn trailers_may_be_as_long_as_the_limit() {
    let mut table = table();
    table.limits.max_trailer_bytes = 12;
    table.check(&[
        Case {
            name: "9110 5.4: at the limit",
            input: b"0\r\nA: b\r\nC: d\r\n\r\n",
            expect: Ok("chunked:/A=b C=d"),
        },
        Case {
            name: "9110 5.4: beyond the limit",
            input: b"0\r\nA: b\r\nC: de\r\n\r\n",
            expect: Err(Reject::TrailersTooLarge),
        },
    ]);
    table.limits.max_trailer_bytes = 0;
    table.check(&[
        Case {
            name: "7.1.2: none allowed, none sent",
            input: b"0\r\n\r\n",
            expect: Ok("chunked:"),
        },
        Case {
            name: "7.1.2: none allowed, one sent",
            input: b"0\r\nA: b\r\n\r\n",
            expect: Err(Reject::TrailersTooLarge),
        },
    ]);
}

#[test]
fn trailers_are_held_to_the_limits_of_fields() {
    let mut table = table();
    table.limits.max_fields = 2;
    table.limits.max_field_bytes = 64;
    let line = format!("0\r\nA: {}\r\n\r\n", "b".repeat(62));
    table.check(&[
        Case {
            name: "9110 5.4: as many as the limit",
            input: b"0\r\nA: b\r\nC: d\r\n\r\n",
            expect: Ok("chunked:/A=b C=d"),
        },
        Case {
            name: "9110 5.4: one more",
            input: b"0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n",
            expect: Err(Reject::TooManyFields),
        },
        Case {
            name: "9110 5.4: a line too long",
            input: line.as_bytes(),
            expect: Err(Reject::FieldTooLarge),
        },
    ]);
}

/// The overhead that is free, and the line end of the last chunk: what may stand in one header.
const FREE_BYTES: usize = 16 << 10;

#[test]
fn overhead_is_bounded_where_there_is_no_data() {
    let zeros = |len: usize| format!("{}\r\n\r\n", "0".repeat(len - 2));
    let (good, bad) = (zeros(FREE_BYTES), zeros(FREE_BYTES + 1));
    table().check(&[
        Case { name: "9110 17.5: at the limit", input: good.as_bytes(), expect: Ok("chunked:") },
        Case {
            name: "9110 17.5: beyond the limit",
            input: bad.as_bytes(),
            expect: Err(Reject::ChunkOverhead),
        },
    ]);
}

#[test]
fn overhead_is_bounded_in_proportion_to_the_data() {
    // Six bytes for each byte of data are allowed, so one-byte chunks pass however many they are.
    let body = "01\r\nx\r\n".repeat(20_000) + "0\r\n\r\n";
    let expected = format!("chunked:{}", "x".repeat(20_000));
    let padded = "1;ab\r\nx\r\n".repeat(20_000);
    table().check(&[
        Case { name: "7.1: one-byte chunks", input: body.as_bytes(), expect: Ok(&expected) },
        Case {
            name: "7.1.1: more padding than data",
            input: padded.as_bytes(),
            expect: Err(Reject::ChunkOverhead),
        },
    ]);
}
