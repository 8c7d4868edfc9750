/*-------------------------------------------------------------------------
 *
 * shim.c
 *	  Stands in for the functions of the server that the code under test
 *	  calls.
 *
 * Every allocation is one of its own, so that the address sanitizer sees an
 * access past its end, and buffers grow by no more than was asked for and what
 * the target lets them have to spare.  What the server has in the libraries it
 * gives to clients (encodings, floats, printf) comes from there.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/shim.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "shim.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define ERROR_TEXT_MAX	1024

/* ----------------------------------------------------------------
 *		memory
 * ----------------------------------------------------------------
 */

MemoryContext CurrentMemoryContext = NULL;
MemoryContext TopMemoryContext = NULL;

static void **chunks;
static int	nchunks;
static int	max_chunks;

static void
remember(void *chunk)
{
	if (nchunks == max_chunks)
	{
		max_chunks = max_chunks * 2 + 64;
		chunks = realloc(chunks, max_chunks * sizeof(void *));
		if (chunks == NULL)
			abort();
	}
	chunks[nchunks++] = chunk;
}

/* Its number; the newest first, because that is what is freed mostly. */
static int
find_chunk(void *pointer)
{
	int			i = nchunks - 1;

	while (i >= 0 && chunks[i] != pointer)
		i--;
	if (i < 0)
	{
		fprintf(stderr, "pointer was not palloc'ed\n");
		abort();
	}
	return i;
}

void *
palloc(Size size)
{
	void	   *chunk;

	if (!AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	chunk = malloc(size);
	if (chunk == NULL)
		abort();
	remember(chunk);
	return chunk;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
repalloc(void *pointer, Size size)
{
	int			i = find_chunk(pointer);

	if (!AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	chunks[i] = realloc(pointer, size);
	if (chunks[i] == NULL)
		abort();
	return chunks[i];
}

void
pfree(void *pointer)
{
	int			i = find_chunk(pointer);

	free(pointer);
	memmove(&chunks[i], &chunks[i + 1], (nchunks - i - 1) * sizeof(void *));
	nchunks--;
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *copy;

	len = strnlen(in, len);
	copy = palloc(len + 1);
	memcpy(copy, in, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

void
shim_reset(void)
{
	while (nchunks > 0)
		free(chunks[--nchunks]);
}

/* ----------------------------------------------------------------
 *		errors
 * ----------------------------------------------------------------
 */

jmp_buf		shim_error_jump;
bool		shim_error_expected;
int			shim_error_code;

char		shim_error_text[ERROR_TEXT_MAX];
char		shim_error_hint[ERROR_TEXT_MAX];

static char error_detail[ERROR_TEXT_MAX];

bool
errstart(int elevel, const char *domain)
{
	if (elevel < ERROR)
		return false;
	shim_error_code = ERRCODE_INTERNAL_ERROR;
	shim_error_text[0] = '\0';
	shim_error_hint[0] = '\0';
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	shim_error_code = sqlerrcode;
	return 0;
}

/* Formats, so that arguments are read as they are in the server. */
#define FORMAT_MESSAGE(buffer) \
	do { \
		va_list		args; \
		va_start(args, fmt); \
		vsnprintf(buffer, ERROR_TEXT_MAX, fmt, args); \
		va_end(args); \
		return 0; \
	} while (0)

int
errmsg(const char *fmt,...)
{
	FORMAT_MESSAGE(shim_error_text);
}

int
errmsg_internal(const char *fmt,...)
{
	FORMAT_MESSAGE(shim_error_text);
}

int
errdetail(const char *fmt,...)
{
	FORMAT_MESSAGE(error_detail);
}

int
errhint(const char *fmt,...)
{
	FORMAT_MESSAGE(shim_error_hint);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	if (shim_error_expected)
	{
		shim_error_expected = false;
		longjmp(shim_error_jump, 1);
	}
	fprintf(stderr, "%s:%d: unexpected ERROR: %s\n", filename, lineno,
			shim_error_text);
	abort();
}

/* ----------------------------------------------------------------
 *		buffers
 * ----------------------------------------------------------------
 */

int			shim_spare;

void
initStringInfo(StringInfo str)
{
	str->maxlen = 1 + shim_spare;
	str->data = palloc(str->maxlen);
	resetStringInfo(str);
}

void
resetStringInfo(StringInfo str)
{
	str->data[0] = '\0';
	str->len = 0;
	str->cursor = 0;
}

void
enlargeStringInfo(StringInfo str, int needed)
{
	if (needed < 0 || (Size) needed >= MaxAllocSize - (Size) str->len)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("out of memory")));
	if (str->len + needed < str->maxlen)
		return;
	str->maxlen = str->len + needed + 1 + shim_spare;
	str->data = repalloc(str->data, str->maxlen);
}

static void
append_bytes(StringInfo str, const char *data, int len)
{
	enlargeStringInfo(str, len);
	memcpy(str->data + str->len, data, len);
	str->len += len;
	str->data[str->len] = '\0';
}

void
appendStringInfoString(StringInfo str, const char *s)
{
	append_bytes(str, s, strlen(s));
}

void
appendStringInfoChar(StringInfo str, char c)
{
	append_bytes(str, &c, 1);
}

void
appendStringInfo(StringInfo str, const char *fmt,...)
{
	va_list		args;
	int			len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	enlargeStringInfo(str, len);
	va_start(args, fmt);
	vsnprintf(str->data + str->len, len + 1, fmt, args);
	va_end(args);
	str->len += len;
}

/* ----------------------------------------------------------------
 *		strings and lists
 * ----------------------------------------------------------------
 */

char *
psprintf(const char *fmt,...)
{
	va_list		args;
	int			len;
	char	   *result;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	result = palloc(len + 1);
	va_start(args, fmt);
	vsnprintf(result, len + 1, fmt, args);
	va_end(args);
	return result;
}

/* A new list each time, so that pointers into the old one are noticed. */
List *
lappend(List *list, void *datum)
{
	int			length = list_length(list) + 1;
	List	   *longer = palloc(sizeof(List));

	longer->type = T_List;
	longer->length = length;
	longer->max_length = length;
	longer->elements = palloc(length * sizeof(ListCell));
	if (list)
	{
		memcpy(longer->elements, list->elements,
			   list->length * sizeof(ListCell));
		pfree(list->elements);
		pfree(list);
	}
	longer->elements[length - 1].ptr_value = datum;
	return longer;
}

/* ----------------------------------------------------------------
 *		encodings
 * ----------------------------------------------------------------
 */

int			shim_encoding = PG_UTF8;

int
GetDatabaseEncoding(void)
{
	return shim_encoding;
}

Oid
FindDefaultConversionProc(int32 for_encoding, int32 to_encoding)
{
	if (to_encoding != PG_UTF8)
		abort();
	return 1;
}

int
shim_character(int encoding, const unsigned char *str, int len,
			   int *code_point)
{
	if (str[0] < 0x80)
		*code_point = str[0];
	else if (encoding == PG_LATIN1)
		*code_point = str[0] < 0xA0 ? -1 : str[0];
	else if (len >= 2 && str[0] >= 0xA1 && str[0] != 0xFF &&
			 str[1] >= 0xA1 && str[1] != 0xFF)
	{
		*code_point = (str[0] + str[1]) % 2 == 1 ? -1 :
			0xAC00 + (str[0] - 0xA1) * 94 + str[1] - 0xA1;
		return 2;
	}
	else
		*code_point = -1;
	return 1;
}

void
shim_append_utf8(StringInfo out, int code_point)
{
	if (code_point < 0x80)
		appendStringInfoChar(out, code_point);
	else if (code_point < 0x800)
	{
		appendStringInfoChar(out, 0xC0 | code_point >> 6);
		appendStringInfoChar(out, 0x80 | (code_point & 0x3F));
	}
	else if (code_point < 0x10000)
	{
		appendStringInfoChar(out, 0xE0 | code_point >> 12);
		appendStringInfoChar(out, 0x80 | (code_point >> 6 & 0x3F));
		appendStringInfoChar(out, 0x80 | (code_point & 0x3F));
	}
	else
	{
		appendStringInfoChar(out, 0xF0 | code_point >> 18);
		appendStringInfoChar(out, 0x80 | (code_point >> 12 & 0x3F));
		appendStringInfoChar(out, 0x80 | (code_point >> 6 & 0x3F));
		appendStringInfoChar(out, 0x80 | (code_point & 0x3F));
	}
}

void
CacheRegisterSyscacheCallback(int cacheid, SyscacheCallbackFunction func,
							  Datum arg)
{
}

void
fmgr_info_cxt(Oid functionId, FmgrInfo *finfo, MemoryContext mcxt)
{
}

/*
 * A conversion, as in the server: the result ends with a NUL, and returned is
 * how many bytes of the source were converted, even if that ends within a
 * character.
 */
Datum
FunctionCall6Coll(FmgrInfo *flinfo, Oid collation, Datum src_encoding,
				  Datum dest_encoding, Datum src, Datum dest, Datum len,
				  Datum no_error)
{
	const unsigned char *from = (unsigned char *) DatumGetPointer(src);
	StringInfoData converted;
	int			srclen = DatumGetInt32(len);
	int			done = 0;

	initStringInfo(&converted);
	enlargeStringInfo(&converted, srclen * MAX_CONVERSION_GROWTH);
	while (done < srclen)
	{
		int			code_point;
		int			n = shim_character(DatumGetInt32(src_encoding),
									   from + done, srclen - done,
									   &code_point);

		if (code_point <= 0)
			break;
		shim_append_utf8(&converted, code_point);
		done += n;
	}
	memcpy(DatumGetPointer(dest), converted.data, converted.len + 1);
	pfree(converted.data);
	return Int32GetDatum(done);
}

/* ----------------------------------------------------------------
 *		numbers
 * ----------------------------------------------------------------
 */

/* The server's functions write no NUL if their name ends with _n. */
int
pg_ulltoa_n(uint64 l, char *a)
{
	char		digits[MAXINT8LEN];
	int			len = 0;

	do
	{
		digits[len++] = '0' + l % 10;
		l /= 10;
	} while (l > 0);
	for (int i = 0; i < len; i++)
		a[i] = digits[len - 1 - i];
	return len;
}

int
pg_lltoa(int64 ll, char *a)
{
	int			len = 0;

	if (ll < 0)
		a[len++] = '-';
	len += pg_ulltoa_n(ll < 0 ? -(uint64) ll : (uint64) ll, a + len);
	a[len] = '\0';
	return len;
}

/* ----------------------------------------------------------------
 *		others
 * ----------------------------------------------------------------
 */

/* Some time in 2025 */
TimestampTz
GetCurrentTimestamp(void)
{
	return INT64CONST(800000000123456);
}

volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void
check_stack_depth(void)
{
}

/* Targets make no values that are compressed or out of line. */
struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	if (VARATT_IS_EXTERNAL(datum) || VARATT_IS_COMPRESSED(datum))
		abort();
	return datum;
}

/* With a header of four bytes, which makes it aligned. */
struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	struct varlena *copy;
	Size		len;

	datum = pg_detoast_datum_packed(datum);
	if (!VARATT_IS_SHORT(datum))
		return datum;
	len = VARSIZE_SHORT(datum) - VARHDRSZ_SHORT;
	copy = palloc(len + VARHDRSZ);
	SET_VARSIZE(copy, len + VARHDRSZ);
	memcpy(VARDATA(copy), VARDATA_SHORT(datum), len);
	return copy;
}
