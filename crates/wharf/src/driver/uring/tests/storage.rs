//! Memory and places that the kernel knows of, once a connection or its driver has gone.
//!
//! Not here: what the peer sees of it (`ends.rs`).

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::Ordering;

use super::*;

#[test]
fn what_is_being_sent_is_kept_until_the_kernel_is_through_with_it() {
    for how in [Close::Graceful, Close::Reset] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        let (mut output, dropped) = owned(LARGE);
        assert!(rig.driver.send(key, &mut output, Behind::More).is_pending());
        rig.driver.submit();
        client.read_exact(&mut [0; 1000]).unwrap();
        assert!(rig.driver.close(key, how).is_none(), "the kernel has it");
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        // Its place may be another's by then.
        let (_other, other_key) = rig.connect();
        assert!(other_key.index == key.index && other_key.generation != key.generation);
        rig.turn_until(|rig| !rig.sent.is_empty());
        let sent = rig.sent.pop().unwrap();
        assert!(sent.key == key && sent.result.is_err() && !sent.output.is_empty());
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        drop(sent);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        let end = io::copy(&mut client, &mut io::sink());
        assert_eq!(end.is_err(), how == Close::Reset);
    }
}

#[test]
fn places_behind_the_last_connection_are_freed_while_the_kernel_is_not_through_with_them() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let mut clients: Vec<_> = (0..20).map(|_| rig.connect()).collect();
    rig.idle();
    let (_, last) = clients[19];
    let (mut output, dropped) = owned(LARGE);
    assert!(rig.driver.send(last, &mut output, Behind::More).is_pending());
    // The kernel receives from all of them, and has more by the time they are closed.
    for (client, _) in &mut clients {
        client.write_all(b"hello").unwrap();
    }
    for (_, key) in clients.iter().filter(|(_, key)| key.index != 4) {
        rig.driver.close(*key, Close::Reset);
    }
    rig.driver.shrink();
    assert_eq!((rig.driver.slots.len(), rig.driver.free.len()), (5, 4));
    rig.turn_until(|rig| !rig.sent.is_empty());
    let sent = rig.sent.pop().unwrap();
    assert!(sent.key == last && sent.result.is_err());
    drop((sent, output));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    let (_, kept) = clients[4];
    rig.turn_until(|rig| rig.received(kept) == b"hello");
    let again: Vec<_> = (0..20).map(|_| rig.connect()).collect();
    assert!(again.iter().any(|(_, key)| key.index == last.index));
    assert!(again.iter().all(|(_, key)| clients.iter().all(|(_, before)| before != key)));
}

#[test]
fn a_driver_that_is_dropped_takes_everything_back() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut sending, sending_key) = rig.connect();
    let (mut paused, paused_key) = rig.connect();
    let (mut idle, _) = rig.connect();
    let (mut leaving, leaving_key) = rig.connect();
    let (mut output, dropped) = owned(LARGE);
    assert!(rig.driver.send(sending_key, &mut output, Behind::More).is_pending());
    rig.driver.set_receiving(paused_key, false);
    rig.idle();
    flood(&mut paused, &pattern(LARGE));
    let (mut second, second_dropped) = owned(LARGE);
    assert!(
        rig.driver.send(paused_key, &mut second, Behind::More).is_pending(),
        "it is not submitted before the end"
    );
    rig.driver.release(leaving_key);
    let mut waiting = TcpStream::connect(rig.addr).unwrap();
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let addr = rig.addr;
    drop(rig);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(second_dropped.load(Ordering::Relaxed), 1);
    assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    assert_eq!(leaving.read(&mut [0]).unwrap(), 0);
    // All of them are closed, also the one that nobody was told of.
    for client in [&mut sending, &mut paused, &mut waiting] {
        let read = io::copy(client, &mut io::sink());
        assert!(read.map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |_| true));
    }
    assert!(TcpStream::connect(addr).is_err());
}
