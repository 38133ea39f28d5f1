#!/bin/bash
# Usage: proof-stage.sh NAME COMMAND...     (from `make proof`)
# Runs one stage of the proofs. What it prints is kept in build/proof/NAME.txt, with its time and commit, once it has succeeded.
set -uo pipefail
out=build/proof/$1
shift
mkdir -p build/proof
rm -f "$out.txt"
echo "proof: ${out##*/}"
began=$SECONDS
# In the background a shell has these ignored, and some tests send them.
env --default-signal=INT,QUIT "$@" >"$out.log" 2>&1 || {
    tail -n 40 "$out.log"
    echo "proof: ${out##*/} failed, see $out.log" >&2
    exit 1
}
{
    echo "stage: seconds $((SECONDS - began))"
    echo "stage: date $(date -u +%Y-%m-%d)"
    echo "stage: commit $(git describe --always --dirty --abbrev=10)"
} >>"$out.log"
mv "$out.log" "$out.txt"
echo "proof: ${out##*/} passed in $((SECONDS - began)) s"
