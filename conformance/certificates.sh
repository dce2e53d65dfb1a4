#!/usr/bin/env bash
# Makes an authority of the run and a certificate by it for localhost and 127.0.0.1:
#
#   conformance/certificates.sh FOLDER
#
# There are then ca.pem, cert.pem and key.pem, and in key.sha256 what Chromium knows a key by: the
# SHA-256 of its public half in Base64. All of it lasts for two days.
set -euo pipefail

cd "${1:?usage: conformance/certificates.sh FOLDER}"
key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2> /dev/null
}
key ca-key.pem
openssl req -x509 -new -key ca-key.pem -days 2 -subj '/CN=authority of this run' -out ca.pem \
    -addext keyUsage=critical,keyCertSign
key key.pem
openssl req -new -key key.pem -subj /CN=localhost -out request.pem
printf '%s\n' 'subjectAltName=DNS:localhost,IP:127.0.0.1' 'basicConstraints=CA:FALSE' \
    'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth' > extensions
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 \
    -extfile extensions -out cert.pem 2> /dev/null
openssl pkey -in key.pem -pubout -outform DER | openssl dgst -sha256 -binary | openssl base64 \
    > key.sha256
