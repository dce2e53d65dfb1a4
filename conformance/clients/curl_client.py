#!/usr/bin/env python3
"""Sends mixed requests with curl and checks every answer:

    curl_client.py ADDR

1,000 requests in batches, each a process of curl's: one after the other on kept connections, every
fourth batch in parallel. Then uploads over the limit, each of which must show the 413. curl has
had no pipelining since 7.65.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import plan

REQUESTS = 1000
BATCH = 50
SEED = 2


def quoted(value):
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def entry(request, index, addr, folder):
    """The lines of a config file for one request."""
    lines = [
        f"url = {quoted(f'http://{addr}{request.path}')}",
        f"output = {quoted(folder / f'{index}.body')}",
        f"dump-header = {quoted(folder / f'{index}.head')}",
        'write-out = "%{filename_effective} %{http_code} %{num_connects} %{exitcode} %{errormsg}\\n"',
        "silent",
        "max-time = 30",
    ]
    if request.method == "HEAD":
        lines.append("head")
    elif request.body is None:
        lines.append(f"request = {request.method}")
    else:
        data = b"".join(request.body) if request.is_chunked else request.body
        path = folder / f"{index}.data"
        path.write_bytes(data)
        lines.append(f"request = {request.method}")
        # --upload-file streams, --data-binary reads all of it first and tells the length.
        if request.is_chunked:
            lines += [f"upload-file = {quoted(path)}", 'header = "Transfer-Encoding: chunked"']
        else:
            lines.append(f"data-binary = {quoted(f'@{path}')}")
    lines += [f"header = {quoted(f'{name}: {value}')}" for name, value in request.headers.items()]
    return "\n".join(lines)


def run(requests, addr, folder, parallel):
    """Sends one batch; the number of connections that it took."""
    entries = [entry(request, index, addr, folder) for index, request in enumerate(requests)]
    config = folder / "config"
    config.write_text("\nnext\n".join(entries) + "\n")
    command = ["curl", "--disable", "--no-progress-meter", "--config", str(config)]
    if parallel:
        command += ["--parallel", "--parallel-max", "8"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=False)
    lines = ended.stdout.decode().splitlines()
    results = {}
    for line in lines:
        name, status, connects, code, *message = line.split(" ")
        results[pathlib.Path(name).stem] = int(status), int(connects), int(code), " ".join(message)
    for index, request in enumerate(requests):
        status, _, code, message = results[str(index)]
        where = f"{request.kind}: {request.method} {request.path}"
        assert code == 0, f"{where}: curl ended with {code}: {message}"
        request.check(status, head(folder / f"{index}.head"), body(request, folder / f"{index}.body"))
    return sum(connects for _, connects, _, _ in results.values())


def head(path):
    """The fields of the last head: `100 Continue` comes before it."""
    last = path.read_text().rstrip("\r\n").split("\n\n")[-1]
    pairs = (line.split(":", 1) for line in last.splitlines() if ":" in line)
    return {name.lower(): value.strip() for name, value in pairs}


def body(request, path):
    # For HEAD it holds the head; for no body at all there may be no file.
    if request.method == "HEAD" or not path.exists():
        return b""
    return path.read_bytes()


def mixed(addr):
    requests = list(plan.mixed(SEED, REQUESTS))
    connections = 0
    for number, start in enumerate(range(0, REQUESTS, BATCH)):
        with tempfile.TemporaryDirectory() as folder:
            batch = requests[start : start + BATCH]
            connections += run(batch, addr, pathlib.Path(folder), number % 4 == 3)
    return connections


def refusals(addr):
    with tempfile.NamedTemporaryFile() as data:
        data.truncate(plan.TOO_LARGE)
        upload = ["--upload-file", data.name, f"http://{addr}/upload"]
        # Without the wait for `100 Continue`, curl sends while the refusal comes.
        for name, options in {
            "length": ["-H", "Expect:"],
            "chunked": ["-H", "Expect:", "-H", "Transfer-Encoding: chunked"],
            "length, waiting": ["-H", "Expect: 100-continue"],
        }.items():
            for turn in range(plan.REFUSALS):
                command = ["curl", "--disable", "-sS", "-o", "/dev/null", "-w", "%{http_code}"]
                ended = subprocess.run(
                    command + options + upload, capture_output=True, timeout=60, check=False
                )
                seen = ended.stdout.decode(), ended.returncode
                assert seen == ("413", 0), f"refusal {turn}, {name}: {seen} {ended.stderr.decode()}"


def main():
    start = time.monotonic()
    addr = sys.argv[1]
    try:
        connections = mixed(addr)
        refusals(addr)
    except AssertionError as error:
        sys.exit(f"FAILED: curl: {error}")
    seconds = time.monotonic() - start
    sent = f"{REQUESTS} requests over {connections} connections"
    print(f"curl: {sent}, {3 * plan.REFUSALS} refusals seen ({seconds:.1f} s)")


main()
