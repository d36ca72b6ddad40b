/* door.h - one address that a worker listens on, and the protocol behind it.
 *
 * A front is a table of functions, one file per protocol; a door is a front at
 * an address.  The main thread opens the sockets (it may still be root, and it
 * can say what went wrong before anything runs) and gives each worker its own. */
#ifndef MILLRACE_FRONT_DOOR_H
#define MILLRACE_FRONT_DOOR_H

#include "conf/conf.h"
#include "core/ledger.h"
#include "net/datagram.h"
#include "net/stream.h"

struct addr;
struct conn;
struct door;
struct worker;

struct front {
	const char *name;		/* of the protocol */
	enum record_source source;
	enum record_kind kind;
	/* Datagrams; NULL: it has none.  peer is NULL unless want_peer. */
	void (*packet)(struct door *d, struct slice packet,
	    const struct addr *peer, bool truncated);
	/* After the datagrams of a burst, which were borrowed until now; may be
	 * NULL. */
	void (*burst)(struct door *d);
	bool want_peer;
	/* Streams, as in struct stream_ops; open, closed and drained may be
	 * NULL.  The conn is the first thing in conn_size zeroed bytes. */
	bool (*open)(struct conn *c);
	ssize_t (*data)(struct conn *c, struct slice data, bool eof);
	void (*closed)(struct conn *c);
	void (*drained)(struct conn *c);
	size_t conn_size;
	size_t (*read_max)(const struct door *d);
	size_t write_max;		/* 0: 256 KiB */
};

struct door {
	struct door *next;
	struct worker *worker;
	const struct front *front;
	const char *section;
	char *url;			/* as configured: its identity over reloads */
	const struct conf *conf;	/* of the plan in force */
	const struct conf_limits *limits;
	bool datagram, unix_socket;
	bool closed;			/* only its connections still need it */
	unsigned conns;
	int fd;				/* until it is adopted, then -1 */
	struct tls_context *tls;	/* or NULL; one reference */
	struct datagrams *datagrams;
	struct stream_listener *listener;
	uint64_t kernel_drops;		/* counted so far */
	bool in_burst, shedding;
};

/* A connection.  Fronts put it first in their own struct. */
struct conn {
	struct stream *stream;
	struct door *door;
	struct worker *worker;
	const struct front *front;
	struct conn *next_paused;
	bool paused;
	uint64_t touched;	/* destinations its latest lines went to */
};

struct door_list {
	struct door *first;
};

/* The front for a section and scheme, or NULL. */
const struct front *front_find(const char *section, const char *scheme);

/* Open all that conf lists and old (NULL: none) does not, putting the doors in
 * *out.  share: NULL for the first worker; for the others the first one's list,
 * from which what cannot be opened twice (Unix sockets, TLS contexts) is
 * taken as well.  Certificates of doors in both are read, to see that they are
 * good.  -1 with what is wrong in error, and *out empty; *code is then
 * what to exit with. */
int doors_open(const struct conf *conf, const struct conf *old,
    const struct door_list *share, struct door_list *out, char *error,
    size_t size, int *code);
void doors_free(struct door_list *l);
/* In the worker's thread (or before it runs): start reading. */
int door_adopt(struct worker *w, struct door *d);
/* Point it at its section of another configuration; false: that one does not
 * list it. */
bool door_bind(struct door *d, const struct conf *conf);
/* Read the certificates again, for the connections to come. */
void door_renew_tls(struct door *d);
/* Refuse new connections; datagrams are still read. */
void door_stop_accepting(struct door *d);
/* Close and free.  Connections live on. */
void door_close(struct door *d);
/* Count what the kernel dropped since the last call. */
void door_count_drops(struct door *d);

/* After data(): pause this connection if the sinks of its kind are full, or a
 * destination chokes that it has just sent to; the worker's tick resumes it. */
void conn_pressure(struct conn *c);

#endif
