# Tests of the kind 'bench'.

check_PROGRAMS += tests/bench/statsd_parse
tests_bench_statsd_parse_SOURCES = tests/bench/statsd_parse.c
tests_bench_statsd_parse_LDADD = $(TEST_LDADD)

# from the socket to the cell, with warm and with cold caches
check_PROGRAMS += tests/bench/sample_bench
tests_bench_sample_bench_SOURCES = tests/bench/sample_bench.c
tests_bench_sample_bench_LDADD = $(TEST_LDADD)

# receive and throw away: the yardstick, and the reader beside it
check_PROGRAMS += tests/bench/recv_discard tests/bench/recv_bench
tests_bench_recv_discard_SOURCES = tests/bench/recv_discard.c
tests_bench_recv_discard_LDADD =
tests_bench_recv_bench_SOURCES = tests/bench/recv_bench.c
tests_bench_recv_bench_LDADD = $(TEST_LDADD)
EXTRA_DIST += tests/bench/recv.sh
# the flush: bytes a name, CPU seconds
check_PROGRAMS += tests/bench/flush_bench
tests_bench_flush_bench_SOURCES = tests/bench/flush_bench.c
tests_bench_flush_bench_LDADD = $(CHECK_LDADD)
tests_bench_flush_bench_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow

# daemons beside their peers, and what stands behind them meanwhile
check_PROGRAMS += tests/bench/tcp_discard
tests_bench_tcp_discard_SOURCES = tests/bench/tcp_discard.c
tests_bench_tcp_discard_LDADD =
EXTRA_DIST += tests/bench/lib.sh tests/bench/statsd.sh tests/bench/graphite.sh tests/bench/away.sh \
	tests/bench/syslog.sh tests/bench/events.sh tests/bench/package.json

# how fast the journal is; not a test
check_PROGRAMS += tests/bench/journal_bench
tests_bench_journal_bench_SOURCES = tests/bench/journal_bench.c
tests_bench_journal_bench_LDADD = $(TEST_LDADD)

# a backlog on its way to Redis, beside plain pipelined XADD
check_PROGRAMS += tests/bench/ship_bench
tests_bench_ship_bench_SOURCES = tests/bench/ship_bench.c
tests_bench_ship_bench_LDADD = $(CHECK_LDADD)
tests_bench_ship_bench_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_bench_ship_bench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)

# closed log files: how small and how fast; and logs to look through
check_PROGRAMS += tests/bench/pack_bench tests/bench/log_gen
tests_bench_pack_bench_SOURCES = tests/bench/pack_bench.c
tests_bench_pack_bench_LDADD = $(TEST_LDADD)
tests_bench_log_gen_SOURCES = tests/bench/log_gen.c
tests_bench_log_gen_LDADD =
EXTRA_DIST += tests/bench/grep.sh
