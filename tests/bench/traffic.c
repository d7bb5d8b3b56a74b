// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each packet belongs to one of some thousand exchanges that are under way, or to an attack. Bytes
 * are put together by hand: ten million packets in some seconds.
 */
#include "traffic.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#define EXCHANGES 8192
#define CLIENTS	  50000
#define SERVERS	  200
#define SCANNERS  16

#define HEADERS 54 /* Ethernet, IPv4, TCP */

struct exchange {
	uint32_t client, server, step, steps;
	uint16_t port, service;
	uint8_t protocol;
};

struct traffic {
	FILE *out;
	uint64_t state, sent;
	struct exchange exchanges[EXCHANGES];
	unsigned char record[16 + TRAFFIC_SNAP];
};

static uint32_t random_below(struct traffic *traffic, uint32_t below)
{
	/* Knuth's MMIX generator; the upper half is good enough */
	traffic->state = traffic->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((traffic->state >> 32) * below >> 32);
}

static void put16(unsigned char *at, uint16_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

struct segment {
	uint32_t source, destination, sequence, acknowledgement, payload;
	uint16_t source_port, destination_port;
	uint8_t protocol, flags;
};

static void put_upper(unsigned char *at, const struct segment *segment)
{
	put16(at, segment->source_port);
	put16(at + 2, segment->destination_port);
	if (segment->protocol == 17) {
		put16(at + 4, (uint16_t)(8 + segment->payload));
		return;
	}
	put32(at + 4, segment->sequence);
	put32(at + 8, segment->acknowledgement);
	at[12] = 0x50;
	at[13] = segment->flags;
}

/* A record: its header in this machine's order of bytes, then the frame. */
static void send_segment(struct traffic *traffic, const struct segment *segment)
{
	uint32_t upper = (segment->protocol == 6 ? 20 : 8) + segment->payload;
	uint32_t wire = 34 + upper, kept = wire < TRAFFIC_SNAP ? wire : TRAFFIC_SNAP;
	uint64_t us = traffic->sent++ * (1000000 / TRAFFIC_PPS);
	uint32_t header[4] = { (uint32_t)(1700000000 + us / 1000000), (uint32_t)(us % 1000000),
			       kept, wire };
	unsigned char *frame = traffic->record + sizeof(header);

	memset(traffic->record, 0, sizeof(traffic->record));
	memcpy(traffic->record, header, sizeof(header));
	put16(frame + 12, 0x0800);
	frame[14] = 0x45;
	put16(frame + 16, (uint16_t)(20 + upper));
	frame[22] = 64;
	frame[23] = segment->protocol;
	put32(frame + 26, segment->source);
	put32(frame + 30, segment->destination);
	put_upper(frame + 34, segment);
	fwrite(traffic->record, sizeof(header) + kept, 1, traffic->out);
}

static void begin_exchange(struct traffic *traffic, struct exchange *exchange)
{
	*exchange = (struct exchange){
		.client = 0x0a000000 + random_below(traffic, CLIENTS),
		.server = 0xc0000200 + random_below(traffic, SERVERS),
		.port = (uint16_t)(32768 + random_below(traffic, 28000)),
	};
	if (random_below(traffic, 4)) {
		exchange->protocol = 6;
		exchange->service = 443;
		exchange->steps = 8 + random_below(traffic, 64);
	} else {
		exchange->protocol = 17;
		exchange->service = 53;
		exchange->steps = 2;
	}
}

/* SYN, SYN-ACK, ACK, then data this way and that; or a question and its answer. */
static void go_on(struct traffic *traffic, struct exchange *exchange)
{
	static const uint8_t handshake[] = { 0x02, 0x12, 0x10 };
	uint32_t step = exchange->step++;
	int back = step < 3 ? step == 1 : step % 3 != 0;
	struct segment segment = {
		exchange->client,  exchange->server,   1001, 5001, 0, exchange->port,
		exchange->service, exchange->protocol, 0x18
	};

	if (step < 3)
		segment.flags = handshake[step];
	else
		segment.payload = back ? 1400 : 200;
	if (exchange->protocol == 17)
		segment.payload = 40 + 80 * step;
	if (back) {
		segment.source = exchange->server;
		segment.destination = exchange->client;
		segment.source_port = exchange->service;
		segment.destination_port = exchange->port;
		segment.sequence = step == 1 ? 5000 : 5001;
		segment.acknowledgement = 1001;
	}
	send_segment(traffic, &segment);
	if (exchange->step == exchange->steps)
		begin_exchange(traffic, exchange);
}

static void attack(struct traffic *traffic)
{
	struct segment segment = { .destination = 0xc0000264, .protocol = 6, .flags = 2 };

	segment.source_port = (uint16_t)(1024 + random_below(traffic, 60000));
	if (random_below(traffic, 2)) { /* a flood from everywhere */
		segment.source = random_below(traffic, UINT32_MAX);
		segment.destination_port = 80;
	} else {
		segment.source = 0xcb007100 + random_below(traffic, SCANNERS);
		segment.destination_port = (uint16_t)random_below(traffic, 65536);
	}
	send_segment(traffic, &segment);
}

int traffic_write(FILE *out, uint64_t packets)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snap, link;
	} header = { 0xa1b2c3d4, 2, 4, 0, 0, TRAFFIC_SNAP, 1 };
	static struct traffic traffic;

	traffic = (struct traffic){ .out = out, .state = 20260731 };
	fwrite(&header, sizeof(header), 1, out);
	for (int i = 0; i < EXCHANGES; i++)
		begin_exchange(&traffic, &traffic.exchanges[i]);
	while (traffic.sent < packets) {
		if (random_below(&traffic, 8))
			go_on(&traffic, &traffic.exchanges[random_below(&traffic, EXCHANGES)]);
		else
			attack(&traffic);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}

uint64_t traffic_read(const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, error);
	struct pcap_pkthdr *header;
	const unsigned char *data;
	uint64_t packets = 0;

	while (pcap && pcap_next_ex(pcap, &header, &data) == 1)
		packets++;
	if (pcap)
		pcap_close(pcap);
	return packets;
}
