/* tap.h - a look at records as they pass, for one who asked.
 *
 * Workers write those that an expression means as lines of JSON into a buffer of
 * TAP_MAX bytes, and one reader takes them out.  Nobody ever waits for a reader:
 * what finds no room is counted and left out.  While nobody taps, it costs a
 * worker one look at a flag per record. */
#ifndef MILLRACE_FRONT_TAP_H
#define MILLRACE_FRONT_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/expr.h"
#include "record/record.h"

#define TAP_MAX ((size_t)1 << 20)

struct tap;
struct tap_scratch;

/* Takes where (NULL: all records).  ring is called in a worker's thread when
 * there is something to read, once for all until tap_read() emptied it.  The
 * maker holds a reference.  NULL: no memory, and where is freed. */
struct tap *tap_new(struct expr *where, void (*ring)(void *ctx), void *ctx);
struct tap *tap_ref(struct tap *t);
void tap_unref(struct tap *t);
/* Nobody reads any more, and ring is not called any more. */
void tap_close(struct tap *t);
bool tap_closed(const struct tap *t);

/* What a worker needs to offer records. */
struct tap_scratch *tap_scratch_new(void);
void tap_scratch_free(struct tap_scratch *s);
void tap_offer(struct tap *t, const struct record *r, struct tap_scratch *s);

/* Take up to room bytes out; *shed: records left out so far. */
size_t tap_read(struct tap *t, char *to, size_t room, uint64_t *shed);

#endif
