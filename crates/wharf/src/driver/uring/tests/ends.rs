//! Ends of connections: of one direction, of both, in order and broken off.
//!
//! Not here: what the kernel still holds by then (`storage.rs`).

use std::io::{ErrorKind, Read, Write};

use super::*;

#[test]
fn half_a_connection_goes_on() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    client.write_all(b"all").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    rig.turn_until(|rig| !rig.ended.is_empty());
    rig.idle();
    assert_eq!((rig.received(key), rig.ended.len()), (&b"all"[..], 1), "the end comes once");
    assert!(rig.driver.send(key, &mut output(b"still there"), Behind::More).is_pending());
    rig.turn_until(|rig| !rig.sent.is_empty());
    client.read_exact(&mut [0; 11]).unwrap();
    assert!(rig.failed.is_empty());
    reset(client);
    rig.turn_until(|rig| rig.failed == [key]);
    rig.idle();
    assert_eq!(rig.failed.len(), 1, "a failure comes once");
}

#[test]
fn the_other_half_goes_on_as_well() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    assert!(rig.driver.send(key, &mut output(b"the last word"), Behind::More).is_pending());
    rig.driver.shutdown_send(key);
    let mut last = String::new();
    client.read_to_string(&mut last).unwrap();
    assert_eq!(last, "the last word");
    client.write_all(b"or not").unwrap();
    drop(client);
    rig.turn_until(|rig| rig.ended == [key]);
    assert_eq!(rig.received(key), b"or not");
}

#[test]
fn a_reset_is_noticed_whether_or_not_anything_is_received() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (client, first) = rig.connect();
    reset(client);
    rig.turn_until(|rig| rig.failed == [first]);
    let (mut client, second) = rig.connect();
    rig.driver.set_receiving(second, false);
    rig.idle();
    client.write_all(b"unheard").unwrap();
    rig.idle();
    assert!(rig.received(second).is_empty());
    reset(client);
    rig.turn_until(|rig| rig.failed == [first, second]);
}

#[test]
fn a_close_says_what_it_was_told_to_say() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    assert!(rig.driver.send(key, &mut output(b"bye"), Behind::More).is_pending());
    assert!(rig.driver.close(key, Close::Graceful).is_none());
    assert!(matches!(
        rig.driver.send(key, &mut output(b"more"), Behind::More),
        Poll::Ready(Err(_))
    ));
    rig.driver.submit();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bye", "what was sent before is delivered");
    let (mut client, key) = rig.connect();
    rig.driver.close(key, Close::Reset);
    rig.driver.submit();
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn the_last_bytes_go_with_the_end_whatever_the_peer_has_sent() {
    for is_closed in [false, true] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        let (mut client, key) = rig.connect();
        client.set_nonblocking(true).unwrap();
        let mut last = output(b"bye");
        assert!(matches!(rig.driver.send(key, &mut last, Behind::End), Poll::Ready(Ok(()))));
        assert!(last.is_empty());
        let nothing = client.read(&mut [0; 10]);
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        if is_closed {
            client.write_all(b"\r\n").unwrap();
            rig.driver.close(key, Close::Graceful);
        } else {
            rig.driver.shutdown_send(key);
        }
        rig.driver.submit();
        client.set_nonblocking(false).unwrap();
        let mut bytes = [0; 3];
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"bye");
    }
}
