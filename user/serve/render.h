/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model as the control protocol's JSON. Each returns a new tree or NULL. Private to serve/. */
#ifndef FWGEN_SERVE_RENDER_H
#define FWGEN_SERVE_RENDER_H

struct json;
struct status;

struct json *render_status(const struct status *status);
/* Rows of a list: struct source_status, struct rule_status, struct event. */
struct json *render_source(const void *row);
struct json *render_rule(const void *row);
struct json *render_event(const void *row);

#endif
