/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of states, as the control protocol writes them. */
#include "model/status.h"

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static const char *const enforcer_states[] = {
	[ENFORCER_ENFORCED] = "enforced",
	[ENFORCER_STANDBY] = "standby",
	[ENFORCER_UNENFORCED] = "unenforced",
};
_Static_assert(COUNT(enforcer_states) == ENFORCER_STATE_COUNT, "each enforcer state has a name");

static const char *const source_states[] = {
	[SOURCE_PASSING] = "passing",
	[SOURCE_LIMITED] = "limited",
	[SOURCE_BLOCKED] = "blocked",
	[SOURCE_PROTECTED] = "protected",
};
_Static_assert(COUNT(source_states) == SOURCE_STATE_COUNT, "each source state has a name");

const char *enforcer_state_name(enum enforcer_state state)
{
	return (size_t)state < COUNT(enforcer_states) ? enforcer_states[state] : "?";
}

const char *source_state_name(enum source_state state)
{
	return (size_t)state < COUNT(source_states) ? source_states[state] : "?";
}
