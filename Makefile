# A menu over Meson, so that nobody needs to learn it to change the code.
#   make              build                    make check             all tests (T=steer/latency: one)
#   make demo         a small network here     make install           into PREFIX (default /usr/local)
#   make fmt          format                   make lint              style and static analysis
#   make asan         tests under sanitizers   make tsan              threads under ThreadSanitizer
#   make fuzz F=wire-http_head S=60            one fuzzer, S seconds   make night   all that takes long
#   make bench        against the peers
B := build
S := 60
T :=
F :=

all: $(B)/build.ninja
	@meson compile -C $(B)

$(B)/build.ninja:
	@tools/setup build
	@meson setup $(B)

check:
	@tools/setup build check
	@test -f $(B)/build.ninja || meson setup $(B)
	@meson compile -C $(B)
	@meson test -C $(B) --no-rebuild --print-errorlogs $(T)

demo: all
	@$(B)/waypost demo

asan:
	@tools/setup build check
	@test -d $(B)-asan || meson setup $(B)-asan -Db_sanitize=address,undefined -Db_lundef=false
	@meson test -C $(B)-asan --print-errorlogs $(T)

tsan:
	@tools/setup build check
	@test -d $(B)-tsan || meson setup $(B)-tsan -Db_sanitize=thread -Db_lundef=false -Db_pie=false -Dsystem_tests=false
	@meson test -C $(B)-tsan --print-errorlogs $(T)

fuzz:
	@tools/setup build lint
	@test -d $(B)-fuzz || CC=clang meson setup $(B)-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	@meson compile -C $(B)-fuzz
	@tools/fuzz $(B)-fuzz "$(F)" $(S)

night: asan tsan
	@$(MAKE) fuzz S=600

bench: all
	@tools/setup bench
	@bench/run

fmt:
	@clang-format -i $$(git ls-files '*.[ch]')

lint: all
	@tools/setup lint
	@tools/lint $(B)

install: all
	@meson install -C $(B)

.PHONY: all check demo asan tsan fuzz night bench fmt lint install
