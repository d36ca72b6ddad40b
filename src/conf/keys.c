/* keys.c - the tables of all keys.  A new setting is a row here. */
#include "config.h"

#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/load.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TABLE(t) .keys = (t), .nkeys = COUNT(t)
#define NO_PLACES .present_at = NOWHERE, .name_at = NOWHERE, .mark_at = NOWHERE

/* Rows.  S is the struct that the section fills, f its field. */
#define ROW(n, t, S, f, ...) { .name = (n), .type = (t), .offset = offsetof(S, f), __VA_ARGS__ }
#define BOOL(n, S, f, d, text) ROW(n, KEY_BOOL, S, f, .fallback = (d), .doc = (text))
#define NUM(n, S, f, d, lo, hi, text) \
	ROW(n, KEY_COUNT, S, f, .fallback = (d), .min = (lo), .max = (hi), .doc = (text))
#define SIZE_(n, S, f, d, lo, hi, text) \
	ROW(n, KEY_SIZE, S, f, .fallback = (d), .min = (lo), .max = (hi), .doc = (text))
#define TIME_(n, S, f, d, lo, hi, text) \
	ROW(n, KEY_DURATION, S, f, .fallback = (d), .min = (lo), .max = (hi), .doc = (text))
#define STR(n, S, f, d, text) ROW(n, KEY_STRING, S, f, .fallback = (d), .doc = (text))
#define STRS(n, S, f, d, text) ROW(n, KEY_STRINGS, S, f, .fallback = (d), .doc = (text))
#define ENUM(n, S, f, d, w, text) \
	ROW(n, KEY_ENUM, S, f, .fallback = (d), .words = (w), .doc = (text))
/* A yes or no under two names of its own, the one for no first. */
#define CHOICE(n, S, f, d, w, text) \
	ROW(n, KEY_CHOICE, S, f, .fallback = (d), .words = (w), .doc = (text))
/* A text out of a few. */
#define ENUM_STR(n, S, f, d, w, text) \
	ROW(n, KEY_STRING, S, f, .fallback = (d), .words = (w), .doc = (text))
#define LISTEN(S, d, w, text) \
	ROW("listen", KEY_LISTENS, S, listen, .fallback = (d), .words = (w), .doc = (text))
#define SUB(n, S, f, sec, text) \
	ROW(n, KEY_SECTION, S, f, .section = &(sec), .doc = (text))
/* A nested map whose keys fill the struct around it. */
#define SUBSELF(n, sec, text) \
	{ .name = (n), .type = KEY_SECTION, .offset = 0, .section = &(sec), .doc = (text) }
#define MANY(n, t, S, f, c, sec, text) \
	{ .name = (n), .type = (t), .offset = offsetof(S, f), .count = offsetof(S, c), \
	  .section = &(sec), .doc = (text) }

#define KIB		1024.0
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)
#define SECOND		1000.0
#define HOUR		(3600 * SECOND)
#define YEAR		(366 * 24 * HOUR)

static const char *const tls_versions[] = { "1.2", "1.3", NULL };
#define S struct conf_tls
static const struct key tls_keys[] = {
	STR("cert", S, cert, NULL, "File of the certificate and its chain, PEM."),
	STR("key", S, key, NULL, "File of the private key, PEM."),
	STR("ca", S, ca, NULL, "File of the authorities that the other side's certificate must come from. On a listener, clients must then have a certificate."),
	ENUM_STR("min_version", S, min_version, "1.2", tls_versions, "Oldest TLS version spoken."),
	ENUM_STR("max_version", S, max_version, NULL, tls_versions, "Newest TLS version spoken; without it, the newest there is."),
	STR("ciphers", S, ciphers, NULL, "Ciphers for TLS 1.2, as OpenSSL lists them; without it, OpenSSL's own choice."),
	STR("ciphersuites", S, ciphersuites, NULL, "Cipher suites for TLS 1.3, likewise."),
	STRS("fingerprints", S, fingerprints, NULL, "SHA-256 fingerprints of the certificates let in, as SHA256:hex. With one here nobody else is."),
};
#undef S
static const struct section tls_section = {
	.name = "tls", TABLE(tls_keys), NO_PLACES, .check = check_tls,
	.doc = "Certificates for the TLS schemes.",
};

#define LIMIT_KEYS(idle) \
	SIZE_("max_line", struct conf_limits, max_line, "64KiB", 64, 64 * MIB, "Longest line or message; what is longer is refused, or cut where the section says so, and counted."), \
	NUM("max_connections", struct conf_limits, max_connections, "1024", 1, 1e6, "Connections per listener; the ones past it are closed at once and counted."), \
	TIME_("idle", struct conf_limits, idle_ms, idle, 0, YEAR, "A connection silent for so long is closed; 0: never."), \
	SIZE_("rcvbuf", struct conf_limits, rcvbuf, "8MiB", 0, 1 * GIB, "Receive buffer of datagram sockets; 0: the system's default.")

static const struct key metric_limit_keys[] = { LIMIT_KEYS("10m") };
static const struct section metric_limits = {
	.name = "limits", TABLE(metric_limit_keys), NO_PLACES,
	.doc = "Bounds on what a peer can make us keep.",
};
static const struct key other_limit_keys[] = { LIMIT_KEYS("0") };
static const struct section other_limits = {
	.name = "limits", TABLE(other_limit_keys), NO_PLACES,
	.doc = "Bounds on what a peer can make us keep.",
};

/* statsd */

static const char *const statsd_schemes[] = { "udp", "tcp", "tls", "unix", "unixgram", NULL };
#define S struct conf_statsd
static const struct key statsd_keys[] = {
	LISTEN(S, "[\"udp://*:8125\", \"tcp://*:8125\"]", statsd_schemes, "Addresses to listen on."),
	SUB("tls", S, tls, tls_section, "Certificates for tls:// addresses."),
	SUB("limits", S, limits, metric_limits, "Bounds on packets and connections."),
	ROW("management", KEY_HOSTPORT, S, management, .fallback = "127.0.0.1:8126", .doc = "Address of the management console (stats, counters, gauges, timers, delgauges, health); an empty text: none."),
	BOOL("strict", S, strict, "false", "Read forms that collide as the reference does: unknown types are counters, a field it does not know makes the line bad."),
	BOOL("unknown_types_are_counters", S, unknown_types_are_counters, "false", "Count a metric whose type is not known, as the reference does, and do not refuse it."),
	BOOL("sanitize", S, sanitize, "true", "Clean names as the reference does: blanks to '_', '/' to '-', and away with all but letters, digits, '_', '-', '.' and tags' characters."),
	BOOL("sort_tags", S, sort_tags, "false", "Put tags in order of their keys, so that two orders are one metric."),
	STR("secret", S, secret, NULL, "Key of HMAC-SHA256 signed packets (brubeck's statsd-secure); with one here unsigned packets are refused."),
	TIME_("max_drift", S, max_drift_ms, "3s", 0, HOUR, "How far off a signed packet's time may be."),
	NUM("replay_window", S, replay_window, "2048", 1, 1e6, "Nonces of signed packets kept to refuse one sent twice."),
	BOOL("debug", S, debug, "false", "Log what the reference logs with debug on."),
	BOOL("dump_messages", S, dump_messages, "false", "Log each packet as received."),
};
#undef S
static const struct section statsd_section = {
	.name = "statsd", TABLE(statsd_keys), .present_at = offsetof(struct conf_statsd, present),
	.name_at = NOWHERE, .mark_at = NOWHERE, .check = check_statsd,
	.doc = "StatsD, with the tags of its dialects.",
};

/* graphite */

static const char *const graphite_schemes[] = { "tcp", "udp", "tls", "unix", "unixgram", "pickle",
	"gzip", "lz4", "snappy", "protobuf", "pickles", "gzips", "lz4s", "snappys", "protobufs", NULL };
#define S struct conf_statistics
static const char *const statistics_words[] = { "none", "carbon-c-relay", "carbon", NULL };
static const char *const prefix_words[] = { "host", "short", "domain", "flat",
	"host:lower", "short:lower", "domain:lower", "flat:lower",
	"host:upper", "short:upper", "domain:upper", "flat:upper", NULL };
static const struct key statistics_keys[] = {
	ENUM("names", S, names, "none", statistics_words, "Whose names they are sent under, in the place of a relay that was replaced: carbon-c-relay's (metricsReceived, dispatcherN.*, destinations.HOST:PORT.*) or carbon's (metricsReceived, cpuUsage, destinations.HOST:PORT:INSTANCE.*); none: they are not sent."),
	ROW("prefix", KEY_PATH, S, prefix, .words = prefix_words, .doc = "What stands before them: {host} is the host's name, {flat} the same with '_' for dots, {short} its first part, {domain} the rest with its dot; {short:lower} and {short:upper} change the case. Without it carbon.relays.{flat}, and with carbon's names carbon.relays.{flat}-a."),
	STR("host", S, host, NULL, "Name of this host in the prefix; without it the system's."),
	TIME_("interval", S, interval_ms, "60s", 1 * SECOND, 24 * HOUR, "How often."),
	BOOL("reset", S, reset, "false", "Counters begin at 0 after each report (carbon's always do)."),
	STRS("to", S, to, NULL, "Clusters that they go to; without it they go where the rules say, as if they had been received."),
};
#undef S
static const struct section statistics_section = {
	.name = "statistics", TABLE(statistics_keys), NO_PLACES,
	.doc = "The relay's own figures under the names of the relay it replaces.",
};

#define S struct conf_graphite
static const struct key graphite_keys[] = {
	LISTEN(S, "[\"tcp://*:2003\", \"udp://*:2003\", \"pickle://*:2004\"]", graphite_schemes, "Addresses to listen on; pickle:// and protobuf:// are carbon's protocols of those names over TCP, gzip://, lz4:// and snappy:// take packed streams of lines; with an s behind their names (pickles://, gzips://) they are taken over TLS."),
	SUB("tls", S, tls, tls_section, "Certificates for tls:// addresses and the others over TLS."),
	SUB("limits", S, limits, metric_limits, "Bounds on lines and connections."),
	STR("allowed_chars", S, allowed_chars, "-_:#", "Characters a name may have besides letters, digits and dots; others become '_'."),
	BOOL("clean_names", S, clean_names, "true", "Clean names as carbon-c-relay does; false: pass them on as they came."),
	BOOL("normalize_tags", S, normalize_tags, "true", "Put tags in order of their keys."),
	BOOL("missing_time_is_now", S, missing_time_is_now, "false", "Give a line without a time the time of its arrival; false: refuse it."),
	NUM("max_name", S, max_name, "4096", 16, 65536, "Longest name with its tags."),
	BOOL("backpressure", S, backpressure, "false", "Stop reading TCP senders while a destination's queue is full; false: shed and count."),
	SUB("statistics", S, statistics, statistics_section, "The relay's own figures as metrics."),
};
#undef S
static const struct section graphite_section = {
	.name = "graphite", TABLE(graphite_keys), .present_at = offsetof(struct conf_graphite, present),
	.name_at = NOWHERE, .mark_at = NOWHERE, .check = check_graphite,
	.doc = "Graphite's plaintext and pickle protocols.",
};

/* syslog */

static const char *const syslog_schemes[] = { "udp", "tcp", "tls", "unix", "unixgram", "relp", "relps", NULL };
#define S struct conf_syslog
static const char *const oversize_words[] = { "truncate", "split", NULL };
static const struct key syslog_keys[] = {
	LISTEN(S, "[\"udp://*:5514\", \"tcp://*:5514\"]", syslog_schemes, "Addresses to listen on; relps:// is RELP over TLS."),
	SUB("tls", S, tls, tls_section, "Certificates for tls:// and relps:// addresses."),
	SUB("limits", S, limits, other_limits, "Bounds on messages and connections."),
	CHOICE("oversize", S, split_oversize, "truncate", oversize_words, "What becomes of a message longer than max_line: cut off and flagged, or split into several that have its header and the flag split (of up to 16 times max_line; the rest is cut off)."),
	ROW("zone", KEY_ZONE, S, zone_s, .fallback = "UTC", .doc = "Zone of stamps that name none: UTC, local, or an offset such as +02:00."),
	NUM("rate_per_source", S, rate_per_source, "0", 0, 1e9, "Messages a second let in from one sender's address; 0: no limit. What is critical or worse always comes in, and so does what comes by RELP, which is slowed down and not dropped."),
	NUM("rate_burst", S, rate_burst, "10000", 1, 1e9, "Messages let in at once before that limit is felt."),
};
#undef S
static const struct section syslog_section = {
	.name = "syslog", TABLE(syslog_keys), .present_at = offsetof(struct conf_syslog, present),
	.name_at = NOWHERE, .mark_at = NOWHERE, .check = check_syslog,
	.doc = "Syslog, RFC 3164 and RFC 5424, over UDP, TCP, TLS, RELP and local sockets.",
};

/* events */

static const char *const events_schemes[] = { "resp", "resps", "relp", "relps", "http", "https", "forward", "forwards", "unix", NULL };
#define S struct conf_user
static const struct key user_keys[] = {
	STR("password", S, password, NULL, "Password as crypt(3) text ($6$...) or sha256:hex."),
	STRS("streams", S, streams, "[\"*\"]", "Patterns of the streams this user may write."),
};
#undef S
static const struct section user_section = {
	.name = "users.NAME", TABLE(user_keys), .size = sizeof(struct conf_user),
	.present_at = NOWHERE, .name_at = offsetof(struct conf_user, name), .mark_at = NOWHERE,
	.check = check_user, .doc = "Who may send events.",
};
#define S struct conf_events
static const struct key journal_keys[] = {
	SIZE_("segment", S, journal.segment, "64MiB", 1 * MIB, 1 * GIB, "Size of one file of the journal."),
	SIZE_("quota", S, journal.quota, "8GiB", 2 * MIB, 1e15, "Most that the journal may take; at it senders are paused, nothing is thrown away."),
	TIME_("window", S, journal.window_ms, "0", 0, YEAR, "How long an event stays at the least after it is shipped; the longest window of all streams holds, too."),
};
static const struct section journal_section = {
	.name = "journal", TABLE(journal_keys), NO_PLACES,
	.doc = "The journal that every event goes through.",
};
static const struct key events_keys[] = {
	LISTEN(S, "[\"resp://*:6390\"]", events_schemes, "Addresses to listen on: resp:// (Redis' protocol), relp://, http://, forward:// (Fluent), and the same over TLS as resps://, relps://, https://, forwards://; unix:// speaks RESP."),
	SUB("tls", S, tls, tls_section, "Certificates for the TLS schemes."),
	SUB("limits", S, limits, other_limits, "Bounds on connections."),
	MANY("users", KEY_MAP, S, users, nusers, user_section, "Users by name. With one here nobody writes without a password."),
	SIZE_("max_event", S, max_event, "1MiB", 64, 64 * MIB, "Largest event, all fields together."),
	SIZE_("max_batch", S, max_batch, "3MiB", 64 * KIB, 64 * MIB, "Largest body of an HTTP request, or message of the Fluent Forward protocol: its events are stored together or not at all."),
	NUM("max_fields", S, max_fields, "1024", 1, 3500, "Most fields in an event; a script of Redis cannot take more than 3500."),
	NUM("max_inflight", S, max_inflight, "65536", 1, 1e7, "Events of a connection that wait for their acknowledgement; at it the connection is not read."),
	SIZE_("max_inflight_bytes", S, max_inflight_bytes, "16MiB", 64 * KIB, 4 * GIB, "The same in bytes."),
	NUM("dedup_ids", S, dedup_ids, "100000", 0, 1e8, "Event ids remembered per producer to drop what is sent twice."),
	TIME_("dedup_time", S, dedup_ms, "24h", 0, YEAR, "How long they are remembered."),
	STR("relp_stream", S, relp_stream, "logs", "Stream of what comes over RELP; {app} and {host} stand for the message's own."),
	STR("forward_stream", S, forward_stream, "{tag}", "Stream of what comes over the Fluent Forward protocol; {tag} stands for the tag."),
	STR("forward_key", S, forward_key, NULL, "The shared_key that Fluent clients must prove to have; without one, none is asked for, unless there are users."),
	STR("node", S, node, NULL, "Name of this node in stream keys; without one, the host's name."),
	SUBSELF("journal", journal_section, "The journal."),
};
#undef S
static const struct section events_section = {
	.name = "events", TABLE(events_keys), .present_at = offsetof(struct conf_events, present),
	.name_at = NOWHERE, .mark_at = NOWHERE, .check = check_events,
	.doc = "Events, each acknowledged when it is safe.",
};

/* admin */

static const char *const admin_schemes[] = { "http", NULL };
static const struct key admin_keys[] = {
	LISTEN(struct conf_admin, "[\"http://127.0.0.1:8127\"]", admin_schemes, "Addresses of the admin page, the Prometheus page and the probes."),
};
static const struct section admin_section = {
	.name = "admin", TABLE(admin_keys), .present_at = offsetof(struct conf_admin, present),
	.name_at = NOWHERE, .mark_at = NOWHERE, .doc = "The admin page.",
};

/* flush */

#define S struct conf_histogram
static const struct key histogram_keys[] = {
	STR("metric", S, metric, "\"\"", "Text that the name of a timer must have in it; the empty text is in all. The first that fits is taken."),
	ROW("bins", KEY_BINS, S, bins, .doc = "Upper bounds of the bins, ascending; inf ends them. [] for none."),
};
#undef S
static const struct section histogram_section = {
	.name = "histogram[]", TABLE(histogram_keys), .size = sizeof(struct conf_histogram),
	NO_PLACES, .doc = "Bins of timers.",
};

#define S struct conf_flush
static const char *const quantile_words[] = { "exact", "sketch", NULL };
static const struct key timer_keys[] = {
	CHOICE("quantiles", S, sketch, "exact", quantile_words, "Keep every value of a timer until the flush, or a sketch of bounded size and error."),
	ROW("error", KEY_NUMBER, S, sketch_error, .fallback = "0.01", .min = 0.0001, .max = 0.2, .doc = "Relative error of a sketch."),
	SIZE_("max_bytes", S, sketch_max_bytes, "64KiB", 1 * KIB, 16 * MIB, "Most that the sketch of one timer may take."),
};
static const struct section timers_section = {
	.name = "timers", TABLE(timer_keys), NO_PLACES, .doc = "How timers are kept.",
};
static const struct key set_keys[] = {
	NUM("exact", S, set_exact, "1024", 0, 1e7, "Members that a set keeps before it becomes an estimate."),
};
static const struct section sets_section = {
	.name = "sets", TABLE(set_keys), NO_PLACES, .doc = "How sets are kept.",
};
static const struct key key_flush_keys[] = {
	TIME_("interval", S, key_flush.interval_ms, "0", 0, YEAR, "How often the busiest keys are logged; 0: never."),
	NUM("percent", S, key_flush.percent, "100", 1, 100, "Share of the keys that is logged, busiest first."),
	STR("log", S, key_flush.log, NULL, "File to append to; without one, the daemon's log."),
};
static const struct section key_flush_section = {
	.name = "key_flush", TABLE(key_flush_keys), NO_PLACES, .doc = "A log of the busiest keys.",
};
static const struct key flush_keys[] = {
	TIME_("interval", S, interval_ms, "10s", 100, 24 * HOUR, "How often metrics are computed and sent."),
	BOOL("align", S, align, "false", "Flush at multiples of the interval since 1970."),
	ROW("percentiles", KEY_PERCENTILES, S, percentiles, .fallback = "[90]", .doc = "Percentiles of timers, one or a list; negative ones are of the largest values; [] for none."),
	STR("namespace", S, namespace_, "statsd", "Name of the daemon's own metrics (the reference's prefixStats)."),
	BOOL("legacy", S, legacy, "true", "The reference's legacy names: stats.X, stats_counts.X, stats.timers.X, and no prefixes but the namespace."),
	STR("prefix", S, prefix, "stats", "First word of all names when legacy is off."),
	STR("prefix_counter", S, prefix_counter, "counters", "Word after it for counters."),
	STR("prefix_timer", S, prefix_timer, "timers", "Word after it for timers."),
	STR("prefix_gauge", S, prefix_gauge, "gauges", "Word after it for gauges."),
	STR("prefix_set", S, prefix_set, "sets", "Word after it for sets."),
	STR("suffix", S, suffix, NULL, "Last word of all names."),
	BOOL("flush_counts", S, flush_counts, "true", "Send a counter's count besides its rate."),
	BOOL("delete_idle", S, delete_idle, "false", "Forget what was not sent to in an interval: the default of the four keys below."),
	BOOL("delete_counters", S, delete_counters, NULL, "Forget idle counters; otherwise they are sent as 0."),
	BOOL("delete_timers", S, delete_timers, NULL, "Forget idle timers."),
	BOOL("delete_sets", S, delete_sets, NULL, "Forget idle sets."),
	BOOL("delete_gauges", S, delete_gauges, NULL, "Forget idle gauges; otherwise they are sent again as they were."),
	NUM("gauges_ttl", S, gauges_ttl, "1", 1, 1e9, "Flushes for which an idle gauge is still sent when gauges are forgotten."),
	STRS("timer_metrics", S, timer_metrics, NULL, "Which figures of timers are sent (mean, upper_90, count_ps, ...); without it all."),
	MANY("histogram", KEY_LIST, S, histograms, nhistograms, histogram_section, "Bins of timers by name."),
	SUBSELF("timers", timers_section, "How timers are kept."),
	SUBSELF("sets", sets_section, "How sets are kept."),
	NUM("max_names", S, max_names, "1000000", 1, 1e9, "Names kept per worker; what comes under further ones is counted under millrace.overflow."),
	BOOL("persistent", S, persistent, "true", "Keep gauges, sets, and the lines that a server had not taken at the end, over a restart, in the state directory."),
	SUBSELF("key_flush", key_flush_section, "A log of the busiest keys."),
};
#undef S
static const struct section flush_section = {
	.name = "flush", TABLE(flush_keys), NO_PLACES, .check = check_flush,
	.doc = "How metrics become figures: the reference's own options.",
};

/* clusters */

static const char *const method_words[] = { "forward", "any_of", "failover", "load_balanced",
	"carbon_ch", "carbon_py", "fnv1a_ch", "fnv1a_py", "mmh3_py", "fast_py", "fast_fnv1a_py",
	"fast_mmh3_py", "jump_fnv1a_ch", "statsd_ring",
	"file", "null", "memory", NULL };
const char *const transport_words[] = { "tcp", "udp", NULL };
const char *const protocol_words[] = { "line", "pickle", "statsd", NULL };
const char *const codec_words[] = { "plain", "gzip", "lz4", "snappy", "snappy_bare", NULL };
#define S struct conf_server
static const struct key server_keys[] = {
	STR("host", S, host, NULL, "Name or address."),
	ROW("port", KEY_PORT, S, port, .doc = "Port; without one that of the protocol: 2003, 2004 or 8125."),
	STR("instance", S, instance, NULL, "Name of the instance in carbon's rings."),
	ENUM("transport", S, transport, "tcp", transport_words, "How to get there."),
	ENUM("protocol", S, protocol, "line", protocol_words, "What is spoken there: line and pickle take the figures of each flush, statsd takes the samples as they come."),
	ENUM("codec", S, codec, "plain", codec_words, "How the stream is packed; snappy is its framing format, snappy_bare what carbon-c-relay sends and takes under that name."),
	BOOL("tls", S, tls, "false", "Speak TLS, with the cluster's certificates."),
	ROW("admin_port", KEY_PORT, S, admin_port, .doc = "Management port of a statsd node, which is asked for its health; without one it counts as well."),
};
#undef S
const struct section server_section = {
	.name = "servers[]", TABLE(server_keys), .size = sizeof(struct conf_server),
	.present_at = NOWHERE, .name_at = NOWHERE, .mark_at = offsetof(struct conf_server, mark),
	.careful = true, .check = check_server, .doc = "One server, when more is to be said than \"host:port=instance\".",
};
#define S struct conf_cluster
static const struct key cluster_keys[] = {
	ENUM("method", S, method, "forward", method_words, "How a name finds its server: all of them (forward), any that answers (any_of, failover in order, load_balanced), by a ring (carbon_ch and carbon_py as carbon's relay does in C and in Python, fnv1a_ch, fnv1a_py, mmh3_py, fast_py and its like as carbon's fast-hashing, jump_fnv1a_ch, statsd_ring as the reference's proxy does), or no server: file, null, memory."),
	NUM("replication", S, replication, "1", 1, 255, "Servers that each name goes to."),
	BOOL("diverse", S, diverse, "true", "Put the copies on different hosts (carbon_py, fnv1a_py)."),
	BOOL("useall", S, useall, "false", "Make each address of a name a server of its own, followed when they change (forward, any_of, failover, load_balanced)."),
	BOOL("dynamic", S, dynamic, "false", "Send what a server does not take to the others."),
	BOOL("connect_per_flush", S, connect_per_flush, "false", "Connect anew for each flush, as the reference does."),
	ROW("servers", KEY_SERVERS, S, servers, .count = offsetof(S, nservers), .section = &server_section, .doc = "Servers as \"host[:port][=instance]\" or as a map; for file clusters, file names. A name such as _graphite._tcp.example.org is asked for its SRV record, whose targets are the servers, followed when they change."),
	SUB("tls", S, tls, tls_section, "Certificates for servers with tls."),
	SIZE_("queue", S, queue, "64MiB", 64 * KIB, 64 * GIB, "What waits in memory per server."),
	SIZE_("spool", S, spool, "0", 0, 1e15, "What waits on disk per server when the queue is full; 0: none."),
	NUM("spool_rate", S, spool_rate, "0", 0, 1e9, "Lines a second sent from the spool; 0: no limit."),
	TIME_("connect_timeout", S, connect_timeout_ms, "2s", 10, HOUR, "How long a connection may take to come up."),
	TIME_("check_interval", S, check_interval_ms, "10s", 100, HOUR, "How often the servers with an admin_port are asked for their health; one that does not say that it is up gets no samples until it does."),
};
#undef S
static const struct section cluster_section = {
	.name = "clusters.NAME", TABLE(cluster_keys), .size = sizeof(struct conf_cluster),
	.present_at = NOWHERE, .name_at = offsetof(struct conf_cluster, name),
	.mark_at = offsetof(struct conf_cluster, mark), .careful = true, .check = check_cluster,
	.doc = "Servers that take metrics.",
};

/* streams */

static const char *const stream_words[] = { "stream", "node", "partition", NULL };

#define S struct conf_stream
static const struct key stream_keys[] = {
	STR("redis", S, redis, NULL, "Where it goes: redis://host:port/db, rediss:// with TLS, unix:///path, millrace://host:port for another millrace; without it events stay in the journal."),
	STRS("sentinels", S, sentinels, NULL, "Sentinels as host:port, with master_name."),
	STR("master_name", S, master_name, NULL, "What the sentinels call the master."),
	STR("sentinel_username", S, sentinel_username, NULL, "User to log in to the sentinels as."),
	STR("sentinel_password", S, sentinel_password, NULL, "Password to log in to the sentinels with."),
	BOOL("cluster", S, cluster, "false", "The server is a node of a Redis Cluster."),
	STR("username", S, username, NULL, "User to log in as."),
	STR("password", S, password, NULL, "Password to log in with."),
	SUB("tls", S, tls, tls_section, "Certificates for rediss://."),
	ROW("key", KEY_PATH, S, key, .fallback = "\"ev:{stream}:{node}\"", .words = stream_words, .doc = "Key of a stream: {stream} as the sender called it, {node} this node, {partition} its number."),
	ROW("ack", KEY_ACK, S, ack, .fallback = "journal", .doc = "When a sender is told that its event is safe: journal (on disk here), redis, both, or \"replica N\" (on N replicas). With journal, few events wait up to 5 ms for others on their way to Redis."),
	TIME_("window", S, window_ms, "10m", 0, YEAR, "How long shipped events stay in the journal, so that what Redis loses in a failover is shipped again."),
	NUM("max_length", S, max_length, "0", 0, 1e15, "Entries kept in a stream, never fewer than consumers have left unread; 0: all."),
	TIME_("max_age", S, max_age_ms, "0", 0, 100 * YEAR, "Age of entries kept, with the same care; 0: any. Without redis, how long events stay in the journal; 0: for ever."),
	NUM("partitions", S, partitions, "1", 1, 1024, "Parts that a stream is split into."),
	STR("partition_field", S, partition_field, NULL, "Field whose value picks the part; without it the producer does."),
};
#undef S
static const struct section stream_section = {
	.name = "streams.NAME", TABLE(stream_keys), .size = sizeof(struct conf_stream),
	.present_at = NOWHERE, .name_at = offsetof(struct conf_stream, name),
	.mark_at = offsetof(struct conf_stream, mark), .careful = true, .check = check_stream,
	.doc = "Where events go.",
};

/* archives */

#define S struct conf_archive
static const char *const dir_words[] = { "state_dir", "archive", NULL };
static const char *const file_words[] = { "host", "app", "procid", "msgid", "facility",
	"severity", "source", "peer", "kind", "stream", "name", "archive", "date", "time",
	"year", "month", "day", "hour", "minute", NULL };
static const char *const format_words[] = { "syslog", "rfc5424", "json", "raw", NULL };
static const char *const compress_words[] = { "none", "zstd", NULL };
static const struct key archive_keys[] = {
	ROW("dir", KEY_PATH, S, dir, .fallback = "\"{state_dir}/{archive}\"", .words = dir_words, .doc = "Directory of the files; nothing is ever written outside of it."),
	ROW("file", KEY_PATH, S, file, .fallback = "\"{host}/{app}.log\"", .words = file_words, .doc = "Name of a record's file under it, of the record's parts made safe."),
	ENUM_STR("format", S, format, "syslog", format_words, "How a record is written: syslog (RFC 3164's look with full times), rfc5424, json, raw (as received)."),
	TIME_("rotate", S, rotate_ms, "1h", 0, YEAR, "Age at which a file is closed and a new one begun; 0: never."),
	SIZE_("rotate_size", S, rotate_size, "256MiB", 0, 1e15, "Size at which that happens; 0: any size."),
	CHOICE("compress", S, zstd, "zstd", compress_words, "What a closed file is packed with."),
	ROW("level", KEY_INT, S, level, .fallback = "1", .min = 1, .max = 19, .doc = "How hard the packing tries."),
	TIME_("keep", S, keep_ms, "0", 0, 100 * YEAR, "Age at which closed files are removed; 0: never."),
	SIZE_("keep_size", S, keep_size, "0", 0, 1e18, "What all closed files together may take, oldest removed first; 0: no limit."),
	STR("command", S, command, NULL, "Command run for each closed file, whose name follows it."),
	SIZE_("flush_bytes", S, flush_bytes, "256KiB", 1 * KIB, 64 * MIB, "Gather so much before it is written."),
	TIME_("flush_time", S, flush_ms, "1s", 1, HOUR, "Or as long as this."),
	NUM("max_open", S, max_open, "256", 1, 65536, "Files kept open at once."),
	BOOL("sync", S, sync, "false", "Have the disk confirm each batch before its sender is told."),
};
#undef S
static const struct section archive_section = {
	.name = "archives.NAME", TABLE(archive_keys), .size = sizeof(struct conf_archive),
	.present_at = NOWHERE, .name_at = offsetof(struct conf_archive, name),
	.mark_at = offsetof(struct conf_archive, mark), .check = check_archive,
	.doc = "Files that logs go to.",
};

/* rules */

#define S struct conf_rule
static const char *const stamp_words[] = { "start", "middle", "end", NULL };
static const char *const as_kind_words[] = { "count", "gauge", "timing", "set", "event", NULL };
static const struct key rule_keys[] = {
	STR("name", S, name, NULL, "Name of the rule, for explain and the counters."),
	ROW("when", KEY_EXPR, S, when, .doc = "Records that the rule is for, as an expression; without it, all."),
	BOOL("drop", S, drop, "false", "Drop the record, counted under the rule's name."),
	BOOL("log", S, log, "false", "Say it in the log, at most every ten seconds for each rule."),
	ROW("rewrite", KEY_TEMPLATE, S, rewrite, .count = offsetof(S, rewrite_template), .doc = "New name: what the expression matched of the name is replaced by this, with $1 or ${name} for what its groups matched and ${1:lower}, ${1:upper}, ${1:dots} for changed ones. Later rules see the new name."),
	ROW("route_by", KEY_TEMPLATE, S, route_by, .count = offsetof(S, route_template), .doc = "What the clusters of this rule find a Graphite point's servers by in the name's place; made of the name as rewrite makes a new one, but the name stays what it is."),
	ROW("aggregate", KEY_STRING, S, aggregate, .doc = "Feed the metric into a figure over all that match, named by as, every so often: sum, count, min, max, average (or avg), last, median, variance, stddev, or a percentile, p1 to p99 and p999 for 99.9."),
	ROW("as", KEY_TEMPLATE, S, as, .count = offsetof(S, as_template), .doc = "Name of the aggregate, or of the metric or stream made by as_kind; a template like rewrite."),
	TIME_("every", S, every_ms, "0", 0, 24 * HOUR, "Interval of the aggregate; 0: the flush interval."),
	TIME_("expire", S, expire_ms, "0", 0, 7 * 24 * HOUR, "How long late values are waited for; 0: as long as every."),
	ENUM_STR("stamp", S, stamp, "end", stamp_words, "Which moment of its interval an aggregate is stamped with."),
	ROW("as_kind", KEY_STRING, S, as_kind, .words = as_kind_words, .doc = "Make a metric of a log or an event, or an event of a log."),
	ROW("value", KEY_TEMPLATE, S, value, .count = offsetof(S, value_template), .doc = "Value of the metric made by as_kind; without it 1."),
	TIME_("interval", S, interval_ms, "0", 0, 24 * HOUR, "Flush interval of the metrics; 0: that of flush."),
	NUM("max_names", S, max_names, "0", 0, 1e9, "Names that the metrics of this rule may have together, in each worker; what comes under further ones is counted under RULE.overflow, and as points with their own times dropped, counted as cardinality. 0: no limit."),
	NUM("max_points", S, max_points, "0", 0, 1e9, "Points a second, in each worker, that Graphite metrics of this rule may bring; what is more is dropped, counted as rate_limit. The last rule with one of these two limits holds. 0: no limit."),
	STRS("to", S, to, NULL, "Clusters, streams and archives that the record goes to; this ends the search. [] for nowhere."),
	BOOL("continue", S, continue_, "false", "Look at the rules behind this one although it says where to."),
};
#undef S
static const struct section rule_section = {
	.name = "rules[]", TABLE(rule_keys), .size = sizeof(struct conf_rule),
	.present_at = NOWHERE, .name_at = NOWHERE, .mark_at = offsetof(struct conf_rule, mark),
	.careful = true, .check = check_rule, .doc = "What happens to records, in order.",
};

/* tail */

static const char *const tail_from_words[] = { "start", "end", NULL };
#define S struct conf_tail
static const struct key tail_keys[] = {
	STRS("files", S, files, NULL, "Patterns of the files to follow."),
	ROW("multiline", KEY_REGEX, S, multiline, .doc = "Pattern of a message's first line; lines that do not match belong to the one before."),
	NUM("multiline_lines", S, multiline_lines, "500", 1, 1e6, "Most lines in such a message; the rest is another one."),
	TIME_("multiline_wait", S, multiline_wait_ms, "1s", 1, HOUR, "How long a message may wait for its next line."),
	STR("app", S, app, NULL, "App of the records; without it the file's name, less .log."),
	SIZE_("max_line", S, max_line, "64KiB", 64, 16 * MIB, "Longest line, and longest message of several; a longer line is cut and flagged truncated."),
	CHOICE("from", S, from_end, "start", tail_from_words, "Where to begin in files that are there when millrace runs for the first time; others are read whole."),
};
#undef S
static const struct section tail_section = {
	.name = "tail", TABLE(tail_keys), .present_at = offsetof(struct conf_tail, present),
	.name_at = NOWHERE, .mark_at = NOWHERE, .check = check_tail,
	.doc = "Files that are followed as logs.",
};

/* forwards */

static const char *const forward_schemes[] = { "relp", "relps", "tcp", "tls", NULL };
static const char *const form_words[] = { "rfc5424", "rfc3164", "raw", NULL };
static const char *const framing_words[] = { "octets", "lines", NULL };
#define S struct conf_forward
static const struct key forward_keys[] = {
	ROW("to", KEY_LISTENS, S, to, .words = forward_schemes, .doc = "Where they go, as relp://host:port."),
	ENUM("format", S, format, "rfc5424", form_words, "How a message is written; raw: as it was received."),
	CHOICE("framing", S, lines, "octets", framing_words, "How messages are told apart by tcp:// and tls://: each behind its length, or a line each, with LF in it as #012."),
	NUM("window", S, window, "128", 1, 1024, "Messages that may wait for their answer, by RELP."),
	SIZE_("queue", S, queue, "64MiB", 64 * KIB, 64 * GIB, "What may wait in memory when there is no spool; then the oldest goes, counted."),
	SIZE_("spool", S, spool, "0", 0, 1e15, "What may wait on disk, in the state directory; 0: nothing does. With a spool all goes through it, and outlives this process."),
	SUB("tls", S, tls, tls_section, "Certificates for relps:// and tls://."),
};
#undef S
static const struct section forward_section = {
	.name = "forwards.NAME", TABLE(forward_keys), .size = sizeof(struct conf_forward),
	.present_at = NOWHERE, .name_at = offsetof(struct conf_forward, name),
	.mark_at = offsetof(struct conf_forward, mark), .careful = true, .check = check_forward,
	.doc = "Another syslog receiver.",
};

/* all of it */

#define S struct conf
static const struct key dns_keys[] = {
	ROW("server", KEY_HOSTPORT, S, dns.server, .doc = "Name server to ask, as address:port; without it the system's resolver is."),
	TIME_("interval", S, dns.interval_ms, "30s", 1 * SECOND, 24 * HOUR, "How often names of servers are looked at again."),
};
static const struct section dns_section = {
	.name = "dns", TABLE(dns_keys), NO_PLACES,
	.doc = "How the names of servers are looked up.",
};
static const char *const level_words[] = { "debug", "info", "warn", "error", NULL };
static const struct key conf_keys[] = {
	{ .name = "include", .type = KEY_INCLUDE, .doc = "Patterns of further files, as seen from this one's directory. Their lists are appended, their maps merged; what is set twice is an error." },
	NUM("workers", S, workers, "0", 0, 256, "Threads that read; 0: one per core."),
	STR("state_dir", S, state_dir, "/var/lib/millrace", "Directory of the journal, spools and saved gauges."),
	STR("user", S, user, NULL, "User to become once the sockets are open."),
	STR("group", S, group, NULL, "Group to become; without it the user's."),
	STR("pid_file", S, pid_file, NULL, "File for the process number."),
	ENUM_STR("log_level", S, log_level, "info", level_words, "What the daemon says about itself on standard error."),
	TIME_("drain", S, drain_ms, "10s", 0, HOUR, "How long the end may take once it is asked for."),
	STR("prometheus_mapping", S, prometheus_mapping, NULL, "A mapping file of statsd_exporter, for the names on the Prometheus page."),
	SUBSELF("dns", dns_section, "Names of servers."),
	SUB("statsd", S, statsd, statsd_section, "StatsD."),
	SUB("graphite", S, graphite, graphite_section, "Graphite."),
	SUB("syslog", S, syslog, syslog_section, "Syslog."),
	SUB("events", S, events, events_section, "Events."),
	SUB("admin", S, admin, admin_section, "The admin page."),
	SUB("flush", S, flush, flush_section, "Metrics."),
	SUB("tail", S, tail, tail_section, "Files to follow."),
	MANY("clusters", KEY_MAP, S, clusters, nclusters, cluster_section, "Where metrics go, by name."),
	MANY("streams", KEY_MAP, S, streams, nstreams, stream_section, "Where events go, by name."),
	MANY("archives", KEY_MAP, S, archives, narchives, archive_section, "Where logs go, by name."),
	MANY("forwards", KEY_MAP, S, forwards, nforwards, forward_section, "Other syslog receivers that logs go to, by name."),
	/* last, as they name the ones above */
	MANY("rules", KEY_LIST, S, rules, nrules, rule_section, "What happens to records, in order."),
};
#undef S
const struct section conf_section = {
	.name = "", TABLE(conf_keys), .size = sizeof(struct conf), NO_PLACES,
	.check = check_conf, .doc = "The whole file.",
};
