/* hostname.c - the name that Authentication-Results carries when none is configured.
 *
 * Errors: without a full name the short one serves, and a warning is logged. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/check.h"
#include "mail/domain.h"

/* True if one of the line's names behind the first is `host`; *full is the first with a dot. */
static bool hosts_line(struct str line, struct str host, struct str *full)
{
    bool ours = false, address = true;
    struct str word;
    *full = STR_NONE;
    line = str_sub(line, 0, str_find(line, 0, '#'));
    for (size_t i = 0; i < line.n;) {
        size_t end = i;
        while (end < line.n && line.p[end] != ' ' && line.p[end] != '\t')
            end++;
        word = str_sub(line, i, end);
        i = end + 1;
        if (word.n == 0)
            continue;
        if (!address && str_eq_nocase(word, host))
            ours = true;
        if (!address && !full->p && str_find(word, 0, '.') < word.n)
            *full = word;
        address = false;
    }
    return ours && full->p;
}

static bool search_hosts(struct arena *a, struct str host, FILE *hosts, struct str *name)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool found = false;
    while (!found && (n = getline(&line, &size, hosts)) > 0) {
        struct str full;
        found = hosts_line(str_trim((struct str){line, (size_t)n}), host, &full) &&
                domain_normalize(a, full, name);
    }
    free(line);
    return found;
}

bool host_full_name(struct arena *a, struct str host, const char *hosts_file, struct str *name)
{
    *name = str_copy(a, host);
    if (str_find(host, 0, '.') < host.n)
        return domain_normalize(a, host, name);
    FILE *hosts = fopen(hosts_file, "re");
    if (!hosts)
        return false;
    bool found = search_hosts(a, host, hosts, name);
    fclose(hosts);
    return found;
}

/* Said once: a reload, or a second look at the same file, tells nothing new. */
static void warn_of_short_name(struct str name)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&told))
        log_warning("authserv-id is not set and this host knows no full name of itself: "
                    "Authentication-Results will carry \"%.*s\"; set authserv-id",
                    STR_ARG(name));
}

void conf_fill_authserv_id(struct conf *conf)
{
    char host[256] = "";
    if (conf->authserv_id.p)
        return;
    if (gethostname(host, sizeof host - 1) != 0 || !host[0])
        strcpy(host, "localhost");
    if (!host_full_name(conf->arena, str_of(host), "/etc/hosts", &conf->authserv_id))
        warn_of_short_name(conf->authserv_id);
}
