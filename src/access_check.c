/*-------------------------------------------------------------------------
 *
 * access_check.c
 *	  May the owner of a subscription read a table?
 *
 * While a transaction is decoded the system caches show the catalog as it
 * was then.  A privilege that was missing then would be missing forever,
 * whatever the administrator grants, so pg_class is read as it is now.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Scratch memory comes
 * from CurrentMemoryContext.  Takes AccessShareLock on pg_class.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/access_check.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access_check.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

typedef enum ReadAccess
{
	READ_ACCESS_YES,
	READ_ACCESS_NO_PRIVILEGE,
	READ_ACCESS_ROW_SECURITY,
	READ_ACCESS_GONE			/* was dropped, and had no privilege */
} ReadAccess;

/* What pg_authid says of a role now */
typedef struct RoleAttributes
{
	bool		superuser;
	bool		bypasses_row_security;
} RoleAttributes;

/* The current row with this OID of a catalog; NULL if there is none. */
static HeapTuple
current_tuple(Relation catalog, Oid index, AttrNumber oid_column, Oid oid)
{
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, oid_column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	scan = systable_beginscan(catalog, index, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return HeapTupleIsValid(tuple) ? tuple : NULL;
}

static RoleAttributes
role_attributes(Oid role)
{
	Relation	pg_authid = table_open(AuthIdRelationId, AccessShareLock);
	HeapTuple	tuple = current_tuple(pg_authid, AuthIdOidIndexId,
									  Anum_pg_authid_oid, role);
	RoleAttributes attributes = {false, false};

	if (tuple)
	{
		Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);

		attributes.superuser = form->rolsuper;
		attributes.bypasses_row_security =
			form->rolsuper || form->rolbypassrls;
	}
	table_close(pg_authid, AccessShareLock);
	return attributes;
}

static ReadAccess
access_of_tuple(Oid role, bool bypasses_row_security, HeapTuple tuple,
				TupleDesc desc)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
	bool		is_owner = has_privs_of_role(role, form->relowner);

	if (!has_privs_of_role(role, ROLE_PG_READ_ALL_DATA))
	{
		bool		isnull;
		Datum		datum;
		Acl		   *acl;

		datum = heap_getattr(tuple, Anum_pg_class_relacl, desc, &isnull);
		acl = isnull ? acldefault(OBJECT_TABLE, form->relowner) :
			DatumGetAclP(datum);
		if (aclmask(acl, role, form->relowner, ACL_SELECT, ACLMASK_ANY) == 0)
			return READ_ACCESS_NO_PRIVILEGE;
	}

	if (form->relrowsecurity && !bypasses_row_security &&
		(!is_owner || form->relforcerowsecurity))
		return READ_ACCESS_ROW_SECURITY;
	return READ_ACCESS_YES;
}

/* If the relation is gone by now, the privileges of then count. */
static ReadAccess
current_access(Oid role, bool bypasses_row_security, Oid relid)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	HeapTuple	tuple = current_tuple(pg_class, ClassOidIndexId,
									  Anum_pg_class_oid, relid);
	ReadAccess	access = READ_ACCESS_GONE;

	if (tuple)
		access = access_of_tuple(role, bypasses_row_security, tuple,
								 RelationGetDescr(pg_class));
	else if (pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK)
		access = READ_ACCESS_YES;
	table_close(pg_class, AccessShareLock);
	return access;
}

static void
report_denied(Oid role, Relation relation, ReadAccess access)
{
	char	   *role_name = GetUserNameFromId(role, true);
	char	   *schema = get_namespace_name(RelationGetNamespace(relation));
	char	   *name;

	name = quote_qualified_identifier(schema,
									  RelationGetRelationName(relation));
	if (role_name == NULL)
		role_name = psprintf("%u", role);

	if (access == READ_ACCESS_ROW_SECURITY)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of table %s applies to role \"%s\", who owns the subscription",
						name, role_name),
				 errdetail("Decoding cannot apply row security policies."),
				 errhint("Run ALTER ROLE %s BYPASSRLS.",
						 quote_identifier(role_name))));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for table %s", name),
			 errdetail("Role \"%s\", who owns the subscription, may not read it.",
					   role_name),
			 errhint("Run GRANT SELECT ON %s TO %s.",
					 name, quote_identifier(role_name))));
}

bool
access_check_relation(Oid role, Relation relation, const List *ancestors)
{
	RoleAttributes attributes = role_attributes(role);
	ReadAccess	access;
	ListCell   *lc;

	if (attributes.superuser)
		return true;
	access = current_access(role, attributes.bypasses_row_security,
							RelationGetRelid(relation));
	if (access == READ_ACCESS_YES)
		return true;
	foreach(lc, ancestors)
	{
		if (current_access(role, attributes.bypasses_row_security,
						   lfirst_oid(lc)) == READ_ACCESS_YES)
			return true;
	}
	if (access != READ_ACCESS_GONE)
		report_denied(role, relation, access);

	/* Nobody can grant anything on it any more: an error would stay. */
	ereport(WARNING,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("changes of table \"%s\", dropped since, are not published",
					RelationGetRelationName(relation)),
			 errdetail("The owner of the subscription had no privilege to read it.")));
	return false;
}
