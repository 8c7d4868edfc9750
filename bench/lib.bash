# Shared by the benchmarks in this directory; sourced, not run.
# shellcheck shell=bash
#
# prepare, then start_kafka and start_server; everything is in $dir and is
# removed at exit.

# shellcheck source=scripts/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.bash"

kafka=$top/test/kafka/kafka
dir=
receiver=

cleanup()
{
	[ -z "$receiver" ] || kill "$receiver" 2>/dev/null || true
	[ ! -e "$dir/pg/data/postmaster.pid" ] || as_postgres "$bindir/pg_ctl" \
		-D "$dir/pg/data" -m immediate -s stop || true
	"$kafka" kill "$dir/kafka" || true
	rm -rf "$dir"
}

# Build and install, and make the scratch directory.  Arguments: further groups
# of packages.
prepare()
{
	"$top/scripts/install-deps" build server "$@"
	find_postgres || die "PostgreSQL's development files are missing"
	build_and_install || die "the extension could not be built"
	dir=$(mktemp -d "/tmp/cdc_emit_bench.XXXXXX")
	chmod 755 "$dir"
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	mkdir "$dir/pg"
	[ "$(id -u)" -ne 0 ] || chown postgres: "$dir/pg"
	cd "$dir/pg"
}

# Sets port
start_kafka()
{
	"$kafka" installed || "$top/scripts/install-deps" maven
	port=$(shuf -i 20000-29999 -n 1)
	"$kafka" start "$dir/kafka" "$port" >/dev/null
}

start_server()
{
	as_postgres "$bindir/initdb" -D "$dir/pg/data" -U postgres -A trust \
		--no-locale -E UTF8 >"$dir/initdb.log"
	{
		server_settings | grep -v fsync
		cat <<-EOT
			listen_addresses = ''
			unix_socket_directories = '$dir/pg'
			shared_buffers = 512MB
			max_wal_size = 16GB
			checkpoint_timeout = 1h
			autovacuum = off
		EOT
	} >>"$dir/pg/data/postgresql.conf"
	as_postgres "$bindir/pg_ctl" -D "$dir/pg/data" -l "$dir/pg/log" -w -s start
	export PGHOST=$dir/pg PGUSER=postgres PGDATABASE=postgres
}

sql()
{
	"$bindir/psql" -X -q -At -v ON_ERROR_STOP=1 "$@"
}

# CPU of a process so far, in microseconds: user and system
cpu()
{
	local fields
	read -r -a fields <<<"$(sed 's/.*) //' "/proc/$1/stat")"
	echo $(((fields[11] + fields[12]) * 1000000 / $(getconf CLK_TCK)))
}

# What a process holds that is not shared, in MB
memory()
{
	awk '/^RssAnon/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"
}

now()
{
	date +%s%N
}

# The first argument divided by the second, with that many digits
quotient()
{
	awk -v a="$1" -v b="$2" -v digits="$3" \
		'BEGIN { printf "%.*f", digits, b ? a / b : 0 }'
}

machine()
{
	"$bindir/postgres" --version
	echo "librdkafka $(dpkg-query -W -f '${Version}' librdkafka1 2>/dev/null ||
		echo unknown), $(nproc) cores, $(sed -n 's/^model name.*: //p' \
		/proc/cpuinfo | head -n 1)"
}

# ----------------------------------------------------------------
# A backlog: a table of 7 columns, read by subscriptions and by pgoutput
# ----------------------------------------------------------------

# create_tables SLOT...: table, publication, server, and slots of pgoutput
create_tables()
{
	local slot
	sql -o /dev/null <<-EOF
		CREATE EXTENSION cdc_emit;
		CREATE TABLE bench (id bigint PRIMARY KEY, customer int, name text, price int,
			status text, created timestamptz, note text);
		CREATE PUBLICATION bench FOR TABLE bench;
		CREATE SERVER kafka FOREIGN DATA WRAPPER cdc_emit
			OPTIONS (bootstrap_servers '127.0.0.1:$port');
	EOF
	for slot in "$@"; do
		sql -o /dev/null -c \
			"SELECT pg_create_logical_replication_slot('$slot', 'pgoutput')"
	done
}

# subscribe NAME OPTIONS: its slot and its topic are there, its worker is not
subscribe()
{
	sql -o /dev/null <<-EOF
		SELECT cdc_emit.create_subscription('$1', server => 'kafka',
			publications => '{bench}', options => '$2');
		SELECT cdc_emit.wait_ready('$1');
		INSERT INTO bench VALUES (0);
		SELECT cdc_emit.wait_for('$1');
		SELECT cdc_emit.disable_subscription('$1');
		DELETE FROM bench;
	EOF
}

# make_backlog ROWS NOTE: rows in transactions of 1000.  Sets end, its end.
make_backlog()
{
	sql -o /dev/null <<-EOF
		DO \$\$
		BEGIN
			FOR t IN 0 .. $1 / 1000 - 1 LOOP
				INSERT INTO bench
				SELECT t * 1000 + i, i, 'customer ' || i, i * 10, 'new', now(),
					'$2'
				FROM generate_series(1, 1000) i;
				COMMIT;
			END LOOP;
		END
		\$\$;
	EOF
	end=$(sql -c 'SELECT pg_current_wal_insert_lsn()')
}

statistic()
{
	sql -c "SELECT $2 FROM cdc_emit.pg_stat_cdc_emit WHERE subscription = '$1'"
}

# measure_worker NAME: let it work the backlog off, then disable it.  Sets
# elapsed (ms), used (us), peak (MB), messages and bytes (keys and values).
measure_worker()
{
	local start pid waiting now_held messages_before bytes_before
	messages_before=$(statistic "$1" messages)
	bytes_before=$(statistic "$1" message_bytes)
	start=$(now)
	sql -o /dev/null -c "SELECT cdc_emit.enable_subscription('$1')" \
		-c "SELECT cdc_emit.wait_ready('$1')"
	pid=$(statistic "$1" pid)
	sql -c "SELECT cdc_emit.wait_for('$1', '$end', '1 hour')" \
		>"$dir/acknowledged" &
	waiting=$!
	peak=0
	while kill -0 "$waiting" 2>/dev/null; do
		now_held=$(memory "$pid")
		peak=$((now_held > peak ? now_held : peak))
		sleep 0.05
	done
	grep -qx t "$dir/acknowledged" || die "the backlog was not acknowledged"
	elapsed=$((($(now) - start) / 1000000))
	used=$(cpu "$pid")
	messages=$(($(statistic "$1" messages) - messages_before))
	bytes=$(($(statistic "$1" message_bytes) - bytes_before))
	sql -o /dev/null -c "SELECT cdc_emit.disable_subscription('$1')"
}

# measure_walsender SLOT: pg_recvlogical reads the same; the walsender is what
# the primary pays.  Sets elapsed, used and peak.
measure_walsender()
{
	local start pid
	start=$(now)
	"$bindir/pg_recvlogical" -d postgres --slot "$1" --start --no-loop \
		-f /dev/null -s 1 -o proto_version=1 -o publication_names=bench \
		2>"$dir/recvlogical.log" &
	receiver=$!
	until [ "$(sql -c "SELECT count(*) FROM pg_stat_replication
		WHERE sent_lsn >= '$end'")" = 1 ]; do
		sleep 0.1
	done
	elapsed=$((($(now) - start) / 1000000))
	pid=$(sql -c 'SELECT pid FROM pg_stat_replication')
	used=$(cpu "$pid")
	peak=$(memory "$pid")
	kill "$receiver"
	wait "$receiver" || true
	receiver=
	sql -o /dev/null <<-EOF
		SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_replication;
		SELECT pg_drop_replication_slot('$1');
	EOF
}
