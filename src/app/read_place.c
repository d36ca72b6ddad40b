/* read_place.c - where a group is in a journal. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/read_place.h"
#include "base/buf.h"
#include "base/json.h"

/* The path, and ".dead", ".lock" or ".new". */
#define SUFFIXED (READ_PLACE_PATH + 8)

/* Any name as that of a file. */
static bool
add_name(struct buf *to, const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	size_t begin = to->len;

	for (; *name != '\0'; name++) {
		bool fine = strchr(plain, *name) != NULL &&
		    (*name != '.' || to->len > begin);

		if (!(fine ? buf_addc(to, *name) :
		    buf_printf(to, "%%%02X", (unsigned)(uint8_t)*name)))
			return false;
	}
	return true;
}

static int
complain(const char *path, int status)
{
	fprintf(stderr, "millrace read: %s: %s\n", path, strerror(errno));
	return status;
}

/* Make the directories, and the path of the file in the last. */
static int
make_path(struct read_place *p, const char *journal, const char *group,
    const char *stream)
{
	struct buf path = BUF_INIT(sizeof p->path);
	size_t len = strlen(journal);
	int status = EX_USAGE;

	while (len > 1 && journal[len - 1] == '/')
		len--;
	errno = ENAMETOOLONG;
	if (!buf_add(&path, journal, len) || !buf_adds(&path, ".groups") ||
	    !buf_addc(&path, '\0'))
		goto out;
	status = EX_CANTCREAT;
	if (mkdir(path.data, 0700) == -1 && errno != EEXIST)
		goto out;
	path.len--;
	errno = ENAMETOOLONG;
	if (!buf_addc(&path, '/') || !add_name(&path, group) ||
	    !buf_addc(&path, '\0') ||
	    (mkdir(path.data, 0700) == -1 && errno != EEXIST))
		goto out;
	path.len--;
	errno = ENAMETOOLONG;
	if (!buf_addc(&path, '/') || !add_name(&path, stream) ||
	    !buf_addc(&path, '\0'))
		goto out;
	memcpy(p->path, path.data, path.len);
	status = 0;
out:
	if (status != 0)
		complain(path.len > 0 ? path.data : journal, status);
	buf_fini(&path);
	return status;
}

static void
with_suffix(const struct read_place *p, const char *suffix,
    char path[SUFFIXED])
{
	snprintf(path, SUFFIXED, "%s%s", p->path, suffix);
}

static bool
parse(struct read_place *p, const char *line)
{
	unsigned node[16];
	int at = 0;

	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %n", &p->lsn, &p->seq,
	    &at) != 2 || at == 0)
		return false;
	for (size_t i = 0; i < 16; i++, at += 2) {
		if (sscanf(line + at, "%2x", &node[i]) != 1)
			return false;
		p->node[i] = (uint8_t)node[i];
	}
	return true;
}

static int
load(struct read_place *p)
{
	FILE *f = fopen(p->path, "re");
	char line[128] = "";
	bool good;

	if (f == NULL)
		return errno == ENOENT ? 0 : complain(p->path, EX_NOINPUT);
	good = fgets(line, sizeof line, f) != NULL && parse(p, line);
	fclose(f);
	if (good)
		return 0;
	fprintf(stderr, "millrace read: %s: says nothing that is understood; "
	    "remove it to begin anew\n", p->path);
	return EX_DATAERR;
}

int
read_place_open(struct read_place *p, const char *journal, const char *group,
    const char *stream)
{
	char lock[SUFFIXED];
	int status;

	memset(p, 0, sizeof *p);
	p->lock = -1;
	status = make_path(p, journal, group, stream);
	if (status != 0)
		return status;
	with_suffix(p, ".lock", lock);
	p->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->lock == -1)
		return complain(lock, EX_CANTCREAT);
	if (flock(p->lock, LOCK_EX | LOCK_NB) == -1) {
		fprintf(stderr, "millrace read: another process reads %s for "
		    "group %s\n", stream, group);
		return EX_TEMPFAIL;
	}
	return load(p);
}

bool
read_place_save(const struct read_place *p)
{
	char making[SUFFIXED];
	FILE *f;
	bool ok;

	with_suffix(p, ".new", making);
	f = fopen(making, "we");
	if (f == NULL)
		return false;
	fprintf(f, "%" PRIu64 " %" PRIu64 " ", p->lsn, p->seq);
	for (size_t i = 0; i < sizeof p->node; i++)
		fprintf(f, "%02x", p->node[i]);
	fputc('\n', f);
	ok = fflush(f) == 0;
	ok = fclose(f) == 0 && ok;
	return ok && rename(making, p->path) == 0;
}

bool
read_place_bury(const struct read_place *p, struct slice json, unsigned tries,
    const char *why)
{
	struct buf line = BUF_INIT(json.len + 4096);
	bool ok = false, bad = false;
	char dead[SUFFIXED];
	int fd;

	with_suffix(p, ".dead", dead);
	fd = open(dead, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd != -1 && buf_printf(&line, "{\"tries\":%u,\"error\":", tries) &&
	    json_add_string(&line, slice_str(why), &bad) && buf_adds(&line, ",\"event\":") &&
	    buf_add_slice(&line, json) && buf_adds(&line, "}\n"))
		ok = write(fd, line.data, line.len) == (ssize_t)line.len &&
		    fdatasync(fd) == 0;
	if (fd != -1)
		close(fd);
	buf_fini(&line);
	return ok;
}

void
read_place_close(struct read_place *p)
{
	if (p->lock != -1)
		close(p->lock);
	p->lock = -1;
}
