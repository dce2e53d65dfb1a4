//! When a wait ends, and whose it is.
//!
//! Not here: what it brings.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::driver::Combined;

#[test]
fn a_driver_belongs_to_the_thread_that_waits_first() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (lend, lent) = mpsc::channel::<Rig>();
    let (give_back, given_back) = mpsc::channel();
    let owner = thread::spawn(move || {
        let (mut client, key) = rig.connect();
        client.write_all(b"hello").unwrap();
        rig.turn_until(|rig| rig.received(key) == b"hello");
        lend.send(rig).unwrap();
        // Dropped by another thread, it could not take anything back, and would free nothing.
        drop::<Rig>(given_back.recv().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    });
    let mut rig = lent.recv().unwrap();
    assert!(rig.driver.wait(Some(Instant::now())).is_err());
    give_back.send(rig).unwrap();
    owner.join().unwrap();
}

#[test]
fn a_wait_ends_when_another_thread_says_so_or_time_is_up() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    for _ in 0..100 {
        let unpark = rig.driver.unpark();
        let waker = thread::spawn(move || unpark.unpark());
        rig.turn(None);
        waker.join().unwrap();
    }
    let unpark = rig.driver.unpark();
    unpark.unpark();
    rig.turn(None);
    let until = Instant::now() + Duration::from_millis(10);
    while rig.driver.now() < until {
        rig.turn(Some(until));
    }
    drop(rig);
    unpark.unpark();
}

#[test]
fn the_descriptor_is_readable_when_there_is_something_to_do() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    rig.driver.watch().unwrap();
    let mut combined = Combined::new([&rig.driver].into_iter()).unwrap();
    let mut wait = |rig: &Rig, what: &str| {
        combined.wait(Some(rig.deadline)).unwrap();
        assert!(Instant::now() < rig.deadline, "{what} is not noticed");
    };
    rig.driver.submit();
    let mut client = TcpStream::connect(rig.addr).unwrap();
    wait(&rig, "a connection");
    rig.turn_until(|rig| !rig.keys.is_empty());
    let key = rig.keys[0];
    for round in 1..=100 {
        rig.driver.submit();
        let mut writer = client.try_clone().unwrap();
        let writer = thread::spawn(move || writer.write_all(b"x").unwrap());
        wait(&rig, "a byte");
        writer.join().unwrap();
        rig.turn_until(|rig| rig.received(key).len() == round);
        rig.driver.submit();
        let unpark = rig.driver.unpark();
        let waker = thread::spawn(move || unpark.unpark());
        wait(&rig, "a wake-up");
        waker.join().unwrap();
        rig.turn(Some(rig.driver.now()));
    }
    assert!(rig.driver.send(key, &mut output(b"hello"), Behind::More).is_pending());
    rig.driver.submit();
    client.read_exact(&mut [0; 5]).unwrap();
    wait(&rig, "the end of a send");
    rig.turn_until(|rig| !rig.sent.is_empty());
}

/// What is handed over in the midst of a turn has peers send more, which is for the next.
#[test]
fn a_turn_ends_although_its_peers_answer_at_once() {
    const MESSAGES: usize = 200;
    let Some(mut rig) = Rig::new(SIZES) else { return };
    let (mut client, key) = rig.connect();
    let peer = thread::spawn(move || {
        let mut buffer = [0];
        for _ in 0..MESSAGES {
            client.write_all(b"x").unwrap();
            client.read_exact(&mut buffer).unwrap();
        }
    });
    let mut answered = 0;
    while answered < MESSAGES {
        rig.driver.wait(Some(rig.deadline)).unwrap();
        assert!(Instant::now() < rig.deadline);
        let mut received = 0;
        while let Some(completion) = rig.driver.next() {
            let Completion::Received { key: from, input } = completion else { continue };
            assert_eq!((from, input.bytes), (key, &b"x"[..]));
            received += 1;
            let mut output = Output::default();
            output.append(b"y");
            let _ = rig.driver.send(key, &mut output, Behind::More);
            rig.driver.submit();
            while rig.driver.ring.event_count() < 2 && answered + received < MESSAGES {
                assert!(Instant::now() < rig.deadline, "nothing comes back");
                rig.driver.submit();
            }
        }
        assert!(received <= 1, "{received} in one turn");
        answered += received;
    }
    peer.join().unwrap();
}
