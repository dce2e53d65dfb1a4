#!/usr/bin/env bash
# What testssl.sh and sslyze find about `wharf serve --tls`, by hand:
#
#   cargo build --release -p wharf-cli --features tls
#   conformance/tls.sh target/release/wharf
#
# testssl is Debian's package, sslyze Python's; whichever is not there is left out. What testssl finds
# of a severity of LOW and above is shown, and what sslyze does not find as Mozilla's "intermediate"
# configuration has it. That nobody trusts the certificate is right: it is made for the run.
set -uo pipefail

wharf=$(realpath "${1:?usage: conformance/tls.sh WHARF}")
folder=$(mktemp -d)
mkdir "$folder/site"
echo hello > "$folder/site/index.html"
"$wharf" serve --tls --listen 127.0.0.1:0 "$folder/site" > "$folder/out" 2>&1 &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
until port=$(grep -oE '127\.0\.0\.1:[0-9]+' "$folder/out" | head -n 1 | grep -oE '[0-9]+$'); do
    sleep 0.1
done

if command -v testssl > /dev/null; then
    testssl --quiet --color 0 --warnings off --ip one --jsonfile "$folder/found" \
        "localhost:$port" > "$folder/testssl" 2>&1
    echo "testssl: $(grep -c '"severity"' "$folder/found") findings, of which of note:"
    python3 - "$folder/found" << 'END'
import json, sys
for one in json.load(open(sys.argv[1])):
    if one["severity"] not in ("OK", "INFO", "DEBUG"):
        print(f"  {one['severity']}: {one['id']}: {one['finding']}")
END
    grep -E 'Overall Grade|Final Score' "$folder/testssl" || true
fi
if command -v sslyze > /dev/null; then
    echo "sslyze:"
    sslyze --mozilla_config=intermediate "localhost:$port" > "$folder/sslyze" 2>&1
    sed -n '/COMPLIANCE/,$p' "$folder/sslyze" | grep -vE '^ *$|^ *-+$'
    grep VULNERABLE "$folder/sslyze" || true
fi
