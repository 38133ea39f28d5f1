#!/bin/bash
# Usage: build.sh TARGET           build the libraries of a target, unless that was done already
#        build.sh --path TARGET    print the folder that they are or would be in
#        build.sh --flags TARGET   print CC, CFLAGS, LDFLAGS and LIBS of the target for make
#
# The folder is $SSM_ENFORCE_CACHE/prefix/TARGET-HASH (default .cache/prefix/...), HASH over this recipe
# and the pins: a changed recipe builds anew. What was used stands in the folder's file SOURCES.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mode=build
case ${1-} in --path | --flags) mode=$1 && shift ;; esac
target=${1?usage: build.sh [--path|--flags] TARGET}

cache=${SSM_ENFORCE_CACHE:-$here/../../.cache}
mkdir -p "$cache/prefix"
cache=$(cd "$cache" && pwd)
hash=$(cd "$here" && cat pins build.sh flags.sh mbedtls_config.h entropy_getrandom.c | sha256sum | cut -c1-12)
prefix=$cache/prefix/$target-$hash
if [ "$mode" = --path ]; then
    echo "$prefix"
    exit
fi
# shellcheck source=src/third_party/flags.sh
. "$here/flags.sh"
if [ "$mode" = --flags ]; then
    printf '%s\n' "CC := $cc" "AR := $ar" "TARGET_CFLAGS := $cflags" "TARGET_LDFLAGS := $ldflags" "LIBS := $libs"
    exit
fi

exec 8>"$cache/prefix/$target.lock"
flock 8
[ -e "$prefix/SOURCES" ] && exit

started=$SECONDS
"$here/fetch.sh"
work=$(mktemp -d "$cache/build-$target.XXXXXX")
log=$prefix.log
rm -rf "$prefix"
mkdir -p "$prefix/lib" "$prefix/include" "$work/src"
echo "libraries: building for $target (log: $log)" >&2
exec 3>&2 >"$log" 2>&1
finish() {
    local status=$?
    rm -rf "$work"
    [ $status = 0 ] && return
    tail -n 20 "$log" >&3
    echo "libraries: failed for $target, see $log" >&3
}
trap finish EXIT

sources=
unpack() { # name: to $work/src/NAME, patched
    local name=$1 version file patches dir patch
    read -r version file < <(awk -v n="$name" '$1 == n { print $2, $3 }' "$here/pins")
    dir=$work/src/$name
    mkdir -p "$dir"
    tar -xf "$cache/src/$file" -C "$dir" --strip-components=1
    patches=$cache/src/$name-$version.patches
    if [ -s "$patches" ]; then
        mkdir "$work/patches"
        tar -xf "$patches" -C "$work/patches"
        while read -r patch; do
            patch -d "$dir" -p1 -s <"$work/patches/debian/patches/$patch"
        done < <(sed 's/[[:space:]]*#.*//; s/ .*//; /^$/d' "$work/patches/debian/patches/series")
        rm -r "$work/patches"
        sources+="$name $version $(readlink "$patches")"$'\n'
    else
        sources+="$name $version $file"$'\n'
    fi
}

# The same bytes from whatever folder they were built in.
export SOURCE_DATE_EPOCH=1700000000 ZERO_AR_DATE=1 LC_ALL=C
cflags+=" -ffile-prefix-map=$work=. -ffile-prefix-map=$prefix=."
jobs=${SSM_ENFORCE_JOBS:-$(nproc)}

if [[ $host = *-musl ]]; then
    unpack musl
    mkdir "$work/musl"
    # No -nostdinc and no include path here: musl's own build brings its own.
    (cd "$work/musl" && "$work/src/musl/configure" --host="$host" --prefix="$prefix" --disable-shared --disable-gcc-wrapper \
        CC="$cc" AR="$ar" RANLIB="$ranlib" CROSS_COMPILE= CFLAGS="-ffile-prefix-map=$work=. -fcf-protection=none" ||
        exit 1
    make -j"$jobs" install)
fi

cat >"$work/toolchain.cmake" <<EOF
set(CMAKE_SYSTEM_NAME $system)
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER $cc)
set(CMAKE_RC_COMPILER $host-windres)
set(CMAKE_C_FLAGS_INIT "$cflags")
set(CMAKE_EXE_LINKER_FLAGS_INIT "$ldflags")
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "<CMAKE_AR> qD <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")
set(CMAKE_FIND_ROOT_PATH $prefix)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
EOF
build() { # name source-folder cmake-option...
    local name=$1 dir=$2
    shift 2
    cmake -S "$dir" -B "$work/$name" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$work/toolchain.cmake" -DCMAKE_INSTALL_PREFIX="$prefix" \
        -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_BUILD_TYPE=None -DBUILD_SHARED_LIBS=OFF "$@"
    ninja -C "$work/$name" -j "$jobs" install
}

unpack mbedtls
cp "$here/mbedtls_config.h" "$work/src/mbedtls/include/mbedtls/mbedtls_config.h"
build mbedtls "$work/src/mbedtls" -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DGEN_FILES=OFF -DUSE_SHARED_MBEDTLS_LIBRARY=OFF \
    -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DMBEDTLS_FATAL_WARNINGS=OFF
if [ $system = Linux ]; then
    cp "$here/entropy_getrandom.c" "$work/"
    # shellcheck disable=SC2086 # flags are words
    (cd "$work" && $cc $cflags -c entropy_getrandom.c && $ar rD "$prefix/lib/libmbedcrypto.a" entropy_getrandom.o)
fi

unpack expat
build expat "$work/src/expat/expat" -DEXPAT_BUILD_TOOLS=OFF -DEXPAT_BUILD_EXAMPLES=OFF -DEXPAT_BUILD_TESTS=OFF -DEXPAT_BUILD_DOCS=OFF \
    -DEXPAT_SHARED_LIBS=OFF -DEXPAT_BUILD_PKGCONFIG=OFF -DEXPAT_NS=OFF -DEXPAT_DTD=OFF -DEXPAT_CONTEXT_BYTES=0 -DCMAKE_C_FLAGS="$cflags $small"

# HTTP over TLS with signatures and proxies, nothing else.
unpack curl
off=(ALTSVC BEARER_AUTH BINDLOCAL COOKIES DICT DIGEST_AUTH DOH FILE FORM_API FTP GETOPTIONS GOPHER HSTS IMAP IPFS KERBEROS_AUTH LDAP
    LDAPS LIBCURL_OPTION MIME MQTT NEGOTIATE_AUTH NETRC NTLM POP3 PROGRESS_METER RTSP SHA512_256 SHUFFLE_DNS SMB SMTP SRP TELNET TFTP
    VERBOSE_STRINGS WEBSOCKETS)
off=("${off[@]/#/-DCURL_DISABLE_}")
build curl "$work/src/curl" -DHTTP_ONLY=ON "${off[@]/%/=ON}" -DBUILD_CURL_EXE=OFF -DPICKY_COMPILER=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_TESTING=OFF \
    -DBUILD_EXAMPLES=OFF -DBUILD_LIBCURL_DOCS=OFF -DBUILD_MISC_DOCS=OFF -DENABLE_CURL_MANUAL=OFF -DCURL_USE_PKGCONFIG=OFF \
    -DCURL_USE_MBEDTLS=ON -DCURL_USE_OPENSSL=OFF -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none -DENABLE_THREADED_RESOLVER=ON \
    -DENABLE_UNIX_SOCKETS=OFF -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_ZLIB=OFF \
    -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_C_FLAGS="$cflags $small" -DMBEDTLS_INCLUDE_DIR="$prefix/include" \
    -DMBEDTLS_LIBRARY="$prefix/lib/libmbedtls.a" -DMBEDX509_LIBRARY="$prefix/lib/libmbedx509.a" \
    -DMBEDCRYPTO_LIBRARY="$prefix/lib/libmbedcrypto.a"

unpack jsmn
cp "$work/src/jsmn/jsmn.h" "$prefix/include/"

(cd "$prefix" && rm -rf bin share lib/cmake lib/pkgconfig)
printf '%s' "$sources" >"$prefix/SOURCES"
echo "libraries: $target done in $((SECONDS - started)) s" >&3
