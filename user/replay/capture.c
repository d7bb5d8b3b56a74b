// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libpcap, by its file interface: it reads pcap and pcapng of either order of bytes, and times in
 * micro- or nanoseconds. What the bytes of a frame mean is link.c's.
 */
#include "replay/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/clock.h"

#define BUFFER_BYTES (256 * 1024)
/* Times are kept in 64 bits with room for the longest window behind them. */
#define SECONDS_MAX (INT64_MAX / NS_PER_SECOND / 2)

struct capture {
	const char *path; /* the caller's */
	FILE *file;	  /* the pcap's, once there is one */
	pcap_t *pcap;
	char *buffer; /* the file's */
	int64_t size; /* 0: not a regular file */
	int link;
	uint64_t frames;
};

int capture_open(const char *path, struct capture **out, char error[CAPTURE_ERROR])
{
	struct capture *capture = calloc(1, sizeof(*capture));
	struct stat status;
	int err = 0;

	if (!capture) {
		snprintf(error, CAPTURE_ERROR, "%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	capture->path = path;
	capture->file = fopen(path, "rbe");
	if (!capture->file || fstat(fileno(capture->file), &status))
		err = -errno;
	else if (S_ISDIR(status.st_mode))
		err = -EISDIR;
	if (err) {
		snprintf(error, CAPTURE_ERROR, "failed to open %s: %s", path, strerror(-err));
		capture_close(&capture);
		return err;
	}
	capture->size = S_ISREG(status.st_mode) ? status.st_size : 0;
	*out = capture;
	return 0;
}

void capture_close(struct capture **out)
{
	struct capture *capture = *out;

	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	else if (capture->file)
		fclose(capture->file);
	free(capture->buffer);
	free(capture);
	*out = NULL;
}

/* A name of libpcap's, or the number. */
static const char *link_name(int link, char buf[32])
{
	const char *name = pcap_datalink_val_to_name(link);

	if (name)
		return name;
	snprintf(buf, 32, "%d", link);
	return buf;
}

int capture_begin(struct capture *capture, char error[CAPTURE_ERROR])
{
	char why[PCAP_ERRBUF_SIZE] = "", name[32];

	/* One thread reads, in large pieces: no lock for each record. */
	capture->buffer = malloc(BUFFER_BYTES);
	if (capture->buffer)
		setvbuf(capture->file, capture->buffer, _IOFBF, BUFFER_BYTES);
	__fsetlocking(capture->file, FSETLOCKING_BYCALLER);
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(capture->file,
								 PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap) {
		snprintf(error, CAPTURE_ERROR, "%s is not a capture (pcap or pcapng): %s",
			 capture->path, why);
		return -EINVAL;
	}
	capture->link = pcap_datalink(capture->pcap);
	if (link_known(capture->link))
		return 0;
	snprintf(error, CAPTURE_ERROR, "%s: link type %s cannot be read; these can: %s",
		 capture->path, link_name(capture->link, name), link_known_text());
	return -EINVAL;
}

static int64_t time_of(const struct pcap_pkthdr *header)
{
	int64_t seconds = header->ts.tv_sec, ns = header->ts.tv_usec; /* as was asked for */

	if (seconds < 0 && seconds >= INT32_MIN) /* pcap's 32 bits, which have no sign */
		seconds = (uint32_t)seconds;
	if (seconds < 0 || ns < 0 || ns >= NS_PER_SECOND)
		ns = 0;
	if (seconds < 0)
		seconds = 0;
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	return seconds * NS_PER_SECOND + ns;
}

int capture_next(struct capture *capture, struct captured *out, char error[CAPTURE_ERROR])
{
	struct pcap_pkthdr *header;
	const unsigned char *data;
	int result = pcap_next_ex(capture->pcap, &header, &data);

	if (result == PCAP_ERROR_BREAK)
		return 0;
	if (result != 1) {
		snprintf(error, CAPTURE_ERROR, "%s: cannot be read past frame %llu: %s",
			 capture->path, (unsigned long long)capture->frames,
			 pcap_geterr(capture->pcap));
		return -EINVAL;
	}
	capture->frames++;
	*out = (struct captured){
		.data = data,
		.end = data + header->caplen,
		.wire_bytes = header->len > header->caplen ? header->len : header->caplen,
		.time_ns = time_of(header),
	};
	return 1;
}

const char *capture_path(const struct capture *capture)
{
	return capture->path;
}

int capture_link(const struct capture *capture)
{
	return capture->link;
}

const char *capture_link_name(const struct capture *capture)
{
	const char *text = pcap_datalink_val_to_description(capture->link);

	return text ? text : "";
}

uint64_t capture_frames(const struct capture *capture)
{
	return capture->frames;
}

double capture_progress(const struct capture *capture)
{
	int64_t at = capture->size ? ftello(capture->file) : -1;

	return at < 0 ? -1 : (double)at / (double)capture->size;
}
