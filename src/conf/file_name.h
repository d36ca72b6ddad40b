/* file_name.h - file names made from records: "{host}/{app}-{date}.log".
 *
 * What comes from the wire can choose among names but not leave the directory:
 * each variable gives one clean piece of a name.  Bytes other than letters,
 * digits, '.', '_' and '-' become '_', as does a '.' or '-' at its front; nothing
 * becomes "_"; more than 64 bytes are cut and followed by 8 hex digits of a
 * hash of the whole (FNV-1a, 32 bits), so that long names stay apart.  Hosts are
 * in lower case.  Dates are those of receipt, in UTC: a wrong clock makes no
 * files in 2099.
 *
 * Variables: {host} {app} {facility} {severity} {source} {peer} {date} {hour}
 * {year} {month} {day}.  {peer} is without its port. */
#ifndef MILLRACE_CONF_FILE_NAME_H
#define MILLRACE_CONF_FILE_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "record/record.h"

#define FILE_NAME_PARTS 32
#define FILE_NAME_PIECE 64	/* bytes of a variable before it is cut */
/* The longest piece between slashes that a template may ever give: what is
 * left of 255 bytes is for what a closed file is called: "@STAMP-N.log.zst"
 * and then ".part". */
#define FILE_NAME_COMPONENT 224
#define FILE_NAME_PATH 1024

enum file_name_kind {
	FILE_NAME_TEXT,
	FILE_NAME_HOST, FILE_NAME_APP, FILE_NAME_FACILITY, FILE_NAME_SEVERITY,
	FILE_NAME_SOURCE, FILE_NAME_PEER,
	FILE_NAME_DATE,		/* 2026-08-22 */
	FILE_NAME_HOUR, FILE_NAME_YEAR, FILE_NAME_MONTH, FILE_NAME_DAY,
	FILE_NAME_KINDS
};

/* A template taken apart; texts borrow from it. */
struct file_name {
	struct {
		enum file_name_kind kind;
		struct slice text;
	} parts[FILE_NAME_PARTS];
	size_t n;
	unsigned uses;		/* bits 1 << kind: what the names depend on */
};

/* False: *at is the offset in the template of what is wrong, *why says it in
 * words; *f means nothing.  Besides unknown variables these are wrong: an
 * absolute path, "." and ".." and empty pieces, control bytes, names that could
 * become too long. */
bool file_name_compile(struct file_name *f, struct slice template, size_t *at,
    const char **why);
/* The same, giving a block that owns a copy of the template; NULL with *why NULL
 * when there is no memory.  at and why may be NULL. */
struct file_name *file_name_new(struct slice template, size_t *at,
    const char **why);
void file_name_free(struct file_name *f);
/* Append the relative path of a record's file.  False: out has no room, and is
 * unchanged.  Never more than FILE_NAME_PATH bytes. */
bool file_name_expand(const struct file_name *f, const struct record *r,
    struct buf *out);
/* Append s as one clean piece. */
bool file_name_piece(struct slice s, bool lower, struct buf *out);

#endif
