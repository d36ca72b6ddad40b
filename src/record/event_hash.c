/* event_hash.c - the content of an event, hashed with XXH3. */
#include "config.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "record/event_hash.h"

static void
piece(XXH3_state_t *state, struct slice s)
{
	uint64_t len = s.len;

	XXH3_128bits_update(state, &len, sizeof len);
	if (s.len > 0)
		XXH3_128bits_update(state, s.ptr, s.len);
}

struct event_hash
event_hash_fields(const struct pair *fields, size_t n)
{
	XXH3_state_t state;
	XXH128_hash_t h;

	XXH3_INITSTATE(&state);
	XXH3_128bits_reset(&state);
	for (size_t i = 0; i < n; i++) {
		piece(&state, fields[i].key);
		piece(&state, fields[i].value);
	}
	h = XXH3_128bits_digest(&state);
	return (struct event_hash){ h.low64, h.high64 };
}

struct event_hash
event_hash_bytes(struct slice s)
{
	XXH128_hash_t h = XXH3_128bits(s.len > 0 ? s.ptr : "", s.len);

	return (struct event_hash){ h.low64, h.high64 };
}

void
event_hash_text(struct event_hash h, char text[EVENT_HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < 16; i++) {
		text[15 - i] = digits[h.hi >> (4 * i) & 15];
		text[31 - i] = digits[h.lo >> (4 * i) & 15];
	}
}
