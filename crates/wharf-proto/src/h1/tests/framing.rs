//! Where a request ends: Content-Length and Transfer-Encoding (RFC 9112 section 6), and the ways to
//! make two servers disagree about it (section 11.2).

use super::{Case, Table, show_body};
use crate::{Limits, Reject};

/// Rows are field lines, the empty line and the body.
fn table(before: &'static str) -> Table {
    Table { limits: Limits::default(), before, behind: "", view: show_body }
}

const POST: &str = "POST / HTTP/1.1\r\nHost: h\r\n";

#[rustfmt::skip]
const LENGTHS: &[Case<'static>] = &[
    Case { name: "6.3.7: no length is no body",     input: b"\r\n",                              expect: Ok("0:") },
    Case { name: "6.2: zero",                       input: b"Content-Length: 0\r\n\r\n",         expect: Ok("0:") },
    Case { name: "6.2: five",                       input: b"Content-Length: 5\r\n\r\nhello",    expect: Ok("5:hello") },
    Case { name: "6.2: any case",                   input: b"CONTENT-length:5\r\n\r\nhello",     expect: Ok("5:hello") },
    Case { name: "6.2: blanks around",              input: b"Content-Length: \t5 \r\n\r\nhello", expect: Ok("5:hello") },
    Case { name: "6.2: leading zeros",              input: b"Content-Length: 000005\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.2: many leading zeros",         input: b"Content-Length: 0000000000000000000000000005\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.2: two zeros",                  input: b"Content-Length: 00\r\n\r\n", expect: Err(Reject::BadContentLength) },
    Case { name: "6.2: octal to some",              input: b"Content-Length: 0200\r\n\r\n", expect: Err(Reject::BadContentLength) },
    Case { name: "6: a body that looks like a head", input: b"Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n", expect: Ok("18:GET / HTTP/1.1\\r\\n\\r\\n") },
    Case { name: "6.3.5: empty",                    input: b"Content-Length:\r\n\r\n",           expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: plus",                     input: b"Content-Length: +5\r\n\r\nhello",   expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: minus",                    input: b"Content-Length: -5\r\n\r\nhello",   expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: minus zero",               input: b"Content-Length: -0\r\n\r\n",        expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: hexadecimal",              input: b"Content-Length: 0x5\r\n\r\nhello",  expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: fraction",                 input: b"Content-Length: 5.0\r\n\r\nhello",  expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: exponent",                 input: b"Content-Length: 5e0\r\n\r\nhello",  expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: underscore",               input: b"Content-Length: 1_0\r\n\r\nhello",  expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: quoted",                   input: b"Content-Length: \"5\"\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: digits not ASCII",         input: b"Content-Length: \xef\xbc\x95\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: two numbers",              input: b"Content-Length: 5 5\r\n\r\nhello",  expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: a list of two",            input: b"Content-Length: 5, 6\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: a list of equal ones",     input: b"Content-Length: 5, 5\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: a list of one",            input: b"Content-Length: 5,\r\n\r\nhello",   expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: two fields",               input: b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "6.3.5: two equal fields",         input: b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "9110 8.6: beyond 64 bits",        input: b"Content-Length: 18446744073709551616\r\n\r\n", expect: Err(Reject::BadContentLength) },
    Case { name: "9110 8.6: wraps to five",         input: b"Content-Length: 18446744073709551621\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "9110 8.6: 64 bits",               input: b"Content-Length: 18446744073709551615\r\n\r\n", expect: Err(Reject::BodyTooLarge) },
    Case { name: "11.2: blank before the colon",    input: b"Content-Length : 5\r\n\r\nhello",   expect: Err(Reject::BadField) },
    Case { name: "11.2: folded",                    input: b"Content-Length: 5\r\n 6\r\n\r\nhello", expect: Err(Reject::BadField) },
    Case { name: "11.2: folded from the start",     input: b"Content-Length:\r\n 5\r\n\r\nhello", expect: Err(Reject::BadContentLength) },
    Case { name: "11.2: underscore is no hyphen",   input: b"Content_Length: 5\r\n\r\n",         expect: Ok("0:") },
    Case { name: "11.2: hidden behind a bare LF",   input: b"A: b\nContent-Length: 5\r\n\r\nhello", expect: Err(Reject::BadField) },
    Case { name: "11.2: hidden behind a bare CR",   input: b"A: b\rContent-Length: 5\r\n\r\nhello", expect: Err(Reject::BadField) },
];

#[test]
fn content_length() {
    table(POST).check(LENGTHS);
}

#[rustfmt::skip]
const CODINGS: &[Case<'static>] = &[
    Case { name: "6.1: chunked",                    input: b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", expect: Ok("chunked:") },
    Case { name: "7: codings fold case",            input: b"transfer-encoding:cHUNKED\r\n\r\n0\r\n\r\n", expect: Ok("chunked:") },
    Case { name: "6.1: blanks around",              input: b"Transfer-Encoding: \tchunked\t \r\n\r\n0\r\n\r\n", expect: Ok("chunked:") },
    Case { name: "6.3.3: with a length",            input: b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::AmbiguousLength) },
    Case { name: "6.3.3: with a length behind",     input: b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", expect: Err(Reject::AmbiguousLength) },
    Case { name: "6.3.3: with a length of zero",    input: b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", expect: Err(Reject::AmbiguousLength) },
    Case { name: "6.3.3: unknown, with a length",   input: b"Transfer-Encoding: x\r\nContent-Length: 5\r\n\r\nhello", expect: Err(Reject::AmbiguousLength) },
    Case { name: "6.1: another coding first",       input: b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::UnknownTransferCoding) },
    Case { name: "6.1: in two fields",              input: b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::UnknownTransferCoding) },
    Case { name: "6.3.4: not chunked",              input: b"Transfer-Encoding: gzip\r\n\r\n",   expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.3.4: identity is no more",      input: b"Transfer-Encoding: identity\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.3.4: chunked not last",         input: b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.3.4: chunked, then identity",   input: b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.1: chunked twice",              input: b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.1: chunked in two fields",      input: b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.1: chunked, gzip, chunked",     input: b"Transfer-Encoding: gzip, chunked, chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "6.1: empty",                      input: b"Transfer-Encoding:\r\n\r\n",        expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: empty element behind",      input: b"Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: empty element before",      input: b"Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "7.1: chunked has no parameters",  input: b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: chunked and a word",        input: b"Transfer-Encoding: chunked x\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: xchunked",                  input: b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: quoted",                    input: b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: vertical tab",              input: b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadField) },
    Case { name: "11.2: no-break space",            input: b"Transfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: NUL",                       input: b"Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadField) },
    Case { name: "11.2: blank before the colon",    input: b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadField) },
    Case { name: "11.2: folded from the start",     input: b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadTransferEncoding) },
    Case { name: "11.2: folded",                    input: b"Transfer-Encoding: x\r\n chunked\r\n\r\n0\r\n\r\n", expect: Err(Reject::BadField) },
    Case { name: "11.2: underscore is no hyphen",   input: b"Transfer_Encoding: chunked\r\n\r\n", expect: Ok("0:") },
    Case { name: "9110 10.1.4: TE is another field", input: b"TE: chunked\r\n\r\n",              expect: Ok("0:") },
];

#[test]
fn transfer_encoding() {
    table(POST).check(CODINGS);
}

#[test]
fn framing_does_not_depend_on_the_method() {
    for before in [
        "GET / HTTP/1.1\r\nHost: h\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\n",
        "DELETE / HTTP/1.1\r\nHost: h\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n",
        "TRACE / HTTP/1.1\r\nHost: h\r\n",
        "BREW / HTTP/1.1\r\nHost: h\r\n",
    ] {
        table(before).check(&[
            Case {
                name: "6: length",
                input: b"Content-Length: 5\r\n\r\nhello",
                expect: Ok("5:hello"),
            },
            Case {
                name: "6: chunked",
                input: b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                expect: Ok("chunked:hello"),
            },
        ]);
    }
}

#[test]
fn connect_has_no_content() {
    table("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n").check(&[
        Case { name: "9110 9.3.6: none", input: b"\r\n", expect: Ok("0:") },
        Case {
            name: "9110 9.3.6: length of zero",
            input: b"Content-Length: 0\r\n\r\n",
            expect: Ok("0:"),
        },
        Case {
            name: "9110 9.3.6: length",
            input: b"Content-Length: 5\r\n\r\nhello",
            expect: Err(Reject::BadContentLength),
        },
        Case {
            name: "9110 9.3.6: chunked",
            input: b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            expect: Err(Reject::BadTransferEncoding),
        },
    ]);
}

#[test]
fn http_1_0_knows_lengths_alone() {
    table("POST / HTTP/1.0\r\n").check(&[
        Case { name: "6.3.7: none", input: b"\r\n", expect: Ok("0:") },
        Case {
            name: "6.2: length",
            input: b"Content-Length: 5\r\n\r\nhello",
            expect: Ok("5:hello"),
        },
        Case {
            name: "6.1: chunked",
            input: b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            expect: Err(Reject::BadTransferEncoding),
        },
        Case {
            name: "6.1: chunked with keep-alive",
            input: b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            expect: Err(Reject::BadTransferEncoding),
        },
        Case {
            name: "6.1: both",
            input: b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            expect: Err(Reject::AmbiguousLength),
        },
    ]);
}

#[test]
fn a_body_may_be_as_long_as_the_limit() {
    let mut table = table(POST);
    table.limits.max_body_bytes = 5;
    table.check(&[
        Case {
            name: "9110 15.5.14: at the limit",
            input: b"Content-Length: 5\r\n\r\nhello",
            expect: Ok("5:hello"),
        },
        Case {
            name: "9110 15.5.14: beyond the limit",
            input: b"Content-Length: 6\r\n\r\n",
            expect: Err(Reject::BodyTooLarge),
        },
    ]);
}
