#!/bin/bash
# Usage: package-deb.sh amd64|arm64 EXECUTABLE OUTPUT.deb     (from `make packages`, which has generated what goes with it)
# The same input makes the same bytes: SOURCE_DATE_EPOCH is the date of everything in it.
set -euo pipefail
arch=$1 executable=$2 out=$3
gen=build/gen maintainer=${MAINTAINER:-The ssm-enforce authors <ssm-enforce@localhost>}
version=$(sed -n 's/.*SSM_ENFORCE_VERSION "\(.*\)"/\1/p' src/base/version.h)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
chmod 0755 "$root"

doc=$root/usr/share/doc/ssm-enforce
install -D -m 0755 "$executable" "$root/usr/bin/ssm-enforce"
install -D -m 0644 $gen/ssm-enforce.bash "$root/usr/share/bash-completion/completions/ssm-enforce"
install -D -m 0644 $gen/ssm-enforce.zsh "$root/usr/share/zsh/vendor-completions/_ssm-enforce"
install -D -m 0644 $gen/ssm-enforce.fish "$root/usr/share/fish/vendor_completions.d/ssm-enforce.fish"
install -D -m 0644 $gen/licenses.txt "$doc/copyright"
mkdir -p "$root/usr/share/man/man1" "$root/usr/share/lintian/overrides" "$root/DEBIAN"
gzip -9n <$gen/ssm-enforce.1 >"$root/usr/share/man/man1/ssm-enforce.1.gz"
gzip -9n >"$doc/changelog.gz" <<END
ssm-enforce ($version) stable; urgency=medium

  * Release $version.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
cat >"$root/usr/share/lintian/overrides/ssm-enforce" <<END
# A static position-independent executable: it runs on every instance, whatever is installed there.
ssm-enforce: shared-library-lacks-prerequisites [usr/bin/ssm-enforce]
ssm-enforce: embedded-library * [usr/bin/ssm-enforce]
# All licences of what is linked in, as 'ssm-enforce help licenses' shows them.
ssm-enforce: copyright-file-contains-full-apache-2-license
ssm-enforce: copyright-not-using-common-license-for-apache2
# Whoever builds it for others sets MAINTAINER.
ssm-enforce: bogus-mail-host Maintainer *
ssm-enforce: bogus-mail-host-in-debian-changelog *
END
cat >"$root/DEBIAN/control" <<END
Package: ssm-enforce
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -k --apparent-size -s "$root/usr" | cut -f1)
Section: admin
Priority: optional
Description: limit concurrent AWS Session Manager sessions
 A session start lists the active Session Manager sessions of the instance and
 terminates those over the limit that a person may hold at once (NIST SP 800-53
 AC-10). One static executable: nothing else is needed on the instance.
 .
 It lies in /usr/bin: give 'ssm-enforce deploy' the option
 --linux-path /usr/bin/ssm-enforce.
END
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$out" >/dev/null
