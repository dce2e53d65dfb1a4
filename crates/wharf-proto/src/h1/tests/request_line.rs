//! Request lines: method, target, version (RFC 9112 sections 2.2, 2.3 and 3).

use super::{Case, Entry, Table, head};
use crate::h1::Connection;
use crate::{Limits, Reject, RequestHead};

/// Rows are request lines; method, form, minor version, authority, path and query are shown.
fn table() -> Table {
    Table {
        limits: Limits::default(),
        before: "",
        behind: "\r\nHost: h\r\n\r\n",
        view: |entries: &[Entry]| {
            let head = head(entries);
            let version = format!("{:?}", head.version);
            let authority = head.authority.as_deref().unwrap_or("-");
            let query = head.query.as_ref().map(|query| format!(" ?{query}")).unwrap_or_default();
            format!("{} {:?} {version} {authority} {}{query}", head.method, head.form, head.path)
        },
    }
}

#[rustfmt::skip]
const METHODS: &[Case<'static>] = &[
    Case { name: "3: shortest",                     input: b"GET / HTTP/1.1",            expect: Ok("GET Origin HTTP/1.1 h /") },
    Case { name: "3.1: HEAD",                       input: b"HEAD / HTTP/1.1",           expect: Ok("HEAD Origin HTTP/1.1 h /") },
    Case { name: "3.1: POST",                       input: b"POST / HTTP/1.1",           expect: Ok("POST Origin HTTP/1.1 h /") },
    Case { name: "3.1: PUT",                        input: b"PUT / HTTP/1.1",            expect: Ok("PUT Origin HTTP/1.1 h /") },
    Case { name: "3.1: DELETE",                     input: b"DELETE / HTTP/1.1",         expect: Ok("DELETE Origin HTTP/1.1 h /") },
    Case { name: "3.1: TRACE",                      input: b"TRACE / HTTP/1.1",          expect: Ok("TRACE Origin HTTP/1.1 h /") },
    Case { name: "3.1: PATCH",                      input: b"PATCH / HTTP/1.1",          expect: Ok("PATCH Origin HTTP/1.1 h /") },
    Case { name: "9110 16.1: unknown method",       input: b"BREW / HTTP/1.1",           expect: Ok("BREW Origin HTTP/1.1 h /") },
    Case { name: "3.1: methods know case",          input: b"get / HTTP/1.1",            expect: Ok("get Origin HTTP/1.1 h /") },
    Case { name: "9110 5.6.2: every token char",    input: b"!#$%&'*+-.^_`|~09azAZ / HTTP/1.1", expect: Ok("!#$%&'*+-.^_`|~09azAZ Origin HTTP/1.1 h /") },
    Case { name: "3.1: empty method",               input: b" / HTTP/1.1",               expect: Err(Reject::BadRequestLine) },
    Case { name: "3.1: colon in method",            input: b"GE:T / HTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3.1: slash in method",            input: b"G/T / HTTP/1.1",            expect: Err(Reject::BadRequestLine) },
    Case { name: "3.1: quote in method",            input: b"\"GET\" / HTTP/1.1",        expect: Err(Reject::BadRequestLine) },
    Case { name: "3.1: NUL in method",              input: b"G\0T / HTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3.1: method not ASCII",           input: b"G\xc3\x89T / HTTP/1.1",     expect: Err(Reject::BadRequestLine) },
    Case { name: "2.1: a response is no request",   input: b"HTTP/1.1 200 OK",           expect: Err(Reject::BadRequestLine) },
    Case { name: "9113 3.4: preface of HTTP/2",     input: b"PRI * HTTP/2.0\r\n\r\nSM",  expect: Err(Reject::UnsupportedVersion) },
    Case { name: "9113 3.4: its method is no other", input: b"PRI * HTTP/1.1",           expect: Err(Reject::BadTarget) },
    Case { name: "9113 3.4: half a preface",        input: b"PRI * HTTP/",               expect: Err(Reject::BadRequestLine) },
    Case { name: "9113 3.4: a path for its asterisk", input: b"PRI / HTTP/1.1",          expect: Ok("PRI Origin HTTP/1.1 h /") },
    Case { name: "9113 3.4: with a path, 2.0",      input: b"PRI / HTTP/2.0",            expect: Err(Reject::UnsupportedVersion) },
    Case { name: "9113 3.4: in lower case",         input: b"pri * HTTP/2.0",            expect: Err(Reject::BadTarget) },
    Case { name: "2.2: TLS hello",                  input: b"\x16\x03\x01\x02\x00\x01",  expect: Err(Reject::BadRequestLine) },
];

#[test]
fn methods() {
    table().check(METHODS);
    let line = |len: usize| format!("{} / HTTP/1.1", "M".repeat(len));
    let longest = format!("{} Origin HTTP/1.1 h /", "M".repeat(64));
    let colon = format!("{}: / HTTP/1.1", "M".repeat(65));
    let too_long = Err(Reject::MethodTooLong);
    let garbage = Err(Reject::BadRequestLine);
    table().check(&[
        Case { name: "3: longest method", input: line(64).as_bytes(), expect: Ok(&longest) },
        Case { name: "3: method too long", input: line(65).as_bytes(), expect: too_long },
        Case { name: "3: longest too long", input: line(256).as_bytes(), expect: too_long },
        Case { name: "3: no method any more", input: line(257).as_bytes(), expect: garbage },
        Case { name: "3: nor much later", input: line(100_000).as_bytes(), expect: garbage },
        Case { name: "3: long and no method", input: colon.as_bytes(), expect: garbage },
    ]);
}

#[rustfmt::skip]
const LINES: &[Case<'static>] = &[
    Case { name: "3: two spaces",                   input: b"GET  / HTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3: two spaces before version",    input: b"GET /  HTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3: tab for a space",              input: b"GET\t/ HTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3: tab before version",           input: b"GET /\tHTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3: vertical tab for a space",     input: b"GET\x0b/ HTTP/1.1",         expect: Err(Reject::BadRequestLine) },
    Case { name: "3: leading space",                input: b" GET / HTTP/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3: trailing space",               input: b"GET / HTTP/1.1 ",           expect: Err(Reject::BadRequestLine) },
    Case { name: "3: no target",                    input: b"GET HTTP/1.1",              expect: Err(Reject::BadRequestLine) },
    Case { name: "3: HTTP/0.9",                     input: b"GET /",                     expect: Err(Reject::BadRequestLine) },
    Case { name: "3: HTTP/0.9 with a space",        input: b"GET / ",                    expect: Err(Reject::BadRequestLine) },
    Case { name: "3: method alone",                 input: b"GET",                       expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: bare LF",                    input: b"GET / HTTP/1.1\nA: b",      expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: bare CR",                    input: b"GET / HTTP/1.1\rA: b",      expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: CR CR LF",                   input: b"GET / HTTP/1.1\r",          expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: CR in the line",             input: b"GET /\r HTTP/1.1",          expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: one empty line before",      input: b"\r\nGET / HTTP/1.1",        expect: Ok("GET Origin HTTP/1.1 h /") },
    Case { name: "2.2: two empty lines before",     input: b"\r\n\r\nGET / HTTP/1.1",    expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: bare LF before",             input: b"\nGET / HTTP/1.1",          expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: bare CR before",             input: b"\rGET / HTTP/1.1",          expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: blank line before",          input: b" \r\nGET / HTTP/1.1",       expect: Err(Reject::BadRequestLine) },
    Case { name: "2.2: blank before first field",   input: b"GET / HTTP/1.1\r\n A: b",   expect: Err(Reject::BadField) },
    Case { name: "2.2: tab before first field",     input: b"GET / HTTP/1.1\r\n\tA: b",  expect: Err(Reject::BadField) },
];

#[test]
fn lines() {
    table().check(LINES);
}

#[rustfmt::skip]
const VERSIONS: &[Case<'static>] = &[
    Case { name: "2.3: 1.0",                        input: b"GET / HTTP/1.0",            expect: Ok("GET Origin HTTP/1.0 h /") },
    Case { name: "9110 2.5: later minor is ours",   input: b"GET / HTTP/1.2",            expect: Ok("GET Origin HTTP/1.1 h /") },
    Case { name: "9110 2.5: latest minor is ours",  input: b"GET / HTTP/1.9",            expect: Ok("GET Origin HTTP/1.1 h /") },
    Case { name: "9110 15.6.6: 2.0",                input: b"GET / HTTP/2.0",            expect: Err(Reject::UnsupportedVersion) },
    Case { name: "9110 15.6.6: 0.9",                input: b"GET / HTTP/0.9",            expect: Err(Reject::UnsupportedVersion) },
    Case { name: "2.3: two digits",                 input: b"GET / HTTP/1.10",           expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: leading zero",               input: b"GET / HTTP/01.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: versions know case",         input: b"GET / http/1.1",            expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: no minor",                   input: b"GET / HTTP/1",              expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: no dot",                     input: b"GET / HTTP/11",             expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: comma for the dot",          input: b"GET / HTTP/1,1",            expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: letter for the major",       input: b"GET / HTTP/x.1",            expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: letter for the minor",       input: b"GET / HTTP/1.x",            expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: plus for the major",         input: b"GET / HTTP/+.1",            expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: another protocol",           input: b"GET / HTTPS/1.1",           expect: Err(Reject::BadRequestLine) },
    Case { name: "2.3: too short",                  input: b"GET / FOO",                 expect: Err(Reject::BadRequestLine) },
    Case { name: "3.2: space in the target",        input: b"GET /a b HTTP/1.1",         expect: Err(Reject::BadRequestLine) },
];

#[test]
fn versions() {
    table().check(VERSIONS);
}

#[rustfmt::skip]
const ORIGIN_FORMS: &[Case<'static>] = &[
    Case { name: "3.2.1: path and query",           input: b"GET /a/b?c=d HTTP/1.1",     expect: Ok("GET Origin HTTP/1.1 h /a/b ?c=d") },
    Case { name: "3.2.1: empty query",              input: b"GET /? HTTP/1.1",           expect: Ok("GET Origin HTTP/1.1 h / ?") },
    Case { name: "3.2.1: question mark in query",   input: b"GET /?a?b HTTP/1.1",        expect: Ok("GET Origin HTTP/1.1 h / ?a?b") },
    Case { name: "3.2.1: empty segments",           input: b"GET //a// HTTP/1.1",        expect: Ok("GET Origin HTTP/1.1 h //a//") },
    Case { name: "3.2.1: dot segments are kept",    input: b"GET /../a/./ HTTP/1.1",     expect: Ok("GET Origin HTTP/1.1 h /../a/./") },
    Case { name: "3.2.1: escapes are kept",         input: b"GET /%2e%00%zz HTTP/1.1",   expect: Ok("GET Origin HTTP/1.1 h /%2e%00%zz") },
    Case { name: "3.2.1: a URL in a path",          input: b"GET /http://a HTTP/1.1",    expect: Ok("GET Origin HTTP/1.1 h /http://a") },
    Case { name: "3.2: not escaped by browsers",    input: b"GET /\"<>[\\]^`{|} HTTP/1.1", expect: Ok("GET Origin HTTP/1.1 h /\"<>[\\]^`{|}") },
    Case { name: "3.2: fragment",                   input: b"GET /a#b HTTP/1.1",         expect: Err(Reject::BadRequestLine) },
    Case { name: "3.2: not ASCII",                  input: b"GET /\xc3\xa9 HTTP/1.1",    expect: Err(Reject::BadRequestLine) },
    Case { name: "3.2: NUL",                        input: b"GET /\0 HTTP/1.1",          expect: Err(Reject::BadRequestLine) },
    Case { name: "3.2: DEL",                        input: b"GET /\x7f HTTP/1.1",        expect: Err(Reject::BadRequestLine) },
    Case { name: "3.2: control byte after eight",   input: b"GET /123456789\x01 HTTP/1.1", expect: Err(Reject::BadRequestLine) },
    Case { name: "3.2: relative path",              input: b"GET a/b HTTP/1.1",          expect: Err(Reject::BadTarget) },
    Case { name: "3.2: query alone",                input: b"GET ?a HTTP/1.1",           expect: Err(Reject::BadTarget) },
];

#[test]
fn origin_forms() {
    table().check(ORIGIN_FORMS);
}

#[rustfmt::skip]
const ABSOLUTE_FORMS: &[Case<'static>] = &[
    Case { name: "3.2.2: path and query",          input: b"GET http://a/b?c HTTP/1.1\r\nHost: a", expect: Ok("GET Absolute HTTP/1.1 a /b ?c") },
    Case { name: "3.2.2: https",                    input: b"GET https://a/ HTTP/1.1\r\nHost: a",   expect: Ok("GET Absolute HTTP/1.1 a /") },
    Case { name: "9110 4.2.3: schemes fold case",   input: b"GET HtTp://a/ HTTP/1.1\r\nHost: a",    expect: Ok("GET Absolute HTTP/1.1 a /") },
    Case { name: "9110 4.2.3: no path is a slash",  input: b"GET http://a HTTP/1.1\r\nHost: a",     expect: Ok("GET Absolute HTTP/1.1 a /") },
    Case { name: "3.2.2: query without path",       input: b"GET http://a?b/c HTTP/1.1\r\nHost: a", expect: Ok("GET Absolute HTTP/1.1 a / ?b/c") },
    Case { name: "3.2.2: port",                     input: b"PUT http://a:80/ HTTP/1.1\r\nHost: a:80", expect: Ok("PUT Absolute HTTP/1.1 a:80 /") },
    Case { name: "9110 4.2.1: empty port",          input: b"GET http://a:/ HTTP/1.1\r\nHost: a:",   expect: Ok("GET Absolute HTTP/1.1 a: /") },
    Case { name: "3.2.2: IPv6",                     input: b"GET http://[::1]:8/ HTTP/1.1\r\nHost: [::1]:8", expect: Ok("GET Absolute HTTP/1.1 [::1]:8 /") },
    Case { name: "3.2.2: with HTTP/1.0",            input: b"GET http://a/ HTTP/1.0",    expect: Ok("GET Absolute HTTP/1.0 a /") },
    Case { name: "3.2.2: HTTP/1.0 without Host",    input: b"GET http://a:80/ HTTP/1.0", expect: Ok("GET Absolute HTTP/1.0 a:80 /") },
    Case { name: "3.2.2: Host in another case",     input: b"GET http://A/ HTTP/1.1\r\nHost: a", expect: Ok("GET Absolute HTTP/1.1 A /") },
    Case { name: "9110 4.2.3: 80 goes without saying", input: b"GET http://a:80/ HTTP/1.1\r\nHost: a", expect: Ok("GET Absolute HTTP/1.1 a:80 /") },
    Case { name: "9110 4.2.3: an empty port too",   input: b"GET http://a/ HTTP/1.1\r\nHost: a:", expect: Ok("GET Absolute HTTP/1.1 a /") },
    Case { name: "9110 4.2.3: and in Host",         input: b"GET http://a/ HTTP/1.1\r\nHost: a:80", expect: Ok("GET Absolute HTTP/1.1 a /") },
    Case { name: "9110 4.2.3: 443 for https",       input: b"GET HTTPS://a/ HTTP/1.1\r\nHost: a:443", expect: Ok("GET Absolute HTTP/1.1 a /") },
    Case { name: "9110 4.2.3: ports are numbers",   input: b"GET http://a:8/ HTTP/1.1\r\nHost: a:08", expect: Ok("GET Absolute HTTP/1.1 a:8 /") },
    Case { name: "3.2.2: IPv6 and default port",    input: b"GET http://[::1]/ HTTP/1.1\r\nHost: [::1]:80", expect: Ok("GET Absolute HTTP/1.1 [::1] /") },
    Case { name: "3.2.2: Host is another",          input: b"GET http://a/ HTTP/1.1\r\nHost: b", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: Host is a longer one",     input: b"GET http://a/ HTTP/1.1\r\nHost: a.b", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: Host has another port",    input: b"GET http://a/ HTTP/1.1\r\nHost: a:8080", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: the other scheme's port",  input: b"GET http://a/ HTTP/1.1\r\nHost: a:443", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: 80 is not 443",            input: b"GET https://a/ HTTP/1.1\r\nHost: a:80", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: port 0 is a port",         input: b"GET http://a/ HTTP/1.1\r\nHost: a:0", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: a port beyond all",        input: b"GET http://a/ HTTP/1.1\r\nHost: a:18446744073709551696", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: another address",          input: b"GET http://[::1]/ HTTP/1.1\r\nHost: [::2]", expect: Err(Reject::BadHost) },
    Case { name: "3.2.2: another with HTTP/1.0",    input: b"GET http://a/ HTTP/1.0\r\nHost: b", expect: Err(Reject::BadHost) },
    Case { name: "3.2.4: OPTIONS to a proxy",       input: b"OPTIONS http://a HTTP/1.1\r\nHost: a", expect: Ok("OPTIONS Absolute HTTP/1.1 a /") },
    Case { name: "9110 4.2.1: empty host",          input: b"GET http:///a HTTP/1.1",    expect: Err(Reject::BadTarget) },
    Case { name: "9110 4.2.1: port without host",   input: b"GET http://:80/ HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "9110 4.2.1: query without host",  input: b"GET http://?a HTTP/1.1",    expect: Err(Reject::BadTarget) },
    Case { name: "9110 4.2.4: user information",    input: b"GET http://u@a/ HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "9110 4.2.4: password",            input: b"GET http://u:p@a/ HTTP/1.1", expect: Err(Reject::BadTarget) },
    Case { name: "9110 4.2.1: port is no number",   input: b"GET http://a:b/ HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "9110 4.2.1: two ports",           input: b"GET http://a:1:2/ HTTP/1.1", expect: Err(Reject::BadTarget) },
    Case { name: "3.2.2: bracket left open",        input: b"GET http://[::1/ HTTP/1.1", expect: Err(Reject::BadTarget) },
    Case { name: "3.2.2: backslash in host",        input: b"GET http://a\\b/ HTTP/1.1", expect: Err(Reject::BadTarget) },
    Case { name: "3.2.2: another scheme",           input: b"GET ftp://a/ HTTP/1.1",     expect: Err(Reject::BadTarget) },
    Case { name: "3.2.2: one slash",                input: b"GET http:/a HTTP/1.1",      expect: Err(Reject::BadTarget) },
    Case { name: "3.2.2: scheme alone",             input: b"GET http:// HTTP/1.1",      expect: Err(Reject::BadTarget) },
];

#[test]
fn absolute_forms() {
    // Their rows bring a `Host` of their own.
    Table { behind: "\r\n\r\n", ..table() }.check(ABSOLUTE_FORMS);
}

#[rustfmt::skip]
const OTHER_FORMS: &[Case<'static>] = &[
    Case { name: "3.2.3: name and port",            input: b"CONNECT a:443 HTTP/1.1",    expect: Ok("CONNECT Authority HTTP/1.1 a:443 ") },
    Case { name: "3.2.3: IPv4",                     input: b"CONNECT 127.0.0.1:1 HTTP/1.1", expect: Ok("CONNECT Authority HTTP/1.1 127.0.0.1:1 ") },
    Case { name: "3.2.3: IPv6",                     input: b"CONNECT [::1]:1 HTTP/1.1",  expect: Ok("CONNECT Authority HTTP/1.1 [::1]:1 ") },
    Case { name: "9110 9.3.6: highest port",        input: b"CONNECT a:65535 HTTP/1.1",  expect: Ok("CONNECT Authority HTTP/1.1 a:65535 ") },
    Case { name: "9110 9.3.6: port too high",       input: b"CONNECT a:65536 HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "9110 9.3.6: port zero",           input: b"CONNECT a:0 HTTP/1.1",      expect: Err(Reject::BadTarget) },
    Case { name: "9110 9.3.6: empty port",          input: b"CONNECT a: HTTP/1.1",       expect: Err(Reject::BadTarget) },
    Case { name: "9110 9.3.6: no port",             input: b"CONNECT a HTTP/1.1",        expect: Err(Reject::BadTarget) },
    Case { name: "9110 9.3.6: port is no number",   input: b"CONNECT a:b HTTP/1.1",      expect: Err(Reject::BadTarget) },
    Case { name: "9110 9.3.6: signed port",         input: b"CONNECT a:+1 HTTP/1.1",     expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: empty host",               input: b"CONNECT :443 HTTP/1.1",     expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: IPv6 without brackets",    input: b"CONNECT ::1:443 HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: path",                     input: b"CONNECT a:443/ HTTP/1.1",   expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: query",                    input: b"CONNECT a:443?b HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: user information",         input: b"CONNECT u@a:443 HTTP/1.1",  expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: origin form for CONNECT",  input: b"CONNECT / HTTP/1.1",        expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: URL for CONNECT",          input: b"CONNECT http://a/ HTTP/1.1", expect: Err(Reject::BadTarget) },
    Case { name: "3.2.3: authority for GET",        input: b"GET a:443 HTTP/1.1",        expect: Err(Reject::BadTarget) },
    Case { name: "3.2.4: asterisk",                 input: b"OPTIONS * HTTP/1.1",        expect: Ok("OPTIONS Asterisk HTTP/1.1 h *") },
    Case { name: "3.2.1: OPTIONS of a path",        input: b"OPTIONS /a HTTP/1.1",       expect: Ok("OPTIONS Origin HTTP/1.1 h /a") },
    Case { name: "3.2.4: asterisk for GET",         input: b"GET * HTTP/1.1",            expect: Err(Reject::BadTarget) },
    Case { name: "3.2.4: asterisk for CONNECT",     input: b"CONNECT * HTTP/1.1",        expect: Err(Reject::BadTarget) },
    Case { name: "3.2.4: two asterisks",            input: b"OPTIONS ** HTTP/1.1",       expect: Err(Reject::BadTarget) },
    Case { name: "3.2.4: asterisk with query",      input: b"OPTIONS *?a HTTP/1.1",      expect: Err(Reject::BadTarget) },
];

#[test]
fn authority_and_asterisk_forms() {
    table().check(OTHER_FORMS);
}

#[test]
fn a_line_that_can_not_become_good_is_refused_though_more_could_come() {
    for line in ["GET / \r", "GET / FOO\r\n\r\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1 "] {
        let (mut connection, mut head) = (Connection::new(), RequestHead::default());
        let result = connection.receive(line.as_bytes(), &Limits::default(), &mut head);
        assert_eq!(result, Err(Reject::BadRequestLine), "{line:?}");
    }
}

#[test]
fn the_target_may_be_as_long_as_the_limit() {
    let mut table = table();
    table.limits.max_target_bytes = 64;
    let (longest, too_long) = (format!("/{}", "a".repeat(63)), format!("/{}", "a".repeat(64)));
    let longest_line = format!("GET {longest} HTTP/1.1");
    let too_long_line = format!("GET {too_long} HTTP/1.1");
    table.check(&[
        Case {
            name: "3: longest target",
            input: longest_line.as_bytes(),
            expect: Ok(&format!("GET Origin HTTP/1.1 h {longest}")),
        },
        Case {
            name: "3: target too long",
            input: too_long_line.as_bytes(),
            expect: Err(Reject::TargetTooLong),
        },
    ]);
}

#[test]
fn a_request_line_beyond_the_head_limit_is_refused_wherever_it_ends() {
    let mut table = table();
    table.limits.max_head_bytes = 256;
    for len in 240..260 {
        let line = format!("GET /{} HTTP/1.1", "a".repeat(len));
        let expect = Err(Reject::HeadTooLarge);
        table.check(&[Case { name: "2.3: long line", input: line.as_bytes(), expect }]);
    }
}
