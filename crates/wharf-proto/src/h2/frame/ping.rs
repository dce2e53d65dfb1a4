//! PING (RFC 9113 section 6.7): a question that is answered at once.

use super::{ACK, kind, put as put_frame};
use crate::h2::ConnectionError;

pub(in crate::h2) type Payload = [u8; 8];

pub(in crate::h2) fn parse(payload: &[u8]) -> Result<Payload, ConnectionError> {
    payload.try_into().map_err(|_| ConnectionError::BadFrameSize)
}

pub(in crate::h2) fn put(payload: Payload, out: &mut Vec<u8>) {
    put_frame(kind::PING, 0, 0, payload, out);
}

pub(in crate::h2) fn put_ack(payload: Payload, out: &mut Vec<u8>) {
    put_frame(kind::PING, ACK, 0, payload, out);
}
