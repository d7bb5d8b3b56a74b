/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files, pcap and pcapng, record by record: the only user of libpcap. Opening is apart from
 * reading, so that all files can be opened before privileges are given up, and no byte of them is
 * looked at before that.
 */
#ifndef FWGEN_REPLAY_CAPTURE_H
#define FWGEN_REPLAY_CAPTURE_H

#include "replay/link.h"

#define CAPTURE_ERROR 512

struct capture;

/* Opens the file and reads nothing. Returns 0, or -errno with a text that names the file. */
int capture_open(const char *path, struct capture **out, char error[CAPTURE_ERROR]);
void capture_close(struct capture **capture);

/* Reads the header. Returns 0, or -errno with a text: -EINVAL it is no capture, or of a link type
 * that cannot be parsed. */
int capture_begin(struct capture *capture, char error[CAPTURE_ERROR]);
/* Returns 1 and a frame, 0 at the end, or -EINVAL with a text: the file breaks off or is damaged.
 */
int capture_next(struct capture *capture, struct captured *out, char error[CAPTURE_ERROR]);

const char *capture_path(const struct capture *capture);
/* The link type, for link_parse, and its name for people. */
int capture_link(const struct capture *capture);
const char *capture_link_name(const struct capture *capture);
/* Frames read so far: the number of the last one, counted from 1. */
uint64_t capture_frames(const struct capture *capture);
/* What part of the file is read, 0 to 1; negative when that cannot be known (a pipe). */
double capture_progress(const struct capture *capture);

#endif
