/* metrics_state.c - gauges and sets over a restart: state_dir/gauges.state and
 * sets.state.
 *
 * What an interval has counted is flushed at the end and not saved: it would
 * count twice.  Gauges are values that nobody may send again for long, so they
 * are saved, each minute and at the end.  A set counts who was there in an
 * interval, and one that a restart broke in two is one still: its members are
 * saved at the end, and taken back when the restart was short.  A file is
 * replaced as a whole: a new one is written beside it, synced, and renamed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/rules.h"
#include "sink/metrics.h"
#include "sink/metrics_flush.h"

#define GAUGES_NAME "gauges.state"
#define SETS_NAME "sets.state"
#define SETS_LAST_MS 60000		/* or two intervals */
#define IMAGE_MAX (1u << 30)
#define EVERY_NS (60 * NS_PER_S)

/* ---- reading ---- */

void
metrics_route(void *ctx, enum merged_group group, struct slice name,
    uint64_t *dest_mask, unsigned *class_)
{
	static const enum metric_type type_of[] = {
		[MERGED_COUNTER] = METRIC_COUNTER,
		[MERGED_TIMER] = METRIC_TIMER, [MERGED_GAUGE] = METRIC_GAUGE,
		[MERGED_SET] = METRIC_SET, [MERGED_KV] = METRIC_KEY_VALUE
	};
	struct metrics *m = ctx;
	struct record r = { .kind = RECORD_METRIC, .source = SOURCE_STATSD };
	struct slice rest = name;
	struct decision d;

	r.metric.type = type_of[group];
	r.metric.rate = 1;
	r.metric.name = slice_cut(&rest, ';');
	r.metric.tags = rest;
	r.metric.tag_style = rest.ptr == NULL ? TAGS_NONE : TAGS_GRAPHITE;
	decision_init(&d);
	rules_apply(m->plan->rules, &r, &d);
	*dest_mask = d.dropped_by >= 0 ? 0 :
	    d.to.clusters & m->plan->figures;
	*class_ = plan_class(m->plan, d.interval_ms);
	decision_fini(&d);
}

static bool
read_all(int fd, struct buf *out)
{
	ssize_t n;

	for (;;) {
		if (!buf_reserve(out, 65536)) {
			errno = EFBIG;
			return false;
		}
		n = read(fd, out->data + out->len, 65536);
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
	}
}

static char *
path_in(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);

	if (path != NULL)
		snprintf(path, n, "%s/%s", dir, name);
	return path;
}

/* Take an image in that is not older than that. */
static void
load(struct metrics *m, const char *path, const char *what, int64_t max_age_ns)
{
	struct buf image = BUF_INIT(IMAGE_MAX);
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1) {
		if (errno != ENOENT)
			log_warn("%s: %s: %s begin anew", path,
			    strerror(errno), what);
		return;
	}
	if (fstat(fd, &st) == 0 && clock_real_ns() - (int64_t)st.st_mtime *
	    NS_PER_S > max_age_ns) {
		close(fd);
		return;
	}
	if (!read_all(fd, &image) || merged_load(m->merged, buf_slice(&image),
	    metrics_route, m) != 0)
		log_warn("%s: %s: %s begin anew", path, errno == EINVAL ?
		    "damaged" : strerror(errno), what);
	close(fd);
	buf_fini(&image);
}

void
metrics_state_load(struct metrics *m)
{
	const struct conf *c = m->plan->conf;
	uint64_t age_ms = c->flush.interval_ms * 2;

	m->saved_ns = clock_real_ns();
	buf_init(&m->sets_image, IMAGE_MAX);
	if (!c->flush.persistent)
		return;
	m->state_path = path_in(c->state_dir, GAUGES_NAME);
	m->sets_path = path_in(c->state_dir, SETS_NAME);
	if (m->state_path == NULL || m->sets_path == NULL)
		return;
	load(m, m->state_path, "gauges", INT64_MAX);
	load(m, m->sets_path, "sets", (int64_t)(age_ms > SETS_LAST_MS ?
	    age_ms : SETS_LAST_MS) * NS_PER_MS);
	unlink(m->sets_path);	/* they are of one interval */
}

/* ---- writing ---- */

struct image {
	struct metrics *metrics;
	struct buf bytes;
};

static bool
write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = slice_from(s, (size_t)n);
	}
	return true;
}

static void
write_image(const char *path, struct slice bytes)
{
	char tmp[4096];
	int fd, n = snprintf(tmp, sizeof tmp, "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof tmp)
		return;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd == -1 || !write_all(fd, bytes) || fdatasync(fd) != 0 ||
	    rename(tmp, path) != 0)
		log_warn("%s: %s: it is not saved", path, strerror(errno));
	if (fd != -1)
		close(fd);
}

static void *
writer(void *ctx)
{
	struct image *i = ctx;

	write_image(i->metrics->state_path, buf_slice(&i->bytes));
	atomic_store(&i->metrics->saving, false);
	buf_fini(&i->bytes);
	free(i);
	return NULL;
}

/* Disks are slow now and then: the thread that flushes does not wait. */
void
metrics_state_tick(struct metrics *m, int64_t now_ns)
{
	struct image *i;
	pthread_attr_t detached;
	pthread_t id;

	if (m->state_path == NULL || now_ns - m->saved_ns < EVERY_NS ||
	    atomic_load(&m->saving))
		return;
	m->saved_ns = now_ns;
	i = calloc(1, sizeof *i);
	if (i == NULL)
		return;
	i->metrics = m;
	buf_init(&i->bytes, IMAGE_MAX);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	atomic_store(&m->saving, true);
	if (!merged_save(m->merged, false, &i->bytes) ||
	    pthread_create(&id, &detached, writer, i) != 0) {
		log_warn("%s: out of memory: the gauges are not saved",
		    m->state_path);
		atomic_store(&m->saving, false);
		buf_fini(&i->bytes);
		free(i);
	}
	pthread_attr_destroy(&detached);
}

void
metrics_state_end(struct metrics *m)
{
	struct buf image = BUF_INIT(IMAGE_MAX);

	if (m->state_path == NULL)
		return;
	while (atomic_load(&m->saving))
		usleep(1000);
	if (merged_save(m->merged, false, &image))
		write_image(m->state_path, buf_slice(&image));
	buf_fini(&image);
	if (m->sets_path != NULL && m->sets_image.len > 0)
		write_image(m->sets_path, buf_slice(&m->sets_image));
}

void
metrics_state_sets(struct metrics *m)
{
	buf_clear(&m->sets_image);
	if (m->sets_path != NULL)
		merged_save_groups(m->merged, MERGED_SAVE(MERGED_SET),
		    &m->sets_image);
}
