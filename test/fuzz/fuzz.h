/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What fuzz targets share: their input and their verdict.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/fuzz.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_FUZZ_H
#define CDC_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Called by libFuzzer for each input; returns 0, or -1 to forget the input. */
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is not true ends the program; libFuzzer keeps the input. */
#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: not true: %s\n", \
					__FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* The rest of an input.  Reading beyond its end gives zeros. */
typedef struct FuzzInput
{
	const uint8_t *data;
	size_t		size;
} FuzzInput;

static inline uint64_t
fuzz_take(FuzzInput *input, int nbytes)
{
	uint64_t	result = 0;

	for (int i = 0; i < nbytes && input->size > 0; i++)
	{
		result |= (uint64_t) *input->data++ << (8 * i);
		input->size--;
	}
	return result;
}

/* From 0 to n - 1 */
static inline uint64_t
fuzz_choose(FuzzInput *input, uint64_t n)
{
	return fuzz_take(input, n <= 256 ? 1 : n <= 65536 ? 2 : 8) % n;
}

/* From min to max, both included */
static inline int64_t
fuzz_range(FuzzInput *input, int64_t min, int64_t max)
{
	uint64_t	span = (uint64_t) max - (uint64_t) min;
	uint64_t	n = span == UINT64_MAX ? fuzz_take(input, 8) :
		fuzz_choose(input, span + 1);

	return (int64_t) ((uint64_t) min + n);
}

/* Up to max bytes; *data points into the input. */
static inline size_t
fuzz_bytes(FuzzInput *input, size_t max, const uint8_t **data)
{
	size_t		len = max > input->size ? input->size : max;

	*data = input->data;
	input->data += len;
	input->size -= len;
	return len;
}

#endif							/* CDC_FUZZ_H */
