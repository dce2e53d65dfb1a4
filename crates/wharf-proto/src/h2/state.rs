//! The states of a stream (RFC 9113 section 5.1) as two tables: what follows, and what may come.
//!
//! A server that pushes nothing has no reserved streams. Not here: frames, and whatever else a
//! stream is (`stream.rs`).

use super::ErrorCode;

/// The state of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing of it has come.
    Idle,
    /// Both sides may send.
    Open,
    /// We have ended.
    HalfClosedLocal,
    /// The peer has ended.
    HalfClosedRemote,
    /// It is over, in this way.
    Closed(Closed),
}

/// How a stream was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Both sides ended it.
    Ended,
    /// The peer reset it.
    ByPeer,
    /// We reset it, and the peer may not know yet.
    ByUs,
    /// It was skipped, or it is so long ago that nobody knows.
    Forgotten,
}

/// What happens to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    ReceiveHeaders,
    ReceiveEnd,
    ReceiveReset,
    SendEnd,
    SendReset,
}

/// The frames that are about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Data,
    Headers,
    Priority,
    Reset,
    WindowUpdate,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is dealt with.
    Take,
    /// It is dropped, but for what it does to the connection.
    Ignore,
    /// The stream is reset.
    StreamError(ErrorCode),
    /// The connection is over.
    ConnectionError(ErrorCode),
}

impl State {
    /// The state after `input`, or `None` where `input` is not allowed.
    pub(super) const fn after(self, input: Input) -> Option<Self> {
        use Input as I;
        Some(match (self, input) {
            (Self::Idle, I::ReceiveHeaders) => Self::Open,

            (Self::Open, I::ReceiveEnd) => Self::HalfClosedRemote,
            (Self::Open, I::SendEnd) => Self::HalfClosedLocal,
            (Self::HalfClosedLocal, I::ReceiveEnd) => Self::Closed(Closed::Ended),
            (Self::HalfClosedRemote, I::SendEnd) => Self::Closed(Closed::Ended),

            (Self::Open | Self::HalfClosedLocal | Self::HalfClosedRemote, I::ReceiveReset) => {
                Self::Closed(Closed::ByPeer)
            }
            (Self::Open | Self::HalfClosedLocal | Self::HalfClosedRemote, I::SendReset) => {
                Self::Closed(Closed::ByUs)
            }

            _ => return None,
        })
    }

    /// What becomes of a frame that comes in this state.
    pub(super) const fn verdict(self, frame: Frame) -> Verdict {
        use Frame as F;
        match (self, frame) {
            (_, F::Priority) => Verdict::Take,
            (Self::Idle, F::Headers) => Verdict::Take,
            (Self::Idle, F::Data | F::Reset | F::WindowUpdate) => {
                Verdict::ConnectionError(ErrorCode::PROTOCOL_ERROR)
            }

            (Self::Open | Self::HalfClosedLocal, _) => Verdict::Take,

            (Self::HalfClosedRemote, F::Reset | F::WindowUpdate) => Verdict::Take,
            (Self::HalfClosedRemote, F::Data | F::Headers) => {
                Verdict::StreamError(ErrorCode::STREAM_CLOSED)
            }

            // They may have been sent before the peer knew.
            (Self::Closed(_), F::Reset | F::WindowUpdate) => Verdict::Ignore,
            (Self::Closed(Closed::ByUs), F::Data | F::Headers) => Verdict::Ignore,
            (Self::Closed(Closed::Ended), F::Headers) => {
                Verdict::ConnectionError(ErrorCode::STREAM_CLOSED)
            }
            // RFC 9113 section 5.1.1: a new stream has a higher number than any before it.
            (Self::Closed(Closed::Forgotten), F::Headers) => {
                Verdict::ConnectionError(ErrorCode::PROTOCOL_ERROR)
            }
            (Self::Closed(Closed::ByPeer), F::Data | F::Headers)
            | (Self::Closed(Closed::Ended | Closed::Forgotten), F::Data) => {
                Verdict::StreamError(ErrorCode::STREAM_CLOSED)
            }
        }
    }

    /// Whether more of a request may come.
    pub(super) const fn receives(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedLocal)
    }

    /// Whether more of a response may be sent.
    pub(super) const fn sends(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedRemote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 8] = [
        State::Idle,
        State::Open,
        State::HalfClosedLocal,
        State::HalfClosedRemote,
        State::Closed(Closed::Ended),
        State::Closed(Closed::ByPeer),
        State::Closed(Closed::ByUs),
        State::Closed(Closed::Forgotten),
    ];
    const INPUTS: [Input; 5] = [
        Input::ReceiveHeaders,
        Input::ReceiveEnd,
        Input::ReceiveReset,
        Input::SendEnd,
        Input::SendReset,
    ];

    #[test]
    fn nothing_leaves_the_closed_states_nor_returns_to_idle() {
        for state in STATES {
            for input in INPUTS {
                let next = state.after(input);
                assert_ne!(next, Some(State::Idle), "{state:?} {input:?}");
                let is_closed = matches!(state, State::Closed(_));
                assert!(!is_closed || next.is_none(), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn each_side_ends_once() {
        for state in STATES {
            assert_eq!(state.after(Input::ReceiveEnd).is_some(), state.receives(), "{state:?}");
            assert_eq!(state.after(Input::SendEnd).is_some(), state.sends(), "{state:?}");
        }
    }

    #[test]
    fn a_reset_closes_every_stream_that_was_opened() {
        for state in [State::Open, State::HalfClosedLocal, State::HalfClosedRemote] {
            assert_eq!(state.after(Input::SendReset), Some(State::Closed(Closed::ByUs)));
            assert_eq!(state.after(Input::ReceiveReset), Some(State::Closed(Closed::ByPeer)));
        }
        assert_eq!(State::Idle.after(Input::ReceiveReset), None);
    }

    #[test]
    fn a_frame_is_taken_only_where_the_stream_still_receives_it() {
        for state in STATES {
            assert_eq!(state.verdict(Frame::Priority), Verdict::Take, "{state:?}");
            assert_eq!(state.verdict(Frame::Data) == Verdict::Take, state.receives(), "{state:?}");
            let takes_headers = state.receives() || state == State::Idle;
            assert_eq!(state.verdict(Frame::Headers) == Verdict::Take, takes_headers, "{state:?}");
        }
    }
}
