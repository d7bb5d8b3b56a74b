/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES 1024
#define FILE_BYTES (1 << 20)
#define FILES_MAX  256

static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *file = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

void text_read(const char *path, text_line_fn take, void *context)
{
	FILE *file = open_file(path);
	char line[LINE_BYTES];
	size_t bytes = 0;

	if (!file)
		return;
	while (bytes < FILE_BYTES && fgets(line, sizeof(line), file)) {
		bytes += strlen(line);
		line[strcspn(line, "\r\n")] = '\0';
		take(context, line);
	}
	fclose(file);
}

static bool is_named(const char *name, const char *prefix, const char *suffix)
{
	size_t len = strlen(name), first = strlen(prefix), last = strlen(suffix);

	return name[0] != '.' && len >= first + last && !strncmp(name, prefix, first) &&
	       !strcmp(name + len - last, suffix);
}

void text_each_file(const char *folder, const char *prefix, const char *suffix, text_file_fn take,
		    void *context)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];
	int files = 0;

	while (dir && files < FILES_MAX && (entry = readdir(dir))) {
		if (!is_named(entry->d_name, prefix, suffix))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		take(context, path);
		files++;
	}
	if (dir)
		closedir(dir);
}

char *text_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r\n");
	char *end = word + strcspn(word, " \t\r\n");

	*rest = *end ? end + 1 : end;
	*end = '\0';
	return *word ? word : NULL;
}

const char *text_value(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == '=' ? line + len + 1 : NULL;
}
