/* forward.c - Fluent Forward messages into events; MessagePack by msgpack-c. */
#include "config.h"

#include <math.h>
#include <msgpack.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/json.h"
#include "base/number.h"
#include "proto/forward.h"

#define EVENT_TIME 0
#define TIME_TEXT 32

/* ---- values as text ---- */

static struct slice
text_of(const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_STR)
		return slice_of(o->via.str.ptr, o->via.str.size);
	if (o->type == MSGPACK_OBJECT_BIN)
		return slice_of(o->via.bin.ptr, o->via.bin.size);
	return slice_of(NULL, 0);
}

static bool
is_text(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_STR || o->type == MSGPACK_OBJECT_BIN;
}

/* Not what is nested. */
static bool
put_plain(struct buf *b, const msgpack_object *o, bool json)
{
	char number[NUMBER_TEXT];
	bool bad;

	switch (o->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return buf_adds(b, o->via.boolean ? "true" : "false");
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return buf_add_u64(b, o->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return buf_add_i64(b, o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		if (json && !isfinite(o->via.f64))
			return buf_adds(b, "null");
		return buf_add(b, number, number_format_js(number, o->via.f64));
	case MSGPACK_OBJECT_STR:
	case MSGPACK_OBJECT_BIN:
		return json ? json_add_string(b, text_of(o), &bad) :
		    buf_add_slice(b, text_of(o));
	default:
		return !json || buf_adds(b, "null");
	}
}

/* As deep as the scanner let it be. */
static bool
put_json(struct buf *b, const msgpack_object *o)
{
	bool ok = true;

	if (o->type == MSGPACK_OBJECT_ARRAY) {
		ok = buf_addc(b, '[');
		for (uint32_t i = 0; i < o->via.array.size && ok; i++)
			ok = (i == 0 || buf_addc(b, ',')) &&
			    put_json(b, &o->via.array.ptr[i]);
		return ok && buf_addc(b, ']');
	}
	if (o->type != MSGPACK_OBJECT_MAP)
		return put_plain(b, o, true);
	ok = buf_addc(b, '{');
	for (uint32_t i = 0; i < o->via.map.size && ok; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];
		struct buf name = BUF_INIT(b->max);
		bool bad;

		ok = (i == 0 || buf_addc(b, ',')) && (is_text(&kv->key) ?
		    json_add_string(b, text_of(&kv->key), &bad) :
		    put_json(&name, &kv->key) &&
		    json_add_string(b, buf_slice(&name), &bad)) &&
		    buf_addc(b, ':') && put_json(b, &kv->val);
		buf_fini(&name);
	}
	return ok && buf_addc(b, '}');
}

/* The text of a value, borrowed, or written to the list's text, whose place was
 * reserved. */
static bool
value_text(struct event_list *out, const msgpack_object *o, struct slice *s)
{
	size_t before = out->text.len;

	if (is_text(o)) {
		*s = text_of(o);
		return true;
	}
	if (o->type == MSGPACK_OBJECT_ARRAY || o->type == MSGPACK_OBJECT_MAP ?
	    !put_json(&out->text, o) : !put_plain(&out->text, o, false))
		return false;
	*s = slice_of(out->text.data + before, out->text.len - before);
	return true;
}

/* ---- one entry ---- */

static uint32_t
big_endian(const char *p)
{
	const uint8_t *u = (const uint8_t *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 |
	    (uint32_t)u[2] << 8 | u[3];
}

static enum reason
add_time(struct forward_message *m, struct event_list *out,
    const msgpack_object *o)
{
	struct buf *b = &out->text;
	size_t before = b->len;
	bool ok;

	if (o->type == MSGPACK_OBJECT_EXT && o->via.ext.type == EVENT_TIME &&
	    o->via.ext.size == 8) {
		ok = buf_add_u64(b, big_endian(o->via.ext.ptr)) &&
		    buf_printf(b, ".%09u", (unsigned)big_endian(
		    o->via.ext.ptr + 4) % 1000000000u);
	} else if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
	    o->type == MSGPACK_OBJECT_FLOAT32 ||
	    o->type == MSGPACK_OBJECT_FLOAT64) {
		m->whole_seconds = true;
		ok = put_plain(b, o, false);
	} else {
		return REASON_BAD_TIME;
	}
	return ok ? event_list_field(out, SLICE("time"), slice_of(b->data +
	    before, b->len - before)) : REASON_NO_MEMORY;
}

static bool
has_time(const msgpack_object_map *map)
{
	for (uint32_t i = 0; i < map->size; i++)
		if (slice_eq(text_of(&map->ptr[i].key), SLICE("time")))
			return true;
	return false;
}

static enum reason
entry(struct forward_message *m, struct event_list *out,
    const msgpack_object *time, const msgpack_object *record)
{
	const msgpack_object_map *map = &record->via.map;
	enum reason why;

	if (record->type != MSGPACK_OBJECT_MAP)
		return REASON_SYNTAX;
	why = event_list_begin(out);
	if (why == REASON_NONE && !has_time(map))
		why = add_time(m, out, time);
	for (uint32_t i = 0; i < map->size && why == REASON_NONE; i++) {
		struct slice key, value;

		if (!value_text(out, &map->ptr[i].key, &key) ||
		    !value_text(out, &map->ptr[i].val, &value))
			return REASON_NO_MEMORY;
		why = event_list_field(out, key, value);
	}
	if (why == REASON_NONE && event_list_last(out)->nfields == 0)
		why = REASON_EMPTY;
	return why;
}

static enum reason
pair_entry(struct forward_message *m, struct event_list *out,
    const msgpack_object *o)
{
	/* fluentd's newest clients put [time, metadata] in time's place */
	const msgpack_object *time;

	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 2)
		return REASON_SYNTAX;
	time = &o->via.array.ptr[0];
	if (time->type == MSGPACK_OBJECT_ARRAY && time->via.array.size > 0)
		time = &time->via.array.ptr[0];
	return entry(m, out, time, &o->via.array.ptr[1]);
}

/* ---- the forms ---- */

static enum reason
decode(struct forward_message *m, struct slice in, size_t *at,
    msgpack_object *o)
{
	switch (msgpack_unpack(in.ptr, in.len, at, m->zone, o)) {
	case MSGPACK_UNPACK_SUCCESS:
	case MSGPACK_UNPACK_EXTRA_BYTES:
		return REASON_NONE;
	case MSGPACK_UNPACK_NOMEM_ERROR:
		return REASON_NO_MEMORY;
	default:
		return REASON_SYNTAX;
	}
}

/* Room for all texts that can come of so many bytes and values: a control byte
 * takes six in JSON, a number at most 25, a time 21. */
static bool
reserve(struct event_list *out, size_t bytes, uint64_t values)
{
	return buf_reserve(&out->text, 6 * bytes + TIME_TEXT * (size_t)values);
}

static enum reason
packed(struct forward_message *m, struct event_list *out, struct slice in,
    size_t max_bytes)
{
	struct msgpack_scan scan;
	uint64_t values, all = 0;
	size_t at, len;

	msgpack_scan_init(&scan, max_bytes, FORWARD_VALUES_MAX);
	for (at = 0; at < in.len; at += len) {
		switch (msgpack_scan(&scan, slice_from(in, at), &len,
		    &values)) {
		case MSGPACK_MORE:
			return REASON_TRUNCATED;
		case MSGPACK_BAD:
			return scan.reason;
		case MSGPACK_READY:
			all += values;
		}
	}
	if (all > FORWARD_VALUES_MAX)
		return REASON_TOO_MANY;
	if (!reserve(out, in.len, all))
		return REASON_NO_MEMORY;
	for (at = 0; at < in.len;) {
		msgpack_object o;
		enum reason why = decode(m, in, &at, &o);

		if (why == REASON_NONE)
			why = pair_entry(m, out, &o);
		if (why != REASON_NONE)
			return why;
	}
	return REASON_NONE;
}

/* All members of a gzip file, up to max bytes. */
static enum reason
gunzip(struct slice in, struct buf *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.ptr,
	    .avail_in = (uInt)in.len };
	enum reason why = REASON_NONE;
	int rc = Z_OK;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return REASON_NO_MEMORY;
	while (why == REASON_NONE && (rc != Z_STREAM_END || z.avail_in > 0)) {
		if (rc == Z_STREAM_END && inflateReset(&z) != Z_OK)
			why = REASON_BAD_COMPRESSION;
		else if (!buf_reserve(out, out->max - out->len < 65536 ?
		    out->max - out->len : 65536))
			why = REASON_NO_MEMORY;
		else if (out->len == out->max)
			why = REASON_TOO_LONG;
		if (why != REASON_NONE)
			break;
		z.next_out = (Bytef *)out->data + out->len;
		z.avail_out = (uInt)(out->cap - out->len);
		rc = inflate(&z, Z_NO_FLUSH);
		out->len = out->cap - z.avail_out;
		if (rc != Z_OK && rc != Z_STREAM_END)
			why = rc == Z_MEM_ERROR ? REASON_NO_MEMORY :
			    REASON_BAD_COMPRESSION;
	}
	inflateEnd(&z);
	return why;
}

struct options {
	struct slice chunk, compressed;
};

static enum reason
read_options(const msgpack_object_array *a, uint32_t at, struct options *o)
{
	const msgpack_object *map = &a->ptr[at];

	*o = (struct options){ { NULL, 0 }, { NULL, 0 } };
	if (at >= a->size || map->type == MSGPACK_OBJECT_NIL)
		return REASON_NONE;
	if (map->type != MSGPACK_OBJECT_MAP)
		return REASON_SYNTAX;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *kv = &map->via.map.ptr[i];

		if (slice_eq(text_of(&kv->key), SLICE("chunk")) &&
		    is_text(&kv->val))
			o->chunk = text_of(&kv->val);
		else if (slice_eq(text_of(&kv->key), SLICE("compressed")))
			o->compressed = text_of(&kv->val);
	}
	return REASON_NONE;
}

static enum reason
packed_form(struct forward_message *m, struct event_list *out,
    struct slice entries, const struct options *o, size_t max_bytes)
{
	enum reason why;

	if (o->compressed.len == 0 || slice_eq(o->compressed, SLICE("text")))
		return packed(m, out, entries, max_bytes);
	if (!slice_eq(o->compressed, SLICE("gzip")))
		return REASON_BAD_COMPRESSION;
	buf_init(&m->unpacked, max_bytes);
	why = gunzip(entries, &m->unpacked);
	return why == REASON_NONE ? packed(m, out, buf_slice(&m->unpacked),
	    max_bytes) : why;
}

static enum reason
forward_form(struct forward_message *m, struct event_list *out,
    const msgpack_object_array *entries)
{
	enum reason why = REASON_NONE;

	for (uint32_t i = 0; i < entries->size && why == REASON_NONE; i++)
		why = pair_entry(m, out, &entries->ptr[i]);
	return why;
}

static enum reason
message(struct forward_message *m, struct event_list *out,
    const msgpack_object *o, const struct forward_limits *limits)
{
	const msgpack_object_array *a = &o->via.array;
	const msgpack_object *second;
	struct options options;
	enum reason why;

	if (o->type == MSGPACK_OBJECT_NIL)
		return REASON_NONE;
	if (o->type != MSGPACK_OBJECT_ARRAY || a->size < 2 ||
	    !is_text(&a->ptr[0]))
		return REASON_SYNTAX;
	m->tag = text_of(&a->ptr[0]);
	second = &a->ptr[1];
	why = read_options(a, second->type == MSGPACK_OBJECT_ARRAY ||
	    is_text(second) ? 2 : 3, &options);
	if (why != REASON_NONE)
		return why;
	m->chunk = options.chunk;
	if (second->type == MSGPACK_OBJECT_ARRAY)
		return forward_form(m, out, &second->via.array);
	if (is_text(second))
		return packed_form(m, out, text_of(second), &options,
		    limits->max_bytes);
	return a->size < 3 ? REASON_SYNTAX :
	    entry(m, out, second, &a->ptr[2]);
}

enum reason
forward_read(struct slice in, uint64_t values,
    const struct forward_limits *limits, struct forward_message *m,
    struct event_list *out)
{
	msgpack_object o;
	size_t at = 0;
	enum reason why;

	*m = (struct forward_message){ .zone = msgpack_zone_new(4096) };
	if (m->zone == NULL || !reserve(out, 0, 0))
		return REASON_NO_MEMORY;
	why = decode(m, in, &at, &o);
	if (why != REASON_NONE)
		return why;
	/* packed forms reserve once it is known what they unpack to */
	if (!(o.type == MSGPACK_OBJECT_ARRAY && o.via.array.size > 1 &&
	    is_text(&o.via.array.ptr[1])) && !reserve(out, in.len, values))
		return REASON_NO_MEMORY;
	why = message(m, out, &o, limits);
	event_list_close(out);
	return why;
}

void
forward_message_fini(struct forward_message *m)
{
	if (m->zone != NULL)
		msgpack_zone_free(m->zone);
	m->zone = NULL;
	buf_fini(&m->unpacked);
}

/* ---- answers ---- */

static bool
put_str(struct buf *b, struct slice s)
{
	uint8_t head[5] = { 0xdb, (uint8_t)(s.len >> 24),
	    (uint8_t)(s.len >> 16), (uint8_t)(s.len >> 8), (uint8_t)s.len };

	if (s.len < 32)
		return buf_addc(b, (char)(0xa0 | s.len)) &&
		    buf_add_slice(b, s);
	if (s.len < 256) {
		head[3] = 0xd9;
		return buf_add(b, head + 3, 2) && buf_add_slice(b, s);
	}
	return buf_add(b, head, 5) && buf_add_slice(b, s);
}

bool
forward_ack(struct buf *out, struct slice chunk)
{
	return buf_addc(out, (char)0x81) && put_str(out, SLICE("ack")) &&
	    put_str(out, chunk);
}

/* ---- the handshake ---- */

bool
forward_helo(struct buf *out, const uint8_t nonce[FORWARD_NONCE])
{
	return buf_addc(out, (char)0x92) && put_str(out, SLICE("HELO")) &&
	    buf_addc(out, (char)0x83) && put_str(out, SLICE("nonce")) &&
	    buf_addc(out, (char)0xc4) && buf_addc(out, FORWARD_NONCE) &&
	    buf_add(out, nonce, FORWARD_NONCE) &&
	    put_str(out, SLICE("auth")) && put_str(out, SLICE("")) &&
	    put_str(out, SLICE("keepalive")) && buf_addc(out, (char)0xc3);
}

static void
digest_of(struct slice salt, struct slice host,
    const uint8_t nonce[FORWARD_NONCE], const char *key,
    char hex[FORWARD_DIGEST])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA512_DIGEST_LENGTH];
	struct buf all = BUF_INIT(SIZE_MAX);

	if (buf_add_slice(&all, salt) && buf_add_slice(&all, host) &&
	    buf_add(&all, nonce, FORWARD_NONCE) && buf_adds(&all, key))
		SHA512((const unsigned char *)all.data, all.len, digest);
	else
		memset(digest, 0, sizeof digest);
	OPENSSL_cleanse(all.data, all.len);
	buf_fini(&all);
	for (size_t i = 0; i < sizeof digest; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
}

static bool
pong(struct buf *out, bool ok, struct slice salt, const char *hostname,
    const uint8_t nonce[FORWARD_NONCE], const char *key)
{
	char hex[FORWARD_DIGEST];

	digest_of(salt, slice_str(hostname), nonce, key, hex);
	return buf_addc(out, (char)0x95) && put_str(out, SLICE("PONG")) &&
	    buf_addc(out, (char)(ok ? 0xc3 : 0xc2)) &&
	    put_str(out, ok ? SLICE("") : SLICE("shared_key mismatch")) &&
	    put_str(out, ok ? slice_str(hostname) : SLICE("")) &&
	    put_str(out, ok ? slice_of(hex, sizeof hex) : SLICE(""));
}

bool
forward_ping(struct slice in, const uint8_t nonce[FORWARD_NONCE],
    const char *key, const char *hostname, struct buf *out, bool *ok)
{
	msgpack_zone *zone = msgpack_zone_new(1024);
	char hex[FORWARD_DIGEST];
	msgpack_object o = { .type = MSGPACK_OBJECT_NIL };
	size_t at = 0;
	bool fine = zone != NULL && msgpack_unpack(in.ptr, in.len, &at, zone,
	    &o) >= MSGPACK_UNPACK_EXTRA_BYTES && o.type == MSGPACK_OBJECT_ARRAY &&
	    o.via.array.size >= 4 && slice_eq(text_of(&o.via.array.ptr[0]),
	    SLICE("PING"));

	*ok = false;
	if (fine) {
		struct slice host = text_of(&o.via.array.ptr[1]);
		struct slice salt = text_of(&o.via.array.ptr[2]);
		struct slice got = text_of(&o.via.array.ptr[3]);

		digest_of(salt, host, nonce, key, hex);
		*ok = got.len == sizeof hex &&
		    CRYPTO_memcmp(got.ptr, hex, sizeof hex) == 0;
		fine = pong(out, *ok, salt, hostname, nonce, key);
	}
	if (zone != NULL)
		msgpack_zone_free(zone);
	return fine;
}
