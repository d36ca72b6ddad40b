# Sources of src/sink, in order.
libcore_a_SOURCES += \
	src/sink/journal.c src/sink/journal.h src/sink/journal_private.h \
	src/sink/journal_files.c src/sink/journal_sync.c \
	src/sink/journal_read.c src/sink/journal_recover.c \
	src/sink/journal_format.c src/sink/journal_format.h \
	src/sink/journal_scan.c src/sink/journal_scan.h
libcore_a_SOURCES += \
	src/sink/archive.c src/sink/archive.h \
	src/sink/archive_names.c src/sink/archive_names.h \
	src/sink/pack_file.c src/sink/closer.c src/sink/closer.h \
	src/sink/destination.c src/sink/destination.h \
	src/sink/destination_connect.c src/sink/destination_private.h \
	src/sink/encoder.c src/sink/encoder.h \
	src/sink/events_ask.c src/sink/events_ask.h src/sink/events_reach.h \
	src/sink/events.c src/sink/events.h \
	src/sink/health.c src/sink/health.h \
	src/sink/forward.c src/sink/forward.h \
	src/sink/logs.c src/sink/logs.h \
	src/sink/repeats.c src/sink/repeats.h \
	src/sink/metrics.c src/sink/metrics.h src/sink/metrics_dests.c \
	src/sink/metrics_flush.c src/sink/metrics_flush.h \
	src/sink/metrics_report.c src/sink/metrics_state.c \
	src/sink/spool.c src/sink/spool.h \
	src/sink/spool_lane.c src/sink/spool_lane.h \
	src/sink/wire.h src/sink/wire_file.c src/sink/wire_stream.c \
	src/sink/wire_udp.c
libcore_a_SOURCES += \
	src/sink/shipper.c src/sink/shipper.h src/sink/shipper_private.h \
	src/sink/shipper_batch.c src/sink/shipper_cluster.c \
	src/sink/shipper_conn.c src/sink/shipper_conn.h \
	src/sink/shipper_guard.c src/sink/shipper_guard.h \
	src/sink/shipper_lane.c src/sink/shipper_node.c \
	src/sink/shipper_read.c src/sink/shipper_sentinel.c \
	src/sink/shipper_trim.c \
	src/sink/shipper_script.c src/sink/shipper_script.h \
	src/sink/shipper_url.c src/sink/shipper_url.h
