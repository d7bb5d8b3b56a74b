/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people tell a running daemon to do. As with view_ops (status.h), plain values and a table of
 * functions that the daemon implements, so that serve/ needs no other step; calls come from the
 * tick thread and must not block. serve/ has checked who asks before it calls.
 */
#ifndef FWGEN_MODEL_COMMAND_H
#define FWGEN_MODEL_COMMAND_H

#include "model/block_request.h"
#include "model/capture.h"
#include "model/config.h"
#include "model/status.h"

#define COMMAND_ERROR	  CONFIG_ERROR_TEXT
#define COMMAND_BLOCKS	  256 /* at most in one call: a tick must not wait for longer */
#define COMMAND_NAME_TEXT 64

/* Who asks. */
struct requester {
	uint32_t uid;
	int pid;
	char name[COMMAND_NAME_TEXT]; /* the login name, or the uid as text */
	uint64_t client;	      /* the connection; no other ever has this number */
};

/* What became of one block_request. */
struct block_result {
	int err; /* 0, or -errno with a text */
	char error[COMMAND_ERROR];
	bool renewed;		   /* there was one already */
	struct rule_status status; /* of the rule in force */
};

enum unblock_what { UNBLOCK_PREFIX, UNBLOCK_RULE, UNBLOCK_ALL };

struct unblock_request {
	enum unblock_what what;
	struct prefix prefix;
	uint32_t rule;
};

#define UNBLOCK_SHOWN 16

struct unblock_result {
	size_t count;			  /* rules that ended */
	size_t left;			  /* UNBLOCK_ALL: ask again, */
	unsigned int wait_ms;		  /* after this time */
	struct rule rules[UNBLOCK_SHOWN]; /* the first of them */
	struct moment at;
	struct moment held_until; /* their sources are left alone until then */
};

struct allow_request {
	struct prefix prefix;
	bool remove; /* it may be blocked again */
};

struct allow_result {
	bool changed;	 /* it was not allowed (or not removed) before */
	size_t ended;	 /* rules that it covers */
	bool unrecorded; /* the record is not written: a restart may not know of it */
};

struct reload_result {
	bool changed;
	char path[PATH_MAX]; /* "": the built-in defaults */
	char hash[CONFIG_HASH_TEXT];
	char kept[256];		   /* keys that need a restart to change, ", " between */
	struct moment confirm_end; /* without `confirm` the old one comes back; boot_ns 0: no */
};

struct pause_result {
	struct moment until;
	bool disarmed; /* blocks are lifted meanwhile */
};

/* Each returns 0, or -errno with a text that says what would be right. */
struct command_ops {
	/* n results; at most COMMAND_BLOCKS. *wait_ms: how long to leave it before the next lot. */
	void (*block)(void *context, const struct requester *who,
		      const struct block_request *requests, size_t n, struct block_result *results,
		      unsigned int *wait_ms);
	int (*unblock)(void *context, const struct requester *who,
		       const struct unblock_request *request, struct unblock_result *out,
		       char error[COMMAND_ERROR]);
	int (*allow)(void *context, const struct requester *who,
		     const struct allow_request *request, struct allow_result *out,
		     char error[COMMAND_ERROR]);
	/* confirm_ns: how long it waits for a confirm, 0: not. */
	int (*reload)(void *context, const struct requester *who, int64_t confirm_ns,
		      struct reload_result *out, char error[COMMAND_ERROR]);
	int (*confirm)(void *context, const struct requester *who, struct reload_result *out,
		       char error[COMMAND_ERROR]);
	int (*pause)(void *context, const struct requester *who, int64_t duration_ns, bool disarm,
		     struct pause_result *out, char error[COMMAND_ERROR]);
	int (*resume)(void *context, const struct requester *who, char error[COMMAND_ERROR]);
	/* Begins a capture, which belongs to this client. */
	int (*capture)(void *context, const struct requester *who,
		       const struct capture_request *request, char error[COMMAND_ERROR]);
	/* What it has come to since the last time; *out is cleared. */
	int (*captured)(void *context, const struct requester *who, struct capture_lot *out,
			char error[COMMAND_ERROR]);
	/* The client is gone, and with it what belongs to it. */
	void (*left)(void *context, uint64_t client);
};

#endif
