# Tests.  Each room lists its own in tests/<kind>/<layer>.mk.

TEST_LDADD = libcore.a $(LIBRARIES_USED)
CHECK_LDADD = $(TEST_LDADD) $(CHECK_LIBS)
EXTRA_DIST += tests/layers.sh tests/headers.sh tests/symbols.sh tests/vectors tests/fuzz/corpus
TESTS += tests/layers.sh tests/headers.sh tests/symbols.sh
AM_TESTS_ENVIRONMENT = top_srcdir='$(top_srcdir)'; export top_srcdir; \
	top_builddir='$(top_builddir)'; export top_builddir; \
	CC='$(CC)'; export CC; \
	CPPFLAGS='$(AM_CPPFLAGS) $(CPPFLAGS)'; export CPPFLAGS; \
	CFLAGS='$(AM_CFLAGS)'; export CFLAGS;

include tests/unit/base.mk
include tests/unit/record.mk
include tests/unit/proto.mk
include tests/unit/conf.mk
include tests/unit/core.mk
include tests/unit/net.mk
include tests/unit/sink.mk
include tests/unit/app.mk
include tests/fuzz/fuzz.mk
include tests/scenario/scenario.mk
include tests/integ/integ.mk
include tests/bench/bench.mk
