//! What goes wrong on a connection: error codes, and faults of the connection's scope.
//!
//! A fault of a stream's scope is an event (`events.rs`), since the connection goes on. Not here:
//! which fault it is (whoever looks at frames), and what is sent about it (`connection.rs`).

use std::error::Error;
use std::fmt;

/// Why a stream or a connection ends, as it stands in frames (RFC 9113 section 7). Codes that are
/// not known are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The name in RFC 9113 section 7, of those that are there.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// Nothing went wrong.
    NO_ERROR = 0x0
    /// A rule of the protocol was broken for which there is no other code.
    PROTOCOL_ERROR = 0x1
    /// The sender failed.
    INTERNAL_ERROR = 0x2
    /// More was sent than the window allows, or a window grew beyond 2^31 - 1.
    FLOW_CONTROL_ERROR = 0x3
    /// SETTINGS were not acknowledged in time.
    SETTINGS_TIMEOUT = 0x4
    /// A frame came on a stream that was half-closed.
    STREAM_CLOSED = 0x5
    /// A frame has a length that its type does not allow.
    FRAME_SIZE_ERROR = 0x6
    /// The request was not processed and can be sent again.
    REFUSED_STREAM = 0x7
    /// The stream is no longer needed.
    CANCEL = 0x8
    /// The state of field compression can't be kept.
    COMPRESSION_ERROR = 0x9
    /// The connection of a CONNECT request was reset.
    CONNECT_ERROR = 0xa
    /// The peer causes more load than is fit.
    ENHANCE_YOUR_CALM = 0xb
    /// The transport is not secure enough.
    INADEQUATE_SECURITY = 0xc
    /// The request has to be made with HTTP/1.1.
    HTTP_1_1_REQUIRED = 0xd
}

impl ErrorCode {
    /// The code of this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why a connection is over. The peer's fault, always.
///
/// Each variant has one code in [`ConnectionError::code`], with which the peer has been told in
/// GOAWAY (RFC 9113 section 5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionError {
    /// A frame has another length than its type allows (RFC 9113 section 6).
    BadFrameSize,
    /// Padding is longer than the frame (RFC 9113 section 6.1).
    BadPadding,
    /// The first bytes are not the preface (RFC 9113 section 3.4).
    BadPreface,
    /// The value of a setting is not allowed (RFC 9113 section 6.5.2).
    BadSetting,
    /// A frame names a stream that it can't be about: one where none can be named, none where one
    /// has to be, one of the server's, or one that was skipped (RFC 9113 section 5.1.1).
    BadStreamId,
    /// A header block can't be decompressed (RFC 9113 section 4.3).
    Compression,
    /// A header block came in too many frames.
    ContinuationFlood,
    /// Too many control frames await being sent to a peer that does not read.
    ControlBacklog,
    /// Too many DATA frames without data.
    EmptyDataFlood,
    /// Too many streams that had to be reset for what the peer did on them, and heads and trailers
    /// that are too large.
    FaultFlood,
    /// A frame is longer than was announced as the most (RFC 9113 section 4.2).
    FrameTooLarge,
    /// A header block, compressed, is longer than can be the case of any head that is allowed.
    HeaderBlockTooLarge,
    /// Too many PING frames.
    PingFlood,
    /// Too many PRIORITY and PRIORITY_UPDATE frames.
    PriorityFlood,
    /// Too many requests that the peer gave up before their responses.
    ResetFlood,
    /// Too many SETTINGS frames.
    SettingsFlood,
    /// Our SETTINGS were not acknowledged in time (RFC 9113 section 6.5.3).
    SettingsTimeout,
    /// A frame came on a stream that is closed (RFC 9113 section 5.1).
    StreamClosed,
    /// A frame that must not come here: before the first SETTINGS, within a header block, on a
    /// stream that is idle, or PUSH_PROMISE.
    UnexpectedFrame,
    /// Too many frames of unknown types.
    UnknownFrameFlood,
    /// More data came than the window allows (RFC 9113 section 6.9.1).
    WindowExceeded,
    /// A window grew beyond 2^31 - 1 (RFC 9113 section 6.9.1).
    WindowOverflow,
    /// Too many WINDOW_UPDATE frames.
    WindowUpdateFlood,
    /// A WINDOW_UPDATE frame updates nothing (RFC 9113 section 6.9).
    ZeroIncrement,
}

impl ConnectionError {
    /// Every one of them.
    pub const ALL: [Self; 24] = [
        Self::BadFrameSize,
        Self::BadPadding,
        Self::BadPreface,
        Self::BadSetting,
        Self::BadStreamId,
        Self::Compression,
        Self::ContinuationFlood,
        Self::ControlBacklog,
        Self::EmptyDataFlood,
        Self::FaultFlood,
        Self::FrameTooLarge,
        Self::HeaderBlockTooLarge,
        Self::PingFlood,
        Self::PriorityFlood,
        Self::ResetFlood,
        Self::SettingsFlood,
        Self::SettingsTimeout,
        Self::StreamClosed,
        Self::UnexpectedFrame,
        Self::UnknownFrameFlood,
        Self::WindowExceeded,
        Self::WindowOverflow,
        Self::WindowUpdateFlood,
        Self::ZeroIncrement,
    ];

    /// The code that the peer is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::BadFrameSize | Self::FrameTooLarge => ErrorCode::FRAME_SIZE_ERROR,
            Self::BadPadding
            | Self::BadPreface
            | Self::BadSetting
            | Self::BadStreamId
            | Self::UnexpectedFrame
            | Self::ZeroIncrement => ErrorCode::PROTOCOL_ERROR,
            Self::Compression => ErrorCode::COMPRESSION_ERROR,
            Self::ContinuationFlood
            | Self::ControlBacklog
            | Self::EmptyDataFlood
            | Self::FaultFlood
            | Self::HeaderBlockTooLarge
            | Self::PingFlood
            | Self::PriorityFlood
            | Self::ResetFlood
            | Self::SettingsFlood
            | Self::UnknownFrameFlood
            | Self::WindowUpdateFlood => ErrorCode::ENHANCE_YOUR_CALM,
            Self::SettingsTimeout => ErrorCode::SETTINGS_TIMEOUT,
            Self::StreamClosed => ErrorCode::STREAM_CLOSED,
            Self::WindowExceeded | Self::WindowOverflow => ErrorCode::FLOW_CONTROL_ERROR,
        }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadFrameSize => "frame of a length that its type does not allow",
            Self::BadPadding => "padding longer than its frame",
            Self::BadPreface => "not the preface of HTTP/2",
            Self::BadSetting => "value of a setting not allowed",
            Self::BadStreamId => "stream that the frame can't be about",
            Self::Compression => "header block that can't be decompressed",
            Self::ContinuationFlood => "header block in too many frames",
            Self::ControlBacklog => "too many control frames for a peer that does not read",
            Self::EmptyDataFlood => "too many DATA frames without data",
            Self::FaultFlood => "too many streams reset for their faults",
            Self::FrameTooLarge => "frame longer than announced as the most",
            Self::HeaderBlockTooLarge => "header block too large",
            Self::PingFlood => "too many PING frames",
            Self::PriorityFlood => "too many frames about priorities",
            Self::ResetFlood => "too many requests given up",
            Self::SettingsFlood => "too many SETTINGS frames",
            Self::SettingsTimeout => "settings not acknowledged in time",
            Self::StreamClosed => "frame on a closed stream",
            Self::UnexpectedFrame => "frame that must not come here",
            Self::UnknownFrameFlood => "too many frames of unknown types",
            Self::WindowExceeded => "more data than the window allows",
            Self::WindowOverflow => "window beyond its limit",
            Self::WindowUpdateFlood => "too many WINDOW_UPDATE frames",
            Self::ZeroIncrement => "window update of nothing",
        })
    }
}

impl Error for ConnectionError {}
