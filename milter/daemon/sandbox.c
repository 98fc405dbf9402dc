/* sandbox.c - the walls around the running daemon, one behind the other: no privileges and no way
 * to get some, no memory for others to read, few system calls, few files.
 *
 * They stand against code that a message brought in by a fault of ours. None of them is worth a
 * lost message: where a kernel does not have one, it is left out, and the log says so.
 *
 * Errors: none that stop the daemon. */
#include "milter/daemon/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "milter/daemon/identity.h"

#define CAP(number) (1U << (number))
/* A daemon that stays root goes on reading the keys of other users, and gives files to them. */
#define ROOT_KEEPS                                                                                 \
    (CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER))

/* All but what a daemon that stays root keeps; the others have none. */
static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    unsigned keep = geteuid() == 0 ? ROOT_KEEPS : 0;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data))
        return false;
    if (!data[0].permitted && !data[1].permitted)
        return true; /* there is nothing to give up, and the unit may forbid the change */
    keep &= data[0].permitted;
    memset(data, 0, sizeof data);
    data[0].effective = data[0].permitted = keep;
    return syscall(SYS_capset, &header, data) == 0;
}

static void miss(struct sandbox *made, struct arena *a, const char *what, struct str why)
{
    made->missing = str_printf(a, "%.*s%s%s: %.*s", STR_ARG(made->missing),
                               made->missing.n ? "; " : "", what, STR_ARG(why));
}

void sandbox_enter(const struct conf *conf, struct arena *a, struct sandbox *made)
{
    struct str problem = STR_NONE;
    *made = (struct sandbox){.missing = STR("")};
    identity_hide_memory();
    if (!drop_capabilities())
        miss(made, a, "capabilities", str_of(strerror(errno)));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
        miss(made, a, "no new privileges, and so nothing else", str_of(strerror(errno)));
        return;
    }
    made->files = sandbox_restrict_files(conf, a, &problem);
    if (!made->files)
        miss(made, a, "files (Landlock)", problem);
    made->calls = sandbox_filter_calls(a, &problem);
    if (!made->calls)
        miss(made, a, "system calls (seccomp)", problem);
}

void sandbox_log(const struct sandbox *made)
{
    if (made->missing.n)
        log_warning("sandbox: not all of it can be had here: %.*s", STR_ARG(made->missing));
    if (made->files && made->calls)
        log_info("sandbox: assay can reach what it needs and no more (seccomp, Landlock %d)",
                 made->files);
}
