#!/bin/sh
# Run by the SSM agent in the folder of the unpacked package.
# Take the profile line out first (ssm-enforce undeploy): with --on-failure deny no session starts without the executable.
set -eu
path=${SSM_ENFORCE_PATH:-/usr/local/bin/ssm-enforce}
rm -f "$path" || {
    echo "ssm-enforce: $path can't be removed" >&2
    exit 1
}
echo "ssm-enforce: removed $path"
