//! Every request of `conformance/requests.txt` over a socket: what is served is served, what is to
//! be refused is refused with the right status, and what stands behind it is not taken for more
//! than it is.
//!
//! The same rows are tried on the machine alone, where they are written. Not here: responses.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use wharf::{Request, Server};

/// One row of the file.
struct Row<'f> {
    name: &'f str,
    /// `None`: it is served.
    refused_with: Option<u16>,
    input: Vec<u8>,
}

fn rows(file: &str) -> Vec<Row<'_>> {
    let row = |line| {
        let mut parts = str::splitn(line, 3, '\t');
        let mut part = || parts.next().expect("three parts");
        let (name, outcome, input) = (part(), part(), part());
        Row { name, refused_with: outcome.parse().ok(), input: unescape(input) }
    };
    file.lines().map(row).collect()
}

/// The bytes that `escape_ascii` was given.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let mut next = || rest.next().expect("an escape goes on");
        bytes.push(match next() {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'x' => {
                let digits = [next(), next()].map(char::from);
                let digit = |digit: char| digit.to_digit(16).expect("a digit");
                u8::try_from(digit(digits[0]) * 16 + digit(digits[1])).expect("a byte")
            }
            other => other,
        });
    }
    bytes
}

/// The final status of each response, and whether the last one says that it is.
fn ask(addr: SocketAddr, input: &[u8], is_head: bool) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    stream.write_all(input).expect("a server that refuses still reads");
    stream.shutdown(Shutdown::Write).expect("the server is there");
    let mut wire = Vec::new();
    stream.read_to_end(&mut wire).expect("an end, and no reset");
    let (mut rest, mut statuses, mut closes) = (&wire[..], Vec::new(), false);
    while !rest.is_empty() {
        let head_len = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&rest[..head_len]).expect("heads are text");
        rest = &rest[head_len + 4..];
        let status: u16 = head[9..12].parse().expect("a status");
        if status < 200 {
            continue;
        }
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
        if !(is_head && statuses.is_empty()) {
            rest = &rest[length..];
        }
        closes = head.contains("\r\nConnection: close");
        statuses.push(status);
    }
    (statuses, closes)
}

#[test]
fn every_request_over_a_socket() {
    let file = include_str!("../../../conformance/requests.txt");
    let rows = rows(file);
    assert!(rows.len() >= 250, "{}", rows.len());
    let server = Server::new(|_: Request| "served").workers(2).allow_trace(true);
    let server = server.listen("127.0.0.1:0").expect("a free port").start().expect("it starts");
    let addr = server.local_addrs()[0];
    let mut failures = Vec::new();
    for Row { name, refused_with, input } in rows {
        let is_head = input.trim_ascii_start().starts_with(b"HEAD ");
        let (statuses, closes) = ask(addr, &input, is_head);
        let first = refused_with.unwrap_or(200);
        if statuses != [first] || (refused_with.is_some() && !closes) {
            failures.push(format!("{name}: {statuses:?}, not {first}: {}", input.escape_ascii()));
        }
        // A request behind it is served if the connection goes on, and never behind a refusal.
        let next = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
        let (behind, _) = ask(addr, &[&input[..], next].concat(), is_head);
        let expected = if closes { vec![first] } else { vec![first, 200] };
        if behind != expected {
            failures.push(format!("{name}, with another behind it: {behind:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
