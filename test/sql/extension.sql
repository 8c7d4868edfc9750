-- The extension: what is in it, who may use it, and that it goes as it came
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;

-- Later versions tell more of the script than earlier ones.
\set SHOW_CONTEXT never

-- Everything has a comment
SELECT pg_describe_object(d.classid, d.objid, 0) AS uncommented
FROM pg_depend d
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'cdc_emit'
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.classid <> 'pg_type'::regclass
  AND c.relkind IS DISTINCT FROM 'S'
  AND obj_description(d.objid, d.classid::regclass::name) IS NULL;

-- Every column as well
SELECT attrelid::regclass, attname AS uncommented
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'cdc_emit'::regnamespace AND c.relkind IN ('r', 'v')
  AND a.attnum > 0 AND NOT a.attisdropped
  AND col_description(a.attrelid, a.attnum) IS NULL
ORDER BY 1, 2;

-- Nothing is for everybody
SELECT p.oid::regprocedure AS for_everybody
FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'cdc_emit'::regnamespace AND a.grantee = 0;

SELECT c.oid::regclass AS for_everybody
FROM pg_class c, aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) a
WHERE c.relnamespace = 'cdc_emit'::regnamespace AND c.relkind IN ('r', 'v', 'S')
  AND a.grantee = 0;

SELECT has_schema_privilege('public', 'cdc_emit', 'USAGE') AS schema_usage,
	has_foreign_data_wrapper_privilege('public', 'cdc_emit', 'USAGE') AS fdw_usage;

-- What administrators and monitors may do
SELECT p.proname, a.grantee::regrole
FROM pg_proc p, aclexplode(p.proacl) a
WHERE p.pronamespace = 'cdc_emit'::regnamespace AND a.grantee <> p.proowner
ORDER BY p.proname COLLATE "C", a.grantee::regrole::text COLLATE "C";

SELECT c.relname, a.grantee::regrole, a.privilege_type
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'cdc_emit'::regnamespace AND a.grantee <> c.relowner
ORDER BY c.relname COLLATE "C", a.grantee::regrole::text COLLATE "C";

SELECT rolcanlogin, rolsuper, rolreplication, rolcreaterole,
	shobj_description(oid, 'pg_authid') AS comment
FROM pg_roles WHERE rolname = 'cdc_emit_admin';

-- Settings have a reserved prefix
SET cdc_emit.no_such_setting = on;
SHOW cdc_emit.enabled;

-- The extension stays in its schema
ALTER EXTENSION cdc_emit SET SCHEMA public;
DROP EXTENSION cdc_emit;
CREATE EXTENSION cdc_emit SCHEMA public;

-- A schema that is not a superuser's is not used
DROP SCHEMA cdc_emit;
CREATE ROLE regress_cdc_owner;
CREATE SCHEMA cdc_emit AUTHORIZATION regress_cdc_owner;
\set VERBOSITY terse
CREATE EXTENSION cdc_emit;
\set VERBOSITY default
DROP SCHEMA cdc_emit;
DROP ROLE regress_cdc_owner;

-- Nor is a role that others control
CREATE ROLE regress_cdc_creator;
ALTER ROLE cdc_emit_admin LOGIN;
CREATE EXTENSION cdc_emit;
ALTER ROLE cdc_emit_admin NOLOGIN;
GRANT cdc_emit_admin TO regress_cdc_creator WITH ADMIN OPTION;
CREATE EXTENSION cdc_emit;
REVOKE ADMIN OPTION FOR cdc_emit_admin FROM regress_cdc_creator;

-- And again, with the role that is there
CREATE EXTENSION cdc_emit;
DROP EXTENSION cdc_emit;
DROP SCHEMA cdc_emit;
DROP ROLE regress_cdc_creator;
