/* keys.h - every key that a configuration may have, as tables.
 *
 * A section is a table of keys; a key says its name, what its value is, where
 * it goes in the section's struct, its default as one would write it, its
 * bounds, and a sentence for people.  Reading, the JSON Schema and the manual
 * page all walk these tables and know nothing else. */
#ifndef MILLRACE_CONF_KEYS_H
#define MILLRACE_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_type {
	KEY_BOOL,		/* bool */
	KEY_COUNT,		/* uint64_t */
	KEY_INT,		/* int */
	KEY_NUMBER,		/* double */
	KEY_DURATION,		/* uint64_t, ms */
	KEY_SIZE,		/* uint64_t, bytes */
	KEY_STRING,		/* char *; NULL without a default; with words, one of them */
	KEY_ENUM,		/* int: the index in words */
	KEY_CHOICE,		/* bool: the index in two words */
	KEY_PORT,		/* uint16_t, never 0 */
	KEY_STRINGS,		/* struct conf_strings; one text stands for a list of one */
	KEY_LISTENS,		/* struct conf_listens; words: the schemes */
	KEY_HOSTPORT,		/* char *, "host:port" */
	KEY_ZONE,		/* int32_t, seconds east; "local" and "UTC" too */
	KEY_ACK,		/* enum conf_ack, and struct conf_stream's replicas */
	KEY_PERCENTILES,	/* struct conf_flush's percentiles */
	KEY_BINS,		/* struct conf_histogram's bins */
	KEY_SERVERS,		/* struct conf_cluster's servers */
	KEY_REGEX,		/* char *, a pattern that compiles */
	KEY_EXPR,		/* struct conf_rule's when and when_text */
	KEY_TEMPLATE,		/* char *, "$1 ${name}", and struct template * at count */
	KEY_PATH,		/* char *, "{host}" templates of archives: words */
	KEY_INCLUDE,		/* taken care of before keys are read */
	KEY_SECTION,		/* a nested map; section */
	KEY_MAP,		/* a map of sections by name: v at offset, n at count */
	KEY_LIST		/* a list of sections, the same */
};

struct section;

struct key {
	const char *name;
	enum key_type type;
	size_t offset, count;
	const char *fallback;	/* the default as written; NULL: nothing is done */
	double min, max;	/* of numbers; both 0: no bounds */
	const char *const *words;
	const struct section *section;
	const char *doc;
};

#define NOWHERE		((size_t)-1)

struct loader;
struct node;

struct section {
	const char *name;
	const struct key *keys;
	size_t nkeys, size;
	size_t present_at;	/* bool, or NOWHERE */
	size_t name_at;		/* char *, of map members, or NOWHERE */
	size_t mark_at;		/* struct conf_mark, or NOWHERE */
	bool careful;		/* no check when a value could not be read */
	/* Looks at what was read as a whole, or NULL. */
	void (*check)(struct loader *l, void *out, const struct node *n);
	const char *doc;
};

/* The whole file. */
extern const struct section conf_section;

#endif
