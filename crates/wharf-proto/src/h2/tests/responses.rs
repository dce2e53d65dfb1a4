//! Responses as frames: framing by method and status, and what is refused (sections 8.1 and 8.3.2).

use http::StatusCode;

use super::*;
use crate::h2::Response;
use crate::{BodyLength, Headers, Misuse};

use BodyLength::{Known, Unknown};

/// Something that an application does.
#[derive(Clone, Copy, Debug)]
enum Do {
    Head(u16, BodyLength),
    HeadWith(u16, BodyLength, &'static [(&'static str, &'static str)]),
    Whole(u16, BodyLength, &'static str),
    Interim(u16, &'static [(&'static str, &'static str)]),
    Data(&'static str),
    /// Bytes that the application writes by itself.
    Apart(&'static str),
    End,
    EndWith(&'static [(&'static str, &'static str)]),
}

use Do::{Apart, Data, End, EndWith, Head, HeadWith, Interim, Whole};

fn fields(list: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in list {
        headers.append(name, value).unwrap();
    }
    headers
}

fn act(session: &mut Session, act: Do) -> Result<bool, Misuse> {
    let status = |code| StatusCode::from_u16(code).unwrap();
    let response = |code, body| Response::new(status(code), body);
    let Session { connection, out, streams, .. } = session;
    let stream = streams[0];
    let none = Headers::new();
    match act {
        Head(code, body) => {
            connection.send_head(stream, response(code, body), &none, out).map(|sent| sent.is_over)
        }
        HeadWith(code, body, list) => {
            let response = response(code, body).date(b"today");
            connection.send_head(stream, response, &fields(list), out).map(|sent| sent.is_over)
        }
        Whole(code, body, data) => connection
            .send_whole(stream, response(code, body), &none, data.as_bytes(), out)
            .map(|sent| sent.is_over),
        Interim(code, list) => {
            connection.send_interim(stream, status(code), &fields(list), out).map(|()| false)
        }
        Data(data) => connection.send_data(stream, data.as_bytes(), out).map(|sent| sent.is_over),
        Apart(data) => connection.send_data_apart(stream, data.len(), out).map(|sent| {
            out.extend_from_slice(&data.as_bytes()[..sent.bytes]);
            sent.is_over
        }),
        End => connection.send_end(stream, out).map(|()| true),
        EndWith(list) => connection.send_end_with(stream, &fields(list), out).map(|()| true),
    }
}

/// A name, a method, what the application does, the last of which may be refused, and the frames
/// that come of it.
type Case<'c> = (&'c str, &'c str, &'c [Do], Option<Misuse>, &'c str);

fn check(rows: &[Case<'_>]) {
    for (name, method, acts, refused, expect) in rows {
        let mut session = session(Config::default());
        let mut list = vec![(":method", *method), (":authority", "a:1")];
        if *method != "CONNECT" {
            list.extend([(":scheme", "http"), (":path", "/")]);
        }
        session.feed(&wire::headers(1, END_STREAM, &list));
        session.transcript();
        let mut is_over = false;
        for (index, done) in acts.iter().enumerate() {
            let refused = refused.filter(|_| index + 1 == acts.len());
            let before = session.out.len();
            match act(&mut session, *done) {
                Ok(over) => is_over = over,
                Err(misuse) => {
                    assert_eq!(Some(misuse), refused, "{name}: {done:?}");
                    assert_eq!(session.out.len(), before, "{name}: {done:?} sent something");
                }
            }
        }
        let frames = session.frames();
        assert_eq!(frames, *expect, "{name}");
        assert_eq!(is_over, frames.contains(" end"), "{name}");
        assert_eq!(is_over, session.connection.open_streams() == 0, "{name}");
    }
}

#[test]
fn framing_by_method_and_status() {
    check(&[
        (
            "a known length",
            "GET",
            &[Head(200, Known(3)), Data("ab"), Data("c")],
            None,
            "1 HEADERS :status=200 content-length=3, 1 DATA ab, 1 DATA end c",
        ),
        (
            "an unknown one",
            "GET",
            &[Head(200, Unknown), Data("ab"), End],
            None,
            "1 HEADERS :status=200, 1 DATA ab, 1 DATA end ",
        ),
        (
            "of length 0",
            "GET",
            &[Head(200, Known(0))],
            None,
            "1 HEADERS end :status=200 content-length=0",
        ),
        (
            "whole",
            "GET",
            &[Whole(200, Known(2), "ab")],
            None,
            "1 HEADERS :status=200 content-length=2, 1 DATA end ab",
        ),
        (
            "whole, of unknown length",
            "GET",
            &[Whole(200, Unknown, "ab")],
            None,
            "1 HEADERS :status=200, 1 DATA end ab",
        ),
        (
            "whole and empty",
            "GET",
            &[Whole(200, Known(0), "")],
            None,
            "1 HEADERS end :status=200 content-length=0",
        ),
        (
            "whole and empty, of unknown length",
            "GET",
            &[Whole(200, Unknown, "")],
            None,
            "1 HEADERS :status=200, 1 DATA end ",
        ),
        (
            "apart",
            "GET",
            &[Head(200, Known(3)), Apart("ab"), Apart("c")],
            None,
            "1 HEADERS :status=200 content-length=3, 1 DATA ab, 1 DATA end c",
        ),
    ]);
}

#[test]
fn responses_without_a_body() {
    check(&[
        (
            "HEAD",
            "HEAD",
            &[Whole(200, Known(9), "")],
            None,
            "1 HEADERS end :status=200 content-length=9",
        ),
        (
            "HEAD of unknown length",
            "HEAD",
            &[Head(200, Unknown)],
            None,
            "1 HEADERS end :status=200",
        ),
        ("204", "GET", &[Head(204, Known(9))], None, "1 HEADERS end :status=204"),
        ("205", "GET", &[Head(205, Unknown)], None, "1 HEADERS end :status=205 content-length=0"),
        ("304", "GET", &[Head(304, Unknown)], None, "1 HEADERS end :status=304"),
        (
            "8.5: CONNECT",
            "CONNECT",
            &[Head(200, Known(0)), Data("a"), End],
            None,
            "1 HEADERS :status=200, 1 DATA a, 1 DATA end ",
        ),
        (
            "8.5: CONNECT that fails",
            "CONNECT",
            &[Whole(502, Known(1), "x")],
            None,
            "1 HEADERS :status=502 content-length=1, 1 DATA end x",
        ),
        (
            "an unusual status",
            "GET",
            &[Head(599, Known(0))],
            None,
            "1 HEADERS end :status=599 content-length=0",
        ),
    ]);
}

#[test]
fn fields_of_responses() {
    check(&[
        (
            "8.2: names in lower case",
            "GET",
            &[HeadWith(200, Known(0), &[("X-A", "B")])],
            None,
            "1 HEADERS end :status=200 x-a=B date=today content-length=0",
        ),
        (
            "a date of the application's",
            "GET",
            &[HeadWith(200, Known(0), &[("Date", "now")])],
            None,
            "1 HEADERS end :status=200 date=now content-length=0",
        ),
        (
            "8.2.2: fields of one connection",
            "GET",
            &[HeadWith(
                200,
                Known(0),
                &[
                    ("Connection", "close"),
                    ("keep-alive", "1"),
                    ("a", "b"),
                    ("Transfer-Encoding", "chunked"),
                    ("content-length", "7"),
                    ("Upgrade", "x"),
                    ("Proxy-Connection", "y"),
                ],
            )],
            None,
            "1 HEADERS end :status=200 a=b date=today content-length=0",
        ),
        (
            "8.1: interim responses",
            "GET",
            &[Interim(103, &[("Link", "</a>")]), Interim(100, &[]), Head(200, Known(0))],
            None,
            "1 HEADERS :status=103 link=</a>, 1 HEADERS :status=100, \
          1 HEADERS end :status=200 content-length=0",
        ),
        (
            "8.1: trailers",
            "GET",
            &[Head(200, Unknown), Data("a"), EndWith(&[("Sum", "1"), ("content-length", "2")])],
            None,
            "1 HEADERS :status=200, 1 DATA a, 1 HEADERS end sum=1",
        ),
        (
            "8.1: no trailers",
            "GET",
            &[Head(200, Unknown), EndWith(&[])],
            None,
            "1 HEADERS :status=200, 1 DATA end ",
        ),
    ]);
}

#[test]
fn misuses() {
    let head = "1 HEADERS :status=200 content-length=3";
    check(&[
        (
            "two heads",
            "GET",
            &[Head(200, Known(3)), Head(200, Known(3))],
            Some(Misuse::NotAwaitingResponse),
            head,
        ),
        ("data first", "GET", &[Data("a")], Some(Misuse::NotSendingBody), ""),
        ("an end first", "GET", &[End], Some(Misuse::NotSendingBody), ""),
        ("too much", "GET", &[Head(200, Known(3)), Data("abcd")], Some(Misuse::BodyOverrun), head),
        (
            "too much apart",
            "GET",
            &[Head(200, Known(3)), Apart("abcd")],
            Some(Misuse::BodyOverrun),
            head,
        ),
        ("too little", "GET", &[Head(200, Known(3)), End], Some(Misuse::BodyUnderrun), head),
        (
            "too little at once",
            "GET",
            &[Whole(200, Known(3), "ab")],
            Some(Misuse::BodyUnderrun),
            "",
        ),
        ("too much at once", "GET", &[Whole(200, Known(1), "ab")], Some(Misuse::BodyOverrun), ""),
        ("a final 1xx", "GET", &[Head(103, Known(0))], Some(Misuse::WrongStatusClass), ""),
        ("an interim 200", "GET", &[Interim(200, &[])], Some(Misuse::WrongStatusClass), ""),
        ("8.6: 101", "GET", &[Interim(101, &[])], Some(Misuse::WrongStatusClass), ""),
        (
            "an interim one behind the head",
            "GET",
            &[Head(200, Known(3)), Interim(103, &[])],
            Some(Misuse::NotAwaitingResponse),
            head,
        ),
    ]);
}

/// What is sent again is taken from what was encoded before, and means the same, whatever came in
/// between.
#[test]
fn heads_that_are_sent_again() {
    let mut session = session(Config::default());
    let lists: [&[(&str, &str)]; 3] =
        [&[("content-type", "text/html"), ("x", "y")], &[("etag", "1")], &[]];
    let dates = [&b"Sun, 06 Nov 1994 08:49:37 GMT"[..], b"Sun, 06 Nov 1994 08:49:38 GMT"];
    for turn in 0..400_usize {
        let list = lists[turn / 7 % 3];
        let (date, length) = (dates[turn / 40 % 2], turn / 9 % 4);
        let id = u32::try_from(2 * turn + 1).unwrap();
        session.feed(&get(id));
        let Session { connection, out, streams, .. } = &mut session;
        let body = vec![b'x'; length];
        let known = Known(u64::try_from(length).unwrap());
        let response = Response::new(StatusCode::OK, known).date(date);
        connection.send_whole(streams[turn], response, &fields(list), &body, out).unwrap();
        let bytes = out.len();
        let shown = session.frames();
        let list: Vec<_> = list.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let (list, date) = (list.concat(), date.escape_ascii());
        let expect = format!(":status=200{list} date={date} content-length={length}");
        assert!(shown.contains(&expect), "{turn}: {shown}");
        assert!(turn % 40 < 30 || turn % 7 < 5 || bytes < 40, "{turn}: {bytes} bytes");
    }
}
