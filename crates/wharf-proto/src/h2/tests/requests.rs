//! Heads of requests: fields and pseudo-header fields (sections 8.2, 8.3 and 8.5, RFC 8441).

use super::*;
use crate::{Limits, TargetForm};
use wire::headers;

type List = [(&'static str, &'static str)];

/// What is understood of a head: method, scheme, authority, target, path, query and fields; or what
/// is wrong with it.
fn read(list: &[(&str, &str)], limits: Limits, config: Config) -> String {
    let mut session = session(config);
    session.limits = limits;
    session.feed(&headers(1, END_STREAM, list));
    let events = session.events();
    if !events.contains(" head ") {
        let frames = session.frames();
        assert!(frames.is_empty() != frames.contains("RST_STREAM PROTOCOL_ERROR"), "{frames}");
        assert!(frames.is_empty() == events.contains("refused"), "{frames} {events}");
        // What was understood can be looked at.
        let head = &session.head;
        let _ = (head.target(), head.path(), head.query(), head.scheme(), head.authority());
        return events;
    }
    let head = &session.head;
    assert_eq!(head.version(), http::Version::HTTP_2);
    let query = head.query().map_or(String::new(), |query| format!("?{query}"));
    let form = match head.target_form() {
        TargetForm::Origin => "",
        TargetForm::Asterisk => "asterisk ",
        TargetForm::Authority => "tunnel ",
        TargetForm::Absolute => "absolute ",
    };
    let fields = crate::h2::properties::show(head.headers());
    let protocol = head.protocol().map_or(String::new(), |name| format!(" protocol={name}"));
    let (method, scheme) = (head.method(), head.scheme().unwrap_or("-"));
    let (host, path) = (head.authority().unwrap_or("-"), head.path());
    assert!(head.target().starts_with(path) || form == "tunnel ");
    format!("{form}{method} {scheme} {host} {path}{query}{protocol}{fields}")
}

fn check(rows: &[(&str, &List, &str)]) {
    for (name, list, expect) in rows {
        let config = Config { enable_connect_protocol: true, ..Config::default() };
        assert_eq!(read(list, Limits::default(), config), *expect, "{name}");
    }
}

const M: (&str, &str) = (":method", "GET");
const S: (&str, &str) = (":scheme", "https");
const A: (&str, &str) = (":authority", "a");
const P: (&str, &str) = (":path", "/");

#[test]
fn pseudo_header_fields() {
    let bad = "1 malformed BadPseudoField";
    check(&[
        ("8.3.1: the usual ones", &[M, S, A, P], "GET https a /"),
        ("8.3.1: in any order", &[P, A, S, M], "GET https a /"),
        ("8.3.1: with a query", &[M, S, A, (":path", "/a?b?c")], "GET https a /a?b?c"),
        ("8.3.1: with an empty query", &[M, S, A, (":path", "/?")], "GET https a /?"),
        ("8.3.1: another scheme", &[M, (":scheme", "coap+tcp"), A, P], "GET coap+tcp a /"),
        ("8.3.1: no method", &[S, A, P], bad),
        ("8.3.1: no scheme", &[M, A, P], bad),
        ("8.3.1: no path", &[M, S, A], bad),
        ("8.3: a method twice", &[M, M, S, A, P], bad),
        ("8.3: a scheme twice", &[M, S, S, A, P], bad),
        ("8.3: an authority twice", &[M, S, A, A, P], bad),
        ("8.3: a path twice", &[M, S, A, P, P], bad),
        ("8.3: behind a field", &[M, S, A, ("x", "y"), P], bad),
        ("8.3: one of responses", &[M, S, A, P, (":status", "200")], bad),
        ("8.3: an unknown one", &[M, S, A, P, (":x", "y")], bad),
        ("8.3: in capital letters", &[(":Method", "GET"), M, S, A, P], "1 malformed BadField"),
        ("8.3.1: an empty method", &[(":method", ""), S, A, P], bad),
        ("8.3.1: a method that is no token", &[(":method", "GE T"), S, A, P], bad),
        ("RFC 8441 4: a protocol without CONNECT", &[M, S, A, P, (":protocol", "x")], bad),
    ]);
}

#[test]
fn paths() {
    let bad = "1 malformed BadTarget";
    check(&[
        ("8.3.1: empty", &[M, S, A, (":path", "")], bad),
        ("8.3.1: without a slash", &[M, S, A, (":path", "a")], bad),
        ("8.3.1: absolute", &[M, S, A, (":path", "http://a/")], bad),
        ("8.3.1: * for others than OPTIONS", &[M, S, A, (":path", "*")], bad),
        (
            "8.3.1: * for OPTIONS",
            &[(":method", "OPTIONS"), S, A, (":path", "*")],
            "asterisk OPTIONS https a *",
        ),
        ("a blank", &[M, S, A, (":path", "/a b")], bad),
        ("a fragment", &[M, S, A, (":path", "/a#b")], bad),
        ("bytes beyond ASCII", &[M, S, A, (":path", "/\u{e4}")], bad),
        ("an empty scheme", &[M, (":scheme", ""), A, P], bad),
        ("a scheme that is none", &[M, (":scheme", "ht tp"), A, P], bad),
        ("a scheme beyond ASCII", &[M, (":scheme", "\u{e4}"), A, P], bad),
        ("8.2.1: a control byte", &[M, S, A, (":path", "/\0")], "1 malformed BadPseudoField"),
    ]);
}

#[test]
fn hosts() {
    let bad = "1 malformed BadHost";
    let (host, other) = (("host", "a"), ("host", "b"));
    check(&[
        ("8.3.1: a port", &[M, S, (":authority", "a:1"), P], "GET https a:1 /"),
        ("8.3.1: Host alone", &[M, S, P, host], "GET https a / host=a"),
        ("8.3.1: both", &[M, S, A, P, host], "GET https a / host=a"),
        (
            "8.3.1: the same in other words",
            &[M, S, A, P, ("host", "A:443")],
            "GET https a / host=A:443",
        ),
        ("8.3.1: another port", &[M, S, A, P, ("host", "a:80")], bad),
        ("8.3.1: another host", &[M, S, A, P, other], bad),
        ("8.3.1: neither", &[M, S, P], bad),
        ("8.3.1: an empty authority", &[M, S, (":authority", ""), P], bad),
        ("8.3.1: a user", &[M, S, (":authority", "u@a"), P], bad),
        ("Host twice", &[M, S, A, P, host, host], bad),
    ]);
}

#[test]
fn fields() {
    let bad = "1 malformed BadField";
    let connection = "1 malformed ConnectionField";
    check(&[
        ("8.2: in their order", &[M, S, A, P, ("b", "1"), ("a", "2")], "GET https a / b=1 a=2"),
        ("8.2.1: an empty value", &[M, S, A, P, ("b", "")], "GET https a / b="),
        ("8.2.1: capital letters", &[M, S, A, P, ("B", "1")], bad),
        ("8.2.1: no token", &[M, S, A, P, ("b c", "1")], bad),
        ("8.2.1: no name", &[M, S, A, P, ("", "1")], bad),
        ("8.2.1: CR", &[M, S, A, P, ("b", "1\r")], bad),
        ("8.2.1: LF", &[M, S, A, P, ("b", "1\n2")], bad),
        ("8.2.1: NUL", &[M, S, A, P, ("b", "\0")], bad),
        ("8.2.1: a blank before", &[M, S, A, P, ("b", " 1")], bad),
        ("8.2.1: a tab behind", &[M, S, A, P, ("b", "1\t")], bad),
        ("8.2.2: Connection", &[M, S, A, P, ("connection", "close")], connection),
        ("8.2.2: Keep-Alive", &[M, S, A, P, ("keep-alive", "1")], connection),
        ("8.2.2: Proxy-Connection", &[M, S, A, P, ("proxy-connection", "x")], connection),
        ("8.2.2: Transfer-Encoding", &[M, S, A, P, ("transfer-encoding", "chunked")], connection),
        ("8.2.2: Upgrade", &[M, S, A, P, ("upgrade", "x")], connection),
        ("8.2.2: TE", &[M, S, A, P, ("te", "gzip")], connection),
        ("8.2.2: TE that is fine", &[M, S, A, P, ("te", "trailers")], "GET https a / te=trailers"),
        ("RFC 9110 10.1.1: Expect", &[M, S, A, P, ("expect", "x")], "1 refused UnknownExpectation"),
        (
            "RFC 9110 10.1.1: Expect that is fine",
            &[M, S, A, P, ("expect", "100-continue")],
            "GET https a / expect=100-continue",
        ),
    ]);
}

#[test]
fn crumbs_of_a_cookie_are_one_field() {
    check(&[
        ("8.2.3: one", &[M, S, A, P, ("cookie", "a=b")], "GET https a / cookie=a=b"),
        (
            "8.2.3: three",
            &[M, S, A, P, ("cookie", "a=b"), ("cookie", "c=d"), ("x", "y"), ("cookie", "e=f")],
            "GET https a / cookie=a=b; c=d; e=f x=y",
        ),
    ]);
}

#[test]
fn connect() {
    let method = (":method", "CONNECT");
    let (tunnel, protocol) = ((":authority", "a:1"), (":protocol", "websocket"));
    let bad = "1 malformed BadPseudoField";
    check(&[
        ("8.5: a tunnel", &[method, tunnel], "tunnel CONNECT - a:1 "),
        ("8.5: no port", &[method, A], "1 malformed BadTarget"),
        ("8.5: no authority", &[method], bad),
        ("8.5: with a path", &[method, tunnel, P], bad),
        ("8.5: with a scheme", &[method, S, tunnel], bad),
        (
            "RFC 8441 4: a protocol",
            &[method, protocol, S, A, P],
            "CONNECT https a / protocol=websocket",
        ),
        ("RFC 8441 4: without a path", &[method, protocol, S, A], bad),
        ("RFC 8441 4: without an authority", &[method, protocol, S, P], bad),
        ("RFC 8441 4: no token", &[method, (":protocol", "\u{e4}"), S, A, P], bad),
    ]);
    let list = [method, protocol, S, A, P];
    let read = read(&list, Limits::default(), Config::default());
    assert_eq!(read, bad, "RFC 8441 3: only if it was offered");
}

#[test]
fn bounds() {
    let limits =
        Limits { max_target_bytes: 8, max_field_bytes: 16, max_fields: 2, ..Limits::default() };
    let config = Config { max_header_list_bytes: 300, ..Config::default() };
    let long = "x".repeat(140);
    for (name, fields, expect) in [
        ("all of it", vec![("b", "1"), ("c", "2")], "GET https a / b=1 c=2"),
        ("fields", vec![("b", "1"), ("c", "2"), ("d", "3")], "1 refused TooManyFields"),
        ("a field", vec![("b", "0123456789abcdef")], "1 refused FieldTooLarge"),
        ("a head", vec![("b", &*long)], "1 refused HeadTooLarge"),
    ] {
        let list = [&[M, S, A, P][..], &fields].concat();
        assert_eq!(read(&list, limits, config), expect, "{name}");
    }
    let list = [M, S, A, (":path", "/12345678")];
    assert_eq!(read(&list, limits, config), "1 refused TargetTooLong");
    let method = "M".repeat(65);
    let list = [(":method", &*method), S, A, P];
    assert_eq!(read(&list, limits, config), "1 refused MethodTooLong");
}
