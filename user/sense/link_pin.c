// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpffs refuses names with a dot, which interfaces may have (eth0.100); no interface has a colon in
 * its name, so that one stands in for it.
 */
#include "sense/link_pin.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "link-" /* bpffs_remove detaches what begins so */

static void exchange(char *text, char from, char to)
{
	for (; *text; text++) {
		if (*text == from)
			*text = to;
	}
}

int link_pin_name(const char *dir, int ifindex, const char *interface, char path[PATH_MAX])
{
	char name[IF_NAMESIZE];

	snprintf(name, sizeof(name), "%s", interface);
	exchange(name, '.', ':');
	return snprintf(path, PATH_MAX, "%s/" PREFIX "%d-%s", dir, ifindex, name) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static bool parse(const char *dir, const char *name, struct link_pin *out)
{
	int used = 0;

	if (sscanf(name, PREFIX "%d-%n", &out->ifindex, &used) != 1 || !used ||
	    strlen(name + used) >= sizeof(out->interface))
		return false;
	strcpy(out->interface, name + used);
	exchange(out->interface, ':', '.');
	return snprintf(out->path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

int link_pin_each(const char *dir, int (*fn)(void *context, const struct link_pin *pin),
		  void *context)
{
	DIR *folder = opendir(dir);
	struct dirent *entry;
	struct link_pin pin;
	int result = 0;

	if (!folder)
		return -errno;
	while (!result && (entry = readdir(folder))) {
		if (parse(dir, entry->d_name, &pin))
			result = fn(context, &pin);
	}
	closedir(folder);
	return result;
}

static int take_if_wanted(void *context, const struct link_pin *pin)
{
	struct link_pin *wanted = context;

	if (pin->ifindex != wanted->ifindex)
		return 0;
	*wanted = *pin;
	return 1;
}

int link_pin_find(const char *dir, int ifindex, struct link_pin *out)
{
	int found;

	out->ifindex = ifindex;
	found = link_pin_each(dir, take_if_wanted, out);
	if (found < 0)
		return found;
	return found ? 0 : -ENOENT;
}

bool link_pin_current_name(int ifindex, char name[IF_NAMESIZE])
{
	name[0] = '\0';
	return ifindex && if_indextoname((unsigned int)ifindex, name);
}
