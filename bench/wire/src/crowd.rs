//! Many idle connections at once, over TLS or not, more than one address has ports for if need be.
//!
//! Not here: what they cost, which the `idle` and `compare` tools find out; echoes (`loadgen`).

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail, ensure};

use crate::{Client, Link, Transport, Version};

/// Connections that have had one request answered each and ask for nothing more.
#[derive(Debug)]
pub struct Crowd {
    clients: Vec<Client>,
}

impl Crowd {
    /// Opens `count` connections and has `GET /` answered on each.
    ///
    /// # Errors
    ///
    /// When one of them is not accepted or not answered.
    pub fn open(
        address: SocketAddr,
        transport: &Transport,
        version: Version,
        count: usize,
    ) -> Result<Self> {
        let mut sources = (1..=254).map(|last| Ipv4Addr::new(127, 0, 0, last));
        // The first is what the system chooses.
        let mut source = sources.next();
        let mut clients = Vec::with_capacity(count);
        while clients.len() < count {
            let Some(from) = source else { bail!("no ports left after {}", clients.len()) };
            let number = clients.len() + 1;
            let link = match Link::dial_from(from, address, transport) {
                Ok(link) => link,
                // This source's ports are used up.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable
                    ) =>
                {
                    source = sources.next();
                    continue;
                }
                Err(error) => return Err(error).with_context(|| format!("connection {number}")),
            };
            let mut client = Client::new(link, version);
            client.exchange().with_context(|| format!("request {number}"))?;
            clients.push(client);
        }
        Ok(Self { clients })
    }

    /// Makes sure that the server has kept every connection open.
    ///
    /// # Errors
    ///
    /// When it has not, so that a figure for so many connections means nothing.
    pub fn ensure_open(&mut self) -> Result<()> {
        let closed = self.clients.iter_mut().filter_map(|client| client.receive().err()).count();
        ensure!(closed == 0, "the server closed {closed} idle connections");
        Ok(())
    }
}
