#!/bin/bash
# Usage: fetch.sh [PINS]
# Brings the archives named in PINS (default: pins beside this script) into $SSM_ENFORCE_CACHE/src (default .cache/src) and checks each
# SHA-256. What is there already is only checked. An archive may be put there by hand as well.
#
# Each file is asked for at the Debian mirrors that this machine is set up with. Where the pinned Debian
# revision is gone from all of them, another revision of the same upstream version is taken through apt,
# which checks the archive's signature; where there is none (or the machine is no Debian), upstream's
# archive is used without Debian's patches. Both are said on standard error. The upstream archive
# itself always has the pinned SHA-256.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${SSM_ENFORCE_CACHE:-$here/../../.cache}
mkdir -p "$cache/src"
cache=$(cd "$cache" && pwd)
src=$cache/src
apt_helper=/usr/lib/apt/apt-helper

exec 9>"$cache/fetch.lock"
flock 9
tmp=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

sha256_is() { # file sha256
    [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

# download URL FILE: whatever tool the machine has. apt-helper is on every Debian and Ubuntu.
download() {
    rm -f "$2"
    if [ -x $apt_helper ] && [[ $1 != https:* || -e /etc/ssl/certs/ca-certificates.crt ]]; then
        $apt_helper -qq -o Acquire::Retries=1 -o APT::Sandbox::User= download-file "$1" "$2" 2>/dev/null
    elif command -v curl >/dev/null; then
        curl -fsSL --retry 2 -o "$2" "$1" 2>/dev/null
    elif command -v wget >/dev/null; then
        wget -q -O "$2" "$1" 2>/dev/null
    else
        echo "fetch: none of apt, curl and wget is here to download with" >&2
        return 1
    fi
}

# The base addresses of the Debian archives that this machine is set up with.
mirrors() { # debian|debian-security
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        grep -v '^[[:space:]]*#' | grep -oE "https?://[^] ]*/$1/?( |\$)" | sed 's|/* *$||' | sort -u || true
}

# from_pool NAME FILE SHA256: the first pool that has the very file.
from_pool() {
    local name=$1 file=$2 sha=$3 base url urls=()
    while read -r base; do urls+=("$base/pool/main/${name:0:1}/$name/$file"); done < <(mirrors debian)
    while read -r base; do urls+=("$base/pool/updates/main/${name:0:1}/$name/$file"); done < <(mirrors debian-security)
    while read -r url; do
        if download "$url" "$tmp/$file" && sha256_is "$tmp/$file" "$sha"; then
            mv "$tmp/$file" "$src/$file"
            return 0
        fi
    done < <(printf '%s\n' "${urls[@]}" | awk '!seen[$0]++')
    return 1
}

# from_apt NAME VERSION: the patches of any revision of that upstream version in Debian 13, by a
# configuration of its own, so that the machine's apt is left as it is.
from_apt() {
    local name=$1 version=$2 base revision
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    command -v apt-get >/dev/null && [ -e $keyring ] || return 1
    local apt=$tmp/apt
    if [ ! -d "$apt/lists" ]; then
        mkdir -p "$apt/lists/partial" "$apt/parts"
        base=$(mirrors debian | head -n 1)
        [ -n "$base" ] || return 1
        echo "deb-src [signed-by=$keyring] $base trixie main" >"$apt/parts/main.list"
        base=$(mirrors debian-security | head -n 1)
        [ -z "$base" ] || echo "deb-src [signed-by=$keyring] $base trixie-security main" >"$apt/parts/security.list"
    fi
    local options=(-qq -o "Dir::State::Lists=$apt/lists" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts"
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none -o APT::Sandbox::User=)
    [ -e "$apt/updated" ] || apt-get "${options[@]}" update && touch "$apt/updated" || return 1
    for revision in $(apt-cache "${options[@]}" showsrc --only-source "$name" |
        sed -n "s/^Version: \($version-.*\)/\1/p" | sort -rV); do
        if (cd "$tmp" && apt-get "${options[@]}" source --download-only "$name=$revision" >/dev/null 2>&1); then
            mv "$tmp/${name}_$revision.debian.tar.xz" "$src/"
            echo "${name}_$revision.debian.tar.xz" >"$tmp/$name.patches"
            return 0
        fi
    done
    return 1
}

while read -r name version file sha revision patches_sha upstream; do
    [[ $name == '#'* ]] && continue
    if ! sha256_is "$src/$file" "$sha"; then
        echo "fetch: $name $version" >&2
        if ! from_pool "$name" "$file" "$sha"; then
            download "$upstream" "$tmp/$file" || true
            sha256_is "$tmp/$file" "$sha" || {
                echo "fetch: $file with SHA-256 $sha is to be had neither from Debian nor from $upstream;" \
                    "put it into $src by hand" >&2
                exit 1
            }
            mv "$tmp/$file" "$src/$file"
        fi
    fi
    [ "$revision" != - ] || continue
    patches=${name}_$version-$revision.debian.tar.xz
    link=$src/$name-$version.patches # the patches to use: a link to the archive, or an empty file for none
    if sha256_is "$src/$patches" "$patches_sha" || from_pool "$name" "$patches" "$patches_sha"; then
        ln -sfn "$patches" "$link"
    elif [ ! -e "$link" ]; then
        if from_apt "$name" "$version"; then
            patches=$(cat "$tmp/$name.patches")
            echo "fetch: note: $name is patched with $patches, not with the pinned revision $revision" >&2
            ln -sfn "$patches" "$link"
        else
            echo "fetch: note: $name $version is built without Debian's patches: none are to be had" >&2
            : >"$link"
        fi
    fi
done <"${1-$here/pins}"
