/* carbon_c_relay.h - what a configuration of carbon-c-relay says.
 *
 * The whole language of carbon-c-relay 3.9 (clusters, matches, rewrites,
 * aggregates, statistics, listeners, includes), read into plain structs, for
 * the importer.  Names are checked as the relay checks them: clusters before
 * use, replication, ports. */
#ifndef MILLRACE_CONF_CARBON_C_RELAY_H
#define MILLRACE_CONF_CARBON_C_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/fault.h"

enum ccr_codec { CCR_PLAIN, CCR_GZIP, CCR_LZ4, CCR_SNAPPY };

struct ccr_transport {
	enum ccr_codec codec;
	bool ssl, mtls;
	char *cert, *key;		/* mtls of a server; ssl and mtls of a
					 * listener: cert holds both */
	char *protomin, *protomax, *ciphers, *ciphersuites;	/* or NULL */
};

struct ccr_server {
	char *host;			/* of file clusters: the path */
	uint16_t port;
	char *instance;			/* or NULL */
	bool udp, syslog;
	struct ccr_transport transport;
	struct conf_mark mark;
};

enum ccr_method {
	CCR_FORWARD, CCR_ANY_OF, CCR_FAILOVER, CCR_CARBON_CH, CCR_FNV1A_CH,
	CCR_JUMP_FNV1A_CH, CCR_FILE
};

struct ccr_cluster {
	char *name;
	enum ccr_method method;
	unsigned replication;
	bool useall, dynamic, ip;
	struct ccr_server *servers;
	size_t nservers;
};

/* "send to": names of clusters, or the blackhole alone. */
struct ccr_target {
	bool present, blackhole;
	struct conf_strings clusters;
};

struct ccr_match {
	bool all;			/* "*", and no expressions */
	struct conf_strings expressions;
	char *validate;			/* or NULL */
	bool validate_drops;		/* "else drop" */
	char *route;			/* "route using", or NULL */
	struct ccr_target to;
	bool stop;
};

struct ccr_rewrite {
	char *expression, *replacement;
};

enum ccr_function {
	CCR_SUM, CCR_COUNT, CCR_MAX, CCR_MIN, CCR_AVERAGE, CCR_MEDIAN,
	CCR_PERCENTILE, CCR_VARIANCE, CCR_STDDEV
};

struct ccr_compute {
	enum ccr_function function;
	unsigned percentile;
	char *output;
};

enum ccr_stamp { CCR_STAMP_END, CCR_STAMP_START, CCR_STAMP_MIDDLE };

struct ccr_aggregate {
	struct conf_strings expressions;
	unsigned every_s, expire_s;
	enum ccr_stamp stamp;
	struct ccr_compute *computes;
	size_t ncomputes;
	struct ccr_target to;
	bool stop;
};

struct ccr_statistics {
	unsigned submit_s;		/* 0: not said */
	bool reset;
	char *prefix;			/* or NULL */
	struct ccr_target to;
	bool stop;
};

struct ccr_receptor {
	char *host;			/* NULL: any */
	char *path;			/* Unix sockets, or NULL */
	uint16_t port;
	bool udp;
	struct conf_mark mark;
};

struct ccr_listen {
	struct ccr_transport transport;
	struct ccr_receptor *receptors;
	size_t nreceptors;
};

enum ccr_type {
	CCR_CLUSTER, CCR_MATCH, CCR_REWRITE, CCR_AGGREGATE, CCR_STATISTICS,
	CCR_LISTEN
};

struct ccr_statement {
	enum ccr_type type;
	struct conf_mark mark;
	union {
		struct ccr_cluster cluster;
		struct ccr_match match;
		struct ccr_rewrite rewrite;
		struct ccr_aggregate aggregate;
		struct ccr_statistics statistics;
		struct ccr_listen listen;
	};
};

/* Statements in the order of the text, included ones where they were. */
struct ccr {
	struct arena *arena;		/* borrowed; all of it lives there */
	struct ccr_statement *v;
	size_t n;
	char *head;			/* the comment before all statements of the
					 * first file, or NULL */
};

struct ccr_reader;

/* Called for an include with its pattern: hand each file that it means to
 * ccr_include_file().  False: none was found or read; errno says why. */
typedef bool ccr_include(void *arg, struct ccr_reader *r, const char *pattern);

/* Read a configuration; file stands for it in messages.  What is wrong goes to
 * faults, and reading goes on behind the next ';'.  include may be NULL:
 * includes are then wrong. */
void ccr_read(struct ccr *c, struct slice text, const char *file,
    ccr_include *include, void *arg, struct faults *faults);
/* From within an include. */
void ccr_include_file(struct ccr_reader *r, struct slice text,
    const char *file);

#endif
