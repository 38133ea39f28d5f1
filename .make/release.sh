#!/bin/bash
# Usage: release.sh OUTPUT-FOLDER     (from `make release`)
# Builds the last commit twice: in two folders, the second time with libraries built anew in a cache of its own. All that comes out has to be
# the same, byte for byte. Then SHA256SUMS and the SBOM.
set -euo pipefail
out=$1
make=${MAKE:-make} python=${PYTHON:-/usr/bin/python3}
version=$(sed -n 's/.*SSM_ENFORCE_VERSION "\(.*\)"/\1/p' src/base/version.h)
if [ -n "$(git status --porcelain)" ]; then
    echo "release: there are changes that are not committed:" >&2
    git status --short >&2
    exit 1
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
mkdir -p "${SSM_ENFORCE_CACHE:=.cache}"
cache=$(cd "$SSM_ENFORCE_CACHE" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build FOLDER CACHE: the commit there, what comes out in FOLDER.out
build() {
    local folder=$1 target suffix
    mkdir -p "$folder" "$folder.out"
    git archive HEAD | tar -x -C "$folder"
    echo "release: building in $folder"
    (unset MAKEFLAGS MAKELEVEL && cd "$folder" && SSM_ENFORCE_CACHE=$2 $make --no-print-directory packages) >"$folder.log" 2>&1 || {
        tail -n 40 "$folder.log" >&2
        echo "release: the build failed" >&2
        exit 1
    }
    for target in linux-x86_64 linux-aarch64 windows-x86_64; do
        suffix=
        [[ $target != windows-* ]] || suffix=.exe
        cp "$folder/build/$target/ssm-enforce$suffix" "$folder.out/ssm-enforce-$version-$target$suffix"
    done
    cp -r "$folder/build/packages/." "$folder.out/"
    cp "$folder/build/gen/licenses.txt" "$folder.out/LICENSES.txt"
}

build "$work/first" "$cache"
mkdir -p "$work/cache"
cp -r "$cache/src" "$work/cache/src"
build "$work/second/of/a/longer/name" "$work/cache"
diff -r "$work/first.out" "$work/second/of/a/longer/name.out" >&2 || {
    echo "release: the two builds differ" >&2
    exit 1
}

rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/first.out" "$out"
targets=()
for file in "$out"/ssm-enforce-"$version"-{linux-x86_64,linux-aarch64,windows-x86_64.exe}; do
    target=${file##*/ssm-enforce-"$version"-}
    targets+=("${target%.exe}=$file")
done
"$python" .make/sbom.py "$out/ssm-enforce-$version.spdx.json" "${targets[@]}"
(cd "$out" && find . -type f -printf "%P\0" | LC_ALL=C sort -z | xargs -0 sha256sum) >"$out.sums"
mv "$out.sums" "$out/SHA256SUMS"
echo "release: $version in $out, built twice, the same to the byte:"
sed 's/^/  /' "$out/SHA256SUMS"
