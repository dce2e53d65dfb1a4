#!/usr/bin/env python3
"""Sends mixed requests by the package h2, over TLS or without, and checks every answer:

    h2_client.py URL

1,000 requests as streams of a few connections, 30 at a time, with windows of a few bytes and with
large ones. Requests end in a frame of their own or with their last bytes, and may have trailers.
Answers may come before all of a request is sent; then uploads over the limit must show the 413, and
streams that are given up must leave the others alone.

h2 knows frames, states and windows; what it is told to do, and when, is here.
"""

import collections
import itertools
import random
import socket
import sys
import time
import urllib.parse

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

import plan

REQUESTS = 1000
AT_A_TIME = 30
SEED = 4
# The windows of streams, in bytes: of some connections, in turn.
WINDOWS = (1000, 65_535, 1 << 20)


class Stream:
    """A request under way, and what has come of its answer."""

    def __init__(self, request, draw):
        self.request = request
        pieces = request.body if request.is_chunked else [request.body or b""]
        self.pieces = collections.deque(piece for piece in pieces if piece)
        self.ends_alone = draw.random() < 0.5
        self.is_sent = self.is_over = False
        # A client that waits sends nothing of the body before it may, or is answered.
        self.waits = "Expect" in request.headers
        self.interims, self.status, self.fields, self.trailers = [], None, {}, {}
        self.body = bytearray()


class Client:
    """One connection."""

    def __init__(self, url, window):
        self.url = urllib.parse.urlsplit(url)
        self.draw = random.Random(SEED)
        self.socket = socket.create_connection((self.url.hostname, self.url.port), timeout=30)
        context = plan.tls(url, "h2")
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=self.url.hostname)
            assert self.socket.selected_alpn_protocol() == "h2", "no HTTP/2 was agreed on"
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        initial = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values=initial)
        self.h2.initiate_connection()
        self.streams, self.pings = {}, 0
        self.flush()

    def begin(self, request):
        number = self.h2.get_next_available_stream_id()
        stream = self.streams[number] = Stream(request, self.draw)
        head = [
            (":method", request.method), (":path", request.path),
            (":scheme", self.url.scheme), (":authority", self.url.netloc),
            *((name.lower(), value) for name, value in request.headers.items()),
        ]
        if request.body is not None and not request.is_chunked:
            head.append(("content-length", str(len(request.body))))
        if request.sends_trailers:
            head.append(("trailer", "x-checksum"))
        stream.is_sent = request.body is None
        self.h2.send_headers(number, head, end_stream=stream.is_sent)
        return number

    def send_bodies(self):
        """Sends what the windows have room for."""
        for number, stream in self.streams.items():
            while not (stream.is_sent or stream.waits or stream.is_over):
                if not stream.pieces:
                    self.end(number, stream)
                    break
                room = self.h2.local_flow_control_window(number)
                room = min(room, self.h2.max_outbound_frame_size)
                if room <= 0:
                    break
                piece = stream.pieces.popleft()
                if len(piece) > room:
                    stream.pieces.appendleft(piece[room:])
                is_last = not (stream.pieces or stream.ends_alone or stream.request.sends_trailers)
                self.h2.send_data(number, piece[:room], end_stream=is_last)
                stream.is_sent = is_last

    def end(self, number, stream):
        if stream.request.sends_trailers:
            trailers = list(stream.request.trailers.items())
            self.h2.send_headers(number, trailers, end_stream=True)
        else:
            self.h2.end_stream(number)
        stream.is_sent = True

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def turn(self):
        """Sends what can be sent, and takes what comes."""
        self.send_bodies()
        self.flush()
        data = self.socket.recv(65_536)
        assert data, "the server has closed"
        for event in self.h2.receive_data(data):
            self.take(event)
        self.flush()

    def take(self, event):
        assert not isinstance(event, h2.events.ConnectionTerminated), f"told to go away: {event}"
        self.pings += isinstance(event, h2.events.PingAckReceived)
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.DataReceived):
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if stream:
                stream.body += event.data
        if not stream:
            return
        if isinstance(event, h2.events.InformationalResponseReceived):
            stream.interims.append(dict(event.headers)[":status"])
            stream.waits = False
        elif isinstance(event, h2.events.ResponseReceived):
            stream.fields = dict(event.headers)
            stream.status = int(stream.fields[":status"])
            stream.waits = False
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.is_over = True
        elif isinstance(event, h2.events.StreamReset):
            # RFC 9113 section 8.1: what of the request is not sent need not be.
            is_early = stream.is_over and event.error_code == h2.errors.ErrorCodes.NO_ERROR
            where = f"{stream.request.kind}: {stream.request.method} {stream.request.path}"
            assert is_early, f"{where}: reset: {event.error_code}"
            assert not stream.is_sent, f"{where}: reset although all of it was sent"
            stream.is_sent = True

    def finish(self, numbers):
        """Goes on until these streams are over, and checks what came. A request that was answered
        early is not sent to its end: its stream is given up."""
        for number in numbers:
            while not self.streams[number].is_over:
                self.turn()
            stream = self.streams.pop(number)
            if not stream.is_sent:
                self.reset(number)
            stream.request.check(stream.status, stream.fields, bytes(stream.body), stream.trailers)
            if stream.request.kind == "expect":
                assert stream.interims == ["100"], f"expect: {stream.interims}"

    def reset(self, number):
        try:
            self.h2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        except h2.exceptions.StreamClosedError:
            pass
        self.flush()

    def close(self):
        self.h2.close_connection()
        self.flush()
        self.socket.close()


def requests():
    """The mixed requests, and some with trailers."""
    draw = random.Random(SEED)
    for number, request in enumerate(plan.mixed(SEED, REQUESTS, "2")):
        yield request
        if number % 20 == 0:
            body = draw.randbytes(draw.choice((0, 10, 70_000)))
            trailers = {"x-checksum": "%d" % number}
            yield plan.Request(
                "trailers up", "POST", "/echo", [body], want=body, trailers=trailers, sends_trailers=True
            )


def mixed(url):
    """As many as are allowed, always; the connection is another for each window."""
    left = iter(requests())
    count = 0
    for window in WINDOWS:
        client, under_way = Client(url, window), collections.deque()
        for request in itertools.islice(left, REQUESTS // len(WINDOWS) + 20):
            if len(under_way) == AT_A_TIME:
                client.finish([under_way.popleft()])
            under_way.append(client.begin(request))
            count += 1
        client.finish(under_way)
        client.h2.ping(b"12345678")
        while not client.pings:
            client.turn()
        client.close()
    return count


def refusals(url):
    client = Client(url, 65_535)
    for turn in range(plan.REFUSALS):
        for chunked in (False, True):
            number = client.begin(plan.refused(chunked))
            while not client.streams[number].is_over:
                client.turn()
            stream = client.streams.pop(number)
            assert stream.status == 413, f"refusal {turn}, chunked {chunked}: {stream.status}"
            if not stream.is_sent:
                client.reset(number)
    client.close()


def cancels(url):
    """Streams that are given up leave others alone, which are answered meanwhile. h2 resets such a
    stream again with each frame that still comes, and no server takes that for long."""
    client = Client(url, 8192)
    endless = plan.Request("endless", "GET", plan.ENDLESS)
    small = plan.Request("small", "GET", "/", want=b"hello\n")
    large = plan.Request("large", "GET", f"/bytes?count={plan.LIMIT}", want=plan.MADE_UP[: plan.LIMIT])
    for _ in range(plan.CANCELS):
        others = [client.begin(large), client.begin(small)]
        number = client.begin(endless)
        while len(client.streams[number].body) < 5000:
            client.turn()
        assert plan.MADE_UP.startswith(client.streams.pop(number).body[:5000])
        client.reset(number)
        client.finish([client.begin(small), *others])
    client.close()


def main():
    url = sys.argv[1]
    start, what = time.monotonic(), f"h2, {plan.way(url, '2')}"
    try:
        count = mixed(url)
        refusals(url)
        cancels(url)
    except (AssertionError, OSError, h2.exceptions.ProtocolError) as error:
        sys.exit(f"FAILED: {what}: {type(error).__name__}: {error}")
    seconds = time.monotonic() - start
    note = f"{2 * plan.REFUSALS} refusals seen, {plan.CANCELS} given up"
    print(f"{what}: {count} requests, {note} ({seconds:.1f} s)")


main()
