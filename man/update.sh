#!/bin/sh
# update.sh MILLRACE - write millrace.yaml.5 from millrace.yaml.5.in and the
# tables of keys.  Run it after a key was added; make check tells when it is due.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${2:-$here/millrace.yaml.5}
keys=$(mktemp)
trap 'rm -f "$keys"' EXIT
"$1" check --man >"$keys"
# mdoc wants a date: the newest entry of the changes will do as well as any
sed -e '/^\.\\" KEYS$/{' -e "r $keys" -e 'd' -e '}' \
    -e 's/^\.Dd .*/.Dd August 1, 2026/' "$here/millrace.yaml.5.in" >"$out"
