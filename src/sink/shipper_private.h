/* shipper_private.h - what the files of the shipper share.
 *
 *	shipper.c	life, streams and their lanes, what is told
 *	shipper_lane.c	one key: ask where it stands, append, what replies mean
 *	shipper_read.c	two readers that walk the journal and fill the lanes
 *	shipper_node.c	one server: greeting, checks, script, WAIT
 *	shipper_sentinel.c  which server that is
 *	shipper_cluster.c  which node has a key
 *	shipper_trim.c	keep streams short
 *
 * A lane is one key of Redis: a stream, or a partition of one.  The events of a
 * lane are sent in order; several batches may be on their way, since once one
 * is not taken none behind it is.
 *
 * The live reader stands at the end of the journal and hands each event to its
 * lane.  A lane that cannot take it (not asked yet, refused, its server away)
 * is `behind` from then on, and passed over.  When it can go on, the sweep, a
 * second reader, walks from where it stopped until it meets the live one, and
 * serves all lanes that are behind on its way.  So one trouble never holds up
 * another stream, a backlog is read once however many streams it has, and
 * memory holds two windows and the lanes. */
#ifndef MILLRACE_SINK_SHIPPER_PRIVATE_H
#define MILLRACE_SINK_SHIPPER_PRIVATE_H

#include <ev.h>

#include "base/lru.h"
#include "base/map.h"
#include "record/record.h"
#include "sink/journal.h"
#include "sink/shipper.h"
#include "sink/shipper_conn.h"
#include "sink/shipper_script.h"

#define SHIP_BATCH_EVENTS 512
#define SHIP_BATCH_BYTES ((size_t)256 << 10)
#define SHIP_LANE_BATCHES 4		/* on their way */
#define SHIP_LANE_EVENTS 2048		/* on their way to a millrace */
#define SHIP_NODE_BYTES ((size_t)4 << 20)	/* on their way */
#define SHIP_ASKS 512			/* on their way */
#define SHIP_READ 512			/* events a reader holds */
#define SHIP_READ_MANY 32768		/* the sweep, when they are of many lanes */
#define SHIP_KEEP_BYTES ((size_t)8 << 20)	/* and their bytes */
#define SHIP_PROBE 16
#define SHIP_RETRY_MS 50
#define SHIP_NONE UINT32_MAX
#define SHIP_PAIRS (SHIP_MAX_ARGS / 2)

struct lane;
struct ship_reader;
struct ship_sentinels;
struct ship_cluster;

enum lane_state {
	LANE_ASK,	/* where does it stand?  in a list: shipper's asking or
			 * waiting */
	LANE_ASKED,
	LANE_PROBE,	/* after a failure: one batch, alone */
	LANE_READY,
	LANE_DRAIN	/* something went wrong: the rest on its way comes back */
};

struct ship_stream {
	struct slice name;	/* the journal's */
	uint64_t seen;		/* the live reader was here */
	uint64_t told;		/* what shipped() said last */
	bool told_once, dirty;
	bool sparse;		/* some of its events go to other sections only */
	struct lru_node dirty_link;
	unsigned nlanes;
	struct lane *lanes;
};

struct lane {
	struct ship_stream *stream;
	struct ship_node *node;		/* NULL: not known (Cluster) */
	struct slice key;		/* owned */
	uint16_t partition, slot;
	uint8_t state;			/* enum lane_state */
	uint8_t trouble;		/* enum ship_error; SHIP_ERRORS: none */
	bool behind;
	bool known;			/* id and pos were read from Redis once */
	bool stopped;			/* someone else's ids are there */
	bool listed, waiting;		/* in shipper's asking, or waiting */
	bool unsure;			/* in node's unsure */
	bool guarded;			/* transactions may be used */
	bool asking;			/* its slot is on its way to ask_node */
	struct ship_node *ask_node;
	unsigned tries;			/* failures in a row */
	unsigned inflight;		/* batches */
	int64_t until_ms;		/* waiting: until then */
	struct lru_node link, unsure_link;
	struct ship_id id, sent_id;	/* the stream's last id; after what was sent */
	uint64_t pos, sent_pos;		/* all up to this sequence is there */
	uint64_t sure;			/* and on the replicas */
	struct ship_reader *reader;	/* whose entries wait in the chain */
	uint32_t head, tail;
};

struct ship_reader {
	bool active;			/* the live one always is */
	struct journal_cursor cursor;
	struct buf window;
	struct buf kept;		/* of further windows, see fill() */
	struct journal_entry *entries;	/* cap of them, and of the next two */
	uint32_t *next;			/* chains of lanes */
	struct lane **lanes;		/* that have chains */
	size_t cap, n, nlanes;
};

struct ship_node {
	struct shipper *shipper;
	struct ship_conn conn;
	struct lru unsure;		/* lanes whose pos no WAIT has confirmed */
	bool waiting;			/* a WAIT is on its way */
	bool loading;			/* the script is */
	bool refused;			/* a check said no; conn.error says why */
	bool full;			/* little is left of its maxmemory */
	bool looking;			/* how much is asked for */
	bool warned;
	unsigned asks;
	unsigned greeting;		/* answers still to come */
	char replica_of[300];
};

struct shipper {
	struct ev_loop *loop;
	struct journal *journal;
	const struct shipper_ops *ops;
	void *ctx;
	unsigned index;
	uint64_t id;			/* of the section: plan_section() */
	char *section, *node, *key, *partition_field;
	char pid[64];			/* of IDMP */
	struct ship_url url;
	struct tls_context *tls;
	unsigned replicas, partitions;
	bool ack_redis;
	bool unhurried;			/* nobody waits until it is there */
	bool to_millrace;
	uint64_t max_length, max_age_ms;
	struct ship_node **nodes;
	size_t nnodes;
	struct ship_sentinels *sentinels;	/* NULL: none */
	struct ship_cluster *cluster_map;	/* NULL: no cluster */
	struct map *streams;		/* of struct ship_stream, by name */
	struct lane **lanes;		/* all of them */
	size_t nlanes, cap_lanes;
	struct lru asking, waiting;	/* lanes */
	struct lru dirty;		/* streams with something to tell */
	struct ship_reader live, sweep;
	struct buf scratch;		/* a window for single looks */
	struct buf request;
	struct pair *pairs;		/* SHIP_PAIRS of them */
	ev_timer timer;			/* 10 a second */
	ev_timer soon;
	ev_tstamp fed;			/* when few were read last; 0: many were */
	bool inside;			/* pumping */
	size_t check_at, trim_at;
	uint64_t errors[SHIP_ERRORS];
	struct shipper_stats stats;
};

/* shipper.c */
/* The stream of that name, made if need be; NULL: no memory. */
struct ship_stream *ship_stream_get(struct shipper *s, struct slice name);
/* Whose event is it?  NULL: it goes to other sections only. */
struct lane *ship_lane_of(struct shipper *s, struct ship_stream *st,
    const struct journal_entry *e);
/* Something happened: send what can be sent, tell what is new. */
void ship_move(struct shipper *s);
/* Its shipped sequence may have changed. */
void ship_stream_dirty(struct shipper *s, struct ship_stream *st);
static inline struct shipper *
ship_shipper_of(const struct ship_conn *c)
{
	return ((struct ship_node *)c->data)->shipper;
}

/* shipper_lane.c */
void ship_lane_init(struct shipper *s, struct lane *l);
/* Into one of the lists, to be asked at once or after a while. */
void ship_lane_ask(struct shipper *s, struct lane *l, int64_t delay_ms);
void ship_lane_unlist(struct shipper *s, struct lane *l);
/* Something went wrong: ask again, when all on its way has come back. */
void ship_lane_fail(struct shipper *s, struct lane *l, int64_t delay_ms);
/* Its connection is gone. */
void ship_lane_lost(struct shipper *s, struct lane *l);
/* Ask those that are listed, as far as there is room. */
void ship_lanes_ask(struct shipper *s);
/* Those whose time has come. */
void ship_lanes_wake(struct shipper *s, int64_t now_ms);
/* READY ones in turn: do they still stand where they stood? */
void ship_lanes_check(struct shipper *s);
/* Redis answered an error; the lane may be dead to this connection afterwards. */
void ship_lane_failed(struct shipper *s, struct lane *l, struct slice text);
/* It is about this key: tried again after long waits. */
void ship_lane_park(struct shipper *s, struct lane *l);
/* One that was on its way came back to a lane that waits for the last. */
void ship_lane_drained(struct shipper *s, struct lane *l);
/* Something was added: all trouble is over. */
void ship_lane_well(struct shipper *s, struct lane *l);
/* It stands where it should; go on from there. */
void ship_lane_go_on(struct shipper *s, struct lane *l);
/* Its command follows; false: not now. */
bool ship_lane_announce(struct lane *l);
/* Take its entries off the reader; it is behind. */
void ship_lane_unchain(struct lane *l);
/* Make sure of what was there before this connection. */
void ship_lane_touch(struct shipper *s, struct lane *l);

/* shipper_batch.c */
bool ship_lane_can_send(const struct lane *l);
/* Send one batch of its chain.  False: not now, or not at all (then it has
 * failed and has no chain any more). */
bool ship_lane_send(struct shipper *s, struct lane *l);
/* A few events alone, after a failure.  False: none of these is the lane's. */
bool ship_lane_probe(struct shipper *s, struct lane *l,
    const struct journal_entry *e, size_t n);

/* shipper_read.c */
int ship_readers_init(struct shipper *s);
void ship_readers_fini(struct shipper *s);
/* Move what can be moved. */
void ship_pump(struct shipper *s);
/* A lane is READY and behind, from this lsn on. */
void ship_sweep_from(struct shipper *s, uint64_t lsn);
/* The first events of the stream with seq > after, at most n, in s->scratch. */
ssize_t ship_peek(struct shipper *s, const struct ship_stream *st,
    uint64_t after, struct journal_entry *out, size_t n);

/* shipper_node.c */
struct ship_node *ship_node_new(struct shipper *s, const struct ship_url *url);
void ship_node_free(struct ship_node *n);
bool ship_node_up(const struct ship_node *n);
void ship_node_ping(struct ship_node *n);
void ship_node_load_script(struct ship_node *n);
/* How full is its memory?  Each second. */
void ship_node_look(struct ship_node *n);
/* The lane's pos needs the replicas' confirmation. */
void ship_node_unsure(struct ship_node *n, struct lane *l);
/* Ask them, when there is need. */
void ship_node_wait(struct ship_node *n);
/* The first trouble of the kind since all was well: to the log. */
void ship_trouble(struct shipper *s, struct lane *l, enum ship_error e,
    struct slice text);

/* shipper_sentinel.c; NULL, or what is wrong; s->sentinels is to be freed in
 * either case. */
const char *ship_sentinels_new(struct shipper *s, const struct conf_stream *c);
void ship_sentinels_free(struct ship_sentinels *t);
/* Each 100 ms. */
void ship_sentinels_tick(struct ship_sentinels *t, int64_t now_ms);

/* shipper_cluster.c */
bool ship_cluster_new(struct shipper *s);
void ship_cluster_free(struct ship_cluster *m);
/* Each 100 ms. */
void ship_cluster_tick(struct shipper *s, int64_t now_ms);
/* NULL: nobody knows yet. */
struct ship_node *ship_cluster_node(struct shipper *s, unsigned slot);
/* The map may be wrong. */
void ship_cluster_stale(struct shipper *s);
/* MOVED or ASK was answered. */
void ship_cluster_redirect(struct shipper *s, struct lane *l,
    enum ship_error e, struct slice text);

/* shipper_trim.c */
/* Some keys in turn, each second. */
void ship_lanes_trim(struct shipper *s);

#endif
