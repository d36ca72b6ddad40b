/* load.h - what the parts of reading a configuration share; private to conf/. */
#ifndef MILLRACE_CONF_LOAD_H
#define MILLRACE_CONF_LOAD_H

#include "conf/conf.h"
#include "conf/fault.h"
#include "conf/keys.h"
#include "conf/node.h"

struct loader {
	struct arena *arena;
	struct faults faults;
	struct conf *conf;
};

/* Read a map through a section's table into out, which is zeroed: defaults
 * first, then what the map says.  n is NULL for "all defaults". */
void load_section(struct loader *l, const struct section *s, const struct node *n, void *out);
/* The text of n with ${NAME} replaced, or NULL with a fault told. */
const char *load_text(struct loader *l, const struct node *n);
/* Replace ${NAME} and ${NAME:-default} in the text of n from byte `from` on up
 * to `to`; for values whose ${} may also mean something else. */
const char *load_env(struct loader *l, const struct node *n, struct slice name);
/* Where the value of key stands in a map, or the map itself. */
struct conf_mark load_mark(const struct node *map, const char *key);
/* The name among words, NULL-ended, that text was meant to be, or NULL. */
const char *load_nearest(struct slice text, const char *const *words);
/* ", did you mean \"x\"?" or the list of what is known; in the arena. */
const char *load_hint(struct loader *l, struct slice text, const char *const *words);

/* address.c */
bool load_listen(struct loader *l, const struct node *n, const char *const *schemes,
    struct conf_listen *out);
bool load_server(struct loader *l, const struct node *n, struct conf_server *out);
/* "host:port"; a host of "" or "*" gives NULL.  text is NUL-ended. */
bool address_split(struct arena *a, struct slice text, char **host, uint16_t *port,
    struct slice *rest);

extern const char *const transport_words[], *const protocol_words[], *const codec_words[];
extern const struct section server_section;
extern const char conf_defaults[];

/* check.c: whether a section makes sense as a whole. */
void check_tls(struct loader *l, void *out, const struct node *n);
void check_statsd(struct loader *l, void *out, const struct node *n);
void check_graphite(struct loader *l, void *out, const struct node *n);
void check_syslog(struct loader *l, void *out, const struct node *n);
void check_user(struct loader *l, void *out, const struct node *n);
void check_events(struct loader *l, void *out, const struct node *n);
void check_flush(struct loader *l, void *out, const struct node *n);
void check_server(struct loader *l, void *out, const struct node *n);
void check_cluster(struct loader *l, void *out, const struct node *n);
void check_stream(struct loader *l, void *out, const struct node *n);
void check_archive(struct loader *l, void *out, const struct node *n);
void check_rule(struct loader *l, void *out, const struct node *n);
void check_forward(struct loader *l, void *out, const struct node *n);
void check_tail(struct loader *l, void *out, const struct node *n);
void check_conf(struct loader *l, void *out, const struct node *n);

#endif
