#!/bin/bash
# Usage: run-unit.sh [RUNNER...] -- TEST...
# Runs each unit test, prints the output of those that fail, and a last line with the numbers.
# Lines of a test's output that begin with "figure: " are shown too.
# T=MODULE runs only test_MODULE and prints all it says.
set -uo pipefail
runner=()
while [ "$1" != -- ]; do runner+=("$1") && shift; done
shift
# AddressSanitizer of clang 14 fails at random where addresses are randomised by more than 28 bits.
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ]; then runner=(setarch -R "${runner[@]}"); fi
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
passed=0 failed=0 broken=()
for test in "$@"; do
    name=${test##*/} name=${name%.exe}
    [ -z "${T-}" ] || [ "$name" = "test_$T" ] || continue
    output=$(timeout -k 5 600 "${runner[@]}" "$test" 2>&1)
    status=$?
    ok=$(grep -c '^\[       OK \]' <<<"$output")
    bad=$(grep -c '^\[  FAILED  \] [^ ]*$' <<<"$(sed '/Test(s) FAILED\|listed below/,$d; /test(s), listed/,$d' <<<"$output")")
    if [ $status != 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        broken+=("$name")
        printf '%s\n' "$output"
        echo "unit: $name failed with status $status"
    elif [ -n "${T-}" ]; then
        printf '%s\n' "$output"
    else
        echo "unit: $name: $ok passed"
        grep '^figure: ' <<<"$output"
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo "unit: $passed passed, $failed failed"
[ ${#broken[@]} = 0 ]
