/* cmd_audit.c - `millrace audit`: was any event lost, doubled or misplaced?
 *
 * Three parts that know nothing of the daemon but its doors: one sends numbered
 * events and writes down every answer, one writes down what arrived, and one
 * compares the two. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "app/audit.h"
#include "app/cmd_audit.h"

static const char usage[] =
    "usage: millrace audit produce --to URL --log FILE [options] STREAM\n"
    "         --to redis://[user:password@]host:port   a millrace's resp door, or\n"
    "                       a Redis; --producer NAME (host.pid)  --count N (1000)\n"
    "         --rate N a second (0: as fast as it goes)  --window N unanswered\n"
    "         (256)  --size BYTES (100)  --patience S without an answer (30)\n"
    "         --plain  without IDMP: a Redis before 8.6; repeats may be doubled\n"
    "         SIGTERM: sends nothing new, ends when all has its answer\n"
    "       millrace audit consume --log FILE (--redis URL KEY... | --journal DIR\n"
    "         STREAM)  --follow until --idle S (5) without anything new\n"
    "       millrace audit judge [--partitioned] [--other-ids] [--json] LOG...\n"
    "         --partitioned: sequences have holes in each key; --other-ids: a\n"
    "         collector gave them new ones\n"
    "\n"
    "Sends numbered events and notes the answers; notes what arrived; compares.\n"
    "judge exits with 0 when every event that was acknowledged stands in its\n"
    "stream once, in its producer's order, unchanged, under the id that was\n"
    "answered, and the sequences of every key have no hole; else with 65.\n";

void
audit_sum(const struct audit_event *e, char text[9])
{
	char numbers[64];
	int n = snprintf(numbers, sizeof numbers, " %" PRIu64 " %" PRIu64 " ",
	    e->n, e->t);
	uint32_t sum = crc32c(0, e->p.ptr, e->p.len);

	sum = crc32c(sum, numbers, (size_t)n);
	sum = crc32c(sum, e->b.ptr, e->b.len);
	snprintf(text, 9, "%08x", sum);
}

int
cmd_audit(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} parts[] = {
		{ "produce", audit_produce }, { "consume", audit_consume },
		{ "judge", audit_judge }
	};

	for (size_t i = 0; argc > 1 && i < sizeof parts / sizeof *parts; i++)
		if (strcmp(argv[1], parts[i].name) == 0) {
			int rc = parts[i].run(argc - 1, argv + 1);

			if (rc == EX_USAGE)
				fputs(usage, stderr);
			return rc;
		}
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0))
		return fputs(usage, stdout) == EOF ? EX_IOERR : 0;
	fputs(usage, stderr);
	return EX_USAGE;
}
