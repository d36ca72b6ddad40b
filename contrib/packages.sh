#!/bin/sh
# packages.sh build|run|test|bench ... - install what that needs (Debian 12).
#
# Only packages that are missing are installed, by name, from the package
# sources this machine has.  As root or through sudo; asks nothing.
set -eu

build='autoconf automake gcc libc6-dev make pkg-config xz-utils
libev-dev libhiredis-dev libjansson-dev liblz4-dev libmicrohttpd-dev
libmsgpack-dev libpcre2-dev libsnappy-dev libssl-dev libsystemd-dev
libxxhash-dev libyaml-dev libzstd-dev zlib1g-dev'
# to show that records arrive
run='bsdutils curl netcat-openbsd procps'
test="$build $run check clang libclang-rt-dev llvm
mandoc shellcheck python3 jq graphite-carbon python3-whisper
iproute2 nftables golang-go golang-gopkg-alexcesaro-statsd.v1-dev
libnet-statsd-perl python3-fluent-logger python3-redis python3-statsd
ruby ruby-statsd carbon-c-relay redis-server redis-tools
rsyslog rsyslog-relp rsyslog-gnutls rsyslog-openssl logrotate strace util-linux
lz4 openssl zstd"
# Debian's Node.js would replace one of another origin: what is there will do
command -v npm >/dev/null 2>&1 || test="$test nodejs npm"
bench=$test

words=
for set in "$@"; do
	case $set in
	build)	words="$words $build" ;;
	run)	words="$words $run" ;;
	test)	words="$words $test" ;;
	bench)	words="$words $bench" ;;
	*)	echo "usage: $0 build|run|test|bench ..." >&2; exit 64 ;;
	esac
done

command -v dpkg-query >/dev/null 2>&1 || {
	echo "$0: this is no Debian; install what stands in its list by hand" >&2
	exit 69
}
missing=
for p in $words; do
	case " $missing " in
	*" $p "*) continue ;;
	esac
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null |
	    grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "$0: needs root or sudo to install:$missing" >&2
		exit 77
	}
	sudo='sudo -n'
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q
# word splitting of the list is meant
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
    --no-install-recommends -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold $missing </dev/null
