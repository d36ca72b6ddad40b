/* writer.c - templates and formats of the archives, compiled once. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "front/writer.h"
#include "front/worker.h"
#include "conf/file_name.h"
#include "proto/log_line.h"
#include "proto/syslog_write.h"

struct log_writer {
	size_t n;
	struct {
		struct file_name *name;
		enum log_format format;
	} archive[PLAN_MAX_ARCHIVES];
	size_t nforwards;
	enum syslog_form form[PLAN_MAX_ARCHIVES];
	struct log_clock clock;
};

struct log_writer *
writer_new(const struct conf *conf)
{
	struct log_writer *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	for (; w->n < conf->narchives && w->n < PLAN_MAX_ARCHIVES; w->n++) {
		const struct conf_archive *a = &conf->archives[w->n];

		w->archive[w->n].name = file_name_new(slice_str(a->file),
		    NULL, NULL);
		if (w->archive[w->n].name == NULL ||
		    !log_format_named(slice_str(a->format),
		    &w->archive[w->n].format)) {
			w->n++;
			writer_free(w);
			return NULL;
		}
	}
	for (; w->nforwards < conf->nforwards &&
	    w->nforwards < PLAN_MAX_ARCHIVES; w->nforwards++)
		w->form[w->nforwards] = (enum syslog_form)
		    conf->forwards[w->nforwards].format;
	return w;
}

void
writer_free(struct log_writer *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++)
		file_name_free(w->archive[i].name);
	free(w);
}

bool
writer_path(void *ctx, unsigned archive, const struct record *r,
    struct buf *out)
{
	struct worker *w = ctx;

	if (archive >= w->writer->n)	/* a forward has no files */
		return archive - w->writer->n < w->writer->nforwards;
	return
	    file_name_expand(w->writer->archive[archive].name, r, out);
}

/* Stamps of RFC 3164 have no zone: whoever reads them takes them for local. */
static int32_t
zone_at(enum syslog_form form, const struct record *r)
{
	time_t s = (time_t)((r->time_ns != 0 ? r->time_ns : r->received_ns) /
	    1000000000);
	struct tm tm;

	if (form != SYSLOG_RFC3164 || localtime_r(&s, &tm) == NULL)
		return 0;
	return (int32_t)tm.tm_gmtoff;
}

static bool
write_forward(enum syslog_form form, const struct record *r, struct buf *out)
{
	return syslog_write_counted(form, zone_at(form, r), r, out);
}

bool
writer_line(void *ctx, unsigned archive, const struct record *r,
    struct buf *out)
{
	struct worker *w = ctx;

	if (archive >= w->writer->n)
		return archive - w->writer->n < w->writer->nforwards &&
		    write_forward(w->writer->form[archive - w->writer->n], r,
		    out);
	return
	    log_line_write(w->writer->archive[archive].format, r,
	    &w->writer->clock, out);
}
