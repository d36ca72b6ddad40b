# Scenarios: scripts under a false clock.  A new one is a file *.txt.
check_PROGRAMS += tests/scenario/play
tests_scenario_play_SOURCES = tests/scenario/play.c
tests_scenario_play_LDADD = $(TEST_LDADD)
TESTS += tests/scenario/run.sh
EXTRA_DIST += tests/scenario/run.sh tests/scenario/gauges-and-sets.txt \
	tests/scenario/idle-names.txt tests/scenario/rules-decide-once.txt \
	tests/scenario/aligned-flush.txt tests/scenario/caps-by-rule.txt \
	tests/scenario/intervals-by-rule.txt \
	tests/scenario/negative-gauges.txt tests/scenario/own-times.txt
