/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_MODEL_VERDICT_MAPS_H
#define FWGEN_MODEL_VERDICT_MAPS_H

/* The maps that all interfaces' programs share, as descriptors; the drop-map enforcer owns them. */
struct verdict_maps {
	int blocks;	   /* HASH: struct block_key -> struct block */
	int block_hits;	   /* PERCPU_ARRAY: struct block_hits */
	int filters;	   /* ARRAY, mmapable: struct filter_line */
	int protected_set; /* LPM_TRIE: struct protected_key -> __u8, its length */
	int captured;	   /* PERF_EVENT_ARRAY: samples of what is dropped, struct capture_record */
	int verdict_control; /* ARRAY of 1, mmapable: struct verdict_control */
};

#endif
