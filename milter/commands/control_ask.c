/* control_ask.c - asks the running daemon.
 *
 * Errors: an errno. */
#include "milter/commands/control_ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_S  10         /* for a part of the answer */
#define PATIENCE_US 30000000   /* for all of it */
#define ANSWER_MAX  (4U << 20) /* bytes; who may make the socket may not have all our memory */

static int read_answer(int fd, struct arena *a, struct str *answer)
{
    char block[16384];
    struct strbuf b;
    ssize_t n;
    int64_t end = clock_us() + PATIENCE_US;
    sb_init(&b, a);
    while ((n = read(fd, block, sizeof block)) > 0 && b.n <= ANSWER_MAX && clock_us() < end)
        sb_add(&b, (struct str){block, (size_t)n});
    if (n != 0 && clock_us() >= end)
        return ETIMEDOUT;
    if (n < 0)
        return errno;
    if (b.n > ANSWER_MAX)
        return EMSGSIZE;
    *answer = sb_str(&b);
    return answer->n ? 0 : EACCES; /* it closed without a word: we may not ask */
}

int control_ask(struct str path, const char *question, struct arena *a, struct str *answer)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.n >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, path.p, path.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    bool sent = !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) &&
                !connect(fd, (const struct sockaddr *)&address, sizeof address) &&
                send(fd, question, strlen(question), MSG_NOSIGNAL) >= 0;
    int problem = sent ? read_answer(fd, a, answer) : errno;
    close(fd);
    return problem;
}
