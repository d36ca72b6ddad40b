# Unit tests of src/app.

check_PROGRAMS += tests/unit/test_shadow
tests_unit_test_shadow_SOURCES = tests/unit/test_shadow.c
tests_unit_test_shadow_LDADD = $(CHECK_LDADD)
tests_unit_test_shadow_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_shadow

check_PROGRAMS += tests/unit/test_flood
tests_unit_test_flood_SOURCES = tests/unit/test_flood.c
tests_unit_test_flood_LDADD = $(CHECK_LDADD)
tests_unit_test_flood_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_flood

check_PROGRAMS += tests/unit/test_send
tests_unit_test_send_SOURCES = tests/unit/test_send.c
tests_unit_test_send_LDADD = $(CHECK_LDADD)
tests_unit_test_send_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_send

check_PROGRAMS += tests/unit/test_cmd_journal
tests_unit_test_cmd_journal_SOURCES = tests/unit/test_cmd_journal.c tests/unit/journal_kit.h
tests_unit_test_cmd_journal_LDADD = $(CHECK_LDADD)
tests_unit_test_cmd_journal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_cmd_journal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_cmd_journal

check_PROGRAMS += tests/unit/test_tap
tests_unit_test_tap_SOURCES = tests/unit/test_tap.c
tests_unit_test_tap_LDADD = $(CHECK_LDADD)
tests_unit_test_tap_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_tap
