#!/bin/sh
# Run by the SSM agent in the folder of the unpacked package. What was there before stays where it is if anything fails.
set -eu
umask 022

architecture='@ARCHITECTURE@' sha256='@SHA256@'
path=${SSM_ENFORCE_PATH:-/usr/local/bin/ssm-enforce}
cd "$(dirname "$0")"

fail() {
    if [ -e "$path" ]; then
        echo "ssm-enforce: not installed, $path is as it was: $1" >&2
    else
        echo "ssm-enforce: not installed: $1" >&2
    fi
    exit 1
}

[ "$(uname -s)" = Linux ] || fail "this package is for Linux, not for $(uname -s)"
machine=$(uname -m)
[ "$machine" != arm64 ] || machine=aarch64
[ "$machine" = "$architecture" ] || fail "this package is for $architecture, not for $machine"
[ -f ssm-enforce ] || fail "the package holds no executable"

mkdir -p "$(dirname "$path")" || fail "the folder of $path can't be made"
new=$(mktemp "$path.XXXXXX") || fail "there is no writing beside $path"
trap 'rm -f "$new"' EXIT
cp ssm-enforce "$new" || fail "the executable can't be copied beside $path"
# Of the copy: what is installed is what was checked.
found=$(sha256sum <"$new" | cut -d' ' -f1)
[ "$found" = "$sha256" ] || fail "the executable is truncated or changed: its SHA-256 is $found, not $sha256"
chmod 0755 "$new"
"$new" --version >/dev/null || fail "the executable does not run here"
sync
mv -f "$new" "$path" || fail "the executable can't be moved into place"
echo "ssm-enforce: installed $("$path" --version) as $path"
