# Sources of src/net, in order.
libcore_a_SOURCES += \
	src/net/addr.c src/net/addr.h \
	src/net/datagram.c src/net/datagram.h \
	src/net/listen.c src/net/listen.h \
	src/net/stream.c src/net/stream.h \
	src/net/stream_hub.c src/net/stream_hub.h src/net/stream_open.c \
	src/net/tls.c src/net/tls.h src/net/tls_session.h
libcore_a_SOURCES += \
	src/net/thread.c src/net/thread.h
libcore_a_SOURCES += src/net/resolve.c src/net/resolve.h
libcore_a_SOURCES += src/net/dns.c src/net/dns.h
