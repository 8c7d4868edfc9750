/*-------------------------------------------------------------------------
 *
 * shim.h
 *	  What fuzz targets may ask of the functions that stand in for the
 *	  server's.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/shim.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_SHIM_H
#define CDC_FUZZ_SHIM_H

#include <setjmp.h>

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* Bytes that a buffer has more than was asked for when it grows. */
extern int	shim_spare;

/* The encoding that GetDatabaseEncoding() answers. */
extern int	shim_encoding;

/*
 * Where an ERROR goes:
 *
 *		if (setjmp(shim_error_jump) == 0)
 *		{
 *			shim_error_expected = true;
 *			...
 *		}
 *		shim_error_expected = false;
 *
 * An ERROR that is not expected ends the program.
 */
extern jmp_buf shim_error_jump;
extern bool shim_error_expected;
extern int	shim_error_code;
extern char shim_error_text[];
extern char shim_error_hint[];

/* Free what was palloc'ed since the last call. */
extern void shim_reset(void);

/*
 * The character of LATIN1 or EUC_KR that starts at str as this shim converts
 * it: its length, and its code point, or -1 if it has no equivalent.  LATIN1
 * is as it is except that 0x80 to 0x9F have none; of EUC_KR those with an odd
 * sum of bytes have none, and the others are some Hangul.
 */
extern int	shim_character(int encoding, const unsigned char *str, int len,
						   int *code_point);

/*
 * shim_options.c: a jsonb of an object or array, which must outlive it; forget
 * what jsonb_in() has read.
 */
struct JsonNode;
extern Jsonb *shim_jsonb(const struct JsonNode *node);
extern void shim_jsonb_free(void);

/* Append a code point as UTF-8. */
extern void shim_append_utf8(StringInfo out, int code_point);

#endif							/* CDC_FUZZ_SHIM_H */
