/* reason.c - the reasons' names. */
#include "config.h"

#include "record/reason.h"

static const char *const names[REASON_COUNT] = {
#define X(name, text) text,
	REASON_LIST(X)
#undef X
};

const char *
reason_name(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? names[r] : "unknown";
}
