/*-------------------------------------------------------------------------
 *
 * numeric_disk.c
 *	  Random values of type numeric as they are on disk, and their text.
 *
 * Headers of both lengths of numeric and of varlena, aligned or not, as the
 * server chooses them; the first and the last group are never zero.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  test/fuzz/numeric_disk.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "numeric_disk.h"
#include "shim.h"

#define GROUP				10000
#define SPECIAL_NAN			0xC000
#define SPECIAL_INFINITY	0xD000
#define SPECIAL_MINUS		0xF000
#define MAX_SCALE			16383
#define FEW_GROUPS			12

static void
append_int16(StringInfo out, uint16 value)
{
	const char *bytes = (const char *) &value;

	appendStringInfoChar(out, bytes[0]);
	appendStringInfoChar(out, bytes[1]);
}

/* Give the contents a header of one or of four bytes. */
static struct varlena *
make_varlena(FuzzInput *input, const StringInfoData *contents)
{
	char	   *result;

	if (contents->len + VARHDRSZ_SHORT > VARATT_SHORT_MAX ||
		fuzz_choose(input, 4) == 0)
	{
		result = palloc(VARHDRSZ + contents->len);
		SET_VARSIZE(result, VARHDRSZ + contents->len);
		memcpy(VARDATA(result), contents->data, contents->len);
		return (struct varlena *) result;
	}

	/* such values begin at any address */
	result = palloc(VARHDRSZ_SHORT + contents->len + 1);
	result += fuzz_choose(input, 2);
	SET_VARSIZE_SHORT(result, VARHDRSZ_SHORT + contents->len);
	memcpy(VARDATA_SHORT(result), contents->data, contents->len);
	return (struct varlena *) result;
}

static struct varlena *
make_special(FuzzInput *input, NumericText *text)
{
	static const uint16 headers[] = {
		SPECIAL_NAN, SPECIAL_INFINITY, SPECIAL_MINUS
	};
	StringInfoData contents;

	text->finite = false;
	initStringInfo(&contents);
	append_int16(&contents, headers[fuzz_choose(input, lengthof(headers))]);
	return make_varlena(input, &contents);
}

static void
append_header(StringInfo out, bool negative, int weight, int display_scale)
{
	if (weight >= -64 && weight <= 63 && display_scale <= 63)
		append_int16(out, 0x8000 | (negative ? 0x2000 : 0) |
					 display_scale << 7 | (weight & 0x7F));
	else
	{
		append_int16(out, (negative ? 0x4000 : 0) | display_scale);
		append_int16(out, weight);
	}
}

/* Digits of all groups, leading and trailing zeros removed */
static void
set_text(NumericText *text, const int *groups, int ngroups, int weight)
{
	int			leading = 0;

	text->point = (weight + 1) * 4;
	for (int i = 0; i < ngroups; i++)
		appendStringInfo(&text->digits, "%04d", groups[i]);
	if (ngroups == 0)
		return;
	while (text->digits.data[leading] == '0')
		leading++;
	text->point -= leading;
	text->digits.len -= leading;
	memmove(text->digits.data, text->digits.data + leading,
			text->digits.len);
	while (text->digits.data[text->digits.len - 1] == '0')
		text->digits.len--;
	text->digits.data[text->digits.len] = '\0';
}

struct varlena *
numeric_disk_make(FuzzInput *input, int max_groups, NumericText *text)
{
	StringInfoData contents;
	int			shape = fuzz_choose(input, 32);
	int			max = shape == 1 ? max_groups : FEW_GROUPS;
	int			ngroups = fuzz_choose(input, max + 1);
	int			weight = ngroups - 1;
	int		   *groups;
	int			scale;

	memset(text, 0, sizeof(*text));
	initStringInfo(&text->digits);
	if (shape == 0)
		return make_special(input, text);

	text->finite = true;
	groups = palloc0(ngroups * sizeof(int));
	for (int i = 0; i < ngroups; i++)
	{
		groups[i] = fuzz_choose(input, GROUP);
		if (groups[i] == 0 && (i == 0 || i == ngroups - 1))
			groups[i] = 1;
	}
	if (ngroups > 0)
	{
		text->negative = fuzz_choose(input, 2);
		if (shape % 4 == 1)
			weight = fuzz_range(input, -max_groups, max_groups);
		else
			weight -= fuzz_choose(input, ngroups + 1);
	}
	else
		weight = 0;
	set_text(text, groups, ngroups, weight);

	/* the scale for display holds all digits, or more */
	scale = Max(text->digits.len - text->point, 0);
	scale += fuzz_choose(input, 4) ? 0 : fuzz_choose(input, 70);
	scale = Min(scale, MAX_SCALE);
	text->display_scale = scale;

	initStringInfo(&contents);
	append_header(&contents, text->negative, weight, scale);
	for (int i = 0; i < ngroups; i++)
		append_int16(&contents, groups[i]);
	return make_varlena(input, &contents);
}
