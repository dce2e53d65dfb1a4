//! Connections that leave the driver for good, in one piece.
//!
//! Not here: who asks for that.

use std::io::{Read, Write};
use std::thread;

use super::*;

/// What a connection of which so much was received is released with, and its client's end.
fn released(rig: &mut Rig, key: Key) -> Released {
    rig.driver.release(key);
    rig.turn_until(|rig| !rig.released.is_empty() || !rig.failed.is_empty());
    let released = rig.released.pop().expect("it is not broken");
    assert!(released.key == key && rig.released.is_empty());
    assert!(rig.driver.close(key, Close::Reset).is_none(), "it is not the driver's any more");
    released
}

/// Both ways still lead from one end to the other, and nobody else has the socket: its end comes
/// through when it is dropped.
fn assert_usable(mut client: TcpStream, mut socket: TcpStream) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"ping").unwrap();
    let mut bytes = [0; 4];
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"ping");
    socket.write_all(b"pong").unwrap();
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"pong");
    drop(socket);
    assert_eq!(client.read(&mut bytes).unwrap(), 0);
}

#[test]
fn a_released_connection_is_a_socket_like_any_other() {
    for is_receiving in [true, false] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        client.write_all(b"hello").unwrap();
        rig.turn_until(|rig| rig.received(key) == b"hello");
        rig.driver.set_receiving(key, is_receiving);
        rig.idle();
        let Released { socket, unread, .. } = released(&mut rig, key);
        assert!(unread.is_empty());
        assert_usable(client, socket);
        // Its place is another's.
        let (mut client, other) = rig.connect();
        assert!(other.index == key.index && other != key);
        client.write_all(b"other").unwrap();
        rig.turn_until(|rig| rig.received(other) == b"other");
        rig.idle();
        assert!(!rig.driver.has_more() && rig.ended.is_empty() && rig.failed.is_empty());
    }
}

#[test]
fn a_connection_can_be_released_before_the_kernel_was_told_of_it() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (ours, _key) = rig.connect();
    let (client, mut pair) = (TcpStream::connect(rig.addr).unwrap(), None);
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    while pair.is_none() {
        rig.driver.wait(Some(rig.deadline)).unwrap();
        let Some(Completion::Accepted(Accepted { socket, .. })) = rig.driver.next() else {
            continue;
        };
        pair = Some(rig.driver.adopt(socket).unwrap());
    }
    let Released { socket, unread, .. } = released(&mut rig, pair.unwrap());
    assert!(unread.is_empty());
    assert_usable(client, socket);
    drop(ours);
}

#[test]
fn what_a_released_connection_has_received_and_not_delivered_goes_along() {
    for sizes in [SIZES, TINY] {
        let Some(mut rig) = Rig::new(sizes) else { return };
        let (mut client, key) = rig.connect();
        // More than is delivered in a turn, so that some is held, and some of it is delivered.
        let data = pattern(LARGE);
        let len = flood(&mut client, &data);
        rig.turn_until(|rig| !rig.received(key).is_empty());
        let Released { mut socket, unread, .. } = released(&mut rig, key);
        let mut all = rig.received(key).to_vec();
        all.extend_from_slice(&unread);
        let read = all.len();
        all.resize(len, 0);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.read_exact(&mut all[read..]).unwrap();
        assert!(all == data[..len]);
        assert_usable(client, socket);
    }
}

#[test]
fn what_comes_while_a_connection_is_released_is_found_in_one_place_or_the_other() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let data = pattern(1 << 20);
    for _ in 0..50 {
        let (client, key) = rig.connect();
        let mut writer = client.try_clone().unwrap();
        let bytes = data.clone();
        let writer = thread::spawn(move || {
            writer.write_all(&bytes).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        rig.turn_until(|rig| !rig.received(key).is_empty());
        let Released { mut socket, unread, .. } = released(&mut rig, key);
        let mut all = rig.received(key).to_vec();
        all.extend_from_slice(&unread);
        socket.read_to_end(&mut all).unwrap();
        assert!(all == data);
        writer.join().unwrap();
        rig.received.clear();
    }
    assert!(rig.ended.is_empty() && rig.failed.is_empty());
}

#[test]
fn an_end_that_has_come_is_found_again_by_whoever_reads_from_the_released_socket() {
    for is_receiving in [true, false] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        rig.driver.set_receiving(key, is_receiving);
        rig.idle();
        rig.driver.release(key);
        client.write_all(b"all").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let Released { mut socket, mut unread, .. } = released(&mut rig, key);
        socket.read_to_end(&mut unread).unwrap();
        assert_eq!(unread, b"all");
        socket.write_all(b"still there").unwrap();
        client.read_exact(&mut [0; 11]).unwrap();
        assert!(rig.ended.is_empty());
    }
}

#[test]
fn a_connection_that_breaks_while_it_is_released_fails_or_its_socket_tells() {
    for is_receiving in [true, false] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (client, key) = rig.connect();
        rig.driver.set_receiving(key, is_receiving);
        rig.idle();
        rig.driver.release(key);
        reset(client);
        rig.turn_until(|rig| rig.released.len() + rig.failed.len() == 1);
        match rig.released.pop() {
            None => assert!(rig.driver.close(key, Close::Graceful).is_none()),
            Some(mut released) => assert!(released.socket.read(&mut [0]).is_err()),
        }
        rig.idle();
        assert!(rig.released.is_empty() && rig.failed.len() <= 1 && !rig.driver.has_more());
    }
}

#[test]
fn a_connection_that_is_closed_while_it_is_released_is_closed() {
    for turns in 0..3 {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        rig.idle();
        rig.driver.release(key);
        for _ in 0..turns {
            rig.driver.wait(Some(rig.driver.now())).unwrap();
        }
        assert!(rig.driver.close(key, Close::Graceful).is_none());
        rig.driver.submit();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        rig.idle();
        assert!(rig.released.is_empty());
    }
}
