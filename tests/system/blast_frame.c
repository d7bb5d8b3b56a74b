/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of blast: built once, then only addresses and ports change. Transport checksums are
 * left at zero, so that the receiver's stack drops what XDP lets pass instead of answering. Not a
 * packet library: headers beyond these come from packets.py.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "blast_frame.h"

static const uint8_t tcp_flags[] = { 0x02, 0x10, 0x01, 0x00, 0x29 };

bool range_parse(const char *text, struct range *out)
{
	char address[64];
	int used = 0;

	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	out->len = out->family == AF_INET ? 32 : 128;
	if (sscanf(text, "%63[^/]%n", address, &used) != 1 ||
	    inet_pton(out->family, address, out->base) != 1)
		return false;
	if (text[used] == '/')
		out->len = atoi(text + used + 1);
	return true;
}

/* splitmix64: quick, and the same numbers in each run. */
static uint64_t random_next(void)
{
	static uint64_t state = 0x5eed;
	uint64_t z = (state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* The i-th address of the range, in network order. */
static void address_at(const struct range *range, uint64_t i, uint8_t *out)
{
	int size = range->family == AF_INET ? 4 : 16;
	uint64_t add = range->mode == MODE_SEQUENTIAL ? i % range->count : 0;

	memcpy(out, range->base, (size_t)size);
	for (int byte = size - 1; add; byte--, add >>= 8) {
		add += out[byte];
		out[byte] = (uint8_t)add;
	}
	if (range->mode != MODE_RANDOM)
		return;
	for (int byte = range->len / 8; byte < size; byte++) {
		uint8_t keep = byte == range->len / 8 ? (uint8_t)(0xff00 >> (range->len % 8)) : 0;

		out[byte] = (uint8_t)((out[byte] & keep) | ((random_next() >> 24) & ~keep));
	}
}

static uint16_t port_at(uint16_t base, int mode, uint64_t i)
{
	if (mode == MODE_SEQUENTIAL)
		return (uint16_t)(base + i);
	if (mode == MODE_RANDOM)
		return (uint16_t)(1 + random_next() % 65535);
	return base;
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void put_ipv4_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	put16(ip + 10, 0);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

/* Everything that is the same in all packets. Sets the offsets. */
static void build_template(const struct packets *o, struct frames *f, uint8_t *frame)
{
	bool v4 = o->source.family == AF_INET;
	uint8_t *p = frame, protocol = 6;

	memcpy(p, o->destination_mac, 6);
	memcpy(p + 6, o->source_mac, 6);
	p += 12;
	for (int i = 0; i < o->tag_count; i++, p += 4) {
		put16(p, i + 1 < o->tag_count ? ETH_P_8021AD : ETH_P_8021Q);
		put16(p + 2, o->tags[i]);
	}
	put16(p, v4 ? ETH_P_IP : ETH_P_IPV6);
	p += 2;
	f->ip_offset = (int)(p - frame);
	f->transport_offset = f->ip_offset + (v4 ? 20 : 40);
	f->length = o->length + 4 * o->tag_count;
	if (o->protocol == PROTO_UDP)
		protocol = 17;
	else if (o->protocol == PROTO_ICMP)
		protocol = v4 ? 1 : 58;
	if (v4) {
		p[0] = 0x45;
		put16(p + 2, (uint16_t)(f->length - f->ip_offset));
		p[8] = 64;
		p[9] = protocol;
	} else {
		p[0] = 0x60;
		put16(p + 4, (uint16_t)(f->length - f->transport_offset));
		p[6] = protocol;
		p[7] = 64;
	}
	p = frame + f->transport_offset;
	if (o->protocol == PROTO_UDP) {
		put16(p + 4, (uint16_t)(f->length - f->transport_offset));
	} else if (o->protocol == PROTO_ICMP) {
		p[0] = v4 ? 8 : 128; /* echo request */
	} else {
		p[12] = 0x50;
		p[13] = tcp_flags[o->protocol];
		put16(p + 14, 1024);
	}
}

void frames_prepare(struct frames *f, const struct packets *o)
{
	for (int i = 0; i < BATCH_MAX; i++) {
		build_template(o, f, f->bytes[i]);
		f->vectors[i].iov_base = f->bytes[i];
		f->vectors[i].iov_len = (size_t)f->length;
		f->messages[i].msg_hdr.msg_iov = &f->vectors[i];
		f->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

void frames_fill(struct frames *f, const struct packets *o, int slot, uint64_t i)
{
	uint8_t *frame = f->bytes[slot];
	uint8_t *ip = frame + f->ip_offset, *transport = frame + f->transport_offset;
	bool v4 = o->source.family == AF_INET;

	address_at(&o->source, i, ip + (v4 ? 12 : 8));
	address_at(&o->destination, i, ip + (v4 ? 16 : 24));
	if (v4)
		put_ipv4_checksum(ip);
	if (o->protocol == PROTO_ICMP) {
		put16(transport + 6, (uint16_t)i);
		return;
	}
	put16(transport, port_at(o->source_port, o->source_port_mode, i));
	put16(transport + 2, port_at(o->destination_port, o->destination_port_mode, i));
	if (o->protocol == PROTO_ACK) {
		transport[7] = (uint8_t)i;
		transport[11] = 1;
	}
}
