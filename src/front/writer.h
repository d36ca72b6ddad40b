/* writer.h - how log messages are written into archives: file and line. */
#ifndef MILLRACE_FRONT_WRITER_H
#define MILLRACE_FRONT_WRITER_H

#include "base/buf.h"
#include "conf/conf.h"
#include "record/record.h"

struct log_writer;

/* One per worker.  NULL: no memory. */
struct log_writer *writer_new(const struct conf *conf);
void writer_free(struct log_writer *w);

/* The file below the archive's directory, and the line with its newline; ctx
 * is a struct worker. */
bool writer_path(void *ctx, unsigned archive, const struct record *r,
    struct buf *out);
bool writer_line(void *ctx, unsigned archive, const struct record *r,
    struct buf *out);

#endif
