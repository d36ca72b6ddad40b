# Unit tests of src/proto.

check_PROGRAMS += tests/unit/test_packed
tests_unit_test_packed_SOURCES = tests/unit/test_packed.c
tests_unit_test_packed_LDADD = $(CHECK_LDADD)
tests_unit_test_packed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_packed

check_PROGRAMS += tests/unit/test_resp
tests_unit_test_resp_SOURCES = tests/unit/test_resp.c tests/unit/edge.h
tests_unit_test_resp_LDADD = $(CHECK_LDADD)
tests_unit_test_resp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_resp_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_resp

check_PROGRAMS += tests/unit/test_xadd
tests_unit_test_xadd_SOURCES = tests/unit/test_xadd.c
tests_unit_test_xadd_LDADD = $(CHECK_LDADD)
tests_unit_test_xadd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_xadd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_xadd

# Graphite
check_PROGRAMS += tests/unit/test_graphite
tests_unit_test_graphite_SOURCES = tests/unit/test_graphite.c tests/unit/edge.h
tests_unit_test_graphite_LDADD = $(CHECK_LDADD)
tests_unit_test_graphite_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow -Wno-missing-field-initializers
tests_unit_test_graphite_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_graphite

# syslog
check_PROGRAMS += tests/unit/test_syslog
tests_unit_test_syslog_SOURCES = tests/unit/test_syslog.c
tests_unit_test_syslog_LDADD = $(CHECK_LDADD)
tests_unit_test_syslog_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_syslog

check_PROGRAMS += tests/unit/test_statsd
tests_unit_test_statsd_SOURCES = tests/unit/test_statsd.c tests/unit/edge.h
tests_unit_test_statsd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_statsd_LDADD = $(CHECK_LDADD)
tests_unit_test_statsd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_statsd

check_PROGRAMS += tests/unit/test_statsd_quick
tests_unit_test_statsd_quick_SOURCES = tests/unit/test_statsd_quick.c tests/unit/edge.h
tests_unit_test_statsd_quick_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_statsd_quick_LDADD = $(CHECK_LDADD)
tests_unit_test_statsd_quick_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_statsd_quick

check_PROGRAMS += tests/unit/test_statsd_golden
tests_unit_test_statsd_golden_SOURCES = tests/unit/test_statsd_golden.c
tests_unit_test_statsd_golden_LDADD = $(CHECK_LDADD)
tests_unit_test_statsd_golden_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_statsd_golden

check_PROGRAMS += tests/unit/test_statsd_secure
tests_unit_test_statsd_secure_SOURCES = tests/unit/test_statsd_secure.c tests/unit/edge.h
tests_unit_test_statsd_secure_LDADD = $(CHECK_LDADD)
tests_unit_test_statsd_secure_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_statsd_secure_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_statsd_secure

check_PROGRAMS += tests/unit/test_statsite
tests_unit_test_statsite_SOURCES = tests/unit/test_statsite.c tests/unit/edge.h
tests_unit_test_statsite_LDADD = $(CHECK_LDADD)
tests_unit_test_statsite_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_statsite_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_statsite

check_PROGRAMS += tests/unit/test_pickle
tests_unit_test_pickle_SOURCES = tests/unit/test_pickle.c tests/unit/edge.h
tests_unit_test_pickle_LDADD = $(CHECK_LDADD)
tests_unit_test_pickle_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow -Wno-missing-field-initializers
tests_unit_test_pickle_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_pickle

check_PROGRAMS += tests/unit/test_carbon_protobuf
tests_unit_test_carbon_protobuf_SOURCES = tests/unit/test_carbon_protobuf.c tests/unit/edge.h
tests_unit_test_carbon_protobuf_LDADD = $(CHECK_LDADD)
tests_unit_test_carbon_protobuf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow -Wno-missing-field-initializers
tests_unit_test_carbon_protobuf_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_carbon_protobuf

check_PROGRAMS += tests/unit/test_lines
tests_unit_test_lines_SOURCES = tests/unit/test_lines.c
tests_unit_test_lines_LDADD = $(CHECK_LDADD)
tests_unit_test_lines_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_lines
check_PROGRAMS += tests/unit/test_file_name
tests_unit_test_file_name_SOURCES = tests/unit/test_file_name.c
tests_unit_test_file_name_LDADD = $(CHECK_LDADD)
tests_unit_test_file_name_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_file_name

check_PROGRAMS += tests/unit/test_log_line
tests_unit_test_log_line_SOURCES = tests/unit/test_log_line.c
tests_unit_test_log_line_LDADD = $(CHECK_LDADD)
tests_unit_test_log_line_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_log_line

check_PROGRAMS += tests/unit/test_relp
tests_unit_test_relp_SOURCES = tests/unit/test_relp.c
tests_unit_test_relp_LDADD = $(CHECK_LDADD)
tests_unit_test_relp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_relp

check_PROGRAMS += tests/unit/test_syslog_frame
tests_unit_test_syslog_frame_SOURCES = tests/unit/test_syslog_frame.c
tests_unit_test_syslog_frame_LDADD = $(CHECK_LDADD)
tests_unit_test_syslog_frame_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_syslog_frame

check_PROGRAMS += tests/unit/test_record_json
tests_unit_test_record_json_SOURCES = tests/unit/test_record_json.c
tests_unit_test_record_json_LDADD = $(CHECK_LDADD)
tests_unit_test_record_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_record_json

# doors of events
check_PROGRAMS += tests/unit/test_http
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/unit/edge.h
tests_unit_test_http_LDADD = $(CHECK_LDADD)
tests_unit_test_http_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_http_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_http

check_PROGRAMS += tests/unit/test_event_body
tests_unit_test_event_body_SOURCES = tests/unit/test_event_body.c
tests_unit_test_event_body_LDADD = $(CHECK_LDADD)
tests_unit_test_event_body_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_event_body
check_PROGRAMS += tests/unit/test_syslog_write
tests_unit_test_syslog_write_SOURCES = tests/unit/test_syslog_write.c
tests_unit_test_syslog_write_LDADD = $(CHECK_LDADD)
tests_unit_test_syslog_write_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_syslog_write
