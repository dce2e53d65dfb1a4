//! The sending half of a connection: what the application does, to bytes.
//!
//! Not here: transitions (`state.rs`), what it looks like on the wire (`encode.rs`), and what is
//! received (`receive.rs`).

use http::StatusCode;

use super::connection::{Connection, Writing};
use super::encode::{self, Delimiter, Persistence};
use super::state::{Recv, RecvInput, Send, SendInput};
use super::{BodyLength, Response};
use crate::{Headers, Misuse};

impl Connection {
    /// Appends an interim response such as `100 Continue` or `103 Early Hints`. An HTTP/1.0 peer
    /// does not know them, and none is sent to it (RFC 9110 section 15.2).
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response, or the status is not 1xx, or is 101.
    pub fn send_interim(
        &mut self,
        status: StatusCode,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Misuse::WrongStatusClass);
        }
        if !self.awaits_response() {
            return Err(Misuse::NotAwaitingResponse);
        }
        if status == StatusCode::CONTINUE {
            self.expects_continue = false;
        }
        if !self.version_1_0 {
            encode::interim_head(status, headers, out);
        }
        Ok(())
    }

    /// Appends the head of the final response.
    ///
    /// `Content-Length`, `Transfer-Encoding` and `Connection` are written here; those in `headers`
    /// are left out, but `Connection: close` among them is obeyed.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response, or the status is 1xx.
    pub fn send_head(
        &mut self,
        response: Response<'_>,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        self.send_head_inline(response, headers, out)
    }

    /// As [`send_head`](Self::send_head), and a part of its caller.
    #[inline(always)]
    fn send_head_inline(
        &mut self,
        response: Response<'_>,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        if response.status.is_informational() {
            return Err(Misuse::WrongStatusClass);
        }
        if !self.awaits_response() {
            return Err(Misuse::NotAwaitingResponse);
        }
        let asks_close = headers.managed().connection() && asks_close(headers);
        // A peer that still holds its body back may send it or not; nobody can tell where the
        // next request begins (RFC 9110 section 10.1.1).
        if response.close || asks_close || self.recv == Recv::Closed || self.expects_continue {
            self.persistent = false;
        }
        let delimiter = self.delimiter(response.status, response.body);
        let persistence = match (self.persistent, self.version_1_0) {
            (true, false) => Persistence::Implied,
            (true, true) => Persistence::KeepAlive,
            (false, _) => Persistence::Close,
        };
        encode::response_head(response.status, headers, response.date, delimiter, persistence, out);
        self.enter_send(SendInput::Head);
        Ok(())
    }

    /// Whether [`send_switch`](Self::send_switch) is allowed: the peer offered another protocol
    /// with `Upgrade`, or asked for a tunnel with CONNECT, and its request came in full.
    #[must_use]
    pub fn may_switch(&self) -> bool {
        let is_wanted = self.offers_upgrade || self.is_connect;
        self.awaits_response() && self.recv == Recv::Done && is_wanted
    }

    /// Appends the response behind which the connection speaks another protocol: 101 with
    /// `headers`, which name it in `Upgrade` (RFC 9110 section 7.8), or 200 to CONNECT (section
    /// 9.3.6). From then on what comes is [`Event::Body`](super::Event::Body) as it is, and so is
    /// what [`send_body`](Self::send_body) takes; [`send_end`](Self::send_end) closes.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no request awaits a response, or this one does not allow it.
    pub fn send_switch(&mut self, headers: &Headers, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if !self.awaits_response() {
            return Err(Misuse::NotAwaitingResponse);
        }
        if !self.may_switch() {
            return Err(Misuse::NotSwitchable);
        }
        let (status, persistence) = match self.is_connect {
            true => (StatusCode::OK, Persistence::Implied),
            false => (StatusCode::SWITCHING_PROTOCOLS, Persistence::Upgrade),
        };
        encode::response_head(status, headers, None, Delimiter::Bodiless, persistence, out);
        self.persistent = false;
        self.writing = Writing::Close;
        self.step_recv(RecvInput::Switched);
        self.step_send(SendInput::Head);
        Ok(())
    }

    /// Appends a response whose body is there: what [`send_head`](Self::send_head),
    /// [`send_body`](Self::send_body) and [`send_end`](Self::send_end) do.
    ///
    /// # Errors
    ///
    /// As theirs, where another length was announced than the body has. It may be another to HEAD,
    /// whose response tells what it would be. Nothing is appended then.
    #[inline(never)]
    pub fn send_whole(
        &mut self,
        response: Response<'_>,
        headers: &Headers,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Misuse> {
        let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if let BodyLength::Known(announced) = response.body
            && announced != len
            && !self.is_head
        {
            return Err(if announced > len { Misuse::BodyUnderrun } else { Misuse::BodyOverrun });
        }
        self.send_head_inline(response, headers, out)?;
        match self.writing {
            Writing::Discard => {}
            Writing::Length(_) => {
                out.extend_from_slice(body);
                self.writing = Writing::Length(0);
            }
            Writing::Chunked | Writing::Close => return self.send_unbounded(body, out),
        }
        self.step_send(SendInput::End);
        Ok(())
    }

    /// Appends a body that has no announced length, and its end.
    #[cold]
    fn send_unbounded(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.send_body(body, out)?;
        self.end(None, out)
    }

    /// Appends a piece of the response body. An empty one does nothing.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no body is being sent, or the piece exceeds the declared length; nothing is
    /// appended then.
    pub fn send_body(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        match self.frame_body(u64::try_from(data.len()).unwrap_or(u64::MAX))? {
            BodyFraming::Omit => {}
            BodyFraming::Plain => out.extend_from_slice(data),
            BodyFraming::Chunk => encode::chunk(data, out),
        }
        Ok(())
    }

    /// Accounts for `len` bytes of body that the caller writes itself, without passing them
    /// through `out`. Returns whether they are to be written: not for HEAD.
    ///
    /// # Errors
    ///
    /// As [`send_body`](Self::send_body), and [`Misuse::NotSendingBody`] if the body is chunked,
    /// since bytes must stand behind each chunk.
    pub fn send_body_apart(&mut self, len: u64) -> Result<bool, Misuse> {
        if self.writing == Writing::Chunked {
            return Err(Misuse::NotSendingBody);
        }
        Ok(self.frame_body(len)? != BodyFraming::Omit)
    }

    /// Ends the response.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no body is being sent, or less of it was sent than declared.
    pub fn send_end(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.end(None, out)
    }

    /// Ends the response with trailer fields. They are left out where the body is not chunked, and
    /// those that must not be trailers are always (RFC 9110 section 6.5.1).
    ///
    /// # Errors
    ///
    /// As [`send_end`](Self::send_end).
    pub fn send_end_with(&mut self, trailers: &Headers, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.end(Some(trailers), out)
    }

    fn end(&mut self, trailers: Option<&Headers>, out: &mut Vec<u8>) -> Result<(), Misuse> {
        if self.send != Send::Body {
            return Err(Misuse::NotSendingBody);
        }
        match self.writing {
            Writing::Length(0) | Writing::Discard | Writing::Close => {}
            Writing::Length(_) => return Err(Misuse::BodyUnderrun),
            Writing::Chunked => encode::last_chunk(trailers, out),
        }
        self.step_send(SendInput::End);
        Ok(())
    }

    /// Gives the response up: nothing more is sent, so that the peer can tell it is incomplete.
    pub fn send_abort(&mut self) {
        self.step_send(SendInput::Abort);
    }

    /// How the end of the body is marked (RFC 9112 section 6.3).
    fn delimiter(&mut self, status: StatusCode, body: BodyLength) -> Delimiter {
        let is_tunnel = self.is_connect && status.is_success();
        if is_tunnel {
            // What the peer sends from here on is no request (RFC 9110 section 9.3.6).
            self.persistent = false;
        }
        let (writing, delimiter) = match (status, body) {
            (StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED, _) => {
                (Writing::Discard, Delimiter::Bodiless)
            }
            _ if is_tunnel => (Writing::Discard, Delimiter::Bodiless),
            // RFC 9110 section 15.3.6: no content, but the length has to say so.
            (StatusCode::RESET_CONTENT, _) => (Writing::Discard, Delimiter::Length(0)),
            (_, BodyLength::Known(length)) => (Writing::Length(length), Delimiter::Length(length)),
            (_, BodyLength::Unknown) if self.version_1_0 => {
                self.persistent &= self.is_head;
                (Writing::Close, Delimiter::Close)
            }
            (_, BodyLength::Unknown) => (Writing::Chunked, Delimiter::Chunked),
        };
        self.writing = if self.is_head { Writing::Discard } else { writing };
        delimiter
    }

    /// Accounts for `len` bytes of body.
    fn frame_body(&mut self, len: u64) -> Result<BodyFraming, Misuse> {
        if self.send != Send::Body {
            return Err(Misuse::NotSendingBody);
        }
        match &mut self.writing {
            Writing::Discard => Ok(BodyFraming::Omit),
            _ if len == 0 => Ok(BodyFraming::Omit),
            Writing::Length(left) => {
                *left = left.checked_sub(len).ok_or(Misuse::BodyOverrun)?;
                Ok(BodyFraming::Plain)
            }
            Writing::Chunked => Ok(BodyFraming::Chunk),
            Writing::Close => Ok(BodyFraming::Plain),
        }
    }
}

/// What stands around a piece of body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyFraming {
    Omit,
    Plain,
    Chunk,
}

#[cold]
fn asks_close(headers: &Headers) -> bool {
    headers.get_all("connection").any(|value| {
        value.split(|&byte| byte == b',').any(|o| o.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}
