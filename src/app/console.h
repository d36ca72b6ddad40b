/* console.h - statsd's management port: the reference's commands and replies. */
#ifndef MILLRACE_APP_CONSOLE_H
#define MILLRACE_APP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct conf;
struct console;
struct daemon;

/* Listen at statsd's `management` address, if it has one.
 * 0, or what to exit with and why in error. */
int console_open(struct daemon *d, const struct conf *conf, char *error,
    size_t size);
/* Listen where another configuration says; connections stay.  False: it
 * listens where it did, with why in error. */
bool console_move(struct daemon *d, const struct conf *from,
    const struct conf *to, char *error, size_t size);
void console_close(struct daemon *d);

/* What "config" answers: the reference's options by their names, with what this
 * configuration makes of them. */
void console_config(const struct conf *conf, struct buf *out);

#endif
