/*-------------------------------------------------------------------------
 *
 * murmur2.h
 *	  The hash with which Java's Kafka producer chooses partitions.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/murmur2.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_MURMUR2_H
#define CDC_MURMUR2_H

#include <stddef.h>
#include <stdint.h>

#define MURMUR2_SEED		UINT32_C(0x9747B28C)
#define MURMUR2_MULTIPLIER	UINT32_C(0x5BD1E995)

/* MurmurHash2 of bytes, taken as little-endian words on every machine */
static inline uint32_t
murmur2(const unsigned char *data, size_t len)
{
	uint32_t	hash = MURMUR2_SEED ^ (uint32_t) len;

	for (; len >= 4; data += 4, len -= 4)
	{
		uint32_t	word = data[0] | (uint32_t) data[1] << 8 |
			(uint32_t) data[2] << 16 | (uint32_t) data[3] << 24;

		word *= MURMUR2_MULTIPLIER;
		word ^= word >> 24;
		word *= MURMUR2_MULTIPLIER;
		hash *= MURMUR2_MULTIPLIER;
		hash ^= word;
	}

	if (len > 0)
	{
		for (size_t i = 0; i < len; i++)
			hash ^= (uint32_t) data[i] << (8 * i);
		hash *= MURMUR2_MULTIPLIER;
	}

	hash ^= hash >> 13;
	hash *= MURMUR2_MULTIPLIER;
	hash ^= hash >> 15;
	return hash;
}

#endif							/* CDC_MURMUR2_H */
