# A fuzzer per parser: with --enable-fuzzing a libFuzzer program, always a
# replay of its corpus in make check.  A new fuzzer is a line in FUZZERS, its
# two variables below and a directory tests/fuzz/corpus/NAME.

FUZZERS =
check_PROGRAMS += $(FUZZERS)
fuzzers: $(FUZZERS)
.PHONY: fuzzers
EXTRA_DIST += tests/fuzz/replay.sh tests/fuzz/short.sh
TESTS += tests/fuzz/replay.sh

AM_TESTS_ENVIRONMENT += FUZZERS='$(FUZZERS)'; export FUZZERS;
if FUZZING
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LINK = $(AM_LDFLAGS)
endif
# All of them and nothing else.
fuzzers: $(FUZZERS)
.PHONY: fuzzers

FUZZERS += tests/fuzz/fuzz_resp_request
tests_fuzz_fuzz_resp_request_SOURCES = tests/fuzz/fuzz_resp_request.c $(FUZZ_MAIN)
tests_fuzz_fuzz_resp_request_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_resp_request_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_resp_reply
tests_fuzz_fuzz_resp_reply_SOURCES = tests/fuzz/fuzz_resp_reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_resp_reply_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_resp_reply_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_xadd
tests_fuzz_fuzz_xadd_SOURCES = tests/fuzz/fuzz_xadd.c $(FUZZ_MAIN)
tests_fuzz_fuzz_xadd_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_xadd_LDFLAGS = $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_graphite
tests_fuzz_fuzz_graphite_SOURCES = tests/fuzz/fuzz_graphite.c $(FUZZ_MAIN)
tests_fuzz_fuzz_graphite_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_graphite_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_statsd
tests_fuzz_fuzz_statsd_SOURCES = tests/fuzz/fuzz_statsd.c $(FUZZ_MAIN)
tests_fuzz_fuzz_statsd_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_statsd_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_statsite
tests_fuzz_fuzz_statsite_SOURCES = tests/fuzz/fuzz_statsite.c $(FUZZ_MAIN)
tests_fuzz_fuzz_statsite_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_statsite_LDFLAGS = $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_packed
tests_fuzz_fuzz_packed_SOURCES = tests/fuzz/fuzz_packed.c $(FUZZ_MAIN)
tests_fuzz_fuzz_packed_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_packed_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_pickle
tests_fuzz_fuzz_pickle_SOURCES = tests/fuzz/fuzz_pickle.c $(FUZZ_MAIN)
tests_fuzz_fuzz_pickle_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_pickle_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_carbon_protobuf
tests_fuzz_fuzz_carbon_protobuf_SOURCES = tests/fuzz/fuzz_carbon_protobuf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_carbon_protobuf_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_carbon_protobuf_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_conf_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_conf_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_expr
tests_fuzz_fuzz_expr_SOURCES = tests/fuzz/fuzz_expr.c $(FUZZ_MAIN)
tests_fuzz_fuzz_expr_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_expr_LDFLAGS = $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_carbon_c_relay
tests_fuzz_fuzz_carbon_c_relay_SOURCES = tests/fuzz/fuzz_carbon_c_relay.c $(FUZZ_MAIN)
tests_fuzz_fuzz_carbon_c_relay_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_carbon_c_relay_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_merged_load tests/fuzz/fuzz_prom_mapping
tests_fuzz_fuzz_merged_load_SOURCES = tests/fuzz/fuzz_merged_load.c $(FUZZ_MAIN)
tests_fuzz_fuzz_merged_load_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_merged_load_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_prom_mapping_SOURCES = tests/fuzz/fuzz_prom_mapping.c $(FUZZ_MAIN)
tests_fuzz_fuzz_prom_mapping_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_prom_mapping_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_syslog
tests_fuzz_fuzz_syslog_SOURCES = tests/fuzz/fuzz_syslog.c $(FUZZ_MAIN)
tests_fuzz_fuzz_syslog_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_syslog_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_syslog_frame
tests_fuzz_fuzz_syslog_frame_SOURCES = tests/fuzz/fuzz_syslog_frame.c $(FUZZ_MAIN)
tests_fuzz_fuzz_syslog_frame_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_syslog_frame_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_relp
tests_fuzz_fuzz_relp_SOURCES = tests/fuzz/fuzz_relp.c $(FUZZ_MAIN)
tests_fuzz_fuzz_relp_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_relp_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_file_name
tests_fuzz_fuzz_file_name_SOURCES = tests/fuzz/fuzz_file_name.c $(FUZZ_MAIN)
tests_fuzz_fuzz_file_name_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_file_name_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_log_line
tests_fuzz_fuzz_log_line_SOURCES = tests/fuzz/fuzz_log_line.c $(FUZZ_MAIN)
tests_fuzz_fuzz_log_line_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_log_line_LDFLAGS = $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_carbon_conf
tests_fuzz_fuzz_carbon_conf_SOURCES = tests/fuzz/fuzz_carbon_conf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_carbon_conf_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_carbon_conf_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_journal_scan
tests_fuzz_fuzz_journal_scan_SOURCES = tests/fuzz/fuzz_journal_scan.c $(FUZZ_MAIN)
tests_fuzz_fuzz_journal_scan_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_journal_scan_LDFLAGS = $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_js_literal
tests_fuzz_fuzz_js_literal_SOURCES = tests/fuzz/fuzz_js_literal.c $(FUZZ_MAIN)
tests_fuzz_fuzz_js_literal_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_js_literal_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_dedup
tests_fuzz_fuzz_dedup_SOURCES = tests/fuzz/fuzz_dedup.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dedup_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_dedup_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_segment
tests_fuzz_fuzz_segment_SOURCES = tests/fuzz/fuzz_segment.c $(FUZZ_MAIN)
tests_fuzz_fuzz_segment_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_segment_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_regex
tests_fuzz_fuzz_regex_SOURCES = tests/fuzz/fuzz_regex.c $(FUZZ_MAIN)
tests_fuzz_fuzz_regex_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_regex_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_http_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_event_body
tests_fuzz_fuzz_event_body_SOURCES = tests/fuzz/fuzz_event_body.c $(FUZZ_MAIN)
tests_fuzz_fuzz_event_body_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_event_body_LDFLAGS = $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_forward
tests_fuzz_fuzz_forward_SOURCES = tests/fuzz/fuzz_forward.c $(FUZZ_MAIN)
tests_fuzz_fuzz_forward_LDADD = $(TEST_LDADD)
tests_fuzz_fuzz_forward_LDFLAGS = $(FUZZ_LINK)
