// SPDX-License-Identifier: GPL-2.0-or-later
/* What any run has left on interfaces, found without a sensor: links by their pins, tc filters by
 * their place. */
#include "sense/attach.h"
#include "sense/egress.h"
#include "sense/sensor.h"

static int release(const char *pin_dir, const char *const *interfaces, unsigned int count,
		   bool others)
{
	int released = attach_links(pin_dir, interfaces, count, others, true);

	/* after the links: a daemon that misses one of these looks whether the other was taken out
	 */
	egress_release(interfaces, count, others);
	return released;
}

int sensor_release_others(const char *pin_dir, const char *const *interfaces, unsigned int count)
{
	return release(pin_dir, interfaces, count, true);
}

int sensor_release(const char *pin_dir, const char *const *interfaces, unsigned int count)
{
	return release(pin_dir, interfaces, count, false);
}

int sensor_pinned(const char *pin_dir, const char *const *interfaces, unsigned int count,
		  bool others)
{
	return attach_links(pin_dir, interfaces, count, others, false);
}
