//! The head of a request, as all protocol versions agree on it: method, target, fields.
//!
//! [`RequestHead`] owns one block with the bytes as they came and keeps ranges into it. It is meant
//! to be reused: clearing keeps the storage. Not here: parsing (`h1/parse.rs`, `h2/request.rs`) and
//! what decides the length of a body (`h1/framing.rs`).

use http::{Method, Version};

use crate::Headers;
use crate::headers::slice;

/// What `Connection` asked for (RFC 9110 section 7.6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// The peer closes after this exchange.
    pub close: bool,
    /// The peer of an HTTP/1.0 request wishes to keep the connection.
    pub keep_alive: bool,
    /// The peer offers to change the protocol.
    pub upgrade: bool,
}

/// The forms of a request-target (RFC 9112 section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`, the usual one.
    #[default]
    Origin,
    /// `http://host/path?query`, sent to proxies and to be understood by every server.
    Absolute,
    /// `host:port`, for CONNECT alone.
    Authority,
    /// `*`, for OPTIONS alone.
    Asterisk,
}

/// The length of a body, as far as it is known when the head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes.
    Known(u64),
    /// Not known before the end.
    Unknown,
}

/// A range of the head's block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: u32,
    pub(crate) len: u32,
}

/// Method, request-target, version and fields of one request.
#[derive(Debug)]
pub struct RequestHead {
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) form: TargetForm,
    pub(crate) target: Span,
    /// Empty where the peer did not say.
    pub(crate) scheme: Span,
    pub(crate) authority: Span,
    /// What an extended CONNECT asks for; empty for all other requests.
    pub(crate) protocol: Span,
    pub(crate) path: Span,
    /// Without the question mark; `None` where there was none.
    pub(crate) query: Option<Span>,
    pub(crate) connection: ConnectionOptions,
    pub(crate) expects_continue: bool,
    pub(crate) headers: Headers,
}

impl Default for RequestHead {
    fn default() -> Self {
        Self {
            method: Method::GET,
            version: Version::HTTP_11,
            form: TargetForm::Origin,
            target: Span::default(),
            scheme: Span::default(),
            authority: Span::default(),
            protocol: Span::default(),
            path: Span::default(),
            query: None,
            connection: ConnectionOptions::default(),
            expects_continue: false,
            headers: Headers::new(),
        }
    }
}

impl Clone for RequestHead {
    fn clone(&self) -> Self {
        let mut clone = Self::default();
        clone.clone_from(self);
        clone
    }

    /// Keeps the storage.
    fn clone_from(&mut self, source: &Self) {
        self.method.clone_from(&source.method);
        self.version = source.version;
        self.form = source.form;
        self.target = source.target;
        self.scheme = source.scheme;
        self.authority = source.authority;
        self.protocol = source.protocol;
        self.path = source.path;
        self.query = source.query;
        self.connection = source.connection;
        self.expects_continue = source.expects_continue;
        self.headers.clone_from(&source.headers);
    }
}

impl RequestHead {
    /// The method; unknown ones come through as they are.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The version that the peer speaks: HTTP/1.0, HTTP/1.1 or HTTP/2.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The form in which the request-target came.
    #[must_use]
    pub const fn target_form(&self) -> TargetForm {
        self.form
    }

    /// The request-target as it came. With HTTP/2, path and query, or host and port for CONNECT.
    #[must_use]
    pub fn target(&self) -> &str {
        self.text(self.target)
    }

    /// The scheme that the peer named: with HTTP/2 in all requests but plain CONNECT, with HTTP/1
    /// in those in absolute form.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        (self.scheme.len > 0).then(|| self.text(self.scheme))
    }

    /// The protocol that an extended CONNECT asks for, such as `websocket` (RFC 8441 section 4).
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        (self.protocol.len > 0).then(|| self.text(self.protocol))
    }

    /// Host and port of an absolute-form or authority-form target, or of HTTP/2's `:authority`,
    /// else what `Host` says.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        match self.authority.len {
            0 => self.headers.get("host"),
            _ => Some(self.text(self.authority)),
        }
    }

    /// The path, not percent-decoded. `/` for an absolute form without one, `*` for the asterisk
    /// form, empty for the authority form.
    #[must_use]
    pub fn path(&self) -> &str {
        match (self.form, self.path.len) {
            (TargetForm::Absolute, 0) => "/",
            _ => self.text(self.path),
        }
    }

    /// The query without its question mark, not percent-decoded; `None` where there was no
    /// question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.map(|span| self.text(span))
    }

    /// The fields in the order and the spelling received.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// What `Connection` asked for.
    #[must_use]
    pub const fn connection(&self) -> ConnectionOptions {
        self.connection
    }

    /// Whether the peer waits for `100 Continue` before it sends the body.
    #[must_use]
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Forgets everything and keeps the storage.
    pub fn clear(&mut self) {
        // Field by field, since a whole new value would be built aside and copied.
        self.method = Method::GET;
        self.version = Version::HTTP_11;
        self.form = TargetForm::Origin;
        self.target = Span::default();
        self.scheme = Span::default();
        self.authority = Span::default();
        self.protocol = Span::default();
        self.path = Span::default();
        self.query = None;
        self.connection = ConnectionOptions::default();
        self.expects_continue = false;
        self.headers.clear_to_receive();
    }

    /// How many bytes of storage are held, used or not.
    #[must_use]
    pub fn storage_bytes(&self) -> usize {
        self.headers.storage_bytes()
    }

    fn text(&self, span: Span) -> &str {
        let bytes = slice(self.headers.received(), span.at, span.len);
        wharf_scan::ascii(bytes).expect("request-targets are ASCII")
    }
}
