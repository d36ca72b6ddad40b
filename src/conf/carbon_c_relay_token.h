/* carbon_c_relay_token.h - the words of carbon-c-relay's configuration. */
#ifndef MILLRACE_CONF_CARBON_C_RELAY_TOKEN_H
#define MILLRACE_CONF_CARBON_C_RELAY_TOKEN_H

#include "base/arena.h"
#include "conf/conf.h"

enum ccr_token_type {
	CCR_WORD,		/* may be a keyword */
	CCR_QUOTED,		/* never is one */
	CCR_SEMICOLON,
	CCR_EQUALS,
	CCR_END,
	CCR_WRONG		/* text says what is wrong */
};

struct ccr_token {
	enum ccr_token_type type;
	struct slice text;	/* unescaped, NUL-ended, in the arena */
	struct conf_mark mark;
};

struct ccr_tokens {
	struct slice rest;
	const char *line_start;
	struct conf_mark mark;	/* file, and the line of rest */
	struct arena *arena;
};

/* Borrows text, file and the arena. */
void ccr_tokens_init(struct ccr_tokens *t, struct slice text,
    const char *file, struct arena *arena);
/* After CCR_WRONG the character is skipped: it always gets further. */
struct ccr_token ccr_token(struct ccr_tokens *t);

#endif
