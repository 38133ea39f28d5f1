#!/bin/bash
# Usage: run-fuzz.sh SECONDS FUZZER...
# Runs each fuzzer over its seeds (tests/fuzz/seeds/NAME) for so many seconds. New inputs are kept under build/fuzz/NAME.
set -euo pipefail
seconds=$1
shift
for fuzzer in "$@"; do
    name=${fuzzer##*/fuzz_}
    corpus=build/fuzz/$name
    mkdir -p "$corpus"
    seeds=()
    [ ! -d "tests/fuzz/seeds/$name" ] || seeds=("tests/fuzz/seeds/$name")
    echo "fuzz: $name, $seconds s"
    log=build/fuzz/$name.log
    if ! "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "$corpus" "${seeds[@]}" >"$log" 2>&1; then
        tail -n 60 "$log"
        echo "fuzz: $name found something, see $log" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: */fuzz: executions: /p' "$log"
done
echo "fuzz: $# passed, 0 failed"
