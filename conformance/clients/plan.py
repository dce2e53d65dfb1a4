"""The mixed requests that each Python client and curl send, and what must come back.

A request is a method, a path, fields and a body; a body is bytes, or a list of pieces that is sent
without saying its length. The order is drawn from a seed. Not here: how a client sends them.

The scripts are called with the URL of the server and a version of HTTP, 1.1 or 2, and find the
authority that they have to trust in the file that WHARF_CLIENTS_CA names.
"""

import hashlib
import os
import random
import ssl
import zlib

LIMIT = 1 << 20
SIZES = (0, 1, 100, 1460, 4096, 16384, 65535, 65536, 65537, 200_000, LIMIT)
# Each client sends this many requests over its limit in a row, of either framing.
REFUSALS = 50
TOO_LARGE = 5 << 20
# So many long responses are given up by each client.
CANCELS = 20
ENDLESS = "/stream?pieces=1000000&bytes=1000"
# The names of connections, for what is printed.
WAYS = {
    ("http", "1.1"): "HTTP/1.1",
    ("https", "1.1"): "HTTP/1.1 over TLS",
    ("http", "2"): "HTTP/2",
    ("https", "2"): "HTTP/2 over TLS",
}


def way(url, version):
    return WAYS[url.split(":")[0], version]


def authority():
    """The file with the certificate to trust."""
    return os.environ.get("WHARF_CLIENTS_CA", "")


def tls(url, protocol):
    """What a client's TLS has to be made with; nothing where there is none."""
    if not url.startswith("https:"):
        return None
    context = ssl.create_default_context(cafile=authority())
    context.set_alpn_protocols([protocol])
    return context


def pattern(count):
    """The bytes that the server makes up: `i % 251` at place i."""
    return (bytes(range(251)) * (count // 251 + 1))[:count]


MADE_UP = pattern(2 << 20)


class Request:
    """One request and the answer that it must have."""

    def __init__(
        self, kind, method, path, body=None, headers=(), status=200, want=b"", fields=(),
        trailers=(), sends_trailers=False,
    ):
        self.kind, self.method, self.path = kind, method, path
        self.body, self.headers = body, dict(headers)
        self.status, self.want, self.fields = status, want, dict(fields)
        self.trailers, self.sends_trailers = dict(trailers), sends_trailers

    @property
    def is_chunked(self):
        return isinstance(self.body, list)

    def check(self, status, fields, body, trailers=None):
        """Raises an error unless the answer is the right one. `fields` have lower-case names, and
        so have `trailers`; most clients don't tell of those."""
        name = f"{self.kind}: {self.method} {self.path}"
        if status != self.status:
            raise AssertionError(f"{name}: status {status}, not {self.status}: {body[:100]!r}")
        if hashlib.sha256(body).digest() != hashlib.sha256(self.want).digest():
            raise AssertionError(f"{name}: {len(body)} other bytes than the {len(self.want)} right ones")
        for field, value in {**self.fields, "date": None}.items():
            found = fields.get(field)
            if found is None or value not in (None, found):
                raise AssertionError(f"{name}: {field} is {found}, not {value}")
        if trailers is not None and dict(trailers) != self.trailers:
            raise AssertionError(f"{name}: trailers {trailers}, not {self.trailers}")


def _get(draw):
    return Request("small", "GET", "/", want=b"hello\n", fields={"content-length": "6"})


def _head(draw):
    count = draw.choice(SIZES)
    fields = {"content-length": str(count), "x-count": str(count)}
    return Request("head", "HEAD", f"/bytes?count={count}", fields=fields)


def _bytes(draw):
    count = draw.choice(SIZES)
    want = MADE_UP[:count]
    fields = {"content-length": str(count), "x-count": str(count)}
    return Request("bytes", "GET", f"/bytes?count={count}", want=want, fields=fields)


def _large(draw):
    count = draw.randrange(LIMIT, len(MADE_UP))
    return Request("large", "GET", f"/bytes?count={count}", want=MADE_UP[:count])


def _stream(draw):
    pieces, size = draw.choice((0, 1, 10, 100)), draw.choice((1, 100, 10_000))
    path = f"/stream?pieces={pieces}&bytes={size}"
    return Request("stream", "GET", path, want=MADE_UP[: pieces * size])


def _trailers(draw):
    pieces, size = draw.choice((0, 1, 10)), draw.choice((1, 10_000))
    want = MADE_UP[: pieces * size]
    trailers = {"x-checksum": f"{zlib.adler32(want):08x}"}
    path = f"/trailers?pieces={pieces}&bytes={size}"
    fields = {"trailer": "X-Checksum"}
    return Request("trailers", "GET", path, want=want, fields=fields, trailers=trailers)


def _fields(draw):
    came, sent = draw.randrange(15_000), draw.randrange(7_000)
    headers, fields = {"X-Large": "x" * came}, {"x-large": "x" * sent}
    path = f"/fields?bytes={sent}"
    return Request("fields", "GET", path, None, headers, want=b"%d\n" % came, fields=fields)


def _early(draw, most=LIMIT):
    body = _body(draw)[:most]
    return Request("early", "POST", "/early", body, status=403, want=b"not wanted\n")


def _empty(draw):
    status = draw.choice((204, 304))
    return Request("empty", "GET", f"/status/{status}", status=status, fields={"etag": '"fixed"'})


def _options(draw):
    fields = {"allow": "GET, HEAD, OPTIONS"}
    return Request("options", "OPTIONS", "/", status=204, fields=fields)


def _body(draw):
    return draw.randbytes(draw.choice(SIZES))


def _echo(draw):
    body = _body(draw)
    return Request("echo", draw.choice(("POST", "PUT")), "/echo", body, want=body)


def _upload(draw):
    body = _body(draw)
    want = b"%d %08x\n" % (len(body), zlib.adler32(body))
    return Request("upload", "POST", "/upload", body, want=want)


def _chunked(draw):
    pieces = [draw.randbytes(draw.choice((1, 10, 1000, 16384, 70_000))) for _ in range(draw.randrange(1, 12))]
    return Request("chunked", "POST", "/echo", pieces, want=b"".join(pieces))


def _expect(draw):
    body = _body(draw) or b"x"
    return Request("expect", "POST", "/echo", body, {"Expect": "100-continue"}, want=body)


def _close(draw):
    fields = {"connection": "close"}
    return Request("close", "GET", "/", None, {"Connection": "close"}, want=b"hello\n", fields=fields)


def _missing(draw):
    path = f"/missing/{draw.randrange(1000)}"
    return Request("missing", "GET", path, status=404, want=b"404 Not Found\n")


# Each with its weight.
_KINDS = (
    (_get, 25), (_head, 8), (_bytes, 12), (_large, 2), (_stream, 12), (_empty, 8), (_options, 3),
    (_echo, 10), (_upload, 8), (_chunked, 8), (_expect, 5), (_close, 6), (_missing, 3),
    (_trailers, 6), (_fields, 4), (_early, 4),
)
# What HTTP/2 has no words for.
_NOT_IN_2 = (_close,)


def mixed(seed, count, version, most_early=LIMIT):
    """`count` requests, the same for the same seed. Those that are answered while they are sent have
    bodies of at most `most_early` bytes."""
    draw = random.Random(seed)
    left_out = _NOT_IN_2 if version == "2" else ()
    known = [row for row in _KINDS if row[0] not in left_out]
    kinds, weights = zip(*known)
    for kind in draw.choices(kinds, weights, k=count):
        yield kind(draw, most_early) if kind is _early else kind(draw)


def refused(chunked):
    """An upload over the server's limit. Only the status is to be looked at."""
    body = bytes(TOO_LARGE)
    if chunked:
        body = [body[: 64 << 10]] * (TOO_LARGE // (64 << 10))
    return Request("refused", "POST", "/upload", body, status=413)
