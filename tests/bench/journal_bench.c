/* journal_bench.c - how fast the journal takes events, and how soon they are
 * durable.
 *
 *   journal_bench [-d DIR] [-t SECONDS] [-p PRODUCERS] [-w WINDOW] [-r RATE]
 *                 [-s BYTES] [-i]
 *
 * Virtual producers each keep WINDOW events unanswered (or, with -r, all of
 * them together send RATE events a second whatever happens); with -i each event
 * has a pid and a counted iid and goes through the dedup table, too.  One thread plays
 * the events thread, as in the daemon.  Then all is opened and read again.
 * Prints one line a measurement. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/dedup.h"
#include "sink/journal.h"

#define RING (1u << 20)
#define BUCKETS 4096

static struct {
	const char *dir;
	double seconds, rate;
	unsigned producers, window, bytes;
	bool iids;
} opt = { "journal-bench.dir", 5, 0, 64, 256, 200, false };

static int64_t sent_ns[RING];
static uint64_t buckets[BUCKETS];	/* 128 to a doubling, from 1 us */
static int wake_fd;

static void
wake(void *ctx)
{
	uint64_t one = 1;

	(void)ctx;
	(void)!write(wake_fd, &one, sizeof one);
}

static unsigned
bucket_of(int64_t ns)
{
	uint64_t v = ns < 1000 ? 1000 : (uint64_t)ns;
	unsigned log = 63 - (unsigned)__builtin_clzll(v);
	unsigned b = (log - 9) * 128 + (unsigned)(v >> (log - 7) & 127);

	return b < BUCKETS ? b : BUCKETS - 1;
}

static double
percentile(double p)
{
	uint64_t total = 0, seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++)
		total += buckets[i];
	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += buckets[i];
		if ((double)seen >= p * (double)total)
			return (double)((128 + i % 128) << (i / 128 + 2)) / 1e3;
	}
	return 0;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long
rss_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void
clear_dir(void)
{
	DIR *d = opendir(opt.dir);
	struct dirent *e;
	char path[4096];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", opt.dir, e->d_name);
		unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(opt.dir);
}

/* Account for what has become durable; returns how many. */
static uint64_t
take_answers(struct journal *j, uint64_t *answered)
{
	uint64_t durable = journal_durable(j), n = durable - *answered;
	int64_t now = clock_mono_ns();

	while (*answered < durable) {
		++*answered;
		buckets[bucket_of(now - sent_ns[*answered % RING])]++;
	}
	return n;
}

static void
sleep_until_woken(int timeout_ms)
{
	struct pollfd p = { .fd = wake_fd, .events = POLLIN };
	uint64_t v;

	if (poll(&p, 1, timeout_ms) == 1)
		(void)!read(wake_fd, &v, sizeof v);
}

static void
make_event(struct event_record *ev, struct pair *pairs, char *text)
{
	memset(text, 'x', opt.bytes);
	pairs[0] = (struct pair){ SLICE("msg"), { text, opt.bytes } };
	*ev = (struct event_record){ .stream = SLICE("orders"),
	    .fields = pairs, .nfields = 1 };
}

/* Name it, and ask whether it was there; as the daemon does. */
static struct event_hash
name_event(struct event_record *ev, struct dedup *d, uint64_t n, int64_t now_ms,
    char pid[24], char iid[24])
{
	struct event_hash hash = event_hash_fields(ev->fields, ev->nfields);
	struct dedup_found found;

	ev->pid = slice_of(pid, (size_t)snprintf(pid, 24, "host:app:%u",
	    (unsigned)(n % opt.producers)));
	ev->iid = slice_of(iid, (size_t)snprintf(iid, 24, "%llu",
	    (unsigned long long)(n / opt.producers)));
	if (dedup_check(d, ev->stream, ev->pid, ev->iid, hash, now_ms,
	    &found) != DEDUP_NEW)
		abort();
	return hash;
}

static enum journal_result
append(struct journal *j, struct event_record *ev, struct dedup *d,
    int64_t now_ms, struct journal_id *id)
{
	struct event_hash hash = { 0, 0 };
	enum journal_result r;
	char pid[24], iid[24];

	if (opt.iids)
		hash = name_event(ev, d, id->lsn, now_ms, pid, iid);
	r = journal_append(j, ev, now_ms, id);
	if (opt.iids && r == JOURNAL_OK)
		dedup_add(d, ev->stream, ev->pid, ev->iid, hash, id->ms,
		    id->seq, now_ms);
	return r;
}

static uint64_t
run(struct journal *j)
{
	struct dedup *d = dedup_new(NULL);
	static char text[65536];
	struct event_record ev;
	struct pair pairs[1];
	struct journal_id id = { 0, 0, 0 };
	uint64_t answered = 0, most = (uint64_t)opt.producers * opt.window;
	int64_t start = clock_mono_ns(), now = start;
	int64_t end = start + (int64_t)(opt.seconds * 1e9);

	make_event(&ev, pairs, text);
	if (most > RING / 2)
		most = RING / 2;
	while (now < end) {
		uint64_t due = opt.rate > 0 ?
		    (uint64_t)((double)(now - start) * opt.rate / 1e9) :
		    answered + most;
		enum journal_result r = JOURNAL_OK;

		if (due > answered + RING / 2)
			due = answered + RING / 2;
		while (id.lsn < due) {
			r = append(j, &ev, d, now / NS_PER_MS, &id);
			if (r != JOURNAL_OK)
				break;
			sent_ns[id.lsn % RING] = now;
		}
		journal_commit(j);
		if (r != JOURNAL_OK && r != JOURNAL_BUSY)
			fprintf(stderr, "append: %d\n", (int)r);
		sleep_until_woken(opt.rate > 0 ? 1 : 100);
		take_answers(j, &answered);
		now = clock_mono_ns();
	}
	while (answered < id.lsn) {
		sleep_until_woken(100);
		take_answers(j, &answered);
	}
	dedup_free(d);
	return answered;
}

static void
report_run(struct journal *j, uint64_t events, double wall, double cpu)
{
	struct journal_stats st;

	journal_stats(j, &st);
	printf("append: %llu events of %u bytes, %u producers",
	    (unsigned long long)events, opt.bytes, opt.producers);
	if (opt.rate > 0)
		printf(", %.0f/s asked\n", opt.rate);
	else
		printf(", window %u\n", opt.window);
	printf("  %.0f events/s, %.1f MB/s, %.0f syncs/s, %.1f events/sync\n",
	    (double)events / wall, (double)st.bytes / wall / 1e6,
	    (double)st.syncs / wall, (double)events / (double)st.syncs);
	printf("  durable after p50 %.0f us, p99 %.0f us, p99.9 %.0f us; sync "
	    "mean %.0f us, worst %.1f ms\n", percentile(0.5),
	    percentile(0.99), percentile(0.999),
	    (double)st.sync_ns / (double)st.syncs / 1e3,
	    (double)st.sync_ns_max / 1e6);
	printf("  CPU %.0f ns/event (all threads), peak RSS %ld KiB, %llu "
	    "segments\n", cpu * 1e9 / (double)events, rss_kib(),
	    (unsigned long long)st.segments);
}

static void
read_back(struct journal *j)
{
	struct buf window = BUF_INIT(64 << 20);
	struct journal_entry e[256];
	struct journal_cursor c;
	int64_t start = clock_mono_ns();
	double wall;
	uint64_t n = 0;
	ssize_t got;

	journal_seek_stream(j, &c, SLICE("orders"), 0);
	while ((got = journal_read(j, &c, &window, e, 256)) > 0)
		n += (uint64_t)got;
	wall = (double)(clock_mono_ns() - start) / 1e9;
	printf("read: %llu events of one stream, %.0f events/s\n",
	    (unsigned long long)n, (double)n / wall);
	buf_fini(&window);
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:t:p:w:r:s:i")) != -1) {
		switch (c) {
		case 'd': opt.dir = optarg; break;
		case 't': opt.seconds = atof(optarg); break;
		case 'p': opt.producers = (unsigned)atoi(optarg); break;
		case 'w': opt.window = (unsigned)atoi(optarg); break;
		case 'r': opt.rate = atof(optarg); break;
		case 's': opt.bytes = (unsigned)atoi(optarg); break;
		case 'i': opt.iids = true; break;
		default: exit(2);
		}
	}
	if (opt.bytes > 65536)
		opt.bytes = 65536;
}

int
main(int argc, char **argv)
{
	struct journal_options o = { .on_durable = wake };
	struct journal_report r;
	struct journal *j;
	uint64_t events;
	int64_t start;
	double cpu, wall;

	options(argc, argv);
	wake_fd = eventfd(0, EFD_CLOEXEC);
	clear_dir();
	o.dir = opt.dir;
	if (journal_open(&o, &j, &r) == -1) {
		fprintf(stderr, "%s\n", r.message);
		return 1;
	}
	usleep(800000);		/* the spares are made */
	cpu = cpu_s();
	start = clock_mono_ns();
	events = run(j);
	wall = (double)(clock_mono_ns() - start) / 1e9;
	report_run(j, events, wall, cpu_s() - cpu);
	journal_close(j);
	start = clock_mono_ns();
	if (journal_open(&o, &j, &r) == -1) {
		fprintf(stderr, "%s\n", r.message);
		return 1;
	}
	wall = (double)(clock_mono_ns() - start) / 1e9;
	printf("open: %llu events, %.0f MB in %.2f s (page cache)\n",
	    (unsigned long long)r.events, (double)r.bytes / 1e6, wall);
	read_back(j);
	journal_close(j);
	journal_report_fini(&r);
	clear_dir();
	return 0;
}
