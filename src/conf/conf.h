/* conf.h - what a configuration says, as plain structs.
 *
 * conf_load() reads YAML through one table of keys, fills these and says all
 * that is wrong in one run.  Every field has a working default.  A struct conf
 * owns all it points to and is never changed once it is made: a reload makes
 * another.  Durations are in milliseconds, sizes in bytes. */
#ifndef MILLRACE_CONF_CONF_H
#define MILLRACE_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Most clusters, streams and archives there may be, each: a decision about a
 * record is one bit for each of them. */
#define CONF_MAX_TARGETS	64
#define CONF_MAX_STREAMS	16	/* sections of them */

/* Where a value stood, for messages about it. */
struct conf_mark {
	const char *file;
	unsigned line, column;	/* from 1; 0 when it stands in no file */
};

struct conf_strings {
	char **v;
	size_t n;
};

/* One address to listen on: "udp://[::1]:8125", "unix:///path". */
struct conf_listen {
	char *url;		/* as written */
	char *scheme;		/* "udp" "tcp" "tls" "unix" "unixgram" "pickle"
				 * "relp" "resp" "http" "forward" "gzip" "lz4"
				 * "snappy" "protobuf"; with an s behind it, over
				 * TLS */
	char *host;		/* NULL: every address; unix: NULL */
	char *path;		/* unix sockets, else NULL */
	uint16_t port;
	bool over_tls;
	struct conf_mark mark;
};

struct conf_listens {
	struct conf_listen *v;
	size_t n;
};

struct conf_tls {
	char *cert, *key, *ca;	/* file names; ca set: clients must have a certificate */
	char *min_version;	/* "1.2", "1.3" */
	char *max_version;	/* likewise, or NULL */
	char *ciphers, *ciphersuites;	/* OpenSSL's lists, or NULL */
	struct conf_strings fingerprints;	/* of clients allowed, "SHA256:hex" */
};

/* Limits of a listener's streams. */
struct conf_limits {
	uint64_t max_line;		/* bytes in a line or message */
	uint64_t max_connections;	/* per listener */
	uint64_t idle_ms;		/* 0: never closed for silence */
	uint64_t rcvbuf;		/* SO_RCVBUF of datagram sockets; 0: the system's */
};

struct conf_statsd {
	bool present;
	struct conf_listens listen;
	struct conf_tls tls;
	struct conf_limits limits;
	char *management;		/* "127.0.0.1:8126" or NULL */
	bool strict;			/* the reference's reading where forms collide */
	bool unknown_types_are_counters;
	bool sanitize;			/* keyNameSanitize */
	bool sort_tags;
	char *secret;			/* HMAC key of signed packets, or NULL */
	uint64_t max_drift_ms, replay_window;
	bool debug, dump_messages;
};

enum conf_statistics_names { CONF_STATS_NONE, CONF_STATS_CARBON_C_RELAY, CONF_STATS_CARBON };

/* A relay's own figures under the names of the relay it replaces. */
struct conf_statistics {
	enum conf_statistics_names names;
	char *prefix;			/* "{host}" and the like in it; NULL: the peer's own */
	char *host;			/* NULL: the system's name */
	uint64_t interval_ms;
	bool reset;			/* counters begin anew after each report */
	struct conf_strings to;		/* clusters; none: as the rules say */
};

struct conf_graphite {
	bool present;
	struct conf_listens listen;
	struct conf_tls tls;
	struct conf_limits limits;
	char *allowed_chars;		/* besides letters and digits */
	bool clean_names;		/* as carbon-c-relay cleans them */
	bool normalize_tags;
	bool missing_time_is_now;
	uint64_t max_name;
	bool backpressure;		/* pause TCP senders when a queue is full */
	struct conf_statistics statistics;
};

struct conf_syslog {
	bool present;
	struct conf_listens listen;
	struct conf_tls tls;
	struct conf_limits limits;
	bool split_oversize;		/* else truncate and flag */
	int32_t zone_s;			/* of stamps that have none, east of UTC; or these: */
#define CONF_ZONE_UTC	INT32_MIN
#define CONF_ZONE_LOCAL	INT32_MAX
	uint64_t rate_per_source;	/* messages/s; 0: no limit */
	uint64_t rate_burst;
};

struct conf_user {
	char *name, *password;		/* password: "$6$..." crypt(3) text, or "sha256:hex" */
	struct conf_strings streams;	/* glob patterns it may write */
};

struct conf_events {
	bool present;
	struct conf_listens listen;
	struct conf_tls tls;
	struct conf_limits limits;
	struct conf_user *users;
	size_t nusers;
	uint64_t max_event, max_fields;
	uint64_t max_batch;		/* bytes of an HTTP body or Fluent message */
	char *relp_stream, *forward_stream;	/* with {app} {host}, {tag} */
	char *forward_key;		/* Fluent's shared_key, or NULL */
	uint64_t max_inflight, max_inflight_bytes;	/* per connection */
	uint64_t dedup_ids, dedup_ms;
	char *node;			/* this node's name; NULL: the host name */
	struct {
		uint64_t segment, quota, window_ms;
	} journal;
};

struct conf_admin {
	bool present;
	struct conf_listens listen;
};

struct conf_histogram {
	char *metric;			/* substring of the key; "" fits all */
	double *bins;
	char **bin_names;		/* the bins as written, for "bin_..." */
	size_t nbins;
};

/* statsd's own options under their own meanings. */
struct conf_flush {
	uint64_t interval_ms;
	bool align;			/* to multiples of the interval */
	struct {
		double value;
		char *text;		/* as written: 99.9 -> "99.9" */
	} *percentiles;
	size_t npercentiles;
	char *namespace_;		/* prefixStats, "statsd" */
	bool legacy;			/* legacyNamespace */
	char *prefix, *prefix_counter, *prefix_timer, *prefix_gauge, *prefix_set;
	char *suffix;			/* globalSuffix or NULL */
	bool flush_counts;
	bool delete_idle;		/* the default of the next four */
	bool delete_counters, delete_timers, delete_sets, delete_gauges;
	uint64_t gauges_ttl;		/* flushes */
	struct conf_strings timer_metrics;	/* calculatedTimerMetrics */
	struct conf_histogram *histograms;
	size_t nhistograms;
	bool sketch;			/* timers: {quantiles: sketch} */
	double sketch_error;
	uint64_t sketch_max_bytes;	/* per key */
	uint64_t set_exact;		/* members before HyperLogLog */
	uint64_t max_names;		/* per worker and interval */
	bool persistent;		/* keep the gauges and sets over a restart */
	struct {
		uint64_t interval_ms, percent;
		char *log;
	} key_flush;
};

enum conf_method {
	CONF_FORWARD, CONF_ANY_OF, CONF_FAILOVER, CONF_LOAD_BALANCED,
	CONF_CARBON_CH, CONF_CARBON_PY, CONF_FNV1A_CH, CONF_FNV1A_PY, CONF_MMH3_PY,
	CONF_FAST_PY, CONF_FAST_FNV1A_PY, CONF_FAST_MMH3_PY,
	CONF_JUMP_FNV1A_CH, CONF_STATSD_RING, CONF_FILE, CONF_NULL, CONF_MEMORY
};

enum conf_transport { CONF_TCP, CONF_UDP };
enum conf_protocol { CONF_LINE, CONF_PICKLE, CONF_STATSD };
enum conf_codec { CONF_PLAIN, CONF_GZIP, CONF_LZ4, CONF_SNAPPY, CONF_SNAPPY_BARE };

struct conf_server {
	char *text;			/* as written: "10.0.0.1:2003=a" */
	char *host;			/* for file clusters: the path */
	uint16_t port;
	char *instance;			/* or NULL */
	enum conf_transport transport;
	enum conf_protocol protocol;
	enum conf_codec codec;
	bool tls;
	uint16_t admin_port;		/* of a statsd node's management; 0: not asked */
	struct conf_mark mark;
};

struct conf_cluster {
	char *name;
	enum conf_method method;
	uint64_t replication;
	bool useall;			/* each address of a name is a server */
	bool diverse, dynamic, connect_per_flush;
	struct conf_server *servers;
	size_t nservers;
	struct conf_tls tls;
	uint64_t queue;			/* bytes in memory per destination */
	uint64_t spool;			/* bytes on disk per destination; 0: none */
	uint64_t spool_rate;		/* lines/s when replaying; 0: no limit */
	uint64_t connect_timeout_ms;
	uint64_t check_interval_ms;	/* of asking admin ports for health */
	struct conf_mark mark;
};

enum conf_ack { CONF_ACK_JOURNAL, CONF_ACK_REDIS, CONF_ACK_BOTH, CONF_ACK_REPLICA };

struct conf_stream {
	char *name;
	char *redis;			/* URL, or NULL: journal only */
	struct conf_strings sentinels;	/* "host:port", with master_name */
	char *master_name;
	char *sentinel_username, *sentinel_password;
	bool cluster;
	char *username, *password;
	struct conf_tls tls;
	char *key;			/* "ev:{stream}:{node}" */
	enum conf_ack ack;
	uint64_t replicas;
	uint64_t window_ms;		/* how long shipped events stay in the journal */
	uint64_t max_length, max_age_ms;	/* trimming; 0: none */
	uint64_t partitions;
	char *partition_field;
	struct conf_mark mark;
};

struct conf_archive {
	char *name;
	char *dir, *file;		/* file: template under dir */
	char *format;			/* syslog, rfc5424, json, raw */
	uint64_t rotate_ms, rotate_size;
	bool zstd;
	int level;
	uint64_t keep_ms, keep_size;
	char *command;			/* run per closed file, or NULL */
	uint64_t flush_bytes, flush_ms;
	uint64_t max_open;
	bool sync;			/* fdatasync each batch */
	struct conf_mark mark;
};

/* Another syslog receiver. */
struct conf_forward {
	char *name;
	struct conf_listens to;		/* one */
	int format;			/* rfc5424, rfc3164, raw: enum syslog_form */
	bool lines;			/* else octet counting */
	uint64_t window;		/* RELP: messages without an answer */
	uint64_t queue, spool;		/* bytes in memory; on disk, 0: none */
	struct conf_tls tls;
	struct conf_mark mark;
};

struct expr;			/* conf/expr.h */
struct template;		/* conf/template.h */

struct conf_rule {
	char *name;
	char *when_text;
	struct expr *when;		/* NULL: always */
	bool drop, log, continue_;
	char *rewrite;			/* template with $1, or NULL */
	char *route_by;			/* template for what rings see, or NULL */
	const struct template *rewrite_template, *as_template, *value_template,
	    *route_template;
	char *aggregate;		/* sum count min max average ... or NULL */
	char *as;
	uint64_t every_ms, expire_ms;
	char *stamp;			/* "start", "middle", "end" of the bucket */
	char *as_kind;			/* a log or event turned into "count" "gauge" "timing" "event" */
	char *value;			/* template for its value */
	uint64_t interval_ms;		/* flush interval of matching metrics; 0: flush's */
	uint64_t max_names;		/* cap for matching metrics; 0: none */
	uint64_t max_points;		/* a second, of Graphite; 0: no limit */
	struct conf_strings to;		/* names of clusters, streams, archives */
	bool has_to;
	struct conf_mark mark;
};

struct conf_tail {
	bool present;
	struct conf_strings files;	/* globs */
	char *multiline;		/* pattern of a first line, or NULL */
	char *app;			/* NULL: the file's name */
	uint64_t max_line;		/* bytes of a message */
	uint64_t multiline_lines, multiline_wait_ms;
	bool from_end;			/* when it is started for the first time */
};

struct conf {
	char *path;			/* NULL: the embedded defaults */
	uint64_t workers;		/* 0: one per core */
	char *state_dir, *user, *group, *pid_file;
	char *log_level;		/* debug info warn error */
	uint64_t drain_ms;
	struct conf_statsd statsd;
	struct conf_graphite graphite;
	struct conf_syslog syslog;
	struct conf_events events;
	struct conf_admin admin;
	struct conf_flush flush;
	struct conf_tail tail;
	struct conf_cluster *clusters;
	size_t nclusters;
	struct conf_stream *streams;
	size_t nstreams;
	struct conf_archive *archives;
	size_t narchives;
	struct conf_forward *forwards;
	size_t nforwards;
	struct conf_rule *rules;
	size_t nrules;
	char *prometheus_mapping;	/* statsd_exporter's mapping file, or NULL */
	struct {
		char *server;		/* "127.0.0.1:53", or NULL: the system's */
		uint64_t interval_ms;	/* between looks at names */
	} dns;
	void *arena;			/* owns all of it */
	_Atomic unsigned holders;	/* besides the first */
	struct conf *written;		/* this one has other servers than it; or NULL */
};

/* Read the file at path, or the embedded defaults when path is NULL.  Gives a
 * configuration, or NULL with one line "file:line:column: what is wrong" per
 * fault in *errors.  Warnings are added to *errors too, with a configuration. */
struct conf *conf_load(const char *path, struct buf *errors);
/* The file that is read when none is named, if there is one; else NULL. */
const char *conf_usual_path(void);
/* The same from bytes; name stands for the file in messages. */
struct conf *conf_parse(struct slice yaml, const char *name, struct buf *errors);
void conf_free(struct conf *c);
/* The YAML that conf_load(NULL) reads. */
const char *conf_default_text(void);

#endif
