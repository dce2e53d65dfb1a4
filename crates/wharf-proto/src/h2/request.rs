//! Decoded fields to [`RequestHead`] (RFC 9113 sections 8.2, 8.3 and 8.5, RFC 8441), and trailers.
//!
//! Texts are decoded into the block of the head, where they stay. Not here: compression (`hpack/`),
//! frames, and what follows from a refusal (`blocks.rs`).

use std::ops::ControlFlow;

use http::{Method, Version};

use super::hpack::{Decoded, Fields, Known};
use super::priority::Priority;
use crate::head::Span;
use crate::headers::{Field, is_token, offset, slice};
use crate::scan::target_end;
use crate::trailers::is_forbidden_trailer;
use crate::{Headers, Limits, Reject, RequestHead, TargetForm, authority, content_length};

/// The longest method. The registered ones have at most 17 characters.
const MAX_METHOD_BYTES: usize = 64;

/// The pseudo-header fields that came, a bit for each.
mod pseudo {
    pub(super) const METHOD: u8 = 1;
    pub(super) const SCHEME: u8 = 2;
    pub(super) const AUTHORITY: u8 = 4;
    pub(super) const PATH: u8 = 8;
    pub(super) const PROTOCOL: u8 = 16;
}

/// A head that is being decoded.
pub(super) struct RequestFields<'h> {
    head: &'h mut RequestHead,
    limits: &'h Limits,
    /// The first reason to refuse the request.
    reject: Option<Reject>,
    pseudo: u8,
    cookies: u32,
    host: Option<Span>,
    content_length: Option<u64>,
    priority: Option<Priority>,
}

/// What a head says beside what stands in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Understood {
    pub(super) content_length: Option<u64>,
    pub(super) priority: Option<Priority>,
}

impl Fields for RequestFields<'_> {
    #[inline]
    fn block(&mut self) -> &mut Vec<u8> {
        self.head.headers.received_mut()
    }

    #[inline]
    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        match self.take(field) {
            Ok(()) => ControlFlow::Continue(()),
            Err(reject) => {
                self.reject = Some(reject);
                ControlFlow::Break(())
            }
        }
    }
}

impl<'h> RequestFields<'h> {
    pub(super) fn new(head: &'h mut RequestHead, limits: &'h Limits) -> Self {
        head.clear();
        head.version = Version::HTTP_2;
        Self {
            head,
            limits,
            reject: None,
            pseudo: 0,
            cookies: 0,
            host: None,
            content_length: None,
            priority: None,
        }
    }

    #[inline]
    fn take(&mut self, field: Decoded) -> Result<(), Reject> {
        let value =
            Span { at: offset(field.name_at + field.name_len), len: offset(field.value_len) };
        let is_pseudo = matches!(
            field.known,
            Known::Method | Known::Scheme | Known::Authority | Known::Path | Known::Protocol
        );
        if is_pseudo {
            return self.take_pseudo(field, value);
        }
        if !field.is_well_formed {
            return Err(Reject::BadField);
        }
        if field.name_len + field.value_len > self.limits.max_field_bytes as usize {
            return Err(Reject::FieldTooLarge);
        }
        if self.head.headers.len() >= self.limits.max_fields as usize {
            return Err(Reject::TooManyFields);
        }
        match field.known {
            Known::Other => {}
            _ => self.take_known(field.known, value)?,
        }
        self.head.headers.push_received(Field {
            name_at: offset(field.name_at),
            name_len: offset(field.name_len),
            value_at: value.at,
            value_len: value.len,
        });
        Ok(())
    }

    #[inline]
    fn take_known(&mut self, known: Known, value: Span) -> Result<(), Reject> {
        match known {
            // RFC 9113 section 8.3: no other one has a place in a request.
            Known::Status | Known::OtherPseudo => return Err(Reject::BadPseudoField),
            // RFC 9113 section 8.2.2.
            Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade => return Err(Reject::ConnectionField),
            Known::Te if !self.text(value).eq_ignore_ascii_case(b"trailers") => {
                return Err(Reject::ConnectionField);
            }
            Known::ContentLength => {
                let length = content_length::parse(self.text(value));
                if self.content_length.is_some() || length.is_none() {
                    return Err(Reject::BadContentLength);
                }
                self.content_length = length;
            }
            Known::Host if self.host.replace(value).is_some() => return Err(Reject::BadHost),
            Known::Cookie => self.cookies += 1,
            Known::Expect => self.take_expect(value)?,
            Known::Priority => self.priority = Some(Priority::parse(self.text(value))),
            _ => {}
        }
        Ok(())
    }

    #[cold]
    fn take_expect(&mut self, value: Span) -> Result<(), Reject> {
        let value = slice(self.head.headers.received(), value.at, value.len);
        for expectation in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.head.expects_continue = true;
            } else if !expectation.is_empty() {
                return Err(Reject::UnknownExpectation);
            }
        }
        Ok(())
    }

    /// RFC 9113 section 8.3.1: each at most once, and before all fields.
    #[inline]
    fn take_pseudo(&mut self, field: Decoded, value: Span) -> Result<(), Reject> {
        let bit = match field.known {
            Known::Method => pseudo::METHOD,
            Known::Scheme => pseudo::SCHEME,
            Known::Authority => pseudo::AUTHORITY,
            Known::Path => pseudo::PATH,
            _ => pseudo::PROTOCOL,
        };
        if self.pseudo & bit != 0 || !self.head.headers.is_empty() || !field.is_well_formed {
            return Err(Reject::BadPseudoField);
        }
        self.pseudo |= bit;
        match field.known {
            Known::Method => {
                if field.value_len > MAX_METHOD_BYTES {
                    return Err(Reject::MethodTooLong);
                }
                self.head.method =
                    Method::from_bytes(self.text(value)).map_err(|_| Reject::BadPseudoField)?;
            }
            Known::Scheme => self.head.scheme = value,
            Known::Authority => self.head.authority = value,
            Known::Path => {
                if field.value_len > self.limits.max_target_bytes as usize {
                    return Err(Reject::TargetTooLong);
                }
                self.head.path = value;
            }
            _ => self.head.protocol = value,
        }
        Ok(())
    }

    /// Completes the head once all fields came.
    pub(super) fn finish(
        mut self,
        is_too_large: bool,
        allows_protocol: bool,
    ) -> Result<Understood, Reject> {
        let result = match self.reject {
            Some(reject) => Err(reject),
            None if is_too_large => Err(Reject::HeadTooLarge),
            None => self.complete(allows_protocol),
        };
        if result.is_err() {
            // What was understood can be looked at, and what was not must not be.
            self.complete_refused();
        }
        result
    }

    fn complete(&mut self, allows_protocol: bool) -> Result<Understood, Reject> {
        use pseudo::{AUTHORITY, METHOD, PATH, PROTOCOL, SCHEME};
        let is_connect = self.head.method == Method::CONNECT;
        match self.pseudo & !AUTHORITY {
            mask if mask == METHOD | SCHEME | PATH && !is_connect => self.split_path()?,
            // RFC 8441 section 4.
            mask if mask == METHOD | SCHEME | PATH | PROTOCOL && is_connect && allows_protocol => {
                self.split_path()?;
                let protocol = self.text(self.head.protocol);
                let is_token = !protocol.is_empty() && protocol.iter().all(|&byte| is_token(byte));
                if self.pseudo & AUTHORITY == 0 || !is_token {
                    return Err(Reject::BadPseudoField);
                }
            }
            // RFC 9113 section 8.5.
            METHOD if is_connect && self.pseudo & AUTHORITY != 0 => {
                self.head.form = TargetForm::Authority;
                self.head.target = self.head.authority;
                if !authority::is_valid_with_port(self.text(self.head.authority)) {
                    return Err(Reject::BadTarget);
                }
            }
            _ => return Err(Reject::BadPseudoField),
        }
        self.check_host()?;
        if self.cookies > 1 {
            join_cookies(&mut self.head.headers);
        }
        Ok(Understood { content_length: self.content_length, priority: self.priority })
    }

    /// RFC 9113 section 8.3.1: path and query, or `*` for OPTIONS.
    #[inline]
    fn split_path(&mut self) -> Result<(), Reject> {
        let whole = self.head.path;
        let text = self.text(whole);
        let form = match text {
            [b'/', ..] => TargetForm::Origin,
            b"*" if self.head.method == Method::OPTIONS => TargetForm::Asterisk,
            _ => return Err(Reject::BadTarget),
        };
        if target_end(text) < text.len() || !self.is_scheme() {
            return Err(Reject::BadTarget);
        }
        let query_at = text.iter().position(|&byte| byte == b'?');
        (self.head.target, self.head.form) = (whole, form);
        if let Some(at) = query_at {
            let at = offset(at);
            self.head.path.len = at;
            self.head.query = Some(Span { at: whole.at + at + 1, len: whole.len - at - 1 });
        }
        Ok(())
    }

    /// RFC 3986 section 3.1.
    #[inline]
    fn is_scheme(&self) -> bool {
        match self.text(self.head.scheme) {
            b"https" | b"http" => true,
            [first, rest @ ..] => {
                let is_part = |&b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
                first.is_ascii_alphabetic() && rest.iter().all(is_part)
            }
            [] => false,
        }
    }

    /// RFC 9113 section 8.3.1: one host, wherever it stands.
    #[inline]
    fn check_host(&self) -> Result<(), Reject> {
        let has_authority = self.pseudo & pseudo::AUTHORITY != 0;
        let authority = self.text(self.head.authority);
        let host = self.host.map(|host| self.text(host));
        let is_valid = match host {
            None => has_authority && authority::is_valid(authority),
            Some(host) if !has_authority => authority::is_valid(host),
            Some(host) => {
                let default_port = if self.text(self.head.scheme) == b"https" { 443 } else { 80 };
                // Whoever routes by either must come to the same.
                authority::is_valid(authority) && authority::is_same(authority, host, default_port)
            }
        };
        if is_valid { Ok(()) } else { Err(Reject::BadHost) }
    }

    /// Forgets parts that may hold bytes which are not allowed in them.
    #[cold]
    fn complete_refused(&mut self) {
        let head = &mut *self.head;
        let block = head.headers.received();
        for part in [
            &mut head.scheme,
            &mut head.authority,
            &mut head.protocol,
            &mut head.path,
            &mut head.target,
        ] {
            if !slice(block, part.at, part.len).is_ascii() {
                *part = Span::default();
            }
        }
        if self.head.target.len == 0 {
            self.head.target = self.head.path;
        }
    }

    #[inline]
    fn text(&self, span: Span) -> &[u8] {
        slice(self.head.headers.received(), span.at, span.len)
    }
}

/// RFC 9113 section 8.2.3: crumbs of a cookie are one field to everybody else.
#[cold]
fn join_cookies(headers: &mut Headers) {
    headers.join_received(b"cookie", b"; ");
}

/// A trailer section that is being decoded.
pub(super) struct TrailerFields<'h> {
    head: &'h mut RequestHead,
    limits: &'h Limits,
    bytes: usize,
    reject: Option<Reject>,
}

impl<'h> TrailerFields<'h> {
    pub(super) fn new(head: &'h mut RequestHead, limits: &'h Limits) -> Self {
        head.clear();
        head.version = Version::HTTP_2;
        Self { head, limits, bytes: 0, reject: None }
    }

    pub(super) fn finish(self, is_too_large: bool) -> Result<(), Reject> {
        match self.reject {
            Some(reject) => Err(reject),
            None if is_too_large => Err(Reject::TrailersTooLarge),
            None => Ok(()),
        }
    }

    fn take(&mut self, field: Decoded) -> Result<(), Reject> {
        if !field.is_well_formed {
            return Err(Reject::BadField);
        }
        match field.known {
            Known::Authority
            | Known::Method
            | Known::Path
            | Known::Scheme
            | Known::Status
            | Known::Protocol
            | Known::OtherPseudo => return Err(Reject::BadPseudoField),
            Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade => return Err(Reject::ConnectionField),
            _ => {}
        }
        // As in HTTP/1, whose lines have four more bytes.
        self.bytes += field.name_len + field.value_len + 4;
        if self.bytes > self.limits.max_trailer_bytes as usize {
            return Err(Reject::TrailersTooLarge);
        }
        if self.head.headers.len() >= self.limits.max_fields as usize {
            return Err(Reject::TooManyFields);
        }
        let (name_at, name_len) = (offset(field.name_at), offset(field.name_len));
        // It would change what was decided when the head came (RFC 9110 section 6.5.1).
        if !is_forbidden_trailer(slice(self.head.headers.received(), name_at, name_len)) {
            let (value_at, value_len) = (name_at + name_len, offset(field.value_len));
            self.head.headers.push_received(Field { name_at, name_len, value_at, value_len });
        }
        Ok(())
    }
}

impl Fields for TrailerFields<'_> {
    fn block(&mut self) -> &mut Vec<u8> {
        self.head.headers.received_mut()
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        match self.take(field) {
            Ok(()) => ControlFlow::Continue(()),
            Err(reject) => {
                self.reject = Some(reject);
                ControlFlow::Break(())
            }
        }
    }
}

/// Fields that nobody wants, which are decoded because later ones refer to them.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    block: Vec<u8>,
}

impl Fields for Dropped {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, _: Decoded) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}
