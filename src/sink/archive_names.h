/* archive_names.h - what the files of an archive are called, and finding them.
 *
 *	web1/sshd.log				open, appended to
 *	web1/sshd@20260822T140000Z.log		closed, as it was (the UTC time of
 *						its first line; -2, -3 when taken)
 *	web1/sshd@20260822T140000Z.log.zst	closed and packed
 *	....zst.part				being packed: worth nothing yet
 *	web1/.sshd@20260822T140000Z.log.zst.todo  its command has yet to succeed
 *
 * No host or app can make such a name: '@' in one becomes '_'. */
#ifndef MILLRACE_SINK_ARCHIVE_NAMES_H
#define MILLRACE_SINK_ARCHIVE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ARCHIVE_PATH 1280

enum archive_kind {
	ARCHIVE_OPEN, ARCHIVE_CLOSED, ARCHIVE_PACKED, ARCHIVE_PART,
	ARCHIVE_TODO,
	ARCHIVE_OTHER		/* none of ours */
};

/* The name of a closed segment of `path`, try 1, 2, ...  False: too long. */
bool archive_name_closed(const char *path, int64_t first_ns, unsigned try,
    char *out, size_t size);
/* The marker beside a closed file. */
bool archive_name_todo(const char *path, char *out, size_t size);
/* The closed file that a marker stands for. */
bool archive_name_done(const char *todo, char *out, size_t size);
/* A pattern for fnmatch that fits what a template gives; malloc. */
char *archive_pattern(const char *template);
/* What a file is; pattern NULL fits all, packed files of other makers too. */
enum archive_kind archive_kind(const char *path, const char *pattern);

/* Call fn for each regular file of the archive below dir, in no order.  Follows
 * no symbolic link.  fn gives false to stop. */
void archive_walk(int dir, const char *pattern,
    bool (*fn)(void *ctx, const char *path, enum archive_kind kind,
    const struct stat *st), void *ctx);
/* Make the directories above path. */
int archive_make_dirs(int dir, char *path);
/* fsync the directory that path is in. */
int archive_sync_dir(int dir, const char *path);

#endif
