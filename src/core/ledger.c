/* ledger.c - adding up the books. */
#include "config.h"

#include "core/ledger.h"

void
ledger_refused(struct ledger *l, enum record_kind k, enum record_source s,
    enum reason why, uint64_t n)
{
	counter_add(&l->book[k][s].received, n);
	counter_add(&l->book[k][s].dropped[why], n);
}

void
ledger_lost(struct ledger *l, enum record_kind k, enum record_source s,
    enum reason why, uint64_t n)
{
	counter_add(&l->book[k][s].lost[why], n);
}

/* Read what leaves before what enters, so that a sum taken while others count
 * may show too much queued, but never less than nothing. */
static void
add_book(struct ledger_sum_book *sum, const struct ledger_book *b)
{
	uint64_t lost_total = 0;
	uint64_t delivered = counter_get(&b->delivered);

	for (int i = 0; i < REASON_COUNT; i++) {
		uint64_t lost = counter_get(&b->lost[i]);
		uint64_t dropped = counter_get(&b->dropped[i]);

		lost_total += lost;
		sum->dropped[i] += dropped + lost;
		sum->dropped_total += dropped + lost;
	}
	sum->delivered += delivered;
	sum->entered += counter_get(&b->entered);
	sum->received += counter_get(&b->received);
	/* One thread enters and another delivers: only the sum over all of
	 * them is a number of records, so wrapping in between is right. */
	sum->queued += counter_get(&b->entered) - delivered - lost_total;
}

void
ledger_sum_add(struct ledger_sum *sum, const struct ledger *l)
{
	for (int k = 0; k < RECORD_KINDS; k++)
		for (int s = 0; s < RECORD_SOURCES; s++)
			add_book(&sum->book[k][s], &l->book[k][s]);
	for (int s = 0; s < RECORD_SOURCES; s++) {
		sum->packets[s] += counter_get(&l->packets[s]);
		sum->bytes[s] += counter_get(&l->bytes[s]);
		sum->connections[s] += counter_get(&l->connections[s]);
	}
}
