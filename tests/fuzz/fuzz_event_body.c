/* Bodies of events: the first byte says which type. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "proto/event_body.h"
#include "proto/xadd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "POST /x HTTP/1.1\r\nHost: x\r\n"
	    "ce-specversion: 1.0\r\nce-id: %41\r\nce-source: /a\r\n"
	    "ce-type: t\r\n\r\n";
	struct http_request r;
	struct http_fault f;
	struct event_list l;
	struct slice body;
	size_t seen = 0, used, where;
	enum event_body type;

	if (size < 1)
		return 0;
	type = (enum event_body)(data[0] % (EVENT_BODY_CLOUD_BINARY + 1));
	body = slice_of((const char *)data + 1, size - 1);
	if (http_head(slice_of(head, sizeof head - 1), &seen, &used, &r,
	    &f) != HTTP_READY)
		abort();
	event_list_init(&l, 64, 16, 4096);
	if (event_body_read(type, &r, body, &l, &where) == REASON_NONE) {
		if (l.n == 0 || l.n > 64)
			abort();
		if (!event_body_name(&l, SLICE("p"), body))
			abort();
		for (size_t i = 0; i < l.n; i++) {
			const struct event_record *ev = &l.v[i];
			size_t bytes = 0;

			if (ev->nfields == 0 || ev->nfields > 16 ||
			    ev->iid.len > XADD_MAX_IID ||
			    ev->pid.len > XADD_MAX_PID)
				abort();
			for (size_t k = 0; k < ev->nfields; k++)
				bytes += ev->fields[k].key.len +
				    ev->fields[k].value.len;
			if (bytes > 4096)
				abort();
		}
	}
	event_list_fini(&l);
	return 0;
}
