/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What most packets of an attack have in common: what a filter upstream could be written for. */
#ifndef FWGEN_MODEL_TRAIT_H
#define FWGEN_MODEL_TRAIT_H

#include <stddef.h>
#include <stdint.h>

/* A contract, like the names of trait_name(): they stand in events. */
enum trait_field {
	TRAIT_LENGTH, /* of the frame, in bytes */
	TRAIT_FLAGS,  /* TCP */
	TRAIT_TTL,    /* IPv6: hop limit */
	TRAIT_ICMP_TYPE,
	TRAIT_SOURCE_PORT,
	TRAIT_DESTINATION_PORT,
	TRAIT_FIELDS
};

struct trait {
	uint16_t value;
	uint8_t field; /* enum trait_field */
	uint8_t share; /* percent of the packets that have it; 0: no more traits */
};

const char *trait_name(enum trait_field field);

#define TRAITS_TEXT 192
/* "length 60 (100 %), flags SYN (100 %)"; destination ports are left out, the target names them.
 * Returns buf. */
const char *traits_format(const struct trait traits[TRAIT_FIELDS], char buf[TRAITS_TEXT]);

#define TRAITS_JSON 400
/* [{"field":"flags","value":"SYN","share":100}, ...]. Returns buf. */
const char *traits_json(const struct trait traits[TRAIT_FIELDS], char buf[TRAITS_JSON]);

#endif
