//! What both sides say about themselves (RFC 9113 section 6.5.2): [`Config`] is ours.
//!
//! Not here: what a change does to windows and tables (`control.rs`).

use super::ConnectionError;
use super::flow::{INITIAL_WINDOW, MAX_WINDOW};
use super::frame::settings::{self, id};

/// The least that a peer must take, and what is taken before anything is said (RFC 9113 section
/// 6.5.2).
pub(super) const MIN_FRAME_BYTES: u32 = 1 << 14;

const MAX_FRAME_BYTES: u32 = (1 << 24) - 1;

/// What a connection allows its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Streams that may be open at once. Default 128 (nginx). At most 4,096 are taken.
    pub max_concurrent_streams: u32,
    /// What a peer may send on a new stream before any of it is released, in bytes. Default
    /// 65,535, as HTTP/2 has it.
    pub initial_stream_window: u32,
    /// The same for all streams together. Default 1 MiB. At least 65,535, as HTTP/2 has it.
    pub initial_connection_window: u32,
    /// How far a stream's window grows where the path carries that much, in bytes. Default 8 MiB,
    /// which is 1.3 Gbit/s over 50 ms.
    pub max_stream_window: u32,
    /// The same for all streams together. Default 16 MiB.
    pub max_connection_window: u32,
    /// The longest frame that is taken, in bytes. Default 16 KiB, the least that is allowed.
    pub max_frame_bytes: u32,
    /// The longest head that is taken, in bytes: names, values, and 32 for each field. Default 32
    /// KiB, as [`Limits::max_head_bytes`](crate::Limits::max_head_bytes). A longer one is refused
    /// with 431.
    pub max_header_list_bytes: u32,
    /// The table for compressing requests, in bytes. Default 4 KiB, as HTTP/2 has it. At most
    /// 65,535 are taken.
    pub header_table_bytes: u32,
    /// Whether requests may ask for other protocols, such as WebSocket (RFC 8441). Default no.
    pub enable_connect_protocol: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 128,
            initial_stream_window: INITIAL_WINDOW,
            initial_connection_window: 1 << 20,
            max_stream_window: 8 << 20,
            max_connection_window: 16 << 20,
            max_frame_bytes: MIN_FRAME_BYTES,
            max_header_list_bytes: 32 << 10,
            header_table_bytes: DEFAULT_HEADER_TABLE_BYTES,
            enable_connect_protocol: false,
        }
    }
}

const DEFAULT_HEADER_TABLE_BYTES: u32 = 4096;

/// More streams than anybody wants, and few enough for places of 16 bits.
const MOST_STREAMS: u32 = 4096;

impl Config {
    /// The same with all values in their ranges, as a [`Connection`](super::Connection) takes it.
    #[must_use]
    pub fn in_range(mut self) -> Self {
        self.max_concurrent_streams = self.max_concurrent_streams.clamp(1, MOST_STREAMS);
        self.max_stream_window = self.max_stream_window.clamp(1, MAX_WINDOW);
        self.max_connection_window = self.max_connection_window.clamp(INITIAL_WINDOW, MAX_WINDOW);
        // What is the most is the most from the beginning.
        self.initial_stream_window = self.initial_stream_window.clamp(1, self.max_stream_window);
        self.initial_connection_window =
            self.initial_connection_window.clamp(INITIAL_WINDOW, self.max_connection_window);
        self.max_frame_bytes = self.max_frame_bytes.clamp(MIN_FRAME_BYTES, MAX_FRAME_BYTES);
        self.header_table_bytes = self.header_table_bytes.min(u32::from(u16::MAX));
        self
    }

    /// The server's part of the preface (RFC 9113 section 3.4): what differs from what is assumed.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let all = [
            (id::HEADER_TABLE_SIZE, self.header_table_bytes, DEFAULT_HEADER_TABLE_BYTES),
            (id::MAX_CONCURRENT_STREAMS, self.max_concurrent_streams, u32::MAX),
            (id::INITIAL_WINDOW_SIZE, self.initial_stream_window, INITIAL_WINDOW),
            (id::MAX_FRAME_SIZE, self.max_frame_bytes, MIN_FRAME_BYTES),
            (id::MAX_HEADER_LIST_SIZE, self.max_header_list_bytes, u32::MAX),
            (id::ENABLE_CONNECT_PROTOCOL, u32::from(self.enable_connect_protocol), 0),
            // Priorities are those of RFC 9218.
            (id::NO_RFC7540_PRIORITIES, 1, 0),
        ];
        let mut said = [(0, 0); 7];
        let mut len = 0;
        for (id, value, default) in all {
            if value != default
                && let Some(place) = said.get_mut(len)
            {
                *place = (id, value);
                len += 1;
            }
        }
        settings::put(said.get(..len).unwrap_or_default(), out);
    }
}

/// What the peer said that matters to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PeerSettings {
    pub(super) header_table_bytes: u32,
    pub(super) initial_window: u32,
    pub(super) max_frame_bytes: u32,
}

impl PeerSettings {
    /// What is assumed of a peer that says nothing.
    pub(super) const fn new() -> Self {
        Self {
            header_table_bytes: DEFAULT_HEADER_TABLE_BYTES,
            initial_window: INITIAL_WINDOW,
            max_frame_bytes: MIN_FRAME_BYTES,
        }
    }

    /// Takes one setting. Those that are unknown are ignored (RFC 9113 section 6.5.2).
    pub(super) fn set(&mut self, number: u16, value: u32) -> Result<(), ConnectionError> {
        match number {
            id::HEADER_TABLE_SIZE => self.header_table_bytes = value,
            id::INITIAL_WINDOW_SIZE if value > MAX_WINDOW => {
                return Err(ConnectionError::WindowOverflow);
            }
            id::INITIAL_WINDOW_SIZE => self.initial_window = value,
            id::MAX_FRAME_SIZE if (MIN_FRAME_BYTES..=MAX_FRAME_BYTES).contains(&value) => {
                self.max_frame_bytes = value;
            }
            id::MAX_FRAME_SIZE => return Err(ConnectionError::BadSetting),
            // Nothing is ever pushed, and clients enable no protocol, but what is not a choice
            // between two is an error all the same.
            id::ENABLE_PUSH | id::ENABLE_CONNECT_PROTOCOL | id::NO_RFC7540_PRIORITIES
                if value > 1 =>
            {
                return Err(ConnectionError::BadSetting);
            }
            _ => {}
        }
        Ok(())
    }
}
