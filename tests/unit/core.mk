# Unit tests of src/core.

check_PROGRAMS += tests/unit/test_limits
tests_unit_test_limits_SOURCES = tests/unit/test_limits.c
tests_unit_test_limits_LDADD = $(CHECK_LDADD)
tests_unit_test_limits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_limits

# rings
check_PROGRAMS += tests/unit/test_ring
tests_unit_test_ring_SOURCES = tests/unit/test_ring.c
tests_unit_test_ring_LDADD = $(CHECK_LDADD)
tests_unit_test_ring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_ring

# sketches and sets
check_PROGRAMS += tests/unit/test_sketch tests/unit/test_member_set
tests_unit_test_sketch_SOURCES = tests/unit/test_sketch.c
tests_unit_test_sketch_LDADD = $(CHECK_LDADD)
tests_unit_test_sketch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_member_set_SOURCES = tests/unit/test_member_set.c
tests_unit_test_member_set_LDADD = $(CHECK_LDADD)
tests_unit_test_member_set_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_sketch tests/unit/test_member_set

# the flush
check_PROGRAMS += tests/unit/test_flush_golden
tests_unit_test_flush_golden_SOURCES = tests/unit/test_flush_golden.c tests/unit/flush_rig.h
tests_unit_test_flush_golden_LDADD = $(CHECK_LDADD)
tests_unit_test_flush_golden_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_flush_golden

check_PROGRAMS += tests/unit/test_merged
tests_unit_test_merged_SOURCES = tests/unit/test_merged.c tests/unit/flush_rig.h
tests_unit_test_merged_LDADD = $(CHECK_LDADD)
tests_unit_test_merged_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_merged

check_PROGRAMS += tests/unit/test_prometheus
tests_unit_test_prometheus_SOURCES = tests/unit/test_prometheus.c tests/unit/flush_rig.h
tests_unit_test_prometheus_LDADD = $(CHECK_LDADD)
tests_unit_test_prometheus_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_prometheus

check_PROGRAMS += tests/unit/test_key_counts
tests_unit_test_key_counts_SOURCES = tests/unit/test_key_counts.c
tests_unit_test_key_counts_LDADD = $(CHECK_LDADD)
tests_unit_test_key_counts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_key_counts

# aggregation of points
check_PROGRAMS += tests/unit/test_aggregator
tests_unit_test_aggregator_SOURCES = tests/unit/test_aggregator.c
tests_unit_test_aggregator_LDADD = $(CHECK_LDADD)
tests_unit_test_aggregator_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_aggregator

check_PROGRAMS += tests/unit/test_dedup
tests_unit_test_dedup_SOURCES = tests/unit/test_dedup.c
tests_unit_test_dedup_LDADD = $(CHECK_LDADD)
tests_unit_test_dedup_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_dedup
check_PROGRAMS += tests/unit/test_table
tests_unit_test_table_SOURCES = tests/unit/test_table.c
tests_unit_test_table_LDADD = $(CHECK_LDADD)
tests_unit_test_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_table

check_PROGRAMS += tests/unit/test_belt
tests_unit_test_belt_SOURCES = tests/unit/test_belt.c
tests_unit_test_belt_LDADD = $(CHECK_LDADD)
tests_unit_test_belt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_belt
check_PROGRAMS += tests/unit/test_inbox
tests_unit_test_inbox_SOURCES = tests/unit/test_inbox.c
tests_unit_test_inbox_LDADD = $(CHECK_LDADD)
tests_unit_test_inbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_inbox

check_PROGRAMS += tests/unit/test_routes
tests_unit_test_routes_SOURCES = tests/unit/test_routes.c
tests_unit_test_routes_LDADD = $(CHECK_LDADD)
tests_unit_test_routes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_routes

# statistics under the peers' names
check_PROGRAMS += tests/unit/test_relay_figures
tests_unit_test_relay_figures_SOURCES = tests/unit/test_relay_figures.c
tests_unit_test_relay_figures_LDADD = $(CHECK_LDADD)
tests_unit_test_relay_figures_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_relay_figures

check_PROGRAMS += tests/unit/test_rule_filter
tests_unit_test_rule_filter_SOURCES = tests/unit/test_rule_filter.c
tests_unit_test_rule_filter_LDADD = $(CHECK_LDADD)
tests_unit_test_rule_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow -Wno-format-nonliteral
TESTS += tests/unit/test_rule_filter

# memory for many small pieces
check_PROGRAMS += tests/unit/test_pool
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c
tests_unit_test_pool_LDADD = $(CHECK_LDADD)
tests_unit_test_pool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_pool
