//! What a producer writes while its connection runs it: straight into the connection's output.
//!
//! A worker runs one producer at a time, on its own thread. Meanwhile the output is in the thread's
//! keeping, where the producer's writer finds it: a piece is framed where it will be sent from,
//! and costs neither a lock nor a place in a queue. Not here: pieces that are written at any other
//! time or on another thread, which are queued (`channel`), and what they look like
//! (`wharf_proto`).

use std::cell::RefCell;

use wharf_proto::h1::Connection;

use super::CAPACITY_BYTES;

thread_local! {
    /// What the producer that runs on this thread may write to.
    static CURRENT: RefCell<Option<Direct>> = const { RefCell::new(None) };
}

/// The output of the connection whose producer runs.
struct Direct {
    run: Run,
    machine: Connection,
    buffer: Vec<u8>,
    body_bytes: u64,
    /// A piece was more than was announced.
    is_too_much: bool,
}

/// One time that a connection runs its producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// The channel whose writer the producer was given: where it is in memory.
    pub(super) channel: *const (),
    /// How many runs there were of this channel's producer, with this one.
    pub(super) count: u64,
}

/// What became of a piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// The connection of this channel runs no producer on this thread.
    Absent,
    /// It does, for the so many'th time, and not for that which was named.
    OtherRun(u64),
    /// The connection takes no more for now.
    Full,
    /// The piece is more than was announced, and the response is given up.
    Refused,
    Written,
}

/// Where a connection's output is made.
pub(crate) struct Sink<'a> {
    pub(crate) machine: &'a mut Connection,
    pub(crate) buffer: &'a mut Vec<u8>,
    /// How much of the body was written, in bytes.
    pub(crate) body_bytes: &'a mut u64,
    /// A piece was more than was announced.
    pub(crate) is_too_much: bool,
}

/// Writes a piece to the output of the connection whose producer is in that run.
pub(super) fn write(run: Run, data: &[u8]) -> Answer {
    // A destructor of another thread-local value may write when this one is gone.
    let answer = CURRENT.try_with(|current| match &mut *current.borrow_mut() {
        Some(direct) if direct.run.channel == run.channel => direct.write(run.count, data),
        _ => Answer::Absent,
    });
    answer.unwrap_or(Answer::Absent)
}

/// Calls `produce`, which may write to `sink` with the writer of the channel that `run` names.
pub(super) fn run<T>(run: Run, sink: &mut Sink<'_>, produce: impl FnOnce() -> T) -> T {
    let direct = Direct {
        run,
        machine: std::mem::take(sink.machine),
        buffer: std::mem::take(sink.buffer),
        body_bytes: 0,
        is_too_much: false,
    };
    // A producer may turn another worker on this very thread.
    let before = CURRENT.replace(Some(direct));
    let _lent = Lent { sink, before };
    produce()
}

/// Gives back what was lent, also if the producer panics.
struct Lent<'a, 's> {
    sink: &'a mut Sink<'s>,
    before: Option<Direct>,
}

impl Drop for Lent<'_, '_> {
    fn drop(&mut self) {
        let Some(direct) = CURRENT.replace(self.before.take()) else { return };
        *self.sink.machine = direct.machine;
        *self.sink.buffer = direct.buffer;
        *self.sink.body_bytes += direct.body_bytes;
        self.sink.is_too_much = direct.is_too_much;
    }
}

impl Direct {
    fn write(&mut self, count: u64, data: &[u8]) -> Answer {
        if count != self.run.count {
            return Answer::OtherRun(self.run.count);
        }
        if self.is_too_much {
            return Answer::Refused;
        }
        if self.buffer.len() >= CAPACITY_BYTES {
            return Answer::Full;
        }
        if self.machine.send_body(data, &mut self.buffer).is_err() {
            self.is_too_much = true;
            return Answer::Refused;
        }
        self.body_bytes += data.len() as u64;
        Answer::Written
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;

    use bytes::Bytes;
    use http::StatusCode;
    use wharf_proto::h1::{BodyLength, Response};
    use wharf_proto::{Headers, Limits, RequestHead};

    use super::super::Closed;
    use super::super::channel::{BodyReader, BodyWriter, channel};
    use super::*;

    /// A response that has begun, and the channel that its body comes through.
    struct Exchange {
        machine: Connection,
        buffer: Vec<u8>,
        body_bytes: u64,
        reader: BodyReader,
    }

    impl Exchange {
        fn begin(length: BodyLength) -> (Self, BodyWriter) {
            let (writer, reader) = channel(CAPACITY_BYTES);
            let (mut machine, mut buffer) = (Connection::new(), Vec::new());
            let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
            machine.receive(head, &Limits::default(), &mut RequestHead::default()).unwrap();
            let response = Response::new(StatusCode::OK, length);
            machine.send_head(response, &Headers::new(), &mut buffer).unwrap();
            buffer.clear();
            (Self { machine, buffer, body_bytes: 0, reader }, writer)
        }

        /// Runs a producer, and tells if it wrote more than was announced.
        fn run(&mut self, produce: impl FnOnce()) -> bool {
            let mut sink = Sink {
                machine: &mut self.machine,
                buffer: &mut self.buffer,
                body_bytes: &mut self.body_bytes,
                is_too_much: false,
            };
            self.reader.run_writer(&mut sink, produce);
            sink.is_too_much
        }

        /// What is queued.
        fn queued(&mut self) -> String {
            let mut queued = String::new();
            while let Poll::Ready(Ok(Some(piece))) = self.reader.take_unsent() {
                queued += std::str::from_utf8(&piece).unwrap();
            }
            queued
        }

        /// What is in the output, and what is queued.
        fn written(&mut self) -> (String, String) {
            (String::from_utf8(self.buffer.clone()).unwrap(), self.queued())
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<T>(waker: &Waker, future: impl Future<Output = T>) -> Poll<T> {
        std::pin::pin!(future).poll(&mut Context::from_waker(waker))
    }

    /// Polls once, with a waker that nobody listens to.
    fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        poll(Waker::noop(), future)
    }

    #[test]
    fn what_a_producer_writes_is_framed_at_once_and_not_queued() {
        let (mut exchange, mut writer) = Exchange::begin(BodyLength::Unknown);
        let long = "x".repeat(0x12c);
        exchange.run(|| {
            for piece in ["hello", "", &long] {
                assert_eq!(poll_once(writer.write(piece.to_owned())), Poll::Ready(Ok(())));
            }
        });
        let framed = format!("5\r\nhello\r\n12c\r\n{long}\r\n");
        assert_eq!(String::from_utf8_lossy(&exchange.buffer), framed);
        assert_eq!(exchange.body_bytes, 305);
        assert_eq!(exchange.queued(), "");
        // Outside of a run there is nothing that could be written to.
        assert_eq!(poll_once(writer.write("later")), Poll::Ready(Ok(())));
        assert_eq!(exchange.buffer.len(), framed.len());
        assert_eq!(exchange.queued(), "later");
    }

    #[test]
    fn pieces_keep_their_order_whatever_thread_they_come_from() {
        let (mut exchange, mut writer) = Exchange::begin(BodyLength::Known(4));
        exchange.run(|| {
            assert_eq!(writer.write_blocking("1"), Ok(()));
            thread::scope(|scope| {
                scope.spawn(|| writer.write_blocking("2")).join().unwrap().unwrap();
            });
            assert_eq!(writer.write_blocking("3"), Ok(()));
        });
        assert_eq!(exchange.written(), ("1".to_owned(), "23".to_owned()));
        exchange.run(|| assert_eq!(writer.write_blocking("4"), Ok(())));
        assert_eq!(exchange.written(), ("14".to_owned(), "".to_owned()));
    }

    #[test]
    fn a_writer_waits_while_the_output_is_full_and_is_woken_when_it_is_sent() {
        let (mut exchange, mut writer) = Exchange::begin(BodyLength::Unknown);
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        exchange.run(|| {
            let large = Bytes::from(vec![b'x'; CAPACITY_BYTES]);
            assert_eq!(poll_once(writer.write(large)), Poll::Ready(Ok(())));
            assert_eq!(poll(&waker, writer.write("more")), Poll::Pending);
            // What can't wait is queued, which has a bound of its own.
            assert_eq!(writer.write_blocking("queued"), Ok(()));
            assert_eq!(poll(&waker, writer.flush()), Poll::Pending);
        });
        assert_eq!(exchange.queued(), "queued");
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(poll(&waker, writer.flush()), Poll::Pending);
        exchange.buffer.clear();
        exchange.reader.sent();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        exchange.run(|| {
            assert_eq!(poll_once(writer.flush()), Poll::Ready(Ok(())));
            assert_eq!(poll_once(writer.write("more")), Poll::Ready(Ok(())));
            assert_eq!(poll_once(writer.flush()), Poll::Pending);
        });
        assert_eq!(exchange.buffer, b"4\r\nmore\r\n");
    }

    #[test]
    fn an_empty_piece_leaves_nothing_to_be_flushed() {
        let (mut exchange, mut writer) = Exchange::begin(BodyLength::Unknown);
        exchange.run(|| {
            assert_eq!(poll_once(writer.write("")), Poll::Ready(Ok(())));
            assert_eq!(poll_once(writer.flush()), Poll::Ready(Ok(())));
        });
    }

    #[test]
    fn more_than_was_announced_is_refused_and_so_is_all_behind_it() {
        let (mut exchange, mut writer) = Exchange::begin(BodyLength::Known(3));
        let is_too_much = exchange.run(|| {
            assert_eq!(writer.write_blocking("12"), Ok(()));
            assert_eq!(poll_once(writer.write("345")), Poll::Ready(Err(Closed)));
            assert_eq!(writer.write_blocking("3"), Err(Closed));
        });
        assert!(is_too_much);
        assert_eq!(exchange.buffer, b"12");
    }

    #[test]
    fn each_producer_writes_to_its_own_connection_and_a_panic_changes_nothing() {
        let (mut outer, mut outer_writer) = Exchange::begin(BodyLength::Known(9));
        let (mut inner, mut inner_writer) = Exchange::begin(BodyLength::Known(9));
        outer.run(|| {
            assert_eq!(outer_writer.write_blocking("a"), Ok(()));
            let panic = catch_unwind(AssertUnwindSafe(|| {
                inner.run(|| {
                    assert_eq!(inner_writer.write_blocking("1"), Ok(()));
                    assert_eq!(outer_writer.write_blocking("b"), Ok(()));
                    std::panic::resume_unwind(Box::new("quietly"));
                });
            }));
            assert!(panic.is_err());
            assert_eq!(inner_writer.write_blocking("2"), Ok(()));
            assert_eq!(outer_writer.write_blocking("c"), Ok(()));
        });
        assert_eq!(outer.written(), ("a".to_owned(), "bc".to_owned()));
        assert_eq!(inner.written(), ("1".to_owned(), "2".to_owned()));
        inner.run(|| assert_eq!(inner_writer.write_blocking("3"), Ok(())));
        assert_eq!((&inner.buffer[..], inner.body_bytes), (&b"13"[..], 2));
    }
}
