# Sources of src/front, in order.
libcore_a_SOURCES += src/front/tap.c src/front/tap.h
libcore_a_SOURCES += \
	src/front/bad.c src/front/bad.h \
	src/front/door.c src/front/door.h \
	src/front/fronts.h \
	src/front/graphite.c \
	src/front/auth.c src/front/auth.h \
	src/front/http.c \
	src/front/key_log.c src/front/key_log.h \
	src/front/log_event.c src/front/log_event.h \
	src/front/log_feed.c src/front/log_feed.h \
	src/front/forward.c \
	src/front/names.c src/front/names.h \
	src/front/pickle.c \
	src/front/protobuf.c \
	src/front/rate.c src/front/rate.h \
	src/front/relp.c \
	src/front/resp.c src/front/resp_ask.c src/front/resp_commands.c \
	src/front/resp_conn.h \
	src/front/signed.c src/front/signed.h \
	src/front/statsd.c \
	src/front/syslog.c \
	src/front/tail.c src/front/tail.h \
	src/front/tail_places.c src/front/tail_places.h \
	src/front/worker.c src/front/worker.h \
	src/front/writer.c src/front/writer.h
