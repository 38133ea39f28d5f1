#!/bin/bash
# Usage: package-rpm.sh x86_64|aarch64 EXECUTABLE OUTPUT.rpm     (from `make packages`, which has generated what goes with it)
# The same input makes the same bytes: SOURCE_DATE_EPOCH is the date of everything in it.
set -euo pipefail
arch=$1 executable=$(realpath "$2") out=$3
gen=$PWD/build/gen maintainer=${MAINTAINER:-The ssm-enforce authors <ssm-enforce@localhost>}
version=$(sed -n 's/.*SSM_ENFORCE_VERSION "\(.*\)"/\1/p' src/base/version.h)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

gzip -9n <"$gen/ssm-enforce.1" >"$work/ssm-enforce.1.gz"
cat >"$work/ssm-enforce.spec" <<END
Name: ssm-enforce
Version: $version
Release: 1
Summary: Limit concurrent AWS Session Manager sessions
License: MIT-0 AND curl AND Apache-2.0 AND MIT
Group: System Environment/Base
Packager: $maintainer
AutoReqProv: no

%description
A session start lists the active Session Manager sessions of the instance and
terminates those over the limit that a person may hold at once (NIST SP 800-53
AC-10). One static executable: nothing else is needed on the instance.

It lies in /usr/bin: give 'ssm-enforce deploy' the option
--linux-path /usr/bin/ssm-enforce.

%install
install -D -m 0755 $executable %{buildroot}/usr/bin/ssm-enforce
install -D -m 0644 $gen/ssm-enforce.bash %{buildroot}/usr/share/bash-completion/completions/ssm-enforce
install -D -m 0644 $gen/ssm-enforce.zsh %{buildroot}/usr/share/zsh/site-functions/_ssm-enforce
install -D -m 0644 $gen/ssm-enforce.fish %{buildroot}/usr/share/fish/vendor_completions.d/ssm-enforce.fish
install -D -m 0644 $gen/licenses.txt %{buildroot}/usr/share/licenses/ssm-enforce/LICENSES.txt
install -D -m 0644 $work/ssm-enforce.1.gz %{buildroot}/usr/share/man/man1/ssm-enforce.1.gz

%files
%attr(-,root,root) /usr/bin/ssm-enforce
%attr(-,root,root) /usr/share/bash-completion/completions/ssm-enforce
%attr(-,root,root) /usr/share/zsh/site-functions/_ssm-enforce
%attr(-,root,root) /usr/share/fish/vendor_completions.d/ssm-enforce.fish
%dir %attr(-,root,root) /usr/share/licenses/ssm-enforce
%license %attr(-,root,root) /usr/share/licenses/ssm-enforce/LICENSES.txt
%doc %attr(-,root,root) /usr/share/man/man1/ssm-enforce.1.gz

%changelog
* $(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y') $maintainer - $version-1
- Release $version
END
# gzip and the dates clamped: old rpm (Amazon Linux 2) reads it. Nothing may strip or look into what is another machine's.
rpmbuild -bb --quiet --target "$arch-linux" --define "_topdir $work" --define "_rpmdir $work/out" --define 'debug_package %{nil}' \
    --define '__os_install_post %{nil}' --define '_build_id_links none' --define '_binary_payload w9.gzdio' --define '_buildhost localhost' \
    --define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' --define '_source_payload w9.gzdio' \
    "$work/ssm-enforce.spec" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
mv "$work/out/$arch/ssm-enforce-$version-1.$arch.rpm" "$out"
