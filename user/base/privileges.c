// SPDX-License-Identifier: GPL-2.0-or-later
/* The order matters: groups first, the user last, then proof that there is no way back. */
#include "base/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534 /* where there is no such name */

int privileges_drop(void)
{
	const struct passwd *nobody;
	uid_t uid = NOBODY;
	gid_t gid = NOBODY;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (geteuid() != 0)
		return 0;
	nobody = getpwnam("nobody");
	if (nobody && nobody->pw_uid) {
		uid = nobody->pw_uid;
		gid = nobody->pw_gid;
	}
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	return setuid(0) == 0 ? -EPERM : 0;
}
