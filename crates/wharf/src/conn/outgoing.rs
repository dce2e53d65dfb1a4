//! A response body on its way from a handler to the protocol machine, piece by piece.
//!
//! Not here: bodies that are in memory, which are encoded with their head (`h1`, `h2`).

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use wharf_proto::Headers;

use crate::body::{
    Body, BodyError, BodyKind, BodyReader, FILE_PIECE_BYTES, FilePart, Production, Sink,
};
use crate::response::BoxError;

/// Bodies up to this size are copied behind their head; larger ones are sent from where they are.
pub(super) const COPY_BYTES: usize = 16 << 10;

/// How much of a file a connection has the system send before it looks again whether the rest is
/// there, and counts it as handed over, in bytes.
const SENT_PIECE_BYTES: usize = 1 << 20;

/// A body that is not in memory.
pub(super) enum Outgoing {
    /// A file, and whether the system sends it by itself.
    File(FilePart, SentBy),
    Channel {
        reader: BodyReader,
        production: Option<Production>,
        failure: Option<BoxError>,
    },
}

/// Who brings the bytes of a file to the socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SentBy {
    /// We, who read them.
    Us,
    TheSystem,
}

/// The next piece of a body.
pub(super) enum Piece {
    /// Bytes to be framed and sent.
    Bytes(Bytes),
    /// So many bytes, which were put behind the output already.
    InPlace(usize),
    /// Bytes to be sent from their file.
    File(FilePart),
    /// More than was announced.
    TooMuch,
    /// The end, with trailer fields if there are any.
    End(Option<Box<Headers>>),
}

impl Outgoing {
    /// Starts on a body; one that is in memory is given back. Files that are as small as what is
    /// copied elsewhere are read: the system is asked once for each of several things to send one.
    pub(super) fn start(body: Body, sends_files: bool) -> Result<Self, Body> {
        match body.kind {
            BodyKind::File(part) => {
                let is_large = part.left() > COPY_BYTES as u64;
                let by = if sends_files && is_large { SentBy::TheSystem } else { SentBy::Us };
                Ok(Self::File(part, by))
            }
            BodyKind::Channel(reader) => {
                Ok(Self::Channel { reader, production: None, failure: None })
            }
            BodyKind::Producer(produce) => {
                let (writer, body) = Body::channel();
                let BodyKind::Channel(reader) = body.kind else { return Err(body) };
                let production = Some(produce(writer));
                Ok(Self::Channel { reader, production, failure: None })
            }
            kind => Err(Body::of(kind)),
        }
    }

    /// Takes the next piece. Files are read to the end of the sink's buffer, and a producer that
    /// is run writes to the sink as it likes, whatever comes behind.
    pub(super) fn poll(
        &mut self,
        sink: &mut Sink<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Piece, BodyError>> {
        let (reader, production, failure) = match self {
            Self::File(part, SentBy::Us) => {
                return Poll::Ready(read_in_place(part, sink.buffer).map_err(BodyError::from));
            }
            Self::File(part, by @ SentBy::TheSystem) => {
                return Poll::Ready(next_of_file(part, by, sink.buffer).map_err(BodyError::from));
            }
            Self::Channel { reader, production, failure } => (reader, production, failure),
        };
        if let Some(future) = production {
            if let Poll::Ready(result) = reader.take_unsent() {
                return Poll::Ready(result.map(|chunk| piece(reader, chunk)));
            }
            let run = reader.run_writer(sink, || future.as_mut().poll(cx));
            // A producer that fails or forgets to finish has dropped its writer, which aborts.
            if let Poll::Ready(result) = run {
                *failure = result.err();
                *production = None;
            }
            if sink.is_too_much {
                return Poll::Ready(Ok(Piece::TooMuch));
            }
        }
        reader.poll_unsent(cx).map(|result| result.map(|chunk| piece(reader, chunk)))
    }

    /// Takes the next piece where nothing can be written in place.
    pub(super) fn poll_apart(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, BodyError>> {
        let (reader, production, failure) = match self {
            Self::File(part, _) => {
                let mut bytes = Vec::new();
                let read = read_in_place(part, &mut bytes);
                return Poll::Ready(match read {
                    Ok(Piece::InPlace(_)) => Ok(Piece::Bytes(bytes.into())),
                    read => read.map_err(BodyError::from),
                });
            }
            Self::Channel { reader, production, failure } => (reader, production, failure),
        };
        if let Some(future) = production {
            if let Poll::Ready(result) = reader.take_unsent() {
                return Poll::Ready(result.map(|chunk| piece(reader, chunk)));
            }
            if let Poll::Ready(result) = future.as_mut().poll(cx) {
                // As in `poll`.
                *failure = result.err();
                *production = None;
            }
        }
        reader.poll_unsent(cx).map(|result| result.map(|chunk| piece(reader, chunk)))
    }

    /// Whether nothing may be made behind a piece before that is sent, which may fail.
    pub(super) const fn goes_alone(&self) -> bool {
        matches!(self, Self::File(_, SentBy::TheSystem))
    }

    /// Why the producer gave up, if it said so.
    pub(super) fn failure(&mut self) -> Option<BoxError> {
        match self {
            Self::File(..) => None,
            Self::Channel { failure, .. } => failure.take(),
        }
    }

    /// Everything taken so far was handed to the system.
    pub(super) fn sent(&mut self) {
        match self {
            Self::File(..) => {}
            Self::Channel { reader, .. } => reader.sent(),
        }
    }
}

fn piece(reader: &mut BodyReader, chunk: Option<Bytes>) -> Piece {
    chunk.map_or_else(|| Piece::End(reader.take_own_trailers()), Piece::Bytes)
}

/// The next piece of a file that the system sends, if it can.
fn next_of_file(part: &mut FilePart, by: &mut SentBy, buffer: &mut Vec<u8>) -> io::Result<Piece> {
    if part.left() == 0 {
        return Ok(Piece::End(None));
    }
    if let Some(piece) = part.take(SENT_PIECE_BYTES)? {
        return Ok(Piece::File(piece));
    }
    // Whoever reads finds out what there is of it.
    *by = SentBy::Us;
    read_in_place(part, buffer)
}

fn read_in_place(part: &mut FilePart, buffer: &mut Vec<u8>) -> io::Result<Piece> {
    let len = usize::try_from(part.left()).unwrap_or(usize::MAX).min(FILE_PIECE_BYTES);
    let start = buffer.len();
    buffer.resize(start + len, 0);
    let read = part.read(&mut buffer[start..]);
    buffer.truncate(start + read.as_ref().map_or(0, |&read| read));
    Ok(match read? {
        0 => Piece::End(None),
        read => Piece::InPlace(read),
    })
}

/// The bytes of a body that is copied behind its head.
#[inline(always)]
pub(super) fn small(body: &Body) -> Option<&[u8]> {
    let is_pooled = matches!(body.kind, BodyKind::Pooled(_));
    body.as_bytes().filter(|bytes| bytes.len() <= COPY_BYTES || is_pooled)
}

/// The length that a handler announced for a body that is not in memory.
pub(super) fn declared_length(headers: &Headers) -> Option<u64> {
    headers
        .managed()
        .content_length()
        .then(|| headers.get("content-length")?.parse().ok())
        .flatten()
}
