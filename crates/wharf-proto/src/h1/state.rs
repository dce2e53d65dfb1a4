//! Every transition of an HTTP/1 connection: two small tables and the rule that joins them.
//!
//! One table is for what the peer sends, one for what we send. When both are done, the connection
//! either starts over or closes ([`next_cycle`]). Not here: bytes.

/// How far the current request has been received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recv {
    /// Nothing of a request has come.
    Idle,
    /// Some of a head has come.
    Head,
    /// The head has come, some of the body has not.
    Body,
    /// The request has come in full.
    Done,
    /// What comes belongs to another protocol.
    Tunnel,
    /// Nothing more is read from the peer.
    Closed,
}

/// How far the current response has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Send {
    /// There is no request to answer.
    Idle,
    /// A request awaits its response.
    Awaiting,
    /// The head is out, the body is not.
    Body,
    /// The response is out in full.
    Done,
    /// Nothing more is sent to the peer.
    Closed,
}

/// What the peer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecvInput {
    Bytes,
    HeadEnd,
    BodyEnd,
    /// A head behind which there is no body.
    WholeRequest,
    Switched,
    Eof,
    Rejected,
}

/// What the application did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendInput {
    Request,
    Head,
    End,
    Abort,
}

impl Recv {
    /// The state after `input`, or `None` where `input` is not allowed.
    pub(crate) const fn after(self, input: RecvInput) -> Option<Self> {
        use RecvInput as I;
        Some(match (self, input) {
            (Self::Idle | Self::Head, I::Bytes) => Self::Head,
            (Self::Idle | Self::Head, I::HeadEnd) => Self::Body,
            (Self::Idle | Self::Head, I::WholeRequest) => Self::Done,
            (Self::Body, I::BodyEnd) => Self::Done,

            // A half-closed peer still gets the response to a request that came in full.
            (Self::Done, I::Eof) => Self::Done,
            (Self::Idle | Self::Head | Self::Body | Self::Tunnel, I::Eof) => Self::Closed,

            // Only a request that came in full may change the protocol (RFC 9110 section 7.8).
            (Self::Done, I::Switched) => Self::Tunnel,

            // A refused request always ends the connection.
            (Self::Idle | Self::Head | Self::Body, I::Rejected) => Self::Closed,
            (Self::Closed, I::Bytes | I::Eof | I::Rejected) => Self::Closed,

            _ => return None,
        })
    }
}

impl Send {
    /// The state after `input`, or `None` where `input` is not allowed.
    pub(crate) const fn after(self, input: SendInput) -> Option<Self> {
        use SendInput as I;
        Some(match (self, input) {
            (Self::Idle, I::Request) => Self::Awaiting,
            (Self::Awaiting, I::Head) => Self::Body,
            (Self::Body, I::End) => Self::Done,
            (_, I::Abort) => Self::Closed,
            _ => return None,
        })
    }
}

/// What comes when both sides of an exchange are as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The exchange goes on.
    Same,
    /// The next request may come.
    Restart,
    /// Nothing more is read or sent.
    Close,
}

/// Whether an exchange is over, and what follows.
pub(crate) const fn next_cycle(recv: Recv, send: Send, persistent: bool) -> Next {
    match (recv, send) {
        (_, Send::Closed) | (Recv::Closed, Send::Idle | Send::Done) => Next::Close,
        (Recv::Done, Send::Done) if persistent => Next::Restart,
        (Recv::Done | Recv::Body | Recv::Tunnel, Send::Done) if !persistent => Next::Close,
        _ => Next::Same,
    }
}

/// What a connection is doing, for those who set deadlines and buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Between requests: nothing of the next one has come.
    Idle,
    /// A head is coming in.
    Head,
    /// A head has come, its body is coming, the response has not begun or is being sent.
    Body,
    /// The request has come in full, the response is not out in full.
    Respond,
    /// The response is out, the rest of the request's body is read and dropped.
    Drain,
    /// Bytes of another protocol go both ways.
    Tunnel,
    /// Nothing more is read or sent.
    Closed,
}

/// The phase that the two sides make together.
pub(crate) const fn phase(recv: Recv, send: Send) -> Phase {
    match (recv, send) {
        (_, Send::Closed) | (Recv::Closed, Send::Idle | Send::Done) => Phase::Closed,
        (Recv::Idle, _) => Phase::Idle,
        (Recv::Head, _) => Phase::Head,
        (Recv::Body, Send::Done) => Phase::Drain,
        (Recv::Body, Send::Idle | Send::Awaiting | Send::Body) => Phase::Body,
        (Recv::Done | Recv::Closed, _) => Phase::Respond,
        (Recv::Tunnel, _) => Phase::Tunnel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECV: [Recv; 6] =
        [Recv::Idle, Recv::Head, Recv::Body, Recv::Done, Recv::Tunnel, Recv::Closed];
    const SEND: [Send; 5] = [Send::Idle, Send::Awaiting, Send::Body, Send::Done, Send::Closed];

    #[test]
    fn a_rejection_closes_from_every_reading_state() {
        for recv in [Recv::Idle, Recv::Head, Recv::Body] {
            assert_eq!(recv.after(RecvInput::Rejected), Some(Recv::Closed));
        }
    }

    #[test]
    fn nothing_leaves_the_closed_states() {
        for input in [RecvInput::Bytes, RecvInput::Eof, RecvInput::Rejected] {
            assert_eq!(Recv::Closed.after(input), Some(Recv::Closed));
        }
        for input in [SendInput::Request, SendInput::Head, SendInput::End] {
            assert_eq!(Send::Closed.after(input), None);
        }
        assert_eq!(Send::Closed.after(SendInput::Abort), Some(Send::Closed));
    }

    #[test]
    fn a_half_closed_peer_still_gets_its_response() {
        assert_eq!(Recv::Done.after(RecvInput::Eof), Some(Recv::Done));
        assert_eq!(next_cycle(Recv::Done, Send::Awaiting, false), Next::Same);
    }

    #[test]
    fn a_tunnel_is_entered_from_a_whole_request_and_never_left_for_another() {
        for recv in RECV {
            let tunnel = (recv == Recv::Done).then_some(Recv::Tunnel);
            assert_eq!(recv.after(RecvInput::Switched), tunnel, "{recv:?}");
        }
        assert_eq!(Recv::Tunnel.after(RecvInput::Eof), Some(Recv::Closed));
        assert_eq!(next_cycle(Recv::Tunnel, Send::Body, false), Next::Same);
        assert_eq!(next_cycle(Recv::Tunnel, Send::Done, false), Next::Close);
    }

    #[test]
    fn only_a_finished_exchange_starts_over() {
        for recv in RECV {
            for send in SEND {
                let restarts = next_cycle(recv, send, true) == Next::Restart;
                assert_eq!(restarts, recv == Recv::Done && send == Send::Done, "{recv:?} {send:?}");
                assert_ne!(next_cycle(recv, send, false), Next::Restart);
            }
        }
    }

    #[test]
    fn the_closed_phase_is_where_the_cycle_ends() {
        for recv in RECV {
            for send in SEND {
                let closes = next_cycle(recv, send, true) == Next::Close;
                assert_eq!(closes, phase(recv, send) == Phase::Closed, "{recv:?} {send:?}");
            }
        }
    }
}
