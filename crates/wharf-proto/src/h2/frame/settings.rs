//! SETTINGS (RFC 9113 section 6.5): what a side tells the other about itself.

use super::{ACK, FrameHeader, kind, payload_len};
use crate::h2::ConnectionError;

/// The numbers of settings (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1).
pub(in crate::h2) mod id {
    pub(in crate::h2) const HEADER_TABLE_SIZE: u16 = 0x1;
    pub(in crate::h2) const ENABLE_PUSH: u16 = 0x2;
    pub(in crate::h2) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub(in crate::h2) const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub(in crate::h2) const MAX_FRAME_SIZE: u16 = 0x5;
    pub(in crate::h2) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
    pub(in crate::h2) const ENABLE_CONNECT_PROTOCOL: u16 = 0x8;
    pub(in crate::h2) const NO_RFC7540_PRIORITIES: u16 = 0x9;
}

const ENTRY_BYTES: usize = 6;

/// The settings in their order, each as number and value.
pub(in crate::h2) fn parse(
    payload: &[u8],
) -> Result<impl Iterator<Item = (u16, u32)>, ConnectionError> {
    let (entries, rest) = payload.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(ConnectionError::BadFrameSize);
    }
    Ok(entries.iter().map(|&[id0, id1, v0, v1, v2, v3]| {
        (u16::from_be_bytes([id0, id1]), u32::from_be_bytes([v0, v1, v2, v3]))
    }))
}

pub(in crate::h2) fn put(settings: &[(u16, u32)], out: &mut Vec<u8>) {
    let len = payload_len(settings.len() * ENTRY_BYTES);
    let header = FrameHeader { len, kind: kind::SETTINGS, flags: 0, stream: 0 };
    out.extend_from_slice(&header.bytes());
    for (id, value) in settings {
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

pub(in crate::h2) fn put_ack(out: &mut Vec<u8>) {
    super::put(kind::SETTINGS, ACK, 0, [], out);
}
