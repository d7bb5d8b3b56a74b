/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the request to what the program in the kernel works by: two frames of which only source and
 * port change, the flood's addresses as arithmetic, and a second's plan of who is due at which of
 * its packets. It knows nothing of the kernel.
 */
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "torrent_plan.h"

/* ---- addresses as numbers ---- */

static bool number_parse(const char *text, struct torrent_number *out)
{
	uint8_t bytes[16] = { 0 };
	bool v6 = strchr(text, ':');

	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, v6 ? bytes : bytes + 12) != 1)
		usage("not an address");
	*out = (struct torrent_number){ 0 };
	for (int i = 0; i < 8; i++) {
		out->high = out->high << 8 | bytes[i];
		out->low = out->low << 8 | bytes[i + 8];
	}
	return v6;
}

static void number_bytes(struct torrent_number number, bool v6, uint8_t *out)
{
	for (int i = 7; i >= 0 && v6; i--, number.high >>= 8)
		out[i] = (uint8_t)number.high;
	for (int i = v6 ? 15 : 3; i >= (v6 ? 8 : 0); i--, number.low >>= 8)
		out[i] = (uint8_t)number.low;
}

static uint64_t ones(int bits)
{
	if (bits <= 0)
		return 0;
	return bits >= 64 ? ~0ULL : (1ULL << bits) - 1;
}

static void read_flood(const struct request *request, struct torrent_flood *out)
{
	const char *slash = strchr(request->flood, '/');
	char address[INET6_ADDRSTRLEN] = "";
	int bits;

	sscanf(request->flood, "%45[^/]", address);
	out->v6 = number_parse(address, &out->base);
	out->step = (uint32_t)request->flood_step;
	out->count = request->flood_count;
	if (!slash)
		return;
	bits = (out->v6 ? 128 : 32) - atoi(slash + 1);
	out->vary.high = ones(bits - 64);
	out->vary.low = ones(bits);
}

/* ---- frames ---- */

static void put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void build_transport(uint8_t *p, int protocol, int port, size_t length)
{
	put16(p, 40000);
	put16(p + 2, (unsigned int)port);
	if (protocol == PROTO_UDP) {
		put16(p + 4, (unsigned int)length);
		return;
	}
	p[12] = 0x50;
	p[13] = 0x02; /* SYN */
	put16(p + 14, 1024);
}

/* All but the source's address and, of steady packets, the port. Nobody looks at checksums. */
static void build_frame(const struct request *request, bool v6, int protocol, uint8_t *frame)
{
	uint8_t *ip = frame + ETH_HLEN, *transport = ip + (v6 ? 40 : 20);
	size_t length = (size_t)(frame + TORRENT_LENGTH - transport);
	const char *destination = v6 ? request->destination6 : request->destination4;
	uint8_t number = protocol == PROTO_UDP ? 17 : 6;

	put16(frame + 12, v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, (unsigned int)length);
		ip[6] = number;
		ip[7] = 64;
	} else {
		ip[0] = 0x45;
		put16(ip + 2, TORRENT_LENGTH - ETH_HLEN);
		ip[8] = 64;
		ip[9] = number;
	}
	if (inet_pton(v6 ? AF_INET6 : AF_INET, destination, ip + (v6 ? 24 : 16)) != 1)
		usage("a destination is no address");
	build_transport(transport, protocol, request->port, length);
}

static void build_frames(const struct request *request, struct plan *out)
{
	/* Nobody's: what XDP lets pass of the flood is given up at the stack's first look. */
	static const uint8_t nobody[12] = { 2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 0xee };

	memcpy(out->flood_frame, nobody, sizeof(nobody));
	build_frame(request, out->flood.v6, request->flood_protocol, out->flood_frame);
	memcpy(out->steady_frame, request->destination_mac, 6);
	memcpy(out->steady_frame + 6, request->source_mac, 6);
	build_frame(request, out->v6, request->protocol, out->steady_frame);
}

/* ---- the second's plan ---- */

static int by_time(const void *left, const void *right)
{
	const struct torrent_due *a = left, *b = right;

	return a->at < b->at ? -1 : a->at > b->at;
}

/* A source's packets: evenly over the second, from a phase of its own. */
static void plan_source(struct plan *plan, uint32_t source, unsigned int pps, uint64_t all_pps)
{
	double phase = source * 0.6180339887498949;

	phase -= (uint32_t)phase;
	for (unsigned int i = 0; i < pps; i++) {
		uint32_t at = (uint32_t)((i + phase) * (double)all_pps / pps);

		plan->dues[plan->due_count++] = (struct torrent_due){ at, source };
	}
}

/* No two at once: the later one moves on, and back again from the second's end. */
static void plan_order(struct plan *plan, uint64_t all_pps)
{
	struct torrent_due *dues = plan->dues;
	uint32_t n = plan->due_count, last = (uint32_t)all_pps - 1;

	qsort(dues, n, sizeof(*dues), by_time);
	for (uint32_t i = 1; i < n; i++)
		if (dues[i].at <= dues[i - 1].at)
			dues[i].at = dues[i - 1].at + 1;
	for (uint32_t i = n; i-- > 0 && dues[i].at > last; last--)
		dues[i].at = last;
}

static void plan_group(const struct request *request, const struct group *group, struct plan *out)
{
	struct torrent_number number;

	out->v6 = number_parse(group->address, &number);
	if (out->source_count && out->sources[0].v6 != out->v6)
		usage("steady sources are of different families");
	for (unsigned int i = 0; i < group->count; i++, number.low++) {
		struct torrent_steady *source = &out->sources[out->source_count];

		*source = (struct torrent_steady){ .port = (uint16_t)request->port,
						   .port_step = (uint16_t)request->port_step,
						   .v6 = out->v6 };
		number_bytes(number, out->v6, source->address);
		if (!request->turns || !out->source_count)
			plan_source(out, out->source_count, group->pps, request->pps);
		out->source_count++;
	}
}

void plan_make(const struct request *request, struct plan *out)
{
	uint64_t sources = 0, packets = 0;

	*out = (struct plan){ 0 };
	for (int i = 0; i < request->group_count; i++) {
		const struct group *group = &request->groups[i];

		sources += group->count;
		packets += (uint64_t)group->pps * (request->turns ? 1 : group->count);
	}
	if (packets > request->pps)
		usage("the steady sources send more than --pps");
	if (!request->flood && packets < request->pps)
		usage("without --flood the steady sources send all of --pps");
	out->sources = calloc(sources + 1, sizeof(*out->sources));
	out->dues = calloc(packets + 1, sizeof(*out->dues));
	if (!out->sources || !out->dues)
		die("plan");
	if (request->flood)
		read_flood(request, &out->flood);
	for (int i = 0; i < request->group_count; i++)
		plan_group(request, &request->groups[i], out);
	plan_order(out, request->pps);
	build_frames(request, out);
}
