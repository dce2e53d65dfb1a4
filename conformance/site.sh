#!/usr/bin/env bash
# Makes a static site of more than 200 files, with everything in it that names can have:
#
#   conformance/site.sh DIR
#
# DIR/site is the site. Beside it, in DIR, is what must never be served: every file that holds the
# word SECRET.
set -euo pipefail
export LC_ALL=C

top=$1
site=$top/site
mkdir -p "$site"

put() { # NAME CONTENTS
    mkdir -p "$(dirname "$site/$1")"
    printf '%s' "$2" > "$site/$1"
}

# Pages, in three levels of directories, some with an index.
for section in docs blog "über uns" archive; do
    for chapter in 1 2 3 4; do
        put "$section/$chapter/index.html" "<!doctype html><title>$section $chapter</title><h1>$section $chapter</h1>"
        for page in {1..10}; do
            put "$section/$chapter/page-$page.html" "<!doctype html><title>$page</title><p>$section, $chapter, $page."
        done
    done
done
put index.html '<!doctype html><meta charset="utf-8"><title>Wharf</title><link rel="stylesheet" href="/assets/site.css"><h1>Servus, 世界!</h1><img src="/assets/logo.svg" alt=""><p><a href="archive/">Archive</a>'

# Types.
put assets/site.css 'body { font-family: sans-serif; max-width: 40rem; margin: 2rem auto } h1 { color: #0a58ca }'
put assets/logo.svg '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="30" fill="#0a58ca"/></svg>'
for extension in js mjs json txt md xml png jpg gif webp ico woff2 wasm pdf mp4 zip webmanifest; do
    put "assets/sample.$extension" "sample $extension"
done
put assets/UPPER.HTML '<p>upper case'
put assets/no-extension 'no extension'

# Names.
for name in 'a b' ' leading' 'trailing ' 'a%20b' '100%' '%2e%2e' '%2F' 'a#b' 'a?b' 'a&b' 'a+b' 'a=b' 'a;b' \
    "a'b" 'a"b' 'a<b>' '<script>alert(1)<' 'a\b' '..a' 'a..' 'a..b' '-dash' '~tilde' 'a|b' 'a^b' '{a}' '[a]' \
    '*' '@' '!' '$HOME' '`id`' 'a:b' 'C:' 'COM1' 'javascript:alert(1)' 'ünï' '日本語' '🦀' $'combining-e\xcc\x81' \
    $'right-to-left-\xe2\x80\xae' $'not-utf-8-\xff\xfe' $'tab\there' $'line\nbreak'; do
    put "names/$name" "the contents of $name"
    put "names/$name.txt" "the text of $name"
done
put "names/$(printf 'x%.0s' {1..255})" 'the longest name'
put 'names/in here/c&d/ü%/e#f' 'nested names'

# Sizes.
put sizes/empty ''
put sizes/empty.html ''
put sizes/one 'x'
for bytes in 4095 4096 4097 16384 65535 65536 65537 131073; do
    head -c "$bytes" /dev/urandom > "$site/sizes/$bytes.bin"
done
head -c $((5 << 20)) /dev/urandom > "$site/sizes/5-mib.bin"

# What must not be served, and the ways to it.
put .env 'SECRET=1'
put .git/config 'SECRET'
put docs/.htpasswd 'SECRET'
put .well-known/security.txt 'Contact: mailto:nobody@example.com'
printf 'SECRET' > "$top/secret.txt"
mkdir -p "$top/site-other" "$top/outside/deep"
printf 'SECRET' > "$top/site-other/secret.txt"
printf 'SECRET' > "$top/outside/deep/secret.txt"
mkdir -p "$site/links"
ln -s ../../secret.txt "$site/links/relative"
ln -s "$top/secret.txt" "$site/links/absolute"
ln -s ../../outside "$site/links/directory"
ln -s ../../site-other "$site/links/same-beginning"
ln -s relative "$site/links/chain"
ln -s / "$site/links/root"
ln -s .. "$site/links/up"
ln -s loop "$site/links/loop"
ln -s nowhere "$site/links/dangling"
ln -s ../assets/sample.txt "$site/links/within"
mkfifo "$site/links/fifo"
