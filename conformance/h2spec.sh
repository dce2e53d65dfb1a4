#!/usr/bin/env bash
# Every case of h2spec (github.com/summerwind/h2spec), strict ones too, against a server of HTTP/2:
# conformance/h2spec.sh H2SPEC CONFORMANCE [BACKEND], the second being target/release/examples/
# conformance with the feature tls-self-signed, and the third epoll or io_uring. By hand: h2spec is no
# package.
#
# h2spec sees a stream that is over where it wants to break one that is open, if the page comes at
# once: so two are asked for, one of which takes its time for GET, the other for POST. What fails with
# one of them has to pass with the other, but for the preface that is none on the plain port: a port
# of both versions takes it for HTTP/1.1, and refuses it in its words.
set -uo pipefail
h2spec=$1 conformance=$2 backend=${3:-epoll}
log=$(mktemp)

"$conformance" --backend "$backend" --listen 127.0.0.1:0 --listen-tls 127.0.0.1:0 >"$log" &
server=$!
trap 'kill $server; rm -f "$log"' EXIT
until [ "$(grep -c 'listening on' "$log")" -eq 2 ]; do sleep 0.1; done
mapfile -t ports < <(grep -o '[0-9]*$' "$log")

for path in '/slow?ms=300' /upload; do
  for kind in "-p ${ports[0]}" "-t -k -p ${ports[1]}"; do
    echo "-- $backend, $kind, $path"
    # shellcheck disable=SC2086 # Several options.
    "$h2spec" --strict -h 127.0.0.1 $kind -P "$path" | grep -aE '×|passed'
  done
done
