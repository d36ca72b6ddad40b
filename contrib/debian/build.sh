#!/bin/sh
# build.sh [DIR] - build the Debian package from this tree into DIR
# (default: ./packages).  Needs debhelper, devscripts are not needed.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$top/packages}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^AC_INIT(\[millrace\], \[\(.*\)\])$/\1/p' "$top/configure.ac")
build=$work/b
mkdir -p "$build"
[ -f "$top/configure" ] || "$top/autogen.sh" >/dev/null
(cd "$build" && "$top/configure" >/dev/null && make -s dist)
cp "$build/millrace-$version.tar.xz" "$work/millrace_$version.orig.tar.xz"
cd "$work"
tar xf "millrace_$version.orig.tar.xz"
cp -R "millrace-$version/contrib/debian" "millrace-$version/debian"
rm -f "millrace-$version/debian/build.sh"
cd "millrace-$version"
dpkg-buildpackage -us -uc -b
cp "$work"/*.deb "$out"
ls -l "$out"/*.deb
