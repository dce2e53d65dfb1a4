//! Reads responses as a client does, by the rules of RFC 9112 section 6.3 and with none of the code
//! under test.
//!
//! It is stricter than a client should be: anything that we would not write is a panic.

/// What a client must know of its request to read the response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::h1) struct Asked {
    pub(in crate::h1) is_head: bool,
    pub(in crate::h1) is_connect: bool,
    pub(in crate::h1) is_1_0: bool,
    /// The response is one that changes the protocol, as an interim one before it is not.
    pub(in crate::h1) is_switched: bool,
}

/// A response as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::h1) struct Seen {
    pub(in crate::h1) status: u16,
    pub(in crate::h1) fields: Vec<(String, String)>,
    pub(in crate::h1) body: Vec<u8>,
    pub(in crate::h1) trailers: Vec<(String, String)>,
    /// Not cut off. A body that ends with the connection always looks complete.
    pub(in crate::h1) is_complete: bool,
    /// Whether the client may send another request.
    pub(in crate::h1) is_persistent: bool,
}

impl Seen {
    fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        let value = values.next().map(|field| field.1.as_str());
        assert!(values.next().is_none(), "{name} is repeated in {self:?}");
        value
    }
}

/// Takes one response, interim or final, from the start of `wire`. `None` if its head is cut off.
pub(in crate::h1) fn take_response(wire: &mut &[u8], asked: Asked) -> Option<Seen> {
    let head_len = wire.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&wire[..head_len]);
    *wire = &wire[head_len + 4..];
    let mut lines = head.split("\r\n");
    let status_line = lines.next().expect("split gives at least one piece");
    let rest = status_line.strip_prefix("HTTP/1.1 ").expect("our version");
    let (status, _reason) = rest.split_once(' ').expect("the space stays without a reason");
    assert_eq!(status.len(), 3, "{status_line}");
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(": ").expect("name and value");
        let is_name_char =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_!#$%&'*+.^`|~".contains(&byte);
        assert!(!name.is_empty() && name.bytes().all(is_name_char), "{line}");
        assert!(!value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'), "{line}");
        (name.to_owned(), value.to_owned())
    });
    let mut seen = Seen {
        status: status.parse().expect("three digits"),
        fields: fields.collect(),
        body: Vec::new(),
        trailers: Vec::new(),
        is_complete: true,
        is_persistent: true,
    };
    read_body(&mut seen, asked, wire);
    Some(seen)
}

fn read_body(seen: &mut Seen, asked: Asked, wire: &mut &[u8]) {
    let length: Option<usize> =
        seen.field("content-length").map(|length| length.parse().expect("a length"));
    let coding = seen.field("transfer-encoding").map(str::to_owned);
    let option = seen.field("connection").map(str::to_owned);
    assert!(length.is_none() || coding.is_none(), "two lengths in {seen:?}");
    assert!(coding.is_none() || !asked.is_1_0, "a transfer coding for HTTP/1.0 in {seen:?}");
    let is_interim = seen.status < 200;
    if seen.status == 101 || asked.is_switched {
        assert_eq!(option.as_deref(), (seen.status == 101).then_some("upgrade"), "{seen:?}");
        assert!(length.is_none() && coding.is_none(), "a tunnel has no length: {seen:?}");
        seen.is_persistent = false;
        seen.body = std::mem::take(wire).to_vec();
        return;
    }
    let is_tunnel = asked.is_connect && (200..300).contains(&seen.status);
    if is_interim || seen.status == 204 || is_tunnel {
        assert!(length.is_none() && coding.is_none(), "no length is allowed in {seen:?}");
    }
    let mut persists = is_interim || !asked.is_1_0;
    for option in option.as_deref().into_iter().flat_map(|options| options.split(", ")) {
        match option {
            "close" => persists = false,
            "keep-alive" => persists = true,
            "upgrade" => assert!(seen.field("upgrade").is_some(), "to what, in {seen:?}"),
            option => panic!("Connection: {option}"),
        }
    }
    seen.is_persistent = persists;
    if is_interim || is_tunnel || asked.is_head || seen.status == 204 || seen.status == 304 {
        return;
    }
    match (length, coding.as_deref()) {
        (Some(length), _) => {
            let (body, rest) = wire.split_at(length.min(wire.len()));
            seen.is_complete = body.len() == length;
            seen.body = body.to_vec();
            *wire = rest;
        }
        (None, Some("chunked")) => read_chunks(seen, wire),
        (None, Some(coding)) => panic!("Transfer-Encoding: {coding}"),
        (None, None) => {
            assert!(!seen.is_persistent, "a body without an end in {seen:?}");
            seen.body = std::mem::take(wire).to_vec();
        }
    }
}

fn read_chunks(seen: &mut Seen, wire: &mut &[u8]) {
    loop {
        let Some(line_len) = wire.windows(2).position(|bytes| bytes == b"\r\n") else {
            assert!(wire.is_empty(), "our chunk headers come whole");
            seen.is_complete = false;
            return;
        };
        let digits = std::str::from_utf8(&wire[..line_len]).expect("digits");
        let len = usize::from_str_radix(digits, 16).expect("a chunk size");
        let data = &wire[line_len + 2..];
        if len == 0 {
            read_trailers(seen, data, wire);
            return;
        }
        assert_eq!(&data[len..len + 2], b"\r\n", "our chunks come whole");
        seen.body.extend_from_slice(&data[..len]);
        *wire = &data[len + 2..];
    }
}

/// Reads the lines behind the last chunk up to and with the empty one.
fn read_trailers<'w>(seen: &mut Seen, mut section: &'w [u8], wire: &mut &'w [u8]) {
    loop {
        let len = section.windows(2).position(|bytes| bytes == b"\r\n").expect("whole lines");
        let line = std::str::from_utf8(&section[..len]).expect("our trailers are text");
        section = &section[len + 2..];
        if line.is_empty() {
            *wire = section;
            return;
        }
        let (name, value) = line.split_once(": ").expect("name and value");
        seen.trailers.push((name.to_owned(), value.to_owned()));
    }
}
