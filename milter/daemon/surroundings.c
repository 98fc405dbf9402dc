/* surroundings.c - what a configuration needs of the machine.
 *
 * Errors: complaints and warnings with file and line. */
#include "milter/daemon/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rootpath.h"
#include "conf/listen.h"
#include "keys/repair.h"
#include "milter/daemon/doors.h"
#include "milter/daemon/identity.h"
#include "milter/daemon/memory.h"
#include "report/in/mmdb.h"
#include "report/out/handover.h"

struct survey {
    const struct conf *conf;
    struct arena *arena;
    struct conf_problems *problems, *warnings;
    struct identity user;     /* that the daemon runs as */
    bool can_be_user;         /* the process is this user, or may become it for a look */
    struct key_reader reader; /* the same */
};

static struct conf_place place_of(const struct survey *s, const char *option)
{
    return conf_place_of(s->conf, option);
}

/* --- Directories -------------------------------------------------------------------------------*/

/* As the daemon's user; true if it cannot be told. */
static bool user_may_write(const struct survey *s, const char *directory)
{
    struct str problem;
    if (!s->can_be_user || !identity_enter(&s->user, &problem, s->arena))
        return true;
    bool may = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0;
    identity_leave(&s->user);
    return may;
}

/* What the system makes at a start is not there while assay is not running. */
static bool is_made_at_start(const char *directory)
{
    return strncmp(directory, "/run/", 5) == 0 || strncmp(directory, "/var/run/", 9) == 0;
}

static void complain_missing(const struct survey *s, const char *option, const char *directory)
{
    if (is_made_at_start(directory))
        conf_problem(s->warnings, place_of(s, option),
                     "%s: %s does not exist now; RuntimeDirectory= of the systemd unit or "
                     "tmpfiles.d(5) has to make it before assay starts",
                     option, directory);
    else
        conf_problem(s->problems, place_of(s, option), "%s: there is no directory %s: make it",
                     option, directory);
}

/* Root makes the file only where nobody else can put something in its way (identity_for_path()). */
static void complain_unwritable(const struct survey *s, const char *option, const char *directory,
                                mode_t mode)
{
    mode &= 07777;
    if (only_root_changes(directory))
        conf_problem(s->warnings, place_of(s, option),
                     "%s: user %s may not make files in %s (mode %04o): assay has to be started as "
                     "root, or needs another directory",
                     option, s->reader.name, directory, (unsigned)mode);
    else
        conf_problem(s->problems, place_of(s, option),
                     "%s: user %s may not make files in %s (mode %04o), and root does not, because "
                     "others may change it or a directory above it: choose another directory",
                     option, s->reader.name, directory, (unsigned)mode);
}

/* A directory in which the daemon makes a file before it gives up what rights it was started
 * with. */
static void check_directory_of(const struct survey *s, const char *option, struct str file)
{
    struct stat st;
    size_t slash = str_find_last(file, '/');
    const char *directory = slash ? str_cstr(s->arena, str_sub(file, 0, slash)) : "/";
    if (stat(directory, &st) && errno == ENOENT)
        complain_missing(s, option, directory);
    else if (stat(directory, &st))
        conf_problem(s->problems, place_of(s, option), "%s: %s: %s", option, directory,
                     strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        conf_problem(s->problems, place_of(s, option), "%s: %s is no directory", option, directory);
    else if (!user_may_write(s, directory))
        complain_unwritable(s, option, directory, st.st_mode);
}

static void check_key_directories(const struct survey *s)
{
    struct stat st;
    for (size_t i = 0; i < s->conf->n_signing; i++) {
        const struct conf_signing *entry = &s->conf->signing[i];
        const char *path = str_cstr(s->arena, entry->directory);
        struct strbuf b;
        if (!entry->directory.p || stat(path, &st) || user_may_write(s, path))
            continue;
        sb_init(&b, s->arena);
        sb_printf(&b,
                  "signing: directory: user %s may not write to %s: the states of its keys are "
                  "lost at each start",
                  s->reader.name, path);
        repair_writing(&b, &s->reader, path, &st);
        conf_problem(s->warnings, entry->place, "%.*s", STR_ARG(sb_str(&b)));
    }
}

/* Mail goes on without it, so nobody would notice. The default is made by the unit. */
static void check_state_dir(const struct survey *s)
{
    const char *path = str_cstr(s->arena, s->conf->state_dir), *why = NULL, *user = s->reader.name;
    struct conf_place place = place_of(s, "state-dir");
    struct stat st;
    if (stat(path, &st)) /* who may not look there cannot tell */
        why = place.file && (errno != EACCES || s->can_be_user) ? strerror(errno) : NULL;
    else if (!S_ISDIR(st.st_mode))
        why = strerror(ENOTDIR);
    else if (!user_may_write(s, path))
        why = "this user may not make files in it";
    if (s->conf->user.n) /* the reader is who asks, where he cannot become this user */
        user = str_cstr(s->arena, s->conf->user);
    if (why)
        conf_problem(s->warnings, place,
                     "state-dir: %s: %s: counts for reports are lost, and greylisting forgets at "
                     "each start whom it knows; give user %s a directory of its own: install -d -o "
                     "%s -m 0750 DIRECTORY",
                     path, why, user, user);
}

/* --- The socket --------------------------------------------------------------------------------*/

/* `made`: a socket of a daemon that runs; NULL: there is none. What it has could be given. */
static void check_socket_group(const struct survey *s, const struct stat *made)
{
    const char *name = str_cstr(s->arena, s->conf->socket_group);
    const struct group *group = *name ? getgrnam(name) : NULL;
    if (*name && !group)
        conf_problem(s->problems, place_of(s, "socket-group"),
                     "socket-group: there is no group \"%s\"", name);
    else if (group && !(made && made->st_gid == group->gr_gid) && s->can_be_user &&
             s->reader.uid != 0 && !reader_in_group(&s->reader, group->gr_gid))
        conf_problem(s->warnings, place_of(s, "socket-group"),
                     "socket-group: user %s is not in the group %s: unless assay is started as "
                     "root, the unit needs SupplementaryGroups=%s",
                     s->reader.name, name, name);
}

static void check_socket_owner(const struct survey *s, const struct stat *made)
{
    const char *name = str_cstr(s->arena, s->conf->socket_owner);
    const struct passwd *owner = *name ? getpwnam(name) : NULL;
    if (*name && !owner)
        conf_problem(s->problems, place_of(s, "socket-owner"),
                     "socket-owner: there is no user \"%s\"", name);
    else if (owner && !(made && made->st_uid == owner->pw_uid) && s->can_be_user &&
             s->reader.uid != 0 && owner->pw_uid != s->reader.uid)
        conf_problem(s->warnings, place_of(s, "socket-owner"),
                     "socket-owner: only if assay is started as root can it give the socket to %s",
                     name);
}

static void check_sockets(const struct survey *s)
{
    struct stat st, made;
    bool any = false, is_made = false;
    for (size_t i = 0; i < s->conf->listen.n; i++) {
        struct listen_address address;
        struct str problem;
        if (!listen_parse(s->conf->listen.v[i], s->arena, &address, &problem) ||
            address.kind != LISTEN_UNIX)
            continue;
        check_directory_of(s, "listen", address.path);
        if (stat(str_cstr(s->arena, address.path), &st) == 0 && S_ISSOCK(st.st_mode)) {
            made = st;
            is_made = true;
        }
        any = true;
    }
    if (!any)
        return;
    check_socket_group(s, is_made ? &made : NULL);
    check_socket_owner(s, is_made ? &made : NULL);
}

/* --- What reports need -------------------------------------------------------------------------*/

/* Why the file may not be used so (access(2)) as the daemon's user; NULL: it may, or that cannot be
 * told. */
static const char *trouble_with_file(const struct survey *s, struct str file, int how)
{
    const char *path = str_cstr(s->arena, file);
    struct str problem;
    struct stat st;
    bool entered = s->can_be_user && identity_enter(&s->user, &problem, s->arena);
    bool good = stat(path, &st) == 0 && faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
    int saved = errno;
    if (entered)
        identity_leave(&s->user);
    if (good)
        return S_ISREG(st.st_mode) ? NULL : "is no file";
    return entered || saved == ENOENT || saved == ENOTDIR ? strerror(saved) : NULL;
}

static void warn_of_file(const struct survey *s, const char *option, struct str file,
                         const char *why, const char *consequence)
{
    if (why)
        conf_problem(s->warnings, place_of(s, option), "%s: %.*s: %s: %s", option,
                     STR_ARG(str_safe(s->arena, file, 200, true)), why, consequence);
}

static void check_mailer(const struct survey *s)
{
    static const char option[] = "reports.mailer";
    static const char nothing_goes_out[] =
        "reports cannot be handed over: name the sendmail(1) of this host, or smtp://HOST:PORT";
    struct str mailer = s->conf->reports_mailer;
    const char *wrong = mailer_problem(mailer);
    if (!s->conf->reports_send && !place_of(s, option).file)
        return;
    if (!wrong && str_starts(mailer, STR("/")))
        wrong = trouble_with_file(s, mailer, X_OK);
    warn_of_file(s, option, mailer, wrong, nothing_goes_out);
}

/* A file in MaxMind's format is read, too. */
static void check_addresses_file(const struct survey *s, const char *option, struct str file,
                                 bool is_maxmind, const char *consequence)
{
    const char *why = trouble_with_file(s, file, R_OK);
    if (!why && is_maxmind)
        (void)mmdb_open(file, s->arena, &why);
    warn_of_file(s, option, file, why, consequence);
}

/* The default file may be missing: it belongs to a package that need not be there. */
static void check_country_file(const struct survey *s)
{
    static const char option[] = "reports.country-file", unknown[] = "countries stay unknown";
    struct str file = s->conf->reports_country_file;
    bool is_maxmind = str_ends_nocase(file, STR(".mmdb"));
    if (!place_of(s, option).file)
        return;
    check_addresses_file(s, option, file, is_maxmind, unknown);
    if (!is_maxmind)
        check_addresses_file(s, option, str_printf(s->arena, "%.*s6", STR_ARG(file)), false,
                             "countries of IPv6 addresses stay unknown");
}

static void check_reports(const struct survey *s)
{
    check_mailer(s);
    check_country_file(s);
    if (s->conf->reports_network_file.n)
        check_addresses_file(s, "reports.network-file", s->conf->reports_network_file, true,
                             "autonomous systems stay unknown");
}

/* --- Names and networks ------------------------------------------------------------------------*/

static void check_loopback(const struct survey *s)
{
    static const struct str loopback[] = {STR_INIT("127.0.0.1"), STR_INIT("::1")};
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
        struct netaddr address;
        if (netaddr_parse(loopback[i], &address) &&
            !netset_has(&s->conf->trusted_networks, &address))
            conf_problem(s->warnings, place_of(s, "trusted-networks"),
                         "trusted-networks: %s is not in it: mail that programs of this host send "
                         "by SMTP is judged like a stranger's, and not signed",
                         loopback[i].p);
    }
}

static void check_authserv_id(const struct survey *s)
{
    struct str id = s->conf->authserv_id;
    if (str_eq(id, STR("localhost")) || str_starts(id, STR("localhost.")) ||
        str_ends_nocase(id, STR(".localhost")))
        conf_problem(s->warnings, place_of(s, "authserv-id"),
                     "authserv-id: \"%.*s\" is the name of every host: others write it too; set "
                     "authserv-id to the full name of this one",
                     STR_ARG(str_safe(s->arena, id, 100, true)));
}

/* What does nothing until another option turns it on, which is not set: most likely forgotten. */
static void check_idle(const struct survey *s)
{
    static const struct {
        const char *option, *wants, *as;
    } idle[] = {
        {"sender.on-unknown-domain", "sender.mode", "enforce"},
        {"sender.on-null-mx", "sender.mode", "enforce"},
        {"sender.on-no-address", "sender.mode", "enforce"},
        {"client.on-iprev-fail", "client.iprev", "check"},
        {"greylist.delay", "greylist.mode", "enforce"},
        {"greylist.window", "greylist.mode", "enforce"},
        {"greylist.lifetime", "greylist.mode", "enforce"},
        {"greylist.at", "greylist.mode", "enforce"},
        {"greylist.ipv4-prefix", "greylist.mode", "enforce"},
        {"greylist.ipv6-prefix", "greylist.mode", "enforce"},
        {"arc.sealing-domain", "arc.mode", "seal"},
    };
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        struct conf_place place = place_of(s, idle[i].option);
        if (place.file && !place_of(s, idle[i].wants).file)
            conf_problem(s->warnings, place,
                         "%s: does nothing as long as %s is not set, as to \"%s\"", idle[i].option,
                         idle[i].wants, idle[i].as);
    }
}

static void check_lists(const struct survey *s)
{
    for (size_t i = 0; i < s->conf->n_lists; i++) {
        const struct conf_list *list = &s->conf->lists[i];
        if (list->known && list->known->gone)
            conf_problem(s->warnings, list->place,
                         "dnsbl.lists: %.*s %s: it is not asked; take it out", STR_ARG(list->label),
                         list->known->gone);
    }
}

/* --- Secrets in the configuration -------------------------------------------------------------*/

static void check_secret(const struct survey *s, const char *option, struct conf_place place)
{
    struct stat st;
    struct strbuf b;
    if (!place.file || stat(place.file, &st) || !(st.st_mode & 0004))
        return;
    sb_init(&b, s->arena);
    sb_printf(&b, "%s: others can read the secret in it (mode %04o)", option,
              (unsigned)st.st_mode & 07777);
    repair_key(&b, &s->reader, place.file, &st);
    conf_problem(s->warnings, place, "%.*s", STR_ARG(sb_str(&b)));
}

/* What `assay config show` masks. */
static void check_secrets(const struct survey *s)
{
    const struct conf *conf = s->conf;
    bool in_state = false;
    for (size_t i = 0; i < conf->n_state_servers; i++)
        in_state = in_state || conf->state_servers[i].password.n;
    if (in_state)
        check_secret(s, "state", place_of(s, "state"));
    if (!str_eq(conf_store_masked(s->arena, conf->store), conf->store))
        check_secret(s, "store", place_of(s, "store"));
    for (size_t i = 0; i < conf->n_lists; i++)
        if (conf->lists[i].public_zone.n < conf->lists[i].asked.zone.n) {
            check_secret(s, "dnsbl.lists", conf->lists[i].place);
            break;
        }
}

/* --- Reading again -----------------------------------------------------------------------------*/

/* A reload reads the files as the user that the daemon has become. */
static void check_reload(const struct survey *s, const char *path)
{
    struct conf_problems found;
    struct str problem;
    if (!s->user.change || !s->can_be_user || !identity_enter(&s->user, &problem, s->arena))
        return;
    conf_problems_init(&found, s->arena);
    conf_free(conf_load(path, &found));
    identity_leave(&s->user);
    for (size_t i = 0; i < found.n; i++)
        conf_problem(s->warnings, (struct conf_place){0}, "a reload, as user %s, fails: %.*s",
                     s->reader.name, STR_ARG(found.v[i]));
}

static void check_store(const struct survey *s)
{
    const char *problem = rows_unusable(memory_rows_path(s->conf, s->arena));
    if (problem)
        conf_problem(s->problems, place_of(s, "store"), "store: %s", problem);
}

/* What was noticed when the text was read. */
static void tell_doubts(const struct survey *s)
{
    for (size_t i = 0; i < s->conf->doubts.n; i++)
        conf_problem(s->warnings, (struct conf_place){0}, "%.*s", STR_ARG(s->conf->doubts.v[i]));
}

void surroundings_check_names(const struct conf *conf, struct conf_problems *warnings)
{
    struct survey s = {.conf = conf, .arena = warnings->arena, .warnings = warnings};
    tell_doubts(&s);
    check_loopback(&s);
    check_authserv_id(&s);
    check_lists(&s);
    check_idle(&s);
    doors_check(conf, warnings);
}

void surroundings_check(const struct conf *conf, const char *path, struct conf_problems *problems,
                        struct conf_problems *warnings)
{
    struct survey s = {
        .conf = conf, .arena = problems->arena, .problems = problems, .warnings = warnings};
    struct str problem;
    if (!identity_find(conf->user, s.arena, &s.user, &problem))
        return; /* that was said when the keys were loaded */
    s.can_be_user = !s.user.change || geteuid() == 0;
    key_reader_init(&s.reader, conf, s.arena);
    check_sockets(&s);
    if (conf->pid_file.p)
        check_directory_of(&s, "pid-file", conf->pid_file);
    check_key_directories(&s);
    check_state_dir(&s);
    doors_check_addresses(conf, warnings);
    check_reports(&s);
    check_store(&s);
    check_secrets(&s);
    surroundings_check_names(conf, warnings);
    check_reload(&s, path);
}
