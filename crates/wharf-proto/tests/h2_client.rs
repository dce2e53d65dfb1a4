//! Exchanges with a client of HTTP/2 that is not ours: what either side sends comes whole to the
//! other, whatever windows, frames and tables the client chooses.
//!
//! Not here: sockets. The two are joined by a pipe in memory, which is small, so that bytes are cut
//! anywhere.

use std::collections::HashMap;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wharf_proto::h2::{Config, Connection, Event, Phase, Response, StreamKey};
use wharf_proto::{BodyLength, Headers, Limits, RequestHead};

/// Small enough that no frame of the usual size passes at once.
const PIPE_BYTES: usize = 5_000;

/// An application that sends back what it gets, with the fields that begin with `x-`, and the
/// length of the body as a trailer.
struct Echo {
    connection: Connection,
    out: Vec<u8>,
    exchanges: HashMap<StreamKey, Exchange>,
}

#[derive(Default)]
struct Exchange {
    fields: Headers,
    body: Vec<u8>,
    sent: usize,
    is_known: bool,
}

impl Echo {
    async fn serve(mut self, pipe: DuplexStream) {
        // A client that waits for its bytes to be read may not read meanwhile.
        let (mut reader, mut writer) = tokio::io::split(pipe);
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
        tokio::spawn(async move {
            while let Some(bytes) = receiver.recv().await {
                // A client that has got all it wants closes its side.
                let _ = writer.write_all(&bytes).await;
            }
        });
        let (mut head, limits) = (RequestHead::default(), Limits::default());
        let (mut input, mut len) = (vec![0; 64 << 10], 0);
        let mut now = Duration::ZERO;
        self.connection.begin(&mut self.out);
        loop {
            sender.send(std::mem::take(&mut self.out)).expect("the writer runs");
            self.connection.flushed(u32::MAX);
            if self.send_more() {
                continue;
            }
            let read = reader.read(&mut input[len..]).await.expect("a pipe");
            if read == 0 {
                assert_eq!(self.connection.phase(), Phase::Idle);
                return;
            }
            len += read;
            now += Duration::from_millis(1);
            let mut consumed = 0;
            loop {
                let rest = &input[consumed..len];
                let received =
                    self.connection.receive(rest, &limits, &mut head, now, &mut self.out);
                let received = received.expect("a client that keeps to the rules");
                consumed += received.consumed;
                let Some(event) = received.event else { break };
                self.on_event(event, &head);
            }
            input.copy_within(consumed..len, 0);
            len -= consumed;
        }
    }

    fn on_event(&mut self, event: Event<'_>, head: &RequestHead) {
        match event {
            Event::Head { stream, body } => {
                let mut exchange =
                    Exchange { is_known: body != BodyLength::Unknown, ..Exchange::default() };
                for (name, value) in
                    head.headers().iter().filter(|(name, _)| name.starts_with("x-"))
                {
                    exchange.fields.append(name, value).expect("a field");
                }
                self.exchanges.insert(stream, exchange);
                if body == BodyLength::Known(0) {
                    self.answer(stream);
                }
            }
            Event::Data { stream, bytes } => {
                let exchange = self.exchanges.get_mut(&stream).expect("it has begun");
                exchange.body.extend_from_slice(bytes);
                self.connection.release(stream, bytes.len(), &mut self.out);
            }
            Event::End { stream } => self.answer(stream),
            Event::GoAway { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, stream: StreamKey) {
        let exchange = self.exchanges.get_mut(&stream).expect("it has begun");
        let length = u64::try_from(exchange.body.len()).expect("a length");
        let body = if exchange.is_known { BodyLength::Known(length) } else { BodyLength::Unknown };
        let response = Response::new(StatusCode::OK, body).date(b"Sun, 06 Nov 1994 08:49:37 GMT");
        let sent = self.connection.send_head(stream, response, &exchange.fields, &mut self.out);
        if sent.expect("it awaits a response").is_over {
            self.exchanges.remove(&stream);
        } else {
            self.connection.await_writable(stream);
        }
    }

    /// Sends what may be sent, of at most some kilobytes.
    fn send_more(&mut self) -> bool {
        while self.out.len() < 40_000 {
            let Some(turn) = self.connection.next_writable() else { break };
            let exchange = self.exchanges.get_mut(&turn.stream).expect("it is being sent");
            let end = (exchange.sent + turn.bytes).min(exchange.body.len());
            let piece = &exchange.body[exchange.sent..end];
            let sent = self.connection.send_data(turn.stream, piece, &mut self.out);
            exchange.sent += sent.expect("it is being sent").bytes;
            if exchange.sent < exchange.body.len() {
                self.connection.await_writable(turn.stream);
                continue;
            }
            if !exchange.is_known {
                let mut trailers = Headers::new();
                trailers.append("x-length", exchange.body.len().to_string()).expect("a field");
                let ended = self.connection.send_end_with(turn.stream, &trailers, &mut self.out);
                ended.expect("all of it is out");
            }
            self.exchanges.remove(&turn.stream);
        }
        !self.out.is_empty()
    }
}

/// One request and its response, which must be the request's body and fields.
async fn exchange(mut client: h2::client::SendRequest<bytes::Bytes>, number: usize) {
    let len = [0, 1, 100, 16_384, 70_000, 200_000][number % 6];
    let letters = b"abcdefghijklmnopqrstuvwxyz";
    let body: Vec<u8> = (0..len).map(|at| letters[(at * 7 + number) % letters.len()]).collect();
    let method = if number.is_multiple_of(6) { Method::GET } else { Method::POST };
    let mut request = Request::builder().method(method).uri("http://a/path?query");
    for at in 0..number % 4 {
        let value = "v".repeat(1 + at * number % 900);
        request = request.header(format!("x-field-{}", number % (at + 2)), value);
    }
    if number.is_multiple_of(2) {
        request = request.header("content-length", len);
    }
    let request = request.body(()).expect("a request");
    let fields = request.headers().clone();
    client = client.ready().await.expect("a stream");
    let (response, mut upload) = client.send_request(request, len == 0).expect("a request");
    if len > 0 {
        let mut rest = &body[..];
        while !rest.is_empty() {
            upload.reserve_capacity(rest.len());
            let capacity = std::future::poll_fn(|context| upload.poll_capacity(context)).await;
            let capacity = capacity.expect("a stream").expect("a window");
            let (piece, behind) = rest.split_at(capacity.min(rest.len()));
            rest = behind;
            let piece = bytes::Bytes::copy_from_slice(piece);
            upload.send_data(piece, rest.is_empty()).expect("a stream");
        }
    }
    let response = response.await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in fields.iter().filter(|(name, _)| name.as_str().starts_with("x-")) {
        assert!(response.headers().get_all(name).iter().any(|sent| sent == value), "{name}");
    }
    assert!(response.headers().contains_key("date"));
    let mut download = response.into_body();
    let mut received = Vec::new();
    while let Some(piece) = download.data().await {
        let piece = piece.expect("data");
        received.extend_from_slice(&piece);
        download.flow_control().release_capacity(piece.len()).expect("a window");
    }
    assert_eq!(received, body);
    if let Some(trailers) = download.trailers().await.expect("an end") {
        assert_eq!(trailers["x-length"], len.to_string());
    }
}

fn run(client: &h2::client::Builder, requests: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let connection = Connection::new(Config::default());
        let echo = Echo { connection, out: Vec::new(), exchanges: HashMap::new() };
        let server = tokio::spawn(echo.serve(far));
        let (send, connection) = client.handshake(near).await.expect("a connection");
        let connection = tokio::spawn(connection);
        let exchanges: Vec<_> =
            (0..requests).map(|number| tokio::spawn(exchange(send.clone(), number))).collect();
        for exchange in exchanges {
            exchange.await.expect("an exchange");
        }
        drop(send);
        connection.await.expect("no panic").expect("a connection that ends well");
        server.await.expect("no panic");
    });
}

#[test]
fn another_client_gets_what_it_sent() {
    run(&h2::client::Builder::new(), 300);
}

#[test]
fn another_client_with_small_windows_and_no_table_gets_what_it_sent() {
    let mut client = h2::client::Builder::new();
    client.initial_window_size(700).header_table_size(0).initial_max_send_streams(3);
    run(&client, 60);
}

#[test]
fn another_client_with_large_windows_and_frames_gets_what_it_sent() {
    let mut client = h2::client::Builder::new();
    client.initial_window_size(1 << 20).initial_connection_window_size(4 << 20);
    client.max_frame_size(1 << 20).header_table_size(65_536);
    run(&client, 300);
}
