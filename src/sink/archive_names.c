/* archive_names.c - what the files of an archive are called, and finding them. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/archive_names.h"

#define DEPTH_MAX 32
#define STAMP_LEN 17		/* @20260822T140000Z */

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
fits(int n, size_t size)
{
	return n >= 0 && (size_t)n < size;
}

bool
archive_name_closed(const char *path, int64_t first_ns, unsigned try,
    char *out, size_t size)
{
	const char *base = last_part(path), *dot = strrchr(base, '.');
	time_t t = (time_t)(first_ns / NS_PER_S);
	char stamp[32], again[16] = "";
	struct tm tm;

	if (dot == NULL || dot == base)
		dot = path + strlen(path);
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(stamp, sizeof stamp, "@%Y%m%dT%H%M%SZ", &tm) != STAMP_LEN)
		return false;
	if (try > 1)
		snprintf(again, sizeof again, "-%u", try);
	return fits(snprintf(out, size, "%.*s%s%s%s", (int)(dot - path), path,
	    stamp, again, dot), size);
}

bool
archive_name_todo(const char *path, char *out, size_t size)
{
	const char *base = last_part(path);

	return fits(snprintf(out, size, "%.*s.%s.todo", (int)(base - path),
	    path, base), size);
}

bool
archive_name_done(const char *todo, char *out, size_t size)
{
	const char *base = last_part(todo);
	size_t len = strlen(base);

	if (len < 6 || *base != '.')
		return false;
	return fits(snprintf(out, size, "%.*s%.*s", (int)(base - todo), todo,
	    (int)(len - 6), base + 1), size);
}

char *
archive_pattern(const char *template)
{
	char *out = malloc(2 * strlen(template) + 1), *p = out;

	if (out == NULL)
		return NULL;
	for (const char *t = template; *t != '\0'; t++) {
		if (*t == '{' && strchr(t, '}') != NULL) {
			*p++ = '*';
			t = strchr(t, '}');
			continue;
		}
		if (strchr("*?[\\", *t) != NULL)
			*p++ = '\\';
		*p++ = *t;
	}
	*p = '\0';
	return out;
}

/* The length of "@20260822T140000Z-2" at p, or 0. */
static size_t
stamp_len(const char *p)
{
	static const char form[] = "@ddddddddTddddddZ";
	size_t n = 0;

	for (; form[n] != '\0'; n++)
		if (form[n] == 'd' ? p[n] < '0' || p[n] > '9' : p[n] != form[n])
			return 0;
	if (p[n] == '-')
		for (n++; p[n] >= '0' && p[n] <= '9'; n++)
			continue;
	return p[n] == '.' || p[n] == '\0' ? n : 0;
}

static bool
cut_end(char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	if (len <= n || strcmp(s + len - n, end) != 0)
		return false;
	s[len - n] = '\0';
	return true;
}

enum archive_kind
archive_kind(const char *path, const char *pattern)
{
	char name[ARCHIVE_PATH], *base, *at;
	enum archive_kind kind = ARCHIVE_OPEN;
	size_t n;

	if (!fits(snprintf(name, sizeof name, "%s", path), sizeof name))
		return ARCHIVE_OTHER;
	base = name + (last_part(name) - name);
	if (*base == '.') {
		if (!cut_end(base, ".todo"))
			return ARCHIVE_OTHER;
		memmove(base, base + 1, strlen(base));
		cut_end(base, ".zst");
		kind = ARCHIVE_TODO;
	} else if (cut_end(base, ".zst.part")) {
		kind = ARCHIVE_PART;
	} else if (cut_end(base, ".zst")) {
		kind = ARCHIVE_PACKED;
	}
	at = strrchr(base, '@');
	n = at == NULL ? 0 : stamp_len(at);
	if (n > 0)
		memmove(at, at + n, strlen(at + n) + 1);
	if ((n == 0 && kind != ARCHIVE_OPEN && pattern != NULL) ||
	    (pattern != NULL && fnmatch(pattern, name, FNM_PATHNAME) != 0))
		return ARCHIVE_OTHER;
	return kind == ARCHIVE_OPEN && n > 0 ? ARCHIVE_CLOSED : kind;
}

struct walk {
	const char *pattern;
	bool (*fn)(void *, const char *, enum archive_kind, const struct stat *);
	void *ctx;
};

/* path has room for ARCHIVE_PATH bytes, len of which are the directory's. */
static bool
walk_dir(const struct walk *w, int fd, char *path, size_t len, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	bool go_on = true;

	if (d == NULL) {
		close(fd);
		return true;
	}
	while (go_on && (e = readdir(d)) != NULL) {
		struct stat st;
		enum archive_kind kind;

		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    !fits(snprintf(path + len, ARCHIVE_PATH - len, "%s%s",
		    len > 0 ? "/" : "", e->d_name), ARCHIVE_PATH - len) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			int sub = openat(dirfd(d), e->d_name, O_RDONLY |
			    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (sub != -1)
				go_on = walk_dir(w, sub, path, strlen(path),
				    depth + 1);
		} else if (S_ISREG(st.st_mode)) {
			kind = archive_kind(path, w->pattern);
			if (kind != ARCHIVE_OTHER)
				go_on = w->fn(w->ctx, path, kind, &st);
		}
	}
	closedir(d);
	return go_on;
}

void
archive_walk(int dir, const char *pattern,
    bool (*fn)(void *ctx, const char *path, enum archive_kind kind,
    const struct stat *st), void *ctx)
{
	struct walk w = { pattern, fn, ctx };
	char path[ARCHIVE_PATH] = "";
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1)
		walk_dir(&w, fd, path, 0, 0);
}

int
archive_make_dirs(int dir, char *path)
{
	for (char *at = path; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		if (*path != '\0' && mkdirat(dir, path, 0750) != 0 &&
		    errno != EEXIST) {
			*at = '/';
			return -1;
		}
		*at = '/';
	}
	return 0;
}

int
archive_sync_dir(int dir, const char *path)
{
	char parent[ARCHIVE_PATH];
	const char *base = last_part(path);
	int fd, rc, saved;

	if (base == path)
		snprintf(parent, sizeof parent, ".");
	else if (!fits(snprintf(parent, sizeof parent, "%.*s",
	    (int)(base - path), path), sizeof parent))
		return -1;
	fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}
