/* dns.c - the C library's own way to ask a name server, one question each. */
#include "config.h"

#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "net/addr.h"
#include "net/dns.h"

#define ANSWER_MAX 65536
#define TIMEOUT_S 2
#define TRIES 2
#define TARGETS_MAX 256

static struct {
	pthread_mutex_t lock;
	bool set;
	struct sockaddr_in server;
} use = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool
dns_use(const char *server)
{
	char host[256];
	uint16_t port = 53;
	struct addr a;
	bool set = server != NULL && *server != '\0';

	if (set && (!addr_split(server, host, sizeof host, &port, false) ||
	    !addr_numeric(host, port, &a) || a.u.sa.sa_family != AF_INET))
		return false;
	pthread_mutex_lock(&use.lock);
	use.set = set;
	if (set)
		use.server = a.u.in;
	pthread_mutex_unlock(&use.lock);
	return true;
}

bool
dns_used(void)
{
	bool set;

	pthread_mutex_lock(&use.lock);
	set = use.set;
	pthread_mutex_unlock(&use.lock);
	return set;
}

/* A question; the answer's length, or -1 with *error. */
static int
ask(const char *name, int type, unsigned char *answer, const char **error)
{
	struct __res_state st;
	int n;

	memset(&st, 0, sizeof st);
	if (res_ninit(&st) != 0) {
		*error = "the resolver cannot be set up";
		return -1;
	}
	pthread_mutex_lock(&use.lock);
	if (use.set) {
		st.nscount = 1;
		st.nsaddr_list[0] = use.server;
	}
	pthread_mutex_unlock(&use.lock);
	st.retrans = TIMEOUT_S;
	st.retry = TRIES;
	n = res_nquery(&st, name, ns_c_in, type, answer, ANSWER_MAX);
	if (n < 0)
		*error = st.res_h_errno == HOST_NOT_FOUND ? "no such name" :
		    st.res_h_errno == NO_DATA ? "no record of that kind" :
		    "the name server does not answer";
	res_nclose(&st);
	return n;
}

/* Calls each() for every answer of that type. */
static void
each_record(const unsigned char *answer, int len, int type,
    void (*each)(void *ctx, ns_msg *m, ns_rr *rr), void *ctx)
{
	ns_msg m;
	ns_rr rr;

	if (ns_initparse(answer, len, &m) != 0)
		return;
	for (int i = 0; i < ns_msg_count(m, ns_s_an); i++)
		if (ns_parserr(&m, ns_s_an, i, &rr) == 0 &&
		    (int)ns_rr_type(rr) == type)
			each(ctx, &m, &rr);
}

/* ---- addresses ---- */

struct addresses {
	struct addr *v;
	size_t n, max;
	uint16_t port;
};

static void
add_address(void *ctx, ns_msg *m, ns_rr *rr)
{
	struct addresses *a = ctx;
	struct addr *to = &a->v[a->n];

	if (a->n == a->max)
		return;
	memset(to, 0, sizeof *to);
	if (ns_rr_type(*rr) == ns_t_a && ns_rr_rdlen(*rr) == 4) {
		to->len = sizeof to->u.in;
		to->u.in.sin_family = AF_INET;
		to->u.in.sin_port = htons(a->port);
		memcpy(&to->u.in.sin_addr, ns_rr_rdata(*rr), 4);
		a->n++;
	} else if (ns_rr_type(*rr) == ns_t_aaaa && ns_rr_rdlen(*rr) == 16) {
		to->len = sizeof to->u.in6;
		to->u.in6.sin6_family = AF_INET6;
		to->u.in6.sin6_port = htons(a->port);
		memcpy(&to->u.in6.sin6_addr, ns_rr_rdata(*rr), 16);
		a->n++;
	}
}

int
dns_addresses(const char *host, uint16_t port, struct addr *v, size_t max,
    const char **error)
{
	static const int types[] = { ns_t_a, ns_t_aaaa };
	struct addresses a = { v, 0, max, port };
	unsigned char *answer = malloc(ANSWER_MAX);

	*error = "out of memory";
	for (int i = 0; answer != NULL && i < 2; i++) {
		int n = ask(host, types[i], answer, error);

		if (n > 0)
			each_record(answer, n, types[i], add_address, &a);
	}
	free(answer);
	return a.n > 0 ? (int)a.n : -1;
}

/* ---- SRV ---- */

struct target {
	unsigned priority;
	struct dns_target t;
};

struct targets {
	struct target v[TARGETS_MAX];
	size_t n;
};

static void
add_target(void *ctx, ns_msg *m, ns_rr *rr)
{
	struct targets *a = ctx;
	const unsigned char *d = ns_rr_rdata(*rr);
	struct target *to = &a->v[a->n];

	if (a->n == TARGETS_MAX || ns_rr_rdlen(*rr) < 7 ||
	    ns_name_uncompress(ns_msg_base(*m), ns_msg_end(*m), d + 6,
	    to->t.host, sizeof to->t.host) < 0 || to->t.host[0] == '\0')
		return;		/* "." is: there is no such service */
	to->priority = ns_get16(d);
	to->t.port = (uint16_t)ns_get16(d + 4);
	a->n += to->t.port != 0;
}

static int
in_order(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	int c;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	c = strcmp(x->t.host, y->t.host);
	return c != 0 ? c : (int)x->t.port - (int)y->t.port;
}

int
dns_srv(const char *name, struct dns_target *v, size_t max, const char **error)
{
	unsigned char *answer = malloc(ANSWER_MAX);
	struct targets *all = calloc(1, sizeof *all);
	int len = -1, n = 0;

	*error = "out of memory";
	if (answer != NULL && all != NULL)
		len = ask(name, ns_t_srv, answer, error);
	if (len > 0) {
		each_record(answer, len, ns_t_srv, add_target, all);
		*error = "no service there";
		qsort(all->v, all->n, sizeof all->v[0], in_order);
		while ((size_t)n < all->n && (size_t)n < max &&
		    all->v[n].priority == all->v[0].priority) {
			v[n] = all->v[n].t;
			n++;
		}
	}
	free(answer);
	free(all);
	return n > 0 ? n : -1;
}

bool
dns_is_srv(const char *name)
{
	const char *dot = strchr(name, '.');

	return name[0] == '_' && dot != NULL && dot[1] == '_';
}
