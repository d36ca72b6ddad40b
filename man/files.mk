# Files of man.
dist_man_MANS += man/millrace.yaml.5
EXTRA_DIST += man/millrace.yaml.5.in man/update.sh
dist_man_MANS += man/millrace-audit.1 man/millrace-read.1
dist_man_MANS += man/millrace.1 man/millrace-flood.1 man/millrace-send.1 man/millrace-events.7
