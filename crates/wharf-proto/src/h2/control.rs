//! Frames about streams and the connection rather than messages: resets, settings, pings, windows,
//! priorities, and the end (RFC 9113 sections 6.3 to 6.9, RFC 9218 section 7.1).
//!
//! Each costs a token (`abuse.rs`). Not here: how they look (`frame/`).

use std::time::Duration;

use super::abuse::Act;
use super::connection::{Connection, GOAWAY_PING, Going, PATH_PING};
use super::flow::INITIAL_WINDOW;
use super::frame::{
    ACK, FrameHeader, goaway, kind, ping, priority, priority_update, rst_stream, settings,
    window_update,
};
use super::priority::Priority;
use super::state::{Frame, Input, State, Verdict};
use super::{ConnectionError, ErrorCode, Event, ResetCause, StreamKey};

/// What became of a frame: an event, or nothing that the application needs to know.
type Outcome = Result<Option<Event<'static>>, ConnectionError>;

impl Connection {
    pub(super) fn receive_control(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Outcome {
        match header.kind {
            kind::WINDOW_UPDATE => self.receive_window_update(header, payload, now, out),
            kind::RST_STREAM => self.receive_reset(header, payload, now, out),
            kind::SETTINGS => self.receive_settings(header, payload, now, out),
            kind::PING => self.receive_ping(header, payload, now, out),
            kind::PRIORITY => self.receive_priority(header, payload, now, out),
            kind::PRIORITY_UPDATE => self.receive_priority_update(header, payload, now),
            kind::GOAWAY => {
                header.on_connection()?;
                let (_, code) = goaway::parse(payload)?;
                self.buckets.spend(Act::Settings, now)?;
                Ok(Some(Event::GoAway { code }))
            }
            // RFC 9113 sections 6.6 and 6.10: clients don't push, and no block has begun.
            kind::PUSH_PROMISE | kind::CONTINUATION => Err(ConnectionError::UnexpectedFrame),
            // RFC 9113 section 5.5.
            _ => self.buckets.spend(Act::UnknownFrame, now).map(|()| None),
        }
    }

    /// The stream that a frame is about, if it is open. `None` if there is nothing to do.
    fn open_stream(&self, id: u32, frame: Frame) -> Result<Option<StreamKey>, ConnectionError> {
        let (key, state) = self.look_up(id);
        match state.verdict(frame) {
            Verdict::ConnectionError(_) => Err(ConnectionError::UnexpectedFrame),
            Verdict::Take | Verdict::Ignore | Verdict::StreamError(_) => Ok(key),
        }
    }

    fn receive_reset(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Outcome {
        header.on_stream()?;
        let code = rst_stream::parse(payload)?;
        let key = self.open_stream(header.stream, Frame::Reset)?;
        let stream = key.and_then(|key| self.streams.get(key));
        let is_given_up = stream.is_some_and(|stream| stream.state.sends());
        self.buckets.spend(if is_given_up { Act::Reset } else { Act::LateReset }, now)?;
        let Some(key) = key else { return Ok(None) };
        if let Some(stream) = self.streams.get_mut(key) {
            stream.step(Input::ReceiveReset);
        }
        self.close(key, out);
        Ok(Some(Event::Reset { stream: key, code, cause: ResetCause::Peer }))
    }

    fn receive_settings(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Outcome {
        header.on_connection()?;
        self.buckets.spend(Act::Settings, now)?;
        if header.has(ACK) {
            if !payload.is_empty() {
                return Err(ConnectionError::BadFrameSize);
            }
            if !self.has_settings {
                return Err(ConnectionError::UnexpectedFrame);
            }
            self.acknowledged();
            return Ok(None);
        }
        let before = self.peer;
        for (number, value) in settings::parse(payload)? {
            self.peer.set(number, value)?;
            // RFC 7541 section 4.2: each counts, since the smallest has to be confirmed as well.
            self.encoder.set_max_table_bytes(self.peer.header_table_bytes);
        }
        self.has_settings = true;
        if self.peer.initial_window != before.initial_window {
            self.shift_windows(before.initial_window)?;
        }
        self.answer()?;
        settings::put_ack(out);
        Ok(None)
    }

    /// Our settings hold from here on (RFC 9113 section 6.5.3).
    fn acknowledged(&mut self) {
        if std::mem::replace(&mut self.is_acknowledged, true) {
            return;
        }
        for (_, stream) in self.streams.iter_mut() {
            stream.recv_window.shift(INITIAL_WINDOW, self.config.initial_stream_window);
        }
        if self.config.header_table_bytes < 4096 {
            self.decoder.set_max_table_bytes(self.config.header_table_bytes as usize);
        }
    }

    /// RFC 9113 section 6.9.2: the windows of all streams follow the initial one.
    fn shift_windows(&mut self, before: u32) -> Result<(), ConnectionError> {
        let after = self.peer.initial_window;
        for (key, stream) in self.streams.iter_mut() {
            let shifted = stream.send_window.shift(before, after);
            shifted.map_err(|_| ConnectionError::WindowOverflow)?;
            if stream.awaits_window && stream.send_window.available() > 0 {
                stream.awaits_window = false;
                self.schedule.insert(key.slot, key.id, stream.priority);
            }
        }
        Ok(())
    }

    fn receive_ping(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Outcome {
        header.on_connection()?;
        let payload = ping::parse(payload)?;
        if !header.has(ACK) {
            self.buckets.spend(Act::Ping, now)?;
            self.answer()?;
            ping::put_ack(payload, out);
            return Ok(None);
        }
        match payload {
            PATH_PING if self.tuner.is_measuring() => self.path_measured(now, out),
            GOAWAY_PING if self.going == Going::Soon => self.goaway(out),
            _ => self.buckets.spend(Act::Ping, now)?,
        }
        Ok(None)
    }

    /// The PING that measures the path has come back. Windows that have grown are granted at once,
    /// to a peer whose data is taken as it comes.
    fn path_measured(&mut self, now: Duration, out: &mut Vec<u8>) {
        let before = self.tuner.stream();
        self.tuner.acknowledge(now);
        let target = self.tuner.stream();
        if target == before {
            return;
        }
        if let Some(stream) = self.streams.get_mut(self.measured)
            && stream.state.receives()
            && !stream.is_refused
            && stream.recv_window.held() <= before
            && let Some(increment) = stream.recv_window.grant(target)
        {
            window_update::put(stream.id, increment, out);
        }
        self.grant_connection(out);
    }

    fn receive_window_update(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let increment = window_update::parse(payload)?;
        self.buckets.spend(Act::WindowUpdate, now)?;
        if header.stream == 0 {
            if increment == 0 {
                return Err(ConnectionError::ZeroIncrement);
            }
            let grown = self.send_window.grow(increment);
            return grown.map(|()| None).map_err(|_| ConnectionError::WindowOverflow);
        }
        let Some(key) = self.open_stream(header.stream, Frame::WindowUpdate)? else {
            return Ok(None);
        };
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let code = match increment {
            0 => ErrorCode::PROTOCOL_ERROR,
            _ if stream.send_window.grow(increment).is_err() => ErrorCode::FLOW_CONTROL_ERROR,
            _ => {
                if stream.awaits_window && stream.send_window.available() > 0 {
                    stream.awaits_window = false;
                    self.schedule.insert(key.slot, key.id, stream.priority);
                }
                return Ok(None);
            }
        };
        self.reset_fault(key, code, now, out)?;
        Ok(Some(Event::Reset { stream: key, code, cause: ResetCause::Fault }))
    }

    /// RFC 9113 section 6.3: it means nothing, but must be well-formed.
    fn receive_priority(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Outcome {
        header.on_stream()?;
        self.buckets.spend(Act::Priority, now)?;
        let (code, error) = match payload.try_into().map(priority::depends_on) {
            Err(_) => (ErrorCode::FRAME_SIZE_ERROR, ConnectionError::BadFrameSize),
            // RFC 7540 section 5.3.1, which those who still send it keep to.
            Ok(on) if on == header.stream => {
                (ErrorCode::PROTOCOL_ERROR, ConnectionError::BadStreamId)
            }
            Ok(_) => return Ok(None),
        };
        let (key, state) = self.look_up(header.stream);
        debug_assert_eq!(state.verdict(Frame::Priority), Verdict::Take);
        match (key, state) {
            (Some(stream), _) => {
                self.reset_fault(stream, code, now, out)?;
                Ok(Some(Event::Reset { stream, code, cause: ResetCause::Fault }))
            }
            // A stream that is idle can't be reset (RFC 9113 section 6.4).
            (None, State::Idle) => Err(error),
            (None, _) => self.reset_closed(header.stream, code, now, out).map(|()| None),
        }
    }

    /// RFC 9218 section 7.1.
    fn receive_priority_update(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        now: Duration,
    ) -> Outcome {
        header.on_connection()?;
        let (id, value) = priority_update::parse(payload)?;
        self.buckets.spend(Act::Priority, now)?;
        let priority = Priority::parse(value);
        let (key, state) = self.look_up(id);
        if let Some(key) = key {
            if let Some(stream) = self.streams.get_mut(key) {
                stream.priority = priority;
            }
            self.schedule.change(key.slot, key.id, priority);
            return Ok(None);
        }
        if state != State::Idle {
            return Ok(None);
        }
        // Only the client opens streams, and none that it pushed could be meant.
        if id.is_multiple_of(2) {
            return Err(ConnectionError::BadStreamId);
        }
        let last_id = self.last_id;
        self.priorities.retain(|&(waiting, _)| waiting > last_id && waiting != id);
        let len = self.priorities.len() + self.streams.len();
        if len >= self.config.max_concurrent_streams as usize {
            return Err(ConnectionError::BadStreamId);
        }
        self.priorities.push((id, priority));
        Ok(None)
    }

    /// The priority that was stated for a stream before it came.
    #[cold]
    pub(super) fn take_priority(&mut self, id: u32) -> Option<Priority> {
        let at = self.priorities.iter().position(|&(waiting, _)| waiting == id)?;
        Some(self.priorities.swap_remove(at).1)
    }
}
