/* daemon.c - from a configuration to running threads, and back. */
#include "config.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "app/admin.h"
#include "app/console.h"
#include "app/daemon.h"
#include "app/discover.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "core/relay_figures.h"
#include "front/door.h"
#include "net/dns.h"
#include "net/listen.h"
#include "sink/events_ask.h"

#define ERROR_SIZE 1024

/* ---- telling systemd ---- */

static void
notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#endif
}

static void
watchdog_fed(struct ev_loop *loop, ev_timer *w, int revents)
{
	notify("WATCHDOG=1");
}

static void
start_watchdog(struct daemon *d)
{
#ifdef HAVE_SYSTEMD
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	ev_timer_init(&d->watchdog, watchdog_fed, 0, (double)usec / 2e6);
	ev_timer_start(d->loop, &d->watchdog);
#endif
}

/* ---- the books ---- */

void
daemon_ledger(struct daemon *d, struct ledger_sum *sum)
{
	memset(sum, 0, sizeof *sum);
	ledger_sum_add(sum, &d->metrics.ledger);
	ledger_sum_add(sum, &d->events.ledger);
	ledger_sum_add(sum, &d->logs.ledger);
	for (unsigned i = 0; i < d->nworkers; i++)
		ledger_sum_add(sum, &d->workers[i].pipeline.ledger);
}

/* ---- reading the configuration ---- */

static void
log_lines(enum log_level level, struct buf *lines)
{
	struct slice rest = buf_slice(lines);

	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');

		if (line.len > 0)
			LOG_AT(level, "%.*s", SLICE_ARG(line));
	}
}

static struct conf *
read_conf(struct daemon *d)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct conf *conf = d->statsd.path != NULL ?
	    statsd_mode_load(&d->statsd, &errors) :
	    conf_load(d->conf_path, &errors);

	if (conf == NULL)	/* as `millrace check` prints them */
		fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&errors)));
	else
		log_lines(LOG_AT_WARN, &errors);
	buf_fini(&errors);
	return conf;
}

/* What conf's names stand for, in their place; takes conf. */
static struct conf *
with_servers(struct daemon *d, struct conf *conf)
{
	struct conf *made;

	if (!dns_use(conf->dns.server))
		log_error("dns: %s: a numeric IPv4 address with a port is "
		    "needed; the system's resolver is asked",
		    conf->dns.server);
	discovery_free(d->found);
	d->found = NULL;
	if (!conf_looks(conf))
		return conf;
	d->found = discover(conf, NULL);
	if (d->found == NULL)
		return conf;
	made = conf_derive(conf, d->found->v, d->found->n);
	conf_free(conf);		/* made holds it */
	return made;
}

static void
use_log_level(const struct conf *conf)
{
	enum log_level level = LOG_AT_INFO;

	if (conf->log_level != NULL)
		log_level_parse(conf->log_level, &level);
	log_open(level);
}

static uint8_t
next_version(const struct plan *old)
{
	if (old == NULL || old->version == 255)
		return 1;
	return (uint8_t)(old->version + 1);
}

/* ---- the system ---- */

static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max < 65536 ? r.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
find_user(const struct conf *conf, uid_t *uid, gid_t *gid)
{
	struct passwd *pw;

	*uid = geteuid();
	*gid = getegid();
	if (conf->user == NULL || geteuid() != 0)
		return 0;
	pw = getpwnam(conf->user);
	if (pw == NULL) {
		log_error("user %s: there is no such user", conf->user);
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	if (conf->group != NULL) {
		struct group *gr = getgrnam(conf->group);

		if (gr == NULL) {
			log_error("group %s: there is no such group",
			    conf->group);
			return -1;
		}
		*gid = gr->gr_gid;
	}
	return 0;
}

/* A directory that the daemon may write once it is nobody special any more. */
static int
own_dir(const char *dir, uid_t uid, gid_t gid)
{
	char path[PATH_MAX];
	size_t n = strlen(dir);

	if (n == 0 || n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, dir, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0750) == 0 && geteuid() == 0 &&
		    chown(path, uid, gid) != 0)
			return -1;
		path[i] = dir[i];
	}
	return access(dir, W_OK) == 0 || geteuid() != 0 ? 0 : -1;
}

/* Is anything kept in the state directory? */
static bool
keeps_state(const struct conf *conf)
{
	bool spools = false;

	for (size_t i = 0; i < conf->nclusters; i++)
		spools |= conf->clusters[i].spool > 0;
	for (size_t i = 0; i < conf->nforwards; i++)
		spools |= conf->forwards[i].spool > 0;
	return spools || conf->nstreams > 0 || conf->narchives > 0 ||
	    conf->flush.persistent;
}

static int
make_dirs(const struct conf *conf, uid_t uid, gid_t gid)
{
	if (keeps_state(conf) && own_dir(conf->state_dir, uid, gid) != 0) {
		log_error("state_dir %s: %s", conf->state_dir,
		    strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < conf->narchives; i++)
		if (own_dir(conf->archives[i].dir, uid, gid) != 0) {
			log_error("archive %s: %s: %s",
			    conf->archives[i].name, conf->archives[i].dir,
			    strerror(errno));
			return -1;
		}
	return 0;
}

static int
drop_privileges(const struct conf *conf, uid_t uid, gid_t gid)
{
	if (geteuid() != 0 || uid == 0)
		return 0;
	if (initgroups(conf->user, gid) != 0 || setgid(gid) != 0 ||
	    setuid(uid) != 0) {
		log_error("becoming user %s: %s", conf->user,
		    strerror(errno));
		return -1;
	}
	return 0;
}

static int
write_pid(const struct conf *conf)
{
	FILE *f;

	if (conf->pid_file == NULL || conf->pid_file[0] == '\0')
		return 0;
	f = fopen(conf->pid_file, "w");
	if (f == NULL) {
		log_error("pid_file %s: %s", conf->pid_file, strerror(errno));
		return -1;
	}
	fprintf(f, "%ld\n", (long)getpid());
	return fclose(f);
}

/* ---- building ---- */

static bool
swap_worker(void *ctx, unsigned worker)
{
	struct daemon *d = ctx;

	return worker_order_swap(&d->workers[worker]);
}

static void
books(void *ctx, struct ledger_sum *sum)
{
	daemon_ledger(ctx, sum);
}

static void
worker_figures(struct relay_figures *f, struct relay_worker *w,
    const struct ledger *l)
{
	static const enum record_source ours[] = { SOURCE_GRAPHITE, SOURCE_PICKLE };

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		const struct ledger_book *b = &l->book[RECORD_METRIC][ours[i]];
		uint64_t gone = counter_get(&b->dropped[REASON_RULE]) +
		    counter_get(&b->dropped[REASON_NO_ROUTE]);

		w->received += counter_get(&b->received);
		w->blackholed += gone;
		for (int r = 0; r < REASON_COUNT; r++)
			w->discarded += counter_get(&b->dropped[r]);
		w->discarded -= gone;
		f->accepted += counter_get(&l->connections[ours[i]]);
		f->closed += counter_get(&l->disconnects[ours[i]]);
	}
	w->busy_us = counter_get(&l->busy_us);
}

static void
figures(void *ctx, struct relay_figures *f)
{
	struct daemon *d = ctx;

	for (size_t i = 0; i < f->nworkers; i++)
		worker_figures(f, &f->workers[i],
		    &d->workers[i].pipeline.ledger);
}

static void
bell_rung(struct ev_loop *loop, ev_async *w, int revents);

static void
ring_bell(void *ctx)
{
	struct daemon *d = ctx;

	ev_async_send(d->loop, &d->bell);
}

static unsigned
count_workers(const struct conf *conf)
{
	long n = (long)conf->workers;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > 256 ? 256 : (unsigned)n;
}

static int
build_sinks(struct daemon *d, uint64_t seed)
{
	struct metrics_workers mw = { d->nworkers, swap_worker, books, figures, d };
	char error[ERROR_SIZE];

	if (events_init(&d->events, d->plan, error, sizeof error) != 0) {
		log_error("%s", error);
		return EX_OSERR;
	}
	if (metrics_init(&d->metrics, d->plan, seed, &mw) != 0) {
		log_error("metrics: %s", strerror(errno));
		return EX_OSERR;
	}
	if (logs_init(&d->logs, d->plan) != 0) {
		log_error("logs: %s", strerror(errno));
		return EX_OSERR;
	}
	return 0;
}

static int
build_workers(struct daemon *d, struct door_list *doors, uint64_t seed)
{
	struct pipeline_sinks sinks = {
		.metrics = &d->metrics.inbox, .events = &d->events.inbox,
		.logs = &d->logs.inbox,
		.take_half = metrics_take_half,
		.take_lines = metrics_take_lines,
		.take_points = metrics_take_points,
		.take_timed = metrics_take_timed,
		.take_logs = logs_take_batch,
		.take_events = events_take_batch,
		.take_ask = events_take_ask
	};

	for (unsigned i = 0; i < d->nworkers; i++) {
		struct worker *w = &d->workers[i];

		if (worker_init(w, i, d->plan, &sinks, seed) != 0) {
			log_error("worker %u: %s", i, strerror(errno));
			return EX_OSERR;
		}
		while (doors[i].first != NULL) {
			struct door *door = doors[i].first;

			doors[i].first = door->next;
			if (door_adopt(w, door) != 0)
				return EX_OSERR;
		}
	}
	return 0;
}

static int
start_threads(struct daemon *d)
{
	if (events_start(&d->events) != 0 || logs_start(&d->logs) != 0 ||
	    metrics_start(&d->metrics) != 0)
		return EX_OSERR;
	for (unsigned i = 0; i < d->nworkers; i++)
		if (thread_start(&d->workers[i].thread) != 0)
			return EX_OSERR;
	return 0;
}

/* Open for all workers what conf lists and old does not. */
static int
open_doors(struct daemon *d, const struct conf *conf, const struct conf *old,
    struct door_list *doors, int *code)
{
	char error[ERROR_SIZE];

	for (unsigned i = 0; i < d->nworkers; i++)
		if (doors_open(conf, old, i == 0 ? NULL : &doors[0],
		    &doors[i], error, sizeof error, code) != 0) {
			log_error("%s", error);
			while (i-- > 0)
				doors_free(&doors[i]);
			return -1;
		}
	return 0;
}

static int
build(struct daemon *d, struct conf *conf)
{
	char error[ERROR_SIZE];
	struct door_list *doors;
	uint64_t seed = hash_bytes("millrace", 8);
	uid_t uid;
	gid_t gid;
	int code = EX_OSERR;

	d->nworkers = count_workers(conf);
	d->workers = calloc(d->nworkers, sizeof *d->workers);
	doors = calloc(d->nworkers, sizeof *doors);
	d->plan = plan_new(conf, &d->registry, 1, error, sizeof error);
	if (d->plan == NULL) {
		log_error("%s", error);
		free(doors);
		return EX_CONFIG;
	}
	if (d->workers == NULL || doors == NULL ||
	    find_user(conf, &uid, &gid) != 0 ||
	    make_dirs(conf, uid, gid) != 0 ||
	    open_doors(d, conf, NULL, doors, &code) != 0)
		goto out;
	code = admin_open(d, error, sizeof error);
	if (code == 0)
		code = admin_listen(d, conf, error, sizeof error);
	if (code == 0)
		code = console_open(d, conf, error, sizeof error);
	if (code != 0) {
		log_error("%s", error);
		goto out;
	}
	code = EX_OSERR;
	if (write_pid(conf) != 0 || drop_privileges(conf, uid, gid) != 0)
		goto out;
	code = build_sinks(d, seed);
	if (code == 0)
		code = build_workers(d, doors, seed);
	if (code == 0)
		code = start_threads(d);
out:
	for (unsigned i = 0; doors != NULL && i < d->nworkers; i++)
		doors_free(&doors[i]);
	free(doors);
	return code;
}

/* ---- reloading ---- */

static void
notify_reloading(void)
{
	char text[64];

	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)(clock_mono_ns() / 1000));
	notify(text);
}

static void
reload_failed(struct daemon *d)
{
	d->reloads_failed++;
	log_error("reload failed: the old configuration stays in force");
	notify("READY=1");
}

static void
hand_out(struct daemon *d, struct plan *plan, struct door_list *doors)
{
	metrics_order_plan(&d->metrics, plan);
	events_order_plan(&d->events, plan);
	logs_order_plan(&d->logs, plan);
	for (unsigned i = 0; i < d->nworkers; i++)
		worker_order_plan(&d->workers[i], plan, &doors[i]);
}

/* The admin page and the management port; false: both stay, and it is said. */
static bool
move_pages(struct daemon *d, const struct conf *from, const struct conf *to)
{
	char error[ERROR_SIZE], ignored[ERROR_SIZE];

	if (admin_listen(d, to, error, sizeof error) == 0) {
		if (console_move(d, from, to, error, sizeof error))
			return true;
		admin_listen(d, from, ignored, sizeof ignored);
	}
	log_error("%s", error);
	return false;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What a running process cannot change about itself. */
static void
tell_what_waits(const struct conf *was, const struct conf *now)
{
	const struct { const char *key; bool same; } v[] = {
		{ "workers", count_workers(was) == count_workers(now) },
		{ "state_dir", same_text(was->state_dir, now->state_dir) },
		{ "user", same_text(was->user, now->user) },
		{ "group", same_text(was->group, now->group) },
		{ "pid_file", same_text(was->pid_file, now->pid_file) },
	};

	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		if (!v[i].same)
			log_warn("%s: has changed, and does so at the next start",
			    v[i].key);
}

static void
reload(struct daemon *d)
{
	char error[ERROR_SIZE];
	struct conf *conf;
	struct plan *plan;
	struct door_list *doors;
	int code;

	log_info("reading %s again", d->conf_path == NULL ?
	    "the embedded defaults" : d->conf_path);
	notify_reloading();
	conf = read_conf(d);
	if (conf == NULL) {
		reload_failed(d);
		return;
	}
	plan = plan_new(with_servers(d, conf), &d->registry,
	    next_version(d->plan), error, sizeof error);
	doors = calloc(d->nworkers, sizeof *doors);
	if (plan == NULL || doors == NULL ||
	    open_doors(d, plan->conf, d->plan->conf, doors, &code) != 0) {
		if (plan == NULL)
			log_error("%s", error);
		plan_unref(plan);
		free(doors);
		reload_failed(d);
		return;
	}
	if (!move_pages(d, d->plan->conf, plan->conf)) {
		for (unsigned i = 0; i < d->nworkers; i++)
			doors_free(&doors[i]);
		plan_unref(plan);
		free(doors);
		reload_failed(d);
		return;
	}
	use_log_level(plan->conf);
	hand_out(d, plan, doors);
	tell_what_waits(d->plan->conf, plan->conf);
	plan_unref(d->plan);
	d->plan = plan;
	d->reloads++;
	d->reloaded_ns = clock_real_ns();
	free(doors);
	log_info("reloaded: the new configuration is in force");
	notify("READY=1");
}

/* ---- following the names of servers ---- */

/* The same configuration with other servers. */
static void
follow(struct daemon *d, struct discovery *found)
{
	struct conf *conf = conf_derive(found->conf, found->v, found->n);
	struct door_list *doors = calloc(d->nworkers, sizeof *doors);
	struct plan *plan = NULL;
	char error[ERROR_SIZE] = "out of memory";

	if (doors != NULL)
		plan = plan_new(conf, &d->registry, next_version(d->plan),
		    error, sizeof error);
	else
		conf_free(conf);
	if (plan == NULL) {
		log_error("the servers' names stand for others now, but: %s",
		    error);
		free(doors);
		discovery_free(found);
		return;
	}
	hand_out(d, plan, doors);
	plan_unref(d->plan);
	d->plan = plan;
	free(doors);
	discovery_free(d->found);
	d->found = found;
	log_info("the names of servers stand for others now: %zu found",
	    found->n);
}

static void
looked(struct letter *l, void *ctx)
{
	struct daemon *d = ctx;
	struct discovery *found = (struct discovery *)l;

	if (d->state == DAEMON_READY &&
	    found->conf == conf_written(d->plan->conf) &&
	    !discovery_same(found, d->found))
		follow(d, found);
	else
		discovery_free(found);
	atomic_store(&d->looking, false);
}

struct look {
	struct daemon *d;
	struct conf *conf;
	struct discovery *before;
};

/* In a thread of its own: a name server may take its time. */
static void *
look_up(void *arg)
{
	struct look *k = arg;
	struct daemon *d = k->d;
	struct discovery *found = discover(k->conf, k->before);

	discovery_free(k->before);
	conf_free(k->conf);
	free(k);
	if (found == NULL) {
		atomic_store(&d->looking, false);
		return NULL;
	}
	found->letter.deliver = looked;
	inbox_put(&d->inbox, &found->letter, 0);
	return NULL;
}

static void
start_looking(struct daemon *d)
{
	struct look *k = calloc(1, sizeof *k);
	sigset_t all, old;
	pthread_t id;
	int rc;

	if (k == NULL)
		return;
	*k = (struct look){ d, conf_hold(conf_written(d->plan->conf)),
	    discovery_copy(d->found) };
	atomic_store(&d->looking, true);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&id, NULL, look_up, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0) {
		pthread_detach(id);
		return;
	}
	discovery_free(k->before);
	conf_free(k->conf);
	free(k);
	atomic_store(&d->looking, false);
}

static void
look_due(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	if (d->state == DAEMON_READY && !atomic_load(&d->looking) &&
	    conf_looks(conf_written(d->plan->conf)))
		start_looking(d);
	w->repeat = (double)d->plan->conf->dns.interval_ms / 1000;
	ev_timer_again(loop, w);
}

static void
start_following(struct daemon *d)
{
	ev_timer_init(&d->look, look_due, 0,
	    (double)d->plan->conf->dns.interval_ms / 1000);
	d->look.data = d;
	ev_timer_again(d->loop, &d->look);
}

/* ---- draining ----
 *
 * First the workers read what is there and their senders get their answers;
 * then the sinks flush and write; then all threads leave. */

static void
one_done(void *ctx)
{
	struct daemon *d = ctx;

	atomic_fetch_add(&d->done, 1);
	ring_bell(d);
}

static unsigned
left_ms(const struct daemon *d)
{
	return (unsigned)(d->plan->conf->drain_ms / 2);
}

static void
drain_workers(struct daemon *d)
{
	d->phase = 1;
	atomic_store(&d->done, 0);
	for (unsigned i = 0; i < d->nworkers; i++)
		worker_order_drain(&d->workers[i], one_done, d);
}

static void
drain_sinks(struct daemon *d)
{
	d->phase = 2;
	atomic_store(&d->done, 0);
	metrics_order_end(&d->metrics, left_ms(d), one_done, d);
	events_order_end(&d->events, left_ms(d), one_done, d);
	logs_order_end(&d->logs, one_done, d);
}

static void
drain_step(struct daemon *d)
{
	unsigned done = atomic_load(&d->done);

	if (d->phase == 1 && done == d->nworkers) {
		drain_sinks(d);
	} else if (d->phase == 2 && done == 3) {
		d->phase = 3;
		for (unsigned i = 0; i < d->nworkers; i++)
			worker_order_stop(&d->workers[i]);
		ev_break(d->loop, EVBREAK_ALL);
	}
}

static void
bell_rung(struct ev_loop *loop, ev_async *w, int revents)
{
	struct daemon *d = w->data;

	inbox_take(&d->inbox, d);
	if (d->phase > 0)
		drain_step(d);
}

static void
too_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	log_error("draining took too long: what is left is lost");
	d->status = EX_TEMPFAIL;
	_exit(d->status);
}

static void
end(struct daemon *d, int signum)
{
	if (d->state == DAEMON_DRAINING) {
		log_warn("told to end twice: ending now");
		_exit(EX_TEMPFAIL);
	}
	log_info("%s: draining", strsignal(signum));
	notify("STOPPING=1");
	d->state = DAEMON_DRAINING;
	ev_timer_init(&d->deadline, too_late,
	    (double)d->plan->conf->drain_ms / 1000 + 1, 0);
	d->deadline.data = d;
	ev_timer_start(d->loop, &d->deadline);
	drain_workers(d);
}

/* ---- signals ---- */

static void
signalled(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;

	switch (w->signum) {
	case SIGHUP:
		if (d->state == DAEMON_READY)
			reload(d);
		break;
	case SIGUSR1:
		logs_order_reopen(&d->logs);
		break;
	default:
		end(d, w->signum);
	}
}

static void
catch_signals(struct daemon *d)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
		ev_signal_init(&d->signals[i], signalled, caught[i]);
		d->signals[i].data = d;
		ev_signal_start(d->loop, &d->signals[i]);
	}
}

/* ---- the whole ---- */

static void
take_apart(struct daemon *d)
{
	for (unsigned i = 0; d->workers != NULL && i < d->nworkers; i++)
		if (d->workers[i].thread.running) {
			pthread_join(d->workers[i].thread.id, NULL);
			d->workers[i].thread.running = false;
		}
	metrics_fini(&d->metrics);
	events_fini(&d->events);
	logs_fini(&d->logs);
	for (unsigned i = 0; d->workers != NULL && i < d->nworkers; i++)
		worker_fini(&d->workers[i]);
	free(d->workers);
	admin_close(d);
	console_close(d);
	if (d->plan != NULL && d->plan->conf->pid_file != NULL)
		unlink(d->plan->conf->pid_file);
	plan_unref(d->plan);
	plan_registry_free(&d->registry);
	statsd_mode_stop(&d->statsd, d->loop);
	discovery_free(d->found);
	inbox_take(&d->inbox, d);	/* answers that came meanwhile */
	if (!d->looking)
		ev_loop_destroy(d->loop);
}

static void
file_changed(void *ctx)
{
	struct daemon *d = ctx;

	if (d->state == DAEMON_READY)
		reload(d);
}

static void
say_ready(struct daemon *d)
{
	const struct conf *c = d->plan->conf;

	log_info("millrace %s is ready: %u workers, state in %s",
	    PACKAGE_VERSION, d->nworkers, keeps_state(c) ? c->state_dir :
	    "memory");
	notify("READY=1");
	if (d->statsd.path != NULL)
		statsd_mode_ready(&d->statsd, d->loop, file_changed, d);
}

static struct daemon *left_behind;

/* Batches of some hundred KiB go from thread to thread all the time; to give
 * their pages back each time costs more than what is in them. */
static void
keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

int
daemon_run(const char *conf_path, const char *statsd_path)
{
	struct daemon *d = calloc(1, sizeof *d);
	struct conf *conf;
	int status;

	if (d == NULL)
		return EX_OSERR;
	clock_from_env();
	d->conf_path = statsd_path != NULL ? statsd_path : conf_path;
	d->statsd.path = statsd_path;
	d->started_ns = clock_real_ns();
	conf = read_conf(d);
	if (conf == NULL) {
		free(d);
		return EX_CONFIG;
	}
	use_log_level(conf);
	conf = with_servers(d, conf);
	keep_memory();
	raise_limits();
	listen_inherit();
	d->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV | EVFLAG_SIGNALFD);
	inbox_init(&d->inbox, 1 << 20, ring_bell, NULL, d);
	ev_async_init(&d->bell, bell_rung);
	d->bell.data = d;
	ev_async_start(d->loop, &d->bell);
	catch_signals(d);
	status = build(d, conf);
	if (status == 0) {
		listen_inherit_close();
		d->state = DAEMON_READY;
		start_watchdog(d);
		start_following(d);
		say_ready(d);
		ev_run(d->loop, 0);
		status = d->status;
		log_info("ended");
	} else {
		_exit(status);	/* some threads may run */
	}
	take_apart(d);
	if (d->looking)
		left_behind = d;	/* a thread will write to its inbox */
	else
		free(d);
	return status;
}
