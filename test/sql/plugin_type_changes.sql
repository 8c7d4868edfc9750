-- Types change while rows of them are decoded.
\set SHOW_CONTEXT never
\pset format unaligned
SET client_min_messages = warning;
CREATE SCHEMA plugin_type_changes;
SET search_path = plugin_type_changes;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE inner_pair AS (a int, b text);
CREATE TYPE outer_pair AS (p inner_pair, m mood);
CREATE DOMAIN price AS numeric(9,2);
CREATE TABLE row_type (x int, y int);
CREATE TABLE things (id int, m mood, o outer_pair, os outer_pair[], p price, r row_type);
CREATE PUBLICATION plugin_type_changes FOR TABLE things;
SELECT slot_name FROM pg_create_logical_replication_slot('plugin_type_changes', 'cdc_emit');

INSERT INTO things VALUES (1, 'sad', '("(1,x)",ok)', '{"(\"(1,x)\",ok)"}', 1.5, '(1,2)');
ALTER TYPE mood ADD VALUE 'happy';
ALTER TYPE mood ADD VALUE 'none' BEFORE 'sad';
INSERT INTO things VALUES (2, 'happy', '(,none)', NULL, NULL, NULL);
ALTER TYPE mood RENAME VALUE 'happy' TO 'glad';
INSERT INTO things VALUES (3, 'glad', '(,glad)', NULL, NULL, NULL);
ALTER TYPE mood RENAME TO humour;
INSERT INTO things VALUES (4, 'glad', NULL, NULL, NULL, NULL);

-- Attributes of composite types, of one within another and in arrays too
ALTER TYPE inner_pair ADD ATTRIBUTE c date;
INSERT INTO things VALUES (5, NULL, '("(1,x,2020-01-01)",ok)', '{"(\"(1,x,)\",ok)"}', NULL, NULL);
ALTER TYPE inner_pair RENAME ATTRIBUTE a TO "A";
INSERT INTO things VALUES (6, NULL, '("(1,x,2020-01-01)",ok)', NULL, NULL, NULL);
ALTER TYPE inner_pair DROP ATTRIBUTE b;
INSERT INTO things VALUES (7, NULL, '("(1,2020-01-01)",ok)', '{"(\"(1,)\",ok)"}', NULL, NULL);
ALTER TYPE outer_pair ADD ATTRIBUTE n numeric(5,2), DROP ATTRIBUTE m;
INSERT INTO things VALUES (8, NULL, '("(1,)",1.5)', NULL, NULL, NULL);
ALTER TABLE row_type ADD COLUMN z text;
INSERT INTO things VALUES (9, NULL, NULL, NULL, NULL, '(1,2,z)');
ALTER TABLE row_type RENAME COLUMN x TO "X";
INSERT INTO things VALUES (10, NULL, NULL, NULL, NULL, '(1,2,z)');

-- In the middle of a transaction, and rolled back
BEGIN;
INSERT INTO things VALUES (11, NULL, '("(1,)",1.5)', NULL, NULL, NULL);
ALTER TYPE inner_pair ADD ATTRIBUTE d int;
INSERT INTO things VALUES (12, NULL, '("(1,,4)",1.5)', NULL, NULL, NULL);
SAVEPOINT s;
ALTER TYPE inner_pair ADD ATTRIBUTE e int;
INSERT INTO things VALUES (13, NULL, '("(1,,4,5)",1.5)', NULL, NULL, NULL);
ROLLBACK TO s;
INSERT INTO things VALUES (14, NULL, '("(1,,4)",1.5)', NULL, NULL, NULL);
COMMIT;

-- A type that came into being in the same transaction
BEGIN;
CREATE TYPE shape AS ENUM ('line');
CREATE TYPE described AS (s shape, t text);
ALTER TABLE things ADD COLUMN s shape, ADD COLUMN d described DEFAULT ('line', 'dflt');
INSERT INTO things (id, s) VALUES (15, 'line');
ALTER TYPE shape RENAME VALUE 'line' TO 'disc';
INSERT INTO things (id, s, d) VALUES (16, 'disc', ('disc', NULL));
COMMIT;
ALTER TABLE things ALTER p TYPE numeric(9,3);
INSERT INTO things (id, p) VALUES (17, 1.5);

SELECT data::json #> '{value,after}' AS after
  FROM pg_logical_slot_peek_changes('plugin_type_changes', NULL, NULL, 'publications', 'plugin_type_changes');

-- Values from before an attribute was added have none of it
ALTER TABLE things REPLICA IDENTITY FULL;
SELECT count(*) > 0 AS consumed FROM pg_logical_slot_get_changes('plugin_type_changes', NULL, NULL, 'publications', 'plugin_type_changes');
UPDATE things SET id = 100 WHERE id = 1;
SELECT data::json #> '{value,before}' AS before
  FROM pg_logical_slot_get_changes('plugin_type_changes', NULL, NULL, 'publications', 'plugin_type_changes');

SELECT pg_drop_replication_slot('plugin_type_changes');
DROP PUBLICATION plugin_type_changes;
DROP SCHEMA plugin_type_changes CASCADE;
