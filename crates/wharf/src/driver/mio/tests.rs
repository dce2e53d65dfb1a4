//! The readiness backend alone: what a worker can't show.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener as StdListener, TcpStream as Client};

use super::accept::accepts_beside;
use super::*;
use crate::driver::{Accepted, Input, Released};
use crate::peer::PeerAddr;

/// A connection, and the driver that has adopted it.
fn connected() -> (Client, MioDriver, Key) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let client = Client::connect(listener.local_addr().unwrap()).unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    driver.wait(None).unwrap();
    let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() else {
        panic!("not accepted")
    };
    let key = driver.adopt(socket).unwrap();
    (client, driver, key)
}

#[test]
fn what_the_peer_has_not_taken_is_counted() {
    const LEN: usize = 32 << 20;
    let (mut client, mut driver, key) = connected();
    assert_eq!(driver.untaken(key), 0);
    let mut output = Output::default();
    output.buffer.resize(LEN, b'x');
    assert!(driver.send(key, &mut output, Behind::More).is_pending(), "no socket takes that much");
    let mut untaken = driver.untaken(key);
    assert!(untaken <= LEN as u64 && untaken > LEN as u64 / 2);
    let (mut left, mut buffer) = (LEN, vec![0; 4 << 20]);
    while left > 0 {
        left -= client.read(&mut buffer).unwrap();
        driver.wait(Some(driver.now())).unwrap();
        while driver.next().is_some() {}
        assert!(driver.untaken(key) <= untaken);
        untaken = driver.untaken(key);
    }
    driver.close(key, Close::Graceful);
    assert_eq!(driver.untaken(key), 0);
}

#[test]
fn each_connection_gets_its_own_bytes_of_a_batch() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    // More than one batch holds, by number and by size.
    let lens = (0..100).map(|number| if number % 40 == 7 { 3 * RECEIVE_BYTES } else { number });
    let mut expected = HashMap::new();
    let mut clients = Vec::new();
    for (number, len) in lens.enumerate() {
        let mut client = Client::connect(addr).unwrap();
        let bytes = vec![u8::try_from(number).unwrap(); len + 1];
        client.write_all(&bytes).unwrap();
        expected.insert(PeerAddr::Ip(client.local_addr().unwrap()), bytes);
        clients.push(client);
    }
    let (mut peers, mut received) = (HashMap::new(), HashMap::new());
    while received != expected {
        driver.wait(None).unwrap();
        loop {
            match driver.next() {
                Some(Completion::Accepted(Accepted { socket, peer_addr, .. })) => {
                    peers.insert(driver.adopt(socket).unwrap(), peer_addr);
                }
                Some(Completion::Received { key, input: Input { bytes, .. } }) => {
                    assert!(bytes.len() <= RECEIVE_BYTES);
                    received.entry(peers[&key]).or_insert_with(Vec::new).extend_from_slice(bytes);
                }
                Some(other) => panic!("{other:?}"),
                None => break,
            }
        }
    }
}

/// Whoever was answered before may not have come yet.
#[cfg(target_os = "linux")]
#[test]
fn a_listener_that_is_withdrawn_stays_open_for_a_moment() {
    let (client, mut driver, _) = connected();
    let _waiting = Client::connect(client.peer_addr().unwrap()).unwrap();
    driver.withdraw();
    let due = driver.next_due();
    assert!(due.is_some() && driver.has_listeners());
    driver.withdraw();
    assert_eq!(driver.next_due(), due, "nothing is put off");
    let mut accepted = 0;
    while driver.has_listeners() {
        driver.wait(driver.next_due()).unwrap();
        while let Some(completion) = driver.next() {
            accepted += u32::from(matches!(completion, Completion::Accepted(_)));
        }
    }
    assert_eq!((accepted, driver.next_due()), (1, None));
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_is_accepted_behind_the_one_with_whom_accepting_stops() {
    let (mut first, mut driver, _) = connected();
    let addr = first.peer_addr().unwrap();
    // As many that are busy as make it worth to accept several in one turn.
    let mut busy: Vec<_> = (0..3).map(|_| Client::connect(addr).unwrap()).collect();
    for _ in 0..busy.len() {
        driver.wait(None).unwrap();
        while let Some(completion) = driver.next() {
            let Completion::Accepted(Accepted { socket, .. }) = completion else {
                panic!("all are silent")
            };
            driver.adopt(socket).unwrap();
        }
    }
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.next().is_none());
    first.write_all(b"x").unwrap();
    busy.iter_mut().for_each(|client| client.write_all(b"x").unwrap());
    let waiting: Vec<_> = (0..3).map(|_| Client::connect(addr).unwrap()).collect();
    driver.wait(None).unwrap();
    assert!(driver.accepts_left > 1);
    let mut accepted = 0;
    while let Some(completion) = driver.next() {
        if matches!(completion, Completion::Accepted(_)) {
            accepted += 1;
            driver.set_accepting(false);
        }
    }
    assert_eq!(accepted, 1);
    driver.set_accepting(true);
    driver.wait(Some(driver.now())).unwrap();
    assert!(matches!(driver.next(), Some(Completion::Accepted(_))));
    drop(waiting);
}

#[test]
fn places_behind_the_last_connection_are_freed_and_their_keys_stay_invalid() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    let mut clients = Vec::new();
    let mut connect = |driver: &mut MioDriver| {
        clients.push(Client::connect(addr).unwrap());
        loop {
            driver.wait(None).unwrap();
            if let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() {
                return driver.adopt(socket).unwrap();
            }
        }
    };
    let keys: Vec<_> = (0..20).map(|_| connect(&mut driver)).collect();
    // One of them is to be looked at in the next turn.
    driver.again.push(Ready::Connection(keys[19]));
    for key in [&keys[..4], &keys[5..]].concat() {
        driver.close(key, Close::Graceful);
    }
    driver.shrink();
    assert_eq!((driver.slots.len(), driver.free.len()), (5, 4));
    assert!(driver.slot(keys[4]).is_some());
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.next().is_none());
    let again: Vec<_> = (0..20).map(|_| connect(&mut driver)).collect();
    assert!(again.iter().any(|key| key.index == keys[19].index));
    for key in keys {
        assert!(!again.contains(&key));
        assert_eq!(driver.slot(key).is_some(), key.index == 4);
    }
}

fn output(bytes: &[u8]) -> Output {
    let mut output = Output::default();
    output.buffer.extend_from_slice(bytes);
    output
}

/// What comes until there is nothing for now, and what there is then.
fn received(client: &mut Client) -> (Vec<u8>, io::Result<usize>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 100]);
    loop {
        match client.read(&mut buffer) {
            Ok(len @ 1..) => bytes.extend_from_slice(&buffer[..len]),
            end => return (bytes, end),
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_last_bytes_go_with_the_end() {
    for is_closed in [false, true] {
        let (mut client, mut driver, key) = connected();
        let mut last = output(b"bye");
        assert!(matches!(driver.send(key, &mut last, Behind::End), Poll::Ready(Ok(()))));
        assert!(last.is_empty());
        client.set_nonblocking(true).unwrap();
        let (bytes, end) = received(&mut client);
        assert_eq!((bytes.len(), end.unwrap_err().kind()), (0, io::ErrorKind::WouldBlock));
        if is_closed {
            driver.close(key, Close::Graceful);
        } else {
            driver.shutdown_send(key);
        }
        client.set_nonblocking(false).unwrap();
        let (bytes, end) = received(&mut client);
        assert_eq!((bytes.as_slice(), end.unwrap()), (b"bye".as_slice(), 0));
    }
}

#[test]
fn the_last_bytes_come_to_a_peer_that_has_sent_more() {
    let (mut client, mut driver, key) = connected();
    assert!(driver.send(key, &mut output(b"bye"), Behind::End).is_ready());
    client.write_all(b"\r\n").unwrap();
    driver.close(key, Close::Graceful);
    assert_eq!(received(&mut client).0, b"bye");
}

/// Requests that came before the connection was taken on are delivered in the same turn, and what
/// comes later is not missed, whether or not the turn has looked.
#[cfg(target_os = "linux")]
#[test]
fn a_new_connection_delivers_what_has_come_and_what_comes() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    for is_early in [true, false] {
        let mut client = Client::connect(addr).unwrap();
        if is_early {
            client.write_all(b"early").unwrap();
        }
        driver.wait(None).unwrap();
        let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() else {
            panic!("none")
        };
        let key = driver.adopt(socket).unwrap();
        let delivers = match driver.next() {
            Some(Completion::Received { input: Input { bytes: b"early", .. }, .. }) => true,
            None => false,
            other => panic!("{other:?}"),
        };
        assert_eq!(delivers, is_early);
        client.write_all(b"late").unwrap();
        driver.wait(None).unwrap();
        let next = driver.next();
        assert!(
            matches!(next, Some(Completion::Received { input: Input { bytes: b"late", .. }, .. })),
            "{next:?}"
        );
        assert!(driver.next().is_none() && !driver.has_more());
        driver.close(key, Close::Graceful);
    }
}

/// A program that watches the descriptor hears of a connection that the last turn took on.
#[cfg(unix)]
#[test]
fn a_new_connection_is_watched_before_the_driver_is_left_alone() {
    let (mut client, mut driver, _) = connected();
    assert!(driver.next().is_none());
    driver.submit();
    client.write_all(b"late").unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    Combined::new([&driver].into_iter()).unwrap().wait(Some(deadline)).unwrap();
    assert!(Instant::now() < deadline, "nothing is noticed");
    driver.wait(None).unwrap();
    assert!(matches!(
        driver.next(),
        Some(Completion::Received { input: Input { bytes: b"late", .. }, .. })
    ));
}

/// A connection that is closed in the turn that took it on leaves its place to another.
#[test]
fn a_place_that_was_used_twice_in_a_turn_is_watched_for_its_last_connection() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    let mut clients = [(); 2].map(|()| Client::connect(addr).unwrap());
    let mut sockets = Vec::new();
    while sockets.len() < 2 {
        driver.wait(None).unwrap();
        while let Some(completion) = driver.next() {
            let Completion::Accepted(Accepted { socket, .. }) = completion else {
                panic!("nothing is sent")
            };
            sockets.push(socket);
        }
    }
    let keys = [0, 1].map(|at| {
        let key = driver.adopt(sockets.remove(0)).unwrap();
        if at == 0 {
            driver.close(key, Close::Graceful);
        }
        key
    });
    assert_eq!(keys[0].index, keys[1].index);
    clients[1].write_all(b"hello").unwrap();
    driver.wait(None).unwrap();
    let next = driver.next();
    assert!(
        matches!(next, Some(Completion::Received { key, input: Input { bytes: b"hello", .. } }) if key == keys[1])
    );
    assert_eq!(clients[0].read(&mut [0]).unwrap(), 0);
}

#[test]
fn all_that_wait_are_accepted_in_turns_that_grow_with_the_work() {
    assert_eq!([0, 1, 2, 3, 65, 900].map(accepts_beside), [1, 1, 1, 2, 64, 64]);
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    let _clients = [(); 5].map(|()| Client::connect(addr).unwrap());
    for _ in 0..5 {
        driver.wait(None).unwrap();
        assert!(matches!(driver.next(), Some(Completion::Accepted(_))));
        assert!(driver.next().is_none() && !driver.has_more(), "one is accepted at a time");
    }
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.next().is_none());
}

/// What comes of a connection that is to be given up.
fn released(driver: &mut MioDriver, key: Key) -> Released {
    driver.release(key);
    loop {
        driver.wait(None).unwrap();
        while let Some(completion) = driver.next() {
            match completion {
                Completion::Released(released) => {
                    assert_eq!(released.key, key);
                    assert!(driver.close(key, Close::Reset).is_none());
                    assert!(driver.slot(key).is_none() && driver.free.contains(&key.index));
                    return released;
                }
                Completion::Received { key: other, .. } => assert_ne!(key, other),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Both ways still lead from one end to the other, and the driver hears nothing of it.
fn assert_usable(mut client: Client, mut socket: Client, driver: &mut MioDriver) {
    client.write_all(b"ping").unwrap();
    let mut bytes = [0; 4];
    // It waits for them.
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"ping");
    socket.write_all(b"pong").unwrap();
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"pong");
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.events.is_empty() && driver.next().is_none());
    drop(socket);
    assert_eq!(client.read(&mut bytes).unwrap(), 0);
}

#[test]
fn a_released_connection_is_a_socket_like_any_other() {
    for (is_fresh, is_receiving) in [(true, true), (false, true), (false, false)] {
        let (client, mut driver, key) = connected();
        if !is_fresh {
            driver.wait(Some(driver.now())).unwrap();
            assert!(driver.next().is_none());
        }
        driver.set_receiving(key, is_receiving);
        let Released { socket, unread, .. } = released(&mut driver, key);
        assert!(unread.is_empty());
        assert_usable(client, socket, &mut driver);
    }
}

#[test]
fn what_a_released_connection_has_received_and_not_delivered_goes_along() {
    let (mut first, mut driver, first_key) = connected();
    let mut second = Client::connect(first.peer_addr().unwrap()).unwrap();
    driver.wait(None).unwrap();
    let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() else {
        panic!("not accepted")
    };
    let second_key = driver.adopt(socket).unwrap();
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.next().is_none());
    first.write_all(b"first").unwrap();
    second.write_all(b"second").unwrap();
    second.shutdown(Shutdown::Write).unwrap();
    // One of them is told of, by which time the other's have been received too.
    driver.wait(None).unwrap();
    let key = match driver.next() {
        Some(Completion::Received { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    let (other, sent) =
        if key == first_key { (second_key, "second") } else { (first_key, "first") };
    let Released { mut socket, mut unread, .. } = released(&mut driver, other);
    if other == second_key {
        socket.read_to_end(&mut unread).unwrap();
    } else if unread.is_empty() {
        // Its event came in another wait.
        unread.resize(sent.len(), 0);
        socket.read_exact(&mut unread).unwrap();
    }
    assert_eq!(unread, sent.as_bytes());
}

#[test]
fn what_comes_while_a_connection_is_released_is_left_in_its_socket() {
    let (mut client, mut driver, key) = connected();
    driver.wait(Some(driver.now())).unwrap();
    driver.release(key);
    client.write_all(b"all").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let Released { mut socket, mut unread, .. } = released(&mut driver, key);
    assert!(unread.is_empty());
    socket.read_to_end(&mut unread).unwrap();
    assert_eq!(unread, b"all");
    socket.write_all(b"still there").unwrap();
    client.read_exact(&mut [0; 11]).unwrap();
}

#[test]
fn a_connection_that_breaks_while_it_is_released_fails_or_its_socket_tells() {
    for is_receiving in [true, false] {
        let (client, mut driver, key) = connected();
        driver.wait(Some(driver.now())).unwrap();
        assert!(driver.next().is_none());
        driver.set_receiving(key, is_receiving);
        driver.release(key);
        socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        driver.wait(None).unwrap();
        match driver.next() {
            Some(Completion::Released(mut released)) => {
                assert!(released.socket.read(&mut [0]).is_err());
            }
            Some(Completion::Failed { .. }) => drop(driver.close(key, Close::Graceful)),
            other => panic!("{other:?}"),
        }
        assert!(driver.next().is_none());
    }
}

#[test]
fn a_connection_that_is_closed_while_it_is_released_is_closed() {
    let (mut client, mut driver, key) = connected();
    driver.release(key);
    assert!(driver.close(key, Close::Graceful).is_none());
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.next().is_none() && !driver.has_more());
}

#[test]
fn a_wait_goes_on_beyond_an_alarm_that_was_for_an_earlier_end() {
    let mut driver = MioDriver::new(Vec::new()).unwrap();
    driver.unpark().unpark();
    driver.wait(Some(Instant::now() + Duration::from_millis(150))).unwrap();
    let until = Instant::now() + Duration::from_millis(300);
    driver.wait(Some(until)).unwrap();
    assert!(Instant::now() >= until);
}

#[test]
fn a_wait_ends_at_a_time_that_comes_before_the_alarm() {
    let mut driver = MioDriver::new(Vec::new()).unwrap();
    for (until, rings) in [(3_600_000, false), (150, true), (20, true), (0, true)] {
        if !rings {
            driver.unpark().unpark();
        }
        let until = Instant::now() + Duration::from_millis(until);
        driver.wait(Some(until)).unwrap();
        assert_eq!(Instant::now() >= until, rings);
    }
}

/// One that is closed while it is to be looked at once more leaves its place to the next.
#[test]
fn who_takes_a_place_over_is_not_looked_at_for_the_one_before() {
    let (first, mut driver, key) = connected();
    driver.close(key, Close::Graceful);
    let mut second = Client::connect(first.peer_addr().unwrap()).unwrap();
    let taken = loop {
        driver.wait(None).unwrap();
        if let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() {
            break driver.adopt(socket).unwrap();
        }
    };
    assert_eq!(taken.index, key.index);
    second.write_all(b"x").unwrap();
    while !driver.slot(taken).unwrap().queued {
        driver.wait(None).unwrap();
    }
    assert!(driver.serve(key).is_none());
    assert!(driver.slot(taken).unwrap().queued);
    let received = driver.next();
    let Some(Completion::Received { key: from, input }) = received else { panic!("{received:?}") };
    assert_eq!((from, input.bytes), (taken, &b"x"[..]));
}
