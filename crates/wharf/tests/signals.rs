//! Signals of a process whose server minds them, with the feature `signals`.
//!
//! The test runs its own program again, which is the process that the signals are for. Not here:
//! what the command does (its own tests).

#![cfg(all(unix, feature = "signals"))]
#![expect(clippy::unwrap_used, reason = "this is a test, also outside of its test functions")]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use wharf::{Server, Signals};

/// Says to the program that it is the child, and which part it plays.
const PART: &str = "WHARF_SIGNALS_PART";

/// What the child does in a test of that name.
fn play(part: &str) {
    let mut out = std::io::stdout();
    let hangup = || drop(writeln!(std::io::stdout(), "hangup"));
    let server = Server::new("hello").signals(Signals::default().on_hangup(hangup));
    let handle = server.listen("127.0.0.1:0").unwrap().start().unwrap();
    writeln!(out, "addr {}", handle.local_addrs()[0]).unwrap();
    if part == "stops" {
        handle.stop();
    }
    assert!(handle.wait(None));
    handle.join().unwrap();
    writeln!(out, "over").unwrap();
    if part == "stops" {
        // Until the parent ends it, or is gone.
        std::io::stdin().read_to_string(&mut String::new()).unwrap();
        writeln!(out, "went on").unwrap();
    }
}

/// Begins the child of that test. `None` in the child, once it has played its part.
fn child(test: &str, part: &str) -> Option<(Child, impl FnMut(&str) -> String)> {
    if let Ok(part) = env::var(PART) {
        play(&part);
        return None;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(PART, part);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wait_for = move |what: &str| {
        let line = lines.find(|line| line.as_ref().unwrap().contains(what));
        line.expect("the child says so").unwrap()
    };
    Some((child, wait_for))
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[test]
fn a_hangup_calls_the_program_and_a_termination_ends_the_server() {
    let name = "a_hangup_calls_the_program_and_a_termination_ends_the_server";
    let Some((mut child, mut wait_for)) = child(name, "serves") else { return };
    let line = wait_for("addr ");
    let addr = line.rsplit(' ').next().unwrap();
    signal(&child, "HUP");
    wait_for("hangup");
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("hello"));
    signal(&child, "TERM");
    wait_for("over");
    assert!(child.wait().unwrap().success());
}

#[test]
fn signals_have_their_own_effect_once_the_server_is_over() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let test = "signals_have_their_own_effect_once_the_server_is_over";
        let Some((mut child, mut wait_for)) = child(test, "stops") else { return };
        wait_for("over");
        signal(&child, name);
        assert_eq!(child.wait().unwrap().signal(), Some(number));
    }
}
