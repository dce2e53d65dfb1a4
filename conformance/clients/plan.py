"""The mixed requests that each Python client and curl send, and what must come back.

A request is a method, a path, fields and a body; a body is bytes, or a list of pieces that is sent
chunked. The order is drawn from a seed. Not here: how a client sends them.
"""

import hashlib
import random
import zlib

LIMIT = 1 << 20
SIZES = (0, 1, 100, 1460, 4096, 16384, 65535, 65536, 65537, 200_000, LIMIT)
# Each client sends this many requests over its limit in a row, of either framing.
REFUSALS = 50
TOO_LARGE = 5 << 20


def pattern(count):
    """The bytes that the server makes up: `i % 251` at place i."""
    return (bytes(range(251)) * (count // 251 + 1))[:count]


MADE_UP = pattern(2 << 20)


class Request:
    """One request and the answer that it must have."""

    def __init__(self, kind, method, path, body=None, headers=(), status=200, want=b"", fields=()):
        self.kind, self.method, self.path = kind, method, path
        self.body, self.headers = body, dict(headers)
        self.status, self.want, self.fields = status, want, dict(fields)

    @property
    def is_chunked(self):
        return isinstance(self.body, list)

    def check(self, status, fields, body):
        """Raises an error unless the answer is the right one. `fields` have lower-case names."""
        name = f"{self.kind}: {self.method} {self.path}"
        if status != self.status:
            raise AssertionError(f"{name}: status {status}, not {self.status}: {body[:100]!r}")
        if hashlib.sha256(body).digest() != hashlib.sha256(self.want).digest():
            raise AssertionError(f"{name}: {len(body)} other bytes than the {len(self.want)} right ones")
        for field, value in {**self.fields, "date": None}.items():
            found = fields.get(field)
            if found is None or value not in (None, found):
                raise AssertionError(f"{name}: {field} is {found}, not {value}")


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
    fields = {"transfer-encoding": "chunked"}
    path = f"/stream?pieces={pieces}&bytes={size}"
    return Request("stream", "GET", path, want=MADE_UP[: pieces * size], fields=fields)


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
)


def mixed(seed, count):
    """`count` requests, the same for the same seed."""
    draw = random.Random(seed)
    kinds, weights = zip(*_KINDS)
    for kind in draw.choices(kinds, weights, k=count):
        yield kind(draw)


def refused(chunked):
    """An upload over the server's limit. Only the status is to be looked at."""
    body = bytes(TOO_LARGE)
    if chunked:
        body = [body[: 64 << 10]] * (TOO_LARGE // (64 << 10))
    return Request("refused", "POST", "/upload", body, status=413)
