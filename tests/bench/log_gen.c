/* log_gen.c - log lines as an estate of machines writes them, fast and the same
 * each time: some twenty programs on 200 hosts, with addresses, numbers of
 * orders, identifiers in hex, and words that are common, less common and rare.
 *
 * usage: log_gen BYTES [FILE-BYTES DIRECTORY]
 * Writes lines in the format "syslog" to standard output, or into files of at
 * most FILE-BYTES, 00000.log and so on.  Standing in for what people look for:
 * "needleword" is in one line of ten million, "uncommonword" in one of 20,000. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static uint32_t
rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * n >> 32);
}

static char out[1 << 16];
static size_t len;

static void
put(const char *s)
{
	while (*s != '\0')
		out[len++] = *s++;
}

static void
num(uint64_t v, int digits)
{
	char b[24];
	int n = 0;

	do
		b[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0 || n < digits);
	while (n > 0)
		out[len++] = b[--n];
}

static void
hex(int digits)
{
	while (digits-- > 0)
		out[len++] = "0123456789abcdef"[rnd(16)];
}

static void
address(void)
{
	put("10.");
	num(rnd(4), 1);
	out[len++] = '.';
	num(rnd(32), 1);
	out[len++] = '.';
	num(rnd(250) + 1, 1);
}

static const char *const users[] = { "alice", "bob", "carol", "deploy", "root",
	"postgres", "backup", "www-data", "jenkins", "prometheus" };
static const char *const paths[] = { "/", "/index.html", "/api/v1/orders",
	"/api/v1/customers/search", "/static/app.js", "/static/app.css",
	"/healthz", "/login", "/cart/checkout", "/images/logo.png" };
static const char *const agents[] = {
	"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
	"curl/7.88.1", "kube-probe/1.27", "Prometheus/2.45.0" };
static const char *const words[] = { "connection", "timeout", "retry", "queue",
	"worker", "finished", "started", "request", "response", "cache",
	"session", "transaction", "database", "replica", "leader", "election",
	"snapshot", "compaction", "segment", "partition", "consumer", "offset",
	"commit", "rollback", "deadlock", "index", "vacuum", "checkpoint",
	"certificate", "renewed" };
#define PICK(v) v[rnd(sizeof v / sizeof *v)]

static void
sshd(void)
{
	put("sshd[");
	num(rnd(30000) + 1000, 1);
	put("]: ");
	put(rnd(3) == 0 ? "Failed password for " : "Accepted publickey for ");
	put(PICK(users));
	put(" from ");
	address();
	put(" port ");
	num(rnd(28000) + 32768, 1);
	put(" ssh2");
}

static void
nginx(void)
{
	static const char *const status[] = { " 200 ", " 200 ", " 200 ",
		" 304 ", " 404 ", " 302 ", " 500 " };

	put("nginx: ");
	address();
	put(" - - \"");
	put(rnd(4) == 0 ? "POST " : "GET ");
	put(PICK(paths));
	put(" HTTP/1.1\"");
	put(PICK(status));
	num(rnd(40000), 1);
	put(" \"-\" \"");
	put(PICK(agents));
	put("\" 0.");
	num(rnd(1000), 3);
}

static void
payments(void)
{
	put("payments[");
	num(rnd(8) + 4000, 1);
	put("]: level=info msg=\"order accepted\" order=");
	num(UINT64_C(880000000) + rnd(90000000), 1);
	put(" customer=");
	num(rnd(200000), 1);
	put(" amount=");
	num(rnd(900), 1);
	out[len++] = '.';
	num(rnd(100), 2);
	put(" currency=EUR duration_ms=");
	num(rnd(300), 1);
}

static void
service(void)
{
	put("api-gateway[");
	num(rnd(16) + 900, 1);
	put("]: {\"level\":\"info\",\"trace\":\"");
	hex(16);
	put("\",\"route\":\"");
	put(PICK(paths));
	put("\",\"upstream\":\"");
	address();
	put(":8080\",\"status\":200,\"took_us\":");
	num(rnd(200000), 1);
	out[len++] = '}';
}

static void
prose(void)
{
	unsigned n = 5 + rnd(12);

	put("daemon[");
	num(rnd(50) + 200, 1);
	put("]: ");
	while (n-- > 0) {
		put(PICK(words));
		out[len++] = n > 0 ? ' ' : '.';
	}
}

static void
kernel(void)
{
	put("kernel: [");
	num(1000000 + rnd(900000), 1);
	out[len++] = '.';
	num(rnd(1000000), 6);
	put("] IN=eth0 OUT= SRC=");
	address();
	put(" DST=10.0.0.1 LEN=60 TTL=64 PROTO=TCP SPT=");
	num(rnd(60000) + 1024, 1);
	put(" DPT=443 WINDOW=65535 SYN");
}

static void
line(int64_t us, uint64_t n)
{
	static int64_t second;
	static char stamp[32];
	time_t t = us / 1000000;
	struct tm tm;

	if (t != second) {
		gmtime_r(&t, &tm);
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.", &tm);
		second = t;
	}
	put(stamp);
	num((uint64_t)(us % 1000000), 6);
	put("Z web");
	num(rnd(200), 3);
	out[len++] = ' ';
	switch (rnd(10)) {
	case 0: sshd(); break;
	case 1: case 2: case 3: nginx(); break;
	case 4: payments(); break;
	case 5: case 6: service(); break;
	case 7: kernel(); break;
	default: prose();
	}
	if (n % 20000 == 10007)
		put(" uncommonword");
	if (n % 10000000 == 1234567)
		put(" needleword");
	out[len++] = '\n';
}

static FILE *
next_file(FILE *f, const char *dir, unsigned n)
{
	char path[4096];

	if (f != NULL && fclose(f) != 0)
		exit(1);
	snprintf(path, sizeof path, "%s/%05u.log", dir, n);
	f = fopen(path, "w");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	setvbuf(f, NULL, _IOFBF, 1 << 20);
	return f;
}

int
main(int argc, char **argv)
{
	uint64_t left = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t room = argc > 3 ? strtoull(argv[2], NULL, 10) : 0, in_file = 0;
	int64_t us = INT64_C(1787400000000000);
	FILE *f = stdout;
	unsigned files = 0;

	for (uint64_t n = 0; left > 0; n++) {
		len = 0;
		line(us, n);
		us += 20 + rnd(160);
		if (room > 0 && (f == stdout || in_file + len > room)) {
			f = next_file(f == stdout ? NULL : f, argv[3], files++);
			in_file = 0;
		}
		if (fwrite(out, 1, len, f) != len)
			return 1;
		in_file += len;
		left -= len < left ? len : left;
	}
	return fclose(f) != 0;
}
