#!/bin/bash
# Usage: cmocka-windows.sh
# Prints the folder with include/ and lib/ of cmocka for the Windows unit tests, and builds it where it is not there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${SSM_ENFORCE_CACHE:-$here/../.cache}
mkdir -p "$cache/prefix"
cache=$(cd "$cache" && pwd)
hash=$(cat "$here/cmocka-windows.pins" "$0" | sha256sum | cut -c1-12)
prefix=$cache/prefix/cmocka-windows-$hash
echo "$prefix"
[ ! -d "$prefix" ] || exit 0

"$here/../src/third_party/fetch.sh" "$here/cmocka-windows.pins"
work=$(mktemp -d "$cache/cmocka.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src" "$work/prefix/lib"
tar -xf "$cache/src/cmocka_1.1.5.orig.tar.xz" -C "$work/src" --strip-components=1
x86_64-w64-mingw32-gcc -O1 -w -D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1 -DHAVE_SIGNAL_H -DHAVE_STRINGS_H \
    -DHAVE_MALLOC_H -DHAVE_IO_H -I"$work/src/include" -c -o "$work/cmocka.o" "$work/src/src/cmocka.c"
x86_64-w64-mingw32-ar rcD "$work/prefix/lib/libcmocka.a" "$work/cmocka.o"
cp -r "$work/src/include" "$work/prefix/include"
mv -T "$work/prefix" "$prefix" 2>/dev/null || [ -d "$prefix" ] # another run was first
