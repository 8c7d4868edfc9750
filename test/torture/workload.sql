-- Tables with keys, and the table "history", in which each transaction records
-- its changes of them: what consumers must see.
--
-- A change of a key is a delete and an insert there, as in Kafka.  For one key
-- the order of history is the order of commits, since rows are recorded while
-- they are locked.

CREATE SEQUENCE version;

-- What a body must be.  Every 20th is so long that it is stored out of line,
-- and left out of WAL while it does not change.
CREATE FUNCTION body(body_version bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT repeat(md5(body_version::text),
		CASE WHEN body_version % 20 = 0 THEN 100 ELSE 1 END)
$$;

CREATE TABLE item (
	id int PRIMARY KEY,
	version bigint NOT NULL,
	body_version bigint NOT NULL,
	body text NOT NULL
);
ALTER TABLE item ALTER body SET STORAGE EXTERNAL;
CREATE TABLE item_full (LIKE item INCLUDING ALL);
ALTER TABLE item_full REPLICA IDENTITY FULL;
CREATE TABLE item_pair (LIKE item INCLUDING STORAGE, part text,
	PRIMARY KEY (part, id));

-- Not captured
CREATE TABLE other (id bigserial, note text);
CREATE TABLE history (
	hid bigserial,
	tab name NOT NULL,
	op "char" NOT NULL,
	key jsonb NOT NULL,
	version bigint,
	xid bigint DEFAULT pg_current_xact_id()::text::bigint
);

CREATE PUBLICATION torture FOR TABLE item, item_full, item_pair
	WITH (publish = 'insert, update, delete');

-- Deletes tell the version only with REPLICA IDENTITY FULL.
CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	old_key jsonb;
	new_key jsonb;
	old_version bigint;
BEGIN
	IF TG_OP <> 'INSERT' THEN
		old_key := jsonb_build_object('id', OLD.id);
		IF TG_TABLE_NAME = 'item_pair' THEN
			old_key := old_key || jsonb_build_object('part', OLD.part);
		ELSIF TG_TABLE_NAME = 'item_full' THEN
			old_version := OLD.version;
		END IF;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		new_key := jsonb_build_object('id', NEW.id);
		IF TG_TABLE_NAME = 'item_pair' THEN
			new_key := new_key || jsonb_build_object('part', NEW.part);
		END IF;
	END IF;
	IF TG_OP = 'UPDATE' AND old_key = new_key THEN
		INSERT INTO history (tab, op, key, version)
		VALUES (TG_TABLE_NAME, 'u', new_key, NEW.version);
		RETURN NULL;
	END IF;
	IF TG_OP <> 'INSERT' THEN
		INSERT INTO history (tab, op, key, version)
		VALUES (TG_TABLE_NAME, 'd', old_key, old_version);
	END IF;
	IF TG_OP <> 'DELETE' THEN
		INSERT INTO history (tab, op, key, version)
		VALUES (TG_TABLE_NAME, 'c', new_key, NEW.version);
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON item
	FOR EACH ROW EXECUTE FUNCTION record_change();
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON item_full
	FOR EACH ROW EXECUTE FUNCTION record_change();
CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON item_pair
	FOR EACH ROW EXECUTE FUNCTION record_change();

-- One change of one row out of few
CREATE FUNCTION change_row() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	tab text := (ARRAY['item', 'item_full', 'item_pair'])[ceil(random() * 3)];
	k int := ceil(random() * 300);
	new_k int := ceil(random() * 300);
	v bigint := nextval('version');
	choice float := random();
	columns text := 'id, version, body_version, body';
	cond text := 'id = $1';
	given text := '$1, $2, $2, body($2)';
	key text := 'id';
BEGIN
	IF tab = 'item_pair' THEN
		columns := columns || ', part';
		cond := cond || ' AND part = ''p'' || $1 % 7';
		given := given || ', ''p'' || $1 % 7';
		key := 'part, id';
	END IF;
	IF choice < 0.4 THEN
		EXECUTE format('INSERT INTO %I AS t (%s) VALUES (%s)
			ON CONFLICT (%s) DO UPDATE SET version = $2',
			tab, columns, given, key) USING k, v;
	ELSIF choice < 0.6 THEN
		EXECUTE format('UPDATE %I SET version = $2, body_version = $2,
			body = body($2) WHERE %s', tab, cond) USING k, v;
	ELSIF choice < 0.75 THEN
		EXECUTE format('UPDATE %I SET version = $2 WHERE %s', tab, cond)
			USING k, v;
	ELSIF choice < 0.85 THEN
		EXECUTE format('UPDATE %I SET version = $2, id = $3%s WHERE %s', tab,
			CASE WHEN tab = 'item_pair' THEN ', part = ''p'' || $3 % 7'
				ELSE '' END, cond) USING k, v, new_k;
	ELSE
		EXECUTE format('DELETE FROM %I WHERE %s', tab, cond) USING k;
	END IF;
END
$$;

-- Some changes, each in a subtransaction; some of them are undone.
CREATE FUNCTION change_rows(changes int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. changes LOOP
		BEGIN
			PERFORM change_row();
			IF random() < 0.1 THEN
				RAISE EXCEPTION 'undone' USING ERRCODE = 'UNDO0';
			END IF;
		EXCEPTION WHEN unique_violation OR SQLSTATE 'UNDO0' THEN
			NULL;
		END;
	END LOOP;
END
$$;

-- Many rows of a part of its own
CREATE FUNCTION change_many(base int, rows int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO item
	SELECT base + i, v, v, body(v)
	FROM generate_series(1, rows) i, LATERAL (SELECT nextval('version') + i * 0 AS v) n
	ON CONFLICT (id) DO UPDATE SET version = excluded.version;
	DELETE FROM item WHERE id > base AND id <= base + rows AND random() < 0.2;
END
$$;
