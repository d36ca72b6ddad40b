# Sources of src/core, in order.
libcore_a_SOURCES += \
	src/core/event_ask.h \
	src/core/dedup.c src/core/dedup.h src/core/dedup_private.h \
	src/core/dedup_snapshot.c \
	src/core/ring.c src/core/ring.h src/core/ring_parts.h \
	src/core/ring_carbon.c src/core/ring_jump.c \
	src/core/ring_python.c src/core/ring_statsd.c
libcore_a_SOURCES += \
	src/core/aggregator.c src/core/aggregator.h \
	src/core/flush_plan.c src/core/flush_plan.h \
	src/core/hll.c src/core/hll.h \
	src/core/index32.c src/core/index32.h \
	src/core/key_counts.c src/core/key_counts.h \
	src/core/member_set.c src/core/member_set.h \
	src/core/merged.c src/core/merged.h src/core/merged_parts.h \
	src/core/merged_flush.c src/core/merged_manage.c src/core/merged_state.c \
	src/core/merged_prometheus.c src/core/merged_timed.c \
	src/core/pool.c src/core/pool.h \
	src/core/samples.c src/core/samples.h \
	src/core/sketch.c src/core/sketch.h
libcore_a_SOURCES += \
	src/core/field.c src/core/field.h \
	src/core/match.c src/core/match.h \
	src/core/rules.c src/core/rules.h \
	src/core/rule_filter.c src/core/rule_filter.h \
	src/core/template.c src/core/template.h
libcore_a_SOURCES += \
	src/core/batch.c src/core/batch.h \
	src/core/inbox.c src/core/inbox.h \
	src/core/ledger.c src/core/ledger.h \
	src/core/limits.c src/core/limits.h \
	src/core/pipeline.c src/core/pipeline.h \
	src/core/pipeline_event.c src/core/pipeline_feed.c \
	src/core/pipeline_log.c src/core/pipeline_metric.c \
	src/core/pipeline_pass.c src/core/pipeline_private.h \
	src/core/pipeline_timed.c \
	src/core/plan.c src/core/plan.h \
	src/core/relay_figures.c src/core/relay_figures.h \
	src/core/routes.c src/core/routes.h \
	src/core/table.c src/core/table.h \
	src/core/top.c src/core/top.h \
	src/core/ticket.c src/core/ticket.h
