#!/usr/bin/env python3
"""Sends mixed requests with Python's HTTP clients and checks every answer:

    python_clients.py URL VERSION [CLIENT...]

Clients are http.client, requests, httpx and aiohttp, of which httpx alone speaks HTTP/2. Each sends
1,000 requests, over a few connections at once or as streams of one, then uploads over the limit, each
of which must show the 413, and gives up downloads.

`http.client` gives up where it can't send on. Its user has to catch that and ask for the response
all the same, as urllib3 does; that is what is done here, and how often is told. None of the four
can pipeline, and none tells of trailers.

Over HTTP/2 httpx sends a request to its end although it is answered, and breaks off all streams when
one is reset: it is spared answers to what does not fit in a stream's first window. It does not reset
what is given up, nor takes what comes of it into account, until the connection's window is used up,
and is spared that as well; `h2_client.py` is spared neither.
"""

import asyncio
import collections
import http.client
import sys
import threading
import time
import urllib.parse

import plan

REQUESTS = 1000
THREADS = 4
SEED = 1
# What may be sent on a stream of HTTP/2 before the server grants more.
FIRST_WINDOW = 65_535
SEEN = f", {2 * plan.REFUSALS} refusals seen, {plan.CANCELS} given up"


class HttpClient:
    """The standard library's, with one connection for each thread."""

    def __init__(self, url):
        addr, context = urllib.parse.urlsplit(url).netloc, plan.tls(url, "http/1.1")
        if context is None:
            self.connection = http.client.HTTPConnection(addr, timeout=30)
        else:
            self.connection = http.client.HTTPSConnection(addr, timeout=30, context=context)
        self.broken_sends = 0

    def send(self, request):
        body, headers = request.body, dict(request.headers)
        if request.is_chunked:
            headers["Transfer-Encoding"] = "chunked"
        try:
            self.connection.request(
                request.method, request.path, iter(body) if request.is_chunked else body, headers,
                encode_chunked=request.is_chunked,
            )
        except (BrokenPipeError, ConnectionResetError):
            self.broken_sends += 1
            # What this class refuses in that state is to be asked for the response.
            self.connection._HTTPConnection__state = http.client._CS_REQ_SENT
        response = self.connection.getresponse()
        answer = response.status, fields(response.getheaders()), response.read()
        if request.status == 413:
            self.connection.close()
        return answer

    def cancel(self):
        self.connection.request("GET", plan.ENDLESS)
        response = self.connection.getresponse()
        begin = response.read(5000)
        self.connection.close()
        response.close()
        return begin


class Requests:
    def __init__(self, url):
        import requests

        self.session, self.origin = requests.Session(), url
        self.session.trust_env = False
        self.session.verify = plan.authority() or True

    def send(self, request):
        body = iter(request.body) if request.is_chunked else request.body
        response = self.session.request(
            request.method, self.origin + request.path, data=body, headers=request.headers,
            timeout=30, allow_redirects=False,
        )
        return response.status_code, fields(response.headers.items()), response.content


    def cancel(self):
        with self.session.get(self.origin + plan.ENDLESS, stream=True, timeout=30) as response:
            return next(response.iter_content(5000))


class Httpx:
    def __init__(self, url):
        import httpx

        verify = plan.tls(url, "http/1.1") or False
        self.client = httpx.Client(base_url=url, timeout=30, trust_env=False, verify=verify)

    def send(self, request):
        body = iter(request.body) if request.is_chunked else request.body
        response = self.client.request(
            request.method, request.path, content=body, headers=request.headers
        )
        return response.status_code, fields(response.headers.items()), response.content

    def cancel(self):
        with self.client.stream("GET", plan.ENDLESS) as response:
            return next(response.iter_raw(5000))


def fields(pairs):
    return {name.lower(): value for name, value in pairs}


def in_threads(make, url):
    """Sends all with a synchronous client; each thread has its own."""
    requests, failures = collections.deque(plan.mixed(SEED, REQUESTS, "1.1")), []

    def work():
        client = make(url)
        while requests and not failures:
            try:
                request = requests.popleft()
            except IndexError:
                return
            try:
                request.check(*client.send(request))
            except Exception as error:
                failures.append((request, error))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise explain(*failures[0])
    client = make(url)
    for chunked in (False, True):
        for turn in range(plan.REFUSALS):
            request = plan.refused(chunked)
            try:
                status, _, _ = client.send(request)
            except Exception as error:
                raise explain(request, error, f"refusal {turn}, chunked {chunked}") from error
            assert status == 413, f"refusal {turn}, chunked {chunked}: {status}"
    for _ in range(plan.CANCELS):
        assert plan.MADE_UP.startswith(client.cancel()), "no response to give up"
    broken = getattr(client, "broken_sends", 0)
    return f"{SEEN}, {broken} of them after a broken send" if broken else SEEN


def explain(request, error, where=""):
    size = sum(map(len, request.body)) if request.is_chunked else len(request.body or b"")
    what = f"{where} {request.kind}: {request.method} {request.path}, body of {size}"
    return AssertionError(f"{what}: {type(error).__name__}: {error}")


async def pieces(request):
    for piece in request.body:
        yield piece


async def with_aiohttp(url):
    """aiohttp waits for `100 Continue` as well."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(ssl=plan.tls(url, "http/1.1") or True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

        async def send(request):
            headers = dict(request.headers)
            expect = headers.pop("Expect", None) is not None
            body = pieces(request) if request.is_chunked else request.body
            async with session.request(
                request.method, url + request.path, data=body, headers=headers,
                expect100=expect, allow_redirects=False,
            ) as response:
                body = await response.read()
                return response.status, fields(response.headers.items()), body

        async def cancel():
            async with session.get(url + plan.ENDLESS) as response:
                begin = await response.content.readexactly(5000)
                response.close()
                return begin

        return await in_tasks(send, cancel, "1.1")


async def with_httpx2(url):
    """All as streams of one connection: TLS, or knowing that HTTP/2 is spoken."""
    import httpx

    verify = plan.tls(url, "h2") or False
    client = httpx.AsyncClient(
        base_url=url, timeout=30, trust_env=False, verify=verify, http1=False, http2=True
    )
    async with client:

        async def send(request):
            body = pieces(request) if request.is_chunked else request.body
            response = await client.request(
                request.method, request.path, content=body, headers=request.headers
            )
            assert response.http_version == "HTTP/2", response.http_version
            return response.status_code, fields(response.headers.items()), response.content

        return await in_tasks(send, None, "2")


async def in_tasks(send, cancel, version):
    """Sends all, several at once. Without `cancel`, what ends before its time is left out."""
    requests = plan.mixed(SEED, REQUESTS, version, FIRST_WINDOW if version == "2" else plan.LIMIT)

    async def work():
        for request in requests:
            try:
                request.check(*await send(request))
            except Exception as error:
                raise explain(request, error) from error

    await asyncio.gather(*(work() for _ in range(2 * THREADS)))
    if cancel is None:
        return ""
    for chunked in (False, True):
        for turn in range(plan.REFUSALS):
            request = plan.refused(chunked)
            try:
                status, _, _ = await send(request)
            except Exception as error:
                raise explain(request, error, f"refusal {turn}, chunked {chunked}") from error
            assert status == 413, f"refusal {turn}, chunked {chunked}: {status}"
    for _ in range(plan.CANCELS):
        assert plan.MADE_UP.startswith(await cancel()), "no response to give up"
    return SEEN


CLIENTS = {
    "1.1": {
        "http.client": lambda url: in_threads(HttpClient, url),
        "requests": lambda url: in_threads(Requests, url),
        "httpx": lambda url: in_threads(Httpx, url),
        "aiohttp": lambda url: asyncio.run(with_aiohttp(url)),
    },
    "2": {"httpx": lambda url: asyncio.run(with_httpx2(url))},
}


def main():
    url, version, *names = sys.argv[1:]
    failed = False
    for name in names or CLIENTS[version]:
        start = time.monotonic()
        what = f"{name}, {plan.way(url, version)}"
        try:
            note = CLIENTS[version][name](url)
        except AssertionError as error:
            failed = True
            print(f"FAILED: {what}: {error}", file=sys.stderr)
            continue
        seconds = time.monotonic() - start
        print(f"{what}: {REQUESTS} requests{note} ({seconds:.1f} s)")
    sys.exit(failed)


main()
