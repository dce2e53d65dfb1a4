//! Our parser against `httparse`: whoever accepts what we accept must understand the same.
//!
//! We refuse more, by choice: bare line feeds, targets that are not allowed for the method, lengths
//! that could be read in two ways. So nothing is asked about what we refuse.

use http::Version;

use super::transcript::SeenHead;
use crate::h1::{Connection, Event};
use crate::{Limits, RequestHead};

/// Parses `input` as a request head, with `httparse` too, and checks that both agree: on method,
/// target, version, fields and length where we accept it, and that it is incomplete where we wait.
///
/// # Panics
///
/// If they disagree.
pub fn check_against_reference(input: &[u8]) {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let Ok(received) = connection.receive(input, &Limits::default(), &mut head) else {
        return;
    };
    match received.event {
        Some(Event::Head { body }) => {
            let consumed = input.get(..received.consumed).expect("no more than there was");
            check_same(&SeenHead::of(&head, body), consumed);
        }
        Some(Event::Body(_) | Event::End) => panic!("a body before a head"),
        None => {
            let mut fields = [httparse::EMPTY_HEADER; 300];
            let rest = input.get(received.consumed..).expect("no more than there was");
            let parsed = httparse::Request::new(&mut fields).parse(rest);
            assert!(!matches!(parsed, Ok(httparse::Status::Complete(_))), "{}", show(input));
        }
    }
}

fn check_same(ours: &SeenHead, input: &[u8]) {
    let input = with_known_version(ours, input);
    let mut fields = [httparse::EMPTY_HEADER; 300];
    let mut theirs = httparse::Request::new(&mut fields);
    let parsed = theirs.parse(&input);
    assert_eq!(parsed, Ok(httparse::Status::Complete(input.len())), "{}", show(&input));
    assert_eq!(theirs.method, Some(ours.method.as_str()), "{}", show(&input));
    assert_eq!(theirs.path, Some(ours.target.as_str()), "{}", show(&input));
    let minor = u8::from(ours.version == Version::HTTP_11);
    assert_eq!(theirs.version, Some(minor), "{}", show(&input));
    let mut fields = ours.fields.iter();
    for theirs in theirs.headers {
        let (name, value) = fields.next().expect("as many fields");
        assert_eq!((theirs.name, theirs.value), (name.as_str(), &value[..]), "{}", show(&input));
    }
    assert_eq!(fields.next(), None, "{}", show(&input));
}

/// `input` with a later minor version made 1.1, since `httparse` knows none.
fn with_known_version(ours: &SeenHead, input: &[u8]) -> Vec<u8> {
    let mut input = input.to_vec();
    let empty_line_len = if input.starts_with(b"\r\n") { 2 } else { 0 };
    let before = empty_line_len + ours.method.len() + ours.target.len() + " HTTP/1. ".len();
    let minor = input.get_mut(before).expect("the version is in the head");
    if *minor > b'1' {
        *minor = b'1';
    }
    input
}

/// Parses `input` as a chunked body, with `httparse` too, and checks that both see the same data
/// and the same end where we accept it.
///
/// # Panics
///
/// If they disagree.
pub fn check_chunks_against_reference(input: &[u8]) {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let Some((data, len)) = our_body(&[head, input].concat()) else { return };
    let input = input.get(..len - head.len()).expect("no more than there was");
    assert_eq!(their_body(input), data, "{}", show(input));
}

/// The body of a request and the length of all of it. `None` if it is refused or incomplete.
fn our_body(request: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let limits = Limits::default();
    let (mut at, mut body) = (0, Vec::new());
    loop {
        let received = connection.receive(request.get(at..)?, &limits, &mut head).ok()?;
        at += received.consumed;
        match received.event? {
            Event::Head { .. } => {}
            Event::Body(data) => body.extend_from_slice(data),
            Event::End => return Some((body, at)),
        }
    }
}

/// The body that `input` is, to its last byte.
fn their_body(mut input: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        // `httparse` reads no more than 16 digits, but zeros before the others mean nothing.
        let zeros = input.iter().take_while(|&&byte| byte == b'0').count();
        input = input.get(zeros.saturating_sub(1)..).expect("no more zeros than there are");
        let parsed = httparse::parse_chunk_size(input).expect("a chunk size");
        let httparse::Status::Complete((at, size)) = parsed else { panic!("an incomplete size") };
        let size = usize::try_from(size).expect("within our limits");
        input = input.get(at..).expect("no more than there was");
        if size == 0 {
            break;
        }
        let (data, rest) = input.split_at_checked(size).expect("all of the data");
        body.extend_from_slice(data);
        input = rest.strip_prefix(b"\r\n").expect("a line end behind the data");
    }
    let mut fields = [httparse::EMPTY_HEADER; 300];
    let parsed = httparse::parse_headers(input, &mut fields).expect("a trailer section");
    assert!(matches!(parsed, httparse::Status::Complete((len, _)) if len == input.len()));
    body
}

fn show(input: &[u8]) -> String {
    input.escape_ascii().to_string()
}
