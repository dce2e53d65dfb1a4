//! Cases: handlers that read and write a [`Stream`].
//!
//! Not here: protocols that are called with what comes.

use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use super::super::client::End;
use super::super::site::{Stage, Witness, panic_quietly};
use super::{Case, Harness, tcp};
use crate::{CloseReason, Service, Stream};

pub(super) const CASES: &[Case] = &[
    Case::of("an_echo", echo, an_echo),
    Case::of("a_large_echo", echo, a_large_echo),
    Case::of("a_peer_is_not_read_before_its_handler_reads", gated, nothing_is_read),
    Case::of("a_peer_that_takes_nothing_is_not_sent_to", source, nothing_is_taken),
    Case::of("halves_on_another_thread", on_a_thread, it_echoes),
    Case::of("both_directions_at_once", both_ways, both_directions),
    Case::of("a_handler_that_returns_at_once", |_| Service::tcp(async |_: Stream| ()), at_once),
    Case::of("a_handler_that_fails", fails, a_failure),
    Case::of("a_handler_that_panics", panics, a_panic),
    Case::of("a_stream_whose_peer_resets_it", waits, a_reset),
];

fn echo(_: &Arc<Stage>) -> Service {
    Service::tcp(async |mut stream: Stream| {
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer).await? {
                0 => return Ok::<_, io::Error>(()),
                len => stream.write_all(&buffer[..len]).await?,
            }
        }
    })
}

fn an_echo(harness: &mut Harness) {
    it_echoes(harness);
    harness.wait_for_close(CloseReason::Finished);
}

fn it_echoes(harness: &mut Harness) {
    let mut client = harness.connect();
    for text in ["hello", "again", "and again"] {
        client.send(text);
        assert_eq!(client.bytes(text.len()), text);
    }
    client.shut();
    assert_eq!(client.end(), End::Closed);
}

fn a_large_echo(harness: &mut Harness) {
    let mut client = harness.connect();
    let bytes: Vec<u8> = (0..1 << 20).map(|n: u32| (n / 7).to_le_bytes()[0]).collect();
    client.send(&bytes);
    client.shut();
    let back = client.bytes(bytes.len());
    assert!(back.chars().zip(&bytes).all(|(char, &byte)| char as u32 == u32::from(byte)));
    assert_eq!(client.end(), End::Closed);
}

/// A handler that reads nothing before the gate is open, and then all.
fn gated(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        stage.pass("a").await;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match stream.read(&mut buffer).await? {
                0 => break,
                len => stage.add("read", len),
            }
        }
        stream.write_all(b"all").await
    })
}

fn nothing_is_read(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.wait_for("waiting", 1);
    let piece = [b'x'; 64 << 10];
    let taken = client.send_until_stuck(&piece, 32 << 20);
    assert!(taken < 32 << 20, "{taken} bytes were taken");
    harness.stage.open("a");
    client.send("z");
    client.shut();
    assert_eq!(client.bytes(3), "all");
    assert_eq!(harness.stage.count("read"), taken + 1);
    assert_eq!(client.end(), End::Closed);
}

/// A handler that never stops to write.
fn source(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        let _witness = Witness(Arc::clone(&stage), "handler gone");
        loop {
            stream.write_all(&[b'x'; 1000]).await?;
            stage.add("written", 1000);
            if stage.count("written") > 64 << 20 {
                return Ok::<_, io::Error>(());
            }
        }
    })
}

fn nothing_is_taken(harness: &mut Harness) {
    let client = harness.connect();
    harness.wait_for("written", 60_000);
    harness.wait_until_stuck("written");
    assert!(harness.stage.count("written") < 64 << 20);
    client.reset();
    harness.wait_for("handler gone", 1);
}

fn on_a_thread(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, stream| {
        let (mut reader, mut writer) = stream.split();
        let done = Arc::clone(&stage);
        thread::spawn(move || {
            let mut buffer = [0; 3];
            loop {
                match block_on(reader.read(&mut buffer)).expect("it is there") {
                    0 => break,
                    len => block_on(writer.write_all(&buffer[..len])).expect("it is there"),
                }
            }
            done.open("a");
        });
        stage.pass("a").await;
    })
}

/// Waits for a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    crate::body::block_on(|cx| future.as_mut().poll(cx))
}

/// Counts what comes while it sends on and on.
fn both_ways(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, stream| {
        let (mut reader, mut writer) = stream.split();
        let done = Arc::clone(&stage);
        thread::spawn(move || {
            for _ in 0..100 {
                block_on(writer.write_all(&[b'x'; 10_000])).expect("it is there");
            }
        });
        let mut buffer = [0; 1000];
        loop {
            match reader.read(&mut buffer).await? {
                0 => break,
                len => done.add("read", len),
            }
        }
        stage.pass("a").await;
        Ok::<_, io::Error>(())
    })
}

fn both_directions(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send([b'y'; 1_000_000]);
    client.shut();
    assert_eq!(client.bytes(1_000_000), "x".repeat(1_000_000));
    // The half that was dropped has ended it.
    assert_eq!(client.end(), End::Closed);
    harness.wait_for("waiting", 1);
    assert_eq!(harness.stage.count("read"), 1_000_000);
    harness.stage.open("a");
}

fn at_once(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Finished);
}

fn fails(_: &Arc<Stage>) -> Service {
    Service::tcp(async |mut stream: Stream| {
        let mut buffer = [0; 10];
        let len = stream.read(&mut buffer).await?;
        stream.write_all(&buffer[..len]).await?;
        Err::<(), _>(io::Error::other("as asked for"))
    })
}

fn a_failure(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("last words");
    assert_eq!(client.bytes(10), "last words");
    assert_eq!(client.end(), End::Closed);
    drop(client);
    harness.wait_for_close(CloseReason::Failed);
}

fn panics(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        let _witness = Witness(stage, "handler gone");
        if let Ok(1) = stream.read(&mut [0; 10]).await {
            panic_quietly();
        }
    })
}

fn a_panic(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("x");
    assert_eq!(client.try_end(), End::Reset);
    harness.wait_for_close(CloseReason::Failed);
    assert_eq!(harness.stage.count("handler gone"), 1);
}

fn waits(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, _| {
        let _witness = Witness(Arc::clone(&stage), "handler gone");
        stage.add("waits", 1);
        pending::<()>().await;
    })
}

fn a_reset(harness: &mut Harness) {
    let client = harness.connect();
    harness.wait_for("waits", 1);
    client.reset();
    harness.wait_for("handler gone", 1);
    harness.wait_for_close(CloseReason::Lost);
}
