#!/bin/bash
# Usage: run-tests.sh     (from `make test`, which has built everything)
# Unit tests, the branches of core/ that they reach, some simulated runs of the protocol, its model, then tests/e2e with the released executable and with the one that has sanitizers in it.
# The last line is the sum: "N passed, N failed".
set -uo pipefail
python=${PYTHON:-/usr/bin/python3} make=${MAKE:-make}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

# tally STATUS: adds the numbers of the last line in the log that has any. A run that fails without one counts as one failure.
tally() {
    local line bad
    line=$(grep -E '[0-9]+ (passed|failed|error)' "$log" | tail -n 1)
    number() { grep -oE "[0-9]+ $1" <<<"$line" | head -n 1 | cut -d' ' -f1; }
    bad=$(($(number failed) + $(number error) + 0))
    [ "$1" = 0 ] || [ $bad -gt 0 ] || bad=1
    passed=$((passed + $(number passed) + 0)) failed=$((failed + bad))
}

$make --no-print-directory unit | tee "$log"
tally "${PIPESTATUS[0]}"

$make --no-print-directory coverage-core | tee "$log"
tally "${PIPESTATUS[0]}"

$make --no-print-directory sim SIM_RUNS=10000 | tee "$log"
tally "${PIPESTATUS[0]}"

$make --no-print-directory model | tee "$log"
tally "${PIPESTATUS[0]}"

prefix=()
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ]; then prefix=(setarch -R); fi
if compgen -G 'tests/e2e/test_*.py' >/dev/null; then
    for target in linux-x86_64 native-asan; do
        echo "e2e: build/$target/ssm-enforce"
        # A finding of the sanitizers ends the process with a status that no test expects.
        SSM_ENFORCE_BIN=$PWD/build/$target/ssm-enforce ASAN_OPTIONS=exitcode=86 UBSAN_OPTIONS=print_stacktrace=1:exitcode=86 \
            "${prefix[@]}" "$python" -m pytest -q -ra -p no:cacheprovider tests/e2e | tee "$log"
        tally "${PIPESTATUS[0]}"
    done
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
