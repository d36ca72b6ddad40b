# Sources of src/conf, in order.
libcore_a_SOURCES += \
	src/conf/address.c \
	src/conf/check.c \
	src/conf/conf.c src/conf/conf.h \
	src/conf/defaults.c \
	src/conf/describe.c src/conf/describe.h \
	src/conf/expr.c src/conf/expr.h \
	src/conf/fault.c src/conf/fault.h \
	src/conf/file_name.c src/conf/file_name.h \
	src/conf/keys.c src/conf/keys.h \
	src/conf/load.c src/conf/load.h \
	src/conf/node.c src/conf/node.h \
	src/conf/prom_mapping.c src/conf/prom_mapping.h \
	src/conf/template.c src/conf/template.h \
	src/conf/value.c src/conf/value.h

libcore_a_SOURCES += \
	src/conf/carbon_c_relay.c src/conf/carbon_c_relay.h \
	src/conf/carbon_c_relay_token.c src/conf/carbon_c_relay_token.h \
	src/conf/carbon_conf.c src/conf/carbon_conf.h src/conf/import_carbon.c \
	src/conf/import.h src/conf/import_carbon_c_relay.c \
	src/conf/import_parts.c src/conf/import_parts.h

libcore_a_SOURCES += \
	src/conf/js_call.c src/conf/js_parts.h \
	src/conf/js_literal.c src/conf/js_literal.h \
	src/conf/js_value.c src/conf/js_value.h \
	src/conf/import_statsd.c src/conf/import_statsd.h \
	src/conf/import_brubeck.c src/conf/import_statsite.c
libcore_a_SOURCES += src/conf/derive.c src/conf/derive.h
