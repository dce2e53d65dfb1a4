//! The grammar of chunk extensions (RFC 9112 section 7.1.1), one byte at a time.
//!
//! What an extension says is of no interest; that it is well-formed is, since those who disagree
//! about where a chunk's header ends can be tricked. Not here: how long it may be (`chunked.rs`).

use crate::headers::is_token;

/// Where in the extensions of a chunk the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkExtension {
    /// In white space that a semicolon has to follow.
    BeforeSemicolon,
    /// Behind a semicolon.
    BeforeName,
    Name,
    /// In white space behind a name.
    AfterName,
    /// Behind an equals sign.
    BeforeValue,
    Value,
    Quoted,
    /// Behind a backslash in a quoted string.
    QuotedPair,
    AfterQuoted,
}

impl ChunkExtension {
    /// The place behind `byte`, or `None` where it is not allowed.
    pub(super) const fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (
                Self::BeforeSemicolon
                | Self::Name
                | Self::AfterName
                | Self::Value
                | Self::AfterQuoted,
                b';',
            ) => Self::BeforeName,
            (Self::BeforeSemicolon | Self::Value | Self::AfterQuoted, b' ' | b'\t') => {
                Self::BeforeSemicolon
            }
            (Self::BeforeName, b' ' | b'\t') => Self::BeforeName,
            (Self::BeforeName | Self::Name, _) if is_token(byte) => Self::Name,
            (Self::Name | Self::AfterName, b' ' | b'\t') => Self::AfterName,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::BeforeValue, b' ' | b'\t') => Self::BeforeValue,
            (Self::BeforeValue | Self::Value, _) if is_token(byte) => Self::Value,
            (Self::BeforeValue, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::AfterQuoted,
            (Self::Quoted, b'\\') => Self::QuotedPair,
            (Self::Quoted | Self::QuotedPair, b'\t' | b' '..=b'~' | 0x80..) => Self::Quoted,
            _ => return None,
        })
    }

    /// Whether the line may end here.
    pub(super) const fn may_end(self) -> bool {
        matches!(self, Self::Name | Self::Value | Self::AfterQuoted)
    }
}
