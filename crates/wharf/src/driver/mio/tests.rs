//! The readiness backend alone: what a worker can't show.

use std::io::Read;
use std::net::TcpStream as Client;

use super::*;

/// A connection, and the driver that has adopted it.
fn connected() -> (Client, MioDriver, Key) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let client = Client::connect(listener.local_addr().unwrap()).unwrap();
    let mut driver = MioDriver::new(vec![listener]).unwrap();
    driver.wait(None).unwrap();
    let Some(Completion::Accepted { socket, .. }) = driver.next() else { panic!("not accepted") };
    let (key, _) = driver.adopt(socket).unwrap();
    (client, driver, key)
}

#[test]
fn what_the_peer_has_not_taken_is_counted() {
    const LEN: usize = 32 << 20;
    let (mut client, mut driver, key) = connected();
    assert_eq!(driver.untaken(key), 0);
    let mut output = Output::default();
    output.buffer.resize(LEN, b'x');
    assert!(driver.send(key, output).is_none(), "no socket takes that much");
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
