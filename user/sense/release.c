// SPDX-License-Identifier: GPL-2.0-or-later
/* What any run has left on interfaces, found without a sensor: links by their pins, tc filters by
 * their place. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "sense/egress.h"
#include "sense/link_pin.h"
#include "sense/sensor.h"

struct names {
	const char *const *items;
	unsigned int count;
	unsigned int named, others; /* how many links are of these, and of others */
	int released, error;	    /* the first -errno */
};

static bool is_among(const struct names *names, const char *name)
{
	for (unsigned int i = 0; i < names->count; i++) {
		if (!strcmp(names->items[i], name))
			return true;
	}
	return false;
}

static bool is_called_so(const struct names *names, const struct link_pin *pin)
{
	char now[IF_NAMESIZE];

	return link_pin_current_name(pin->ifindex, now) && is_among(names, now);
}

/* By the name that it has, or by the one that the configuration has for it. */
static bool is_named(const struct names *names, const struct link_pin *pin)
{
	return is_called_so(names, pin) || is_among(names, pin->interface);
}

static int count(void *context, const struct link_pin *pin)
{
	struct names *names = context;

	*(is_named(names, pin) ? &names->named : &names->others) += 1;
	return 0;
}

int sensor_pinned(const char *pin_dir, const char *const *interfaces, unsigned int n, bool others)
{
	struct names names = { .items = interfaces, .count = n };
	int err = link_pin_each(pin_dir, count, &names);

	return err ? err : (int)(others ? names.others : names.named);
}

/* The pin first: whoever misses the link, and then the filter, is to see that it was taken out. */
static int release_link(const struct link_pin *pin)
{
	int fd = bpf_obj_get(pin->path), err = unlink(pin->path) ? -errno : 0;

	if (fd < 0)
		return err;
	if (!err)
		bpf_link_detach(fd);
	close(fd);
	return err;
}

static void note(struct names *names, int err)
{
	names->error = names->error || err > 0 ? names->error : err;
}

static void release(struct names *names, const struct link_pin *pin)
{
	int err = release_link(pin);

	note(names, err);
	names->released += !err;
}

static int release_named(void *context, const struct link_pin *pin)
{
	if (is_named(context, pin)) {
		release(context, pin);
		note(context, egress_release(pin->ifindex));
	}
	return 0;
}

int sensor_release(const char *pin_dir, const char *const *interfaces, unsigned int n)
{
	struct names names = { .items = interfaces, .count = n };

	note(&names, link_pin_each(pin_dir, release_named, &names));
	for (unsigned int i = 0; i < n; i++) /* a filter may be there without a link */
		note(&names, egress_release((int)if_nametoindex(interfaces[i])));
	return names.error ? names.error : names.released;
}

/* What an earlier run noted of an interface that is gone is of use to nobody. */
static int release_other(void *context, const struct link_pin *pin)
{
	if (!is_called_so(context, pin))
		release(context, pin);
	return 0;
}

int sensor_release_others(const char *pin_dir, const char *const *interfaces, unsigned int n)
{
	struct names names = { .items = interfaces, .count = n };

	note(&names, link_pin_each(pin_dir, release_other, &names));
	note(&names, egress_release_others(interfaces, n));
	return names.error ? names.error : names.released;
}
