//! The simulated backend against what a driver promises, with an echo in place of a worker.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use super::*;
use crate::driver::Input;

const FAULTS: Faults = Faults {
    short_read: 2,
    short_write: 2,
    delay: 2,
    max_delay: Duration::from_millis(50),
    reset: 0,
    lossy_reset: 2,
    accept_error: 2,
    adopt_error: 0,
    disorder: true,
    accepting: None,
    sending: None,
};

/// Sends back whatever comes.
struct Echo {
    driver: SimDriver,
    /// What has to wait for a send to be over.
    waiting: HashMap<u32, Vec<u8>>,
    sending: HashMap<u32, bool>,
}

impl Echo {
    fn new(net: &SimNet) -> Self {
        Self { driver: net.driver(true), waiting: HashMap::new(), sending: HashMap::new() }
    }

    fn turn(&mut self, until: Option<Instant>) {
        self.driver.wait(until).unwrap();
        let mut received: Vec<(Key, Vec<u8>)> = Vec::new();
        let mut accepted = Vec::new();
        while let Some(completion) = self.driver.next() {
            match completion {
                Completion::Accepted(Accepted { socket, .. }) => accepted.push(socket),
                Completion::AcceptFailed { .. } => {}
                Completion::Received { key, input: Input { bytes, .. } } => {
                    received.push((key, bytes.to_vec()));
                }
                Completion::Failed { key, .. } => drop(self.driver.close(key, Close::Reset)),
                Completion::Released(_) => panic!("nobody asked for it"),
                Completion::Sent(sent) => {
                    self.sending.insert(sent.key.index, false);
                    received.push((sent.key, self.waiting.remove(&sent.key.index).unwrap()));
                }
            }
        }
        for socket in accepted {
            let key = self.driver.adopt(socket).unwrap();
            self.sending.insert(key.index, false);
        }
        for (key, bytes) in received {
            self.send(key, bytes);
        }
    }

    fn send(&mut self, key: Key, bytes: Vec<u8>) {
        if self.sending[&key.index] {
            self.waiting.get_mut(&key.index).unwrap().extend(bytes);
            return;
        }
        if bytes.is_empty() {
            return;
        }
        let mut output = Output::default();
        output.buffer = bytes;
        match self.driver.send(key, &mut output, Behind::More) {
            Poll::Ready(sent) => sent.unwrap(),
            Poll::Pending => {
                self.sending.insert(key.index, true);
                self.waiting.insert(key.index, Vec::new());
            }
        }
    }
}

/// Sends `data` to an echo and returns what comes back, and the run's fingerprint.
fn echo(seed: u64, data: &[u8]) -> (Vec<u8>, u64) {
    let net = SimNet::new(Pace::Ticked, seed, FAULTS);
    net.set_window(1000);
    let mut echo = Echo::new(&net);
    let mut client = net.connect().unwrap();
    let (mut sent, mut back) = (0, Vec::new());
    let mut buffer = [0; 300];
    for _ in 0..10_000 {
        if sent < data.len() {
            sent += client.write(&data[sent..]).unwrap_or(0);
        }
        if let Ok(len) = client.read(&mut buffer) {
            back.extend_from_slice(&buffer[..len]);
        }
        if back.len() == data.len() {
            break;
        }
        echo.turn(Some(net.instant(net.time() + Duration::from_millis(1))));
    }
    (back, net.fingerprint())
}

#[test]
fn every_byte_arrives_once_and_in_order_however_it_is_cut() {
    let data: Vec<u8> = (0..5000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for seed in 0..50 {
        assert!(echo(seed, &data).0 == data, "seed {seed}");
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let data = [7; 3000];
    assert_eq!(echo(1, &data).1, echo(1, &data).1);
    assert_ne!(echo(1, &data).1, echo(2, &data).1);
}

#[test]
fn a_wait_jumps_to_its_end_and_not_beyond_a_delivery() {
    let faults = Faults { delay: 1, max_delay: Duration::from_secs(1), ..Faults::default() };
    let net = SimNet::new(Pace::Ticked, 3, faults);
    let mut driver = net.driver(true);
    let hour = net.instant(Duration::from_secs(3600));
    driver.wait(Some(hour)).unwrap();
    assert_eq!(driver.now(), hour);
    assert!(driver.next().is_none());

    let mut client = net.connect().unwrap();
    driver.wait(None).unwrap();
    let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() else {
        panic!("not accepted")
    };
    let key = driver.adopt(socket).unwrap();
    client.write(b"hello").unwrap();
    driver.wait(Some(hour + Duration::from_secs(3600))).unwrap();
    assert!(driver.now() < hour + Duration::from_secs(1));
    let next = driver.next();
    assert!(
        matches!(next, Some(Completion::Received { key: k, input: Input { bytes: b"hello", .. } }) if k == key)
    );
}

/// A connection on a net without faults, and the driver that has adopted it.
fn connected() -> (SimNet, SimClient, SimDriver, Key) {
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    let (mut driver, client) = (net.driver(true), net.connect().unwrap());
    driver.wait(None).unwrap();
    let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() else {
        panic!("not accepted")
    };
    let key = driver.adopt(socket).unwrap();
    (net, client, driver, key)
}

fn output(bytes: &[u8]) -> Output {
    let mut output = Output::default();
    output.buffer.extend_from_slice(bytes);
    output
}

#[test]
fn a_close_delivers_what_was_sent_and_resets_who_was_not_heard() {
    let (_net, mut client, mut driver, key) = connected();
    assert!(matches!(driver.send(key, &mut output(b"bye"), Behind::More), Poll::Ready(Ok(_))));
    driver.close(key, Close::Graceful);
    let mut buffer = [0; 9];
    assert_eq!(client.read(&mut buffer).unwrap(), 3);
    assert_eq!(client.read(&mut buffer).unwrap(), 0);
    assert!(client.write(b"more").is_ok(), "the first write learns nothing");
    assert!(client.write(b"more").is_err());

    let (_net, mut client, mut driver, key) = connected();
    client.write(b"unheard").unwrap();
    driver.close(key, Close::Graceful);
    assert_eq!(client.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn half_a_connection_goes_on() {
    let (_net, mut client, mut driver, key) = connected();
    client.shut();
    driver.wait(None).unwrap();
    assert!(matches!(
        driver.next(),
        Some(Completion::Received { input: Input { bytes: [], .. }, .. })
    ));
    driver.wait(None).unwrap();
    assert!(driver.next().is_none(), "the end comes once");
    assert!(matches!(
        driver.send(key, &mut output(b"still there"), Behind::More),
        Poll::Ready(Ok(_))
    ));
    assert_eq!(client.read(&mut [0; 20]).unwrap(), 11);
    client.reset();
    driver.wait(None).unwrap();
    assert!(matches!(driver.next(), Some(Completion::Failed { .. })));
}

#[test]
fn a_full_window_holds_a_send_back() {
    let net = SimNet::new(Pace::Ticked, 0, Faults::default());
    net.set_window(4);
    let (mut driver, mut client) = (net.driver(true), net.connect().unwrap());
    driver.wait(None).unwrap();
    let Some(Completion::Accepted(Accepted { socket, .. })) = driver.next() else {
        panic!("not accepted")
    };
    let key = driver.adopt(socket).unwrap();
    assert_eq!(driver.untaken(key), 0);
    assert!(driver.send(key, &mut output(b"0123456789"), Behind::More).is_pending());
    assert_eq!(driver.untaken(key), 10, "four of them are on their way");
    driver.wait(None).unwrap();
    assert!(driver.next().is_none() && !driver.has_more());
    let mut buffer = [0; 9];
    assert_eq!(client.read(&mut buffer).unwrap(), 4);
    assert!(driver.has_more());
    driver.wait(None).unwrap();
    assert!(driver.next().is_none());
    assert_eq!(driver.untaken(key), 6, "two that were not handed over, four that are not read");
    assert_eq!(client.read(&mut buffer).unwrap(), 4);
    driver.wait(None).unwrap();
    assert!(matches!(driver.next(), Some(Completion::Sent(sent)) if sent.output.is_empty()));
}

#[test]
fn a_threaded_driver_wakes_for_bytes_time_and_the_doorbell() {
    let net = SimNet::new(Pace::Threaded, 0, Faults::default());
    let mut driver = net.driver(true);
    let unpark = driver.unpark();
    let until = net.instant(Duration::from_secs(60));
    let worker = thread::spawn(move || {
        driver.wait(None).unwrap();
        assert!(driver.next().is_none(), "unparked");
        driver.wait(Some(until)).unwrap();
        assert_eq!(driver.now(), until);
        driver.wait(None).unwrap();
        assert!(matches!(driver.next(), Some(Completion::Accepted(_))));
    });
    unpark.unpark();
    net.advance(Duration::from_secs(60));
    let client = net.connect().unwrap();
    worker.join().unwrap();
    assert_eq!(net.open_connections(), 0);
    drop(client);
}

#[test]
fn a_released_connection_is_a_socket_that_the_client_goes_on_with() {
    for seed in 0..20 {
        let (net, mut client, mut driver, key) = connected();
        net.set_faults(Faults { reset: 2, lossy_reset: 2, short_read: seed % 3, ..FAULTS });
        assert!(driver.send(key, &mut output(b"before"), Behind::More).is_ready());
        net.set_faults(Faults { reset: 0, lossy_reset: 0, ..FAULTS });
        let is_broken = client.was_faulted();
        if !is_broken {
            client.write(b"unread, ").unwrap();
        }
        driver.release(key);
        driver.wait(None).unwrap();
        let (mut socket, mut bytes) = match driver.next() {
            Some(Completion::Released(released)) => (released.socket, released.unread),
            Some(Completion::Failed { .. }) if is_broken => continue,
            _ => panic!("it comes in this turn"),
        };
        assert!(driver.close(key, Close::Reset).is_none());
        assert_eq!((driver.open_slots(), net.open_connections()), (0, 0));
        socket.write_all(b" and after").unwrap();
        let mut text = [0; 16];
        assert_eq!(client.read(&mut text[..6]).unwrap(), 6);
        assert_eq!(client.read(&mut text[6..]).unwrap(), 10);
        assert_eq!(&text, b"before and after");
        assert_eq!(client.read(&mut text).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        client.write(b"read").unwrap();
        client.shut();
        socket.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"unread, read");
        drop(client);
        assert!(socket.write_all(b"nobody").is_err());
    }
}

#[test]
fn a_connection_that_is_closed_or_broken_while_it_is_released_stays_so() {
    let (_net, mut client, mut driver, key) = connected();
    driver.release(key);
    assert!(driver.has_more());
    driver.close(key, Close::Graceful);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    driver.wait(Some(driver.now())).unwrap();
    assert!(driver.next().is_none());

    let (_net, client, mut driver, key) = connected();
    driver.release(key);
    client.reset();
    driver.wait(None).unwrap();
    assert!(matches!(driver.next(), Some(Completion::Failed { .. })));
    assert!(driver.next().is_none());
}
