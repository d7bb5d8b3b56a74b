# fwgen: the only makefile. Outputs go to build/ (build/asan/ with SANITIZE=1) and ./fwgen.
#   make            ./fwgen
#   make test       unit and BPF tests, then the system tests (root; namespaces only)
#   make bench      build/bench.json and a table
#   make lint       format, static analysis, include rules
#   make trials     faults, each tried many times (half an hour); a table of the figures
#   make soak       ten minutes of load; memory and descriptors must stay flat

CC       ?= cc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PKGS     := libbpf sqlite3 libcjson libmnl libpcap
VERSION  := 0.1.0

BUILD    := build$(if $(SANITIZE),/asan)
BINARY   := $(if $(SANITIZE),$(BUILD)/fwgen,fwgen)
CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARN) -D_GNU_SOURCE -DFWGEN_VERSION='"$(VERSION)"' \
	-Iinclude -Iuser -I$(BUILD) $(shell pkg-config --cflags $(PKGS)) -pthread -MMD -MP
ALL_LDFLAGS := $(LDFLAGS) -pthread
ifdef SANITIZE
ALL_CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=address,undefined
endif
LIBS     := $(shell pkg-config --libs $(PKGS)) -lm

# BPF: no libc headers beyond the kernel's; asm/ is in the multiarch folder.
BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Iinclude \
	-I/usr/include/$(shell $(CC) -dumpmachine) -MMD -MP

USER_SRC := $(wildcard user/*/*.c)
USER_OBJ := $(USER_SRC:%.c=$(BUILD)/%.o)
MAIN_OBJ := $(BUILD)/user/main.o
LIB      := $(BUILD)/libfwgen.a
BPF_OBJ  := $(patsubst bpf/%.bpf.c,$(BUILD)/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKELS    := $(BPF_OBJ:%.bpf.o=%.skel.h)
UNIT     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
BPF_TEST := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bpf/test_*.c))
# What tests share (frames): every other .c beside them.
TEST_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(wildcard tests/*/test_*.c), \
	$(wildcard tests/unit/*.c tests/bpf/*.c)))
TEST_LIB := $(BUILD)/tests/libtests.a

BENCH    := $(BUILD)/tests/bench/bench
BENCH_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))

.PHONY: all test unit bpf-test system bench lint format soak trials clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(BINARY)

$(BINARY): $(MAIN_OBJ) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $(MAIN_OBJ) $(LIB) $(LIBS)

$(LIB): $(USER_OBJ)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c | $(SKELS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

$(TEST_LIB): $(TEST_OBJ)
	rm -f $@
	$(AR) rcs $@ $^

# Unit tests link their module and what it needs from the library, never main.
$(BUILD)/tests/unit/%: tests/unit/%.c $(TEST_LIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests $(ALL_LDFLAGS) -o $@ $< $(TEST_LIB) $(LIB) $(LIBS) -lcmocka

$(BUILD)/tests/bpf/%: tests/bpf/%.c $(TEST_LIB) $(LIB) $(SKELS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests $(ALL_LDFLAGS) -o $@ $< $(TEST_LIB) $(LIB) $(LIBS) -lcmocka

$(BUILD)/tests/bench/%.bpf.o: tests/bench/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/tests/bench/%.skel.h: $(BUILD)/tests/bench/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

$(BENCH_OBJ): | $(BENCH).skel.h

$(BENCH): $(BENCH_OBJ) $(LIB)
	$(CC) $(ALL_LDFLAGS) -o $@ $(BENCH_OBJ) $(LIB) $(LIBS) -lm

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

bpf-test: $(BPF_TEST)
	@set -e; for t in $(BPF_TEST); do echo "== $$t"; $$t; done

# The sanitized daemon or another binary: FWGEN_BINARY=...; the long forms: FWGEN_FULL=1.
system: $(BINARY)
	/usr/bin/python3 -B -m pytest tests/system

test: unit bpf-test system

# QUICK=1: fewer programs and runs, in 40 seconds instead of 3 minutes.
bench: $(BENCH)
	scripts/bench $(if $(QUICK),--quick) --binary $(BENCH) --json $(BUILD)/bench.json

soak: $(BINARY)
	/usr/bin/python3 -B tests/system/soak.py 600

trials: $(BINARY)
	FWGEN_FULL=1 /usr/bin/python3 -B -m pytest $(wildcard tests/system/test_trial_*.py)

lint:
	scripts/lint

format:
	clang-format -i $(wildcard include/*.h bpf/*.[ch] user/*.[ch] user/*/*.[ch] tests/*/*.[ch])

clean:
	rm -rf build fwgen

-include $(USER_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(UNIT:=.d) $(BPF_TEST:=.d) $(TEST_OBJ:.o=.d) \
	$(BENCH_OBJ:.o=.d) $(BENCH).bpf.d
