#!/usr/bin/env python3
"""Sends mixed requests with curl and checks every answer:

    curl_client.py URL VERSION

1,000 requests in batches, each a process of curl's: one after the other on kept connections, every
fourth batch in parallel, and every other one with TLS 1.2 at most. Then uploads over the limit, each
of which must show the 413, and downloads that are given up. curl has had no pipelining since 7.65.

Over HTTP/2 curl before 8.0 does not use a connection again where there is no TLS, nor always write
down trailers.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import plan

REQUESTS = 1000
BATCH = 50
# For who needs a process for each.
FEW_REQUESTS = 200
SEED = 2


def quoted(value):
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def options(url, version, extra=()):
    """What is the same for all requests, as lines of a config file."""
    secure = url.startswith("https:")
    if version == "2":
        lines = ["http2" if secure else "http2-prior-knowledge"]
    else:
        lines = ["http1.1"]
    return [*lines, *([f"cacert = {quoted(plan.authority())}"] if secure else []), *extra]


def entry(request, index, url, version, folder, extra):
    """The lines of a config file for one request."""
    lines = [
        *options(url, version, extra),
        f"url = {quoted(url + request.path)}",
        f"output = {quoted(folder / f'{index}.body')}",
        f"dump-header = {quoted(folder / f'{index}.head')}",
        'write-out = "%{filename_effective} %{http_code} %{http_version} %{num_connects} '
        '%{exitcode} %{errormsg}\\n"',
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
            lines.append(f"upload-file = {quoted(path)}")
            if version == "1.1":
                lines.append('header = "Transfer-Encoding: chunked"')
        else:
            lines.append(f"data-binary = {quoted(f'@{path}')}")
    lines += [f"header = {quoted(f'{name}: {value}')}" for name, value in request.headers.items()]
    return "\n".join(lines)


def run(requests, url, version, folder, parallel, extra):
    """Sends one batch; the number of connections that it took."""
    entries = [
        entry(request, index, url, version, folder, extra)
        for index, request in enumerate(requests)
    ]
    config = folder / "config"
    config.write_text("\nnext\n".join(entries) + "\n")
    command = ["curl", "--disable", "--no-progress-meter", "--config", str(config)]
    if parallel:
        command += ["--parallel", "--parallel-max", "8"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=False)
    lines = ended.stdout.decode().splitlines()
    results = {}
    for line in lines:
        name, status, spoken, connects, code, *message = line.split(" ")
        results[pathlib.Path(name).stem] = int(status), int(connects), int(code), " ".join(message)
        assert spoken == version or code != "0", f"HTTP/{spoken} was spoken"
    for index, request in enumerate(requests):
        status, _, code, message = results[str(index)]
        where = f"{request.kind}: {request.method} {request.path}"
        assert code == 0, f"{where}: curl ended with {code}: {message}"
        fields, trailers = head(folder / f"{index}.head")
        trailers = trailers if version == "1.1" else None
        request.check(status, fields, body(request, folder / f"{index}.body"), trailers)
    return sum(connects for _, connects, _, _ in results.values())


def head(path):
    """The fields of the last head, which `100 Continue` comes before, and trailers behind it."""
    blocks = path.read_text().rstrip("\r\n").split("\n\n")
    at = max(index for index, block in enumerate(blocks) if block.startswith("HTTP/"))
    return tuple(dict(pairs(block)) for block in (blocks[at], "\n".join(blocks[at + 1 :])))


def pairs(block):
    for line in block.splitlines():
        if ":" in line:
            name, value = line.split(":", 1)
            yield name.lower(), value.strip()


def body(request, path):
    # For HEAD it holds the head; for no body at all there may be no file.
    if request.method == "HEAD" or not path.exists():
        return b""
    return path.read_bytes()


def mixed(url, version):
    count, size = (FEW_REQUESTS, 1) if plan.way(url, version) == "HTTP/2" else (REQUESTS, BATCH)
    requests = list(plan.mixed(SEED, count, version))
    connections = 0
    for number, start in enumerate(range(0, count, size)):
        older = ["tls-max = 1.2"] if url.startswith("https:") and number % 2 == 0 else []
        with tempfile.TemporaryDirectory() as folder:
            batch = requests[start : start + size]
            connections += run(
                batch, url, version, pathlib.Path(folder), number % 4 == 3, older
            )
    return count, connections


def refusals(url, version):
    cases = {
        "length, waiting": ["header = \"Expect: 100-continue\""],
        # Without the wait, curl sends while the refusal comes.
        "length": ["header = \"Expect:\""],
    }
    if version == "1.1":
        cases["chunked"] = ["header = \"Expect:\"", "header = \"Transfer-Encoding: chunked\""]
    with tempfile.NamedTemporaryFile() as data:
        data.truncate(plan.TOO_LARGE)
        upload = ["--upload-file", data.name, f"{url}/upload"]
        command = ["curl", "--disable", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *upload]
        for name, extra in cases.items():
            for turn in range(plan.REFUSALS):
                ended = subprocess.run(
                    [*command, "--config", "-"], input="\n".join(options(url, version, extra)),
                    capture_output=True, timeout=60, check=False, text=True,
                )
                seen = ended.stdout, ended.returncode
                assert seen == ("413", 0), f"refusal {turn}, {name}: {seen} {ended.stderr}"
    return len(cases) * plan.REFUSALS


def cancels(url, version):
    """Ends while a response comes."""
    command = ["curl", "--disable", "-sS", url + plan.ENDLESS]
    for line in options(url, version):
        name, _, value = line.partition(" = ")
        command += [f"--{name}", *([value.strip('"')] if value else [])]
    for _ in range(plan.CANCELS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout.read(5000) == plan.MADE_UP[:5000], "no response to give up"
            process.kill()


def main():
    start = time.monotonic()
    url, version = sys.argv[1:3]
    try:
        count, connections = mixed(url, version)
        refused = refusals(url, version)
        cancels(url, version)
    except AssertionError as error:
        sys.exit(f"FAILED: curl, {plan.way(url, version)}: {error}")
    seconds = time.monotonic() - start
    sent = f"{count} requests over {connections} connections"
    note = f"{sent}, {refused} refusals seen, {plan.CANCELS} given up ({seconds:.1f} s)"
    print(f"curl, {plan.way(url, version)}: {note}")


main()
