/*-------------------------------------------------------------------------
 *
 * relation.c
 *	  What is known of a relation while its changes are decoded.
 *
 * Everything the catalog has to say about a relation is looked up once and
 * kept until an invalidation message says that it changed.  Messages can
 * arrive in the middle of our own callbacks, so they only mark entries; an
 * entry is replaced at the next look-up.
 *
 * Runs in any process that decodes, inside the transaction that replays a
 * decoded one.  The cache has a context below the decoding context, and each
 * entry one of its own below that.  No locks: the catalog is read with a
 * historic snapshot.
 *
 * Copyright (c) 2026, cdc_emit contributors
 *
 * IDENTIFICATION
 *	  src/relation.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access_check.h"
#include "catalog/pg_publication.h"
#include "compat.h"
#include "publication.h"
#include "relation.h"
#include "relation_key.h"
#include "relation_options.h"
#include "row_filter.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* Number of entries from which invalid ones are removed */
#define FIRST_SWEEP		256

typedef struct CacheEntry
{
	Oid			relid;			/* hash key */
	bool		valid;
	RelationInfo *info;			/* NULL if not built */
} CacheEntry;

struct RelationCache
{
	MemoryContext context;
	HTAB	   *entries;
	const List *publications;
	const SubscriptionOptions *options;
	Oid			owner;
	bool		has_relids;		/* has an entry ever depended on another
								 * relation? */
	long		sweep_at;		/* number of entries to sweep at */

	/* The entry found last, for runs of changes of one relation */
	CacheEntry *last;
};

/* The cache of this process, for invalidation callbacks; NULL if none */
static RelationCache *current_cache = NULL;

/* Relation cache callback: a relation, or all of them, changed. */
static void
invalidate_relation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	if (current_cache == NULL)
		return;

	if (OidIsValid(relid) && !current_cache->has_relids)
	{
		entry = hash_search(current_cache->entries, &relid, HASH_FIND, NULL);
		if (entry)
			entry->valid = false;
		return;
	}

	hash_seq_init(&status, current_cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relid) || entry->relid == relid ||
			entry->info == NULL ||
			list_member_oid(entry->info->dependencies.relids, relid))
			entry->valid = false;
	}
}

/* System cache callback: roles changed, which matters if they are checked. */
static void
invalidate_privileges(Datum arg, int cacheid, uint32 hashvalue)
{
	if (current_cache && OidIsValid(current_cache->owner))
		invalidate_relation(arg, InvalidOid);
}

/* System cache callback: publications changed. */
static void
invalidate_all(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_relation(arg, InvalidOid);
}

static bool
depends_on(const RelationDependencies *dependencies, int cacheid, uint32 hash)
{
	int			i;

	/* A new label is none that could be known. */
	if (cacheid == ENUMOID)
		return dependencies->has_enum;
	for (i = 0; i < dependencies->nrows; i++)
	{
		if (dependencies->rows[i].cacheid == cacheid &&
			dependencies->rows[i].hash == hash)
			return true;
	}
	return false;
}

/*
 * System cache callback: a schema, a type or a label of an enumerated type
 * changed; all if hash is 0.
 */
static void
invalidate_dependent(Datum arg, int cacheid, uint32 hash)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	if (current_cache == NULL)
		return;

	hash_seq_init(&status, current_cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (hash == 0 || entry->info == NULL ||
			depends_on(&entry->info->dependencies, cacheid, hash))
			entry->valid = false;
	}
}

/* Callbacks can not be taken back, so there is one set per process. */
static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(PUBLICATIONOID, invalidate_all, (Datum) 0);
	CacheRegisterSyscacheCallback(PUBLICATIONRELMAP, invalidate_all,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(PUBLICATIONNAMESPACEMAP, invalidate_all,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, invalidate_privileges, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, invalidate_privileges,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_dependent,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, invalidate_dependent, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, invalidate_dependent, (Datum) 0);
	registered = true;
}

static void
forget_cache(void *arg)
{
	if (current_cache == arg)
		current_cache = NULL;
}

RelationCache *
relation_cache_create(MemoryContext context, const List *publications,
					  const SubscriptionOptions *options, Oid owner)
{
	MemoryContext own = AllocSetContextCreate(context,
											  "cdc_emit relation cache",
											  ALLOCSET_DEFAULT_SIZES);
	RelationCache *cache = MemoryContextAllocZero(own, sizeof(RelationCache));
	MemoryContextCallback *callback;
	HASHCTL		control;

	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(CacheEntry);
	control.hcxt = own;
	cache->context = own;
	cache->entries = hash_create("cdc_emit relations", 128, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cache->publications = publications;
	cache->options = options;
	cache->owner = owner;
	cache->sweep_at = FIRST_SWEEP;

	callback = MemoryContextAllocZero(own, sizeof(MemoryContextCallback));
	callback->func = forget_cache;
	callback->arg = cache;
	MemoryContextRegisterResetCallback(own, callback);

	register_callbacks();
	current_cache = cache;
	return cache;
}

static Bitmapset *
message_key(const RelationInfo *info, Relation target,
			const Bitmapset *published)
{
	if (info->options && info->options->key)
		return relation_option_columns(target, published, info->options->key,
									   "key");
	return relation_key(target);
}

static Bitmapset *
partition_key(const RelationInfo *info, Relation target,
			  const Bitmapset *published)
{
	if (info->options == NULL)
		return NULL;
	return relation_option_columns(target, published,
								   info->options->partition_by,
								   "partition_by");
}

/*
 * Describe the columns of target, which is the relation or an ancestor it is
 * published as; map has the attribute number in relation for each attribute
 * of target, NULL if they are the same.
 */
static void
build_columns(RelationCache *cache, RelationInfo *info, Relation target,
			  const AttrMap *map, const Bitmapset *published)
{
	TupleDesc	desc = RelationGetDescr(target);
	Bitmapset  *keys = message_key(info, target, published);
	Bitmapset  *partition_keys = partition_key(info, target, published);
	int			i;

	info->columns = palloc0(desc->natts * sizeof(RelationColumn));
	info->keys = palloc0(desc->natts * sizeof(RelationColumn *));
	info->partition_keys = palloc0(desc->natts * sizeof(RelationColumn *));
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		RelationColumn *column;

		if (att->attisdropped || !bms_is_member(att->attnum, published))
			continue;
		column = &info->columns[info->ncolumns++];
		column->name = pstrdup(NameStr(att->attname));
		column->index = map ? map->attnums[i] - 1 : i;
		column->varlena = att->attlen == -1;
		column->max_bytes = cache->options->max_value_bytes;
		column->not_null = att->attnotnull;
		if (cache->options->schemas)
			column_default_init(&column->column_default, desc, i);
		value_type_init(&column->type, att->atttypid, att->atttypmod,
						att->attndims, &cache->options->modes, cache->owner);
		if (bms_is_member(att->attnum, keys))
			info->keys[info->nkeys++] = column;
		if (bms_is_member(att->attnum, partition_keys))
			info->partition_keys[info->npartition_keys++] = column;
	}

	/* A key that is published in part only identifies nothing. */
	if (info->nkeys < bms_num_members(keys))
		info->nkeys = 0;

	/* Rows whose keys are long must not all have the same one. */
	for (i = 0; i < info->nkeys; i++)
		info->keys[i]->max_bytes = 0;
}

static void
add_row(RelationDependencies *dependencies, int cacheid, Oid oid)
{
	uint32		hash = GetSysCacheHashValue1(cacheid, ObjectIdGetDatum(oid));

	if (depends_on(dependencies, cacheid, hash))
		return;
	dependencies->rows =
		dependencies->rows == NULL ? palloc(sizeof(CatalogRow)) :
		repalloc(dependencies->rows,
				 (dependencies->nrows + 1) * sizeof(CatalogRow));
	dependencies->rows[dependencies->nrows].cacheid = cacheid;
	dependencies->rows[dependencies->nrows++].hash = hash;
}

/* A type and those inside it */
static void
add_type(RelationDependencies *dependencies, const ValueType *type)
{
	const ValueComposite *composite = type->composite;
	int			i;

	/* Those of the server itself do not change. */
	if (type->typid >= FirstNormalObjectId)
		add_row(dependencies, TYPEOID, type->typid);
	if (type->enumeration)
		dependencies->has_enum = true;
	if (type->element)
		add_type(dependencies, type->element);
	if (composite == NULL)
		return;
	add_row(dependencies, NAMESPACEOID, composite->schema);
	dependencies->relids = list_append_unique_oid(dependencies->relids,
												  composite->relid);
	for (i = 0; i < composite->nfields; i++)
		add_type(dependencies, &composite->fields[i].type);
}

static void
build_dependencies(RelationCache *cache, RelationInfo *info, Relation target,
				   Oid root)
{
	RelationDependencies *dependencies = &info->dependencies;
	int			i;

	add_row(dependencies, NAMESPACEOID, RelationGetNamespace(target));
	add_row(dependencies, NAMESPACEOID, get_rel_namespace(root));
	for (i = 0; i < info->ncolumns; i++)
		add_type(dependencies, &info->columns[i].type);
	if (dependencies->relids != NIL)
		cache->has_relids = true;
}

static void
publish_nothing(RelationInfo *info)
{
	info->publish_inserts = false;
	info->publish_updates = false;
	info->publish_deletes = false;
	info->publish_truncates = false;
}

/* Fill in an entry for a relation that may be published. */
static void
build_published(RelationCache *cache, RelationInfo *info, Relation relation)
{
	PublishedRelation published;
	Relation	target = relation;
	AttrMap    *map = NULL;
	Oid			root;

	publication_lookup(cache->publications, relation, &published);
	root = published.ancestors ? llast_oid(published.ancestors) :
		RelationGetRelid(relation);
	info->dependencies.relids = list_copy(published.ancestors);
	if (published.ancestors)
		cache->has_relids = true;
	info->publish_inserts = published.inserts;
	info->publish_updates = published.updates;
	info->publish_deletes = published.deletes;

	/* A partition's TRUNCATE is not one of the root it is published as. */
	info->publish_truncates = published.truncates &&
		published.as_relid == RelationGetRelid(relation);
	if (!published.inserts && !published.updates && !published.deletes &&
		!published.truncates)
		return;

	if (published.as_relid != RelationGetRelid(relation))
	{
		target = RelationIdGetRelation(published.as_relid);
		if (!RelationIsValid(target))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("could not open relation with OID %u",
							published.as_relid)));
		map = cdc_build_attrmap(RelationGetDescr(relation),
								RelationGetDescr(target));
	}

	if (OidIsValid(cache->owner) &&
		!access_check_relation(cache->owner, target, published.ancestors))
		publish_nothing(info);
	info->schema = get_namespace_name(RelationGetNamespace(target));
	info->table = pstrdup(RelationGetRelationName(target));
	info->root = get_rel_name(root);
	info->options = relation_options(cache->options, published.as_relid,
									 root);
	info->identity_full =
		relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
	build_columns(cache, info, target, map, published.columns);
	relation_check_keys(info, relation, target);
	if (cache->options->schemas)
		relation_mark_identity(info, relation);
	info->filter = row_filter_create(&published, target, map, cache->owner);
	build_dependencies(cache, info, target, root);
	if (target != relation)
		RelationClose(target);
}

static RelationInfo *
build_info(RelationCache *cache, Relation relation)
{
	MemoryContext context = AllocSetContextCreate(cache->context,
												  "cdc_emit relation",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RelationInfo *info = palloc0(sizeof(RelationInfo));

	info->context = context;

	/* A table rewrite fills a transient heap; its rows are no changes. */
	if (is_publishable_relation(relation) &&
		!OidIsValid(relation->rd_rel->relrewrite))
		build_published(cache, info, relation);
	MemoryContextSwitchTo(old);
	return info;
}

static void
free_info(CacheEntry *entry)
{
	if (entry->info)
		MemoryContextDelete(entry->info->context);
	entry->info = NULL;
}

/* Remove entries of relations that were changed, perhaps dropped, since. */
static void
sweep(RelationCache *cache)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	cache->last = NULL;
	hash_seq_init(&status, cache->entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->valid)
			continue;
		free_info(entry);
		(void) hash_search(cache->entries, &entry->relid, HASH_REMOVE, NULL);
	}
	cache->sweep_at = Max(FIRST_SWEEP,
						  2 * hash_get_num_entries(cache->entries));
}

static CacheEntry *
find_or_add_entry(RelationCache *cache, Oid relid)
{
	CacheEntry *entry;
	bool		found;

	if (hash_get_num_entries(cache->entries) >= cache->sweep_at)
		sweep(cache);
	entry = hash_search(cache->entries, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->info = NULL;
	}
	cache->last = entry;
	return entry;
}

RelationInfo *
relation_cache_lookup(RelationCache *cache, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	CacheEntry *entry = cache->last;

	if (entry == NULL || entry->relid != relid)
		entry = find_or_add_entry(cache, relid);
	if (likely(entry->valid && entry->info))
		return entry->info;

	free_info(entry);

	/* A message that arrives while the entry is built makes it invalid. */
	entry->valid = true;
	entry->info = build_info(cache, relation);
	return entry->info;
}
