# Unit tests of src/conf.

check_PROGRAMS += tests/unit/test_conf
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c
tests_unit_test_conf_LDADD = $(CHECK_LDADD)
tests_unit_test_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_conf

check_PROGRAMS += tests/unit/test_expr
tests_unit_test_expr_SOURCES = tests/unit/test_expr.c
tests_unit_test_expr_LDADD = $(CHECK_LDADD)
tests_unit_test_expr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_expr

check_PROGRAMS += tests/unit/test_rules
tests_unit_test_rules_SOURCES = tests/unit/test_rules.c
tests_unit_test_rules_LDADD = $(CHECK_LDADD)
tests_unit_test_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_rules

EXTRA_DIST += tests/man-keys.sh
TESTS += tests/man-keys.sh

check_PROGRAMS += tests/unit/test_import_carbon_c_relay
tests_unit_test_import_carbon_c_relay_SOURCES = tests/unit/test_import_carbon_c_relay.c
tests_unit_test_import_carbon_c_relay_LDADD = $(CHECK_LDADD)
tests_unit_test_import_carbon_c_relay_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_import_carbon_c_relay

check_PROGRAMS += tests/unit/test_import_carbon
tests_unit_test_import_carbon_SOURCES = tests/unit/test_import_carbon.c
tests_unit_test_import_carbon_LDADD = $(CHECK_LDADD)
tests_unit_test_import_carbon_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_import_carbon
check_PROGRAMS += tests/unit/test_js_literal
tests_unit_test_js_literal_SOURCES = tests/unit/test_js_literal.c
tests_unit_test_js_literal_LDADD = $(CHECK_LDADD)
tests_unit_test_js_literal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_js_literal

check_PROGRAMS += tests/unit/test_import
tests_unit_test_import_SOURCES = tests/unit/test_import.c
tests_unit_test_import_LDADD = $(CHECK_LDADD)
tests_unit_test_import_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_import
