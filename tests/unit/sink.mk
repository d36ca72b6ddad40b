# Unit tests of src/sink.

check_PROGRAMS += tests/unit/test_journal
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c tests/unit/journal_kit.h
tests_unit_test_journal_LDADD = $(CHECK_LDADD)
tests_unit_test_journal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_journal

# the same on a disk that fails: the linker puts faulty_disk.c between
check_PROGRAMS += tests/unit/test_journal_faults
tests_unit_test_journal_faults_SOURCES = tests/unit/test_journal_faults.c tests/unit/faulty_disk.c tests/unit/faulty_disk.h tests/unit/journal_kit.h
tests_unit_test_journal_faults_LDADD = $(CHECK_LDADD)
tests_unit_test_journal_faults_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pwrite,--wrap=fdatasync,--wrap=fsync,--wrap=renameat,--wrap=unlinkat,--wrap=fallocate,--wrap=pwrite64,--wrap=fallocate64
tests_unit_test_journal_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_journal_faults_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_journal_faults

check_PROGRAMS += tests/unit/test_journal_scan
tests_unit_test_journal_scan_SOURCES = tests/unit/test_journal_scan.c
tests_unit_test_journal_scan_LDADD = $(CHECK_LDADD)
tests_unit_test_journal_scan_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_journal_scan

check_PROGRAMS += tests/unit/test_shipper
tests_unit_test_shipper_SOURCES = tests/unit/test_shipper.c
tests_unit_test_shipper_LDADD = $(CHECK_LDADD)
tests_unit_test_shipper_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_shipper

check_PROGRAMS += tests/unit/test_spool
tests_unit_test_spool_SOURCES = tests/unit/test_spool.c
tests_unit_test_spool_LDADD = $(CHECK_LDADD)
tests_unit_test_spool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_spool

check_PROGRAMS += tests/unit/test_journal_once
tests_unit_test_journal_once_SOURCES = tests/unit/test_journal_once.c tests/unit/faulty_disk.c tests/unit/faulty_disk.h tests/unit/journal_kit.h
tests_unit_test_journal_once_LDADD = $(CHECK_LDADD)
tests_unit_test_journal_once_LDFLAGS = $(tests_unit_test_journal_faults_LDFLAGS)
tests_unit_test_journal_once_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
tests_unit_test_journal_once_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
TESTS += tests/unit/test_journal_once

check_PROGRAMS += tests/unit/test_archive
tests_unit_test_archive_SOURCES = tests/unit/test_archive.c
tests_unit_test_archive_LDADD = $(CHECK_LDADD)
tests_unit_test_archive_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_archive

check_PROGRAMS += tests/unit/test_repeats
tests_unit_test_repeats_SOURCES = tests/unit/test_repeats.c
tests_unit_test_repeats_LDADD = $(CHECK_LDADD)
tests_unit_test_repeats_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-conversion -Wno-sign-conversion -Wno-format-extra-args -Wno-shadow
TESTS += tests/unit/test_repeats
