/* send.h - the parts of `millrace send`. */
#ifndef MILLRACE_APP_SEND_H
#define MILLRACE_APP_SEND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum send_exit {
	SEND_OK = 0, SEND_USAGE = 64, SEND_DATA = 65, SEND_LATER = 75,
	SEND_DENIED = 77
};

struct send_opts {
	const char *to;			/* NULL: where this kind goes by default */
	const char *type, *rate;	/* metrics */
	struct slice tags[64];
	size_t ntags;
	const char *app, *severity, *facility, *host;	/* logs */
	const char *pid, *iid;		/* events */
	double timeout_s;
	bool quiet;
};

/* NAME VALUE as a StatsD line.  SEND_DATA: said why on standard error. */
enum send_exit send_metric_line(const struct send_opts *o, const char *name,
    const char *value, struct buf *out);
/* An RFC 5424 message. */
enum send_exit send_log_line(const struct send_opts *o, struct slice message,
    struct buf *out);
/* Send an event and wait until it is acknowledged, again and again until the
 * time is over.  Prints the id. */
enum send_exit send_event(const struct send_opts *o, const char *stream,
    char **fields, size_t nfields);

#endif
