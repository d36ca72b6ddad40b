# Sources of src/record, in order.
libcore_a_SOURCES += \
	src/record/reason.c src/record/reason.h \
	src/record/record.c src/record/record.h \
	src/record/event_hash.c src/record/event_hash.h
