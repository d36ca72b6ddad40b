/* arena.h - memory that is given back all at once.
 *
 * For what is built in many pieces and lives and dies as one: a configuration,
 * a compiled expression.  Whatever else a piece holds (a compiled regular
 * expression, say) is released by a function left with arena_defer().  An
 * arena is used by one thread while it grows; what is in it may be read by
 * all.  It never gives NULL: out of memory ends the program, so put a limit on
 * the input before it gets here. */
#ifndef MILLRACE_BASE_ARENA_H
#define MILLRACE_BASE_ARENA_H

#include "base/slice.h"

struct arena;

struct arena *arena_new(void);
/* Runs what was deferred, last first, then frees every block. */
void arena_free(struct arena *a);
/* Gives n zeroed bytes, aligned for anything. */
void *arena_alloc(struct arena *a, size_t n);
/* Gives n zeroed elements; a product that does not fit ends the program. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* Gives a NUL-ended copy. */
char *arena_dup(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Have fn(arg) called by arena_free(). */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);

#endif
