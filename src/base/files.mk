# Sources of src/base, in order.
libcore_a_SOURCES += \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/hash.c src/base/hash.h \
	src/base/json.c src/base/json.h \
	src/base/log.c src/base/log.h \
	src/base/lru.c src/base/lru.h \
	src/base/map.c src/base/map.h src/base/mapped.c src/base/mapped.h \
	src/base/civil.c src/base/civil.h src/base/utf8.h \
	src/base/number.c src/base/number.h src/base/number_format.c \
	src/base/digits.c src/base/digits.h \
	src/base/fnv.h \
	src/base/md5.c src/base/md5.h \
	src/base/murmur.c src/base/murmur.h \
	src/base/crc32c.c src/base/crc32c.h \
	src/base/slice.c src/base/slice.h \
	src/base/arena.c src/base/arena.h \
	src/base/regex.c src/base/regex.h \
	src/base/regex_literal.c src/base/regex_literal.h \
	compat/compat.h
