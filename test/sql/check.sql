-- The preflight check; numbers differ from server to server
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;
SELECT item, ok, detail <> '' AS detail FROM cdc_emit.check();
SELECT item FROM cdc_emit.check() WHERE NOT ok AND remedy IS NULL;
DROP EXTENSION cdc_emit;
DROP SCHEMA cdc_emit;
