/* RELP: the same frames however they were read; no frame breaks either end of
 * a session; what is written can be read. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/relp.h"

#define KEPT 24
#define MOST 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A session's worth of frames; what came of them as text. */
struct session {
	struct relp_server server;
	struct relp_client client;
	struct buf output, seen;
	bool over;
};

static void
begin(struct session *s)
{
	struct relp_frame ok = {
		1, RELP_RSP, SLICE("200 OK\ncommands=syslog"), 22
	};
	uint32_t txnr;
	unsigned code;

	relp_server_init(&s->server);
	relp_client_init(&s->client, 4);
	s->output = s->seen = BUF_INIT(1 << 22);
	s->over = false;
	relp_client_open(&s->client, &s->output);
	relp_client_frame(&s->client, &ok, &txnr, &code);
	while (relp_client_syslog(&s->client, SLICE("x"), &s->output, &txnr))
		;
	buf_clear(&s->output);
}

static void
take(struct session *s, const struct relp_frame *f)
{
	uint32_t txnr;
	unsigned code;
	enum relp_client_event ce;
	enum relp_event e;

	assert(f->data.len <= KEPT && f->length <= MOST && f->txnr <= RELP_TXNR_MAX);
	assert(f->data.len == f->length || f->data.len == KEPT);
	e = relp_server_frame(&s->server, f, &s->output);
	if (e == RELP_EVENT_SYSLOG)
		relp_write_ok(&s->output, f->txnr);
	if (e == RELP_EVENT_CLOSE)
		relp_write_close(&s->output, f->txnr);
	assert(e != RELP_EVENT_SYSLOG || s->server.open);
	ce = relp_client_frame(&s->client, f, &txnr, &code);
	assert(relp_client_unanswered(&s->client) <= 4);
	buf_printf(&s->seen, "%u %d %u %d %d ", f->txnr, f->command, f->length, e, ce);
	buf_add_slice(&s->seen, f->data);
}

static void
run(struct slice in, unsigned seed, struct session *session)
{
	struct buf kept = BUF_INIT(1 << 22);
	struct relp_parser p;
	struct relp_frame f;
	enum relp_answer a = RELP_MORE;
	struct slice s;
	size_t n;

	begin(session);
	relp_parser_init(&p, KEPT, MOST);
	while (in.len > 0 && a != RELP_BAD) {
		n = seed == 0 ? in.len : seed == 1 ? 1 :
		    (size_t)rand_r(&seed) % 9 + 1;
		n = n < in.len ? n : in.len;
		buf_add(&kept, in.ptr, n);
		in = slice_from(in, n);
		s = buf_slice(&kept);
		while ((a = relp_next(&p, &s, &f)) == RELP_READY)
			take(session, &f);
		assert(a == RELP_BAD || s.len <= KEPT + RELP_HEADER_MAX + 1);
		buf_consume(&kept, kept.len - s.len);
	}
	if (a == RELP_BAD)
		buf_adds(&session->seen, reason_name(p.reason));
	relp_parser_fini(&p);
	buf_fini(&kept);
}

/* What the server wrote is frames again. */
static void
read_back(struct slice out)
{
	struct relp_parser p;
	struct relp_frame f;
	enum relp_answer a;

	relp_parser_init(&p, 1000, 1000);
	while ((a = relp_next(&p, &out, &f)) == RELP_READY)
		assert(f.command == RELP_RSP || f.command == RELP_SERVERCLOSE);
	assert(a == RELP_MORE && out.len == 0);
	relp_parser_fini(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct session whole, pieces;

	if (size > 20000)
		return 0;
	run(in, 0, &whole);
	read_back(buf_slice(&whole.output));
	for (unsigned seed = 1; seed < 4; seed++) {
		run(in, seed, &pieces);
		assert(slice_eq(buf_slice(&whole.seen), buf_slice(&pieces.seen)));
		assert(slice_eq(buf_slice(&whole.output), buf_slice(&pieces.output)));
		buf_fini(&pieces.seen);
		buf_fini(&pieces.output);
	}
	buf_fini(&whole.seen);
	buf_fini(&whole.output);
	return 0;
}
