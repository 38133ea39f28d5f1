#!/bin/bash
# Usage: licenses.sh OUTPUT
# Writes the licence of this program, then of each library linked into it, as their pinned archives hold them, and of
# mingw-w64, which comes with the compiler. (gcc's own runtime asks for no notice in what it compiles.)
# Leaves OUTPUT alone when nothing changed. src/third_party/fetch.sh has brought the archives into the cache.
set -euo pipefail
out=$1
here=$(cd "$(dirname "$0")" && pwd)
sources=${SSM_ENFORCE_CACHE:-$here/../.cache}/src

title() { # library version note
    printf '\n%s\n%s %s%s\n%s\n\n' "$rule" "$1" "$2" "$3" "$rule"
}
rule=$(printf '%.0s-' {1..78})
mkdir -p "$(dirname "$out")"
trap 'rm -f "$out.$$"' EXIT
{
    sed -n 's/.*SSM_ENFORCE_VERSION "\(.*\)"/ssm-enforce \1\n/p' "$here/../src/base/version.h"
    cat "$here/../LICENSE"
    printf '\nLinked into this executable are the libraries below, each under its own licence.\n'
    while read -r name version file _; do
        case $name in
        '#'*) continue ;;
        curl) path=COPYING note= ;;
        # Apache-2.0 or GPL-2.0-or-later: taken under the first, which is the first half of the file.
        mbedtls) path=LICENSE note=', under the Apache License 2.0' ;;
        expat) path=expat/COPYING note= ;;
        musl) path=COPYRIGHT note=' (on Linux)' ;;
        jsmn) path=LICENSE note= ;;
        *) echo "licenses: where is the licence of $name?" >&2 && exit 1 ;;
        esac
        title "$name" "$version" "$note"
        tar -xOf "$sources/$file" --occurrence=1 --wildcards --no-wildcards-match-slash "*/$path" | if [ "$name" = mbedtls ]; then
            sed -n '/Apache License$/,/GNU GENERAL PUBLIC LICENSE/p' | sed '/GNU GENERAL PUBLIC LICENSE/d'
        else
            cat
        fi
    done <"$here/../src/third_party/pins"
    title mingw-w64 'C runtime' ' (on Windows)'
    cat "$here/../src/third_party/mingw-w64.license"
} | sed 's/\r$//; s/[[:space:]]*$//; s/\f//g' | cat -s >"$out.$$"
if cmp -s "$out.$$" "$out"; then rm "$out.$$"; else mv "$out.$$" "$out"; fi
