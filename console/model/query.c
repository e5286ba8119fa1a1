/* SPDX-License-Identifier: MIT */
/*
 * Parsing is recursive descent over the line, matching a walk over the tree:
 * both are bounded by the number of nodes, whatever was typed.
 *
 *     any  = all { ("|" | "or") all }
 *     all  = not { ["and"] not }
 *     not  = ["-" | "not"] ( "(" any ")" | term )
 *     term = [field operator] value | flag
 */
#include "model/query.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_WORDS, NODE_TEXT, NODE_NUMBER };
enum op { OP_HAS, OP_IS, OP_IS_NOT, OP_LESS, OP_LESS_IS, OP_MORE, OP_MORE_IS };
/* What it takes to ask a row, roughly: all its words are written, a text is looked up, a number is there. */
enum { COST_NUMBER = 1, COST_TEXT = 4, COST_WORDS = 16, COST_MAX = 250 };
enum { DEPTH_MAX = 16 };

/* ----------------------------------------------------------------- fields */

static const struct {
	const char *text, *help;
	enum cn_field_kind kind;
} fields[CN_FIELD_COUNT] = {
#define X(name, text, kind, help) { text, help, CN_FIELD_IS_##kind },
	CN_FIELDS(X)
#undef X
};
_Static_assert(CN_FIELD_COUNT <= 64, "a bit each");

const char *cn_field_text(enum cn_field field)
{
	return fields[field].text;
}

const char *cn_field_help(enum cn_field field)
{
	return fields[field].help;
}

enum cn_field_kind cn_field_kind(enum cn_field field)
{
	return fields[field].kind;
}

enum cn_field cn_field_find(const char *text, size_t bytes)
{
	for (int i = 0; i < CN_FIELD_COUNT; i++)
		if (strlen(fields[i].text) == bytes && strncasecmp(fields[i].text, text, bytes) == 0)
			return (enum cn_field)i;
	return CN_FIELD_COUNT;
}

/* ---------------------------------------------------------------- parsing */

struct parser {
	const char *line;
	size_t at;
	size_t term; /* where the present one begins */
	int depth;   /* of parentheses, and of what the parser calls itself for */
	uint64_t fields;
	struct cn_query *query;
	struct cn_query_error *error;
};

__attribute__((format(printf, 4, 5))) static int fail(
	struct parser *parser, size_t at, size_t bytes, const char *format, ...)
{
	va_list args;

	*parser->error = (struct cn_query_error){ .at = at, .bytes = bytes, .term = parser->term };
	va_start(args, format);
	vsnprintf(parser->error->text, sizeof parser->error->text, format, args);
	va_end(args);
	return -EINVAL;
}

static void skip_blanks(struct parser *parser)
{
	while (parser->line[parser->at] == ' ')
		parser->at++;
}

/* At the end of a word: what follows belongs to the line's grammar. */
static bool ends_word(const struct parser *parser, char c)
{
	return !c || c == ' ' || c == '|' || (c == ')' && parser->depth > 0);
}

/* Is this word next? Then it is taken. */
static bool take_word(struct parser *parser, const char *word)
{
	const size_t n = strlen(word);

	if (strncasecmp(parser->line + parser->at, word, n) != 0 ||
		!ends_word(parser, parser->line[parser->at + n]))
		return false;
	parser->at += n;
	return true;
}

static int add_node(struct parser *parser, struct cn_query_node node, uint8_t *ret_index)
{
	struct cn_query *query = parser->query;

	if (query->n == CN_QUERY_NODES)
		return fail(parser, parser->term, 1, "more than can be asked at once");
	query->nodes[query->n] = node;
	*ret_index = query->n++;
	return 0;
}

/* What costs less is asked first: of "and" and of "or" the order does not matter. */
static int add_pair(struct parser *parser, enum node_kind kind, uint8_t a, uint8_t b, uint8_t *ret_index)
{
	const struct cn_query_node *nodes = parser->query->nodes;
	const bool swap = nodes[b].cost < nodes[a].cost;
	const int cost = nodes[a].cost + nodes[b].cost;

	return add_node(parser,
		(struct cn_query_node){ .kind = kind,
			.a = swap ? b : a,
			.b = swap ? a : b,
			.cost = (uint8_t)(cost < COST_MAX ? cost : COST_MAX) },
		ret_index);
}

/* ------------------------------------------------------------------ values */

struct value {
	size_t at, bytes; /* quotes left out */
	bool quoted;
};

static int take_value(struct parser *parser, struct value *ret)
{
	const char *line = parser->line;
	size_t end = parser->at;

	*ret = (struct value){ .at = parser->at };
	if (line[end] == '"') {
		const char *close = strchr(line + end + 1, '"');

		if (!close)
			return fail(parser, end, 1, "this quote is not closed");
		*ret = (struct value){ end + 1, (size_t)(close - line) - end - 1, true };
		parser->at = (size_t)(close - line) + 1;
		return 0;
	}
	while (!ends_word(parser, line[end]))
		end++;
	ret->bytes = end - ret->at;
	parser->at = end;
	return 0;
}

static uint16_t keep_text(struct parser *parser, const struct value *value)
{
	struct cn_query *query = parser->query;
	const uint16_t at = query->texts_used;

	/* Never more than the line has, and an end for each node. */
	memcpy(query->texts + at, parser->line + value->at, value->bytes);
	query->texts[at + value->bytes] = 0;
	query->texts_used = (uint16_t)(at + value->bytes + 1);
	return at;
}

struct unit {
	const char *text;
	double times;
};

static const struct unit times[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 },
	{ "h", 3600e9 }, { "d", 86400e9 } };
static const struct unit counts[] = { { "k", 1e3 }, { "K", 1e3 }, { "M", 1e6 }, { "G", 1e9 }, { "T", 1e12 } };

/* The unit that `text` begins with, and not with more letters than it has. */
static const struct unit *unit_at(const char *text, size_t bytes, const struct unit *units, size_t n)
{
	size_t letters = 0;

	while (letters < bytes && isalpha((unsigned char)text[letters]))
		letters++;
	for (size_t i = 0; i < n; i++)
		if (strlen(units[i].text) == letters && strncmp(units[i].text, text, letters) == 0)
			return &units[i];
	return NULL;
}

/* Digits with at most one point; answers how many bytes they are, 0 = it is no number. */
static size_t digits(const char *text, size_t bytes, double *ret_value)
{
	double value = 0, place = 0;
	size_t i;

	for (i = 0; i < bytes && (isdigit((unsigned char)text[i]) || (text[i] == '.' && !place)); i++) {
		if (text[i] == '.')
			place = 1;
		else if (!place)
			value = value * 10 + (text[i] - '0');
		else
			value += (text[i] - '0') * (place /= 10);
	}
	*ret_value = value;
	return i && isdigit((unsigned char)text[i - 1]) ? i : 0;
}

static const char *example_of(enum cn_field_kind kind)
{
	static const char *const examples[] = {
		[CN_FIELD_IS_TEXT] = "a text",
		[CN_FIELD_IS_NUMBER] = "a whole number",
		[CN_FIELD_IS_TIME] = "a time, as 250us or 1m30s",
		[CN_FIELD_IS_SHARE] = "a share, as 50%",
		[CN_FIELD_IS_TIME_OR_SHARE] = "a time or a share, as 2s or 50%",
		[CN_FIELD_IS_COUNT] = "a count, as 12 or 1.5k",
		[CN_FIELD_IS_FLAG] = "nothing",
	};

	return examples[kind];
}

static bool whole_number(const char *text, size_t bytes, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (bytes && *text == '#') {
		text++;
		bytes--;
	}
	for (size_t i = 0; i < bytes; i++) {
		const uint64_t digit = (uint64_t)(text[i] - '0');

		if (!isdigit((unsigned char)text[i]) || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return bytes;
}

/* "1m30s", "2.5k", "12": pieces with units add up; without one it is a count, or zero. */
static bool sum_of(const char *text, size_t bytes, bool is_time, double *ret_value)
{
	double sum = 0, value;

	while (bytes) {
		const size_t n = digits(text, bytes, &value);
		const struct unit *unit = is_time ? unit_at(text + n, bytes - n, times, sizeof times / sizeof *times)
						  : unit_at(text + n, bytes - n, counts, sizeof counts / sizeof *counts);

		if (!n || (!unit && (n < bytes || (is_time && value != 0))))
			return false;
		sum += value * (unit ? unit->times : 1);
		text += n + (unit ? strlen(unit->text) : 0);
		bytes -= n + (unit ? strlen(unit->text) : 0);
	}
	*ret_value = sum;
	return true;
}

static bool number_of(enum cn_field_kind kind, const char *text, size_t bytes, struct cn_query_node *node)
{
	const bool may_share = kind == CN_FIELD_IS_SHARE || kind == CN_FIELD_IS_TIME_OR_SHARE;
	double value;

	if (kind == CN_FIELD_IS_NUMBER)
		return whole_number(text, bytes, &node->value);
	node->share = may_share && bytes > 1 && text[bytes - 1] == '%';
	if (node->share) {
		if (digits(text, bytes - 1, &value) != bytes - 1)
			return false;
		value *= CN_QUERY_WHOLE / 100.0;
	} else if (kind == CN_FIELD_IS_SHARE || !bytes || !sum_of(text, bytes, kind != CN_FIELD_IS_COUNT, &value)) {
		return false;
	}
	if (value >= 1.8e19)
		return false;
	node->value = (uint64_t)(value + 0.5);
	return true;
}

/* ------------------------------------------------------------------- terms */

static size_t take_op(const char *text, enum op *ret_op)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = { { "!=", OP_IS_NOT }, { "<=", OP_LESS_IS }, { ">=", OP_MORE_IS }, { ":", OP_HAS }, { "~", OP_HAS },
		{ "=", OP_IS }, { "<", OP_LESS }, { ">", OP_MORE } };

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strncmp(text, ops[i].text, strlen(ops[i].text)) == 0) {
			*ret_op = ops[i].op;
			return strlen(ops[i].text);
		}
	return 0;
}

static int compare(struct parser *parser, enum cn_field field, enum op op, size_t op_at, uint8_t *ret_index)
{
	const enum cn_field_kind kind = fields[field].kind;
	struct cn_query_node node = { .kind = NODE_NUMBER, .field = (uint8_t)field, .op = op, .cost = COST_NUMBER };
	struct value value;
	int rc = take_value(parser, &value);

	if (rc)
		return rc;
	if (!value.bytes || kind == CN_FIELD_IS_FLAG)
		return fail(parser, kind == CN_FIELD_IS_FLAG ? op_at : value.at, 1, "%s wants %s", fields[field].text,
			example_of(kind));
	if (kind == CN_FIELD_IS_TEXT) {
		if (op > OP_IS_NOT)
			return fail(parser, op_at, 1, "%s is text: it has no more and less", fields[field].text);
		node.kind = NODE_TEXT;
		node.cost = COST_TEXT;
		node.text = keep_text(parser, &value);
	} else if (!number_of(kind, parser->line + value.at, value.bytes, &node)) {
		return fail(parser, value.at, value.bytes, "%s wants %s", fields[field].text, example_of(kind));
	}
	parser->query->fields |= 1ull << field;
	return add_node(parser, node, ret_index);
}

static int words(struct parser *parser, uint8_t *ret_index)
{
	struct value value;
	int rc = take_value(parser, &value);

	if (rc)
		return rc;
	if (!value.bytes)
		return fail(parser, parser->at, 1, value.quoted ? "a text is missing" : "something is missing");
	if (!value.quoted) {
		const enum cn_field field = cn_field_find(parser->line + value.at, value.bytes);

		if (field < CN_FIELD_COUNT && fields[field].kind == CN_FIELD_IS_FLAG &&
			parser->fields >> field & 1) {
			parser->query->fields |= 1ull << field;
			return add_node(parser,
				(struct cn_query_node){ .kind = NODE_NUMBER,
					.field = (uint8_t)field,
					.op = OP_IS,
					.value = 1,
					.cost = COST_NUMBER },
				ret_index);
		}
	}
	return add_node(parser,
		(struct cn_query_node){ .kind = NODE_WORDS, .cost = COST_WORDS, .text = keep_text(parser, &value) },
		ret_index);
}

static int term(struct parser *parser, uint8_t *ret_index)
{
	const char *text = parser->line + parser->at;
	const size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_");
	const enum cn_field field = cn_field_find(text, key);
	enum op op;
	const size_t n = key ? take_op(text + key, &op) : 0;

	if (!n || (field == CN_FIELD_COUNT && op <= OP_IS_NOT))
		return words(parser, ret_index);
	if (field == CN_FIELD_COUNT)
		return fail(parser, parser->at, key, "there is no field %.*s", (int)(key < 32 ? key : 32),
			text);
	if (!(parser->fields >> field & 1))
		return fail(parser, parser->at, key, "rows of this table have no %s", fields[field].text);
	parser->at += key + n;
	return compare(parser, field, op, parser->at - n, ret_index);
}

static int any(struct parser *parser, uint8_t *ret_index);

static int group(struct parser *parser, uint8_t *ret_index)
{
	const size_t open = parser->at, term_at = parser->term;
	int rc;

	if (parser->depth == DEPTH_MAX)
		return fail(parser, open, 1, "too many parentheses");
	parser->at++;
	parser->depth++;
	rc = any(parser, ret_index);
	parser->term = term_at;
	if (rc) {
		parser->error->term = term_at;
		return rc;
	}
	if (parser->line[parser->at] != ')')
		return fail(parser, open, 1, "this parenthesis is not closed");
	parser->at++;
	parser->depth--;
	return 0;
}

static int negation(struct parser *parser, uint8_t *ret_index)
{
	const char *text;
	bool opposite;
	uint8_t below = 0;
	int rc;

	skip_blanks(parser);
	parser->term = parser->at;
	text = parser->line + parser->at;
	opposite = take_word(parser, "not");
	if (opposite)
		skip_blanks(parser);
	else if (*text == '-' && !ends_word(parser, text[1])) {
		opposite = true;
		parser->at++;
	}
	rc = parser->line[parser->at] == '(' ? group(parser, &below) : term(parser, &below);
	if (rc || !opposite) {
		*ret_index = below;
		return rc;
	}
	return add_node(parser,
		(struct cn_query_node){ .kind = NODE_NOT, .a = below, .cost = parser->query->nodes[below].cost }, ret_index);
}

static bool at_or(struct parser *parser)
{
	skip_blanks(parser);
	if (parser->line[parser->at] == '|') {
		parser->at += 1 + (parser->line[parser->at + 1] == '|');
		return true;
	}
	return take_word(parser, "or");
}

static bool at_end(const struct parser *parser)
{
	const char *text = parser->line + parser->at;

	return !*text || *text == '|' || (*text == ')' && parser->depth > 0) ||
	       (strncasecmp(text, "or", 2) == 0 && ends_word(parser, text[2]));
}

static int all(struct parser *parser, uint8_t *ret_index)
{
	uint8_t left = 0, right = 0;
	int rc = negation(parser, &left);

	while (rc == 0) {
		skip_blanks(parser);
		if (at_end(parser))
			break;
		if (take_word(parser, "and"))
			skip_blanks(parser);
		rc = negation(parser, &right);
		if (rc == 0)
			rc = add_pair(parser, NODE_AND, left, right, &left);
	}
	*ret_index = left;
	return rc;
}

static int any(struct parser *parser, uint8_t *ret_index)
{
	uint8_t left = 0, right = 0;
	int rc = all(parser, &left);

	while (rc == 0 && at_or(parser)) {
		rc = all(parser, &right);
		if (rc == 0)
			rc = add_pair(parser, NODE_OR, left, right, &left);
	}
	*ret_index = left;
	return rc;
}

int cn_query_parse(const char *line, uint64_t fields_here, struct cn_query *ret_query, struct cn_query_error *ret_error)
{
	struct cn_query query = { 0 };
	struct parser parser = { .line = line, .fields = fields_here, .query = &query, .error = ret_error };
	int rc = 0;

	if (strlen(line) >= CN_QUERY_BYTES)
		return fail(&parser, 0, 1, "longer than %d bytes", CN_QUERY_BYTES - 1);
	skip_blanks(&parser);
	if (line[parser.at])
		rc = any(&parser, &query.root);
	if (rc == 0)
		*ret_query = query;
	return rc;
}

/* --------------------------------------------------------------- matching */

static bool same_letter(char a, char b)
{
	return a == b || tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The star before is tried one character further on, whenever what follows it does not fit. */
static bool like(const char *text, const char *pattern)
{
	const char *star = NULL, *again = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			again = text;
		} else if (*pattern == '?' || same_letter(*pattern, *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool cn_query_like(const char *text, const char *pattern, bool whole)
{
	char around[CN_QUERY_BYTES + 2];

	if (!strpbrk(pattern, "*?"))
		return whole ? strcasecmp(text, pattern) == 0 : strcasestr(text, pattern) != NULL;
	if (whole)
		return like(text, pattern);
	snprintf(around, sizeof around, "*%s*", pattern);
	return like(text, around);
}

struct asking {
	const struct cn_query *query;
	const struct cn_query_row *row;
	const char *words; /* NULL = not asked for yet */
	char room[CN_QUERY_ROOM];
};

static bool text_holds(struct asking *asking, const struct cn_query_node *node)
{
	const char *pattern = asking->query->texts + node->text;
	const bool whole = node->op != OP_HAS;
	/* Either will do. */
	const enum cn_field of[2] = { node->field == CN_FIELD_SITE ? CN_FIELD_AT : (enum cn_field)node->field,
		node->field == CN_FIELD_SITE ? CN_FIELD_SPAWN : CN_FIELD_COUNT };
	bool has = false, any_text = false;

	for (int i = 0; i < 2 && of[i] < CN_FIELD_COUNT && !has; i++) {
		char room[CN_QUERY_ROOM];
		const char *text = asking->row->text(asking->row->arg, of[i], room);

		any_text |= text != NULL;
		has = text && cn_query_like(text, pattern, whole);
	}
	return node->op == OP_IS_NOT ? any_text && !has : has;
}

static bool number_holds(const struct asking *asking, const struct cn_query_node *node)
{
	uint64_t value;

	if (!asking->row->number(asking->row->arg, (enum cn_field)node->field, node->share, &value))
		return false;
	switch ((enum op)node->op) {
	case OP_HAS:
	case OP_IS:
		return value == node->value;
	case OP_IS_NOT:
		return value != node->value;
	case OP_LESS:
		return value < node->value;
	case OP_LESS_IS:
		return value <= node->value;
	case OP_MORE:
		return value > node->value;
	case OP_MORE_IS:
		return value >= node->value;
	}
	return false;
}

static bool holds(struct asking *asking, uint8_t index)
{
	const struct cn_query_node *node = &asking->query->nodes[index];

	switch ((enum node_kind)node->kind) {
	case NODE_AND:
		return holds(asking, node->a) && holds(asking, node->b);
	case NODE_OR:
		return holds(asking, node->a) || holds(asking, node->b);
	case NODE_NOT:
		return !holds(asking, node->a);
	case NODE_TEXT:
		return text_holds(asking, node);
	case NODE_NUMBER:
		return number_holds(asking, node);
	case NODE_WORDS:
		break;
	}
	if (!asking->words)
		asking->words = asking->row->words(asking->row->arg, asking->room);
	return asking->words && cn_query_like(asking->words, asking->query->texts + node->text, false);
}

bool cn_query_match(const struct cn_query *query, const struct cn_query_row *row)
{
	struct asking asking;

	if (query->n == 0)
		return true;
	asking.query = query;
	asking.row = row;
	asking.words = NULL;
	return holds(&asking, query->root);
}
