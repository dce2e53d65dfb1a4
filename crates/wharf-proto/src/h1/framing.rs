//! How long a request's body is, and everything else that the server itself reads from fields.
//!
//! Anything ambiguous about where a message ends is refused (RFC 9112 section 6). Not here: the
//! lexical rules of field lines (`parse.rs`) and the chunks themselves (`chunked.rs`).

use http::{Method, Version};

use super::target;
use crate::headers::is_name;
use crate::{ConnectionOptions, Reject, RequestHead, TargetForm};
use crate::{authority, content_length};

/// The body length that a head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestBody {
    None,
    Length(u64),
    Chunked,
}

/// What the fields of a head said so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Framing {
    content_length: Option<u64>,
    codings: Codings,
    connection: ConnectionOptions,
    expects_continue: bool,
    has_host: bool,
    /// There may have been more that matters than a `Host`.
    is_unusual: bool,
}

/// The transfer codings of a request, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Codings {
    #[default]
    None,
    Chunked,
    /// Others than `chunked`, which does not come last.
    Unknown,
    /// Others than `chunked`, then `chunked`.
    UnknownThenChunked,
}

impl Framing {
    /// Whether a field can be of any interest whose name is the first `name_len` bytes of `line`.
    #[inline(always)]
    pub(super) fn may_matter(line: &[u8], name_len: usize) -> bool {
        let initial = usize::from(line.first().copied().unwrap_or_default() & 0x1f);
        #[expect(
            clippy::indexing_slicing,
            reason = "five bits are always an index into 32 entries"
        )]
        let lengths = LENGTHS_BY_INITIAL[initial];
        lengths >> (name_len & 0x1f) & 1 != 0
    }

    /// Takes note of one field.
    #[inline]
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) -> Result<(), Reject> {
        if name.len() == 4 && is_name(name, b"host") {
            return self.host(value);
        }
        self.is_unusual = true;
        match name.len() {
            6 if is_name(name, b"expect") => self.expect(value),
            10 if is_name(name, b"connection") => {
                self.connection(value);
                Ok(())
            }
            14 if is_name(name, b"content-length") => self.content_length(value),
            17 if is_name(name, b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    /// Takes note of a `Host` whose value is known to be valid.
    #[inline(always)]
    pub(super) fn valid_host(&mut self) -> Result<(), Reject> {
        if std::mem::replace(&mut self.has_host, true) { Err(Reject::BadHost) } else { Ok(()) }
    }

    /// Whether `head` is that of a GET of HTTP/1.1 whose fields said nothing of a body or of the
    /// connection, so that [`finish`](Self::finish) would refuse nothing, find no body, and leave
    /// `head` as it is.
    #[inline(always)]
    pub(super) fn is_usual(&self, head: &RequestHead) -> bool {
        self.has_host
            && !self.is_unusual
            && head.version == Version::HTTP_11
            && head.form == TargetForm::Origin
            && head.method == Method::GET
    }

    /// Decides the body length once all fields are noted, and completes `head`. What is decided
    /// here of the usual GET is taken for granted by [`is_usual`](Self::is_usual).
    pub(super) fn finish(&self, head: &mut RequestHead) -> Result<RequestBody, Reject> {
        let is_1_0 = head.version == Version::HTTP_10;
        // RFC 9112 section 3.2: HTTP/1.1 requires Host, also with an absolute form.
        if !self.has_host && !is_1_0 {
            return Err(Reject::BadHost);
        }
        // RFC 9112 section 3.2.2 has Host ignored then, but not all who route do so.
        if head.form == TargetForm::Absolute && !target::agrees_with_host(head) {
            return Err(Reject::BadHost);
        }
        head.connection = self.connection;
        // RFC 9110 section 10.1.1: an HTTP/1.0 peer can't know 100 (Continue).
        head.expects_continue = self.expects_continue && !is_1_0;
        match (self.codings, self.content_length) {
            (Codings::None, None) => Ok(RequestBody::None),
            // RFC 9110 section 9.3.6: content of CONNECT has no meaning and hides a tunnel's bytes.
            (Codings::None, Some(length)) if length > 0 && head.form == TargetForm::Authority => {
                Err(Reject::BadContentLength)
            }
            (Codings::None, Some(length)) => Ok(RequestBody::Length(length)),
            (_, Some(_)) => Err(Reject::AmbiguousLength),
            (_, None) if is_1_0 || head.method == Method::CONNECT => {
                Err(Reject::BadTransferEncoding)
            }
            (Codings::Chunked, None) => Ok(RequestBody::Chunked),
            (Codings::UnknownThenChunked, None) => Err(Reject::UnknownTransferCoding),
            // RFC 9112 section 6.3: without a final `chunked` the length can't be known.
            (Codings::Unknown, None) => Err(Reject::BadTransferEncoding),
        }
    }

    #[cold]
    fn content_length(&mut self, value: &[u8]) -> Result<(), Reject> {
        if self.content_length.is_some() {
            return Err(Reject::BadContentLength);
        }
        self.content_length = Some(content_length::parse(value).ok_or(Reject::BadContentLength)?);
        Ok(())
    }

    #[cold]
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Reject> {
        for coding in value.split(|&byte| byte == b',') {
            let coding = coding.trim_ascii();
            if coding.is_empty() {
                return Err(Reject::BadTransferEncoding);
            }
            self.codings = match (self.codings, coding.eq_ignore_ascii_case(b"chunked")) {
                (Codings::None, true) => Codings::Chunked,
                (Codings::Unknown, true) => Codings::UnknownThenChunked,
                (Codings::None | Codings::Unknown, false) => Codings::Unknown,
                // RFC 9112 section 6.1: chunked is applied once, and last.
                (Codings::Chunked | Codings::UnknownThenChunked, _) => {
                    return Err(Reject::BadTransferEncoding);
                }
            };
        }
        Ok(())
    }

    #[inline]
    fn host(&mut self, value: &[u8]) -> Result<(), Reject> {
        if authority::is_valid(value) { self.valid_host() } else { Err(Reject::BadHost) }
    }

    fn connection(&mut self, value: &[u8]) {
        if is_name(value, b"keep-alive") {
            self.connection.keep_alive = true;
            return;
        }
        for option in value.split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            self.connection.close |= option.eq_ignore_ascii_case(b"close");
            self.connection.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.connection.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    #[cold]
    fn expect(&mut self, value: &[u8]) -> Result<(), Reject> {
        for expectation in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.expects_continue = true;
            } else if !expectation.is_empty() {
                return Err(Reject::UnknownExpectation);
            }
        }
        Ok(())
    }
}

/// By the place of an initial in the alphabet: how long the names are that matter and begin with
/// it, a bit for each length.
const LENGTHS_BY_INITIAL: [u32; 32] = {
    let mut lengths = [0; 32];
    let mut names: &[&[u8]] =
        &[b"connection", b"content-length", b"expect", b"host", b"transfer-encoding"];
    while let [[initial, rest @ ..], behind @ ..] = names {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            lengths[(*initial & 0x1f) as usize] |= 2 << rest.len();
        }
        names = behind;
    }
    lengths
};
