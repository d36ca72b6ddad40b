#!/bin/sh
# All scenarios, each on a fresh stage.
set -eu
exec "$top_builddir/tests/scenario/play" "$top_srcdir"/tests/scenario/*.txt
