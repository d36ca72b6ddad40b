/* closer.h - what happens to closed files, in a thread of its own and nice.
 *
 * They are packed, the archive's command is run for each, and they are removed
 * when they are too old or too many.  What has to be done is seen in the
 * directory, so a crash forgets nothing: see archive_names.h. */
#ifndef MILLRACE_SINK_CLOSER_H
#define MILLRACE_SINK_CLOSER_H

#include <stdint.h>

#include "conf/conf.h"

struct closer;

struct closer_stats {
	uint64_t packed, text_bytes, packed_bytes;
	uint64_t commands, command_failures, removed, errors;
	uint64_t waiting;		/* files to be packed */
};

/* Copies what it needs of conf.  Looks through the directory first.  NULL with
 * errno. */
struct closer *closer_new(const struct conf_archive *conf);
void closer_conf(struct closer *p, const struct conf_archive *conf);
/* A segment was closed: its path below the directory.  Any thread. */
void closer_add(struct closer *p, const char *path);
void closer_stats(struct closer *p, struct closer_stats *out);
/* Leaves what is not done for the next start. */
void closer_free(struct closer *p);

/* Pack one closed file of a directory: beside it, synced, renamed, and then
 * the plain one is removed.  -1 with errno; ECANCELED when *stop became true.
 * before, if not NULL, is called when the packed file is ready to get its name. */
int pack_file(int dir, const char *path, int level, uint8_t format,
    const _Atomic bool *stop, int (*before)(void *ctx, const char *packed),
    void *ctx, struct closer_stats *stats);

#endif
