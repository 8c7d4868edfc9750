# Output functions that are not the server's own run as the owner of the
# subscription, whatever the value is inside of.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use CdcEmit;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

require_kafka();
my $kafka = new_kafka();
my $node = new_node('primary');
my $address = $kafka->address;

# A type whose output function tells who runs it
$node->safe_psql('postgres', <<"EOQ");
CREATE TYPE whoami;
CREATE FUNCTION whoami_in(cstring) RETURNS whoami
	LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION whoami_out(whoami) RETURNS cstring
	LANGUAGE internal IMMUTABLE STRICT AS 'current_user';
CREATE TYPE whoami (INPUT = whoami_in, OUTPUT = whoami_out, LIKE = int4);
CREATE FUNCTION whoami_lt(whoami, whoami) RETURNS bool
	LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION whoami_le(whoami, whoami) RETURNS bool
	LANGUAGE internal IMMUTABLE STRICT AS 'int4le';
CREATE FUNCTION whoami_eq(whoami, whoami) RETURNS bool
	LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION whoami_cmp(whoami, whoami) RETURNS int
	LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE OPERATOR < (LEFTARG = whoami, RIGHTARG = whoami, FUNCTION = whoami_lt);
CREATE OPERATOR <= (LEFTARG = whoami, RIGHTARG = whoami, FUNCTION = whoami_le);
CREATE OPERATOR = (LEFTARG = whoami, RIGHTARG = whoami, FUNCTION = whoami_eq);
CREATE OPERATOR >= (LEFTARG = whoami, RIGHTARG = whoami, FUNCTION = whoami_le);
CREATE OPERATOR > (LEFTARG = whoami, RIGHTARG = whoami, FUNCTION = whoami_lt);
CREATE OPERATOR CLASS whoami_ops DEFAULT FOR TYPE whoami USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 whoami_cmp(whoami, whoami);
CREATE TYPE whorange AS RANGE (subtype = whoami);
CREATE TYPE pair AS (a int, w whoami);
CREATE DOMAIN whodomain AS whoami;
CREATE TABLE item (id int PRIMARY KEY, w whoami, ws whoami[], p pair,
	ps pair[], d whodomain, r whorange, m whomultirange, t text);
CREATE PUBLICATION items FOR TABLE item;
CREATE ROLE items_owner IN ROLE cdc_emit_admin;
GRANT SELECT ON item TO items_owner;
CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers '$address');
GRANT USAGE ON FOREIGN SERVER kafka TO items_owner;
SET ROLE items_owner;
SELECT cdc_emit.create_subscription('items', 'kafka', '{items}');
EOQ
is($node->safe_psql('postgres', "SELECT cdc_emit.wait_ready('items')"),
	't', 'subscription streams');
$node->safe_psql('postgres', <<'EOQ');
INSERT INTO item VALUES (1, '1', '{1,2}', '(1,1)', '{"(1,1)"}', '1', '[1,2)', '{[1,2)}', 'x');
EOQ
acknowledged($node, 'items');
load_topics($node, $address, 'items.public.item');

my $owner = '"items_owner"';
is( $node->safe_psql('postgres', 'SELECT after FROM event'),
	"{\"d\": $owner, \"m\": \"{[items_owner,items_owner)}\", \"p\": {\"a\": 1, \"w\": $owner}, "
	  . "\"r\": \"[items_owner,items_owner)\", \"t\": \"x\", \"w\": $owner, "
	  . "\"id\": 1, \"ps\": [{\"a\": 1, \"w\": $owner}], \"ws\": [$owner, $owner]}",
	'every output function ran as the owner');
done_testing();
