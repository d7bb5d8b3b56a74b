// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Direction: what an arriving packet is, after what has left. Each case over IPv4 and IPv6, from
 * whole frames, so that what is read behind the headers is tested too; then how long the memory
 * lasts, and what nobody may do to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "sense/contacts.h"
#include "unit/contact_frames.h"

#define SYN    TCP_SYN
#define ACK    TCP_ACK
#define SYNACK (TCP_SYN | TCP_ACK)
#define DATA   (TCP_ACK | TCP_PSH)
#define FINACK (TCP_FIN | TCP_ACK)

static struct contacts *notes;
static struct contacts_memory memory;

static struct moment at(double seconds)
{
	return (struct moment){ .boot_ns = (int64_t)(seconds * NS_PER_SECOND) };
}

static int open_notes(void **state)
{
	(void)state;
	six = 0;
	notes = malloc(sizeof(*notes));
	assert_non_null(notes);
	contacts_init(&memory, notes, false, at(0));
	return 0;
}

static int close_notes(void **state)
{
	(void)state;
	contacts_close(&memory);
	free(notes);
	return 0;
}

static uint32_t interface; /* that packets pass */

/* From a buffer of its own, so that the sanitizer sees a read behind the end. */
static uint32_t pass(const struct frame *frame, int arrives)
{
	unsigned char *data = malloc(frame->length);
	struct packet packet;
	uint32_t relation = 0;

	assert_non_null(data);
	memcpy(data, frame->bytes, frame->length);
	assert_int_equal(packet_parse(data, data + frame->length, frame->length, &packet),
			 PACKET_IP);
	packet.interface = interface;
	if (arrives)
		relation = contact_relation(notes, &packet, data, data + frame->length);
	else
		contact_note(notes, &packet, data, data + frame->length);
	free(data);
	return relation;
}

static uint32_t arrives(struct frame frame)
{
	return pass(&frame, 1);
}

static void leaves(struct frame frame)
{
	pass(&frame, 0);
}

static struct flow back(struct flow flow)
{
	return (struct flow){
		flow.to,      flow.from, flow.to_port, flow.from_port, flow.acknowledgement,
		flow.sequence
	};
}

/* A host of ours has sent something, if not to whom this is about. */
static void make_visible(uint32_t host)
{
	leaves(other(host, ROUTER, 89));
}

#define FAMILIES for (six = 0; six < 2; six++, contacts_init(&memory, notes, false, at(0)))

/* ---- TCP ------------------------------------------------------------------------------------ */

static const struct flow in = { FAR, OURS, 40000, 443, 1000, 5001 };

static void tcp_that_nobody_asked_for(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		make_visible(OURS);
		assert_int_equal(arrives(tcp(in, SYN)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, SYNACK)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, TCP_RST)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, 0)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, TCP_FIN)), RELATION_UNASKED);
		/* none of these made it a flow, nor does an ACK; but that is judged once */
		assert_int_equal(arrives(tcp(in, ACK)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, ACK)), RELATION_RELATED);
		assert_int_equal(arrives(tcp(in, SYNACK)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, TCP_RST)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(in, 0)), RELATION_UNASKED);
		flow.from_port++;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
	}
}

/* A flow that begins with nothing counts once, for as long as it is remembered. */
static void strays_count_once_a_flow(void **state)
{
	struct flow flow = in;
	uint32_t unasked;

	(void)state;
	FAMILIES
	{
		make_visible(OURS);
		unasked = 0;
		for (uint32_t i = 0; i < 1000; i++) {
			flow = in;
			flow.from_port = (uint16_t)(40000 + i % 100);
			unasked += arrives(tcp(flow, ACK)) == RELATION_UNASKED;
		}
		assert_in_range(unasked, 98, 100); /* a flow may seem known by chance */
		/* another port of ours, another host of theirs: other flows, by no means related */
		flow = in, flow.to_port++;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
		flow = in, flow.from = OTHER_FAR;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
		assert_int_equal(arrives(udp(FAR, 6000, OURS, 7000)), RELATION_UNASKED);
		/* what we send in it makes it a connection */
		leaves(tcp(back(in), ACK));
		assert_int_equal(arrives(tcp(in, ACK)), RELATION_ANSWER);
		/* kept up by no later packet: after two generations it counts again */
		contacts_turn(&memory, at(60));
		contacts_turn(&memory, at(120));
		make_visible(OURS);
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
	}
}

/* A connection that was idle for longer than it is remembered goes on, or ends. */
static void tcp_that_was_forgotten(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		flow = in;
		make_visible(OURS);
		assert_int_equal(arrives(tcp(flow, DATA)), RELATION_RELATED);
		flow.from_port++;
		assert_int_equal(arrives(tcp(flow, FINACK)), RELATION_RELATED);
		flow.from_port++;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
		/* one of their connections is known, that of others says nothing */
		leaves(tcp(back(in), ACK));
		flow.from_port++;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_RELATED);
		flow.from = OTHER_FAR;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(flow, SYNACK)), RELATION_UNASKED);
		flow.from = FAR, flow.from_port++;
		assert_int_equal(arrives(tcp(flow, SYNACK)), RELATION_UNASKED);
	}
}

static void tcp_of_which_one_side_is_seen(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		flow = in;
		assert_int_equal(arrives(tcp(flow, SYNACK)), RELATION_UNKNOWN);
		assert_int_equal(arrives(tcp(flow, TCP_RST)), RELATION_UNKNOWN);
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_ASSUMED);
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_ANSWER);
		flow.from_port++;
		assert_int_equal(arrives(tcp(flow, FINACK)), RELATION_UNKNOWN);
		/* another host of ours is seen: that says nothing of this one */
		make_visible(OTHER_OURS);
		flow.from_port++;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_ASSUMED);
	}
}

/* Whatever answers our SYN is an answer: a scan outwards is not held against who was scanned. */
static void answers_to_our_syns(void **state)
{
	struct flow out = { OURS, FAR, 50000, 80, 7, 0 };

	(void)state;
	FAMILIES
	{
		leaves(tcp(out, SYN));
		assert_int_equal(arrives(tcp(back(out), SYNACK)), RELATION_ANSWER);
		assert_int_equal(arrives(tcp(back(out), TCP_RST | TCP_ACK)), RELATION_ANSWER);
		out.to_port++;
		assert_int_equal(arrives(tcp(back(out), SYNACK)), RELATION_UNASKED);
		/* a try is no connection: it vouches for nothing else */
		assert_int_equal(arrives(tcp(back(out), ACK)), RELATION_UNASKED);
	}
}

/* ---- handshakes ----------------------------------------------------------------------------- */

static void open_connection(struct flow flow, uint32_t sequence)
{
	struct flow answer = back(flow);

	answer.sequence = sequence;
	assert_int_equal(arrives(tcp(flow, SYN)), RELATION_UNASKED);
	leaves(tcp(answer, SYNACK));
}

/*
 * Who sends a SYN-ACK through us knows its number, and could forge the ACK of whom it went to: that
 * comes from his side, not from where the SYN-ACK went.
 */
static void an_ack_from_another_side_proves_nothing(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		flow = in;
		interface = 2;
		open_connection(flow, 5000);
		flow.acknowledgement = 5001;
		interface = 3;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_ASSUMED);
		flow.from_port++;
		interface = 2;
		open_connection(flow, 6000);
		flow.acknowledgement = 6001;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
		interface = 0;
	}
}

static void a_handshake_is_completed_once(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		flow = in;
		open_connection(flow, 5000);
		flow.acknowledgement = 5001;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_ANSWER);
		/* the sequence number's end is no end */
		flow.from_port++;
		open_connection(flow, 0xffffffff);
		flow.acknowledgement = 0;
		assert_int_equal(arrives(tcp(flow, DATA)), RELATION_COMPLETES);
	}
}

/* Whoever forged his address has not seen the number. */
static void forged_acks_complete_nothing(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		flow = in;
		open_connection(flow, 5000);
		flow.acknowledgement = 5002;
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
		for (uint32_t guess = 0; guess < 20000; guess++) {
			flow.acknowledgement = guess * 214748;
			assert_int_not_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
		}
		flow.acknowledgement = 5001;
		assert_int_equal(arrives(tcp(flow, SYNACK)), RELATION_UNASKED);
		assert_int_equal(arrives(tcp(flow, FINACK)), RELATION_RELATED);
		assert_int_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
	}
}

/* A client with few ports: the flow is known from the connection before. */
static void ports_may_be_used_again(void **state)
{
	struct flow flow = in;

	(void)state;
	FAMILIES
	{
		flow = in;
		for (uint32_t i = 0; i < 5; i++) {
			open_connection(flow, 1000 * i);
			flow.acknowledgement = 1000 * i + 1;
			assert_int_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
			leaves(tcp(back(flow), DATA));
			assert_int_equal(arrives(tcp(flow, FINACK)), RELATION_ANSWER);
		}
	}
}

/* ---- UDP, fragments, other protocols -------------------------------------------------------- */

static void udp_flows(void **state)
{
	(void)state;
	FAMILIES
	{
		assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNKNOWN);
		leaves(udp(OURS, 5000, FAR, 53));
		assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_ANSWER);
		assert_int_equal(arrives(udp(FAR, 53, OURS, 5001)), RELATION_UNASKED);
		assert_int_equal(arrives(udp(FAR, 54, OURS, 5000)), RELATION_UNASKED);
		assert_int_equal(arrives(udp(OTHER_FAR, 53, OURS, 5000)), RELATION_UNASKED);
		assert_int_equal(arrives(udp(FAR, 53, OTHER_OURS, 5000)), RELATION_UNKNOWN);
		/* the same ports in TCP are another flow */
		assert_int_equal(arrives(tcp((struct flow){ FAR, OURS, 53, 5000, 0, 0 }, ACK)),
				 RELATION_UNASKED);
	}
}

/* Media that a TCP connection has arranged; but never to a service. */
static void udp_beside_a_connection(void **state)
{
	(void)state;
	FAMILIES
	{
		leaves(tcp(back(in), SYN));
		assert_int_equal(arrives(udp(FAR, 6000, OURS, 7000)), RELATION_UNASKED);
		leaves(tcp(back(in), ACK));
		assert_int_equal(arrives(udp(FAR, 6000, OURS, 7000)), RELATION_RELATED);
		assert_int_equal(arrives(udp(FAR, 6000, OURS, 1023)), RELATION_UNASKED);
		assert_int_equal(arrives(udp(OTHER_FAR, 6000, OURS, 7000)), RELATION_UNASKED);
	}
}

static void later_fragments_go_by_the_pair(void **state)
{
	(void)state;
	FAMILIES
	{
		make_visible(OURS);
		assert_int_equal(arrives(udp_fragment(FAR, OURS, 100)), RELATION_UNASKED);
		leaves(udp(OURS, 6000, FAR, 5000));
		assert_int_equal(arrives(udp_fragment(FAR, OURS, 0x2000)), RELATION_ANSWER);
		assert_int_equal(arrives(udp_fragment(FAR, OURS, 0x2000 | 100)), RELATION_ANSWER);
		assert_int_equal(arrives(udp_fragment(FAR, OURS, 200)), RELATION_ANSWER);
		assert_int_equal(arrives(udp_fragment(OTHER_FAR, OURS, 200)), RELATION_UNASKED);
		/* a later fragment that leaves vouches for others, and not for a flow */
		leaves(udp_fragment(OURS, OTHER_FAR, 200));
		assert_int_equal(arrives(udp_fragment(OTHER_FAR, OURS, 200)), RELATION_ANSWER);
		assert_int_equal(arrives(udp_fragment(OTHER_FAR, OURS, 0x2000)), RELATION_UNASKED);
		assert_int_equal(arrives(other(FAR, OURS, PROTOCOL_TCP)), RELATION_UNASKED);
	}
}

static void other_protocols_go_by_the_pair(void **state)
{
	(void)state;
	FAMILIES
	{
		/* a tunnel of which one side is seen */
		assert_int_equal(arrives(other(FAR, OURS, 47)), RELATION_RELATED);
		make_visible(OURS);
		assert_int_equal(arrives(other(FAR, OURS, 47)), RELATION_UNASKED);
		leaves(other(OURS, FAR, 47));
		assert_int_equal(arrives(other(FAR, OURS, 47)), RELATION_ANSWER);
		assert_int_equal(arrives(other(FAR, OURS, 50)), RELATION_UNASKED);
	}
}

/* Later fragments of a host whose packets are not seen say as little as the first one. */
static void packets_without_ports(void **state)
{
	struct frame broken;

	(void)state;
	FAMILIES
	{
		assert_int_equal(arrives(udp_fragment(FAR, OURS, 100)), RELATION_UNKNOWN);
		make_visible(OURS);
		leaves(echo(OURS, FAR, 0, 7));
		/* an echo reply in pieces, and one too short for its id */
		broken = begin();
		put_ip(&broken, FAR, OURS, icmp_protocol(), 100, 8);
		frame_pad(&broken, 8);
		assert_int_equal(arrives(broken), RELATION_ANSWER);
		broken = begin();
		put_ip(&broken, FAR, OURS, icmp_protocol(), 0, 2);
		frame_pad(&broken, 2);
		assert_int_equal(arrives(broken), RELATION_ANSWER);
		broken = begin();
		put_ip(&broken, OTHER_FAR, OURS, icmp_protocol(), 0, 2);
		frame_pad(&broken, 2);
		assert_int_equal(arrives(broken), RELATION_UNASKED);
	}
}

/* Streams, routing protocols: who listens to a group has joined it, which is not seen here. */
static void multicast_is_related(void **state)
{
	static const uint32_t hosts[] = { GROUP, BEFORE_GROUP, BEHIND_GROUP };

	(void)state;
	FAMILIES
	{
		for (int i = 0; i < 3; i++) {
			uint32_t expected = hosts[i] == GROUP ? RELATION_RELATED : RELATION_UNASKED;

			make_visible(hosts[i]);
			assert_int_equal(arrives(udp(FAR, 6000, hosts[i], 5004)), expected);
			assert_int_equal(arrives(udp(FAR, 6000, hosts[i], 53)), expected);
			assert_int_equal(arrives(other(FAR, hosts[i], 47)), expected);
			assert_int_equal(arrives(udp_fragment(FAR, hosts[i], 100)), expected);
			/* a ping to all of them is none */
			assert_int_equal(arrives(echo(FAR, hosts[i], 0, 7)), RELATION_UNASKED);
		}
	}
}

/* ---- ICMP ----------------------------------------------------------------------------------- */

static void echo_replies_go_by_their_id(void **state)
{
	(void)state;
	FAMILIES
	{
		assert_int_equal(arrives(echo(FAR, OURS, 1, 7)), RELATION_UNKNOWN);
		leaves(echo(OURS, FAR, 0, 7));
		assert_int_equal(arrives(echo(FAR, OURS, 1, 7)), RELATION_ANSWER);
		assert_int_equal(arrives(echo(FAR, OURS, 1, 8)), RELATION_UNASKED);
		assert_int_equal(arrives(echo(OTHER_FAR, OURS, 1, 7)), RELATION_UNASKED);
		assert_int_equal(arrives(echo(FAR, OURS, 0, 7)), RELATION_UNASKED);
		/* answering a ping asks for nothing */
		leaves(echo(OURS, OTHER_FAR, 1, 9));
		assert_int_equal(arrives(echo(OTHER_FAR, OURS, 1, 9)), RELATION_UNASKED);
	}
}

static void errors_go_by_what_they_quote(void **state)
{
	uint32_t ip = 0;

	(void)state;
	FAMILIES
	{
		struct frame ours = udp(OURS, 5000, FAR, 53), probe = echo(OURS, FAR, 0, 7);
		struct frame connect = tcp((struct flow){ OURS, FAR, 50000, 80, 9, 0 }, SYN);
		struct frame foreign = udp(OURS, 5001, FAR, 53);

		ip = six ? 40 : 20;
		assert_int_equal(arrives(unreachable(&ours, OURS, ip + 8)), RELATION_UNASKED);
		leaves(ours);
		leaves(probe);
		leaves(connect);
		assert_int_equal(arrives(unreachable(&ours, OURS, ip + 8)), RELATION_RELATED);
		assert_int_equal(arrives(unreachable(&probe, OURS, ip + 8)), RELATION_RELATED);
		assert_int_equal(arrives(unreachable(&connect, OURS, ip + 20)), RELATION_RELATED);
		assert_int_equal(arrives(unreachable(&foreign, OURS, ip + 8)), RELATION_UNASKED);
		/* another's, whatever it quotes */
		make_visible(OTHER_OURS);
		assert_int_equal(arrives(unreachable(&ours, OTHER_OURS, ip + 8)), RELATION_UNASKED);
		/* too little of it, and none at all */
		assert_int_equal(arrives(unreachable(&ours, OURS, ip + 7)), RELATION_UNASKED);
		assert_int_equal(arrives(unreachable(&ours, OURS, 0)), RELATION_UNASKED);
		ours.bytes[14] = 0x46;
		assert_int_equal(arrives(unreachable(&ours, OURS, ip + 8)),
				 six ? RELATION_RELATED : RELATION_UNASKED);
	}
}

/* A server in a SYN flood of forged addresses gets such errors for its answers. */
static void errors_about_our_syn_acks(void **state)
{
	(void)state;
	FAMILIES
	{
		struct frame answer = tcp((struct flow){ OURS, FAR, 443, 40000, 77, 1 }, SYNACK);
		struct frame forged = tcp((struct flow){ OURS, FAR, 443, 40000, 78, 1 }, SYNACK);
		uint32_t quoted = six ? 48 : 28;

		leaves(answer);
		assert_int_equal(arrives(unreachable(&answer, OURS, quoted)), RELATION_RELATED);
		assert_int_equal(arrives(unreachable(&forged, OURS, quoted)), RELATION_UNASKED);
	}
}

static void only_errors_and_echo_replies_answer(void **state)
{
	(void)state;
	FAMILIES
	{
		struct frame frame = echo(FAR, OURS, 0, 7), ours = udp(OURS, 5000, FAR, 53);
		struct frame exceeded = unreachable(&ours, OURS, six ? 48 : 28);
		uint32_t type = 14 + (six ? 40 : 20);

		leaves(ours);
		leaves(echo(OURS, FAR, 0, 7));
		exceeded.bytes[type] = six ? 3 : 11;
		assert_int_equal(arrives(exceeded), RELATION_RELATED);
		frame.bytes[type] = six ? 135 : 13; /* a solicitation, a timestamp request */
		assert_int_equal(arrives(frame), RELATION_UNASKED);
		exceeded.bytes[type] = six ? 130 : 5; /* a redirect quotes, and is no error */
		assert_int_equal(arrives(exceeded), RELATION_UNASKED);
	}
}

/* ---- the memory ----------------------------------------------------------------------------- */

/* Before enough was seen a missing note says nothing, a note that is there says what it says. */
static void learning(void **state)
{
	struct flow flow = in;

	(void)state;
	contacts_init(&memory, notes, true, at(100));
	make_visible(OURS);
	contacts_turn(&memory, at(109.9));
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNKNOWN);
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNKNOWN); /* of before the start */
	leaves(udp(OURS, 5000, FAR, 53));
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_ANSWER);
	flow.from_port++;
	open_connection(flow, 5000);
	flow.acknowledgement = 5001;
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
	assert_int_equal(arrives(other(FAR, OURS, 47)), RELATION_RELATED);
	contacts_turn(&memory, at(110));
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5001)), RELATION_UNASKED);
	assert_int_equal(arrives(other(FAR, OURS, 47)), RELATION_UNASKED);
	assert_int_equal(arrives(tcp(in, ACK)), RELATION_ANSWER);
}

/* What leaves was not seen for a while: again a missing note says nothing, for as long as was said.
 */
static void learning_again(void **state)
{
	(void)state;
	contacts_init(&memory, notes, false, at(0));
	make_visible(OURS);
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNASKED);
	contacts_relearn(&memory, at(30), 60 * NS_PER_SECOND);
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNKNOWN);
	contacts_relearn(&memory, at(31), NS_PER_SECOND); /* shortens nothing */
	contacts_turn(&memory, at(89.9));
	make_visible(OURS);
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNKNOWN);
	contacts_turn(&memory, at(90));
	assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNASKED);
}

static uint32_t still_answers(void)
{
	return arrives(udp(FAR, 53, OURS, 5000)) == RELATION_ANSWER;
}

/* A note lasts for a generation after the last packet that it is of, and for two at most. */
static void notes_last_for_a_generation(void **state)
{
	static const double said[] = { 0, 30, 59.9 };

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		contacts_init(&memory, notes, false, at(0));
		for (double now = 0; now <= said[i] + 60; now += 0.25) {
			contacts_turn(&memory, at(now));
			if (now <= said[i])
				leaves(udp(OURS, 5000, FAR, 53));
			if (!still_answers())
				fail_msg("said until %.1f s, forgotten at %.2f s", said[i], now);
		}
		contacts_turn(&memory, at(120));
		assert_int_equal(arrives(udp(FAR, 53, OURS, 5000)), RELATION_UNKNOWN);
	}
	/* time that stands still or goes back turns nothing */
	leaves(udp(OURS, 5000, FAR, 53));
	contacts_turn(&memory, at(120));
	contacts_turn(&memory, at(30));
	contacts_turn(&memory, at(31));
	assert_true(still_answers());
}

static void fill(uint32_t count)
{
	static uint32_t next;

	for (uint32_t i = 0; i < count; i++, next++)
		leaves(udp(OURS, (uint16_t)next, 0x10000 + (next >> 8), 53));
}

static double share_of_bits(uint32_t generation)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < CONTACT_LINES; i++)
		for (uint32_t word = 0; word < CONTACT_LINE_WORDS; word++)
			bits += (uint64_t)__builtin_popcountll(
				notes->lines[i].words[word][generation & 1]);
	return (double)bits / CONTACT_BITS;
}

/* At a quarter of the bits the generation turns early; so few packets seem asked for by chance. */
static void a_full_generation_turns(void **state)
{
	uint32_t wrong = 0;

	(void)state;
	leaves(udp(OURS, 5000, FAR, 53));
	while (notes->noted <= CONTACT_FULL) {
		assert_int_equal(notes->generation, 0);
		fill(1000);
		contacts_turn(&memory, at(1));
		if (notes->generation)
			break;
	}
	assert_int_equal(notes->generation, 1);
	assert_int_equal(notes->noted, 0);
	assert_true(share_of_bits(0) > 0.19 && share_of_bits(0) < 0.26);
	assert_true(share_of_bits(1) == 0);
	assert_true(still_answers());
	make_visible(OURS);
	for (uint32_t i = 0; i < 10000; i++)
		wrong += arrives(udp(OTHER_FAR, (uint16_t)i, OURS, 999)) != RELATION_UNASKED;
	assert_in_range(wrong, 0, 800);
}

/* SYN-ACKs and RSTs are what a host sends to anybody: floods of them note nothing but the host. */
static void answers_to_floods_note_nothing(void **state)
{
	struct flow flow = { OURS, 0x10000, 443, 40000, 1, 0 };

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		flow.to = 0x10000 + i;
		flow.sequence = i * 7919;
		leaves(tcp(flow, SYNACK));
		leaves(tcp(flow, TCP_RST | TCP_ACK));
		if (i % 100 == 0) {
			struct frame frame = tcp(back(flow), ACK);

			leaves(unreachable(&frame, flow.to, 28));
		}
	}
	/* the host, and the router that sent the errors */
	assert_in_range(notes->noted, 1, 2);
	assert_int_equal(arrives(tcp(back(flow), TCP_ACK | TCP_RST)), RELATION_UNASKED);
	/* and the last of the handshakes can still be completed */
	flow = back(flow);
	flow.acknowledgement++;
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_COMPLETES);
}

/* What arrives unasked may take an eighth of the bits, and no more, so that it cannot crowd out
 * what leaves. Then it counts each time, and opens nothing. */
static void arrivals_cannot_crowd_out(void **state)
{
	struct flow flow = in;
	uint32_t assumed = 0;

	(void)state;
	leaves(udp(OURS, 5000, FAR, 53));
	for (uint32_t i = 0; i < 2 * CONTACT_ARRIVED_MAX; i++) {
		flow.from = 0x10000 + (i >> 12);
		flow.from_port = (uint16_t)(i & 0xfff);
		flow.to = i & 1 ? OURS : OTHER_OURS;
		assumed += arrives(tcp(flow, ACK)) == RELATION_ASSUMED;
	}
	assert_int_equal(notes->noted, CONTACT_ARRIVED_MAX);
	assert_in_range(assumed, CONTACT_ARRIVED_MAX / 3, CONTACT_ARRIVED_MAX);
	flow.from = FAR;
	flow.from_port = 1;
	flow.to = OTHER_OURS;
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNKNOWN);
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNKNOWN);
	contacts_turn(&memory, at(1));
	assert_int_equal(notes->generation, 0);
	leaves(tcp(back(flow), ACK));
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_ANSWER);
	assert_true(still_answers());
}

/* Strays too: past that room each packet of theirs counts, and what left is not forgotten. */
static void strays_cannot_crowd_out(void **state)
{
	struct flow flow = in;

	(void)state;
	make_visible(OURS);
	leaves(udp(OURS, 5000, FAR, 53));
	for (uint32_t i = 0; i < 2 * CONTACT_ARRIVED_MAX; i++) {
		flow.from = 0x10000 + (i >> 12);
		flow.from_port = (uint16_t)(i & 0xfff);
		arrives(tcp(flow, ACK));
	}
	assert_int_equal(notes->noted, CONTACT_ARRIVED_MAX);
	flow.from = FAR;
	flow.from_port = 1;
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
	assert_int_equal(arrives(tcp(flow, ACK)), RELATION_UNASKED);
	assert_int_equal(arrives(tcp(flow, DATA)), RELATION_RELATED);
	assert_true(still_answers());
}

/* Keys are secret and new each time: the same flow is at another place. */
static void keys_are_new(void **state)
{
	struct contacts_memory again;
	struct contacts *others = malloc(sizeof(*others));

	(void)state;
	assert_non_null(others);
	contacts_init(&again, others, false, at(0));
	assert_memory_not_equal(&others->remote_key, &notes->remote_key, sizeof(struct hash_key));
	assert_memory_not_equal(&others->local_key, &notes->local_key, sizeof(struct hash_key));
	assert_memory_not_equal(&others->remote_key, &others->local_key, sizeof(struct hash_key));
	assert_true(others->ports_key != notes->ports_key && others->ports_key & 1);
	assert_true(others->kind_key != notes->kind_key && others->kind_key & 1);
	assert_true(others->local_key.finish & 1);
	free(others);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_notes, close_notes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tcp_that_nobody_asked_for),
		TEST(strays_count_once_a_flow),
		TEST(tcp_that_was_forgotten),
		TEST(tcp_of_which_one_side_is_seen),
		TEST(answers_to_our_syns),
		TEST(an_ack_from_another_side_proves_nothing),
		TEST(a_handshake_is_completed_once),
		TEST(forged_acks_complete_nothing),
		TEST(ports_may_be_used_again),
		TEST(udp_flows),
		TEST(udp_beside_a_connection),
		TEST(later_fragments_go_by_the_pair),
		TEST(other_protocols_go_by_the_pair),
		TEST(packets_without_ports),
		TEST(multicast_is_related),
		TEST(echo_replies_go_by_their_id),
		TEST(errors_go_by_what_they_quote),
		TEST(errors_about_our_syn_acks),
		TEST(only_errors_and_echo_replies_answer),
		TEST(learning),
		TEST(learning_again),
		TEST(notes_last_for_a_generation),
		TEST(a_full_generation_turns),
		TEST(answers_to_floods_note_nothing),
		TEST(arrivals_cannot_crowd_out),
		TEST(strays_cannot_crowd_out),
		TEST(keys_are_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
