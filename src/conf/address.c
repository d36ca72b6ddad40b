/* address.c - addresses to listen on and servers to send to, as text. */
#include "config.h"

#include <stdlib.h>

#include "base/number.h"
#include "conf/load.h"

/* Cut "[v6]" or "host" off the front, up to one of the characters in stops. */
static bool
take_host(struct slice *s, const char *stops, struct slice *host)
{
	size_t i = 0;

	if (s->len > 0 && s->ptr[0] == '[') {
		i = slice_find(*s, ']');
		if (i == s->len || i < 3)
			return false;
		*host = slice_of(s->ptr + 1, i - 1);
		*s = slice_from(*s, i + 1);
		for (i = 0; i < host->len; i++)
			if (strchr("0123456789abcdefABCDEF:.%", host->ptr[i]) == NULL &&
			    slice_find(slice_upto(*host, i), '%') == i)
				return false;
		return s->len == 0 || strchr(stops, s->ptr[0]) != NULL;
	}
	while (i < s->len && strchr(stops, s->ptr[i]) == NULL)
		i++;
	*host = slice_upto(*s, i);
	*s = slice_from(*s, i);
	for (i = 0; i < host->len; i++)
		if (strchr(" \t[]/\\\"'", host->ptr[i]) != NULL)
			return false;
	return true;
}

bool
address_split(struct arena *a, struct slice text, char **host, uint16_t *port,
    struct slice *rest)
{
	struct slice h, digits;
	uint64_t p = 0;
	size_t i = 1;

	if (!take_host(&text, ":=", &h) || (h.len == 0 && text.len == 0))
		return false;
	if (text.len > 0 && text.ptr[0] == ':') {
		while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
			i++;
		digits = slice_from(slice_upto(text, i), 1);
		if (!number_u64(digits, &p) || p == 0 || p > 65535)
			return false;
		text = slice_from(text, i);
	}
	*host = h.len == 0 || slice_eq(h, SLICE("*")) ? NULL : arena_dup(a, h);
	*port = (uint16_t)p;
	*rest = text;
	return true;
}

static bool
listen_fault(struct loader *l, const struct node *n, const char *text, const char *what)
{
	fault_add(&l->faults, n->mark, "listen: \"%s\": %s", text, what);
	return false;
}

static bool
listen_unix(struct loader *l, const struct node *n, const char *text, struct conf_listen *out)
{
	struct slice path = slice_str(strstr(text, "://") + 3);

	if (path.len == 0 || (path.ptr[0] != '/' && path.ptr[0] != '@' && path.ptr[0] != '.'))
		return listen_fault(l, n, text, "expected a path, as in unix:///run/x.sock");
	if (path.len > 107)
		return listen_fault(l, n, text, "the path of a socket has 107 bytes at most");
	out->path = arena_dup(l->arena, path);
	return true;
}

static bool
is_over_tls(const char *scheme)
{
	static const char *const those[] = { "tls", "relps", "resps", "https",
	    "forwards", "pickles", "protobufs", "gzips", "lz4s", "snappys" };

	for (size_t i = 0; i < sizeof those / sizeof those[0]; i++)
		if (strcmp(scheme, those[i]) == 0)
			return true;
	return false;
}

bool
load_listen(struct loader *l, const struct node *n, const char *const *schemes,
    struct conf_listen *out)
{
	const char *text = load_text(l, n), *sep;
	struct slice scheme, rest;
	const char *const *s = schemes;

	if (text == NULL)
		return false;
	*out = (struct conf_listen){ .mark = n->mark, .url = arena_dup(l->arena, slice_str(text)) };
	sep = strstr(text, "://");
	if (sep == NULL)
		return listen_fault(l, n, text, arena_printf(l->arena,
		    "expected an address such as \"%s://*:%d\"", schemes[0], 8125));
	scheme = slice_of(text, (size_t)(sep - text));
	while (*s != NULL && !slice_eq(scheme, slice_str(*s)))
		s++;
	if (*s == NULL)
		return listen_fault(l, n, text, arena_printf(l->arena,
		    "no scheme \"%.*s\" here, %s", SLICE_ARG(scheme), load_hint(l, scheme, schemes)));
	out->scheme = arena_dup(l->arena, scheme);
	out->over_tls = is_over_tls(out->scheme);
	if (slice_starts(scheme, SLICE("unix")))
		return listen_unix(l, n, text, out);
	rest = slice_str(sep + 3);
	if (rest.len > 0 && rest.ptr[rest.len - 1] == '/')
		rest.len--;
	if (!address_split(l->arena, rest, &out->host, &out->port, &rest) || rest.len != 0)
		return listen_fault(l, n, text, "expected host:port, [v6]:port or *:port behind the scheme, "
		    "and a port from 1 to 65535");
	if (out->port == 0)
		return listen_fault(l, n, text, "a port is missing");
	return true;
}

bool
load_server(struct loader *l, const struct node *n, struct conf_server *out)
{
	const char *text = load_text(l, n);
	struct slice rest;

	if (text == NULL)
		return false;
	*out = (struct conf_server){ .mark = n->mark, .port = 2003,
	    .text = arena_dup(l->arena, slice_str(text)) };
	if (!address_split(l->arena, slice_str(text), &out->host, &out->port, &rest) ||
	    out->host == NULL || (rest.len > 0 && (rest.ptr[0] != '=' || rest.len == 1))) {
		fault_add(&l->faults, n->mark,
		    "servers: expected host[:port][=instance], found \"%s\"", text);
		return false;
	}
	if (rest.len > 0)
		out->instance = arena_dup(l->arena, slice_from(rest, 1));
	if (out->port == 0)
		out->port = 2003;
	return true;
}
