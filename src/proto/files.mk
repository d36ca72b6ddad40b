# Sources of src/proto, in order.
libcore_a_SOURCES += \
	src/proto/resp_request.c src/proto/resp_write.c src/proto/resp_reply.c \
	src/proto/resp.h \
	src/proto/xadd.c src/proto/xadd.h \
	src/proto/event_body.c src/proto/event_body.h \
	src/proto/event_list.c src/proto/event_list.h \
	src/proto/forward.c src/proto/forward.h \
	src/proto/http.c src/proto/http.h \
	src/proto/msgpack_scan.c src/proto/msgpack_scan.h \
	src/proto/json_text.c src/proto/json_text.h \
	src/proto/resp.h src/proto/xadd.h
libcore_a_SOURCES += \
	src/proto/graphite.c src/proto/graphite.h src/proto/graphite_name.c

# syslog
libcore_a_SOURCES += \
	src/proto/log_json.c src/proto/log_json_parse.c \
	src/proto/log_line.c src/proto/log_line.h src/proto/log_line_5424.c \
	src/proto/log_text.c src/proto/log_text.h \
	src/proto/relp.c src/proto/relp.h src/proto/relp_parts.h \
	src/proto/relp_client.c src/proto/relp_server.c \
	src/proto/scan.h \
	src/proto/syslog.c src/proto/syslog.h src/proto/syslog_parts.h \
	src/proto/syslog_3164.c src/proto/syslog_5424.c \
	src/proto/syslog_frame.c src/proto/syslog_frame.h \
	src/proto/syslog_sd.c src/proto/syslog_time.c \
	src/proto/syslog_write.c src/proto/syslog_write.h

# statsd
libcore_a_SOURCES += \
	src/proto/lines.c src/proto/lines.h \
	src/proto/marks.c src/proto/marks.h \
	src/proto/replay.c src/proto/replay.h \
	src/proto/statsd.c src/proto/statsd.h \
	src/proto/statsd_event.c \
	src/proto/statsd_line.c src/proto/statsd_line.h \
	src/proto/statsd_name.c src/proto/statsd_write.c \
	src/proto/statsd_secure.c src/proto/statsd_secure.h \
	src/proto/statsite.c src/proto/statsite.h
libcore_a_SOURCES += \
	src/proto/pickle.c src/proto/pickle.h src/proto/pickle_read.c \
	src/proto/pickle_write.c src/proto/pickle_machine.h
libcore_a_SOURCES += \
	src/proto/carbon_protobuf.c src/proto/carbon_protobuf.h
libcore_a_SOURCES += src/proto/event_json.c src/proto/event_json.h
libcore_a_SOURCES += src/proto/packed.c src/proto/packed.h \
	src/proto/packed_snappy.c src/proto/packed_snappy.h
libcore_a_SOURCES += src/proto/record_json.c src/proto/record_json.h
libcore_a_SOURCES += src/proto/segment.c src/proto/segment.h
libcore_a_SOURCES += src/proto/segment_filter.c
