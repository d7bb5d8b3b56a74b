/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/lease.h"

#include <string.h>
#include "host/address_set.h"
#include "host/text.h"

void lease_dhclient_line(void *set, char *line)
{
	const char *option = text_word(&line), *name = text_word(&line);
	char *value = text_word(&line);

	if (!value || strcmp(option, "option") || strcmp(name, "dhcp-server-identifier"))
		return;
	value[strcspn(value, ";")] = '\0';
	address_set_add_text(set, value);
}

void lease_networkd_line(void *set, char *line)
{
	const char *value = text_value(line, "SERVER_ADDRESS");

	if (value)
		address_set_add_text(set, value);
}
