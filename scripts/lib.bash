# Shared by the scripts in this directory; sourced, not run.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Downloads and build trees that outlive a run; never inside the repository.
if [ -z "${CDC_EMIT_CACHE:-}" ]; then
	CDC_EMIT_CACHE=$HOME/.cache/cdc_emit
	[ "$(id -u)" -ne 0 ] || CDC_EMIT_CACHE=/var/cache/cdc_emit
fi
export CDC_EMIT_CACHE

# Nothing here depends on the locale of whoever runs it.
export LC_ALL=C.UTF-8

die()
{
	echo "$(basename "$0"): $*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root for: $*"
	fi
}

# PostgreSQL refuses to run as root.  HOME is moved because that of root
# cannot be read.
as_postgres()
{
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u postgres -- env HOME=/tmp "$@"
	else
		"$@"
	fi
}

# Sets PG_CONFIG, bindir and pgxs; false where PostgreSQL's development files
# are missing.
find_postgres()
{
	PG_CONFIG=${PG_CONFIG:-pg_config}
	pgxs=$("$PG_CONFIG" --pgxs 2>/dev/null) && [ -e "$pgxs" ] || return 1
	bindir=$("$PG_CONFIG" --bindir)
	export PG_CONFIG
	# shellcheck disable=SC2034
	pgtest=$(dirname "$pgxs")/../test
}

has_guc()
{
	"$bindir/postgres" --describe-config | cut -f1 | grep -x "$1" >/dev/null
}

# Build and install the extension into the PostgreSQL of PG_CONFIG.
build_and_install()
{
	env -u MAKEFLAGS make -s -C "$top" -j"$(nproc)" \
		PG_CONFIG="$PG_CONFIG" all &&
		as_root env -u MAKEFLAGS make -s -C "$top" \
			PG_CONFIG="$PG_CONFIG" install
}

# Settings every test server needs.
server_settings()
{
	cat <<-EOF
		shared_preload_libraries = 'cdc_emit'
		wal_level = logical
		max_replication_slots = 20
		max_wal_senders = 10
		max_worker_processes = 32
		fsync = off
	EOF
	! has_guc output_plugin_libraries ||
		echo "output_plugin_libraries = 'pgoutput, test_decoding, cdc_emit'"
}
