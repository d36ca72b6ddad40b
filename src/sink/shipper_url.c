/* shipper_url.c - where events go: the URL of a server, the key of a stream. */
#include "config.h"

#include "base/digits.h"
#include "base/fnv.h"
#include "base/number.h"
#include "sink/shipper_url.h"

/* Copy with %XX decoded; false when it does not fit, is broken, or holds NUL. */
static bool
decode(struct slice s, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '%') {
			uint32_t byte;

			if (i + 2 >= s.len ||
			    !digits_hex_n(s.ptr + i + 1, 2, &byte))
				return false;
			c = (char)byte;
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static const struct {
	const char *prefix;
	enum ship_scheme scheme;
	uint16_t port;
} schemes[] = {
	{ "redis://", SHIP_REDIS, 6379 },
	{ "rediss://", SHIP_REDISS, 6379 },
	{ "unix://", SHIP_UNIX, 0 },
	{ "millrace://", SHIP_MILLRACE, 6390 },
};

/* "[user]:password@" in front; a lone "user@" is a user without a password. */
static bool
credentials(struct slice *rest, struct ship_url *u)
{
	struct slice host = slice_upto(*rest, slice_find(*rest, '/')), user;
	size_t at = host.len;

	while (at > 0 && host.ptr[at - 1] != '@')
		at--;
	if (at == 0)
		return true;
	host = slice_upto(host, at - 1);
	*rest = slice_from(*rest, at);
	user = slice_cut(&host, ':');
	return decode(user, u->user, sizeof u->user) &&
	    decode(host, u->password, sizeof u->password);
}

static bool
number(struct slice s, uint64_t max, uint64_t *v)
{
	return number_u64(s, v) && *v <= max;
}

static const char *
path(struct slice rest, struct ship_url *u)
{
	struct slice file = slice_cut(&rest, '?');
	uint64_t db = 0;

	if (file.len == 0 || !decode(file, u->path, sizeof u->path))
		return "the path is empty or too long";
	if (rest.len > 0 && (!slice_starts(rest, SLICE("db=")) ||
	    !number(slice_from(rest, 3), INT32_MAX, &db)))
		return "expected ?db=number behind the path";
	u->db = (unsigned)db;
	return NULL;
}

static const char *
host_and_port(struct slice s, struct ship_url *u)
{
	struct slice host;
	uint64_t port = u->port;

	if (s.len > 0 && s.ptr[0] == '[') {
		size_t end = slice_find(s, ']');

		if (end == s.len)
			return "no ] behind the address";
		host = slice_upto(slice_from(s, 1), end - 1);
		s = slice_from(s, end + 1);
		if (s.len > 0 && s.ptr[0] != ':')
			return "expected :port behind the address";
		s = slice_from(s, 1);
	} else {
		host = slice_cut(&s, ':');
	}
	if (s.len > 0 && (!number(s, UINT16_MAX, &port) || port == 0))
		return "the port is no number from 1 to 65535";
	u->port = (uint16_t)port;
	if (host.len == 0)
		return "no host";
	return decode(host, u->host, sizeof u->host) ? NULL : "the host is too long";
}

const char *
ship_url_parse(struct slice text, struct ship_url *u)
{
	struct slice rest, host, prefix;
	uint64_t db = 0;
	size_t i;

	memset(u, 0, sizeof *u);
	for (i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (slice_starts(text, slice_str(schemes[i].prefix)))
			break;
	if (i == sizeof schemes / sizeof *schemes)
		return "expected redis://, rediss://, unix:// or millrace://";
	prefix = slice_str(schemes[i].prefix);
	u->scheme = schemes[i].scheme;
	u->port = schemes[i].port;
	rest = slice_from(text, prefix.len);
	if (!credentials(&rest, u))
		return "user or password is broken or too long";
	if (u->scheme == SHIP_UNIX)
		return path(rest, u);
	host = slice_cut(&rest, '/');
	if (rest.len > 0 && (u->scheme == SHIP_MILLRACE ||
	    !number(rest, INT32_MAX, &db)))
		return "expected nothing but a database's number behind the host";
	u->db = (unsigned)db;
	return host_and_port(host, u);
}

bool
ship_key(const char *template, struct slice stream, const char *node,
    unsigned partition, struct buf *out)
{
	struct slice t = slice_str(template);
	size_t before = out->len;
	bool ok = true;

	while (t.len > 0 && ok) {
		size_t n = slice_find(t, '{');

		ok = buf_add_slice(out, slice_upto(t, n));
		t = slice_from(t, n);
		n = 0;
		if (slice_starts(t, SLICE("{stream}"))) {
			n = 8;
			ok = ok && buf_add_slice(out, stream);
		} else if (slice_starts(t, SLICE("{node}"))) {
			n = 6;
			ok = ok && buf_adds(out, node);
		} else if (slice_starts(t, SLICE("{partition}"))) {
			n = 11;
			ok = ok && buf_add_u64(out, partition);
		} else if (t.len > 0) {
			n = 1;
			ok = ok && buf_addc(out, '{');
		}
		t = slice_from(t, n);
	}
	if (!ok)
		out->len = before;
	return ok;
}

/* CRC-16/XMODEM: polynomial 0x1021, from 0. */
static unsigned
crc16(struct slice s)
{
	unsigned crc = 0;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (unsigned)(uint8_t)s.ptr[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 :
			    crc << 1;
		crc &= 0xffff;
	}
	return crc;
}

unsigned
ship_slot(struct slice key)
{
	size_t open = slice_find(key, '{');
	struct slice inside = slice_from(key, open + 1);
	size_t close = slice_find(inside, '}');

	if (open < key.len && close < inside.len && close > 0)
		key = slice_upto(inside, close);
	return crc16(key) & 16383;
}

unsigned
ship_partition(struct slice value, unsigned n)
{
	return n < 2 ? 0 : fnv1a_32(value) % n;
}
