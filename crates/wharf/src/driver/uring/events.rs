//! What the worker is told of the kernel's results.
//!
//! Not here: what is asked of the kernel (`mod.rs`).

use std::io;
use std::net::TcpStream;

use socket2::SockRef;

use super::slot::{Asked, End, key};
use super::{Key, Lent, Output, Sent, Step, UringDriver};
use crate::sys::uring::{Event, Parts, Request, is_interrupted, lacks_buffers};

impl UringDriver {
    pub(super) fn take_event(&mut self, event: Event) -> Option<Step<TcpStream>> {
        match event {
            Event::Accepted { token, socket, is_last } => self.on_accepted(token, socket, is_last),
            Event::Received { token, buffer, is_last } => {
                self.on_received(key(token), buffer, is_last)
            }
            Event::Watched { token, is_broken, is_last } => {
                self.on_watched(key(token), is_broken, is_last)
            }
            Event::Sent { token, parts, result } => self.on_sent(key(token), parts, result),
            Event::NotCancelled { request, token } => {
                self.on_not_cancelled(request, token);
                None
            }
        }
    }

    fn on_received(
        &mut self,
        key: Key,
        buffer: io::Result<Option<u16>>,
        is_last: bool,
    ) -> Option<Step<TcpStream>> {
        let (index, turn) = (key.index, self.turn);
        let len = if let Ok(Some(id)) = buffer { self.ring.bytes(id).len() } else { 0 };
        let Some(slot) = self.slot_mut(key) else {
            if let Ok(Some(id)) = buffer {
                self.ring.recycle(id);
            }
            return None;
        };
        if is_last {
            slot.receive = Asked::No;
        }
        match buffer {
            Ok(Some(id)) if slot.delivers(turn, len) => {
                self.lent = Lent::Buffer(id);
                if is_last {
                    self.note(index);
                }
                return Some(Step::Received(key, len));
            }
            Ok(Some(id)) => {
                let slot = &mut self.slots[index as usize];
                if !slot.is_over {
                    slot.hold(self.ring.bytes(id));
                }
                self.ring.recycle(id);
            }
            Ok(None) if slot.delivers(turn, 0) => {
                slot.is_over = true;
                self.note(index);
                return Some(Step::Received(key, 0));
            }
            Ok(None) => slot.end(End::Closed),
            // It is asked for anew, if it is wanted, once there are buffers again.
            Err(error) if is_interrupted(&error) || lacks_buffers(&error) => {}
            Err(error) if slot.delivers(turn, 0) => return self.fail(key, error),
            Err(error) => slot.end(End::Failed(error)),
        }
        self.note(index);
        None
    }

    fn on_watched(&mut self, key: Key, is_broken: bool, is_last: bool) -> Option<Step<TcpStream>> {
        let slot = self.slot_mut(key)?;
        if is_last {
            slot.watch = Asked::No;
        }
        // Who receives hears of it when all that came before it has been received.
        if !is_broken || (slot.receives() && !slot.is_over) {
            self.note(key.index);
            return None;
        }
        let error = slot.socket.as_ref().and_then(|socket| SockRef::from(socket).take_error().ok());
        let error = error.flatten();
        if error.is_none() && slot.is_shut {
            // Both sides have ended what they send, as they should.
            slot.has_hung_up = true;
            self.note(key.index);
            return None;
        }
        self.fail(key, error.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into()))
    }

    fn on_sent(
        &mut self,
        key: Key,
        parts: Parts,
        sent: io::Result<usize>,
    ) -> Option<Step<TcpStream>> {
        let mut output = Output::from_parts(parts.buffer, parts.sent, parts.tail);
        let result = match sent {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => {
                output.advance(len);
                Ok(())
            }
            Err(error) if is_interrupted(&error) => Ok(()),
            Err(error) => Err(error),
        };
        let is_part = result.is_ok() && !output.is_empty();
        let Some(slot) = self.slot_mut(key) else {
            // It was closed meanwhile. Whoever gets the output back need not hear of it again.
            let result = if is_part { Err(io::ErrorKind::NotConnected.into()) } else { result };
            return Some(Step::Sent(Sent { key, output, result }));
        };
        slot.sending = None;
        if is_part {
            self.hand_over(key, output);
            return None;
        }
        Some(Step::Sent(Sent { key, output, result }))
    }

    /// A request that could not be cancelled is tried again, unless it has ended meanwhile.
    fn on_not_cancelled(&mut self, request: Request, token: u64) {
        let asked = match request {
            Request::Accept => {
                let mut listeners = self.listeners.iter_mut();
                let listener = listeners.find(|listener| listener.number == token);
                listener.map(|listener| &mut listener.accept)
            }
            Request::Receive => self.slot_mut(key(token)).map(|slot| &mut slot.receive),
            Request::Watch => self.slot_mut(key(token)).map(|slot| &mut slot.watch),
            Request::Send | Request::Wake | Request::Close => None,
        };
        let Some(asked) = asked.filter(|asked| **asked == Asked::Cancelled) else { return };
        *asked = Asked::Yes;
        if matches!(request, Request::Receive | Request::Watch) {
            self.note(key(token).index);
        }
    }
}
