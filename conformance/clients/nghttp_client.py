#!/usr/bin/env python3
"""Asks by nghttp, one request at a time, and by h2load, many at once, and checks what came:

    nghttp_client.py URL VERSION

nghttp speaks HTTP/2 alone, and tells of each frame. Of many answers h2load tells how many had which
status and how many bytes came.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import time
import zlib

import plan

REQUESTS = 4000
# Connections and streams of each.
CROWDS = ((1, 1), (1, 100), (8, 16))


def run(*command):
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stderr.decode()}"
    return ended.stdout


def single(url):
    """The body of each answer is what nghttp prints; how it came, it tells with -v."""
    body = plan.MADE_UP[:100_000]
    checksum = f"{zlib.adler32(body):08x}"
    counted = f"{len(body)} {checksum}\n".encode()
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        data.write_bytes(body)
        send = ["-d", str(data)]
        rows = [
            ("small", [], "/", b"hello\n"),
            ("large", [], f"/bytes?count={len(plan.MADE_UP)}", plan.MADE_UP),
            ("small windows", ["-w", "10", "-W", "16"], f"/bytes?count={plan.LIMIT}",
             plan.MADE_UP[: plan.LIMIT]),
            ("stream", [], "/stream?pieces=100&bytes=1000", body),
            ("echo", send, "/echo", body),
            ("upload", send, "/upload", counted),
            # It sends nothing if the answer begins with the 100.
            ("continue", [*send, "--expect-continue"], "/upload", counted),
            ("no dynamic table", ["-c", "0", *send], "/echo", body),
            ("padding", ["-b", "200", *send], "/echo", body),
            ("field", ["-H", "x-large: " + "x" * 15_000], "/fields", b"15000\n"),
            ("missing", [], "/missing", b"404 Not Found\n"),
            ("early", send, "/early", b"not wanted\n"),
        ]
        for name, options, path, want in rows:
            came = run("nghttp", *options, url + path)
            assert came == want, f"{name}: {len(came)} other bytes than the {len(want)} right ones"
        told = run("nghttp", "-nv", url + "/trailers?pieces=100&bytes=1000").decode()
        assert f"x-checksum: {checksum}" in told, f"trailers: {told}"
        told = run("nghttp", "-nv", *send, "-H", "trailer: x-sum", "--trailer", "x-sum: 5", url + "/echo")
        assert told.decode().count("x-sum: 5") == 2, f"trailers up: {told.decode()}"
    return len(rows) + 2


def crowds(url, version):
    options = ["--h1"] if version == "1.1" else []
    rows = [("/", [], 6), ("/bytes?count=20000", [], 20_000)]
    with tempfile.NamedTemporaryFile() as data:
        data.write(plan.MADE_UP[:5000])
        data.flush()
        rows.append(("/echo", ["-d", data.name], 5000))
        for connections, streams in CROWDS:
            for path, upload, size in rows:
                told = run(
                    "h2load", *options, *upload, "-n", str(REQUESTS), "-c", str(connections),
                    "-m", str(streams), url + path,
                ).decode()
                done = f"{REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout"
                bytes_came = re.search(r"\((\d+)\) data", told)
                assert done in told and f"status codes: {REQUESTS} 2xx" in told, f"{path}: {told}"
                assert int(bytes_came[1]) == REQUESTS * size, f"{path}: {told}"
    return len(CROWDS) * len(rows) * REQUESTS


def main():
    url, version = sys.argv[1:]
    start, done = time.monotonic(), []
    try:
        if version == "2":
            done.append(f"{single(url)} requests by nghttp")
        done.append(f"{crowds(url, version)} by h2load")
    except (AssertionError, subprocess.TimeoutExpired) as error:
        sys.exit(f"FAILED: nghttp, {plan.way(url, version)}: {error}")
    seconds = time.monotonic() - start
    print(f"nghttp, {plan.way(url, version)}: {', '.join(done)} ({seconds:.1f} s)")


main()
