# Tests of the kind 'integ'.
# Scripts with the real daemon and real peers: tests/integ/run.sh runs them.
# Not the directory as a whole: what was built in there would come along.
EXTRA_DIST += tests/run.sh tests/count.sh
dist-hook:
	$(MKDIR_P) $(distdir)/tests/integ
	(cd $(srcdir)/tests/integ && tar cf - --exclude=node_modules \
	    --exclude='test_*' --exclude='*.[cho]' --exclude=.deps \
	    --exclude=.dirstamp .) | \
	    (cd $(distdir)/tests/integ && tar xf -)
	$(MKDIR_P) $(distdir)/tests/faults
	cp -R $(srcdir)/tests/faults/. $(distdir)/tests/faults

# The shipper against real redis-servers (skipped where there is none).
check_PROGRAMS += tests/integ/test_shipper_redis
tests_integ_test_shipper_redis_SOURCES = tests/integ/test_shipper_redis.c tests/integ/ship_rig.h
tests_integ_test_shipper_redis_LDADD = $(CHECK_LDADD)
tests_integ_test_shipper_redis_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_integ_test_shipper_redis_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/integ/test_shipper_redis
