//! Who is at fault, as types: [`Reject`] for peers, [`Misuse`] for callers.
//!
//! Not here: what the system reports (`std::io::Error`), which no protocol machine ever sees.

use std::error::Error;
use std::fmt;

use http::StatusCode;

/// Why a request was refused. The peer's fault, always.
///
/// Each variant maps to exactly one status in [`Reject::status`]; a variant without a status does
/// not compile. A rejection is final: the connection answers with the status and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reject {
    /// Content-Length and Transfer-Encoding are both present (RFC 9112 section 6.3).
    AmbiguousLength,
    /// A chunk size, extension or terminator is malformed (RFC 9112 section 7.1).
    BadChunk,
    /// Content-Length is not one decimal number (RFC 9112 section 6.3), or CONNECT has content.
    BadContentLength,
    /// A field line does not match `field-name ":" OWS field-value OWS` (RFC 9112 section 5).
    BadField,
    /// Host is missing on HTTP/1.1, present twice, malformed, or other than the host of the
    /// request-target (RFC 9112 section 3.2).
    BadHost,
    /// A pseudo-header field is missing, repeated, unknown, or behind a field (RFC 9113 section
    /// 8.3).
    BadPseudoField,
    /// The first line is not `method SP request-target SP HTTP-version` (RFC 9112 section 3), or
    /// has no space in its first 256 bytes.
    BadRequestLine,
    /// The request-target has no form that is allowed for the method (RFC 9112 section 3.2).
    BadTarget,
    /// Transfer-Encoding is malformed, repeated, or sent with HTTP/1.0 (RFC 9112 section 6.1).
    BadTransferEncoding,
    /// The body is longer than [`Limits::max_body_bytes`](crate::Limits::max_body_bytes). Of one
    /// whose length is announced, nothing is read.
    BodyTooLarge,
    /// Chunk sizes, extensions and line ends are out of proportion to the data they carry.
    ChunkOverhead,
    /// A field that is about one connection stands in a message that is not (RFC 9113 section
    /// 8.2.2).
    ConnectionField,
    /// A field line is longer than [`Limits::max_field_bytes`](crate::Limits::max_field_bytes).
    FieldTooLarge,
    /// The head is longer than [`Limits::max_head_bytes`](crate::Limits::max_head_bytes).
    HeadTooLarge,
    /// The body has another length than Content-Length says (RFC 9113 section 8.1.1).
    LengthMismatch,
    /// The method is longer than any that is in use (RFC 9112 section 3).
    MethodTooLong,
    /// The request-target is longer than
    /// [`Limits::max_target_bytes`](crate::Limits::max_target_bytes).
    TargetTooLong,
    /// There are more fields than [`Limits::max_fields`](crate::Limits::max_fields).
    TooManyFields,
    /// The trailer section is longer than
    /// [`Limits::max_trailer_bytes`](crate::Limits::max_trailer_bytes).
    TrailersTooLarge,
    /// The peer closed its side in the middle of a request body.
    Truncated,
    /// Expect holds something other than `100-continue` (RFC 9110 section 10.1.1).
    UnknownExpectation,
    /// A transfer coding other than a single final `chunked` (RFC 9112 section 6.1).
    UnknownTransferCoding,
    /// A major version other than 1 (RFC 9110 section 15.6.6).
    UnsupportedVersion,
}

impl Reject {
    /// Every one of them, in the order of their names.
    pub const ALL: [Self; 23] = [
        Self::AmbiguousLength,
        Self::BadChunk,
        Self::BadContentLength,
        Self::BadField,
        Self::BadHost,
        Self::BadPseudoField,
        Self::BadRequestLine,
        Self::BadTarget,
        Self::BadTransferEncoding,
        Self::BodyTooLarge,
        Self::ChunkOverhead,
        Self::ConnectionField,
        Self::FieldTooLarge,
        Self::HeadTooLarge,
        Self::LengthMismatch,
        Self::MethodTooLong,
        Self::TargetTooLong,
        Self::TooManyFields,
        Self::TrailersTooLarge,
        Self::Truncated,
        Self::UnknownExpectation,
        Self::UnknownTransferCoding,
        Self::UnsupportedVersion,
    ];

    /// The status to answer with before closing.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::AmbiguousLength
            | Self::BadChunk
            | Self::BadContentLength
            | Self::BadField
            | Self::BadHost
            | Self::BadPseudoField
            | Self::BadRequestLine
            | Self::BadTarget
            | Self::BadTransferEncoding
            | Self::ChunkOverhead
            | Self::ConnectionField
            | Self::LengthMismatch
            | Self::Truncated => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::UnknownExpectation => StatusCode::EXPECTATION_FAILED,
            Self::FieldTooLarge
            | Self::HeadTooLarge
            | Self::TooManyFields
            | Self::TrailersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MethodTooLong | Self::UnknownTransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::UnsupportedVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AmbiguousLength => "both content-length and transfer-encoding are present",
            Self::BadChunk => "malformed chunk",
            Self::BadContentLength => "malformed content-length",
            Self::BadField => "malformed field line",
            Self::BadHost => "missing, repeated, malformed or contradicted host",
            Self::BadPseudoField => "missing, repeated, unknown or misplaced pseudo-header field",
            Self::BadRequestLine => "malformed request line",
            Self::BadTarget => "request-target not allowed for the method",
            Self::BadTransferEncoding => "malformed or misplaced transfer-encoding",
            Self::BodyTooLarge => "body too large",
            Self::ChunkOverhead => "too much chunk overhead",
            Self::ConnectionField => "field of one connection",
            Self::FieldTooLarge => "field line too long",
            Self::HeadTooLarge => "head too large",
            Self::LengthMismatch => "body of another length than announced",
            Self::MethodTooLong => "method too long",
            Self::TargetTooLong => "request-target too long",
            Self::TooManyFields => "too many fields",
            Self::TrailersTooLarge => "trailer section too large",
            Self::Truncated => "request body cut off",
            Self::UnknownExpectation => "unknown expectation",
            Self::UnknownTransferCoding => "unknown transfer coding",
            Self::UnsupportedVersion => "unsupported major version",
        })
    }
}

impl Error for Reject {}

/// Why a call on a machine was refused. The caller's fault, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// There is no request to answer, or its response has begun or ended already.
    NotAwaitingResponse,
    /// Body bytes were given before the response head or after its end.
    NotSendingBody,
    /// More body bytes were given than the declared length.
    BodyOverrun,
    /// The body was ended before the declared length was reached.
    BodyUnderrun,
    /// The request offered no other protocol, or has not come in full.
    NotSwitchable,
    /// A 1xx status was given for a final response, or a final one for an interim response.
    WrongStatusClass,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAwaitingResponse => "no request awaits a response",
            Self::NotSendingBody => "no response body is being sent",
            Self::BodyOverrun => "more body bytes than declared",
            Self::BodyUnderrun => "fewer body bytes than declared",
            Self::NotSwitchable => "request does not allow another protocol",
            Self::WrongStatusClass => "status class not allowed here",
        })
    }
}

impl Error for Misuse {}

/// A field name or value that must not be sent, since it would break the message apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name is empty or holds a byte that is not a token character (RFC 9110 section 5.1).
    Name,
    /// The value holds a control byte such as CR, LF or NUL (RFC 9110 section 5.5).
    Value,
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "field name is not a token",
            Self::Value => "field value holds a control byte",
        })
    }
}

impl Error for InvalidHeader {}

/// An option is outside of its documented range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OutOfRange {
    /// The option's name, as in the documentation.
    pub option: &'static str,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is outside of its documented range", self.option)
    }
}

impl Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each, with its status.
    const REJECTIONS: &[(Reject, u16)] = &[
        (Reject::AmbiguousLength, 400),
        (Reject::BadChunk, 400),
        (Reject::BadContentLength, 400),
        (Reject::BadField, 400),
        (Reject::BadHost, 400),
        (Reject::BadPseudoField, 400),
        (Reject::BadRequestLine, 400),
        (Reject::BadTarget, 400),
        (Reject::BadTransferEncoding, 400),
        (Reject::BodyTooLarge, 413),
        (Reject::ChunkOverhead, 400),
        (Reject::ConnectionField, 400),
        (Reject::FieldTooLarge, 431),
        (Reject::HeadTooLarge, 431),
        (Reject::LengthMismatch, 400),
        (Reject::MethodTooLong, 501),
        (Reject::TargetTooLong, 414),
        (Reject::TooManyFields, 431),
        (Reject::TrailersTooLarge, 431),
        (Reject::Truncated, 400),
        (Reject::UnknownExpectation, 417),
        (Reject::UnknownTransferCoding, 501),
        (Reject::UnsupportedVersion, 505),
    ];

    #[test]
    fn each_rejection_has_the_status_of_its_rfc() {
        for (reject, status) in REJECTIONS {
            assert_eq!(reject.status().as_u16(), *status, "{reject}");
        }
        // What is counted by its place stands at that place.
        assert!(REJECTIONS.iter().map(|(reject, _)| *reject).eq(Reject::ALL));
        assert!(Reject::ALL.iter().enumerate().all(|(at, reject)| *reject as usize == at));
    }

    #[test]
    fn each_error_is_told_from_the_others() {
        let mut texts: Vec<String> =
            REJECTIONS.iter().map(|(reject, _)| reject.to_string()).collect();
        texts.extend(
            [
                Misuse::NotAwaitingResponse,
                Misuse::NotSendingBody,
                Misuse::BodyOverrun,
                Misuse::BodyUnderrun,
                Misuse::NotSwitchable,
                Misuse::WrongStatusClass,
            ]
            .map(|misuse| misuse.to_string()),
        );
        texts.extend([InvalidHeader::Name, InvalidHeader::Value].map(|error| error.to_string()));
        texts.push(OutOfRange { option: "max_fields" }.to_string());
        let len = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), len);
        for text in texts {
            assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase), "{text}");
        }
    }
}
