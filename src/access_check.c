/*-------------------------------------------------------------------------
 *
 * access_check.c
 *	  May the owner of a subscription read a table?
 *
 * While a transaction is decoded the system caches show the catalog as it
 * was then.  A privilege that was missing then would be missing forever,
 * whatever the administrator grants, and one that was revoked since would
 * still count.  So tables, roles and memberships are read as they are now.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one, when a relation gets its cache entry.  Scratch memory comes
 * from CurrentMemoryContext.  Takes AccessShareLock on catalogs.
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
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "compat.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

typedef enum ReadAccess
{
	READ_ACCESS_YES,
	READ_ACCESS_NO_PRIVILEGE,
	READ_ACCESS_ROW_SECURITY,
	READ_ACCESS_GONE			/* was dropped, and could not be read */
} ReadAccess;

/* What the catalog says of a role now */
typedef struct RoleInfo
{
	char	   *name;
	bool		superuser;
	bool		bypasses_row_security;
	bool		inherits;
	List	   *roles;			/* OIDs of those whose privileges it has */
} RoleInfo;

/* A scan of a catalog as it is now, for an OID in an index's first column */
typedef struct CurrentScan
{
	Relation	catalog;
	Snapshot	snapshot;
	SysScanDesc scan;
} CurrentScan;

static void
begin_scan(CurrentScan *current, Oid catalog, Oid index, AttrNumber column,
		   Oid oid)
{
	ScanKeyData key;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	current->catalog = table_open(catalog, AccessShareLock);
	current->snapshot =
		RegisterSnapshot(GetNonHistoricCatalogSnapshot(catalog));
	current->scan = systable_beginscan(current->catalog, index, true,
									   current->snapshot, 1, &key);
}

static void
end_scan(CurrentScan *current)
{
	systable_endscan(current->scan);
	UnregisterSnapshot(current->snapshot);
	table_close(current->catalog, AccessShareLock);
}

/* All false if the role is gone. */
static void
read_role(Oid role, RoleInfo *info)
{
	CurrentScan current;
	HeapTuple	tuple;

	memset(info, 0, sizeof(RoleInfo));
	begin_scan(&current, AuthIdRelationId, AuthIdOidIndexId,
			   Anum_pg_authid_oid, role);
	tuple = systable_getnext(current.scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_authid form = (Form_pg_authid) GETSTRUCT(tuple);

		info->name = pstrdup(NameStr(form->rolname));
		info->superuser = form->rolsuper;
		info->bypasses_row_security = form->rolsuper || form->rolbypassrls;
		info->inherits = CdcRoleInherits(form);
	}
	end_scan(&current);
}

static Oid
database_owner(void)
{
	CurrentScan current;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	begin_scan(&current, DatabaseRelationId, DatabaseOidIndexId,
			   Anum_pg_database_oid, MyDatabaseId);
	tuple = systable_getnext(current.scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	end_scan(&current);
	return owner;
}

/* Add the roles whose privileges a member inherits directly. */
static List *
add_memberships(List *roles, Oid member)
{
	CurrentScan current;
	HeapTuple	tuple;

	begin_scan(&current, AuthMemRelationId, AuthMemMemRoleIndexId,
			   Anum_pg_auth_members_member, member);
	while (HeapTupleIsValid(tuple = systable_getnext(current.scan)))
	{
		Form_pg_auth_members form = (Form_pg_auth_members) GETSTRUCT(tuple);

		if (CdcMembershipInherits(form))
			roles = list_append_unique_oid(roles, form->roleid);
	}
	end_scan(&current);
	return roles;
}

/* The same walk as roles_is_member_of() does for has_privs_of_role(). */
static List *
inherited_roles(Oid role)
{
	List	   *roles = list_make1_oid(role);
	Oid			owner = database_owner();
	ListCell   *lc;

	/* The list grows while it is walked. */
	foreach(lc, roles)
	{
		Oid			member = lfirst_oid(lc);
		RoleInfo	info;

		read_role(member, &info);
		if (!info.inherits)
			continue;
		roles = add_memberships(roles, member);
		if (member == owner)
			roles = list_append_unique_oid(roles, ROLE_PG_DATABASE_OWNER);
	}
	return roles;
}

static bool
acl_allows_select(Acl *acl, const List *roles)
{
	AclItem    *items = ACL_DAT(acl);
	int			i;

	for (i = 0; i < ACL_NUM(acl); i++)
	{
		if ((ACLITEM_GET_PRIVS(items[i]) & ACL_SELECT) != 0 &&
			(items[i].ai_grantee == ACL_ID_PUBLIC ||
			 list_member_oid(roles, items[i].ai_grantee)))
			return true;
	}
	return false;
}

static bool
may_select(const RoleInfo *role, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
	bool		isnull;
	Datum		acl;

	if (list_member_oid(role->roles, ROLE_PG_READ_ALL_DATA))
		return true;
	acl = heap_getattr(tuple, Anum_pg_class_relacl, desc, &isnull);
	return acl_allows_select(isnull ?
							 acldefault(OBJECT_TABLE, form->relowner) :
							 DatumGetAclP(acl), role->roles);
}

/* What a row of pg_class, of now or of then, allows. */
static ReadAccess
access_of_tuple(const RoleInfo *role, HeapTuple tuple, TupleDesc desc)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

	if (!may_select(role, tuple, desc))
		return READ_ACCESS_NO_PRIVILEGE;
	if (form->relrowsecurity && !role->bypasses_row_security &&
		(form->relforcerowsecurity ||
		 !list_member_oid(role->roles, form->relowner)))
		return READ_ACCESS_ROW_SECURITY;
	return READ_ACCESS_YES;
}

/* May it read a table that is gone by now, as the table was then? */
static ReadAccess
former_access(const RoleInfo *role, Oid relid, TupleDesc desc)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	ReadAccess	access = READ_ACCESS_GONE;

	if (!HeapTupleIsValid(tuple))
		return READ_ACCESS_GONE;
	if (access_of_tuple(role, tuple, desc) == READ_ACCESS_YES)
		access = READ_ACCESS_YES;
	ReleaseSysCache(tuple);
	return access;
}

static ReadAccess
table_access(const RoleInfo *role, Oid relid)
{
	CurrentScan current;
	HeapTuple	tuple;
	TupleDesc	desc;
	ReadAccess	access;

	begin_scan(&current, RelationRelationId, ClassOidIndexId,
			   Anum_pg_class_oid, relid);
	desc = RelationGetDescr(current.catalog);
	tuple = systable_getnext(current.scan);
	if (HeapTupleIsValid(tuple))
		access = access_of_tuple(role, tuple, desc);
	else
		access = former_access(role, relid, desc);
	end_scan(&current);
	return access;
}

static void
report_denied(const RoleInfo *role, Relation relation, ReadAccess access)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(relation));
	char	   *name;

	name = quote_qualified_identifier(schema,
									  RelationGetRelationName(relation));
	if (access == READ_ACCESS_ROW_SECURITY)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of table %s applies to role \"%s\", who owns the subscription",
						name, role->name),
				 errdetail("Decoding cannot apply row security policies."),
				 errhint("Run ALTER ROLE %s BYPASSRLS.",
						 quote_identifier(role->name))));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for table %s", name),
			 errdetail("Role \"%s\", who owns the subscription, may not read it.",
					   role->name),
			 errhint("Run GRANT SELECT ON %s TO %s.",
					 name, quote_identifier(role->name))));
}

bool
access_check_relation(Oid role, Relation relation, const List *ancestors)
{
	RoleInfo	info;
	ReadAccess	access;
	ListCell   *lc;

	read_role(role, &info);
	if (info.name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("owner of the subscription does not exist"),
				 errhint("A superuser can drop the subscription with cdc_emit.drop_subscription() and create it anew.")));
	if (info.superuser)
		return true;
	info.roles = inherited_roles(role);

	access = table_access(&info, RelationGetRelid(relation));
	if (access == READ_ACCESS_YES)
		return true;
	foreach(lc, ancestors)
	{
		if (table_access(&info, lfirst_oid(lc)) == READ_ACCESS_YES)
			return true;
	}
	if (access != READ_ACCESS_GONE)
		report_denied(&info, relation, access);

	/* Nobody can grant anything on it any more: an error would stay. */
	ereport(WARNING,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("changes of table \"%s\", dropped since, are not published",
					RelationGetRelationName(relation)),
			 errdetail("The owner of the subscription could not read all of its rows.")));
	return false;
}
