//! A small response through wharf's machine, and as a copy of bytes that were made before.
//!
//! Not here: bodies that are streamed.

use std::hint::black_box;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use wharf_proto::h1::{BodyLength, Connection, DateField, Event, Response};
use wharf_proto::{Headers, Limits, RequestHead};

use crate::head::PLAIN;

const BODY: &[u8] = b"Hello, world!\n";
const DATE: &[u8; 29] = b"Thu, 01 Jan 1970 00:00:00 GMT";

fn fields() -> Headers {
    let mut headers = Headers::new();
    headers.append(CONTENT_TYPE.as_str(), "text/plain").expect("the field is good");
    headers
}

fn respond(connection: &mut Connection, headers: &Headers, date: &DateField, out: &mut Vec<u8>) {
    let length = BodyLength::Known(BODY.len() as u64);
    let response = Response::new(StatusCode::OK, length).date(date);
    let (headers, body) = (black_box(headers), black_box(BODY));
    connection.send_whole(response, headers, body, out).expect("a request waits");
}

/// A connection on which a request waits for its response.
fn awaiting(limits: &Limits, head: &mut RequestHead) -> Connection {
    let mut connection = Connection::new();
    connection.receive(PLAIN, limits, head).expect("the head is good");
    connection
}

pub(crate) fn wharf() -> Box<dyn FnMut()> {
    let awaiting = awaiting(&Limits::default(), &mut RequestHead::default());
    let (headers, date, mut out) = (fields(), DateField::new(DATE), Vec::new());
    Box::new(move || {
        out.clear();
        respond(&mut awaiting.clone(), &headers, &date, &mut out);
        black_box(&out);
    })
}

pub(crate) fn copy() -> Box<dyn FnMut()> {
    let (mut made, mut out) = (Vec::new(), Vec::new());
    let mut connection = awaiting(&Limits::default(), &mut RequestHead::default());
    respond(&mut connection, &fields(), &DateField::new(DATE), &mut made);
    Box::new(move || {
        out.clear();
        out.extend_from_slice(black_box(&made));
        black_box(&out);
    })
}

/// A request and its response on a connection that is kept, as a server does them.
pub(crate) fn exchange() -> Box<dyn FnMut()> {
    let (limits, mut head) = (Limits::default(), RequestHead::default());
    let (headers, date) = (fields(), DateField::new(DATE));
    let (mut out, mut connection) = (Vec::new(), Connection::new());
    Box::new(move || {
        out.clear();
        head.clear();
        let received = connection.receive(black_box(PLAIN), &limits, &mut head);
        assert!(matches!(received.expect("it is good").event, Some(Event::Head { .. })));
        respond(&mut connection, &headers, &date, &mut out);
        black_box(&out);
    })
}
