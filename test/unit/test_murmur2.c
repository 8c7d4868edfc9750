/*-------------------------------------------------------------------------
 *
 * test_murmur2.c
 *	  The hash must be that of Java's Kafka producer.
 *
 * The expected numbers are those of Kafka's own tests.  Prints TAP.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/unit/test_murmur2.c
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>

#include "murmur2.h"

static const struct
{
	const char *text;
	int32_t		hash;
}			known[] =
{
	{"21", -973932308},
	{"foobar", -790332482},
	{"a-little-bit-long-string", -985981536},
	{"a-little-bit-longer-string", -1486304829},
	{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
	{"abc", 479470107},
};

int
main(void)
{
	int			nknown = sizeof(known) / sizeof(known[0]);
	int			failed = 0;

	for (int i = 0; i < nknown; i++)
	{
		const char *text = known[i].text;
		int32_t		hash = (int32_t) murmur2((const unsigned char *) text,
											 strlen(text));
		int			good = hash == known[i].hash;

		printf("%s %d - %s\n", good ? "ok" : "not ok", i + 1, text);
		failed += !good;
	}
	printf("1..%d\n", nknown);
	return failed > 0;
}
