/* fault.c - what is wrong with a configuration, gathered and put in order. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/fault.h"

void
faults_init(struct faults *f, struct arena *a)
{
	f->arena = a;
	f->n = 0;
	f->errors = 0;
}

static void __attribute__((format(printf, 4, 0)))
add(struct faults *f, struct conf_mark mark, bool warning, const char *fmt, va_list ap)
{
	char text[1024];

	if (!warning)
		f->errors++;
	if (f->n == FAULTS_MAX)
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	/* a message is one line, whatever the file says */
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	f->v[f->n] = (struct fault){ mark, f->n, warning,
	    arena_dup(f->arena, slice_str(text)) };
	f->n++;
}

void
fault_add(struct faults *f, struct conf_mark mark, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, mark, false, fmt, ap);
	va_end(ap);
}

void
fault_warn(struct faults *f, struct conf_mark mark, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f, mark, true, fmt, ap);
	va_end(ap);
}

/* Files in the order in which they were first read need no list of files: the
 * names sort well enough, and most have one. */
static int
order(const void *pa, const void *pb)
{
	const struct fault *a = pa, *b = pb;
	int c = strcmp(a->mark.file == NULL ? "" : a->mark.file,
	    b->mark.file == NULL ? "" : b->mark.file);

	if (c != 0)
		return c;
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	if (a->mark.column != b->mark.column)
		return a->mark.column < b->mark.column ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void
faults_print(struct faults *f, struct buf *out)
{
	qsort(f->v, f->n, sizeof f->v[0], order);
	for (size_t i = 0; i < f->n; i++) {
		const struct fault *x = &f->v[i];

		if (x->mark.file != NULL)
			buf_printf(out, "%s:", x->mark.file);
		if (x->mark.line != 0)
			buf_printf(out, "%u:%u:", x->mark.line, x->mark.column);
		buf_printf(out, "%s%s%s\n", x->mark.file != NULL ? " " : "",
		    x->warning ? "warning: " : "", x->text);
	}
	if (f->errors > FAULTS_MAX)
		buf_printf(out, "and more: %zu faults in all\n", f->errors);
}
