/* repeats.c - two memories of the same shape: all that was taken, in this
 * process, and all that was written, in a mapped file. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sink/repeats.h"

#define MAGIC UINT64_C(0x32307365722d726d)
#define FLIGHT_MAX 65536u	/* lines in one write */

struct sender {
	uint64_t used;		/* the memory's clock when it was last noted */
	uint64_t head;		/* noted so far */
	uint64_t message[REPEATS_SPAN];
	uint32_t connection[REPEATS_SPAN];
};

struct memory {
	uint64_t clock;
	uint64_t name[REPEATS_SENDERS];	/* of v[i], 0: free.  By themselves, so
					 * that a search touches nothing else */
	struct sender v[REPEATS_SENDERS];
};

/* The file; nearly all of it is never touched. */
struct image {
	uint64_t magic, size;
	char boot[40];
	_Atomic uint32_t flying;	/* a write is under way, this one: */
	uint32_t n;
	int64_t at;
	char dir[PATH_MAX], path[PATH_MAX];
	struct repeat flight[FLIGHT_MAX];
	struct memory written;
};

struct repeats {
	int fd;
	struct image *image;
	struct memory *taken;
};

/* ---- one memory ---- */

static struct sender *
find(const struct memory *m, uint64_t sender)
{
	for (size_t i = 0; i < REPEATS_SENDERS; i++)
		if (m->name[i] == sender)
			return (struct sender *)&m->v[i];
	return NULL;
}

/* A place for a new sender: the one whose latest note is oldest. */
static struct sender *
room(struct memory *m, uint64_t sender)
{
	size_t at = 0;

	for (size_t i = 1; i < REPEATS_SENDERS && m->name[at] != 0; i++)
		if (m->name[i] == 0 || m->v[i].used < m->v[at].used)
			at = i;
	m->v[at].head = 0;
	m->name[at] = sender;
	return &m->v[at];
}

static uint64_t
name_of(uint64_t sender)
{
	return sender == 0 ? 1 : sender;
}

static void
note(struct memory *m, const struct repeat *r)
{
	uint64_t name = name_of(r->sender);
	struct sender *s = find(m, name);

	if (s == NULL)
		s = room(m, name);
	s->used = ++m->clock;
	s->message[s->head % REPEATS_SPAN] = r->message;
	s->connection[s->head % REPEATS_SPAN] = r->connection;
	s->head++;
}

static size_t
held(const struct sender *s)
{
	return s->head < REPEATS_SPAN ? (size_t)s->head : REPEATS_SPAN;
}

static void
forget(struct memory *m, uint64_t sender, uint32_t connection)
{
	struct sender *s = find(m, name_of(sender));

	if (s == NULL)
		return;
	for (size_t i = 0; i < held(s); i++)
		if (s->connection[i] == connection)
			s->message[i] = 0;
}

bool
repeats_has(const struct repeats *r, const struct repeat *m)
{
	const struct sender *s = find(r->taken, name_of(m->sender));

	if (s == NULL)
		return false;
	for (size_t i = 0; i < held(s); i++)
		if (s->message[i] == m->message &&
		    s->connection[i] != m->connection)
			return true;
	return false;
}

void
repeats_note(struct repeats *r, const struct repeat *m)
{
	note(r->taken, m);
}

void
repeats_forget(struct repeats *r, uint64_t sender, uint32_t connection)
{
	forget(r->taken, sender, connection);
	forget(&r->image->written, sender, connection);
}

/* ---- a write ---- */

void
repeats_begin(struct repeats *r, const char *dir, const char *path,
    int64_t size, const struct repeat *v, size_t n)
{
	struct image *m = r->image;

	if (n == 0)
		return;
	if (n > FLIGHT_MAX) {		/* of a file that could not be written */
		v += n - FLIGHT_MAX;	/* for long: the latest matter most */
		n = FLIGHT_MAX;
	}
	m->n = (uint32_t)n;
	m->at = size;
	snprintf(m->dir, sizeof m->dir, "%s", dir);
	snprintf(m->path, sizeof m->path, "%s", path);
	memcpy(m->flight, v, n * sizeof *v);
	atomic_store(&m->flying, 1);
}

void
repeats_commit(struct repeats *r)
{
	struct image *m = r->image;

	if (atomic_load(&m->flying) == 0)
		return;
	for (uint32_t i = 0; i < m->n; i++)
		note(&m->written, &m->flight[i]);
	atomic_store(&m->flying, 0);
}

void
repeats_abort(struct repeats *r)
{
	atomic_store(&r->image->flying, 0);
}

/* ---- the file ---- */

static void
read_boot(char boot[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, boot, 36);

	if (fd != -1)
		close(fd);
	memset(boot + (n > 0 ? n : 0), 0, (size_t)(40 - (n > 0 ? n : 0)));
}

static bool
usable(const struct image *m, const char *boot)
{
	if (m->magic != MAGIC || m->size != sizeof *m || boot[0] == '\0' ||
	    memcmp(m->boot, boot, sizeof m->boot) != 0 ||
	    m->n > FLIGHT_MAX || memchr(m->dir, 0, sizeof m->dir) == NULL ||
	    memchr(m->path, 0, sizeof m->path) == NULL)
		return false;
	return true;
}

/* The process before died in a write: what of it has come to be? */
static void
land(struct image *m)
{
	char name[2 * PATH_MAX];
	struct stat st;
	uint32_t i = 0;

	snprintf(name, sizeof name, "%s/%s", m->dir, m->path);
	if (stat(name, &st) == 0)
		while (i < m->n && m->at + (int64_t)m->flight[i].end <=
		    st.st_size)
			note(&m->written, &m->flight[i++]);
	if (m->n > 0)
		log_info("archive: %s was being written at a sudden end; %u of "
		    "%u lines are there", name, i, m->n);
	atomic_store(&m->flying, 0);
}

static int
map_image(struct repeats *r)
{
	int flags = r->fd == -1 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *at;

	/* a hole that the disk has no room for would be a SIGBUS later */
	if (r->fd != -1 && (errno = posix_fallocate(r->fd, 0,
	    (off_t)sizeof *r->image)) != 0)
		return -1;
	at = mmap(NULL, sizeof *r->image, PROT_READ | PROT_WRITE, flags,
	    r->fd, 0);
	if (at == MAP_FAILED)
		return -1;
	r->image = at;
	return 0;
}

static int
load(struct repeats *r)
{
	char boot[40];

	read_boot(boot);
	if (map_image(r) != 0)
		return -1;
	if (!usable(r->image, boot)) {
		munmap(r->image, sizeof *r->image);
		r->image = NULL;
		if ((r->fd != -1 && ftruncate(r->fd, 0) != 0) ||
		    map_image(r) != 0)
			return -1;
		memcpy(r->image->boot, boot, sizeof boot);
		r->image->size = sizeof *r->image;
		r->image->magic = MAGIC;
	}
	if (atomic_load(&r->image->flying) != 0)
		land(r->image);
	for (size_t i = 0; i < REPEATS_SENDERS; i++)
		if ((r->taken->name[i] = r->image->written.name[i]) != 0)
			r->taken->v[i] = r->image->written.v[i];
	r->taken->clock = r->image->written.clock;
	return 0;
}

struct repeats *
repeats_open(const char *path)
{
	struct repeats *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->taken = calloc(1, sizeof *r->taken);
	r->fd = path == NULL ? -1 :
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (r->taken == NULL || (r->fd == -1 && path != NULL) || load(r) != 0) {
		int saved = errno;

		repeats_close(r);
		errno = saved;
		return NULL;
	}
	return r;
}

void
repeats_close(struct repeats *r)
{
	if (r == NULL)
		return;
	if (r->image != NULL)
		munmap(r->image, sizeof *r->image);
	if (r->fd != -1)
		close(r->fd);
	free(r->taken);
	free(r);
}
