/* tail_places.c - a mapped array. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "front/tail_places.h"

#define MAGIC UINT64_C(0x316c6961742d726d)

struct image {
	uint64_t magic, size, noted;
	struct tail_place v[TAIL_FILES];
};

struct tail_places {
	int fd;
	struct image *image;
};

static int
map_image(struct tail_places *p)
{
	int flags = p->fd == -1 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *at;

	if (p->fd != -1 && (errno = posix_fallocate(p->fd, 0,
	    (off_t)sizeof *p->image)) != 0)
		return -1;
	at = mmap(NULL, sizeof *p->image, PROT_READ | PROT_WRITE, flags,
	    p->fd, 0);
	if (at == MAP_FAILED)
		return -1;
	p->image = at;
	if (p->image->magic != MAGIC || p->image->size != sizeof *p->image) {
		memset(p->image, 0, sizeof *p->image);
		p->image->size = sizeof *p->image;
		p->image->magic = MAGIC;
	}
	for (unsigned i = 0; i < TAIL_FILES; i++)
		p->image->v[i].path[TAIL_PATH - 1] = '\0';
	return 0;
}

struct tail_places *
tail_places_open(const char *path)
{
	struct tail_places *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->fd = path == NULL ? -1 :
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if ((p->fd == -1 && path != NULL) || map_image(p) != 0) {
		int saved = errno;

		tail_places_close(p);
		errno = saved;
		return NULL;
	}
	return p;
}

void
tail_places_close(struct tail_places *p)
{
	if (p == NULL)
		return;
	if (p->image != NULL)
		munmap(p->image, sizeof *p->image);
	if (p->fd != -1)
		close(p->fd);
	free(p);
}

bool
tail_places_fresh(const struct tail_places *p)
{
	return p->image->noted == 0;
}

struct tail_place *
tail_places_find(struct tail_places *p, uint64_t dev, uint64_t ino)
{
	for (unsigned i = 0; i < TAIL_FILES; i++) {
		struct tail_place *v = &p->image->v[i];

		if (v->used != 0 && v->ino == ino && v->dev == dev)
			return v;
	}
	return NULL;
}

struct tail_place *
tail_places_new(struct tail_places *p)
{
	for (unsigned i = 0; i < TAIL_FILES; i++)
		if (p->image->v[i].used == 0) {
			memset(&p->image->v[i], 0, sizeof p->image->v[i]);
			p->image->v[i].used = 1;
			p->image->noted++;
			return &p->image->v[i];
		}
	return NULL;
}

struct tail_place *
tail_places_at(struct tail_places *p, unsigned i)
{
	return &p->image->v[i];
}

void
tail_places_free(struct tail_places *p, struct tail_place *place)
{
	place->used = 0;
}
