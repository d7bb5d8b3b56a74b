/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/vrrp.h"

#include <string.h>
#include "host/text.h"

/* "}" and "{" may be written next to a word. */
static void take_word(struct vrrp_file *file, char *word)
{
	size_t len;

	if (!strncmp(word, "unicast_peer", 12) && (!word[12] || word[12] == '{')) {
		file->expected = true;
		word += 12;
	}
	if (file->expected && *word == '{') {
		file->expected = false;
		file->inside = true;
		word++;
	}
	if (!file->inside)
		return;
	len = strcspn(word, "}");
	file->inside = !word[len];
	word[len] = '\0';
	address_set_add_text(&file->peers, word);
}

void vrrp_line(void *context, char *line)
{
	struct vrrp_file *file = context;
	char *word;

	line[strcspn(line, "#!")] = '\0';
	while ((word = text_word(&line)))
		take_word(file, word);
}
