# shellcheck shell=bash disable=SC2034,SC2154
# Compilers and flags of each target. Read by build.sh for the libraries and by the Makefile (through
# build.sh --flags) for our own sources, so that both are built alike.
# Sets: host, cc, ar, ranlib, system, processor, cflags, small (for code that need not be fast), ldflags, libs.
# Expects: target, prefix.

common='-std=gnu11 -ffunction-sections -fdata-sections'
release="$common -O2 -g1 -fno-asynchronous-unwind-tables -fno-unwind-tables -fstack-protector-strong -ftrivial-auto-var-init=zero"
musl_cflags() {
    echo "-nostdinc -isystem $prefix/include -isystem $($cc -print-file-name=include) -fPIE -fstack-clash-protection -U_FORTIFY_SOURCE"
}
musl_ldflags="-static-pie -B$prefix/lib -L$prefix/lib -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--build-id=none"
libs='-lcurl -lmbedtls -lmbedx509 -lmbedcrypto -lexpat'
small=-Os ar=ar ranlib=ranlib system=Linux processor=x86_64

case $target in
linux-x86_64)
    host=x86_64-linux-musl cc=gcc
    cflags="$release -fcf-protection=none $(musl_cflags)" ldflags=$musl_ldflags
    ;;
linux-aarch64)
    host=aarch64-linux-musl cc=aarch64-linux-gnu-gcc ar=aarch64-linux-gnu-ar ranlib=aarch64-linux-gnu-ranlib processor=aarch64
    cflags="$release -mno-outline-atomics $(musl_cflags)" ldflags=$musl_ldflags
    ;;
windows-x86_64)
    host=x86_64-w64-mingw32 cc=$host-gcc ar=$host-ar ranlib=$host-ranlib system=Windows
    cflags="$release -D_WIN32_WINNT=0x0A00 -isystem $prefix/include" ldflags="-L$prefix/lib -static -Wl,--gc-sections,--no-insert-timestamp"
    libs="$libs -lws2_32 -lbcrypt -lcrypt32 -ladvapi32 -liphlpapi"
    ;;
native) # the machine's own gcc and libc: valgrind, coverage
    host=native small='' cc=gcc
    cflags="$common -O1 -g -fno-omit-frame-pointer -isystem $prefix/include" ldflags="-L$prefix/lib"
    libs="$libs -pthread"
    ;;
native-asan) # the machine's own clang and libc: sanitizers, fuzzers
    host=native small='' cc=clang
    sanitize='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
    cflags="$common -O1 -g -fno-omit-frame-pointer $sanitize -fsanitize=fuzzer-no-link -isystem $prefix/include" ldflags="-L$prefix/lib $sanitize"
    libs="$libs -pthread"
    ;;
*)
    echo "unknown target '$target': linux-x86_64, linux-aarch64, windows-x86_64, native, native-asan" >&2
    exit 2
    ;;
esac
