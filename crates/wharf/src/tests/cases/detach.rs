//! Cases: connections that leave their server.
//!
//! Not here: which ends of a driver they leave by (`driver`).

use std::future::{pending, poll_fn};
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::super::client::{Client, End};
use super::super::site::Stage;
use super::{Case, Harness, tcp};
use crate::{BlockingStream, BoxError, CloseReason, DetachError, Detached, Io, Protocol, Service};

pub(super) const CASES: &[Case] = &[
    Case::of("a_detached_connection_is_answered_by_another_thread", two_bytes, answered),
    Case::of("a_detached_connection_outlives_its_server", two_bytes, outlives),
    Case::of("a_connection_is_detached_while_its_peer_sends", two_bytes, while_it_sends),
    Case::of("a_connection_is_detached_behind_what_was_written", large, behind_the_large),
    Case::of("a_connection_is_detached_behind_its_half_of_an_end", half, behind_the_half),
    Case::of("a_connection_is_detached_behind_its_peers_end", ended, behind_the_end),
    Case::of("a_blocking_handler_goes_on_detached", blocking, answered),
    Case::of("a_protocol_is_detached", protocol, answered),
    Case::of("an_upgraded_connection_is_detached", upgraded, upgrade),
    Case::of("a_connection_that_is_lost_is_not_detached", stuck, lost),
    Case::of("a_connection_that_is_killed_is_not_detached", stuck, killed),
];

/// Has another thread serve the connection once it may: it says back what comes, up to the end.
fn serve_elsewhere(stage: &Arc<Stage>, detached: Detached) {
    let stage = Arc::clone(stage);
    thread::spawn(move || {
        stage.pass_blocking("elsewhere");
        let read = echo_on(detached).expect("the client is there");
        stage.add("read elsewhere", read);
        stage.add("done elsewhere", 1);
    });
}

fn echo_on(mut detached: Detached) -> io::Result<usize> {
    let (mut buffer, mut read) = ([0; 1000], 0);
    loop {
        match detached.read(&mut buffer)? {
            0 => break,
            len => detached.write_all(&buffer[..len]).map(|()| read += len)?,
        }
    }
    detached.write_all(b"bye")?;
    detached.shutdown_write()?;
    Ok(read)
}

/// Leaves behind two bytes.
fn two_bytes(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        stream.read_exact(&mut [0; 2]).await?;
        stream.write_all(b"two").await?;
        serve_elsewhere(&stage, stream.detach().await?);
        Ok::<_, BoxError>(())
    })
}

/// The server has nothing to do with it any more.
fn is_gone(harness: &Harness) {
    harness.wait_for_close(CloseReason::Detached);
    if let Some(connections) = harness.connections() {
        assert_eq!(connections.list.len(), 0);
    }
}

fn ends(harness: &Harness, client: &mut Client) {
    client.shut();
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
    harness.wait_for("done elsewhere", 1);
}

fn answered(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("xxhello");
    assert_eq!(client.bytes(3), "two");
    is_gone(harness);
    assert!(client.has_nothing());
    harness.stage.open("elsewhere");
    assert_eq!(client.bytes(5), "hello");
    client.send("again");
    assert_eq!(client.bytes(5), "again");
    ends(harness, &mut client);
}

fn outlives(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("xxhello");
    is_gone(harness);
    harness.drain(Duration::from_secs(3600));
    let report = harness.wait_for_end();
    assert!(report.is_clean(), "{report:?}");
    harness.stage.open("elsewhere");
    assert_eq!(client.bytes(8), "twohello");
    ends(harness, &mut client);
}

fn while_it_sends(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.stage.open("elsewhere");
    let bytes: Vec<u8> = (0..300_000).map(|n: u32| b'a' + (n % 23).to_le_bytes()[0]).collect();
    client.send("xx");
    client.send(&bytes);
    assert_eq!(client.bytes(3), "two");
    assert!(client.bytes(bytes.len()).as_bytes() == bytes, "in order");
    is_gone(harness);
    ends(harness, &mut client);
    assert_eq!(harness.stage.count("read elsewhere"), bytes.len());
}

fn large(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        stream.write_all(&vec![b'x'; 3_000_000]).await?;
        serve_elsewhere(&stage, stream.detach().await?);
        Ok::<_, BoxError>(())
    })
}

fn behind_the_large(harness: &mut Harness) {
    let mut client = harness.connect();
    harness.stage.open("elsewhere");
    assert_eq!(client.bytes(3_000_000), "x".repeat(3_000_000));
    is_gone(harness);
    client.send("small");
    assert_eq!(client.bytes(5), "small");
    ends(harness, &mut client);
}

fn half(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        stream.write_all(b"all").await?;
        stream.shutdown_write()?;
        let mut detached = stream.detach().await?;
        thread::spawn(move || {
            let read = io::copy(&mut detached, &mut io::sink()).expect("the client is there");
            stage.add("read elsewhere", usize::try_from(read).expect("a few"));
        });
        Ok::<_, BoxError>(())
    })
}

fn behind_the_half(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.bytes(3), "all");
    assert_eq!(client.end(), End::Closed);
    is_gone(harness);
    client.send("hello");
    client.shut();
    harness.wait_for("read elsewhere", 5);
}

fn ended(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        let mut buffer = [0; 10];
        while stream.read(&mut buffer).await? > 0 {}
        serve_elsewhere(&stage, stream.detach().await?);
        Ok::<_, BoxError>(())
    })
}

fn behind_the_end(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("hello");
    client.shut();
    is_gone(harness);
    harness.stage.open("elsewhere");
    assert_eq!(client.bytes(3), "bye");
    assert_eq!(client.end(), End::Closed);
}

fn blocking(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::tcp(move |mut stream: BlockingStream| {
        stream.read_exact(&mut [0; 2])?;
        stream.write_all(b"two")?;
        let detached = stream.detach()?;
        stage.pass_blocking("elsewhere");
        let read = echo_on(detached)?;
        stage.add("read elsewhere", read);
        stage.add("done elsewhere", 1);
        Ok::<_, BoxError>(())
    })
}

/// Takes two bytes and leaves.
struct Two(Arc<Stage>);

impl Protocol for Two {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        if bytes.len() < 2 {
            return Ok(0);
        }
        io.write(b"two");
        io.detach()?;
        assert_eq!(io.detach(), Err(DetachError::Twice));
        io.write(b"too late");
        io.finish();
        Ok(2)
    }

    fn on_detached(&mut self, detached: Detached) -> Result<(), BoxError> {
        serve_elsewhere(&self.0, detached);
        Ok(())
    }
}

fn protocol(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::protocol(move || Two(Arc::clone(&stage)))
}

fn upgraded(stage: &Arc<Stage>) -> Service {
    let stage = Arc::clone(stage);
    Service::http(move |_: crate::Request| {
        let stage = Arc::clone(&stage);
        crate::Response::upgrade_to("two", move || Two(stage))
    })
}

fn upgrade(harness: &mut Harness) {
    let mut client = harness.connect();
    let head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: two\r\n\r\n";
    client.send(format!("{head}xxhello"));
    assert_eq!(client.response().status, 101);
    assert_eq!(client.bytes(3), "two");
    is_gone(harness);
    harness.stage.open("elsewhere");
    assert_eq!(client.bytes(5), "hello");
    ends(harness, &mut client);
}

/// Leaves when its peer takes nothing any more.
fn stuck(stage: &Arc<Stage>) -> Service {
    tcp(stage, async |stage, mut stream| {
        {
            let mut writing = pin!(async {
                while stream.write_all(&[b'x'; 1000]).await.is_ok() {
                    stage.add("written", 1000);
                }
            });
            let mut gate = pin!(stage.pass("a"));
            poll_fn(|cx| match gate.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => writing.as_mut().poll(cx),
            })
            .await;
        }
        stage.add("leaves", 1);
        thread::spawn(move || {
            let result = stream.into_blocking().detach();
            stage.add(&format!("{:?}", result.map(drop)), 1);
        });
        pending::<()>().await;
    })
}

fn lost(harness: &mut Harness) {
    let client = harness.connect();
    harness.wait_for("waiting", 1);
    harness.wait_until_stuck("written");
    harness.stage.open("a");
    harness.wait_for("leaves", 1);
    client.reset();
    harness.wait_for(&format!("{:?}", Err::<(), _>(DetachError::Over)), 1);
    harness.wait_for_close(CloseReason::Lost);
}

fn killed(harness: &mut Harness) {
    let client = harness.connect();
    harness.wait_for("waiting", 1);
    harness.wait_until_stuck("written");
    let Some(connections) = harness.connections() else { return };
    harness.stage.open("a");
    harness.wait_for("leaves", 1);
    assert!(harness.kill(connections.list[0].id));
    harness.wait_for(&format!("{:?}", Err::<(), _>(DetachError::Over)), 1);
    harness.wait_for_close(CloseReason::Killed);
    drop(client);
}
