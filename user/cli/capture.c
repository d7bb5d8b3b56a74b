/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples of dropped packets, fetched a lot at a time until the daemon says that it was the last.
 * What leaves here is whole after each lot, so that who interrupts it has a good file.
 */
#include "cli/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/verbs.h"
#include "model/capture.h"
#include "model/event.h"
#include "parse.h"

#define TIMEOUT_MS 30000
#define POLL_NS	   (100 * NS_PER_MS)

/* https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap: in this machine's byte order. */
struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t reserved[2];
	uint32_t snaplen;
	uint32_t link_type;
};

struct pcap_record {
	uint32_t seconds, nanoseconds;
	uint32_t captured, original;
};

#define PCAP_NANOSECONDS 0xa1b23c4d
#define PCAP_ETHERNET	 1

struct capturing {
	const struct options *options;
	struct client *client;
	FILE *out;
	bool pcap;
	size_t frames;
	int64_t lost;
};

/* ---- one frame ------------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns how many bytes, 0 when it is no hexadecimal. */
static size_t read_hex(const char *text, unsigned char out[CAPTURE_BYTES])
{
	size_t n = strlen(text) / 2;

	if (n > CAPTURE_BYTES || strlen(text) % 2)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return n;
}

static void write_record(FILE *out, const struct json *frame, const unsigned char *bytes, size_t n)
{
	const struct pcap_record record = {
		.seconds = (uint32_t)field_int(frame, "at_s"),
		.nanoseconds = (uint32_t)field_int(frame, "at_ns"),
		.captured = (uint32_t)n,
		.original = (uint32_t)field_int(frame, "bytes"),
	};

	fwrite(&record, sizeof(record), 1, out);
	fwrite(bytes, 1, n, out);
}

static const char *endpoint(const struct address *address, uint16_t port, char buf[64])
{
	char text[ADDRESS_TEXT];

	address_format(address, text);
	if (port)
		snprintf(buf, 64, "%s port %u", text, port);
	else
		snprintf(buf, 64, "%s", text);
	return buf;
}

static void write_line(FILE *out, const struct json *frame, const unsigned char *bytes, size_t n)
{
	const struct moment at = { .wall_ns = field_int(frame, "at_s") * NS_PER_SECOND };
	uint32_t length = (uint32_t)field_int(frame, "bytes");
	char time[MOMENT_TEXT], from[64], to[64], protocol[8];
	const struct page page = { .out = out };
	struct packet packet;

	local_format(at, at, time);
	if (packet_parse(bytes, bytes + n, length, &packet) != PACKET_IP) {
		page_say(&page, INK_PLAIN, "%s.%06lld %s rule %lld: no IP, %u bytes", time,
			 (long long)field_int(frame, "at_ns") / 1000,
			 field_text(frame, "interface"), (long long)field_int(frame, "rule"),
			 length);
		return;
	}
	page_say(&page, INK_PLAIN, "%s.%06lld %s rule %lld: %s > %s, %s%s, %u bytes", time,
		 (long long)field_int(frame, "at_ns") / 1000, field_text(frame, "interface"),
		 (long long)field_int(frame, "rule"),
		 endpoint(&packet.source, packet.source_port, from),
		 endpoint(&packet.destination, packet.destination_port, to),
		 protocol_format(packet.protocol, protocol),
		 packet.classes & CLASS_SYN ? " syn" : "", length);
}

/* As the daemon has it, an object a line. */
static void write_json(FILE *out, const struct json *frame)
{
	char *text = json_print(frame);

	if (text) {
		escape_write_json(out, text);
		fputc('\n', out);
	}
	free(text);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void write_frames(struct capturing *capturing, const struct json *lot)
{
	json_for_each (frame, json_get(lot, "frames")) {
		unsigned char bytes[CAPTURE_BYTES];
		size_t n = read_hex(field_text(frame, "data"), bytes);

		if (capturing->options->json)
			write_json(capturing->out, frame);
		else if (capturing->pcap)
			write_record(capturing->out, frame, bytes, n);
		else
			write_line(capturing->out, frame, bytes, n);
		capturing->frames++;
	}
	capturing->lost = field_int(lot, "lost");
	fflush(capturing->out);
}

static void begin_pcap(FILE *out)
{
	const struct pcap_header header = {
		.magic = PCAP_NANOSECONDS,
		.major = 2,
		.minor = 4,
		.snaplen = CAPTURE_BYTES,
		.link_type = PCAP_ETHERNET,
	};

	fwrite(&header, sizeof(header), 1, out);
	fflush(out);
}

static int begin(struct capturing *capturing, char error[CLIENT_ERROR_TEXT])
{
	struct json *request = json_new_object(), *data = NULL;
	int err = -ENOMEM;
	char *text;

	json_add_string(request, "verb", "capture");
	json_add(request, "args", json_clone(capturing->options->args));
	text = json_print(request);
	if (text)
		err = client_ask(capturing->client, text, TIMEOUT_MS, &data, error);
	json_free(&request);
	json_free(&data);
	free(text);
	return err;
}

/* *more: the daemon has not said that it was the last. */
static int fetch(struct capturing *capturing, bool *more, char error[CLIENT_ERROR_TEXT])
{
	struct json *lot = NULL;
	int err = client_ask(capturing->client, "{\"verb\":\"captured\"}", TIMEOUT_MS, &lot, error);

	if (err)
		return err;
	write_frames(capturing, lot);
	*more = field_true(lot, "running") || json_size(json_get(lot, "frames"));
	json_free(&lot);
	if (!ferror(capturing->out))
		return 0;
	snprintf(error, CLIENT_ERROR_TEXT, "failed to write: %s", strerror(errno));
	return -EIO;
}

static int capture(struct capturing *capturing, const char *socket, char error[CLIENT_ERROR_TEXT])
{
	const struct timespec pause = { 0, POLL_NS };
	bool more = true;
	int err = client_open(socket, &capturing->client, error);

	if (!err)
		err = begin(capturing, error);
	if (!err && capturing->pcap)
		begin_pcap(capturing->out);
	while (!err && more) {
		err = fetch(capturing, &more, error);
		if (!err && more)
			nanosleep(&pause, NULL);
	}
	client_close(&capturing->client);
	return err;
}

int capture_run(const struct options *options, const char *socket)
{
	struct capturing capturing = { .options = options, .out = stdout };
	bool to_file = options->file && strcmp(options->file, "-") != 0;
	char error[CLIENT_ERROR_TEXT] = "no memory";
	int err;

	capturing.pcap = !options->json && (options->file || !isatty(STDOUT_FILENO));
	if (to_file && !(capturing.out = fopen(options->file, "we"))) {
		snprintf(error, sizeof(error), "failed to write %.200s: %s", options->file,
			 strerror(errno));
		return verbs_complain(options, -EIO, error);
	}
	err = capture(&capturing, socket, error);
	if (capturing.out != stdout && fclose(capturing.out) && !err) {
		snprintf(error, sizeof(error), "failed to write %.200s: %s", options->file,
			 strerror(errno));
		err = -EIO;
	}
	if (err)
		return verbs_complain(options, err, error);
	fprintf(stderr, "%zu dropped packets%s\n", capturing.frames,
		capturing.lost ? "; there were more than could be taken" : "");
	return CLI_EXIT_GOOD;
}
