#!/usr/bin/env bash
# Every case of h2spec (github.com/summerwind/h2spec), strict ones too, against a server of HTTP/2:
# conformance/h2spec.sh H2SPEC CONFORMANCE HTTPS, the second and third being target/release/examples/
# conformance and https. By hand: h2spec is no package.
#
# On the plain port h2spec sees a stream that is over where it wants to break one that is open, if the
# page comes at once: so two are asked for, one of which takes its time for GET, the other for POST.
# What fails with one of them has to pass with the other, but for the preface that is none: a port of
# both takes it for HTTP/1.1, and refuses it in its words.
set -uo pipefail
h2spec=$1 conformance=$2 https=$3
log=$(mktemp)

"$conformance" --listen 127.0.0.1:0 >"$log" &
plain=$!
"$https" 127.0.0.1:18443 >/dev/null &
secure=$!
trap 'kill $plain $secure; rm -f "$log"' EXIT
until grep -q 'listening on' "$log"; do sleep 0.1; done
port=$(grep -o '[0-9]*$' "$log" | head -1)
sleep 0.5

for path in '/slow?ms=300' /upload; do
  "$h2spec" --strict -h 127.0.0.1 -p "$port" -P "$path" | grep -aE '×|passed'
done
"$h2spec" --strict -t -k -h 127.0.0.1 -p 18443 | tail -n 5
