/* override_threads.c - libmilter's threads: it ends on no signal, and no command has to wait until
 * a worker has done its waiting.
 *
 * libmilter leaves a command to an idle worker if it counts one, and counts a worker as idle until
 * it has woken up. Of two commands that come at once upon one idle worker, one is left to nobody
 * until some worker ends what it does - and that may be waiting, for DNS or for the rest of a
 * packet. Here such a command is noticed, since the signal for it finds all idle workers signalled
 * already; and a worker that goes to wait then starts another one, which looks for commands. One
 * that only computes does not: a thread for each such command costs a busy filter a tenth of its
 * CPU. The counts are guarded by libmilter's own mutex, which it holds wherever it waits and
 * signals.
 *
 * Errors: those of the functions they stand for. Where no thread can be had the command waits for
 * the end of another one. */
#include "milter/daemon/override.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

typedef void *thread_fn(void *);

static struct {
    int (*create)(pthread_t *, const pthread_attr_t *, thread_fn *, void *);
    int (*init)(pthread_cond_t *, const pthread_condattr_t *);
    int (*timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    int (*signal)(pthread_cond_t *);
} libc;

static _Atomic(pthread_cond_t *) idle_workers; /* what they wait for */
static _Atomic(thread_fn *) worker;
static unsigned idle, signalled;
static atomic_bool left; /* perhaps a command is: no worker has looked for one in vain since then */

/* libmilter runs a thread that waits for HUP, TERM and INT, and ends the filter on each of them: a
 * SIGHUP that finds the main thread busy would stop the daemon. Here it waits for ever. */
int sigwait(const sigset_t *set, int *sig)
{
    (void)set, (void)sig;
    for (;;)
        pause();
}

static void find_all(void)
{
    override_find("pthread_create", &libc.create);
    override_find("pthread_cond_init", &libc.init);
    override_find("pthread_cond_timedwait", &libc.timedwait);
    override_find("pthread_cond_signal", &libc.signal);
}

static void need_libc(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_all);
}

/* --- What is libmilter's -----------------------------------------------------------------------*/

static bool of_libmilter(const void *address)
{
    Dl_info theirs, found;
    return dladdr(dlsym(RTLD_DEFAULT, "smfi_main"), &theirs) && dladdr(address, &found) &&
           found.dli_fbase == theirs.dli_fbase;
}

/* Of its threads only workers are more than one, and it begins with two of them. */
static void look_for_worker(thread_fn *run)
{
    static _Atomic(thread_fn *) last;
    void *address;
    memcpy(&address, &run, sizeof address);
    if (of_libmilter(address) && atomic_exchange(&last, run) == run)
        atomic_store(&worker, run);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_fn *run, void *arg)
{
    need_libc();
    if (!atomic_load_explicit(&worker, memory_order_relaxed))
        look_for_worker(run);
    return libc.create(thread, attributes, run, arg);
}

/* libmilter has one condition. */
int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    need_libc();
    if (!atomic_load_explicit(&idle_workers, memory_order_relaxed) && of_libmilter(condition))
        atomic_store(&idle_workers, condition);
    return libc.init(condition, attributes);
}

/* --- Idle workers ------------------------------------------------------------------------------*/

bool override_command_left(void)
{
    return atomic_load_explicit(&left, memory_order_relaxed);
}

/* There may be more commands than the one that it finds: it gives way as well. */
static void *look_for_command(void *unused)
{
    atomic_store(&left, true);
    return atomic_load(&worker)(unused);
}

/* Of all that go to wait one starts a worker. */
void override_give_way(void)
{
    static struct log_pace pace;
    unsigned held_back;
    pthread_t thread;
    if (!atomic_load(&worker) || !override_command_left() || !atomic_exchange(&left, false))
        return;
    if (!libc.create(&thread, NULL, look_for_command, NULL))
        return;
    atomic_store(&left, true);
    if (log_pace(&pace, &held_back))
        log_warning("no thread for a command of the MTA, which waits until another one has ended");
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *end)
{
    need_libc();
    if (condition != atomic_load_explicit(&idle_workers, memory_order_relaxed)) {
        override_give_way();
        return libc.timedwait(condition, mutex, end);
    }
    atomic_store_explicit(&left, false, memory_order_relaxed);
    idle++;
    int status = libc.timedwait(condition, mutex, end);
    idle--;
    if (signalled) /* by whatever it was woken: it looks for one command now */
        signalled--;
    return status;
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    need_libc();
    if (condition == atomic_load_explicit(&idle_workers, memory_order_relaxed)) {
        if (signalled < idle)
            signalled++;
        else
            atomic_store_explicit(&left, true, memory_order_relaxed);
    }
    return libc.signal(condition);
}
