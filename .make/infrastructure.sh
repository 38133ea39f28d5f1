#!/bin/bash
# Usage: infrastructure.sh [--check] GENERATE
# Writes the profile lines, as GENERATE (build/gen/generate) makes them from profiles/, into the files of deploy/ that have a comment
# "line: SHELL FAILURE": it stands for the line behind the next one. --check: fails if a file is not as it would be written.
set -euo pipefail
check=
if [ "$1" = --check ]; then check=1 && shift; fi
generate=$1
cd "$(dirname "$0")/.."

# line SHELL FAILURE MAX REGION LINUX-PATH WINDOWS-PATH: with the values as the file's own language refers to them.
line() {
    local text
    text=$("$generate" profile "$1" "$2")
    text=${text//77777/"$3"} text=${text//REGION/"$4"} text=${text//'/LINUX/PATH'/"$5"} text=${text//'W:\WINDOWS\PATH'/"$6"}
    printf '%s' "$text"
}

fill() { # FILE MAX REGION LINUX-PATH WINDOWS-PATH
    local file=$1 text marker='' replace='' new
    shift
    new=$(mktemp)
    while IFS= read -r text; do
        if [ "$replace" ]; then
            # shellcheck disable=SC2086 # the marker is two words
            text="${text%%[! ]*}$(line $replace "$@")" replace=''
        elif [ "$marker" ]; then
            replace=$marker marker=''
        elif [[ $text =~ '# line: '([a-z]+' '[a-z]+)$ ]]; then
            marker=${BASH_REMATCH[1]}
        fi
        printf '%s\n' "$text"
    done <"$file" >"$new"
    if cmp -s "$new" "$file"; then
        rm "$new"
    elif [ "$check" ]; then
        diff -u "$file" "$new" >&2 || true
        rm "$new"
        echo "infrastructure: $file is not what profiles/ make: run 'make infrastructure'" >&2
        exit 1
    else
        cat "$new" >"$file"
        rm "$new"
    fi
}

# shellcheck disable=SC2016 # nothing is to expand here
{
    fill deploy/cloudformation.yaml '${MaxSessions}' '${AWS::Region}' '${LinuxPath}' '${WindowsPath}'
    fill deploy/terraform/profile.tf '${var.max_sessions}' '${local.region}' '${var.linux_path}' '${var.windows_path}'
}
