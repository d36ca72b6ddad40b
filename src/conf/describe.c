/* describe.c - the tables of keys, told to editors and to people. */
#include "config.h"

#include "conf/describe.h"
#include "conf/keys.h"

/* A value may always be a text with ${NAME} in it. */
#define VARIABLE "{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}"

static void
quote(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static void schema_section(struct buf *b, const struct section *s);

static void
schema_words(struct buf *b, const char *const *words)
{
	buf_adds(b, "{\"anyOf\":[{\"enum\":[");
	for (size_t i = 0; words[i] != NULL; i++) {
		buf_adds(b, i == 0 ? "" : ",");
		quote(b, words[i]);
	}
	buf_adds(b, "]}," VARIABLE "]}");
}

static void
schema_number(struct buf *b, const struct key *k, const char *type)
{
	buf_printf(b, "{\"anyOf\":[{\"type\":\"%s\"", type);
	if (k->min != 0 || k->max != 0)
		buf_printf(b, ",\"minimum\":%.15g,\"maximum\":%.15g", k->min, k->max);
	buf_adds(b, "}," VARIABLE "]}");
}

/* One of these, or a list of them. */
static void
schema_some(struct buf *b, const char *one)
{
	buf_printf(b, "{\"anyOf\":[%s,{\"type\":\"array\",\"items\":%s}]}", one, one);
}

static void
schema_listens(struct buf *b, const struct key *k)
{
	struct buf one = BUF_INIT(4096);

	buf_adds(&one, "{\"type\":\"string\",\"pattern\":\"^((");
	for (size_t i = 0; k->words[i] != NULL; i++)
		buf_printf(&one, "%s%s", i == 0 ? "" : "|", k->words[i]);
	buf_adds(&one, ")://|.*\\\\$\\\\{)\"}");
	schema_some(b, buf_cstr(&one));
	buf_fini(&one);
}

static void
schema_servers(struct buf *b, const struct section *s)
{
	buf_adds(b, "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":"
	    "{\"anyOf\":[{\"type\":\"string\"},");
	schema_section(b, s);
	buf_adds(b, "]}}]}");
}

static void
schema_many(struct buf *b, const struct key *k)
{
	buf_adds(b, k->type == KEY_MAP ? "{\"type\":[\"object\",\"null\"],\"additionalProperties\":" :
	    "{\"type\":[\"array\",\"null\"],\"items\":");
	schema_section(b, k->section);
	buf_addc(b, '}');
}

static void
schema_type(struct buf *b, const struct key *k)
{
	switch (k->type) {
	case KEY_BOOL:
		buf_adds(b, "{\"anyOf\":[{\"type\":\"boolean\"},{\"enum\":[\"yes\",\"no\",\"on\",\"off\"]}," VARIABLE "]}");
		break;
	case KEY_COUNT:
	case KEY_INT:
		schema_number(b, k, "integer");
		break;
	case KEY_PORT:
		buf_adds(b, "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}," VARIABLE "]}");
		break;
	case KEY_NUMBER:
		schema_number(b, k, "number");
		break;
	case KEY_DURATION:
		buf_adds(b, "{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":"
		    "\"^(0|([0-9.]+(ms|s|m|min|h|d|w))+)$\"}," VARIABLE "]}");
		break;
	case KEY_SIZE:
		buf_adds(b, "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},{\"type\":\"string\",\"pattern\":"
		    "\"^[0-9.]+ ?(B|[kKmMgGtT]|[KMGT]i?B|kB)?$\"}," VARIABLE "]}");
		break;
	case KEY_ENUM:
	case KEY_CHOICE:
		schema_words(b, k->words);
		break;
	case KEY_STRING:
		if (k->words != NULL)
			schema_words(b, k->words);
		else
			buf_adds(b, "{\"type\":[\"string\",\"number\",\"null\"]}");
		break;
	case KEY_STRINGS:
	case KEY_INCLUDE:
		schema_some(b, "{\"type\":\"string\"}");
		break;
	case KEY_LISTENS:
		schema_listens(b, k);
		break;
	case KEY_PERCENTILES:
		schema_some(b, "{\"anyOf\":[{\"type\":\"number\",\"minimum\":-100,\"maximum\":100}," VARIABLE "]}");
		break;
	case KEY_BINS:
		schema_some(b, "{\"anyOf\":[{\"type\":\"number\"},{\"enum\":[\"inf\"]}," VARIABLE "]}");
		break;
	case KEY_SERVERS:
		schema_servers(b, k->section);
		break;
	case KEY_SECTION:
		schema_section(b, k->section);
		break;
	case KEY_MAP:
	case KEY_LIST:
		schema_many(b, k);
		break;
	default:
		buf_adds(b, "{\"type\":\"string\"}");
	}
}

static void
schema_section(struct buf *b, const struct section *s)
{
	buf_adds(b, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"description\":");
	quote(b, s->doc);
	buf_adds(b, ",\"properties\":{");
	for (size_t i = 0; i < s->nkeys; i++) {
		const struct key *k = &s->keys[i];

		buf_adds(b, i == 0 ? "\n" : ",\n");
		quote(b, k->name);
		buf_adds(b, ":{\"description\":");
		quote(b, k->doc);
		if (k->fallback != NULL && k->fallback[0] != '[') {
			buf_adds(b, ",\"default\":");
			if (k->fallback[0] == '"')
				buf_adds(b, k->fallback);
			else
				quote(b, k->fallback);
		}
		buf_adds(b, ",\"allOf\":[");
		schema_type(b, k);
		buf_adds(b, "]}");
	}
	buf_adds(b, "}}");
}

bool
conf_schema(struct buf *out)
{
	buf_adds(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n"
	    "\"title\":\"millrace.yaml\",\"allOf\":[");
	schema_section(out, &conf_section);
	return buf_adds(out, "]}\n");
}

/* Text for roff: a sentence begins a line, lines are short, and none begins
 * with a dot. */
static void
roff(struct buf *b, const char *s)
{
	size_t column = 0;

	for (; *s != '\0'; s++) {
		bool ends = column > 0 && s[-1] == '.';

		if (*s == ' ' && (ends || column > 66) && s[1] != '.' && s[1] != '\'') {
			buf_addc(b, '\n');
			column = 0;
			continue;
		}
		if (column == 0 && (*s == '.' || *s == '\''))
			buf_adds(b, "\\&");
		column++;
		if (*s == '\\')
			buf_adds(b, "\\e");
		else if (*s == '"')
			buf_adds(b, "\\(dq");
		else
			buf_addc(b, *s);
	}
}

static const char *
type_name(const struct key *k)
{
	static const char *const names[] = {
		[KEY_BOOL] = "true or false", [KEY_COUNT] = "number", [KEY_INT] = "number",
		[KEY_NUMBER] = "number", [KEY_DURATION] = "duration", [KEY_SIZE] = "size",
		[KEY_STRING] = "text", [KEY_ENUM] = "one of", [KEY_CHOICE] = "one of",
		[KEY_PORT] = "port", [KEY_STRINGS] = "text or list", [KEY_LISTENS] = "address or list",
		[KEY_HOSTPORT] = "host:port", [KEY_ZONE] = "zone", [KEY_ACK] = "text",
		[KEY_PERCENTILES] = "number or list", [KEY_BINS] = "list of numbers",
		[KEY_SERVERS] = "server or list", [KEY_REGEX] = "pattern", [KEY_EXPR] = "expression",
		[KEY_TEMPLATE] = "template", [KEY_PATH] = "text with {parts}",
		[KEY_INCLUDE] = "pattern or list", [KEY_SECTION] = "map", [KEY_MAP] = "map by name",
		[KEY_LIST] = "list of maps",
	};

	return names[k->type];
}

static void
manual_words(struct buf *b, const struct key *k)
{
	const char *const *w = k->words;
	struct buf line = BUF_INIT(4096);

	if (w == NULL)
		return;
	buf_adds(&line, k->type == KEY_PATH ? "Parts: " :
	    k->type == KEY_LISTENS ? "Schemes: " : "One of ");
	for (size_t i = 0; w[i] != NULL; i++)
		buf_printf(&line, "%s%s", i == 0 ? "" : ", ", w[i]);
	buf_addc(&line, '.');
	roff(b, buf_cstr(&line));
	buf_addc(b, '\n');
	buf_fini(&line);
}

static void
manual_key(struct buf *b, const struct key *k)
{
	buf_printf(b, ".It Cm %s Pq ", k->name);
	roff(b, k->words != NULL && k->type == KEY_STRING ? "one of" : type_name(k));
	buf_addc(b, '\n');
	roff(b, k->doc);
	buf_addc(b, '\n');
	manual_words(b, k);
	if (k->fallback == NULL)
		return;
	buf_adds(b, "Default: ");
	roff(b, k->fallback);
	buf_adds(b, ".\n");
}

/* The nested sections follow the one that has them, each under its path. */
static void
manual_section(struct buf *b, const struct section *s, const char *path)
{
	buf_printf(b, ".Ss %s\n", *path == '\0' ? "The top" : path);
	roff(b, s->doc);
	buf_adds(b, "\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < s->nkeys; i++)
		manual_key(b, &s->keys[i]);
	buf_adds(b, ".El\n");
	for (size_t i = 0; i < s->nkeys; i++) {
		const struct key *k = &s->keys[i];
		struct buf below = BUF_INIT(256);

		if (k->section != NULL) {
			buf_printf(&below, "%s%s%s%s", path, *path == '\0' ? "" : ".", k->name,
			    k->type == KEY_MAP ? ".NAME" :
			    k->type == KEY_LIST || k->type == KEY_SERVERS ? "[]" : "");
			manual_section(b, k->section, buf_cstr(&below));
		}
		buf_fini(&below);
	}
}

bool
conf_manual(struct buf *out)
{
	manual_section(out, &conf_section, "");
	return out->len < out->max;
}
