# A menu over Meson, so that nobody needs to learn it to change the code.
#   make              build                    make check             all tests (T=steer/latency: one)
#   make demo         a small network here     make demo NATS=1       each pop a process, over NATS
#   make install      into PREFIX (default /usr/local)
#   make deb          a Debian package
#   make fmt          format                   make lint              style and static analysis
#   make asan         tests under sanitizers   make tsan              threads under ThreadSanitizer
#   make fuzz F=wire-http_head S=60            one fuzzer, S seconds   make night   all that takes long
#   make bench        against the peers
# Each installs what it lacks first (tools/setup; Debian 12).
B := build
S := 60
T :=
F :=
TIMES := 1
NATS :=
PREFIX := /usr/local
SANITIZED := -Db_lundef=false -Db_sanitize

# A finding of any sanitizer fails the test that met it.
export UBSAN_OPTIONS := halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS := halt_on_error=1

all: $(B)/build.ninja
	@meson compile -C $(B)

$(B)/build.ninja:
	@tools/setup build
	@meson setup $(B)

$(B)-asan/build.ninja:
	@tools/setup check
	@meson setup $(B)-asan $(SANITIZED)=address,undefined

$(B)-tsan/build.ninja:
	@tools/setup check
	@meson setup $(B)-tsan $(SANITIZED)=thread -Db_pie=false -Dsystem_tests=false

$(B)-fuzz/build.ninja:
	@tools/setup fuzz
	@CC=clang meson setup $(B)-fuzz -Dfuzz=true $(SANITIZED)=address,undefined

check:
	@tools/setup check
	@$(MAKE) --no-print-directory all
	@meson test -C $(B) --no-rebuild --print-errorlogs --num-processes $$(($$(nproc) + 1)) $(T)

demo: all
	@$(if $(filter 1,$(NATS)),tools/setup demo-nats)
	@$(B)/waypost demo $(if $(filter 1,$(NATS)),--nats)

asan: $(B)-asan/build.ninja
	@meson test -C $(B)-asan --print-errorlogs -t $(TIMES) $(T)

tsan: $(B)-tsan/build.ninja
	@meson test -C $(B)-tsan --print-errorlogs -t $(TIMES) $(T)

fuzz: $(B)-fuzz/build.ninja
	@meson compile -C $(B)-fuzz
	@tools/fuzz $(B)-fuzz "$(F)" $(S)

# WAYPOST_NIGHT lets the stories of tests/system take their full length.
night:
	@WAYPOST_NIGHT=1 $(MAKE) check T=system/package
	@WAYPOST_NIGHT=1 $(MAKE) asan TIMES=10
	@$(MAKE) tsan TIMES=10
	@$(MAKE) fuzz S=600

bench: all
	@tools/setup bench
	@bench/run

fmt:
	@clang-format -i $$(git ls-files -co --exclude-standard '*.[ch]')

lint: all
	@tools/setup lint
	@tools/lint $(B)

install: all
	@meson configure $(B) --prefix=$(PREFIX)
	@meson install -C $(B)

deb: all
	@tools/setup deb
	@packaging/deb $(B)

.PHONY: all check demo asan tsan fuzz night bench fmt lint install deb
