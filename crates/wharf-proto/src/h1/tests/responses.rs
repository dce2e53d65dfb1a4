//! Responses as bytes: framing by method, status and version, and what is refused (RFC 9112
//! sections 4, 6 and 9, RFC 9110 section 15).

use http::StatusCode;

use crate::h1::{BodyLength, Connection, DATE_BYTES, DateField, Event, Phase, Response};
use crate::{Headers, Limits, Misuse, RequestHead};

/// Something that an application does.
#[derive(Clone, Copy, Debug)]
enum Do {
    Head(u16, BodyLength),
    HeadAndClose(u16, BodyLength),
    HeadWith(u16, BodyLength, &'static [(&'static str, &'static str)]),
    Dated(u16, BodyLength, &'static [(&'static str, &'static str)]),
    Interim(u16, &'static [(&'static str, &'static str)]),
    Body(&'static str),
    /// Bytes that the application writes by itself, if it may.
    Apart(&'static str),
    End,
    EndWith(&'static [(&'static str, &'static str)]),
    /// Another protocol follows.
    Switch(&'static [(&'static str, &'static str)]),
    Abort,
}

use BodyLength::{Known, Unknown};
use Do::{Abort, Apart, Body, Dated, End, EndWith, Head, HeadAndClose, HeadWith, Interim, Switch};

/// One row: a request, what the application does about it, the bytes that come of it, and whether
/// another request may follow. What is done last may be refused.
struct Row {
    name: &'static str,
    request: &'static str,
    acts: &'static [Do],
    refused: Option<Misuse>,
    wire: &'static str,
    phase: Phase,
}

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
const GET_1_0: &str = "GET / HTTP/1.0\r\n\r\n";
const HEAD_1_0: &str = "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const KEEP_1_0: &str = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const CLOSE: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const CONNECT: &str = "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Upgrade\r\nUpgrade: e\r\n\r\n";
const UPGRADE_1_0: &str = "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: e\r\n\r\n";
const UPGRADE_BODY: &str = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\
                            Connection: upgrade\r\nUpgrade: e\r\n\r\n";
const DATE: &[u8; DATE_BYTES] = b"Sun, 06 Nov 1994 08:49:37 GMT";

fn fields(list: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in list {
        headers.append(name, value).unwrap();
    }
    headers
}

fn act(connection: &mut Connection, act: Do, out: &mut Vec<u8>) -> Result<(), Misuse> {
    let status = |status: u16| StatusCode::from_u16(status).unwrap();
    match act {
        Head(code, body) => {
            connection.send_head(Response::new(status(code), body), &Headers::new(), out)
        }
        HeadAndClose(code, body) => {
            connection.send_head(Response::new(status(code), body).close(), &Headers::new(), out)
        }
        HeadWith(code, body, list) => {
            connection.send_head(Response::new(status(code), body), &fields(list), out)
        }
        Dated(code, body, list) => {
            let date = DateField::new(DATE);
            connection.send_head(Response::new(status(code), body).date(&date), &fields(list), out)
        }
        Interim(code, list) => connection.send_interim(status(code), &fields(list), out),
        Body(data) => connection.send_body(data.as_bytes(), out),
        Apart(data) => {
            if connection.send_body_apart(u64::try_from(data.len()).unwrap())? {
                out.extend_from_slice(data.as_bytes());
            }
            Ok(())
        }
        End => connection.send_end(out),
        EndWith(list) => connection.send_end_with(&fields(list), out),
        Switch(list) => connection.send_switch(&fields(list), out),
        Abort => {
            connection.send_abort();
            Ok(())
        }
    }
}

fn check(rows: &[Row]) {
    for Row { name, request, acts, refused, wire, phase } in rows {
        let (mut connection, mut head) = (Connection::new(), RequestHead::default());
        connection.receive(request.as_bytes(), &Limits::default(), &mut head).unwrap();
        let mut out = Vec::new();
        for (index, done) in acts.iter().enumerate() {
            let refused = refused.filter(|_| index + 1 == acts.len());
            let before = out.len();
            let result = act(&mut connection, *done, &mut out);
            assert_eq!(result, refused.map_or(Ok(()), Err), "{name}: {done:?}");
            assert!(refused.is_none() || out.len() == before, "{name}: {done:?} sent something");
        }
        assert_eq!(String::from_utf8(out).unwrap(), *wire, "{name}");
        assert_eq!(connection.phase(), *phase, "{name}");
        if refused.is_none()
            && let Some((out, connection)) = whole(request, acts)
        {
            assert_eq!(String::from_utf8(out).unwrap(), *wire, "{name}, at once");
            assert_eq!(connection.phase(), *phase, "{name}, at once");
        }
    }
}

/// What comes of a row that can be sent at once.
fn whole(request: &str, acts: &[Do]) -> Option<(Vec<u8>, Connection)> {
    let (head, body) = match acts {
        [head, End] => (head, ""),
        [head, Body(body), End] => (head, *body),
        _ => return None,
    };
    let date = DateField::new(DATE);
    let (code, length, list) = match *head {
        Head(code, length) | HeadAndClose(code, length) => (code, length, &[][..]),
        HeadWith(code, length, list) | Dated(code, length, list) => (code, length, list),
        _ => return None,
    };
    let mut response = Response::new(StatusCode::from_u16(code).unwrap(), length);
    if matches!(head, HeadAndClose(..)) {
        response = response.close();
    }
    if matches!(head, Dated(..)) {
        response = response.date(&date);
    }
    let (mut connection, mut head, mut out) =
        (Connection::new(), RequestHead::default(), Vec::new());
    connection.receive(request.as_bytes(), &Limits::default(), &mut head).unwrap();
    let headers = fields(list);
    let result = connection.send_whole(response, &headers, body.as_bytes(), &mut out);
    if length == Known(body.len() as u64) || length == Unknown || request.starts_with("HEAD") {
        assert_eq!(result, Ok(()));
        return Some((out, connection));
    }
    // Of what is not as long as announced, nothing is sent, and the right one may be.
    assert!(matches!(result, Err(Misuse::BodyOverrun | Misuse::BodyUnderrun)) && out.is_empty());
    assert!(connection.awaits_response());
    None
}

#[test]
fn a_body_that_is_not_as_long_as_announced_is_not_sent() {
    let rows = [(Known(4), Misuse::BodyOverrun), (Known(6), Misuse::BodyUnderrun)];
    for (length, misuse) in rows {
        let (mut connection, mut head, mut out) =
            (Connection::new(), RequestHead::default(), Vec::new());
        connection.receive(GET.as_bytes(), &Limits::default(), &mut head).unwrap();
        let response = Response::new(StatusCode::OK, length);
        let result = connection.send_whole(response, &Headers::new(), b"hello", &mut out);
        assert_eq!((result, &*out), (Err(misuse), &b""[..]));
        let response = Response::new(StatusCode::OK, Known(5));
        let whole = connection.send_whole(response, &Headers::new(), b"hello", &mut out);
        assert_eq!(whole, Ok(()));
        assert_eq!(connection.phase(), Phase::Idle);
        let again = connection.send_whole(response, &Headers::new(), b"hello", &mut out);
        assert_eq!(again, Err(Misuse::NotAwaitingResponse));
    }
}

#[rustfmt::skip]
const FRAMING: &[Row] = &[
    Row { name: "6.2: a length",                    request: GET,      acts: &[Head(200, Known(5)), Body("hello"), End],              refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", phase: Phase::Idle },
    Row { name: "6.2: a length in pieces",          request: GET,      acts: &[Head(200, Known(5)), Body("he"), Body(""), Body("llo"), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", phase: Phase::Idle },
    Row { name: "6.2: no content",                  request: GET,      acts: &[Head(200, Known(0)), End],                             refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "6.2: long lengths",                request: HEAD,     acts: &[Head(200, Known(u64::MAX)), End],                      refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", phase: Phase::Idle },
    Row { name: "6.2: written apart",               request: GET,      acts: &[Head(200, Known(5)), Apart("hel"), Body("lo"), End],   refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", phase: Phase::Idle },
    Row { name: "7.1: chunked",                     request: GET,      acts: &[Head(200, Unknown), Body("hello"), Body(""), Body("0123456789abcdef"), End], refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n", phase: Phase::Idle },
    Row { name: "7.1: no chunk",                    request: GET,      acts: &[Head(200, Unknown), End],                              refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", phase: Phase::Idle },
    Row { name: "6.1: not chunked for HTTP/1.0",    request: GET_1_0,  acts: &[Head(200, Unknown), Body("hello"), End],               refused: None, wire: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", phase: Phase::Closed },
    Row { name: "6.3.8: closing ends it",           request: KEEP_1_0, acts: &[Head(200, Unknown), Body("he"), Apart("llo"), End],   refused: None, wire: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", phase: Phase::Closed },
    Row { name: "9110 9.3.2: HEAD, length",         request: HEAD,     acts: &[Head(200, Known(5)), Body("hello"), Apart("x"), End],  refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 9.3.2: HEAD, no body given",  request: HEAD,     acts: &[Head(200, Known(5)), End],                             refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 9.3.2: HEAD, chunked",        request: HEAD,     acts: &[Head(200, Unknown), Body("hello"), End],               refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 9.3.2: HEAD, HTTP/1.0",       request: HEAD_1_0, acts: &[Head(200, Unknown), Body("hello"), End],               refused: None, wire: "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 8.6: 204 has no length",      request: GET,      acts: &[Head(204, Known(0)), End],                             refused: None, wire: "HTTP/1.1 204 No Content\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.3.5: 204 has no content",  request: GET,      acts: &[Head(204, Known(5)), Body("hello"), End],              refused: None, wire: "HTTP/1.1 204 No Content\r\n\r\n", phase: Phase::Idle },
    Row { name: "6.1: 204 is not chunked",          request: GET,      acts: &[Head(204, Unknown), Body("hello"), End],               refused: None, wire: "HTTP/1.1 204 No Content\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.3.6: 205 has no content",  request: GET,      acts: &[Head(205, Known(5)), Body("hello"), End],              refused: None, wire: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.3.6: 205 is not chunked",  request: GET,      acts: &[Head(205, Unknown), End],                              refused: None, wire: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.4.5: 304 has no content",  request: GET,      acts: &[Head(304, Known(5)), Body("hello"), End],              refused: None, wire: "HTTP/1.1 304 Not Modified\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.4.5: 304, HTTP/1.0",       request: KEEP_1_0, acts: &[Head(304, Unknown), End],                              refused: None, wire: "HTTP/1.1 304 Not Modified\r\nConnection: keep-alive\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 9.3.6: a tunnel ends HTTP",   request: CONNECT,  acts: &[Head(200, Known(5)), Body("hello"), End],              refused: None, wire: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", phase: Phase::Closed },
    Row { name: "9110 9.3.6: no tunnel",            request: CONNECT,  acts: &[Head(405, Known(0)), End],                             refused: None, wire: "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
];

#[test]
fn framing() {
    check(FRAMING);
}

#[rustfmt::skip]
const FIELDS: &[Row] = &[
    Row { name: "9110 5.3: order and spelling",     request: GET,      acts: &[HeadWith(200, Known(0), &[("b", "1"), ("A", "2"), ("B", "")]), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nb: 1\r\nA: 2\r\nB: \r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 6.6.1: a date",               request: GET,      acts: &[Dated(200, Known(0), &[("A", "b")]), End],             refused: None, wire: "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\nA: b\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 6.6.1: one date",             request: GET,      acts: &[Dated(200, Known(0), &[("date", "b")]), End],          refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: b\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 8.6: one length, the real",   request: GET,      acts: &[HeadWith(200, Known(5), &[("A", "b"), ("content-length", "9")]), Body("hello"), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello", phase: Phase::Idle },
    Row { name: "6.2: no length with chunks",       request: GET,      acts: &[HeadWith(200, Unknown, &[("Content-Length", "9")]), End], refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", phase: Phase::Idle },
    Row { name: "6.1: one coding, ours",            request: GET,      acts: &[HeadWith(200, Known(0), &[("Transfer-Encoding", "chunked"), ("A", "b")]), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\n\r\n", phase: Phase::Idle },
    Row { name: "9.6: close by a field",            request: GET,      acts: &[HeadWith(200, Known(0), &[("connection", "x, Close")]), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", phase: Phase::Closed },
    Row { name: "9.6: other options are left out",  request: GET,      acts: &[HeadWith(200, Known(0), &[("Connection", "keep-alive, closed")]), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9.6: close by the application",    request: GET,      acts: &[HeadAndClose(200, Known(0)), End],                     refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", phase: Phase::Closed },
    Row { name: "9.6: close by the peer",           request: CLOSE,    acts: &[Head(200, Unknown), End],                              refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", phase: Phase::Closed },
    Row { name: "9.3: HTTP/1.0 goes on",            request: KEEP_1_0, acts: &[Head(200, Known(0)), End],                             refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", phase: Phase::Idle },
    Row { name: "9.3: HTTP/1.0 ends",               request: GET_1_0,  acts: &[Head(200, Known(0)), End],                             refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", phase: Phase::Closed },
    Row { name: "9.6: close to HTTP/1.0",           request: KEEP_1_0, acts: &[HeadAndClose(200, Known(0)), End],                     refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", phase: Phase::Closed },
    Row { name: "4: every prebuilt line",           request: GET,      acts: &[Interim(103, &[]), Head(301, Known(0)), End],          refused: None, wire: "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "4: a status that is rare",         request: GET,      acts: &[Head(418, Known(0)), End],                             refused: None, wire: "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "4: a status without a reason",     request: GET,      acts: &[Head(599, Known(0)), End],                             refused: None, wire: "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.2: interim fields",        request: GET,      acts: &[Interim(103, &[("Link", "</a>"), ("Content-Length", "5")]), Head(200, Known(0)), End], refused: None, wire: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.2: two interim ones",      request: GET,      acts: &[Interim(102, &[]), Interim(100, &[]), Head(200, Known(0)), End], refused: None, wire: "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 15.2: none to HTTP/1.0",      request: GET_1_0,  acts: &[Interim(103, &[("Link", "</a>")]), Head(200, Known(0)), End], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", phase: Phase::Closed },
];

#[rustfmt::skip]
const TRAILERS: &[Row] = &[
    Row { name: "7.1.2: trailers",                  request: GET,      acts: &[Head(200, Unknown), Body("x"), EndWith(&[("A", "b"), ("c", "")])], refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nc: \r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 6.5.1: none of the framing",  request: GET,      acts: &[Head(200, Unknown), EndWith(&[("Content-Length", "1"), ("A", "b"), ("Host", "h"), ("authorization", "x")])], refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", phase: Phase::Idle },
    Row { name: "6.5: none behind a length",        request: GET,      acts: &[Head(200, Known(1)), Body("x"), EndWith(&[("A", "b")])], refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", phase: Phase::Idle },
    Row { name: "6.5: none to HTTP/1.0",            request: GET_1_0,  acts: &[Head(200, Unknown), Body("x"), EndWith(&[("A", "b")])], refused: None, wire: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx", phase: Phase::Closed },
    Row { name: "9110 9.3.2: none to HEAD",         request: HEAD,     acts: &[Head(200, Unknown), EndWith(&[("A", "b")])],           refused: None, wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", phase: Phase::Idle },
];

#[rustfmt::skip]
const SWITCHES: &[Row] = &[
    Row { name: "9110 7.8: another protocol",       request: UPGRADE,  acts: &[Switch(&[("Upgrade", "e")]), Body("x"), Apart("yz")],  refused: None, wire: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: e\r\n\r\nxyz", phase: Phase::Tunnel },
    Row { name: "9110 7.8: it ends",                request: UPGRADE,  acts: &[Switch(&[("Upgrade", "e")]), Body("x"), End],          refused: None, wire: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: e\r\n\r\nx", phase: Phase::Closed },
    Row { name: "9110 7.8: it is given up",         request: UPGRADE,  acts: &[Switch(&[("Upgrade", "e")]), Abort],                   refused: None, wire: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: e\r\n\r\n", phase: Phase::Closed },
    Row { name: "9110 7.8: after 102",              request: UPGRADE,  acts: &[Interim(102, &[]), Switch(&[("Upgrade", "e")]), End],  refused: None, wire: "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: e\r\n\r\n", phase: Phase::Closed },
    Row { name: "9110 7.8: an offer",               request: GET,      acts: &[HeadWith(426, Known(0), &[("Upgrade", "e")]), End],    refused: None, wire: "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: upgrade\r\nUpgrade: e\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 7.8: an offer and an end",    request: CLOSE,    acts: &[HeadWith(426, Known(0), &[("Upgrade", "e")]), End],    refused: None, wire: "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close, upgrade\r\nUpgrade: e\r\n\r\n", phase: Phase::Closed },
    Row { name: "9110 7.8: an offer to HTTP/1.0",   request: KEEP_1_0, acts: &[HeadWith(426, Known(0), &[("Upgrade", "e")]), End],    refused: None, wire: "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: keep-alive, upgrade\r\nUpgrade: e\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 7.8: ignored",                request: UPGRADE,  acts: &[Head(200, Known(0)), End],                             refused: None, wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Idle },
    Row { name: "9110 7.8: not asked for",          request: GET,      acts: &[Switch(&[])],                                          refused: Some(Misuse::NotSwitchable), wire: "", phase: Phase::Respond },
    Row { name: "9110 7.8: not in HTTP/1.0",        request: UPGRADE_1_0, acts: &[Switch(&[])],                                       refused: Some(Misuse::NotSwitchable), wire: "", phase: Phase::Respond },
    Row { name: "9110 7.8: not before the body",    request: UPGRADE_BODY, acts: &[Switch(&[])],                                      refused: Some(Misuse::NotSwitchable), wire: "", phase: Phase::Body },
    Row { name: "9110 7.8: not without a request",  request: "",       acts: &[Switch(&[])],                                          refused: Some(Misuse::NotAwaitingResponse), wire: "", phase: Phase::Idle },
    Row { name: "9110 7.8: not twice",              request: UPGRADE,  acts: &[Switch(&[]), Switch(&[])],                             refused: Some(Misuse::NotAwaitingResponse), wire: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", phase: Phase::Tunnel },
    Row { name: "9110 9.3.6: a tunnel",             request: CONNECT,  acts: &[Switch(&[("A", "b")]), Body("x"), End],                refused: None, wire: "HTTP/1.1 200 OK\r\nA: b\r\n\r\nx", phase: Phase::Closed },
];

#[test]
fn trailers() {
    check(TRAILERS);
}

#[test]
fn switches() {
    check(SWITCHES);
}

#[test]
fn bytes_of_another_protocol_come_as_they_are() {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let limits = Limits::default();
    connection.receive(UPGRADE.as_bytes(), &limits, &mut head).unwrap();
    connection.send_switch(&Headers::new(), &mut Vec::new()).unwrap();
    let bytes = b"GET / HTTP/1.1\r\n\r\n\0";
    let received = connection.receive(bytes, &limits, &mut head).unwrap();
    assert_eq!((received.consumed, received.event), (bytes.len(), Some(Event::Body(bytes))));
    assert_eq!(connection.receive(b"", &limits, &mut head).unwrap().event, None);
    assert_eq!(connection.receive_eof(), Ok(()));
    // What is left to be sent can be.
    connection.send_body(b"x", &mut Vec::new()).unwrap();
    connection.send_end(&mut Vec::new()).unwrap();
    assert_eq!(connection.phase(), Phase::Closed);
}

#[test]
fn fields_and_status_lines() {
    check(FIELDS);
}

#[rustfmt::skip]
const MISUSES: &[Row] = &[
    Row { name: "nothing to answer",                request: "",       acts: &[Head(200, Known(0))],                                  refused: Some(Misuse::NotAwaitingResponse), wire: "", phase: Phase::Idle },
    Row { name: "half a head to answer",            request: "GET /",  acts: &[Head(200, Known(0))],                                  refused: Some(Misuse::NotAwaitingResponse), wire: "", phase: Phase::Head },
    Row { name: "nothing to be interim to",         request: "",       acts: &[Interim(103, &[])],                                    refused: Some(Misuse::NotAwaitingResponse), wire: "", phase: Phase::Idle },
    Row { name: "a body without a request",         request: "",       acts: &[Body("x")],                                            refused: Some(Misuse::NotSendingBody), wire: "", phase: Phase::Idle },
    Row { name: "an end without a request",         request: "",       acts: &[End],                                                  refused: Some(Misuse::NotSendingBody), wire: "", phase: Phase::Idle },
    Row { name: "a body before the head",           request: GET,      acts: &[Body("x")],                                            refused: Some(Misuse::NotSendingBody), wire: "", phase: Phase::Respond },
    Row { name: "an empty body before the head",    request: GET,      acts: &[Body("")],                                             refused: Some(Misuse::NotSendingBody), wire: "", phase: Phase::Respond },
    Row { name: "a body apart before the head",     request: GET,      acts: &[Apart("x")],                                           refused: Some(Misuse::NotSendingBody), wire: "", phase: Phase::Respond },
    Row { name: "an end before the head",           request: GET,      acts: &[End],                                                  refused: Some(Misuse::NotSendingBody), wire: "", phase: Phase::Respond },
    Row { name: "two heads",                        request: GET,      acts: &[Head(200, Known(0)), Head(200, Known(0))],             refused: Some(Misuse::NotAwaitingResponse), wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Respond },
    Row { name: "two responses",                    request: GET,      acts: &[Head(204, Known(0)), End, Head(200, Known(0))],        refused: Some(Misuse::NotAwaitingResponse), wire: "HTTP/1.1 204 No Content\r\n\r\n", phase: Phase::Idle },
    Row { name: "two ends",                         request: GET,      acts: &[Head(204, Known(0)), End, End],                        refused: Some(Misuse::NotSendingBody), wire: "HTTP/1.1 204 No Content\r\n\r\n", phase: Phase::Idle },
    Row { name: "an interim one behind the head",   request: GET,      acts: &[Head(204, Known(0)), Interim(103, &[])],               refused: Some(Misuse::NotAwaitingResponse), wire: "HTTP/1.1 204 No Content\r\n\r\n", phase: Phase::Respond },
    Row { name: "an interim one as the final one",  request: GET,      acts: &[Head(100, Known(0))],                                  refused: Some(Misuse::WrongStatusClass), wire: "", phase: Phase::Respond },
    Row { name: "a switch as the final one",        request: GET,      acts: &[Head(101, Known(0))],                                  refused: Some(Misuse::WrongStatusClass), wire: "", phase: Phase::Respond },
    Row { name: "a switch as an interim one",       request: GET,      acts: &[Interim(101, &[])],                                    refused: Some(Misuse::WrongStatusClass), wire: "", phase: Phase::Respond },
    Row { name: "a final one as an interim one",    request: GET,      acts: &[Interim(200, &[])],                                    refused: Some(Misuse::WrongStatusClass), wire: "", phase: Phase::Respond },
    Row { name: "overrun",                          request: GET,      acts: &[Head(200, Known(5)), Body("hell"), Body("o!")],        refused: Some(Misuse::BodyOverrun), wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", phase: Phase::Respond },
    Row { name: "overrun apart",                    request: GET,      acts: &[Head(200, Known(0)), Apart("x")],                      refused: Some(Misuse::BodyOverrun), wire: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", phase: Phase::Respond },
    Row { name: "underrun",                         request: GET,      acts: &[Head(200, Known(5)), Body("hell"), End],               refused: Some(Misuse::BodyUnderrun), wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", phase: Phase::Respond },
    Row { name: "a chunk apart",                    request: GET,      acts: &[Head(200, Unknown), Apart("x")],                       refused: Some(Misuse::NotSendingBody), wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", phase: Phase::Respond },
    Row { name: "given up before the head",         request: GET,      acts: &[Abort, Head(200, Known(0))],                           refused: Some(Misuse::NotAwaitingResponse), wire: "", phase: Phase::Closed },
    Row { name: "given up in a length",             request: GET,      acts: &[Head(200, Known(5)), Body("hell"), Abort, Body("o")],  refused: Some(Misuse::NotSendingBody), wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", phase: Phase::Closed },
    Row { name: "given up in chunks",               request: GET,      acts: &[Head(200, Unknown), Body("hell"), Abort, End],         refused: Some(Misuse::NotSendingBody), wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n", phase: Phase::Closed },
];

#[test]
fn misuses() {
    check(MISUSES);
}

#[test]
fn all_of_an_underrun_can_still_be_sent() {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    connection.receive(GET.as_bytes(), &Limits::default(), &mut head).unwrap();
    let mut out = Vec::new();
    act(&mut connection, Head(200, Known(5)), &mut out).unwrap();
    assert_eq!(act(&mut connection, Body("hello!"), &mut out), Err(Misuse::BodyOverrun));
    assert_eq!(act(&mut connection, End, &mut out), Err(Misuse::BodyUnderrun));
    act(&mut connection, Body("hello"), &mut out).unwrap();
    act(&mut connection, End, &mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

#[test]
fn the_fields_of_a_request_can_be_those_of_its_response() {
    // The block of received fields holds the request line and an empty line, which must not go out.
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let request = "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    connection.receive(request.as_bytes(), &Limits::default(), &mut head).unwrap();
    let mut out = Vec::new();
    let response = Response::new(StatusCode::OK, Known(0));
    connection.send_head(response, head.headers(), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nHost: h\r\nA: b\r\n\r\n"
    );
}

#[test]
fn framing_fields_of_a_request_do_not_frame_its_response() {
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    connection.receive(request.as_bytes(), &Limits::default(), &mut head).unwrap();
    let mut out = Vec::new();
    let response = Response::new(StatusCode::OK, Known(0));
    connection.send_head(response, &head.headers().clone(), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nHost: h\r\n\r\n"
    );
}
