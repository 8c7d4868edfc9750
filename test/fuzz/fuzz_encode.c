/*-------------------------------------------------------------------------
 *
 * fuzz_encode.c
 *	  Fuzz target: events of random relations in all formats.
 *
 * Keys and values must be JSON with the rows that went in, with schemas they
 * must fit them, and headers must be UTF-8.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz_encode.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "connect_check.h"
#include "event_field.h"
#include "logical_message.h"
#include "relation_make.h"
#include "shim.h"
#include "value_time.h"

#define MAX_SPARE		40
#define LARGE_SPARE		4096
#define MAX_NAME		16
#define MAX_CONTENT		64
#define MAX_ADDED		4
#define MAX_COUNTS		3
#define MAX_COMMIT_TIME	INT64CONST(4000000000000000)	/* in 2126 */

/* What is encoded, and how */
typedef struct Case
{
	SubscriptionOptions options;
	EncoderSettings settings;
	TransactionInfo transaction;
	Encoder    *encoder;
	RelationInfo *relation;
	ChangeEvent event;
	MadeRow		before;
	MadeRow		after;
} Case;

/* ----------------------------------------------------------------
 *		input
 * ----------------------------------------------------------------
 */

/* A name in whatever encoding */
static char *
make_shared_name(FuzzInput *input)
{
	const uint8_t *bytes;
	size_t		len = fuzz_bytes(input, fuzz_choose(input, MAX_NAME), &bytes);

	return pnstrdup((const char *) bytes, strnlen((const char *) bytes, len));
}

/* Fields to add, none of them twice, some under another name */
static List *
make_added(FuzzInput *input)
{
	List	   *added = NIL;
	int			n = fuzz_choose(input, MAX_ADDED + 1);
	char	   *next = event_field_list();

	for (char *name = strtok(next, ", "); name && list_length(added) < n;
		 name = strtok(NULL, ", "))
	{
		if (fuzz_choose(input, 4) == 0)
			added = lappend(added, fuzz_choose(input, 2) ? pstrdup(name) :
							psprintf("%s:%d", name, list_length(added)));
	}
	return added;
}

static void
make_options(FuzzInput *input, SubscriptionOptions *options)
{
	memset(options, 0, sizeof(*options));
	options->format = fuzz_choose(input, OUTPUT_FORMAT_CLOUDEVENTS + 1);
	options->schemas = options->format != OUTPUT_FORMAT_CLOUDEVENTS &&
		fuzz_choose(input, 2);
	options->unavailable_value = pstrdup("mark");
	options->tombstones = fuzz_choose(input, 2);
	options->transaction_metadata = fuzz_choose(input, 2);
	options->add_fields = make_added(input);
	options->add_headers = make_added(input);
	options->delete_handling =
		fuzz_choose(input, DELETE_HANDLING_REWRITE_WITH_TOMBSTONE + 1);
	options->cloudevents_mode = fuzz_choose(input, CLOUDEVENTS_BINARY + 1);
}

static void
make_transaction(FuzzInput *input, TransactionInfo *transaction)
{
	memset(transaction, 0, sizeof(*transaction));
	transaction->xid = fuzz_take(input, 4);
	transaction->commit_lsn = fuzz_take(input, 8) >> 1;
	transaction->commit_time = fuzz_range(input, 0, MAX_COMMIT_TIME);
	transaction->previous_end_lsn =
		fuzz_choose(input, 2) ? fuzz_take(input, 8) >> 1 : InvalidXLogRecPtr;
	if (fuzz_choose(input, 2))
	{
		transaction->origin = make_shared_name(input);
		transaction->origin_lsn = fuzz_take(input, 8) >> 1;
	}
}

static void
make_position(FuzzInput *input, Case *the_case, EventPosition *position)
{
	position->transaction = &the_case->transaction;
	position->lsn = fuzz_take(input, 8) >> 1;
	position->index = fuzz_take(input, 4);
	position->collection_order = 1 + fuzz_take(input, 4);
}

static Encoder *
create_encoder(const EncoderSettings *settings)
{
	switch (settings->options->format)
	{
		case OUTPUT_FORMAT_DEBEZIUM:
			return encode_debezium_create(settings);
		case OUTPUT_FORMAT_ROW:
			return encode_row_create(settings);
		case OUTPUT_FORMAT_CLOUDEVENTS:
			return encode_cloudevents_create(settings);
	}
	abort();
}

static void
make_event(FuzzInput *input, Case *the_case)
{
	ChangeEvent *event = &the_case->event;

	memset(event, 0, sizeof(*event));
	event->op = fuzz_choose(input, EVENT_TRUNCATE + 1);
	event->relation = the_case->relation;
	make_position(input, the_case, &event->position);
	relation_make_row(input, the_case->relation, false, &the_case->before);
	relation_make_row(input, the_case->relation, true, &the_case->after);
	if (event->op == EVENT_DELETE ||
		(event->op == EVENT_UPDATE && fuzz_choose(input, 2)))
		event->before = &the_case->before.image;
	if (event->op == EVENT_CREATE || event->op == EVENT_UPDATE)
		event->after = &the_case->after.image;
	if (event->op == EVENT_DELETE && fuzz_choose(input, 2))
		event->new_key = &the_case->after.image;
	if (event->op == EVENT_CREATE && fuzz_choose(input, 2))
		event->old_key = &the_case->after.image;
}

static void
make_case(FuzzInput *input, Case *the_case)
{
	make_options(input, &the_case->options);
	the_case->settings.options = &the_case->options;
	the_case->settings.name = make_shared_name(input);
	the_case->settings.database = make_shared_name(input);
	make_transaction(input, &the_case->transaction);
	the_case->relation = relation_make(input, the_case->options.schemas);
	make_event(input, the_case);
}

/* ----------------------------------------------------------------
 *		verdicts
 * ----------------------------------------------------------------
 */

/* The payload, of a message with schemas or without; node is the whole. */
static const JsonNode *
require_message(const Case *the_case, const StringInfoData *out,
				JsonNode **node)
{
	const JsonNode *payload;

	*node = json_parse(out->data, out->len);
	if (*node == NULL)
		fprintf(stderr, "not JSON: %.*s\n", out->len, out->data);
	REQUIRE(*node != NULL);
	if (!the_case->options.schemas)
		return *node;
	REQUIRE(connect_check(*node, &payload));
	return payload;
}

static void
require_row(const JsonNode *node, const RowImage *image, const MadeRow *row)
{
	REQUIRE(node != NULL);
	if (image)
		REQUIRE(expect_match(node, row->expected));
	else
		REQUIRE(node->kind == JSON_NULL);
}

static void
require_rows(const JsonNode *node, const Case *the_case)
{
	require_row(json_member(node, "before"), the_case->event.before,
				&the_case->before);
	require_row(json_member(node, "after"), the_case->event.after,
				&the_case->after);
}

/* The columns come first, then what was added. */
static void
require_flat_row(const JsonNode *node, const JsonNode *expected)
{
	const JsonNode *member = node->first;

	REQUIRE(node->kind == JSON_OBJECT && node->count >= expected->count);
	for (const JsonNode *column = expected->first; column;
		 column = column->next)
	{
		REQUIRE(strcmp(member->name, column->name) == 0);
		REQUIRE(expect_match(member, column));
		member = member->next;
	}
	for (; member; member = member->next)
		REQUIRE(strncmp(member->name, "__", 2) == 0);
}

static void
require_value(const JsonNode *payload, const Case *the_case)
{
	const SubscriptionOptions *options = &the_case->options;

	switch (options->format)
	{
		case OUTPUT_FORMAT_DEBEZIUM:
			require_rows(payload, the_case);
			REQUIRE(json_member(payload, "source") != NULL);
			REQUIRE(json_member(payload, "op") != NULL);
			break;
		case OUTPUT_FORMAT_ROW:
			require_flat_row(payload,
							 the_case->event.op == EVENT_DELETE ?
							 the_case->before.expected :
							 the_case->after.expected);
			break;
		case OUTPUT_FORMAT_CLOUDEVENTS:
			if (options->cloudevents_mode == CLOUDEVENTS_STRUCTURED)
			{
				REQUIRE(json_member(payload, "id") != NULL);
				REQUIRE(json_member(payload, "source") != NULL);
				REQUIRE(json_member(payload, "specversion") != NULL);
				REQUIRE(json_member(payload, "type") != NULL);
				payload = json_member(payload, "data");
			}
			REQUIRE(payload != NULL);
			require_rows(payload, the_case);
			break;
	}
}

static void
require_utf8(const char *text, size_t len)
{
	while (len > 0)
	{
		size_t		n = json_utf8_length(text, len);

		REQUIRE(n > 0);
		text += n;
		len -= n;
	}
}

/* Kafka takes any bytes; ours are text, and no attribute is there twice. */
static void
require_headers(HeaderList *list)
{
	const MessageHeader *headers = headers_finish(list);

	for (int i = 0; i < list->nheaders; i++)
	{
		REQUIRE(headers[i].name[0] != '\0');
		require_utf8(headers[i].name, strlen(headers[i].name));
		if (headers[i].value)
			require_utf8(headers[i].value, headers[i].value_len);
		for (int j = 0; j < i; j++)
			REQUIRE(strcmp(headers[i].name, headers[j].name) != 0);
	}
}

/* ----------------------------------------------------------------
 *		calls, in the order of capture
 * ----------------------------------------------------------------
 */

static void
require_key(const Case *the_case, KeyKind kind)
{
	const RelationInfo *relation = the_case->relation;
	RelationColumn **columns = kind == KEY_MESSAGE ? relation->keys :
		relation->partition_keys;
	int			ncolumns = kind == KEY_MESSAGE ? relation->nkeys :
		relation->npartition_keys;
	StringInfoData out;
	JsonNode   *node;
	const JsonNode *key;

	if (ncolumns == 0)
		return;
	initStringInfo(&out);
	the_case->encoder->key(the_case->encoder, relation, kind,
						   &the_case->after.image, &out);
	key = require_message(the_case, &out, &node);
	REQUIRE(key->kind == JSON_OBJECT && key->count == ncolumns);
	for (int i = 0; i < ncolumns; i++)
	{
		const char *name = columns[i]->name;

		REQUIRE(expect_match(json_member(key, name),
							 json_member(the_case->after.expected, name)));
	}
	json_free(node);
}

static void
encode_event(const Case *the_case)
{
	Encoder    *encoder = the_case->encoder;
	StringInfoData out;
	HeaderList	headers;
	JsonNode   *node;

	require_key(the_case, KEY_MESSAGE);
	require_key(the_case, KEY_PARTITION);
	initStringInfo(&out);
	if (encoder->value(encoder, &the_case->event, &out))
	{
		require_value(require_message(the_case, &out, &node), the_case);
		json_free(node);
	}
	else
		REQUIRE(out.len == 0);
	if (encoder->headers)
	{
		headers_init(&headers);
		encoder->headers(encoder, &the_case->event, &headers);
		require_headers(&headers);
	}
}

static void
encode_logical_message(FuzzInput *input, Case *the_case)
{
	Encoder    *encoder = the_case->encoder;
	LogicalMessage message;
	const uint8_t *content;
	StringInfoData out;
	HeaderList	headers;
	JsonNode   *node;

	make_position(input, the_case, &message.position);
	message.prefix = value_make_text(input, MAX_NAME);
	message.content_len = fuzz_bytes(input, fuzz_choose(input, MAX_CONTENT),
									 &content);
	message.content = fuzz_choose(input, 8) ? (const char *) content : NULL;

	initStringInfo(&out);
	encoder->message_key(encoder, &message, &out);
	require_message(the_case, &out, &node);
	json_free(node);
	resetStringInfo(&out);
	encoder->message_value(encoder, &message, &out);
	require_message(the_case, &out, &node);
	json_free(node);
	if (encoder->message_headers)
	{
		headers_init(&headers);
		encoder->message_headers(encoder, &message, &headers);
		require_headers(&headers);
	}
}

static void
encode_transaction(FuzzInput *input, const Case *the_case)
{
	Encoder    *encoder = the_case->encoder;
	List	   *counts = NIL;
	StringInfoData out;
	JsonNode   *node;

	if (encoder->transaction_key == NULL)
		return;
	for (int i = fuzz_choose(input, MAX_COUNTS + 1); i > 0; i--)
	{
		CollectionCount *count = palloc(sizeof(CollectionCount));

		count->name = value_make_text(input, MAX_NAME);
		count->events = fuzz_take(input, 4);
		counts = lappend(counts, count);
	}
	initStringInfo(&out);
	encoder->transaction_key(encoder, &the_case->transaction, &out);
	require_message(the_case, &out, &node);
	json_free(node);
	resetStringInfo(&out);
	encoder->transaction_value(encoder, &the_case->transaction, counts, &out);
	require_message(the_case, &out, &node);
	json_free(node);
}

static void
encode_all(FuzzInput *input, Case *the_case)
{
	Encoder    *encoder = create_encoder(&the_case->settings);

	the_case->encoder = encoder;
	encoder->begin(encoder, &the_case->transaction);
	encoder->relation(encoder, the_case->relation);
	encode_event(the_case);
	/* what is prepared can be used again */
	encode_event(the_case);
	encode_logical_message(input, the_case);
	encode_transaction(input, the_case);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	input = {data, size};
	static Case the_case;

	/* growing byte by byte takes its time */
	shim_spare = fuzz_choose(&input, 4) == 0 ?
		fuzz_choose(&input, MAX_SPARE) : LARGE_SPARE;
	make_case(&input, &the_case);
	if (setjmp(shim_error_jump) == 0)
	{
		shim_error_expected = relation_may_be_broken(the_case.relation);
		encode_all(&input, &the_case);
	}
	else
		REQUIRE(shim_error_code == ERRCODE_INVALID_BINARY_REPRESENTATION);
	shim_error_expected = false;
	error_context_stack = NULL;
	shim_reset();
	return 0;
}

/* ----------------------------------------------------------------
 *		what encoders ask of the server
 * ----------------------------------------------------------------
 */

ErrorContextCallback *error_context_stack = NULL;

int
set_errcontext_domain(const char *domain)
{
	return 0;
}

int
errcontext_msg(const char *fmt,...)
{
	return 0;
}

uint64
GetSystemIdentifier(void)
{
	return PG_UINT64_MAX;
}

Timestamp
SetEpochTimestamp(void)
{
	return -VALUE_TIME_EPOCH_US;
}

/* Only for the content of logical messages */
void
value_type_init(ValueType *type, Oid typid, int32 typmod, int ndims,
				const ValueModes *modes, Oid owner)
{
	memset(type, 0, sizeof(*type));
	type->value_class = VALUE_BYTEA;
	type->typlen = -1;
	type->typalign = TYPALIGN_INT;
}
