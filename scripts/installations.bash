# Installations of PostgreSQL that differ from the one under test; sourced by
# scripts/test, not run.
# shellcheck shell=bash
#
# Programs find the server's libraries and files relative to where they are, so
# a directory with copies of the programs, and links to the rest, can have a
# library of its own or start the server in its own way.

# new_installation NAME: prints its directory, which has bin and lib
new_installation()
{
	local prefix=$stage/$1 share home
	home=$prefix/${bindir#/usr/}
	home=${home%/bin}
	share=$("$PG_CONFIG" --sharedir)
	mkdir -p "$home/bin" "$home/lib" "$prefix/$(dirname "${share#/usr/}")"
	cp "$bindir"/* "$home/bin/"
	ln -s "$("$PG_CONFIG" --pkglibdir)"/* "$home/lib/"
	ln -s "$share" "$prefix/${share#/usr/}"
	echo "$home"
}

# build_into HOME ARGUMENTS: the extension, built with these arguments of make
build_into()
{
	local home=$1 build=$1/build
	shift
	mkdir -p "$build/src"
	cp -r "$top/Makefile" "$top/cdc_emit.control" "$top/sql" "$build/"
	cp "$top"/src/*.[ch] "$build/src/"
	env -u MAKEFLAGS make -s -C "$build" -j"$(nproc)" \
		PG_CONFIG="$PG_CONFIG" "$@" all >&2 || return
	rm -f "$home/lib/cdc_emit.so"
	cp "$build/cdc_emit.so" "$home/lib/"
}

give_to_postgres()
{
	[ "$(id -u)" -ne 0 ] || chown -R postgres: "$@"
}

# The extension with fault points
fault_installation()
{
	local home
	home=$(new_installation faults)
	build_into "$home" CDC_FAULT_POINTS=1 || return
	give_to_postgres "$stage/faults"
	echo "$home"
}

# ----------------------------------------------------------------
# Servers that are checked; findings are files in $stage/findings
# ----------------------------------------------------------------

# checked_programs HOME: postgres becomes a script, the lines of which come from
# standard input.  What initdb asks of postgres runs unchecked.
checked_programs()
{
	local bin=$1/bin
	mv "$bin/postgres" "$bin/postgres.real"
	mv "$bin/pg_ctl" "$bin/pg_ctl.real"
	{
		cat <<-EOS
			#!/bin/sh
			case " \$* " in
				*" -V "*|*" --version "*|*" --boot "*|*" --single "*|*" --check "*|*" --describe-config "*)
					exec $bindir/postgres "\$@" ;;
			esac
		EOS
		cat
	} >"$bin/postgres"
	# its restart would start the program that it found running
	cat >"$bin/pg_ctl" <<-EOF
		#!/bin/bash
		case " \$* " in
			*" restart "*)
				$bin/pg_ctl.real "\${@/#restart/stop}" || exit
				set -- "\${@/#restart/start}"
				;;
		esac
		exec $bin/pg_ctl.real "\$@"
	EOF
	chmod 755 "$bin/postgres" "$bin/pg_ctl"
	mkdir -p "$stage/findings"
	give_to_postgres "$stage/$checker" "$stage/findings"
}

valgrind_installation()
{
	local home
	home=$(new_installation valgrind)
	checked_programs "$home" <<-EOF
		exec valgrind -q --leak-check=no --error-markers=VALGRIND,END \\
			--trace-children=no --suppressions=$stage/test/valgrind.supp \\
			--log-file=$stage/findings/%p $bindir/postgres "\$@"
	EOF
	echo "$home"
}

# AddressSanitizer has to be there before any other library, hence the
# preloading.  It sets itself up at the first malloc(), and that must not come
# from a library's constructor that holds a lock of the C library: of those
# Debian's postgres is linked with, libgpg-error's calls bindtextdomain().  The
# server would wait for itself.  So a small library comes before, through the
# linker's initfirst.
#
# Servers leak on purpose, and check the depth of a stack that must not be
# elsewhere.
sanitize_installation()
{
	local home asan first options
	home=$(new_installation sanitize)
	build_into "$home" \
		COPT="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined" ||
		return
	asan=$(cc -print-file-name=libasan.so)
	first=$home/lib/malloc_first.so
	cc -shared -fPIC -fno-builtin -Wl,-z,initfirst -o "$first" -x c - <<-EOF
		#include <stdlib.h>
		static void __attribute__((constructor)) first(void)
		{
			free(malloc(1));
		}
	EOF
	options=log_path=$stage/findings/address:abort_on_error=1
	options+=:detect_leaks=0:detect_stack_use_after_return=0
	checked_programs "$home" <<-EOF
		export LD_PRELOAD="$asan $first"
		export ASAN_OPTIONS=$options
		export UBSAN_OPTIONS=print_stacktrace=1
		exec $home/bin/postgres.real "\$@"
	EOF
	echo "$home"
}

# What was found, as a test.  UndefinedBehaviorSanitizer's go to the log of the
# server.
checker_findings()
{
	local found
	found=$(grep -rh 'runtime error: ' "$stage"/*/log || true
		grep -lE 'VALGRIND|AddressSanitizer' -r "$stage/findings" |
			xargs -r cat)
	if [ -z "$found" ]; then
		echo "ok 1 - $checker has found no error"
	else
		echo "$found"
		echo "not ok 1 - $checker has found no error"
	fi
}
