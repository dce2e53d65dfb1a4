//! A small part of Redis, with pipelining: `cargo run --release --example custom_protocol`, then
//! `redis-cli -p 7379` or `redis-benchmark -p 7379 -t ping,set,get,incr -P 16`.

#![expect(clippy::print_stdout, reason = "an example may talk")]

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, PoisonError};

use wharf::{BoxError, Bytes, Io, Protocol, Server, Service};

type Store = Arc<Mutex<HashMap<Bytes, Bytes>>>;

/// The words of a command, and how many bytes it takes.
type Command<'a> = (Vec<&'a [u8]>, usize);

/// What one connection knows.
struct Redis {
    store: Store,
}

impl Protocol for Redis {
    fn on_bytes(&mut self, bytes: &[u8], io: &mut Io<'_>) -> Result<usize, BoxError> {
        let mut used = 0;
        // The rest of a pipeline waits until the peer has taken some of what it asked for.
        while io.room() > 0 {
            let Some((command, len)) = parse(&bytes[used..])? else { break };
            used += len;
            if !command.is_empty() {
                io.write(&self.answer(&command));
            }
        }
        Ok(used)
    }
}

impl Redis {
    fn answer(&self, command: &[&[u8]]) -> Vec<u8> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        match (command[0].to_ascii_uppercase().as_slice(), &command[1..]) {
            (b"PING", []) => b"+PONG\r\n".to_vec(),
            (b"PING" | b"ECHO", [text]) => bulk(text),
            (b"SET", [key, value]) => {
                store.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
                b"+OK\r\n".to_vec()
            }
            (b"GET", [key]) => store.get(*key).map_or(b"$-1\r\n".to_vec(), |value| bulk(value)),
            (b"DEL", keys @ [_, ..]) => {
                let removed = keys.iter().filter(|key| store.remove(**key).is_some()).count();
                format!(":{removed}\r\n").into_bytes()
            }
            (b"INCR", [key]) => {
                let number = store.get(*key).map_or(Some(0), |value| number(value));
                let Some(next) = number.and_then(|number| number.checked_add(1)) else {
                    return b"-ERR value is not an integer or out of range\r\n".to_vec();
                };
                store.insert(Bytes::copy_from_slice(key), next.to_string().into());
                format!(":{next}\r\n").into_bytes()
            }
            _ => b"-ERR unknown command or wrong number of arguments\r\n".to_vec(),
        }
    }
}

fn bulk(text: &[u8]) -> Vec<u8> {
    let length = format!("${}\r\n", text.len());
    [length.as_bytes(), text, b"\r\n"].concat()
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The next line, and where what follows begins.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((bytes[..end].trim_ascii_end(), end + 1))
}

/// The next command, if it has come in full. One that never fits into
/// what is kept ends the connection.
fn parse(bytes: &[u8]) -> Result<Option<Command<'_>>, BoxError> {
    let Some((first, mut used)) = line(bytes) else { return Ok(None) };
    let Some(count) = first.strip_prefix(b"*") else {
        let words = first.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        return Ok(Some((words.collect(), used)));
    };
    let count = number(count).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= 1024).ok_or("invalid multibulk length")?;
    let mut words = Vec::with_capacity(count);
    for _ in 0..count {
        let Some((head, head_len)) = line(&bytes[used..]) else { return Ok(None) };
        let len = head.strip_prefix(b"$").and_then(number);
        let len = len.and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| *len <= Io::MAX_UNREAD_BYTES).ok_or("invalid bulk length")?;
        let begin = used + head_len;
        used = begin + len + 2;
        let Some(word) = bytes.get(begin..used) else { return Ok(None) };
        words.push(&word[..len]);
    }
    Ok(Some((words, used)))
}

fn main() -> wharf::Result {
    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7379".to_owned());
    let store = Store::default();
    let service = Service::protocol(move || Redis { store: Arc::clone(&store) });
    let server = Server::with(service).listen(addr.as_str())?.on_error(|context| {
        if let Some(stream) = context.stream {
            stream.write(format!("-ERR Protocol error: {}\r\n", context.error).as_bytes());
        }
        None
    });
    println!("listening on {}", server.listen_addrs()[0]);
    server.run()
}
