# Sources of src/app, in order.
libcore_a_SOURCES += \
	src/app/cmd_flood.c src/app/cmd_flood.h src/app/flood.h \
	src/app/flood_acked.c src/app/flood_books.c src/app/flood_datagram.c src/app/flood_pace.c \
	src/app/flood_pool.c src/app/flood_stream.c \
	src/app/dial.c src/app/dial.h
libcore_a_SOURCES += \
	src/app/cmd_send.c src/app/cmd_send.h src/app/send.h \
	src/app/send_event.c src/app/send_line.c
libcore_a_SOURCES += \
	src/app/admin_get.c src/app/admin_get.h \
	src/app/cmd_tap.c src/app/cmd_tap.h src/app/cmd_top.c src/app/cmd_top.h
libcore_a_SOURCES += src/app/cmd_check.c src/app/cmd_check.h
libcore_a_SOURCES += \
	src/app/admin.c src/app/admin.h \
	src/app/admin_listen.c src/app/admin_private.h src/app/admin_tap.c \
	src/app/console.c src/app/console_config.c src/app/console.h \
	src/app/daemon.c src/app/daemon.h \
	src/app/pages.c src/app/pages.h
libcore_a_SOURCES += src/app/cmd_journal.c src/app/cmd_journal.h
libcore_a_SOURCES += src/app/cmd_import.c src/app/cmd_import.h
libcore_a_SOURCES += \
	src/app/cmd_shadow.c src/app/cmd_shadow.h src/app/shadow.h \
	src/app/shadow_diff.c src/app/shadow_run.c

libcore_a_SOURCES += \
	src/app/cmd_read.c src/app/cmd_read.h src/app/read.h src/app/read_place.h \
	src/app/read_deliver.c src/app/read_journal.c src/app/read_place.c src/app/read_redis.c \
	src/app/redis_client.c src/app/redis_client.h
libcore_a_SOURCES += \
	src/app/cmd_audit.c src/app/cmd_audit.h src/app/audit.h \
	src/app/audit_consume.c src/app/audit_judge.c src/app/audit_produce.c
libcore_a_SOURCES += \
	src/app/cmd_explain.c src/app/cmd_explain.h \
	src/app/explain.c src/app/explain.h src/app/explain_read.c
libcore_a_SOURCES += \
	src/app/cmd_grep.c src/app/cmd_grep.h \
	src/app/grep_pattern.c src/app/grep_pattern.h \
	src/app/grep_search.c src/app/grep_search.h
libcore_a_SOURCES += src/app/statsd_mode.c src/app/statsd_mode.h
libcore_a_SOURCES += src/app/discover.c src/app/discover.h
