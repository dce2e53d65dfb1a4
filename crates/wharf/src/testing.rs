//! Requests and answers for tests of handlers, without a connection.
//!
//! Not here: what becomes of a response on the wire. A response to HEAD still has its body, since
//! leaving it out is the protocol machine's part.

use std::task::{Context, Poll, Waker};

use wharf_proto::h1::{Connection, Event};

use crate::handler::{Maker, ReplyKind};
use crate::pool::Pooled;
use crate::request::Parts;
use crate::{Bytes, Handler, Headers, Limits, Request, StatusCode};

/// What a handler made of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
    pub(crate) has_error: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A request with that request line and those fields. `Host` is `localhost` unless given.
pub(crate) fn request(method: &str, target: &str, fields: &[(&str, &str)]) -> Request {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    let has_host = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = (!has_host).then_some(("Host", "localhost"));
    for (name, value) in host.iter().chain(fields) {
        text.extend([*name, ": ", *value, "\r\n"]);
    }
    text.push_str("\r\n");

    let mut parts = Pooled::<Parts>::take();
    let received =
        Connection::new().receive(text.as_bytes(), &Limits::default(), &mut parts.head).unwrap();
    assert!(matches!(received.event, Some(Event::Head { .. })), "{text}");
    Request::new(parts)
}

/// The answer of `handler`, which must not wait for anything.
pub(crate) fn answer(handler: &impl Handler, request: Request) -> Answer {
    let mut cx = Context::from_waker(Waker::noop());
    let response = match handler.call(request).kind {
        ReplyKind::Ready(response) => response,
        ReplyKind::Later(later) => match later.take_apart().0 {
            Maker::Future(mut task) => match task.poll(&mut cx) {
                Poll::Ready(response) => response,
                Poll::Pending => panic!("the handler waits"),
            },
            Maker::Thread(_) => panic!("the handler wants a thread"),
        },
    };
    let mut response = response.checked();
    let (status, headers) = (response.status(), response.headers().clone());
    let has_error = response.error().is_some();
    let body = response.body_mut();
    let len = body.len();
    let mut bytes = Vec::new();
    while let Poll::Ready(chunk) = body.poll_chunk(&mut cx) {
        let Some(chunk) = chunk.unwrap() else { break };
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(len, Some(bytes.len() as u64), "the length is known and right");
    Answer { status, headers, body: bytes.into(), has_error }
}

/// The answer to a plain GET.
pub(crate) fn get(handler: &impl Handler, target: &str) -> Answer {
    answer(handler, request("GET", target, &[]))
}
