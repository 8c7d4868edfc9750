/*-------------------------------------------------------------------------
 *
 * value_json.h
 *	  Between the files that write values as JSON.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/value_json.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef CDC_VALUE_JSON_H
#define CDC_VALUE_JSON_H

#include "utils/uuid.h"
#include "value.h"

/* value_json_scalar.c */
extern void value_json_append_varlena_text(StringInfo out, Datum value);
extern void value_json_append_char(StringInfo out, char c);
extern void value_json_append_uuid(StringInfo out, const unsigned char *bytes);
extern void value_json_append_jsonb(StringInfo out, Datum value);
extern void value_json_append_enum(StringInfo out, const ValueType *type,
								   Datum value);
extern void value_json_append_output(StringInfo out, const ValueType *type,
									 Datum value);
extern void value_json_append_bytea(StringInfo out, ValueClass value_class,
									Datum value);
extern void value_json_append_numeric(StringInfo out, const ValueType *type,
									  Datum value);
extern void value_json_append_money(StringInfo out, const ValueType *type,
									Datum value);
extern void value_json_append_bit(StringInfo out, Datum value);
extern void value_json_append_bits(StringInfo out, Datum value);
extern void value_json_append_point(StringInfo out, Datum value);

/* value_json_extension.c: types of extensions */
extern void value_json_append_hstore(StringInfo out, const ValueType *type,
									 Datum value);
extern void value_json_append_geometry(StringInfo out, const ValueType *type,
									   Datum value);
extern void value_json_append_vector(StringInfo out, const ValueType *type,
									 Datum value);

/* value_json_nested.c: values that are made of values */
extern void value_json_append_array(StringInfo out, const ValueType *type,
									Datum value);
extern void value_json_append_composite(StringInfo out, const ValueType *type,
										Datum value);

#endif							/* CDC_VALUE_JSON_H */
