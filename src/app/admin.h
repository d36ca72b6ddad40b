/* admin.h - the admin page: health, figures, books; HTTP on the main loop. */
#ifndef MILLRACE_APP_ADMIN_H
#define MILLRACE_APP_ADMIN_H

#include <stddef.h>

struct conf;
struct daemon;

/* Make what answers.  0, or what to exit with and why in error. */
int admin_open(struct daemon *d, char *error, size_t size);
/* Listen where conf says and nowhere else; connections live on.  0, or what to
 * exit with and why in error: then all is as it was. */
int admin_listen(struct daemon *d, const struct conf *conf, char *error,
    size_t size);
void admin_close(struct daemon *d);

#endif
