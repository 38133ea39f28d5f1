#!/bin/bash
# Usage: check-binary.sh EXECUTABLE LIMIT: fails unless it is static, hardened and at most LIMIT bytes.
set -euo pipefail
bin=$1 limit=$2
size=$(wc -c <"$bin")
if [ "$size" -gt "$limit" ]; then
    echo "check-binary: $bin has $size bytes, more than $limit" >&2
    exit 1
fi
if [[ $bin != *.exe ]]; then
    program_headers=$(readelf -lW "$bin")
    dynamic=$(readelf -dW "$bin")
    if grep -q INTERP <<<"$program_headers" || grep -q NEEDED <<<"$dynamic"; then
        echo "check-binary: $bin is not static" >&2
        exit 1
    fi
    if ! grep -q 'DYN' <<<"$(readelf -hW "$bin")" || ! grep -q GNU_RELRO <<<"$program_headers" ||
        ! grep -q 'BIND_NOW\|FLAGS_1.*NOW' <<<"$dynamic" || grep -q 'GNU_STACK.*RWE' <<<"$program_headers"; then
        echo "check-binary: $bin lacks one of: position independence, RELRO, BIND_NOW, a stack that is not executable" >&2
        exit 1
    fi
fi
echo "check-binary: $bin is static, $size bytes"
