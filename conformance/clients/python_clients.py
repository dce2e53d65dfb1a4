#!/usr/bin/env python3
"""Sends mixed requests with Python's HTTP clients and checks every answer:

    python_clients.py ADDR [CLIENT...]

Clients are http.client, requests, httpx and aiohttp. Each sends 1,000 requests over a few
connections at once, and then uploads over the limit, each of which must show the 413.

`http.client` gives up where it can't send on. Its user has to catch that and ask for the response
all the same, as urllib3 does; that is what is done here, and how often is told. None of the four
can pipeline.
"""

import asyncio
import collections
import http.client
import sys
import threading
import time

import plan

REQUESTS = 1000
THREADS = 4
SEED = 1


class HttpClient:
    """The standard library's, with one connection for each thread."""

    def __init__(self, addr):
        self.connection = http.client.HTTPConnection(addr, timeout=30)
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


class Requests:
    def __init__(self, addr):
        import requests

        self.session, self.origin = requests.Session(), f"http://{addr}"

    def send(self, request):
        body = iter(request.body) if request.is_chunked else request.body
        response = self.session.request(
            request.method, self.origin + request.path, data=body, headers=request.headers,
            timeout=30, allow_redirects=False,
        )
        return response.status_code, fields(response.headers.items()), response.content


class Httpx:
    def __init__(self, addr):
        import httpx

        self.client = httpx.Client(base_url=f"http://{addr}", timeout=30, trust_env=False)

    def send(self, request):
        body = iter(request.body) if request.is_chunked else request.body
        response = self.client.request(
            request.method, request.path, content=body, headers=request.headers
        )
        return response.status_code, fields(response.headers.items()), response.content


def fields(pairs):
    return {name.lower(): value for name, value in pairs}


def in_threads(make, addr):
    """Sends all with a synchronous client; each thread has its own."""
    requests, failures = collections.deque(plan.mixed(SEED, REQUESTS)), []

    def work():
        client = make(addr)
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
    client = make(addr)
    for chunked in (False, True):
        for turn in range(plan.REFUSALS):
            request = plan.refused(chunked)
            try:
                status, _, _ = client.send(request)
            except Exception as error:
                raise explain(request, error, f"refusal {turn}, chunked {chunked}") from error
            assert status == 413, f"refusal {turn}, chunked {chunked}: {status}"
    broken = getattr(client, "broken_sends", 0)
    return f", {broken} of them after a broken send" if broken else ""


def explain(request, error, where=""):
    size = sum(map(len, request.body)) if request.is_chunked else len(request.body or b"")
    what = f"{where} {request.kind}: {request.method} {request.path}, body of {size}"
    return AssertionError(f"{what}: {type(error).__name__}: {error}")


async def in_tasks(addr):
    """Sends all with aiohttp, which waits for `100 Continue` as well."""
    import aiohttp

    async def pieces(request):
        for piece in request.body:
            yield piece

    async def send(session, request):
        headers = dict(request.headers)
        expect = headers.pop("Expect", None) is not None
        body = pieces(request) if request.is_chunked else request.body
        async with session.request(
            request.method, f"http://{addr}{request.path}", data=body, headers=headers,
            expect100=expect, allow_redirects=False,
        ) as response:
            body = await response.read()
            return response.status, fields(response.headers.items()), body

    requests = plan.mixed(SEED, REQUESTS)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def work():
            for request in requests:
                try:
                    request.check(*await send(session, request))
                except Exception as error:
                    raise explain(request, error) from error

        await asyncio.gather(*(work() for _ in range(2 * THREADS)))
        for chunked in (False, True):
            for turn in range(plan.REFUSALS):
                request = plan.refused(chunked)
                try:
                    status, _, _ = await send(session, request)
                except Exception as error:
                    raise explain(request, error, f"refusal {turn}, chunked {chunked}") from error
                assert status == 413, f"refusal {turn}, chunked {chunked}: {status}"
    return ""


CLIENTS = {
    "http.client": lambda addr: in_threads(HttpClient, addr),
    "requests": lambda addr: in_threads(Requests, addr),
    "httpx": lambda addr: in_threads(Httpx, addr),
    "aiohttp": lambda addr: asyncio.run(in_tasks(addr)),
}


def main():
    addr, names = sys.argv[1], sys.argv[2:] or list(CLIENTS)
    failed = False
    for name in names:
        start = time.monotonic()
        try:
            note = CLIENTS[name](addr)
        except AssertionError as error:
            failed = True
            print(f"FAILED: {name}: {error}", file=sys.stderr)
            continue
        seconds = time.monotonic() - start
        print(f"{name}: {REQUESTS} requests, {2 * plan.REFUSALS} refusals seen{note} ({seconds:.1f} s)")
    sys.exit(failed)


main()
