//! What is accepted, and what becomes of listeners.
//!
//! Not here: the connections.

use std::thread;

use super::*;

#[test]
fn a_driver_that_was_never_used_closes_its_listeners_wherever_it_is_dropped() {
    let Some(rig) = Rig::new(SIZES) else { return };
    let addr = rig.addr;
    thread::spawn(move || drop(rig)).join().unwrap();
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn nothing_is_accepted_while_that_is_not_wanted() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    rig.idle();
    rig.driver.set_accepting(false);
    let _clients: Vec<_> = (0..200).map(|_| TcpStream::connect(rig.addr).unwrap()).collect();
    rig.idle();
    assert!(rig.keys.is_empty() && !rig.driver.has_more());
    rig.driver.set_accepting(true);
    let mut before = 0;
    while before < 200 {
        rig.turn(Some(rig.deadline));
        assert!(rig.keys.len() - before <= 64, "others have their turn");
        before = rig.keys.len();
    }
    rig.driver.close_listeners();
    rig.turn(Some(rig.driver.now()));
    assert!(TcpStream::connect(rig.addr).is_err());
    assert_eq!(rig.accept_errors, 0);
}

/// Whoever was answered before may not have come yet.
#[test]
fn a_listener_that_is_withdrawn_stays_open_for_a_moment() {
    let Some(mut rig) = Rig::new(SIZES) else { return };
    rig.idle();
    let _waiting = TcpStream::connect(rig.addr).unwrap();
    rig.driver.withdraw();
    let due = rig.driver.next_due();
    assert!(due.is_some() && rig.driver.has_listeners());
    rig.driver.withdraw();
    assert_eq!(rig.driver.next_due(), due, "nothing is put off");
    while rig.driver.has_listeners() {
        rig.turn(Some(rig.driver.next_due().unwrap_or(rig.deadline)));
    }
    assert_eq!((rig.keys.len(), rig.driver.next_due()), (1, None));
}

/// What the kernel says of it may come when nothing is accepted any more.
#[test]
fn a_listener_that_was_shut_down_is_told_of_once_and_closed() {
    for pauses in [false, true] {
        let Some(mut rig) = Rig::new(SIZES) else { return };
        rig.idle();
        let twin = TcpStream::from(rig.driver.duplicate_listeners().unwrap().remove(0));
        twin.shutdown(Shutdown::Both).unwrap();
        rig.driver.wait(None).unwrap();
        rig.driver.set_accepting(!pauses);
        rig.turn_until(|rig| rig.accept_errors > 0);
        rig.driver.set_accepting(true);
        rig.idle();
        assert_eq!((rig.accept_errors, rig.driver.has_listeners()), (1, false));
    }
}
