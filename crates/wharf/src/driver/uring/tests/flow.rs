//! Bytes in both directions: many connections at a time, and more than either side takes at once.
//!
//! Not here: how connections end (`ends.rs`), and who holds the memory (`storage.rs`).

use std::io::{Read, Write};
use std::sync::atomic::Ordering;

use super::*;

fn echo(sizes: Sizes, clients: usize, len: usize) {
    let Some(mut rig) = Rig::new(sizes) else { return };
    let data = pattern(len);
    let mut clients: Vec<_> = (0..clients).map(|_| rig.connect()).collect();
    for (client, _) in &mut clients {
        client.write_all(&data).unwrap();
    }
    rig.turn_until(|rig| rig.keys.iter().all(|key| rig.received(*key).len() == len));
    for (_, key) in &clients {
        assert!(rig.driver.send(*key, &mut output(rig.received(*key)), Behind::More).is_pending());
    }
    rig.turn_until(|rig| rig.sent.len() == clients.len());
    for (client, _) in &mut clients {
        let mut back = vec![0; len];
        client.read_exact(&mut back).unwrap();
        assert!(back == data);
    }
    assert!(rig.sent.iter().all(|sent| sent.result.is_ok() && sent.output.is_empty()));
    assert_eq!(rig.accept_errors, 0);
}

#[test]
fn many_connections_are_served_in_the_same_turns() {
    echo(SIZES, 300, 5000);
}

#[test]
fn a_lack_of_buffers_and_of_room_in_the_queues_delays_and_loses_nothing() {
    echo(TINY, 40, 3000);
}

#[test]
fn a_large_output_is_sent_as_fast_as_it_is_taken() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    let (mut output, dropped) = owned(LARGE);
    assert_eq!(rig.driver.untaken(key), 0);
    assert!(rig.driver.send(key, &mut output, Behind::More).is_pending());
    let mut untaken = rig.driver.untaken(key);
    assert_eq!(untaken, LARGE as u64 + 5);
    rig.idle();
    assert!(rig.sent.is_empty() && rig.driver.untaken(key) > LARGE as u64 / 2);
    let (mut got, mut piece) = (Vec::new(), vec![0; 100_000]);
    while got.len() < LARGE + 5 {
        let len = client.read(&mut piece).unwrap();
        got.extend_from_slice(&piece[..len]);
        rig.turn(Some(rig.driver.now()));
        assert!(rig.driver.untaken(key) <= untaken);
        untaken = rig.driver.untaken(key);
    }
    assert!(got.starts_with(b"head ") && got[5..] == pattern(LARGE));
    rig.turn_until(|rig| rig.sent.len() == 1);
    assert!(rig.sent[0].result.is_ok() && rig.driver.untaken(key) == 0);
    rig.sent.clear();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn bulk_shares_a_turn_and_what_is_small_does_not_wait_for_it() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let mut clients: Vec<_> = (0..8).map(|_| rig.connect()).collect();
    let (mut hasty, small) = rig.connect();
    for (_, key) in &clients {
        assert!(rig.driver.send(*key, &mut owned(1 << 20).0, Behind::More).is_pending());
    }
    assert!(rig.driver.send(small, &mut output(b"small"), Behind::More).is_pending());
    rig.driver.submit();
    hasty.read_exact(&mut [0; 5]).unwrap();
    let all = 8 * (5 + (1 << 20));
    let untaken: u64 = clients.iter().map(|(_, key)| rig.driver.untaken(*key)).sum();
    assert!(untaken >= all - BULK_BYTES as u64, "{untaken} of {all} bytes are left");
    assert!(rig.driver.has_more(), "nobody waits while some of it could be sent");
    for _ in 0..8 {
        rig.turn(Some(rig.driver.now()));
    }
    for (client, key) in &mut clients {
        client.read_exact(&mut [0; 5]).unwrap();
        assert!(rig.driver.untaken(*key) < 5 + (1 << 20), "each has its turn");
    }
    // What waits for its turn comes back at once.
    let unsent: Vec<_> =
        clients.iter().map(|(_, key)| rig.driver.close(*key, Close::Reset)).collect();
    assert!(unsent.iter().flatten().count() > 0);
    assert_eq!(rig.driver.untaken(clients[0].1), 0);
    rig.turn_until(|rig| rig.sent.len() + unsent.iter().flatten().count() == 9);
    rig.turn(Some(rig.driver.now()));
    assert!(!rig.driver.has_more());
}

#[test]
fn a_connection_that_does_not_receive_slows_its_peer_down() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    rig.driver.set_receiving(key, false);
    let data = pattern(LARGE);
    let mut len = 0;
    loop {
        let more = flood(&mut client, &data[len..]);
        len += more;
        rig.idle();
        if more == 0 {
            break;
        }
    }
    assert!(len < LARGE && rig.received(key).is_empty(), "{len} bytes were taken");
    // Told to go on and to stop again in turn, it loses nothing and mixes nothing up.
    let mut receiving = false;
    while rig.received(key).len() < LARGE {
        receiving = !receiving;
        rig.driver.set_receiving(key, receiving);
        let before = rig.received(key).len();
        rig.turn(Some(rig.driver.now()));
        assert!(receiving || rig.received(key).len() == before);
        assert!(rig.received(key).len() - before <= 64 << 10, "others have their turn");
        len += flood(&mut client, &data[len..]);
    }
    assert!(rig.received(key) == data);
    rig.driver.set_receiving(key, false);
    drop(client);
    rig.idle();
    assert!(rig.ended.is_empty());
    rig.driver.set_receiving(key, true);
    rig.turn_until(|rig| rig.ended == [key]);
}
