//! Cases: protocols of a program's own, functions that are called with what comes, handlers that
//! block, and how connections of all of them end.
//!
//! Not here: what asynchronous handlers do with their streams (`raw.rs`).

use std::io::{self, ErrorKind, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::super::client::End;
use super::super::site::{Stage, panic_quietly};
use super::{Case, Harness, tcp};
use crate::{
    BlockingPool, BlockingStream, BoxError, CloseReason, ConnectionState, Io, Limit, Protocol,
    ProtocolKind, Server, Service, Stream, Timeouts,
};

/// More than any case takes.
const LONG: Duration = Duration::from_secs(3600);
/// So short that real time passes it at once.
const SHORT: Duration = Duration::from_millis(20);

pub(super) const CASES: &[Case] = &[
    Case::of("a_protocol_of_lines", lines, some_lines),
    Case::of("a_protocol_that_makes_nothing_of_what_comes", lines, an_endless_line),
    Case::of("a_function_that_is_called_with_what_comes", sums, some_sums).with(forgives),
    Case::of("a_function_whose_errors_are_not_forgiven", sums, no_sums),
    Case::of("last_words_of_one_that_panics", panics, last_words).with(forgives),
    Case::of("a_protocol_that_can_not_be_made", unmade, not_made),
    Case::of("a_blocking_echo", blocking, a_blocking_echo),
    Case::of("a_thread_reads_while_another_writes", two_threads, both_ways_at_once),
    Case::of("ten_connections_on_five_threads", gated, ten_on_five).with(five_threads),
    Case::of("a_connection_without_a_thread_in_time", gated, no_thread).with(short_wait),
    Case::of("a_connection_without_room_to_wait", gated, no_room).with(no_queue),
    Case::of("a_blocking_read_that_takes_too_long", impatient_thread, too_late),
    Case::of("a_read_that_takes_too_long", impatient, too_late),
    Case::of("a_peer_that_takes_too_long_to_take", pours, takes_nothing).with(no_rate),
    Case::of("nothing_comes_or_goes", lines, nothing_comes).with(short_tunnel),
    Case::of("nothing_comes_or_goes_on_a_stream", patient_for_a_moment, nothing_comes),
    Case::of("a_drain_ends_idle_protocols", lines, idle_protocols).with(short_grace),
    Case::of("a_drain_ends_streams_that_are_marked_idle", marks, idle_streams).with(short_grace),
    Case::of("a_drain_ends_blocking_streams_too", marks_blocking, idle_streams).with(short_grace),
    Case::of("a_drain_waits_for_streams_that_are_busy", marks, busy_streams).with(short_grace),
    Case::of("a_drain_is_told_to_streams", farewells, a_farewell),
    Case::of("the_deadline_cuts_streams", marks, cut_streams),
    Case::of("the_deadline_cuts_no_stream_that_is_idle", marks, no_cut_streams).with(long_grace),
    Case::of("who_comes_in_a_drain_hears_of_it", minutes, late_minutes).with(lame_duck),
    Case::of("a_stream_that_comes_in_a_drain_hears_of_it", farewells, late_farewell)
        .with(lame_duck),
    Case::of("an_error_that_is_forgiven_behind_half_an_end", half, half_forgiven).with(forgives),
    Case::of("an_idle_protocol_hears_of_its_peers_end", minutes, an_end_when_idle),
    Case::of("an_idle_protocol_hears_of_a_drain", minutes, a_drain_when_idle).with(short_grace),
    Case::of("who_makes_nothing_of_a_drain", deaf, ends_all_the_same).with(short_grace),
    Case::of("a_protocol_that_takes_a_byte_at_a_time", bytes_alone, many_bytes),
    Case::of("more_jobs_than_are_remembered", many_jobs, they_are_done).with(five_threads),
    Case::of("a_flush_of_what_was_lost", loses, a_flush_that_fails),
    Case::of("raw_connections_are_listed", lines, listed),
];

/// Sends whole lines back.
struct Lines;

impl Protocol for Lines {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        io.write(&bytes[..whole]);
        Ok(whole)
    }
}

fn lines(_: &Arc<Stage>) -> Service {
    Service::protocol(|| Lines)
}

fn some_lines(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("one\ntwo\nthr");
    assert_eq!(client.bytes(8), "one\ntwo\n");
    client.send("ee\n");
    assert_eq!(client.bytes(6), "three\n");
    client.send("rest");
    client.shut();
    assert_eq!(client.end(), End::Closed);
}

fn an_endless_line(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send([b'x'; 200 << 10]);
    client.try_end();
    drop(client);
    harness.wait_for_close(CloseReason::Limit(Limit::Unread));
}

/// Adds up the numbers that come, each in a piece of its own.
fn sums(_: &Arc<Stage>) -> Service {
    let add = |sum: &mut i64, bytes: &[u8], io: &mut Io<'_>| {
        *sum += std::str::from_utf8(bytes)?.trim().parse::<i64>()?;
        io.write(format!("{sum}\n").as_bytes());
        Ok::<_, BoxError>(())
    };
    Service::on_readable(|| 0, add)
}

fn forgives(server: Server) -> Server {
    server.on_error(|context| {
        let stream = context.stream?;
        stream.write(b"no!\n");
        stream.keep();
        None
    })
}

fn some_sums(harness: &mut Harness) {
    let (mut client, mut other) = (harness.connect(), harness.connect());
    for (number, answer) in [("1", "1\n"), ("x", "no!\n"), ("20", "21\n"), ("-1", "20\n")] {
        client.send(number);
        assert_eq!(client.bytes(answer.len()), answer);
    }
    other.send("5");
    assert_eq!(other.bytes(2), "5\n");
}

fn no_sums(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("7");
    assert_eq!(client.bytes(2), "7\n");
    client.send("x");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Failed);
}

fn panics(_: &Arc<Stage>) -> Service {
    let panic = |_: &mut (), _: &[u8], _: &mut Io<'_>| -> Result<(), BoxError> { panic_quietly() };
    Service::on_readable(|| (), panic)
}

fn last_words(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("x");
    assert_eq!(client.bytes(4), "no!\n");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Failed);
}

fn unmade(_: &Arc<Stage>) -> Service {
    Service::protocol(|| -> Lines { panic_quietly() })
}

fn not_made(harness: &mut Harness) {
    let mut client = harness.connect();
    client.try_end();
    harness.wait_for_close(CloseReason::Failed);
}

fn blocking(_: &Arc<Stage>) -> Service {
    Service::tcp(|mut stream: BlockingStream| {
        let mut buffer = [0; 1000];
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                len => stream.write_all(&buffer[..len])?,
            }
        }
        stream.flush()?;
        stream.write_all(b"bye")
    })
}

fn a_blocking_echo(harness: &mut Harness) {
    let mut client = harness.connect();
    for len in [1, 1000, 100_000, 1_000_000] {
        client.send("y".repeat(len));
        assert_eq!(client.bytes(len), "y".repeat(len));
    }
    client.shut();
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
}

/// Pours a megabyte out, and meanwhile counts what comes in.
fn two_threads(_: &Arc<Stage>) -> Service {
    Service::tcp(|stream: BlockingStream| {
        let (mut reader, mut writer) = stream.split();
        let pours = thread::spawn(move || {
            let poured = writer.write_all(&[b'x'; 1 << 20]);
            poured.map(|()| writer)
        });
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        let writer = pours.join().expect("it does not panic")?;
        let stream = BlockingStream::reunite(reader, writer);
        let mut stream = stream.expect("they are of one connection");
        stream.write_all(format!("{} came", bytes.len()).as_bytes())
    })
}

fn both_ways_at_once(harness: &mut Harness) {
    let mut client = harness.connect();
    // Nobody who reads and writes in turns would come to an end with that.
    client.send("y".repeat(1 << 20));
    assert_eq!(client.bytes(1 << 20), "x".repeat(1 << 20));
    client.shut();
    assert_eq!(client.bytes(12), "1048576 came");
    assert_eq!(client.end(), End::Closed);
}

fn gated(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::tcp(move |mut stream: BlockingStream| {
        stage.pass_blocking("a");
        stream.write_all(b"through")
    })
}

fn pool(threads: usize) -> BlockingPool {
    BlockingPool::default().with_max_threads(threads)
}

fn five_threads(server: Server) -> Server {
    server.blocking_pool(pool(5).with_first_wait(LONG))
}

fn short_wait(server: Server) -> Server {
    server
        .blocking_pool(pool(1).with_first_wait(SHORT).with_retry_interval(SHORT).with_max_retry(3))
}

fn no_queue(server: Server) -> Server {
    server.blocking_pool(pool(1).with_max_queued(0))
}

fn ten_on_five(harness: &mut Harness) {
    let mut clients: Vec<_> = (0..10).map(|_| harness.connect()).collect();
    harness.wait_for("waiting", 5);
    harness.stage.open("a");
    for client in &mut clients {
        assert_eq!(client.bytes(7), "through");
        assert_eq!(client.end(), End::Closed);
    }
}

fn no_thread(harness: &mut Harness) {
    let mut first = harness.connect();
    harness.wait_for("waiting", 1);
    let mut second = harness.connect();
    second.send("it is here");
    harness.wait_for("open", 2);
    harness.pass(10 * SHORT);
    assert_eq!(second.end(), End::Closed);
    drop(second);
    harness.wait_for_close(CloseReason::Limit(Limit::BlockingWait));
    harness.stage.open("a");
    assert_eq!(first.bytes(7), "through");
}

fn no_room(harness: &mut Harness) {
    let mut first = harness.connect();
    harness.wait_for("waiting", 1);
    let mut second = harness.connect();
    assert_eq!(second.end(), End::Closed);
    drop(second);
    harness.wait_for_close(CloseReason::Limit(Limit::BlockingQueue));
    harness.stage.open("a");
    assert_eq!(first.bytes(7), "through");
}

fn impatient_thread(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::tcp(move |mut stream: BlockingStream| {
        stream.set_read_timeout(Some(SHORT));
        stage.add("reads", 1);
        let read = stream.read(&mut [0; 10]);
        let is_late = read.is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        stream.write_all(if is_late { b"late" } else { b"none" })
    })
}

fn impatient(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        stream.set_read_timeout(Some(SHORT));
        stage.add("reads", 1);
        let read = stream.read(&mut [0; 10]).await;
        let is_late = read.is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        stream.write_all(if is_late { b"late" } else { b"none" }).await
    })
}

fn too_late(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("reads", 1);
    // A thread may not have begun to wait when it has said that it reads.
    for _ in 0..100 {
        harness.pass(2 * SHORT);
        if !client.has_nothing() {
            break;
        }
    }
    assert_eq!(client.bytes(4), "late");
    assert_eq!(client.end(), End::Closed);
}

/// Writes more than sockets hold, with a time of its own.
fn pours(_: &Arc<Stage>) -> Service {
    Service::tcp(async |mut stream: Stream| {
        stream.set_write_timeout(5 * SHORT);
        loop {
            stream.write_all(&[b'x'; 100_000]).await?;
            if stream.is_draining() {
                return Ok::<_, io::Error>(());
            }
        }
    })
}

fn no_rate(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_write(LONG).with_write_rate(0))
}

fn takes_nothing(harness: &mut Harness) {
    let client = harness.connect();
    harness.wait_for("open", 1);
    let reason = format!("close: {:?}", CloseReason::Limit(Limit::Write));
    while harness.stage.count(&reason) == 0 {
        harness.pass(SHORT);
        harness.report();
        harness.stage.wait(Duration::from_millis(1));
    }
    drop(client);
}

fn short_tunnel(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_tunnel(5 * SHORT))
}

/// The server's own setting is far longer.
fn patient_for_a_moment(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::tcp(move |mut stream: Stream| {
        stage.add("begun", 1);
        stream.set_idle_timeout(5 * SHORT);
        async move { stream.read(&mut [0; 8]).await.map(drop) }
    })
}

fn nothing_comes(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("open", 1);
    harness.pass(6 * SHORT);
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Limit(Limit::Tunnel));
}

fn short_grace(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_drain_grace(SHORT))
}

fn idle_protocols(harness: &mut Harness) {
    let (mut client, mut silent) = (harness.connect(), harness.connect());
    client.send("hello\n");
    assert_eq!(client.bytes(6), "hello\n");
    harness.wait_for("open", 2);
    harness.drain(LONG);
    harness.pass(2 * SHORT);
    for client in [&mut client, &mut silent] {
        assert_eq!(client.end(), End::Closed);
    }
    drop((client, silent));
    assert!(harness.wait_for_end().is_clean());
    assert_eq!(harness.stage.count("close: Stopped"), 2);
}

/// Answers each piece once a gate is open, and says when it has nothing to do.
fn marks(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        let mut buffer = [0; 10];
        loop {
            stream.mark_idle();
            stage.add("idle", 1);
            match stream.read(&mut buffer).await? {
                0 => break,
                len => {
                    stage.pass("a").await;
                    stream.write_all(&buffer[..len]).await?;
                }
            }
        }
        stream.write_all(b"bye").await
    })
}

fn marks_blocking(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::tcp(move |mut stream: BlockingStream| {
        stream.mark_idle();
        stage.add("idle", 1);
        match stream.read(&mut [0; 10])? {
            0 => stream.write_all(b"bye"),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    })
}

fn idle_streams(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("idle", 1);
    harness.drain(LONG);
    // A thread may not have begun to wait when it has said that it will.
    for _ in 0..100 {
        harness.pass(2 * SHORT);
        if !client.has_nothing() {
            break;
        }
    }
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert!(harness.wait_for_end().is_clean());
    assert_eq!(harness.stage.count("close: Stopped"), 1);
}

fn busy_streams(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("hello");
    harness.wait_for("waiting", 1);
    harness.drain(LONG);
    harness.pass(5 * SHORT);
    assert!(harness.report().is_none() && client.has_nothing());
    harness.stage.open("a");
    assert_eq!(client.bytes(5), "hello");
    harness.pass(5 * SHORT);
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert!(harness.wait_for_end().is_clean());
}

fn farewells(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        stage.add("waits", 1);
        stream.draining().await;
        assert!(stream.is_draining());
        stream.write_all(b"farewell").await
    })
}

fn a_farewell(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("waits", 1);
    harness.drain(LONG);
    assert_eq!(client.bytes(8), "farewell");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert!(harness.wait_for_end().is_clean());
}

fn cut_streams(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("hello");
    harness.wait_for("waiting", 1);
    harness.drain(SHORT);
    harness.pass(2 * SHORT);
    // Nobody may take what came for all that there was to come.
    assert_eq!(client.try_end(), End::Reset);
    let report = harness.wait_for_end();
    assert_eq!((report.finished, report.cancelled, report.cut), (0, 0, 1));
}

fn long_grace(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_drain_grace(LONG))
}

fn no_cut_streams(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("idle", 1);
    harness.drain(SHORT);
    harness.pass(2 * SHORT);
    assert_eq!(client.end(), End::Closed);
    let report = harness.wait_for_end();
    assert_eq!((report.finished, report.cancelled, report.cut), (1, 0, 0));
}

fn lame_duck(server: Server) -> Server {
    server.lame_duck(LONG)
}

fn late_minutes(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("hello\n");
    assert_eq!(client.bytes(6), "hello\n");
    harness.drain(LONG);
    assert_eq!(client.bytes(6), "drain ");
    let mut late = harness.connect();
    assert_eq!(late.bytes(6), "drain ");
    late.send("hello\n");
    assert_eq!(late.bytes(6), "hello\n");
    harness.stop();
}

fn late_farewell(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("waits", 1);
    harness.drain(LONG);
    assert_eq!(client.bytes(8), "farewell");
    let mut late = harness.connect();
    assert_eq!(late.bytes(8), "farewell");
    assert_eq!(late.end(), End::Closed);
    harness.stop();
}

/// Ends what it sends with the first piece, and fails with each.
fn half(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    let fail = move |count: &mut usize, _: &[u8], io: &mut Io<'_>| -> Result<(), BoxError> {
        stage.add("fails", 1);
        *count += 1;
        if *count == 1 {
            io.write(b"that was all");
            io.shutdown_send();
        }
        Err("it always does".into())
    };
    Service::on_readable(|| 0, fail)
}

fn half_forgiven(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("x");
    assert_eq!(client.bytes(12), "that was all");
    for fails in 2..5 {
        client.send("x");
        harness.wait_for("fails", fails);
    }
    client.shut();
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn listed(harness: &mut Harness) {
    if harness.connections().is_none() {
        return;
    }
    let mut client = harness.connect();
    client.send("hello\n");
    assert_eq!(client.bytes(6), "hello\n");
    let found = harness.wait_for_state(&client, ConnectionState::Idle);
    assert_eq!(found.protocol, ProtocolKind::Raw);
    assert_eq!(found.requests, 0);
    // What TLS takes is counted as well.
    if harness.combination.transport.is_plain {
        assert_eq!((found.received_bytes, found.sent_bytes), (6, 6));
    }
}

/// Sends lines back, and tells of what else happens.
struct Minutes;

impl Protocol for Minutes {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        Lines.on_bytes(bytes, io)
    }

    fn on_end(&mut self, unread: &[u8], io: &mut Io<'_>) -> Result<(), BoxError> {
        io.write(b"end ");
        io.write(unread);
        io.finish();
        Ok(())
    }

    fn on_drain(&mut self, io: &mut Io<'_>) -> Result<(), BoxError> {
        io.write(b"drain ");
        Ok(())
    }
}

fn minutes(_: &Arc<Stage>) -> Service {
    Service::protocol(|| Minutes)
}

fn an_end_when_idle(harness: &mut Harness) {
    let (mut client, mut other) = (harness.connect(), harness.connect());
    client.send("hello\n");
    assert_eq!(client.bytes(6), "hello\n");
    client.shut();
    assert_eq!(client.bytes(4), "end ");
    assert_eq!(client.end(), End::Closed);
    other.send("and");
    other.shut();
    assert_eq!(other.bytes(7), "end and");
    assert_eq!(other.end(), End::Closed);
}

fn a_drain_when_idle(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("hello\n");
    assert_eq!(client.bytes(6), "hello\n");
    harness.drain(LONG);
    assert_eq!(client.bytes(6), "drain ");
    harness.pass(2 * SHORT);
    assert_eq!(client.bytes(4), "end ");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert!(harness.wait_for_end().is_clean());
    assert_eq!(harness.stage.count("close: Stopped"), 1);
}

/// Has nothing under way, and is not moved by ends.
struct Deaf(Arc<Stage>);

impl Protocol for Deaf {
    fn on_bytes(&mut self, bytes: &[u8], _: &mut Io<'_>) -> Result<usize, BoxError> {
        Ok(bytes.len())
    }

    fn on_end(&mut self, _: &[u8], _: &mut Io<'_>) -> Result<(), BoxError> {
        self.0.add("told", 1);
        Ok(())
    }
}

fn deaf(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::protocol(move || Deaf(Arc::clone(&stage)))
}

fn ends_all_the_same(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("open", 1);
    harness.drain(LONG);
    for _ in 0..10 {
        harness.pass(2 * SHORT);
    }
    assert_eq!(client.end(), End::Closed);
    drop(client);
    assert!(harness.wait_for_end().is_clean());
    assert_eq!(harness.stage.count("told"), 1);
}

struct BytesAlone;

impl Protocol for BytesAlone {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        io.write(&bytes[..1]);
        Ok(1)
    }
}

fn bytes_alone(_: &Arc<Stage>) -> Service {
    Service::protocol(|| BytesAlone)
}

fn many_bytes(harness: &mut Harness) {
    let mut client = harness.connect();
    let bytes: String = (0..300_000).map(|n: u32| char::from(b'a' + (n % 23) as u8)).collect();
    client.send(&bytes);
    client.shut();
    assert_eq!(client.bytes(bytes.len()), bytes);
    assert_eq!(client.end(), End::Closed);
}

/// Gives each byte to a thread.
struct Jobs(Arc<Stage>);

impl Protocol for Jobs {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        for _ in bytes {
            let stage = Arc::clone(&self.0);
            io.spawn_blocking(move || stage.add("jobs", 1));
        }
        Ok(bytes.len())
    }
}

fn many_jobs(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::protocol(move || Jobs(Arc::clone(&stage)))
}

fn they_are_done(harness: &mut Harness) {
    let mut client = harness.connect();
    for round in 1..50 {
        client.send([b'x'; 5]);
        harness.wait_for("jobs", 5 * round);
    }
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic_quietly();
    }
}

/// Writes, and fails before anybody has looked at that. Another thread has the half.
fn loses(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, stream| {
        let (_reader, mut writer) = stream.split();
        writer.write_all(b"lost").await.expect("there is room");
        thread::spawn(move || {
            stage.pass_blocking("a");
            let flushed = crate::body::block_on(|cx| pin!(writer.flush()).poll(cx));
            stage.add(if flushed.is_err() { "told so" } else { "lied to" }, 1);
        });
        drop(Grenade);
    })
}

fn a_flush_that_fails(harness: &mut Harness) {
    let mut client = harness.connect();
    client.try_end();
    harness.wait_for_close(CloseReason::Failed);
    harness.stage.open("a");
    harness.wait_for("told so", 1);
}
