-- Kafka clusters are servers of foreign-data wrapper cdc_emit
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION cdc_emit;

-- Options are librdkafka properties with underscores for dots
CREATE SERVER regress_kafka FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'a:9092,b:9092', linger_ms '5', compression_type 'zstd');
ALTER SERVER regress_kafka OPTIONS (SET linger_ms '10', DROP compression_type);
SELECT srvoptions FROM pg_foreign_server WHERE srvname = 'regress_kafka';

-- Names
ALTER SERVER regress_kafka OPTIONS (ADD no_such_property 'x');
ALTER SERVER regress_kafka OPTIONS (ADD "linger.ms" '5');
ALTER SERVER regress_kafka OPTIONS (ADD enable_idempotence 'false');
ALTER SERVER regress_kafka OPTIONS (ADD acks '1');
ALTER SERVER regress_kafka OPTIONS (ADD plugin_library_paths '/tmp/x');
ALTER SERVER regress_kafka OPTIONS (ADD sasl_kerberos_kinit_cmd 'true');
ALTER FOREIGN DATA WRAPPER cdc_emit OPTIONS (ADD linger_ms '5');

-- Values are checked by librdkafka
ALTER SERVER regress_kafka OPTIONS (SET linger_ms 'soon');
ALTER SERVER regress_kafka OPTIONS (ADD security_protocol 'none');
ALTER SERVER regress_kafka OPTIONS (ADD compression_type 'best');

-- Secrets belong into user mappings
ALTER SERVER regress_kafka OPTIONS (ADD sasl_password 'secret');
CREATE USER MAPPING FOR PUBLIC SERVER regress_kafka
	OPTIONS (sasl_username 'u', sasl_password 'secret');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_kafka
	OPTIONS (bootstrap_servers 'elsewhere:9092');

-- Files of the server and the embedded broker are for superusers
CREATE ROLE regress_cdc_user;
GRANT USAGE ON FOREIGN DATA WRAPPER cdc_emit TO regress_cdc_user;
DO $$
BEGIN
	EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_cdc_user', current_database());
END
$$;
SET ROLE regress_cdc_user;
CREATE SERVER regress_mine FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'a:9092', ssl_ca_location '/etc/ssl/ca.pem');
CREATE SERVER regress_mine FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (test_mock_num_brokers '1');
CREATE SERVER regress_mine FOREIGN DATA WRAPPER cdc_emit
	OPTIONS (bootstrap_servers 'a:9092');
RESET ROLE;

-- Nothing can be read through them
CREATE FOREIGN TABLE regress_ft (id int) SERVER regress_kafka;
SELECT * FROM regress_ft;
DROP FOREIGN TABLE regress_ft;

DROP SERVER regress_mine;
DROP SERVER regress_kafka CASCADE;
DROP OWNED BY regress_cdc_user;
DROP ROLE regress_cdc_user;
DROP EXTENSION cdc_emit;
DROP SCHEMA cdc_emit;
