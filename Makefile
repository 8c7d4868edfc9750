# cdc_emit: committed changes to Apache Kafka from inside PostgreSQL.
#
#   make, make install     build and install, for the PostgreSQL of PG_CONFIG
#   make installcheck      regression tests, against a running server that has
#                          cdc_emit in shared_preload_libraries and
#                          wal_level = logical
#   make quickstart        see it work: a throw-away server and a small shop
#                          (KAFKA=host:port for a Kafka of yours, KEEP=1 to
#                          leave it running)
#   make test              all tests; installs what it needs
#   make check-format      layout of the sources
#   make check-versions    build and test on PostgreSQL 17, 18 and 19
#   make valgrind          the test suite under valgrind
#   make sanitize          the test suite with AddressSanitizer and
#                          UndefinedBehaviorSanitizer
#   make torture           random faults under load for TORTURE_SECONDS=3600, a
#                          TORTURE_SEED repeats them
#   make fuzz              fuzz targets, each for FUZZ_SECONDS=60; FUZZ=decimal
#                          chooses among them
#   make bench             the benchmarks of bench/

MODULE_big = cdc_emit
EXTENSION = cdc_emit
DATA = $(wildcard sql/cdc_emit--*.sql)
PGFILEDESC = "cdc_emit - changes to Apache Kafka"
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

# PostgreSQL's headers are not free of these three.
PG_CFLAGS = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -fvisibility=hidden
# -MMD: objects depend on the headers they include.  NDEBUG: a failed assert()
# of the ack window would take the cluster down; its unit tests have them on.
# PGDLLEXPORT is empty in 15.
PG_CPPFLAGS = -MMD -MP -DNDEBUG \
	'-DPGDLLEXPORT=__attribute__((visibility("default")))'
SHLIB_LINK = -lrdkafka

# Only for tests: points at which a process can be made to fail (src/fault.h).
ifdef CDC_FAULT_POINTS
PG_CPPFLAGS += -DCDC_FAULT_POINTS
endif

# Tests of types of other extensions run where those are installed.
sharedir = $(shell $(PG_CONFIG) --sharedir 2>/dev/null)
not_runnable = $(if $(wildcard $(sharedir)/extension/postgis.control),,plugin_postgis) \
	$(if $(wildcard $(sharedir)/extension/vector.control),,plugin_pgvector)
REGRESS = $(filter-out $(not_runnable), \
	$(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql))))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test
EXTRA_CLEAN = $(OBJS:.o=.d) results regression.diffs regression.out \
	output_iso tmp_check test/unit/build test/fuzz/build

# Bitcode lets the executor inline what queries call for every row; this module
# has no such function.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))

ifneq ($(PGXS),)

include $(PGXS)
-include $(OBJS:.o=.d)

$(OBJS): | librdkafka-present

librdkafka-present:
	@echo '#include <librdkafka/rdkafka.h>' | \
	  $(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) -E - >/dev/null || { \
	  echo 'cdc_emit needs the development files of librdkafka 2.0.2 or newer.'; \
	  echo 'On Debian: apt-get install librdkafka-dev'; \
	  echo '(or scripts/install-deps build)'; exit 1; } >&2

else

all install installcheck uninstall:
	@{ echo 'cdc_emit needs the development files of PostgreSQL 15 or newer: $(PG_CONFIG) was not found,'; \
	  echo 'or it has no PGXS.  On Debian 12: apt-get install gcc postgresql-server-dev-15 librdkafka-dev'; \
	  echo '(on Debian 13: postgresql-server-dev-17), or scripts/install-deps build.'; \
	  echo 'PG_CONFIG=/path/to/pg_config chooses among several.  make quickstart and make test'; \
	  echo 'install what they need by themselves.'; } >&2; exit 1

clean distclean:
	rm -rf cdc_emit.so $(OBJS) $(EXTRA_CLEAN)

endif

# Scripts build for the PostgreSQL of PG_CONFIG too.
export PG_CONFIG

quickstart:
	@KAFKA='$(KAFKA)' KEEP='$(KEEP)' scripts/quickstart

quickstart-stop:
	@scripts/quickstart stop

test:
	@scripts/test

valgrind:
	@scripts/test --valgrind

sanitize:
	@scripts/test --sanitize

torture:
	@TORTURE_SECONDS="$${TORTURE_SECONDS:-3600}" TAP_TESTS="025_exactly_once 027_exactly_once_large 030_torture 031_three_brokers" \
	  scripts/test tap

fuzz:
	@scripts/install-deps build fuzz
	@$(MAKE) -s -C test/fuzz check

check-format:
	@scripts/check-format

check-versions:
	@scripts/check-versions

bench:
	@bench/run

.PHONY: all install installcheck uninstall clean distclean librdkafka-present \
	quickstart quickstart-stop test valgrind sanitize torture fuzz check-format \
	check-versions bench
