/* Lines of a twin's export into a store. Whatever they are, nothing is stored by half. */
#include "fuzz.h"

#include <unistd.h>

#include "report/in/exchange.h"

static struct received *store;
static char dir[] = "/tmp/assay-fuzz-XXXXXX", path[64];

static void end_store(void)
{
    received_close(store);
    unlink(path);
    snprintf(path, sizeof path, "%s/received.db-wal", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/received.db-shm", dir);
    unlink(path);
    rmdir(dir);
}

static void begin_store(void)
{
    struct arena *a = arena_new(0);
    struct str problem;
    require(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/received.db", dir);
    store = received_open(str_of(path), a, &problem);
    require(store != NULL);
    atexit(end_store);
    arena_free(a);
}

static bool see_report(void *rows, const struct received_report *report)
{
    *(uint64_t *)rows += report->records;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct import_counts counts = {0};
    struct str rest = fuzz_text(data, size);
    enum exchange_result result = EXCHANGE_GOES_ON;
    uint64_t rows = 0;
    if (!store)
        begin_store();
    require(received_begin(store));
    struct exchange *x = exchange_begin(store, &counts, a);
    while (rest.n && (result == EXCHANGE_GOES_ON || result == EXCHANGE_BETWEEN)) {
        size_t end = str_find(rest, 0, '\n');
        result = exchange_line(x, str_sub(rest, 0, end));
        rest = str_sub(rest, end + 1, rest.n);
        require(result != EXCHANGE_FAILED && (result != EXCHANGE_WRONG || exchange_problem(x)));
    }
    require(exchange_end(x));
    const struct received_wanted wanted = {0};
    require(received_each(store, &wanted, see_report, &rows));
    require(rows == counts.rows);
    received_undo(store);
    arena_free(a);
    return 0;
}
