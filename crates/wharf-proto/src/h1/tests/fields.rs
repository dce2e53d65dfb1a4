//! Field lines, and the fields that the server itself understands: `Host`, `Connection`, `Expect`
//! (RFC 9112 sections 3.2 and 5, RFC 9110 sections 7.6.1 and 10.1.1).

use super::{Case, Entry, Table, head, show_fields};
use crate::{Limits, Reject};

/// Rows are field lines behind `Host`; what follows it is shown.
fn table() -> Table {
    Table {
        limits: Limits::default(),
        before: "GET / HTTP/1.1\r\nHost: h\r\n",
        behind: "\r\n",
        view: |entries: &[Entry]| show_fields(&head(entries).fields[1..]),
    }
}

#[rustfmt::skip]
const LINES: &[Case<'static>] = &[
    Case { name: "5: no field",                     input: b"",                          expect: Ok("") },
    Case { name: "5: usual",                        input: b"A: b\r\n",                  expect: Ok("A=b") },
    Case { name: "5: no blank",                     input: b"A:b\r\n",                   expect: Ok("A=b") },
    Case { name: "5.1: blanks around the value",    input: b"A: \t b\t \r\n",            expect: Ok("A=b") },
    Case { name: "5.1: blanks in the value",        input: b"A: b \t c\r\n",             expect: Ok("A=b \\t c") },
    Case { name: "9110 5.5: empty value",           input: b"A:\r\n",                    expect: Ok("A=") },
    Case { name: "9110 5.5: only blanks",           input: b"A: \t \r\n",                expect: Ok("A=") },
    Case { name: "5: colon in the value",           input: b"A: b:c: d\r\n",             expect: Ok("A=b:c: d") },
    Case { name: "9110 5.5: obs-text",              input: b"A: \x80\xff\r\n",           expect: Ok("A=\\x80\\xff") },
    Case { name: "9110 5.6.2: every token char",    input: b"!#$%&'*+-.^_`|~09azAZ: b\r\n", expect: Ok("!#$%&'*+-.^_`|~09azAZ=b") },
    Case { name: "9110 5.3: order and repeats",     input: b"B: 1\r\na: 2\r\nb: 3\r\n",  expect: Ok("B=1 a=2 b=3") },
    Case { name: "9110 5.5: long value",            input: b"A: 0123456789abcdef~\tz\r\n", expect: Ok("A=0123456789abcdef~\\tz") },
    Case { name: "5.1: blank before the colon",     input: b"A : b\r\n",                 expect: Err(Reject::BadField) },
    Case { name: "5.1: tab before the colon",       input: b"A\t: b\r\n",                expect: Err(Reject::BadField) },
    Case { name: "5: no colon",                     input: b"A\r\n",                     expect: Err(Reject::BadField) },
    Case { name: "5: empty name",                   input: b": b\r\n",                   expect: Err(Reject::BadField) },
    Case { name: "5: blank in the name",            input: b"A b: c\r\n",                expect: Err(Reject::BadField) },
    Case { name: "5: parenthesis in the name",      input: b"A(: b\r\n",                 expect: Err(Reject::BadField) },
    Case { name: "5: NUL in the name",              input: b"A\0: b\r\n",                expect: Err(Reject::BadField) },
    Case { name: "5: name not ASCII",               input: b"\xc3\xa9: b\r\n",           expect: Err(Reject::BadField) },
    Case { name: "5.2: folded with a blank",        input: b"A: b\r\n c\r\n",            expect: Err(Reject::BadField) },
    Case { name: "5.2: folded with a tab",          input: b"A: b\r\n\tc\r\n",           expect: Err(Reject::BadField) },
    Case { name: "5.2: folded to nothing",          input: b"A: b\r\n \r\n",             expect: Err(Reject::BadField) },
    Case { name: "2.2: bare LF ends the line",      input: b"A: b\nC: d\r\n",            expect: Err(Reject::BadField) },
    Case { name: "2.2: bare LF ends the head",      input: b"A: b\r\n\nC: d",            expect: Err(Reject::BadField) },
    Case { name: "2.2: bare CR in the value",       input: b"A: b\rC: d\r\n",            expect: Err(Reject::BadField) },
    Case { name: "2.2: bare CR in the name",        input: b"A\r: b\r\n",                expect: Err(Reject::BadField) },
    Case { name: "2.2: CR CR LF",                   input: b"A: b\r\r\n",                expect: Err(Reject::BadField) },
    Case { name: "2.2: bare CR ends the head",      input: b"A: b\r\n\rC: d\r\n",        expect: Err(Reject::BadField) },
    Case { name: "9110 5.5: NUL in the value",      input: b"A: b\0\r\n",                expect: Err(Reject::BadField) },
    Case { name: "9110 5.5: DEL in the value",      input: b"A: b\x7f\r\n",              expect: Err(Reject::BadField) },
    Case { name: "9110 5.5: escape in the value",   input: b"A: 0123456789\x1b\r\n",     expect: Err(Reject::BadField) },
    Case { name: "9110 5.5: form feed for a blank", input: b"A:\x0cb\r\n",               expect: Err(Reject::BadField) },
];

#[test]
fn lines() {
    table().check(LINES);
}

/// Rows are field lines without `Host`; the authority is shown.
fn host_table(before: &'static str) -> Table {
    Table {
        limits: Limits::default(),
        before,
        behind: "\r\n",
        view: |entries: &[Entry]| head(entries).authority.clone().unwrap_or_default(),
    }
}

#[rustfmt::skip]
const HOSTS: &[Case<'static>] = &[
    Case { name: "3.2: name",                       input: b"Host: Example.com\r\n",     expect: Ok("Example.com") },
    Case { name: "3.2: any case, no blank",         input: b"hOsT:a\r\n",                expect: Ok("a") },
    Case { name: "9110 7.2: port",                  input: b"Host: a:8080\r\n",          expect: Ok("a:8080") },
    Case { name: "9110 7.2: empty port",            input: b"Host: a:\r\n",              expect: Ok("a:") },
    Case { name: "9110 7.2: IPv4",                  input: b"Host: 127.0.0.1:80\r\n",    expect: Ok("127.0.0.1:80") },
    Case { name: "9110 7.2: IPv6",                  input: b"Host: [::1]\r\n",           expect: Ok("[::1]") },
    Case { name: "9110 7.2: IPv6 and port",         input: b"Host: [fe80::1.2.3.4]:8\r\n", expect: Ok("[fe80::1.2.3.4]:8") },
    Case { name: "9110 7.2: every name char",       input: b"Host: a-._~!$&'()*+,;=%4f\r\n", expect: Ok("a-._~!$&'()*+,;=%4f") },
    Case { name: "9110 7.2: no address in brackets", input: b"Host: [::1::2]\r\n",       expect: Ok("[::1::2]") },
    Case { name: "9110 7.2: a future IP version",   input: b"Host: [v1.a]\r\n",          expect: Err(Reject::BadHost) },
    Case { name: "3.2: missing",                    input: b"A: b\r\n",                  expect: Err(Reject::BadHost) },
    Case { name: "3.2: twice",                      input: b"Host: a\r\nHost: b\r\n",    expect: Err(Reject::BadHost) },
    Case { name: "3.2: twice the same",             input: b"Host: a\r\nhost: a\r\n",    expect: Err(Reject::BadHost) },
    Case { name: "3.3: empty",                      input: b"Host:\r\n",                 expect: Err(Reject::BadHost) },
    Case { name: "3.2: port alone",                 input: b"Host: :80\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: port is no number",          input: b"Host: a:b\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: two ports",                  input: b"Host: a:80:90\r\n",         expect: Err(Reject::BadHost) },
    Case { name: "3.2: two hosts",                  input: b"Host: a, b\r\n",            expect: Err(Reject::BadHost) },
    Case { name: "3.2: user information",           input: b"Host: u@a\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: path",                       input: b"Host: a/b\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: query",                      input: b"Host: a?b\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: URL",                        input: b"Host: http://a\r\n",        expect: Err(Reject::BadHost) },
    Case { name: "3.2: not ASCII",                  input: b"Host: \xc3\xa9\r\n",        expect: Err(Reject::BadHost) },
    Case { name: "3.2: half an escape",             input: b"Host: a%4\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: an escape with one digit",   input: b"Host: a%4g\r\n",            expect: Err(Reject::BadHost) },
    Case { name: "3.2: no escape",                  input: b"Host: %zz\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: IPv6 without brackets",      input: b"Host: ::1\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: bracket left open",          input: b"Host: [::1\r\n",            expect: Err(Reject::BadHost) },
    Case { name: "3.2: bracket never opened",       input: b"Host: a]\r\n",              expect: Err(Reject::BadHost) },
    Case { name: "3.2: nothing in brackets",        input: b"Host: []\r\n",              expect: Err(Reject::BadHost) },
    Case { name: "3.2: name in brackets",           input: b"Host: [a]\r\n",             expect: Err(Reject::BadHost) },
    Case { name: "3.2: name behind brackets",       input: b"Host: [::1]a\r\n",          expect: Err(Reject::BadHost) },
];

#[test]
fn hosts() {
    host_table("GET / HTTP/1.1\r\n").check(HOSTS);
    host_table("GET http://a/ HTTP/1.1\r\n").check(&[
        Case { name: "3.2.2: needed with a URL", input: b"", expect: Err(Reject::BadHost) },
        Case { name: "3.2.2: the URL's counts", input: b"Host: A:80\r\n", expect: Ok("a") },
        Case { name: "3.2.2: not the URL's", input: b"Host: b\r\n", expect: Err(Reject::BadHost) },
    ]);
    host_table("GET / HTTP/1.0\r\n").check(&[
        Case { name: "C.2.1: none in HTTP/1.0", input: b"", expect: Ok("") },
        Case { name: "3.2: HTTP/1.0 with one", input: b"Host: a\r\n", expect: Ok("a") },
        Case {
            name: "3.2: HTTP/1.0 with two",
            input: b"Host: a\r\nHost: a\r\n",
            expect: Err(Reject::BadHost),
        },
    ]);
}

/// Rows are field lines; the connection options are shown, and whether 100 (Continue) is expected.
fn options_table(before: &'static str) -> Table {
    Table {
        limits: Limits::default(),
        before,
        behind: "\r\n",
        view: |entries: &[Entry]| {
            let head = head(entries);
            let options = [
                (head.connection.close, "close"),
                (head.connection.keep_alive, "keep-alive"),
                (head.connection.upgrade, "upgrade"),
                (head.expects_continue, "continue"),
            ];
            options
                .iter()
                .filter(|option| option.0)
                .map(|option| option.1)
                .collect::<Vec<_>>()
                .join(" ")
        },
    }
}

#[rustfmt::skip]
const OPTIONS: &[Case<'static>] = &[
    Case { name: "9110 7.6.1: none",                input: b"",                          expect: Ok("") },
    Case { name: "9.6: close",                      input: b"Connection: close\r\n",     expect: Ok("close") },
    Case { name: "9110 7.6.1: options fold case",   input: b"connection: CLOSE\r\n",     expect: Ok("close") },
    Case { name: "9110 7.6.1: a list",              input: b"Connection: a,\t close ,b\r\n", expect: Ok("close") },
    Case { name: "9110 5.6.1.2: empty elements",    input: b"Connection: , close,,\r\n", expect: Ok("close") },
    Case { name: "9110 7.6.1: keep-alive",          input: b"Connection: Keep-Alive\r\n", expect: Ok("keep-alive") },
    Case { name: "9110 7.8: upgrade",               input: b"Connection: Upgrade\r\n",   expect: Ok("upgrade") },
    Case { name: "9110 5.3: two fields",            input: b"Connection: close\r\nConnection: keep-alive\r\n", expect: Ok("close keep-alive") },
    Case { name: "9110 7.6.1: not quite close",     input: b"Connection: closed, xclose, clos\r\n", expect: Ok("") },
    Case { name: "9.6: Close is no field",          input: b"Close: close\r\n",          expect: Ok("") },
    Case { name: "9110 10.1.1: 100-continue",       input: b"Expect: 100-continue\r\n",  expect: Ok("continue") },
    Case { name: "9110 10.1.1: Expect folds case",  input: b"expect: 100-CONTINUE\r\n",  expect: Ok("continue") },
    Case { name: "9110 5.6.1.2: Expect is a list",  input: b"Expect: ,100-continue , 100-continue\r\n", expect: Ok("continue") },
    Case { name: "9110 10.1.1: empty",              input: b"Expect:\r\n",               expect: Ok("") },
    Case { name: "9110 15.5.18: another",           input: b"Expect: 200-ok\r\n",        expect: Err(Reject::UnknownExpectation) },
    Case { name: "9110 15.5.18: one more",          input: b"Expect: 100-continue, a\r\n", expect: Err(Reject::UnknownExpectation) },
    Case { name: "9110 15.5.18: with parameter",    input: b"Expect: 100-continue;a=b\r\n", expect: Err(Reject::UnknownExpectation) },
];

#[test]
fn connection_options_and_expectations() {
    options_table("GET / HTTP/1.1\r\nHost: h\r\n").check(OPTIONS);
    options_table("GET / HTTP/1.0\r\n").check(&[
        Case {
            name: "9110 10.1.1: ignored from HTTP/1.0",
            input: b"Expect: 100-continue\r\n",
            expect: Ok(""),
        },
        Case {
            name: "9.3: keep-alive from HTTP/1.0",
            input: b"Connection: keep-alive\r\n",
            expect: Ok("keep-alive"),
        },
        Case {
            name: "9.3: close wins over keep-alive",
            input: b"Connection: keep-alive, close\r\n",
            expect: Ok("close keep-alive"),
        },
    ]);
}

/// A good row of `len` bytes and the same with one byte more, which is refused.
fn check_limit(table: &Table, line: impl Fn(usize) -> String, len: usize, reject: Reject) {
    let (good, bad) = (line(len), line(len + 1));
    let (name, value) = good.trim_end().split_once(": ").unwrap_or((&good, ""));
    let shown = if good.is_empty() { String::new() } else { format!("{name}={value}") };
    table.check(&[
        Case { name: "9110 5.4: at the limit", input: good.as_bytes(), expect: Ok(&shown) },
        Case { name: "9110 5.4: beyond the limit", input: bad.as_bytes(), expect: Err(reject) },
    ]);
}

#[test]
fn a_field_line_may_be_as_long_as_the_limit() {
    let mut table = table();
    table.limits.max_field_bytes = 64;
    let long_value = |len: usize| format!("A: {}\r\n", "b".repeat(len - 3));
    check_limit(&table, long_value, 64, Reject::FieldTooLarge);
    let long_name = |len: usize| format!("{}: b\r\n", "A".repeat(len - 3));
    check_limit(&table, long_name, 64, Reject::FieldTooLarge);
    let blanks = format!("A:{}\r\n", " ".repeat(62));
    let more_blanks = format!("A:{}\r\n", " ".repeat(63));
    table.check(&[
        Case { name: "5: blanks count", input: blanks.as_bytes(), expect: Ok("A=") },
        Case {
            name: "5: blanks count",
            input: more_blanks.as_bytes(),
            expect: Err(Reject::FieldTooLarge),
        },
    ]);
}

#[test]
fn a_head_may_be_as_long_as_the_limit() {
    let mut table = table();
    table.limits.max_head_bytes = 256;
    let around = table.before.len() + table.behind.len();
    let line = |len: usize| format!("A: {}\r\n", "b".repeat(len - around - 5));
    check_limit(&table, line, 256, Reject::HeadTooLarge);
}

#[test]
fn a_head_beyond_the_limit_is_refused_wherever_it_ends() {
    let mut table = table();
    table.limits.max_head_bytes = 256;
    for len in 210..240 {
        let line = format!("{}: b\r\n{}: c\r\n", "A".repeat(len), "B".repeat(20));
        let expect = Err(Reject::HeadTooLarge);
        table.check(&[Case { name: "9110 5.4: long head", input: line.as_bytes(), expect }]);
    }
}

#[test]
fn there_may_be_as_many_fields_as_the_limit() {
    let mut table = table();
    table.limits.max_fields = 3;
    table.check(&[
        Case { name: "9110 5.4: at the limit", input: b"A: b\r\nC: d\r\n", expect: Ok("A=b C=d") },
        Case {
            name: "9110 5.4: beyond the limit",
            input: b"A: b\r\nC: d\r\nE: f\r\n",
            expect: Err(Reject::TooManyFields),
        },
    ]);
}
