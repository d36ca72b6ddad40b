/* bad.c - telling the operator about bad input, not too often. */
#include "config.h"

#include "base/log.h"
#include "front/bad.h"

#define INTERVAL_S 10
#define SAMPLE 120

static struct log_site sites[RECORD_SOURCES][REASON_COUNT];

void
bad_input(enum record_source source, enum reason why, struct slice sample,
    const char *peer)
{
	uint64_t suppressed;

	if (!log_wants(LOG_AT_WARN) ||
	    !log_site_ask(&sites[source][why], INTERVAL_S, &suppressed))
		return;
	log_write_limited(LOG_AT_WARN, suppressed, "%s: %s%s%s: \"%.*s\"%s",
	    record_source_name(source), reason_name(why),
	    peer == NULL ? "" : " from ", peer == NULL ? "" : peer,
	    SLICE_ARG(slice_upto(sample, SAMPLE)),
	    sample.len > SAMPLE ? "..." : "");
}
