/* tail.h - files that are followed as logs.
 *
 * The first worker follows them.  A file is read from where it was stored up
 * to, over restarts and whatever end; it is followed when it is renamed (until
 * nothing more comes and its successor is there) and read from its beginning
 * when it was cut.  Patterns are looked at again each second. */
#ifndef MILLRACE_FRONT_TAIL_H
#define MILLRACE_FRONT_TAIL_H

struct conf;
struct tail;
struct worker;

/* By what conf says; NULL: it lists no files, or memory is out (logged). */
struct tail *tail_new(struct worker *w, const struct conf *conf);
/* Stops; places stay for the next one. */
void tail_free(struct tail *t);
/* Read no more: the end is near. */
void tail_stop(struct tail *t);

#endif
