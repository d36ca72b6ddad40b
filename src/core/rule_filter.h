/* rule_filter.h - which of many rules a name can mean at all.
 *
 * Of each rule's condition it is known what text a name must have for it to be
 * true; of that the piece of two to four bytes that is rarest among the rules
 * is put into a table.  One walk over a name then finds the rules whose pieces
 * it has: a thousand rules cost about what ten cost. */
#ifndef MILLRACE_CORE_RULE_FILTER_H
#define MILLRACE_CORE_RULE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct expr;
struct rule_filter;

/* For rules with those conditions, in that order (NULL: always true).  NULL
 * when there is no memory. */
struct rule_filter *rule_filter_new(const struct expr *const *when, size_t n);
void rule_filter_free(struct rule_filter *f);
/* The uint64_t that a set of the rules has. */
size_t rule_filter_words(const struct rule_filter *f);
/* Bit i % 64 of set[i / 64]: rule i may be true for a metric of that name; all
 * others are not. */
void rule_filter_find(const struct rule_filter *f, struct slice name,
    uint64_t *set);
/* How many rules must be asked about every name. */
size_t rule_filter_blind(const struct rule_filter *f);

#endif
