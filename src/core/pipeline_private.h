/* pipeline_private.h - what the pipeline's files for metrics share. */
#ifndef MILLRACE_CORE_PIPELINE_PRIVATE_H
#define MILLRACE_CORE_PIPELINE_PRIVATE_H

#include "core/pipeline.h"

/* What the rules think of a metric, into p->decision, under its clean name,
 * which is put into p->scratch.  False: it could not be cleaned. */
bool pipeline_decide(struct pipeline *p, const struct record *r);
/* The name to go on with, in p->scratch: the rewritten one keeps the tags. */
bool pipeline_final_name(struct pipeline *p, const struct decision *d);
/* Room for len bytes to that destination, or NULL: no memory. */
struct lines_batch *pipeline_room(struct pipeline *p, unsigned dest,
    size_t len);
/* Its destination takes no more, and it came by datagram. */
bool pipeline_sheds(const struct pipeline *p, unsigned dest);

/* Pass a sample on to the clusters that take samples.  True: that was all
 * there was to do, and it is in the books; false: it is to be added up here,
 * and is not. */
bool pipeline_pass_on(struct pipeline *p, const struct record *r);

#endif
